"""Streams that go on where a kill stopped them: each row once, in order where asked.

    MTFLIGHT_KILLS=500 .venv/bin/python -m pytest testdata/tests/test_resume.py -s      how many kills are lived through
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
import tables

from conftest import BINARY, CLONE

PACKAGE = CLONE / "examples" / "python"
sys.path.insert(0, str(PACKAGE))

import mtflight  # noqa: E402

KILLS = int(os.environ.get("MTFLIGHT_KILLS", "14"))
ROWS, START = 60_000, 77


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A table of ids in chunks that no block of the tests divides."""
    at = tmp_path_factory.mktemp("resume")
    rows = np.zeros(ROWS, [("id", "i8"), ("noise", "f8", (40,))])
    rows["id"], rows["noise"] = np.arange(ROWS), np.random.default_rng(2).random((ROWS, 40))
    with tables.open_file(at / "t.h5", "w", filters=tables.Filters(1, "zlib")) as f:
        f.create_table("/", "t", rows, chunkshape=(1111,))
    return at


class Mortal:
    """A server at a fixed place that is killed, and started again, while a stream of it is read."""

    def __init__(self, folder: Path, socket: Path):
        self._command = [BINARY, "serve", "--listen", f"grpc+unix://{socket}", "--log-level", "error", folder]
        self.location, self.kills, self._random = f"grpc+unix://{socket}", 0, random.Random(3)
        self._process = self._start()

    def _start(self) -> subprocess.Popen:
        process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)
        assert process.stdout.readline()
        return process

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()
        self.kills += 1
        self._process = self._start()

    @contextlib.contextmanager
    def dying(self):
        """Kills at random times, a few milliseconds to some tenths of a second apart."""
        ended = threading.Event()

        def run():
            while not ended.wait(self._random.expovariate(8)):
                self.kill()

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def killed_between(self, batches):
        """Gives the batches, and kills when some of them, by chance, have come."""
        for batch in batches:
            yield batch
            if self._random.random() < 0.07:
                time.sleep(self._random.random() * 0.01)
                self.kill()

    def stop(self) -> None:
        self._process.terminate()
        assert self._process.wait(30) == 0
        self._process.stdout.close()


@pytest.fixture
def serve(tmp_path):
    """Starts such a server of a folder; it is stopped at the end."""
    servers = []

    def run(folder):
        servers.append(Mortal(folder, tmp_path / "s"))
        return servers[0]

    yield run
    servers[0].stop()


IDS = np.arange(ROWS)
CHOSEN = IDS[IDS % 7 != 3]
REQUESTS = [  # members of the request, what comes, and whether in that order
    ({"start": START}, IDS[START:], True),
    ({"start": START, "batch_rows": 500}, IDS[START:], True),
    ({"start": START, "parallel": 3}, IDS[START:], False),
    ({"where": "id % 7 != 3", "stream": {"block_rows": 700}}, CHOSEN, True),
    ({"stream": {"ordered": False, "block_rows": 300}}, IDS, False),
    ({"stream": {"ordered": False, "cyclic": True, "cycles": 2, "block_rows": 777}}, np.tile(IDS, 2), False),
    ({"stream": {"shuffle": 5, "cyclic": True, "cycles": 2, "block_rows": 400}}, np.tile(IDS, 2), None),
    ({"stream": {"shuffle": 5, "shuffle_rows": True, "block_rows": 640, "ordered": False}}, IDS, False),
]


def test_killed_servers(serve, folder, monkeypatch):
    """A scan goes on with the next server, after any number of kills; counted are those after which it had come further."""
    mortal, done, resumed, asked = serve(folder), 0, 0, set[int]()
    get = mtflight.Connection.do_get
    monkeypatch.setattr(mtflight.Connection, "do_get", lambda self, r: asked.add(r["stream"]["from_block"]) or get(self, r))
    with mtflight.connect(mortal.location) as connection:
        table = connection.table("t.h5", "/t")
        shuffled = [table.scan(["id"], **members).read_all()["id"].to_numpy() if ordered is None else want
                    for members, want, ordered in REQUESTS]
        while resumed < KILLS or done < len(REQUESTS):
            asked.clear()
            members, want, ordered = REQUESTS[done % len(REQUESTS)]
            reader = table.scan(["id", "noise"], retries=1000, **members)
            got = np.concatenate([b["id"].to_numpy() for b in mortal.killed_between(reader)])
            if ordered is False:
                got, want = np.sort(got), np.sort(want)
            np.testing.assert_array_equal(got, shuffled[done % len(REQUESTS)] if ordered is None else want)
            done, resumed = done + 1, resumed + len(asked - {0})
    print(f"{resumed} times resumed after {mortal.kills} kills of the server in {done} scans")


