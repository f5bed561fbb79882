"""The examples run against a server of testdata and print what they promise."""

from __future__ import annotations

import subprocess

import h5py

from conftest import CLONE


def test_python(server, python):
    printed = python(CLONE / "examples" / "python" / "quickstart.py", server.location)
    assert "tables.h5 /events: 5000 rows, 12 columns" in printed
    assert "electron" in printed and "('mu'," in printed


def test_go(server):
    printed = subprocess.run(["go", "run", "./examples/go/quickstart", server.location], cwd=CLONE, capture_output=True, text=True,
                             timeout=300)
    assert "5000 of 5000 rows" in printed.stdout, printed.stderr


def test_go_embedded():
    """The same sum by h5py."""
    table = h5py.File(CLONE / "testdata" / "tables.h5")["/events"][:]
    energy = table["energy"][(table["energy"] > 50) & (table["id"] < 1000)].astype("f8")
    printed = subprocess.run(["go", "run", "./examples/go/embed"], cwd=CLONE, capture_output=True, text=True, timeout=300)
    assert printed.stdout == f"{len(energy)} rows, {energy.sum():.2f} in all\n", printed.stderr
