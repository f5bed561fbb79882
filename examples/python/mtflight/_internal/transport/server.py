"""The private servers of this process, one for its files and one for each store: started at the first file name, ended with the process,
however it ends."""

from __future__ import annotations

import atexit
import errno
import json
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
_EXITS: dict[int, type[Exception]] = {2: ValueError, 3: FileNotFoundError, 4: NotImplementedError, 6: PermissionError}  # other codes: ConnectionError
FILES = "/"
"""The root that all files of this machine are below."""


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

    def __init__(self, root: str) -> None:
        """Serves a root, which may hold a secret: it is on no command line, nor in the environment."""
        program = binary()
        self.socket = _folder() / f"{os.getpid()}-{secrets.token_hex(4)}.sock"
        self.location = f"grpc+unix://{self.socket}"
        self._log = tempfile.TemporaryFile()
        configuration = _configuration(root)
        self.process = subprocess.Popen(
            [program, "serve", "--exit-with-stdin", "--listen", self.location, "--log-level", "error", "--drain", "100ms", "--config", f"/dev/fd/{configuration}"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, pass_fds=(configuration,),
            env={name: value for name, value in os.environ.items() if not name.startswith("MTFLIGHT_") or name == "MTFLIGHT_INDEX_DIR"},  # those of other servers
            start_new_session=True)  # a Ctrl-C at the terminal is the program's
        os.close(configuration)
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
            kind = _EXITS.get(self.process.returncode)
            if kind is None:
                raise ConnectionError(f"the private server does not start: {said or self.process.returncode}")
            said = said.removeprefix("mtflight: ")
            raise kind(errno.ENOENT, said) if kind is FileNotFoundError else kind(said)
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


def _configuration(root: str) -> int:
    """A descriptor of a nameless file that names the root."""
    at = os.memfd_create("mtflight.yaml", 0)
    os.write(at, json.dumps({"root": [root]}).encode())
    return at


_Key = tuple[str, tuple[tuple[str, str], ...]]  # the root, and the variables that credentials of a store come from
_lock = threading.Lock()
_running: dict[_Key, _Server] = {}


def _key(root: str) -> _Key:
    return root, () if root == FILES else tuple(sorted((n, v) for n, v in os.environ.items() if n.startswith("AWS_")))


def location(root: str = FILES) -> str:
    """Where this process's private server of a root listens, of all files if none is named; starts one if there is none, if it has
    died, or if variables have other credentials by now."""
    key = _key(root)
    with _lock:
        server = _running.pop(key, None)
        if server is not None and not server.alive():
            server.stop()
            server = None
        _running[key] = server or _Server(root)
        return _running[key].location


def run() -> NoReturn:
    """Becomes the command mtflight, with this program's arguments. Exits where there is none."""
    try:
        program = binary()
    except FileNotFoundError as e:
        raise SystemExit(f"mtflight: {e}") from None
    os.execv(program, [program, *sys.argv[1:]])


def stop() -> None:
    """Ends the private servers, if there are any. The next file name starts another."""
    with _lock:
        while _running:
            _running.popitem()[1].stop()


def _after_fork() -> None:
    global _lock
    _lock = threading.Lock()
    for server in _running.values():
        server.forget()
    _running.clear()


atexit.register(stop)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
