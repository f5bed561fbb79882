"""The examples run against a server of testdata and print what they promise."""

from __future__ import annotations

import subprocess

from conftest import CLONE


def test_python(server, python):
    printed = python(CLONE / "examples" / "python" / "quickstart.py", server.location)
    assert "tables.h5 /events: 5000 rows, 12 columns" in printed
    assert "electron" in printed and "('mu'," in printed


def test_go(server):
    printed = subprocess.run(["go", "run", "./examples/go/quickstart", server.location], cwd=CLONE, capture_output=True, text=True,
                             timeout=300)
    assert "5000 of 5000 rows" in printed.stdout, printed.stderr
