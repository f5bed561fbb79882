"""The wheel of `make wheel-sql`: what it holds, and that mtflight finds the engine where both are installed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

CLONE = Path(__file__).resolve().parents[1]
(WHEEL,) = (CLONE / "dist").glob("mtflight_sql-*.whl")


@pytest.fixture(scope="module")
def bin(tmp_path_factory) -> Path:
    """That of a new environment with the wheel, and with the mtflight of this clone."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    subprocess.run([folder / "bin/pip", "install", "-q", "--disable-pip-version-check", "--no-deps", WHEEL], check=True, timeout=300)
    shutil.copy(CLONE / "bin/mtflight", folder / "bin")
    return folder / "bin"


def test_what_it_holds():
    with zipfile.ZipFile(WHEEL) as z:
        names, metadata = z.namelist(), z.read(next(n for n in z.namelist() if n.endswith("/METADATA"))).decode()
        bill = json.loads(z.read(next(n for n in names if n.endswith("sboms/mtflight-sql.cdx.json"))))
        terms = z.read(next(n for n in names if n.endswith("/THIRD_PARTY_LICENSES"))).decode()
        program = z.getinfo(next(n for n in names if n.endswith(".data/scripts/mtflight-sql")))
    version = re.search(r'^version = "(.*)"$', (CLONE / "examples/python/pyproject.toml").read_text(), re.M)[1]
    assert f"\nVersion: {version}\n" in metadata and f"\nRequires-Dist: mtflight=={version}\n" in metadata  # both speak one language over their pipes
    assert program.external_attr >> 16 & 0o111 == 0o111 and [n for n in names if n.endswith(".py")] == []
    assert {"github.com/duckdb/duckdb-go-bindings"} <= {c["name"] for c in bill["components"]}
    for what in ("Stichting DuckDB Foundation", "libpg_query", "Unicode", "apache/arrow-go/v18 v"):
        assert what in terms, what
    assert re.search(r"-manylinux_2_\d+_x86_64\.whl$", WHEEL.name)


def test_licences_are_up_to_date():
    subprocess.run([sys.executable, CLONE / "packaging/licenses.py", "--check", "--sql"], check=True)


def test_is_found(bin):
    clean = {"PATH": "/usr/bin:/bin", "HOME": os.environ.get("HOME", "/")}
    done = subprocess.run([bin / "mtflight", "sql", "select count(*) n, max(id) top from events", CLONE / "testdata/tables.h5", "--format", "csv"], capture_output=True, text=True, env=clean, timeout=120)
    assert (done.stdout, done.stderr) == ("n,top\n5000,4999\n", "")
