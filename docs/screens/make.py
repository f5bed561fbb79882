"""Draws what commands write on terminals of 80 and 160 columns: docs/screens/NAME-WIDTH.svg. `make screens` runs it."""

from __future__ import annotations

import contextlib
import fcntl
import io
import json
import os
import pty
import struct
import subprocess
import tempfile
import termios
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow.flight as fl
from rich.console import Console
from rich.terminal_theme import DEFAULT_TERMINAL_THEME
from rich.text import Text

CLONE = Path(__file__).resolve().parents[2]
SESSIONS = {
    "ls": ["mtflight ls tables.h5", "mtflight ls pandas.h5 climate.nc refused.h5", "mtflight ls arrays.h5 /wave"],
    "describe": ["mtflight describe climate.nc", "mtflight describe tables.h5 /events"],
    "get": ["mtflight get tables.h5 /events --where 'energy > 75' --limit 6", "mtflight get climate.nc /t2m --select '0, :, :'", "mtflight get pandas.h5 /frame --limit 4"],
    "stats": ["mtflight stats tables.h5 /events", "mtflight explain tables.h5 /events --where 'energy > 75'"],
    "mistakes": ["mtflight get tables.h5 /evnets", "mtflight get tables.h5 /events --where 'enrgy > 2'", "mtflight get tables.h5 /events --where 'energy >> (2'",
                 "mtflight ls nothing.h5", "mtflight get tables.h5 /events --fields id,ernergy"],
}


def main() -> None:
    for name, lines in SESSIONS.items():
        for width in (80, 160):
            draw(f"{name}-{width}", lines, width)
    with busy() as admin:
        for width in (100, 160):  # narrower, columns are left out
            draw(f"top-{width}", ["mtflight top --once"], width, f"mtflight top --once {admin}")


@contextlib.contextmanager
def busy() -> Iterator[str]:
    """The admin address of a server that three programs read from: one takes all it can, two are slow."""
    with tempfile.TemporaryDirectory() as folder:
        admin = f"unix://{folder}/admin"
        server = subprocess.Popen([CLONE / "bin" / "mtflight", "serve", "--listen", "grpc://127.0.0.1:0", "--admin", admin, CLONE / "testdata"], stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, text=True)
        location = server.stdout.readline().split()[-1]  # type: ignore[union-attr]
        for dataset, pause in (("/events", 0.0), ("/blosc", 0.05), ("/events", 0.3)):
            threading.Thread(target=take, args=(location, dataset, pause), daemon=True).start()
        time.sleep(2)
        yield admin
        server.kill()
        server.wait()


def take(location: str, dataset: str, pause: float) -> None:
    request = {"file": "tables.h5", "dataset": dataset, "stream": {"cyclic": True}}
    with contextlib.suppress(fl.FlightError, OSError):  # the server's end
        for _ in fl.connect(location).do_get(fl.Ticket(json.dumps(request))):
            time.sleep(pause)


def draw(name: str, lines: list[str], width: int, instead: str = "") -> None:
    """Commands with what they write, or what `instead` of them does."""
    console = Console(record=True, width=width, file=io.StringIO(), force_terminal=True, legacy_windows=False)
    for line in lines:
        console.print(Text(f"$ {line}", style="bold"))
        console.print(Text.from_ansi(shown(instead or line, width)), soft_wrap=False)
    console.save_svg(str(CLONE / "docs" / "screens" / f"{name}.svg"), title=f"{width} columns", theme=DEFAULT_TERMINAL_THEME)


def shown(line: str, width: int) -> str:
    """What a command writes on a terminal, both streams."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))
    environment = {**os.environ, "PATH": f"{CLONE / 'bin'}:{os.environ['PATH']}", "TERM": "xterm-256color"}
    environment.pop("NO_COLOR", None)
    with subprocess.Popen(line, shell=True, cwd=CLONE / "testdata", stdin=theirs, stdout=theirs, stderr=theirs, env=environment):
        os.close(theirs)
        out = b""
        while part := read(ours):
            out += part
    os.close(ours)
    return out.decode().replace("\r\n", "\n").rstrip("\n")


def read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # EIO: the other end is closed
        return b""


if __name__ == "__main__":
    main()
