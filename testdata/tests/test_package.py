"""The Python package: its private server's life, locations, Arrow's calls, lost connections, installing it."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
import types
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest
import tables

from conftest import CLONE, TESTDATA

PACKAGE = CLONE / "examples" / "python"
sys.path.insert(0, str(PACKAGE))

import mtflight  # noqa: E402

TABLES = str(TESTDATA / "tables.h5")


def program(text: str, **options) -> subprocess.Popen:
    """Starts a Python program that can import the package."""
    return subprocess.Popen([sys.executable, "-W", "ignore", "-c", textwrap.dedent(text)], stdout=subprocess.PIPE, text=True,
                            env={**os.environ, "PYTHONPATH": str(PACKAGE)}, **options)


READS = f"""
    import mtflight, mtflight._internal.transport.server as private
    reader = mtflight.Reader({TABLES!r})
    t = reader.get_dataset("/events")
    assert len(reader.request(t[:9], t.create_stage(9)).get()) == 9
    print(next(iter(private._running.values())).process.pid, next(iter(private._running.values())).socket, flush=True)
"""


def gone(pid: int, seconds: float = 120) -> bool:
    """Whether a process, not our child, ends in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


def test_server_ends_with_the_program():
    p = program(READS)
    pid, path = p.stdout.readline().split()
    assert p.wait(120) == 0 and gone(int(pid)) and not Path(path).exists()


def test_server_ends_with_an_exception():
    p = program(READS + "    queue = mtflight.Streamer(" + repr(TABLES) + ").get_queue('/events', cyclic=True)\n    queue.get()\n"
                "    raise SystemExit(3)\n")
    pid, path = p.stdout.readline().split()
    assert p.wait(120) == 3 and gone(int(pid)) and not Path(path).exists()


def test_server_ends_after_a_crash():
    p = program(READS + "    import os, signal; os.kill(os.getpid(), signal.SIGKILL)\n")
    pid, path = p.stdout.readline().split()
    assert p.wait(120) == -signal.SIGKILL and gone(int(pid)) and not Path(path).exists()


def test_server_survives_the_thread_that_started_it():
    p = program(f"""
        import threading, time, mtflight
        t = threading.Thread(target=lambda: mtflight.Reader({TABLES!r}).get_dataset("/events"))
        t.start(); t.join(); time.sleep(0.3)
        print(mtflight.Reader({TABLES!r}).get_dataset("/blosc").shape)
    """)
    assert p.stdout.read() == "(2000,)\n" and p.wait(120) == 0


def test_forked_children_are_told():
    """A child forked after the first use gets an exception, where gRPC would hang, and harms neither parent nor server."""
    p = program(READS + f"""
    import os
    child = os.fork()
    if child == 0:
        for use in (lambda: mtflight.Streamer({TABLES!r}).get_remainder("/events", 4999), lambda: reader.get_dataset("/blosc")):
            try:
                use()
            except RuntimeError as e:
                print("spawn" in str(e), flush=True)
        raise SystemExit(5)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 5
    assert len(reader.request(t[:9], t.create_stage(9)).get()) == 9
    print("alive")
""")
    pid, _ = p.stdout.readline().split()
    try:
        assert p.communicate(timeout=120)[0] == "True\nTrue\nalive\n" and p.returncode == 0
    finally:
        p.kill()
    assert gone(int(pid))


def test_children_forked_before_the_first_use():
    p = program(f"""
        import os, mtflight
        child = os.fork()
        shape = mtflight.Streamer({TABLES!r}).get_remainder("/events", 4999).shape
        os.write(1, b"%r\\n" % (shape,))  # in one piece: print writes the end of the line by itself
        if child:
            os.waitpid(child, 0)
    """)
    try:
        assert p.communicate(timeout=120)[0] == "(1,)\n(1,)\n"
    finally:
        p.kill()


def test_one_server_for_all_files():
    p = program(f"""
        import mtflight, mtflight._internal.transport.server as private
        pids = set()
        for file, path in (({TABLES!r}, "/events"), ({str(TESTDATA / "arrays.h5")!r}, "/cube")):
            mtflight.Reader(file).get_dataset(path)
            pids.add(next(iter(private._running.values())).process.pid)
        print(len(pids))
    """)
    assert p.stdout.read() == "1\n" and p.wait(120) == 0


