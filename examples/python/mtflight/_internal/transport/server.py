"""The private server of this process: started at the first file name, ended with the process, however it ends."""

from __future__ import annotations

import atexit
import os
import secrets
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import NoReturn

_START_SECONDS = 30.0
_STOP_SECONDS = 10.0


def binary() -> str:
    """The server's binary: of MTFLIGHT_BIN, else installed or built beside the package, else on PATH. FileNotFoundError,
    saying what to do, if there is none."""
    named = os.environ.get("MTFLIGHT_BIN")
    if named:
        if not os.access(named, os.X_OK):
            raise FileNotFoundError(f"MTFLIGHT_BIN={named} is not a program")
        return named
    for folder in Path(__file__).resolve().parents:  # the wheel's is in bin of the environment: ENV/lib/python3/site-packages/mtflight
        beside = folder / "bin" / "mtflight"
        if beside.is_file() and os.access(beside, os.X_OK):
            return str(beside)
    found = shutil.which("mtflight")
    if found:
        return found
    raise FileNotFoundError(f"no mtflight server is installed here: {_remedy(sys.platform)}; or name one that runs elsewhere: "
                            'mtflight.connect("grpc://HOST:8815"), Reader(FILE, location="grpc://HOST:8815")')


def _remedy(platform: str) -> str:
    """What gives a host of that platform a server."""
    if platform != "linux":
        return "it runs on Linux only, and this package is a client"
    return "this package is a client only; install mtflight's wheel for Linux on x86_64, put mtflight on PATH, or set MTFLIGHT_BIN"


def _folder() -> Path:
    """A folder that only this user can enter, for the sockets."""
    base = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    folder = Path(base) / f"mtflight-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    about = folder.lstat()
    if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.getuid() or about.st_mode & 0o077:
        return Path(tempfile.mkdtemp(prefix="mtflight-"))
    return folder


class _Server:
    """A running `mtflight serve` on a Unix socket. It ends when its standard input does, so also after a crash."""

    def __init__(self) -> None:
        program = binary()
        self.socket = _folder() / f"{os.getpid()}-{secrets.token_hex(4)}.sock"
        self.location = f"grpc+unix://{self.socket}"
        self._log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [program, "serve", "--exit-with-stdin", "--listen", self.location, "--log-level", "error", "--drain", "100ms", "/"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log,
            env={name: value for name, value in os.environ.items() if not name.startswith("MTFLIGHT_") or name == "MTFLIGHT_INDEX_DIR"},  # those of other servers
            start_new_session=True)  # a Ctrl-C at the terminal is the program's
        self._await()

    def _await(self) -> None:
        """Returns once the server has said that it listens."""
        timer = threading.Timer(_START_SECONDS, self.process.kill)
        timer.start()
        line = self.process.stdout.readline()
        timer.cancel()
        if not line:
            self.process.wait()
            self._log.seek(0)
            said = self._log.read().decode(errors="replace").strip()
            raise ConnectionError(f"the private server does not start: {said or self.process.returncode}")
        self.process.stdout.close()

    def alive(self) -> bool:
        return self.process.poll() is None

    def stop(self) -> None:
        """Ends the server and waits for it."""
        self.process.stdin.close()
        try:
            self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._log.close()
        self.socket.unlink(missing_ok=True)

    def forget(self) -> None:
        """In a forked child: the server is the parent's, and must not be held by the child's copy of its input."""
        self.process.stdin.close()
        self.process.returncode = 0  # not this process's child


_lock = threading.Lock()
_running: _Server | None = None


def location() -> str:
    """Where this process's private server listens; starts one if there is none, or if it has died."""
    global _running
    with _lock:
        if _running is None or not _running.alive():
            if _running is not None:
                _running.stop()
            _running = _Server()
        return _running.location


def run() -> NoReturn:
    """Becomes the command mtflight, with this program's arguments. Exits where there is none."""
    try:
        program = binary()
    except FileNotFoundError as e:
        raise SystemExit(f"mtflight: {e}") from None
    os.execv(program, [program, *sys.argv[1:]])


def stop() -> None:
    """Ends the private server, if there is one. The next file name starts another."""
    global _running
    with _lock:
        if _running is not None:
            _running.stop()
            _running = None


def _after_fork() -> None:
    global _running, _lock
    _lock = threading.Lock()
    if _running is not None:
        _running.forget()
        _running = None


atexit.register(stop)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
