"""Shared memory that is nearly full: what does not fit is refused with a reason, nothing hangs, and the server goes on."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import tables

from conftest import CLONE, TESTDATA

PACKAGE = CLONE / "examples" / "python"
sys.path.insert(0, str(PACKAGE))

import mtflight  # noqa: E402
from mtflight._internal.streams import blocks  # noqa: E402

ROOM = 1 << 20
SECONDS = 300.0
EVENTS = {"file": "tables.h5", "dataset": "/events"}
BIG = {**EVENTS, "stream": {"cyclic": True, "cycles": 20}}


def mounted(folder) -> bool:
    """A file system of its own in memory, where this user may have one."""
    return subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={ROOM},mode=700", "none", folder], capture_output=True).returncode == 0


@pytest.fixture(params=["file system", "size of files"])
def connection(request, start, tmp_path):
    """Of a server with a MiB of shared memory: of a file system of that size, or by a limit of the process."""
    base, socket = tmp_path / "shm", tmp_path / "s"
    base.mkdir(mode=0o700)
    own = request.param == "file system" and mounted(base)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    if not own:
        resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, before[1]))
    try:
        server = start(TESTDATA, listen=f"grpc+unix://{socket}", args=("--stage-dir", str(base)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    with mtflight.connect(server.location) as c:
        yield c
    assert server.stop() == 0, server.log.read_text()
    assert [p.name for p in base.iterdir()] == ["lock"]
    if own:
        subprocess.run(["umount", "-l", base], check=True)


@pytest.fixture(scope="module")
def events() -> np.ndarray:
    with tables.open_file(TESTDATA / "tables.h5") as f:
        return f.root.events[:]


def staged(connection: mtflight.Connection, request: dict) -> pa.Table:
    told = next(connection.action("stage", request, SECONDS))
    with pa.memory_map(told["path"]) as mapping:
        list(connection.action("release", {"lease": told["lease"]}, SECONDS))
        return pa.ipc.open_file(mapping).read_all()


def check_goes_on(connection: mtflight.Connection) -> None:
    small = {**EVENTS, "start": 10, "stop": 90}
    pd.testing.assert_frame_equal(staged(connection, small).to_pandas(), connection.do_get(small).read_all().to_pandas())


def test_stage(connection):
    for _ in range(3):
        with pytest.raises(mtflight.ResourceExhausted, match="no room for [0-9]+ bytes in shared memory"):
            staged(connection, BIG)
        check_goes_on(connection)
    unknown = {**EVENTS, "where": "id >= 0", "batch_rows": 64, "stream": {"cyclic": True, "cycles": 20}}
    with pytest.raises(mtflight.ResourceExhausted, match="no room"):
        staged(connection, unknown)
    check_goes_on(connection)


def test_ring(connection):
    """Slots that do not fit are an error; those that do are filled and handed back for as long as one likes."""
    for slots, enough in ((64, False), (4, True)):
        stream = {"cyclic": True, "block_rows": 1000, "read_ahead": slots - 1}
        results = connection.action("ring", {**EVENTS, "stream": stream}, SECONDS)
        lease = next(results)["lease"]
        if enough:
            for told, _ in zip(results, range(100)):
                list(connection.action("release", {"lease": lease, "slots": [told["slot"]]}, SECONDS))
            list(connection.action("release", {"lease": lease}, SECONDS))
        else:
            with pytest.raises(mtflight.ResourceExhausted, match="no room"):
                next(results)
        check_goes_on(connection)


def test_streamer(connection, events, monkeypatch):
    """Blocks come over the connection where there is no room for the first."""
    used = []
    whole = blocks.FlightBlocks
    monkeypatch.setattr(blocks, "FlightBlocks", lambda *a: used.append(1) or whole(*a))
    queue = mtflight.Streamer("tables.h5", location=connection.location).get_queue("/events", block_size=1000, cyclic=True)
    for i in range(50):
        with queue.get() as block:
            np.testing.assert_array_equal(block["id"], np.take(events["id"], range(1000 * i, 1000 * i + 1000), mode="wrap"))
    queue.close()
    assert used
    check_goes_on(connection)


PROGRAM = f"""
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, ({ROOM}, {ROOM}))
import json
import mtflight
from mtflight import server
from mtflight._internal.streams import blocks
used = []
whole = blocks.FlightBlocks
blocks.FlightBlocks = lambda *a: used.append(1) or whole(*a)
queue = mtflight.Streamer({str(TESTDATA / "tables.h5")!r}).get_queue("/events", block_size=1000, cyclic=True)
ids = []
for _ in range(12):
    with queue.get() as block:
        ids += block["id"].tolist()
queue.close()
connection = mtflight.connect(server.location())
file = {str(TESTDATA / "tables.h5")!r}.lstrip("/")
try:
    next(connection.action("stage", {{"file": file, "dataset": "/events", "stream": {{"cyclic": True, "cycles": 20}}}}))
except mtflight.ResourceExhausted as e:
    print(json.dumps([ids, len(used), str(e)]))
"""


def test_private_server(events):
    """A program with its own server."""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", PROGRAM], capture_output=True, text=True, timeout=SECONDS,
                          env={**os.environ, "PYTHONPATH": str(PACKAGE)})
    assert done.returncode == 0, done.stderr
    ids, used, said = json.loads(done.stdout)
    np.testing.assert_array_equal(ids, np.take(events["id"], range(12_000), mode="wrap"))
    assert used and "no room" in said
