"""Files to open as AnnData: made here, in the clone, and below MTFLIGHT_CORPUS; the server is the program's own private one."""

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

FOUND = {f"{root.name}/{p.relative_to(root).as_posix()}": p
         for root in [CLONE / "testdata", *map(Path, filter(None, [os.environ.get("MTFLIGHT_CORPUS")]))] for p in sorted(root.rglob("*.h5ad"))}
FILES = [*MADE, *FOUND]


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("anndata")
    for name, make in MADE.items():
        make(folder / name)
    return folder


@pytest.fixture(scope="session")
def path_of(folder):
    """The path of one of FILES."""
    return lambda name: folder / name if name in MADE else FOUND[name]