def test_a_replica_goes_on(start, folder, tmp_path):
    """Also for who reads one stream, of a server that does not come back."""
    replica, home = start(folder), f"grpc+unix://{tmp_path}/home"
    server = start(folder, listen=home, args=("--advertise", home, "--advertise", replica.location))
    with mtflight.connect(home) as connection:
        table = connection.table("t.h5", "/t")
        for members, want in (({"batch_rows": 500}, IDS), ({"coordinates": IDS[::-1].copy()}, IDS[::-1])):
            batches = iter(table.scan(["id", "noise"], **members))
            got = [next(batches)["id"].to_numpy()]
            if server.process.poll() is None:
                server.process.kill()
                server.process.wait()
            got += [b["id"].to_numpy() for b in batches]
            np.testing.assert_array_equal(np.concatenate(got), want)
            server = start(folder, listen=home, args=("--advertise", home, "--advertise", replica.location))


CLIENT = """
import json, sys
import mtflight
location, log, stream = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
try:
    come = {json.loads(line)["block"] for line in open(log)}
except FileNotFoundError:
    come = set()
while stream.setdefault("from_block", 0) in come:
    stream["from_block"] += 1
connection = mtflight.connect(location)
out = open(log, "a")
for chunk in connection.do_get({"file": "t.h5", "dataset": "/t", "fields": ["id"], "stream": stream}):
    block = json.loads(chunk.app_metadata.to_pybytes())["block"]
    if block not in come:
        out.write(json.dumps({"block": block, "ids": chunk.data["id"].to_pylist()}) + "\\n")
        out.flush()
print("end", flush=True)
"""


def whole_lines(log: Path) -> None:
    """Drops a last line that was cut off by the kill."""
    if log.exists():
        data = log.read_bytes()
        log.write_bytes(data[:data.rfind(b"\n") + 1])


@pytest.mark.parametrize("stream", [{"block_rows": 250}, {"block_rows": 250, "ordered": False}, {"block_rows": 250, "shuffle": 4}])
def test_killed_clients(start, folder, tmp_path, stream):
    """A client that notes the numbers of the blocks it has goes on after its own end."""
    server, chance, kills = start(folder), random.Random(9), 0
    log = tmp_path / "log"
    while kills < max(1, KILLS // 6):
        log.unlink(missing_ok=True)
        ended = False
        while not ended:
            client = subprocess.Popen([sys.executable, "-W", "ignore", "-c", CLIENT, server.location, log, json.dumps(stream)],
                                      stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(PACKAGE)})
            size = log.stat().st_size if log.exists() else 0
            while client.poll() is None and (not log.exists() or log.stat().st_size == size):
                time.sleep(0.001)
            time.sleep(chance.random() * 0.03)
            client.send_signal(signal.SIGKILL)
            ended = client.communicate()[0] == "end\n"
            kills += client.returncode == -signal.SIGKILL
            whole_lines(log)
        lines = [json.loads(line) for line in log.open()]
        got = np.concatenate([line["ids"] for line in lines])
        if "shuffle" not in stream and stream.get("ordered", True):
            np.testing.assert_array_equal(got, IDS)
        np.testing.assert_array_equal(np.sort(got), IDS)
    print(f"{kills} kills of the client")


def test_killed_while_following(serve, tmp_path):
    """Every row that a SWMR writer appends comes once, in order, though the server is killed meanwhile."""
    total, step = 40 * max(10, KILLS), 40
    folder = tmp_path / "data"
    folder.mkdir()
    with h5py.File(folder / "f.h5", "w", libver="latest") as f:
        d = f.create_dataset("x", (0,), maxshape=(None,), chunks=(64,), dtype="i8")
        f.swmr_mode = True
        server, got = serve(folder), list[np.ndarray]()

        def follow():
            with mtflight.connect(server.location) as connection:
                stream = {"follow": True, "block_rows": 8}
                for batch in connection.table("f.h5", "/x").scan(stream=stream, retries=1000):
                    got.append(batch["x"].to_numpy().copy())
                    if 8 * len(got) == total:
                        return

        follower = threading.Thread(target=follow)
        follower.start()
        with server.dying():
            for at in range(0, total, step):
                d.resize((at + step,))
                d[at:] = np.arange(at, at + step)
                d.flush()
                time.sleep(0.05)
        follower.join(300)
        assert not follower.is_alive()
    np.testing.assert_array_equal(np.concatenate(got), np.arange(total))
    print(f"{server.kills} kills of the server while {total} rows were appended")


def test_batches_without_a_promise_are_not_resumed(start, tmp_path):
    """What a follower without block_rows gets depends on when it asks: it is told of the lost connection."""
    folder = tmp_path / "data"
    folder.mkdir()
    with h5py.File(folder / "f.h5", "w") as f:
        f.create_dataset("x", data=np.arange(100), maxshape=(None,), chunks=(64,))
    server = start(folder)
    batches = iter(mtflight.connect(server.location).table("f.h5", "/x").scan(stream={"follow": True}))
    next(batches)
    server.process.kill()
    with pytest.raises(ConnectionError):
        next(batches)
