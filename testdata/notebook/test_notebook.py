"""examples/python/first_look.ipynb runs, and shows a tree, rows, a picture and values as h5py has them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import h5py
import nbformat
import pytest
from nbclient import NotebookClient

CLONE = Path(__file__).resolve().parents[2]
NOTEBOOK = CLONE / "examples" / "python" / "first_look.ipynb"


def executed(folder: Path) -> nbformat.NotebookNode:
    """The notebook with its outputs, run in a folder that has its files."""
    for name in ("tables.h5", "climate.nc"):
        shutil.copy(CLONE / "testdata" / name, folder)
    os.environ.setdefault("MTFLIGHT_BIN", str(CLONE / "bin" / "mtflight"))
    os.environ["PYTHONPATH"] = str(CLONE / "examples" / "python")
    notebook = nbformat.read(NOTEBOOK, 4)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(folder)}}).execute()
    return notebook


@pytest.fixture(scope="module")
def outputs(tmp_path_factory) -> list:
    """What the code cells show, each its last output."""
    cells = [c for c in executed(tmp_path_factory.mktemp("notebook")).cells if c.cell_type == "code"]
    assert all(c.outputs for c in cells)
    return [c.outputs[-1] for c in cells]


def test_it_is_kept_without_outputs():
    assert not any(c.get("outputs") for c in nbformat.read(NOTEBOOK, 4).cells)


def test_tree_and_rows(outputs):
    tree, rows, chosen = (o["data"]["text/html"] for o in outputs[:3])
    events = h5py.File(CLONE / "testdata" / "tables.h5")["/events"]
    assert "<b>events</b> table, 5000 rows" in tree and "particles" in tree
    assert rows.count("<tr>") == 10 and all(f"<th>{name}</th>" in rows for name in events.dtype.names)
    assert all(f"<td>{e:.6g}</td>" in rows for e in events["energy"][:8]) and "[0.89, 0.43, -0.75]" in rows
    assert all(f"<td>{i}</td>" in chosen for i in events["id"][events["energy"] > 75][:8]) and "vars: {&#x27;cut&#x27;: 75}" in chosen


def test_picture_and_values(outputs):
    picture, part, frame, mistake = outputs[3:]
    t2m = h5py.File(CLONE / "testdata" / "climate.nc")["/t2m"]
    assert "<svg" in picture["data"]["text/html"] and f"{t2m[0].max():.6g}" in picture["data"]["text/html"]
    assert part["data"]["text/plain"] == repr(t2m[3, ::4, :3])
    assert "<td>424</td>" in frame["data"]["text/html"]
    assert mistake["ename"] == "NoSuchNodeError" and "/events" in mistake["evalue"]
