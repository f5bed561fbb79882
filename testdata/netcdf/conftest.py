"""Files to open in xarray: made here, in the clone, and below MTFLIGHT_CORPUS; the server is the program's own private one."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

CLONE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(CLONE / "examples" / "python"))  # for processes that tests start
os.environ["PYTHONPATH"] = str(CLONE / "examples" / "python")
os.environ.setdefault("MTFLIGHT_BIN", str(CLONE / "bin" / "mtflight"))

from made import MADE  # noqa: E402

CLONED = {p.relative_to(CLONE).as_posix(): p for p in sorted((CLONE / "testdata").rglob("*.nc"))}
CORPUS = {p.relative_to(os.environ["MTFLIGHT_CORPUS"]).as_posix(): p for p in sorted(Path(os.environ["MTFLIGHT_CORPUS"]).rglob("*.nc*"))
          if p.is_file() and p.open("rb").read(4) == b"\x89HDF"} if "MTFLIGHT_CORPUS" in os.environ else {}
FILES = [*MADE, *CLONED, *CORPUS]


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("netcdf")
    for name, make in MADE.items():
        make(folder / name)
    return folder


@pytest.fixture(scope="session")
def path_of(folder):
    """The path of one of FILES."""
    return lambda name: str(folder / name if name in MADE else CLONED.get(name) or CORPUS[name])


@pytest.fixture
def requests(monkeypatch):
    """The requests for values that are made, each with the bytes of its answer."""
    from mtflight._internal.transport.client import Client
    made: list[list] = []
    do_get = Client.do_get

    def counted(self, request):
        made.append([request, 0])
        return _Counted(do_get(self, request), made[-1])

    monkeypatch.setattr(Client, "do_get", counted)
    return made


class _Counted:
    """A stream's reader that counts the bytes of its batches."""

    def __init__(self, reader, entry: list):
        self._reader, self._entry = reader, entry

    def __getattr__(self, name: str):
        return getattr(self._reader, name)

    def __iter__(self):
        for chunk in self._reader:
            self._entry[1] += chunk.data.nbytes
            yield chunk

    def read_all(self):
        table = self._reader.read_all()
        self._entry[1] += table.nbytes
        return table