def test_which_binary(tmp_path, monkeypatch):
    """That of MTFLIGHT_BIN, else of the installation, of which a stranger's on PATH may not take the place, else of PATH."""
    from mtflight._internal.transport import server as private

    def program(folder):
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "mtflight"
        path.write_text("#!/bin/sh\n")
        path.chmod(0o755)
        return str(path)

    monkeypatch.setenv("MTFLIGHT_BIN", str(tmp_path / "none"))
    with pytest.raises(FileNotFoundError, match="MTFLIGHT_BIN"):
        private.binary()
    monkeypatch.delenv("MTFLIGHT_BIN")
    monkeypatch.setattr(private, "__file__", str(tmp_path / "env/lib/python3/site-packages/mtflight/_internal/transport/server.py"))
    monkeypatch.setenv("PATH", str(tmp_path / "elsewhere"))
    with pytest.raises(FileNotFoundError, match="client only"):
        private.binary()
    stranger = program(tmp_path / "elsewhere")
    assert private.binary() == stranger
    own = program(tmp_path / "env" / "bin")
    assert private.binary() == own
    monkeypatch.setenv("MTFLIGHT_BIN", stranger)
    assert private.binary() == stranger


def test_replicas(start, tmp_path):
    """Parallel parts come from where the server says that they are, or from another place if that is gone."""
    replica = start(TESTDATA)
    first = start(TESTDATA, args=("--advertise", replica.location, "--advertise", f"grpc+unix://{tmp_path}/gone"))
    with mtflight.connect(first.location) as connection:
        table = connection.table("tables.h5", "/events")
        assert table.to_arrow(["id", "t"], parallel=4).equals(table.to_arrow(["id", "t"]))
        assert connection.replica(replica.location) is connection.replica(replica.location)
    replica.stop()
    first.stop()
    assert replica.log.read_text().count('"DoGet"') == 4
    assert first.log.read_text().count('"DoGet"') == 1
    assert not connection._replicas


def test_locations(server, start, tmp_path):
    names = [f"{server.location}/tables.h5"]
    path = tmp_path / "s.sock"
    start(TESTDATA, listen=f"grpc+unix://{path}")
    names.append(f"grpc+unix://{path}/tables.h5")
    for name in names:
        reader = mtflight.Reader(name)
        t = reader.get_dataset("/events")
        assert t.shape == (5000,) and len(reader.request(t[:9], t.create_stage(9)).get()) == 9
        reader.close(wait=True)
        assert sum(1 for _ in mtflight.Streamer(name).get_generator("/events")) == 5000
    one = start(TESTDATA / "arrays.h5")
    assert mtflight.Reader(one.location).get_dataset("/cube").shape == (6, 5, 4)
    assert mtflight.Reader("tables.h5", location=server.location, root_uep="/deep").get_dataset("/er/particles").shape == (300,)
    with pytest.raises(ValueError, match="name one of the server's"):
        mtflight.Reader(server.location).get_dataset("/cube")
    with pytest.raises(FileNotFoundError):
        mtflight.Reader("grpc+unix:///no/socket/file.h5").get_dataset("/cube")
    with pytest.raises(FileNotFoundError, match="no such file"):
        mtflight.Reader(f"{server.location}/nope.h5").get_dataset("/cube")


@pytest.fixture
def table(server):
    with mtflight.connect(server.location) as connection:
        yield connection.table("tables.h5", "/events")


@pytest.fixture(scope="module")
def events():
    with tables.open_file(TABLES) as f:
        yield f.root.events[:]


def test_scan(table, events):
    reader = table.scan(columns=["id", "t"], where="energy > cut", variables={"cut": 1.5}, limit=100)
    assert isinstance(reader, pa.RecordBatchReader) and reader.schema.names == ["id", "t"]
    want = events[events["energy"] > 1.5][:100]
    assert reader.read_all().to_pydict() == {"id": want["id"].tolist(), "t": want["t"].tolist()}
    assert table.num_rows == 5000 and table.schema.names == list(events.dtype.names)
    assert table.to_arrow(["id"], start=10, stop=30, step=4)["id"].to_pylist() == events["id"][10:30:4].tolist()
    assert table.to_arrow(["id"], sort_by="id", limit=5)["id"].to_pylist() == np.sort(events["id"])[:5].tolist()


