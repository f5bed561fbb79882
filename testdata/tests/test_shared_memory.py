"""Large results come through shared memory by themselves where the server is on this host, equal to what comes over the connection, and
leave nothing behind."""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pytest

from conftest import CLONE

sys.path.insert(0, str(CLONE / "examples" / "python"))

import mtflight  # noqa: E402
from mtflight._internal.arrow import staged  # noqa: E402

N = 1 << 20
ROW = np.dtype([("id", "i8"), ("x", "f4"), ("name", "S4"), ("flag", "?")])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("large")
    with h5py.File(folder / "large.h5", "w") as f:
        f.create_dataset("array", data=np.arange(3 * N, dtype="f8").reshape(-1, 3), chunks=(4096, 3), compression=1)
        table = np.zeros(N, ROW)
        table["id"], table["x"], table["name"] = np.arange(N), 1, np.array([b"mu", b"pi"])[np.arange(N) % 2]
        f.create_dataset("table", data=table, chunks=(4096,))
    return folder


@pytest.fixture
def serve(start, folder):
    """Servers of the folder; each has a folder of its own for what it stages."""
    made = []

    def run(*args, listen="grpc://127.0.0.1:0"):
        made.append(start(folder, args=args, listen=listen))
        return made[-1]

    yield run
    for server in made:
        if server.process.poll() is None:
            server.stop()


@pytest.fixture
def mappings(monkeypatch):
    """Sizes of what was mapped."""
    sizes, mapped = [], staged._mapped
    monkeypatch.setattr(staged, "_mapped", lambda path, size: sizes.append(size) or mapped(path, size))
    return sizes


def files(folder: Path) -> list[Path]:
    """What is staged: files without a server's lock and folders."""
    return [p for p in folder.rglob("*") if p.is_file() and p.name != "lock" and p.stat().st_size]


@pytest.mark.parametrize("listen", ["grpc://127.0.0.1:0", "grpc+unix://{}/s"])
@pytest.mark.parametrize("dataset", ["/array", "/table"])
def test_equal_and_nothing_left(serve, tmp_path, mappings, monkeypatch, listen, dataset):
    stage = tmp_path / "stage"
    stage.mkdir(mode=0o700)
    server = serve("--stage-dir", stage, listen=listen.format(tmp_path))
    with mtflight.connect(server.location) as connection:
        table = connection.table("large.h5", dataset)
        got = table.to_arrow(), table.to_numpy(), table[:], table.to_arrow(["id"] if dataset == "/table" else None, step=-1)
        assert len(mappings) == 4 and min(mappings) > 4 << 20
        small = table.to_arrow(limit=9), table.to_arrow(start=0, stop=N - 1, parallel=2), table[:5]
        assert len(mappings) == 4 and len(small[2]) == 5
        assert connection.shares_memory
        monkeypatch.setattr(connection, "shares_memory", False)
        other = table.to_arrow(), table.to_numpy(), table[:], table.to_arrow(["id"] if dataset == "/table" else None, step=-1)
        assert len(mappings) == 4
        for a, b in zip(got, other):
            assert a.equals(b, check_metadata=True) if isinstance(a, pa.Table) else a.dtype == b.dtype and a.tobytes() == b.tobytes()
        assert len(got[0].to_batches()) > 1 and not got[1].flags.owndata  # a table's batches are as ever, an array is not copied
        rows = got[1]
        rows[...] = rows[0]  # it is the program's own
        assert table.to_arrow().equals(other[0])
        assert 0 < len({line.split()[-1] for line in mappings_of(stage)}) <= 4  # of what is still there
        del got, rows, a, b
        gc.collect()
        assert not mappings_of(stage)
    assert server.stop() == 0 and not files(stage)


def mappings_of(folder: Path) -> list[str]:
    """This process's mappings of files in a folder."""
    return [line for line in Path("/proc/self/maps").read_text().splitlines() if str(folder) in line]


def test_without_stages_it_comes_by_the_connection(serve, mappings):
    for args in (("--stage-dir", ""), ("--stage-memory", "1MiB")):
        server = serve(*args)
        with mtflight.connect(server.location) as connection:
            assert (connection.table("large.h5", "/array")[:, 0] == np.arange(N) * 3).all()
            assert connection.table("large.h5", "/table").to_arrow().num_rows == N
            assert connection.shares_memory == (args[0] == "--stage-memory")
    assert mappings == []


def test_a_path_of_another_host(serve, monkeypatch):
    """As by way of a tunnel: what the server names is not here. Its lease is given back all the same."""
    released, server = [], serve()
    with mtflight.connect(server.location) as connection:
        action = connection.action

        def elsewhere(name, body, seconds=None):
            for answer in action(name, body, seconds):
                released.append(name) if name == "release" else None
                yield {**answer, "path": "/nonexistent"} if name == "stage" else answer

        monkeypatch.setattr(connection, "action", elsewhere)
        for _ in range(2):
            assert connection.table("large.h5", "/table").to_numpy().shape == (N,)
        assert released == ["release"] and not connection.shares_memory


def test_little_room_is_left_to_others(serve, mappings, monkeypatch):
    monkeypatch.setattr(staged, "_free", lambda: 4 * (24 * N - 1))
    with mtflight.connect(serve().location) as connection:
        assert connection.table("large.h5", "/array").to_numpy().shape == (N, 3)
    assert mappings == []


def test_errors_are_those_of_the_connection(serve):
    with mtflight.connect(serve().location) as connection:
        with pytest.raises(KeyError, match="nope"):
            connection.table("large.h5", "/table").to_arrow(["nope"])
        with pytest.raises(FileNotFoundError):
            connection.table("other.h5", "/table").to_numpy()


@pytest.mark.parametrize(("location", "here"), [("grpc://127.0.0.1:1", True), ("grpc://localhost:1", True), ("grpc://[::1]:1", True), ("grpc+unix:///s", True),
                                                ("grpc://127.0.0.1.example.org:1", False), ("grpc://host:1", False), ("grpc+tls://localhost:1", False)])
def test_this_host(location, here):
    assert bool(staged._THIS_HOST.match(location)) == here
