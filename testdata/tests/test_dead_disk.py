"""A disk that does not answer costs its own requests, not those of others, nor the server's end."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import h5py
import numpy as np
import pyarrow.flight as fl
import pytest
from conftest import ticket

LIMIT = 2  # --read-timeout, seconds
SOON = 60  # what is waited for, on any machine, seconds
ROWS = 1_000_000


class DeadDisk:
    def __init__(self, folder: Path) -> None:
        self.at, self.control = folder / "mounted", folder / "control.json"
        self.at.mkdir()
        self.hang()
        here = Path(__file__).parent / "deaddisk.py"
        self.process = subprocess.Popen([sys.executable, here, folder / "source", self.at, self.control], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        self.mounted = self.process.stdout.readline().strip() == "mounted"

    def hang(self, **files: dict[str, int]) -> None:
        new = self.control.with_suffix(".new")
        new.write_text(json.dumps({f"{name}.h5": what for name, what in files.items()}))
        new.rename(self.control)

    def end(self) -> None:
        self.hang()
        subprocess.run(["umount", "-l", self.at], check=False, capture_output=True)
        self.process.kill()
        self.process.wait()


@pytest.fixture
def disk(tmp_path):
    (tmp_path / "source").mkdir()
    (tmp_path / "good").mkdir()
    values = np.arange(ROWS)
    for name in ("a", "b", "c"):
        with h5py.File(tmp_path / "source" / f"{name}.h5", "w") as f:
            f.create_dataset("d", data=values, chunks=(16384,))
    with h5py.File(tmp_path / "good" / "good.h5", "w") as f:
        f.create_dataset("d", data=values, chunks=(16384,), compression=1)
    if not (os.access("/dev/fuse", os.R_OK | os.W_OK) and os.geteuid() == 0):
        left_out("there is no /dev/fuse for this user")
    d = DeadDisk(tmp_path)
    if not d.mounted:
        left_out(f"FUSE can't be mounted here: {d.process.stderr.read()}")
    yield d
    d.end()


def left_out(why: str) -> None:
    warnings.warn(f"tests of a disk that hangs are LEFT OUT: {why}", stacklevel=2)
    pytest.skip(why)


@pytest.fixture
def server(start, disk, tmp_path):
    address = f"unix://{tmp_path}/admin"
    s = start(f"dead={disk.at}", f"good={disk.at.parent / 'good'}",
              args=("--read-timeout", f"{LIMIT}s", "--drain", "1s", "--workers", "3", "--admin", address, "--stage-dir", ""))
    yield s
    disk.hang()


def ends(call) -> str:
    try:
        call()
    except fl.FlightUnavailableError as e:
        return f"Unavailable {e}"
    return "OK"


def until(true) -> None:
    deadline = time.monotonic() + SOON
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def describe(server, file: str) -> None:
    list(server.client().do_action(fl.Action("describe", json.dumps({"file": file, "dataset": "/d"}).encode())))


def reading(server, file: str, out: list) -> threading.Thread:
    client = server.client()
    t = threading.Thread(target=lambda: out.append(ends(lambda: client.do_get(ticket(file, "/d")).read_all())))
    t.start()
    return t


def metric(server, name: str, disk) -> float:
    path = next(a for a in server.process.args if str(a).startswith("unix://")).removeprefix("unix://")
    c = http.client.HTTPConnection("x")
    c.sock = socket.socket(socket.AF_UNIX)
    c.sock.connect(path)
    c.request("GET", "/metrics")
    text = c.getresponse().read().decode()
    return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name + "{") and str(disk.at) in line)


def test_streams_of_a_dead_disk_end_and_others_go_on(server, disk):
    for name in ("a", "b"):
        describe(server, f"dead/{name}.h5")
    disk.hang(a={"read": 1 << 20}, b={"read": 1 << 20})
    ended: list = []
    streams = [reading(server, f"dead/{'ab'[i % 2]}.h5", ended) for i in range(16)]
    beside = 0
    while not ended:
        assert server.read("good/good.h5", "/d", start=ROWS // 2, limit=1000).num_rows == 1000
        beside += not ended
    assert beside, "no row of another disk came before the first stream had ended"
    for t in streams:
        t.join(SOON)
    assert len(ended) == 16
    for how in ended:
        assert "a.h5" in how or "b.h5" in how, how
        assert "has not answered" in how or "does not answer" in how, how
    until(lambda: "does not answer" in ends(lambda: server.read("dead/a.h5", "/d")))  # refused: all that may hang of a file hang
    assert metric(server, "mtflight_disk_calls_stuck", disk) > 0
    assert server.read("dead/c.h5", "/d").num_rows == ROWS, "another file of the disk"
    disk.hang()
    until(lambda: metric(server, "mtflight_disk_calls_stuck", disk) == 0)
    assert np.array_equal(server.read("dead/a.h5", "/d").column(0).to_numpy(), np.arange(ROWS)), "it is read when the disk answers"


@pytest.mark.parametrize("what", ["read", "open", "getattr", "lookup"])
def test_names_and_metadata_of_a_dead_disk(server, disk, what):
    describe(server, "dead/b.h5")
    disk.hang(c={what: 0})
    how = ends(lambda: describe(server, "dead/c.h5"))
    assert how.startswith("Unavailable"), how
    assert "c.h5" in how
    listed: list = []
    t = threading.Thread(target=lambda: listed.append(server.listing()))
    t.start()
    describe(server, "good/good.h5")
    assert server.read("dead/b.h5", "/d", limit=5).num_rows == 5
    t.join(SOON)
    assert ("good/good.h5", "/d") in listed[0], "the other root is listed"
    disk.hang()
    until(lambda: ends(lambda: describe(server, "dead/c.h5")) == "OK")


def test_server_ends_beside_a_dead_disk(server, disk):
    describe(server, "dead/a.h5")
    disk.hang(a={"read": 1 << 20}, b={"read": 0})
    ended: list = []
    streams = [reading(server, f"dead/{'ab'[i % 2]}.h5", ended) for i in range(4)]
    until(lambda: metric(server, "mtflight_disk_calls", disk) > 1)
    server.process.send_signal(signal.SIGTERM)
    until(lambda: gone(server.process))
    for t in streams:
        t.join(SOON)
    assert all(how.startswith("Unavailable") for how in ended), ended
    disk.hang()
    assert server.process.wait(SOON) == 0


def gone(process: subprocess.Popen) -> bool:
    """Whether a program has ended. The kernel may keep it as a zombie while one of its threads is in a call that nothing ends."""
    return process.poll() is not None or Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