@pytest.mark.parametrize("parallel", [1, 3])
def test_parallel_parts_keep_their_order(table, events, parallel):
    assert table.to_arrow(["id"], parallel=parallel)["id"].to_pylist() == events["id"].tolist()
    got = table.scan(["id"], parallel=parallel).read_all()["id"].to_pylist()
    assert sorted(got) == sorted(events["id"].tolist())


def test_shuffled_rows(table, events):
    """Blocks are those of the shuffle alone, each with its rows in another order, the same for the same seed."""
    def blocks(**stream):
        return [b["id"].to_pylist() for b in table.scan(["id"], stream={"shuffle": 3, "block_rows": 700, **stream})]

    plain, mixed = blocks(), blocks(shuffle_rows=True)
    assert [sorted(b) for b in mixed] == [sorted(b) for b in plain] and all(m != p for m, p in zip(mixed, plain))
    assert blocks(shuffle_rows=True) == mixed and blocks(shuffle_rows=True, from_block=3) == mixed[3:]
    assert blocks(shuffle_rows=True, from_block=3, to_block=5) == mixed[3:5] and blocks(to_block=0) == [] and blocks(from_block=6, to_block=2) == []
    again = blocks(shuffle_rows=True, cyclic=True, from_block=6, to_block=19)
    assert again[:2] == mixed[6:] and sorted(sum(again[2:10], [])) == sorted(sum(mixed, [])) and again[2:10] != mixed
    assert table.to_arrow(["id"], stream={"cyclic": True, "block_rows": 700, "to_block": 10}).num_rows == 7000
    assert [b for b in blocks(shuffle_rows=True, shuffle=4)] != mixed
    with pytest.raises(ValueError, match="shuffle_rows needs the seed"):
        blocks(shuffle=None, shuffle_rows=True)
    with pytest.raises(mtflight.ResourceExhausted, match="choose smaller stream.block_rows"):
        blocks(shuffle_rows=True, block_rows=1 << 21)


def test_frames(table, events):
    columns = ["id", "t", "name", "pos"]
    assert table.to_pandas(columns, limit=50)["id"].tolist() == events["id"][:50].tolist()
    assert table.to_polars(columns, limit=50)["name"].to_list() == [n.decode() for n in events["name"][:50]]
    assert table.to_duckdb(where="id >= 0", database=duckdb.connect()).aggregate("count(*)").fetchall() == [(int((events["id"] >= 0).sum()),)]


def test_progress(table, monkeypatch):
    """tqdm is told of all rows; a stand-in for it, so that the package's own dependencies suffice here."""
    bars = []

    class Bar:
        def __init__(self, **options):
            self.options, self.rows = options, 0
            bars.append(self)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def update(self, rows):
            self.rows += rows

    monkeypatch.setitem(sys.modules, "tqdm", types.ModuleType("tqdm"))
    monkeypatch.setitem(sys.modules, "tqdm.auto", types.SimpleNamespace(tqdm=Bar))
    assert table.to_arrow(["id"], progress=True, parallel=2).num_rows == 5000
    assert sum(b.num_rows for b in table.scan(["id"], progress=True)) == 5000
    assert [(b.rows, b.options["total"]) for b in bars] == [(5000, 5000)] * 2


def test_errors(server, table):
    for read, kind, message in (
        (lambda: table.to_arrow(["nope"]), KeyError, "no column"), (lambda: table.scan(where="1 +"), ValueError, "condition"),
        (lambda: table.to_arrow(coordinates=[9999]), IndexError, "9999"),
        (lambda: mtflight.connect(server.location).table("no.h5", "/x").schema, FileNotFoundError, "no such file"),
        (lambda: mtflight.connect(server.location).table("tables.h5", "/x").num_rows, mtflight.NoSuchNodeError, "no such dataset"),
        (lambda: mtflight.connect("grpc://127.0.0.1:1").table("a", "/b").schema, ConnectionError, "connect"),
    ):
        with pytest.raises(kind, match=message):
            read()


