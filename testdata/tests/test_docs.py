"""The Python in the documents runs as it is printed, against a server of its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from conftest import BINARY, CLONE, TESTDATA

PRINTED = "grpc://127.0.0.1:8815"
DOCUMENTS = {d.relative_to(CLONE).as_posix(): d.read_text() for d in [CLONE / "README.md", *sorted((CLONE / "docs").glob("*.md"))]}
SAMPLES = {name: re.findall(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE) for name, text in DOCUMENTS.items()}
# What the samples leave behind, so that one that does nothing is seen.
THEN = {
    "README.md": "assert client.do_get(ticket).read_all().num_rows == (events['energy'] > 2).sum()"
                 " and year.num_rows == 2 * len(events) and hot.num_rows == 2 * (events['energy'] > 100).sum() > 0",
    "docs/collections.md": "assert table.num_rows == 2 * (events['energy'] > 100).sum() > 0",
    "docs/stage.md": "assert table['id'].to_pylist() == events['id'].tolist() and rows == len(events) and not used",
    "docs/frames.md": "assert frame.equals(pandas.read_hdf('store.h5', 'df'))",
    "docs/polars-duckdb.md": "assert len(hot) == (events['energy'] > 75).sum() and n == len(events) and total == len(events)",
    "docs/from-multitables.md": "assert math.isclose(energy, events['energy'].sum(dtype='f8'), rel_tol=1e-12)",
    "docs/from-pytables.md": "assert len(rows) and (rows['energy'] > 2.5).all()",
    "docs/from-h5py.md": "assert part.shape == (2, t2m.shape[2]) and len(file) == 4",
    "docs/pandas.md": "assert frame.equals(pandas.read_hdf('store.h5', 'df')) and (hot['energy'] > 2).all() and list(hot) == ['id', 'energy']",
    "docs/python.md": "assert rows.tobytes() == events[10:20].tobytes() and len(frame) == 1000 and batches == 5 and len(table) == 100 and (ids == events['id']).all()"
                      " and part.shape == (2, 9) and again.shape == (12, 2) and len(some) and two.dtype.names == ('id', 't')",
}

# Documents whose samples other tests run.
ELSEWHERE = {"docs/protocol.md", "docs/stores.md", "docs/conditions.md", "docs/xarray.md", "docs/torch.md", "docs/dask.md", "docs/anndata.md", "docs/sql.md"}

CHECK = """
import math, pandas, tables
with tables.open_file("events.h5") as f:
    events = f.root.events[:]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What the documents call their files."""
    folder = tmp_path_factory.mktemp("docs")
    for name, of in (("tables.h5", "tables.h5"), ("events.h5", "tables.h5"), ("climate.nc", "climate.nc"),
                     ("runs/2024-01/events.h5", "tables.h5"), ("runs/2024-02/events.h5", "tables.h5")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(TESTDATA / of, folder / name)
    pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}, index=[5, 7]).to_hdf(folder / "store.h5", key="df")
    return folder


def test_python_is_marked_as_such():
    """Samples that are only indented would not be run here."""
    for name, text in DOCUMENTS.items():
        assert not re.search(r"^    (import|from) \w+", re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE), re.MULTILINE), name
    assert {name for name, samples in SAMPLES.items() if samples} == set(THEN) | ELSEWHERE


def test_there_is_an_index():
    """By which each page is found, and which names none that is not there."""
    pages = {Path(name).name for name in DOCUMENTS if name.startswith("docs/")} - {"README.md"}
    assert {p for p in re.findall(r"\]\(([^/)#]+\.md)\)", DOCUMENTS["docs/README.md"])} == pages


@pytest.mark.parametrize("name,language,folder", [("go", "go", "go"), ("java", "java", "java"), ("rust", "rust", "rust"), ("javascript", "js", "js")])
def test_pages_quote_the_examples(name, language, folder):
    """Which other tests run."""
    sources = [p for suffix in ("go", "java", "rs", "mjs") for p in (CLONE / "examples" / folder).rglob(f"*.{suffix}") if "node_modules" not in p.parts]
    quoted = re.findall(rf"^```{language}\n(.*?)^```$", DOCUMENTS[f"docs/{name}.md"], re.DOTALL | re.MULTILINE)
    assert quoted and all(any(block in p.read_text() for p in sources) for block in quoted)


@pytest.mark.parametrize("name", THEN)
def test_samples(folder, start, name):
    server = start(folder)
    text = "\n".join(SAMPLES[name]).replace(PRINTED, server.location)
    done = subprocess.run([sys.executable, "-c", text + CHECK + THEN[name]], cwd=folder, text=True,
                          capture_output=True, timeout=300,
                          env={**os.environ, "PYTHONPATH": str(CLONE / "examples" / "python"), "MTFLIGHT_BIN": str(BINARY)})
    server.stop()
    assert done.returncode == 0 and not done.stderr, done.stderr
