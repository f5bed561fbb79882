"""The private server of this process: started at the first file name, ended with the process, however it ends."""

from __future__ import annotations

import atexit
import os
import secrets
import shutil
import stat
import subprocess
import tempfile
import threading
from pathlib import Path

_START_SECONDS = 30.0
_STOP_SECONDS = 10.0


def binary() -> str:
    """The server's binary: of MTFLIGHT_BIN, else on PATH, else built beside the package. FileNotFoundError if none."""
    named = os.environ.get("MTFLIGHT_BIN")
    if named:
        if not os.access(named, os.X_OK):
            raise FileNotFoundError(f"MTFLIGHT_BIN={named} is not a program")
        return named
    found = shutil.which("mtflight")
    if found:
        return found
    for folder in Path(__file__).resolve().parents:
        for beside in (folder / "bin" / "mtflight", folder / "mtflight"):
            if beside.is_file() and os.access(beside, os.X_OK):
                return str(beside)
    raise FileNotFoundError("no mtflight server: set MTFLIGHT_BIN, put mtflight on PATH, or run make build")


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
        self.socket = _folder() / f"{os.getpid()}-{secrets.token_hex(4)}.sock"
        self.location = f"grpc+unix://{self.socket}"
        self._log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [binary(), "serve", "--exit-with-stdin", "--listen", self.location, "--log-level", "error", "--drain", "100ms", "/"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log,
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
