"""Sockets, killed clients, killed helpers, the drain at the end."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

import h5py
import numpy as np
import pyarrow.flight as fl
import pytest
from conftest import TESTDATA, ticket, until

ROWS = 400_000


@pytest.fixture(scope="module")
def big(tmp_path_factory):
    """A directory with one file of 100 MB."""
    root = tmp_path_factory.mktemp("big")
    with h5py.File(root / "big.h5", "w") as f:
        wave = np.arange(ROWS * 64, dtype="f4").reshape(ROWS, 64)
        f.create_dataset("wave", data=wave, chunks=(4096, 64), compression="gzip", compression_opts=1, shuffle=True)
    shutil.copy(TESTDATA / "tables.h5", root / "tables.h5")
    return root


def test_unix_socket(start, tmp_path):
    s = start(TESTDATA, listen=f"grpc+unix://{tmp_path}/socket")
    assert s.read("tables.h5", "/events").num_rows == 5000
    assert s.stop() == 0
    assert not (tmp_path / "socket").exists()


def test_several_roots(start, tmp_path):
    shutil.copy(TESTDATA / "types.h5", tmp_path / "t.h5")
    s = start(f"seeded={TESTDATA}", f"mine={tmp_path}")
    assert s.read("mine/t.h5", "/bools").num_rows == 3
    assert s.read("seeded/tables.h5", "/one").num_rows == 1
    assert s.stop() == 0


def test_banner_reads_a_table(start, python, tmp_path):
    """The lines that serve prints are all that a new user types."""
    s = start(TESTDATA)
    script = "\n".join(line.strip() for line in s.banner.splitlines() if line.startswith("    "))
    (tmp_path / "banner.py").write_text(script)
    assert "pyarrow.Table" in python(tmp_path / "banner.py")


CLIENT = """
import sys, pyarrow.flight as fl
reader = fl.connect(sys.argv[1]).do_get(fl.Ticket(sys.argv[2]))
while True:
    try:
        reader.read_chunk()
    except StopIteration:
        break
    print("batch", flush=True)
"""


def memory_of(pid: int) -> int:
    """Resident bytes."""
    return int(open(f"/proc/{pid}/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_killed_clients(start, big):
    """Clients killed in mid-stream leave nothing behind: the budget holds two batches, so a leak would stop the server."""
    s = start(big, args=("--memory", "64MB"))
    request = ticket("big.h5", "/wave").ticket
    rng = random.Random(5)
    for _ in range(12):
        client = subprocess.Popen([sys.executable, "-c", CLIENT, s.location, request], stdout=subprocess.PIPE)
        client.stdout.readline()
        time.sleep(rng.random() * 0.1)
        client.kill()
        client.wait()
    assert s.read("big.h5", "/wave").num_rows == ROWS
    assert memory_of(s.process.pid) < (64 + 150) << 20
    assert s.stop() == 0


def test_cancelled_streams(start, big):
    s = start(big, args=("--memory", "64MB"))
    for n in range(60):
        reader = s.client().do_get(ticket("big.h5", "/wave"))
        for _ in range(n % 4):
            reader.read_chunk()
        reader.cancel()
    assert s.read("big.h5", "/wave", start=-10).num_rows == 10
    assert s.stop() == 0


def test_slow_client_holds_little(start, big):
    s = start(big, args=("--memory", "64MB"))
    reader = s.client().do_get(ticket("big.h5", "/wave"))
    for _ in range(5):
        reader.read_chunk()
        time.sleep(0.2)
    assert memory_of(s.process.pid) < (64 + 150) << 20
    others = threading.Thread(target=lambda: s.read("tables.h5", "/events"))
    others.start()
    others.join(120)
    assert not others.is_alive(), "another client is served meanwhile"
    reader.cancel()
    assert s.stop() == 0


def test_conditions_and_sorting_stay_within_the_budget(start, tmp_path):
    """What they leave behind is collected before the process is larger than the budget and 150 MB."""
    table = np.zeros(2_000_000, [("id", "i8"), ("x", "f8"), ("name", "S16"), ("v", "f4", 4)])
    table["x"] = np.random.default_rng(6).normal(size=len(table))
    with h5py.File(tmp_path / "t.h5", "w") as f:
        f.create_dataset("table", data=table, chunks=(8192,), compression="gzip", compression_opts=1)
    s = start(tmp_path, args=("--memory", "128MB"))
    for members in [{"where": "x > 0.5"}, {"sort_by": "x"}] * 8:
        reader = s.client().do_get(ticket("t.h5", "/table", **members))
        for _ in range(8):
            reader.read_chunk()
        s.clients.pop().close()
    most = int(re.search(r"VmHWM:\s+(\d+)", open(f"/proc/{s.process.pid}/status").read())[1]) >> 10
    assert most < 128 + 150
    assert s.stop() == 0


def test_killed_helpers(start):
    """Listing goes on when the processes that call libhdf5 die under it."""
    s = start(TESTDATA)
    s.read("tables.h5", "/one")
    killed = 0
    for _ in range(5):
        for pid in s.helpers():
            os.kill(pid, signal.SIGKILL)
            killed += 1
        listed = s.listing()
        assert {k[0] for k in listed} >= {"tables.h5", "arrays.h5", "types.h5"}
        time.sleep(0.1)
    assert killed
    assert s.stop() == 0


def test_sigterm_lets_streams_finish(start, big):
    s = start(big, args=("--drain", "10m"))
    reader = s.client().do_get(ticket("big.h5", "/wave"))
    reader.read_chunk()
    s.process.send_signal(signal.SIGTERM)

    def refuses() -> bool:
        try:
            with fl.connect(s.location) as client:
                client.list_actions()
        except fl.FlightUnavailableError:
            return True
        return False

    assert until(refuses)
    rows = sum(chunk.data.num_rows for chunk in reader)
    assert rows > ROWS // 2
    s.clients[0].close()
    assert s.process.wait(120) == 0


def test_sigterm_has_a_deadline(start, big):
    s = start(big, args=("--drain", "1s"))
    reader = s.client().do_get(ticket("big.h5", "/wave"))
    reader.read_chunk()
    signalled = time.monotonic()
    s.process.send_signal(signal.SIGTERM)
    s.process.wait(120)
    assert time.monotonic() - signalled > 0.9


def test_a_file_that_changes(start, tmp_path):
    shutil.copy(TESTDATA / "tables.h5", tmp_path / "f.h5")
    s = start(tmp_path)
    assert s.read("f.h5", "/events").num_rows == 5000
    with h5py.File(tmp_path / "new.h5", "w") as f:
        f["events"] = np.arange(7)
    os.replace(tmp_path / "new.h5", tmp_path / "f.h5")
    assert s.read("f.h5", "/events").num_rows == 7
    assert s.stop() == 0


def test_log_lines_carry_the_request(start):
    s = start(TESTDATA)
    with pytest.raises(KeyError) as refused:
        s.read("nope.h5", "/x")
    request = str(refused.value).split("request ")[1].split(")")[0]
    assert s.stop() == 0
    lines = [json.loads(line) for line in s.log.read_text().splitlines()]
    assert any(request in json.dumps(line) for line in lines)
