"""Nothing stays in shared memory: not of killed clients, nor, once the next server has started, of killed servers."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import BINARY, CLONE, TESTDATA, until

PACKAGE = CLONE / "examples" / "python"
sys.path.insert(0, str(PACKAGE))

import mtflight  # noqa: E402

TABLES = str(TESTDATA / "tables.h5")

# Holds a ring, a staged file and a Reader's answer, says so and waits for its end.
CLIENT = f"""
import json, sys, time
import mtflight
from mtflight._internal.transport import server
place = {{"location": sys.argv[1]}} if len(sys.argv) > 1 else {{}}
name = "tables.h5" if place else {TABLES!r}
queue = mtflight.Streamer(name, **place).get_queue("/events", cyclic=True, block_size=100)
guard = queue.get()
reader = mtflight.Reader(name, **place)
t = reader.get_dataset("/events")
future = reader.request(t[:9], t.create_stage(9))
connection = mtflight.connect(place.get("location") or server.location())
file = name if place else name.lstrip("/")
staged = next(connection.action("stage", {{"file": file, "dataset": "/events"}}))
print(next(iter(server._running.values())).process.pid if server._running else 0, flush=True)
time.sleep(600)
"""


def client(*args: str) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-W", "ignore", "-c", CLIENT, *args], stdout=subprocess.PIPE, text=True,
                            env={**os.environ, "PYTHONPATH": str(PACKAGE)})


def kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def of_server(pid: int, base: Path) -> list[Path]:
    """What a server has there but for its lock."""
    return [p for d in base.glob(f"s-{pid}-*") for p in d.iterdir() if p.name != "lock"]


KILLED = ["client", "server", "both"]


@pytest.mark.parametrize("killed", KILLED)
def test_private_server(killed):
    base = Path(f"/dev/shm/mtflight-{os.getuid()}")
    program = client()
    server = int(program.stdout.readline())
    assert {p.name[0] for p in of_server(server, base)} == {"r", "f"}
    if killed != "client":
        kill(server)
    if killed != "server":
        program.kill()
        program.wait()
    if killed == "client":
        assert until(lambda: not list(base.glob(f"s-{server}-*"))), "the server ends with its program"
    following = client()
    assert int(following.stdout.readline()) != server
    left = list(base.glob(f"s-{server}-*"))
    for p in (program, following):
        p.kill()
        p.wait()
    assert left == []


def leave_memory(location: str) -> None:
    """Has a result staged and released whose memory is large enough to be kept for the next one."""
    with mtflight.connect(location) as connection:
        request = {"file": "tables.h5", "dataset": "/events", "stream": {"cyclic": True, "cycles": 20}}
        told = next(connection.action("stage", request))
        assert told["bytes"] > 4 << 20
        list(connection.action("release", {"lease": told["lease"]}))


@pytest.mark.parametrize("killed", KILLED)
def test_serve(killed, tmp_path):
    base, socket = tmp_path / "shm", tmp_path / "s"
    command = [BINARY, "serve", "--stage-dir", base, "--listen", f"grpc+unix://{socket}", TESTDATA]

    def serve() -> subprocess.Popen:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert process.stdout.readline()
        return process

    server = serve()
    program = client(f"grpc+unix://{socket}")
    assert program.stdout.readline() == "0\n"
    assert {p.name[0] for p in of_server(server.pid, base)} == {"r", "f"}
    leave_memory(f"grpc+unix://{socket}")
    if killed != "server":
        program.kill()
        program.wait()
    if killed == "client":
        assert until(lambda: not of_server(server.pid, base)), "files end with their client's connection"
    else:
        server.kill()
        server.wait()
        old, server = server.pid, serve()
        assert list(base.glob(f"s-{old}-*")) == [] and of_server(server.pid, base) == []
    program.kill()
    program.wait()
    server.terminate()
    assert server.wait(30) == 0 and [p.name for p in base.iterdir()] == ["lock"]
