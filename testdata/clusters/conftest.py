"""Three servers of one folder, each of which names all three, and what a test needs to count, delay and kill them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pytest
import tables

CLONE = Path(__file__).resolve().parents[2]
BINARY = CLONE / "bin" / "mtflight"
sys.path.insert(0, str(CLONE / "examples" / "python"))
os.environ["PYTHONPATH"] = str(CLONE / "examples" / "python")  # for workers
os.environ.setdefault("MTFLIGHT_BIN", str(BINARY))

ROWS, CHUNK = 240_000, 2000
SERVERS = 3


def make(folder: Path) -> None:
    """Files whose rows tell where they are from."""
    rng = np.random.default_rng(22)
    rows = np.zeros(ROWS, [("id", "i8"), ("run", "i4"), ("energy", "f4"), ("good", "?"), ("name", "S6"), ("pos", "f4", (3,)), ("noise", "f8", (8,))])
    rows["id"], rows["run"] = np.arange(ROWS), np.sort(rng.integers(0, 60, ROWS))
    rows["energy"], rows["noise"] = rng.exponential(10, ROWS), rng.random((ROWS, 8))
    rows["energy"][::97] = np.nan
    rows["good"], rows["pos"] = rng.random(ROWS) < .5, rng.random((ROWS, 3))
    rows["name"] = rng.choice(["mu", "e", "", "tau"], ROWS)
    with tables.open_file(folder / "events.h5", "w", filters=tables.Filters(1, "zlib")) as f:
        f.create_table("/", "events", rows, chunkshape=(CHUNK,))
    with h5py.File(folder / "arrays.h5", "w") as f:
        f.create_dataset("x", data=rng.random((30_000, 40)), chunks=(500, 40), compression=1)
        f["scalar"] = 7.5
        f.create_dataset("none", (0, 3), "i2", maxshape=(None, 3), chunks=(5, 3))
        kinds = h5py.enum_dtype({"mu": 3, "e": 5, "tau": 9}, "i1")
        mixed = np.zeros(9000, [("n", "i8"), ("kind", kinds), ("when", h5py.opaque_dtype("M8[ns]")), ("z", "c16"), ("text", h5py.string_dtype())])
        mixed["n"] = np.arange(9000) + 2**53
        mixed["kind"] = rng.choice([3, 5, 9, 7], 9000)  # 7 has no name: null
        mixed["when"] = np.where(rng.random(9000) < .2, np.datetime64("NaT"), np.datetime64("2024-01-01T00:00:00.000000001") + np.arange(9000))
        mixed["z"] = rng.random(9000) + 1j
        mixed["text"] = [f"t{i % 7}é" for i in range(9000)]
        f.create_dataset("mixed", data=mixed, chunks=(300,))
    (folder / "runs").mkdir()
    for i in range(5):  # of which the last ones have a column more
        part = np.zeros(1000 + 77 * i, [("id", "i8"), ("x", "f8")] + [("more", "i8")] * (i > 2))
        part["id"], part["x"] = np.arange(len(part)) + 10_000 * i, rng.random(len(part))
        if i > 2:
            part["more"] = 2**60 + np.arange(len(part))
        with h5py.File(folder / "runs" / f"r{i}.h5", "w") as f:
            f.create_dataset("events", data=part, chunks=(100,))


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("cluster")
    make(folder)
    return folder


@dataclass
class Cluster:
    """Servers of one folder at fixed ports, each of which can be killed and started again."""

    folder: Path
    ports: list[int]
    args: tuple[str, ...] = ()
    processes: list[subprocess.Popen] = field(default_factory=list)
    kills: int = 0

    @property
    def locations(self) -> list[str]:
        return [f"grpc://127.0.0.1:{port}" for port in self.ports]

    def launch(self, i: int) -> subprocess.Popen:
        named = [a for at in self.locations for a in ("--advertise", at)]
        with open(self.log(i), "a") as errors:
            process = subprocess.Popen([BINARY, "serve", "--listen", self.locations[i], *named, *self.args, "--memory", "256MB", self.folder],
                                       stdout=subprocess.PIPE, stderr=errors, text=True)
        assert process.stdout.readline(), self.log(i).read_text()
        threading.Thread(target=process.stdout.read, daemon=True).start()
        return process

    def log(self, i: int) -> Path:
        return self.folder.parent / f"{self.folder.name}-{self.ports[i]}.log"

    def start(self) -> Cluster:
        self.processes = [self.launch(i) for i in range(len(self.ports))]
        return self

    def kill(self, i: int) -> None:
        self.processes[i].send_signal(signal.SIGKILL)
        self.processes[i].wait()
        self.kills += 1

    def again(self, i: int) -> None:
        self.processes[i] = self.launch(i)

    def stop(self) -> None:
        for p in self.processes:
            p.terminate()
        for p in self.processes:
            p.wait(60)

    def served(self) -> list[dict[str, int]]:
        """What each server has sent: requests, rows and bytes of DoGet, by its log."""
        return [{"requests": len(calls), "rows": sum(c["rows"] for c in calls), "bytes": sum(c["bytes"] for c in calls)} for calls in map(self._calls, range(len(self.ports)))]

    def _calls(self, i: int) -> list[dict]:
        lines = [json.loads(line) for line in self.log(i).read_text().splitlines() if line.startswith("{")]
        return [line for line in lines if line.get("method") == "DoGet"]

    def forget(self) -> None:
        for i in range(len(self.ports)):
            os.truncate(self.log(i), 0)


def free_ports(n: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(n)]
    ports = [s.getsockname()[1] for s in held]
    for s in held:
        s.close()
    return ports


@pytest.fixture(scope="session")
def cluster(folder):
    """Three servers that live as long as the tests."""
    servers = Cluster(folder, free_ports(SERVERS)).start()
    yield servers
    servers.stop()


@pytest.fixture
def mortal(folder):
    """Three servers for a test that kills them."""
    servers = Cluster(folder, free_ports(SERVERS)).start()
    yield servers
    servers.stop()


@pytest.fixture(scope="session")
def events(folder) -> np.ndarray:
    """The rows of events.h5 as PyTables reads them."""
    with tables.open_file(folder / "events.h5") as f:
        return f.root.events[:]


def same(got: pa.Table, want: pa.Table) -> None:
    """Whether two tables have the same rows in the same order, NaN as NaN."""
    assert got.schema.names == want.schema.names
    assert got.num_rows == want.num_rows
    for name in want.schema.names:
        a, b = got[name].combine_chunks(), want[name].combine_chunks()
        assert a.type == b.type and a.null_count == b.null_count, name
        if pa.types.is_floating(a.type):
            np.testing.assert_array_equal(a.to_numpy(), b.to_numpy())
        else:
            assert a.equals(b), name


def even(shares: list[dict[str, int]]) -> list[dict[str, int]]:
    """What each server sent, within 10 % of equal."""
    for name in shares[0]:
        each = [share[name] for share in shares]
        assert 0.9 * sum(each) / len(each) < min(each) <= max(each) < 1.1 * sum(each) / len(each), (name, each)
    print("each server's requests, rows, bytes:", [tuple(share.values()) for share in shares])
    return shares
