"""Starts the built binary on testdata, or on a directory of a test's own, and stops it again."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.flight as fl
import pytest

CLONE = Path(__file__).resolve().parents[2]
BINARY = CLONE / "bin" / "mtflight"
TESTDATA = CLONE / "testdata"


def until(true, seconds: float = 120) -> bool:
    """Whether something becomes true in time, which is long: machines that test are busy."""
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.02)
    return true()


def ticket(file: str, dataset: str, **members) -> fl.Ticket:
    return fl.Ticket(json.dumps({"file": file, "dataset": dataset, **members}))


@dataclass
class Server:
    """A running `mtflight serve`; `log` is its standard error."""

    process: subprocess.Popen
    location: str
    banner: str
    log: Path
    clients: list[fl.FlightClient] = field(default_factory=list)

    def client(self) -> fl.FlightClient:
        self.clients.append(fl.connect(self.location))
        return self.clients[-1]

    def read(self, file: str, dataset: str, **members):
        return self.client().do_get(ticket(file, dataset, **members)).read_all()

    def listing(self, **criteria) -> dict[tuple[str, ...], fl.FlightInfo]:
        """What ListFlights tells, by (file, dataset); a file that can't be read is (file,)."""
        flights = self.client().list_flights(json.dumps(criteria).encode() if criteria else b"")
        return {tuple(part.decode() for part in f.descriptor.path): f for f in flights}

    def helpers(self) -> list[int]:
        """Process ids of the helpers that call libhdf5."""
        children = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        return [int(pid) for c in children for pid in c.read_text().split()]

    def stop(self, timeout: float = 120) -> int:
        for c in self.clients:
            c.close()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout)


@pytest.fixture(scope="session")
def start(tmp_path_factory):
    """Starts servers; those still running at the end are stopped."""
    servers: list[Server] = []

    def run(*roots, listen: str = "grpc://127.0.0.1:0", args: tuple[str, ...] = (),
            env: dict[str, str] | None = None) -> Server:
        log = tmp_path_factory.mktemp("server") / "log"
        secure = any(str(a).startswith(("--tls-cert", "--auth-")) for a in args)  # such a server says no example
        command = [BINARY, "serve", "--listen", listen, *args, *roots]
        with log.open("w") as errors:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True,
                                       env={**os.environ, **(env or {})})
        banner = ""
        for line in process.stdout:
            banner += line
            if "do_get" in line or secure:
                break
        found = re.search(r"on (grpc\S+)", banner)
        assert found, f"the server does not start: {log.read_text()}"
        servers.append(Server(process, found[1].rstrip(","), banner, log))
        return servers[-1]

    yield run
    for s in servers:
        if s.process.poll() is None:
            s.stop()


@pytest.fixture(scope="session")
def server(start) -> Server:
    """The server of testdata, for tests that leave it as it is."""
    return start(TESTDATA)


@pytest.fixture(scope="session")
def mtflight():
    """Runs the binary to its end."""

    def run(*args, code: int = 0, timeout: float = 300) -> subprocess.CompletedProcess:
        done = subprocess.run([BINARY, *map(str, args)], capture_output=True, text=True, timeout=timeout)
        assert done.returncode == code, done.stderr
        return done

    return run


@pytest.fixture(scope="session")
def python():
    """Runs a Python script in this environment to its end."""

    def run(*args, timeout: float = 600) -> str:
        done = subprocess.run([sys.executable, *map(str, args)], capture_output=True, text=True, timeout=timeout,
                              env={**os.environ, "PYTHONWARNINGS": "ignore"})
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run
