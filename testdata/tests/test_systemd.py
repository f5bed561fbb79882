"""A service of systemd: sockets that are passed, and the message that it is ready."""

from __future__ import annotations

import os
import signal
import socket
import subprocess

import pyarrow.flight as fl
import pytest
from conftest import BINARY, TESTDATA, ticket


@pytest.fixture
def activated(tmp_path):
    """Starts `serve` as systemd does, with sockets as descriptors 3, 4, ..; gives the process and what it told of its state."""
    told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    told.bind(str(tmp_path / "notify"))
    told.settimeout(120)
    started = []

    def run(*sockets: socket.socket, args: tuple[str, ...] = (), pid: str = "$$") -> tuple[subprocess.Popen, socket.socket]:
        held = [os.dup(s.fileno()) for s in sockets]
        moves = " ".join(f"{3 + n}<&{fd}" for n, fd in enumerate(held))
        script = f'exec {moves}; export LISTEN_PID={pid} LISTEN_FDS={len(sockets)}; exec "$@"'
        started.append(subprocess.Popen(["bash", "-c", script, "bash", BINARY, "serve", *args, TESTDATA], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True, pass_fds=held, env={**os.environ, "NOTIFY_SOCKET": told.getsockname()}))
        for fd in held:
            os.close(fd)
        return started[-1], told

    yield run
    for p in started:
        p.kill()
        p.communicate()
    told.close()


def listening(family: socket.AddressFamily, address) -> socket.socket:
    s = socket.socket(family)
    s.bind(address)
    s.listen()
    return s


def test_serves_on_sockets_that_are_passed(activated, tmp_path):
    """Instead of on --listen; they stay when it ends, since they are systemd's."""
    path = str(tmp_path / "s")
    tcp, unix = listening(socket.AF_INET, ("127.0.0.1", 0)), listening(socket.AF_UNIX, path)
    process, told = activated(tcp, unix)
    assert told.recv(100) == b"READY=1"
    for location in (f"grpc://127.0.0.1:{tcp.getsockname()[1]}", f"grpc+unix://{path}"):
        with fl.connect(location) as client:
            assert client.do_get(ticket("tables.h5", "/events")).read_all().num_rows == 5000
    process.send_signal(signal.SIGTERM)
    assert process.wait(120) == 0
    assert os.path.exists(path)


def test_a_client_that_came_first_is_served(activated):
    tcp = listening(socket.AF_INET, ("127.0.0.1", 0))
    early = fl.connect(f"grpc://127.0.0.1:{tcp.getsockname()[1]}")
    activated(tcp)
    assert early.do_get(ticket("tables.h5", "/one")).read_all().num_rows == 1
    early.close()


def test_sockets_of_another_process_are_left_alone(activated, tmp_path):
    """A parent's variables are not meant for this process."""
    tcp, path = listening(socket.AF_INET, ("127.0.0.1", 0)), tmp_path / "own"
    _, told = activated(tcp, args=("--listen", f"grpc+unix://{path}"), pid="1")
    assert told.recv(100) == b"READY=1"
    assert path.exists()


def test_refuses_what_is_no_stream(activated):
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.bind(("127.0.0.1", 0))
    process, _ = activated(datagrams)
    assert process.wait(120) == 2
    assert "ListenStream=" in process.stderr.read()


def test_a_server_of_a_program_tells_systemd_nothing(activated, tmp_path):
    """The program may be a service itself, and ready at another time."""
    process, told = activated(args=("--exit-with-stdin", "--listen", f"grpc+unix://{tmp_path}/s"))
    assert process.stdout.readline().startswith("mtflight ")
    told.settimeout(0.5)
    with pytest.raises(TimeoutError):
        told.recv(100)
