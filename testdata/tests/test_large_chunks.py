"""Large chunks are read with the memory of about one: the budget, the server's memory and the time it takes."""

from __future__ import annotations

import concurrent.futures
import re
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.flight as fl
import pytest

ROWS = 16_000_000  # 64 MB
MEMORY = 160  # MB


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("large")
    values = (np.arange(ROWS) % 5000).astype("f4")
    table = np.zeros(ROWS // 16, [("n", "<i8"), ("x", "<f8"), ("pad", "V48")])
    table["n"] = np.arange(len(table))
    table["x"] = table["n"] / 4
    with h5py.File(folder / "large.h5", "w") as f:
        f.create_dataset("x", data=values, chunks=(ROWS,), compression="gzip", compression_opts=1, shuffle=True)
        f.create_dataset("y", data=values * 2, chunks=(ROWS,), compression="gzip", compression_opts=1)
        f.create_dataset("table", data=table, chunks=(len(table),), compression="gzip", compression_opts=1, shuffle=True)
    return folder


@pytest.fixture
def server(start, folder):
    return start(folder, args=("--memory", f"{MEMORY}MB"))


def most(server) -> int:
    """The most memory the server ever had beside its program's own pages, which are the file's, in MB."""
    process = Path(f"/proc/{server.process.pid}")
    peak = int(re.search(r"VmHWM:\s+(\d+) kB", (process / "status").read_text())[1])
    maps = re.split(r"^(?=[0-9a-f]+-[0-9a-f]+ )", (process / "smaps").read_text(), flags=re.M)[1:]
    program = str((process / "exe").readlink())
    return peak - sum(int(re.search(r"Rss:\s+(\d+) kB", m)[1]) for m in maps if m.splitlines()[0].endswith(" " + program)) >> 10


def test_a_few_rows_and_all(server):
    assert server.read("large.h5", "/x", start=5, stop=8)["x"].to_pylist() == [5, 6, 7]
    rows = 0
    for batch in server.client().do_get(fl.Ticket(b'{"file": "large.h5", "dataset": "/x"}')):
        column = batch.data["x"].to_numpy()
        assert np.array_equal(column, ((rows + np.arange(len(column))) % 5000).astype("f4"))
        rows += len(column)
    assert rows == ROWS
    found = server.read("large.h5", "/table", where="(x >= 1000) & (x < 1001)")
    assert found["n"].to_pylist() == [4000, 4001, 4002, 4003]
    last = server.read("large.h5", "/table", sort_by="x", step=-1, limit=2, fields=["n"])
    assert last["n"].to_pylist() == [ROWS // 16 - 1, ROWS // 16 - 2]
    assert most(server) <= MEMORY + 16


def test_side_by_side(server):
    def scan(name: str) -> int:
        return server.read("large.h5", name).num_rows

    names = ["/x", "/y", "/x", "/table"]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert list(pool.map(scan, names)) == [ROWS, ROWS, ROWS, ROWS // 16]
    assert most(server) <= MEMORY + 16


def test_too_little_memory_says_how_much_would_do(start, folder):
    little = start(folder, args=("--memory", "64MB"))
    with pytest.raises(pa.ArrowException, match="RESOURCE_EXHAUSTED|resource exhausted") as refused:
        little.read("large.h5", "/x", start=5, stop=8)
    text = str(refused.value)
    assert "large.h5 /x: chunk 0" in text and "64000000 decoded" in text and "smaller batches" not in text
    enough = start(folder, args=("--memory", re.search(r"--memory (\d+MB)", text)[1]))
    assert enough.read("large.h5", "/x", start=5, stop=8)["x"].to_pylist() == [5, 6, 7]