class Cutter:
    """A TCP proxy that cuts each connection after so many bytes from the server, the first few times."""

    def __init__(self, location: str, after: int, times: int):
        host, port = location.removeprefix("grpc://").split(":")
        self._target, self._after, self.left, self.cuts = (host, int(port)), after, times, 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.location = f"grpc://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            client, _ = self._listener.accept()
            there = socket.create_connection(self._target)
            threading.Thread(target=self._pump, args=(client, there, None), daemon=True).start()
            threading.Thread(target=self._pump, args=(there, client, self._after), daemon=True).start()

    def _pump(self, source, sink, limit):
        passed = 0
        try:
            while data := source.recv(1 << 14):
                passed += len(data)
                if limit is not None and self.left > 0 and passed > limit:
                    self.left, self.cuts = self.left - 1, self.cuts + 1
                    break
                sink.sendall(data)
        except OSError:
            pass
        for s in (source, sink):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


@pytest.fixture(scope="module")
def large(tmp_path_factory, start):
    """A server of a table of 20 MB, and the table."""
    folder = tmp_path_factory.mktemp("large")
    rows = np.zeros(400_000, [("a", "i8"), ("b", "f8", (6,))])
    rows["a"] = np.arange(len(rows))
    with tables.open_file(folder / "large.h5", "w") as f:
        f.create_table("/", "t", rows)
    return start(folder), rows


def test_lost_connections_are_resumed(large):
    server, rows = large
    cutter = Cutter(server.location, 6 << 20, 2)
    with mtflight.connect(cutter.location) as connection:
        connection.shares_memory = False  # which nobody cuts
        got = connection.table("large.h5", "/t").to_arrow(["a", "b"])
    assert cutter.cuts == 2
    assert got["a"].to_numpy().tobytes() == rows["a"].tobytes()  # no row missing, none twice
    cutter = Cutter(server.location, 3 << 20, 1000)
    with pytest.raises(ConnectionError):
        mtflight.connect(cutter.location).table("large.h5", "/t").scan(batch_bytes=8 << 20, retries=2).read_all()


def test_pip_install(tmp_path):
    """The package builds and installs by itself; what is installed is typed and runs."""
    source = shutil.copytree(PACKAGE, tmp_path / "source", ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", tmp_path / "site", source]
    if builds_wheels():
        command.insert(4, "--no-build-isolation")
    subprocess.run(command, check=True, timeout=600)
    files = [{p.relative_to(site) for p in (site / "mtflight").rglob("*") if p.suffix in (".py", ".typed")} for site in (tmp_path / "site", PACKAGE)]
    assert files[0] == files[1]
    done = subprocess.run([sys.executable, "-c", "import mtflight; print(mtflight.__file__, mtflight.Streamer.Queue)"], text=True,
                          capture_output=True, env={**os.environ, "PYTHONPATH": str(tmp_path / "site")}, cwd=tmp_path, check=True)
    assert str(tmp_path) in done.stdout


def builds_wheels() -> bool:
    """Whether this environment has a setuptools that needs nothing else; pip fetches one otherwise."""
    try:
        return int(importlib.metadata.version("setuptools").split(".")[0]) >= 71
    except importlib.metadata.PackageNotFoundError:
        return False


def test_every_function_is_typed_and_described():
    """Public names carry annotations and a docstring."""
    import ast

    bare = []
    for path in sorted((PACKAGE / "mtflight").rglob("*.py")):
        tree = ast.parse(path.read_text())
        assert ast.get_docstring(tree), path
        assert len(path.read_text().splitlines()) <= 300, path
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                arguments = [a for a in [*node.args.args, *node.args.kwonlyargs] if a.arg not in ("self", "cls")]
                assert node.end_lineno - node.lineno < 40, (path, node.name)
                untyped = node.returns is None and node.name != "__init__"
                if node.name != "method" and (untyped or any(a.annotation is None for a in arguments)):
                    bare.append(f"{path.name}:{node.lineno} {node.name}")
    assert bare == []


@pytest.mark.parametrize("location", ["127.0.0.1:8815", "localhost", ""])
def test_what_is_no_location_names_the_form(location):
    with pytest.raises(ValueError, match=r"is no location: write grpc://HOST:PORT or grpc\+unix:///SOCKET"):
        mtflight.connect(location)


def test_messages_end_where_the_servers_do(tmp_path):
    (tmp_path / "x.h5").write_text("words")
    for ask in (lambda: mtflight.connect("grpc://127.0.0.1:1").table("x.h5", "/t").to_arrow(),
                lambda: mtflight.Reader(tmp_path / "x.h5").get_dataset("/t")):
        with pytest.raises(OSError) as refused:
            ask()
        assert not any(noise in str(refused.value) for noise in ("Detail:", "(request", "context"))
