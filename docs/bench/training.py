"""Epochs of training batches beside the Dataset classes that are usual with h5py and PyTables: rows a second.

    PYTHON docs/bench/training.py [ROWS] [ROUNDS]      a Python with torch, h5py and PyTables (MTFLIGHT_BIN names the server)

Rows of 40 bytes (a table of 5 columns, zlib-1 and shuffle, chunks of 4096 rows), 8,000,000 of them, in batches of 1024, shuffled. What is usual
reads row by row (`Dataset.__getitem__(i)`), or batch by batch (`__getitems__`, a sorted list of rows); neither ends an epoch here in
reasonable time, so their rate is that of the first seconds. Rounds are interleaved, and medians printed; a worker's start is not counted.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import BatchSampler, DataLoader, Dataset, RandomSampler, SequentialSampler

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples" / "python"))

import mtflight  # noqa: E402
import mtflight.torch  # noqa: E402

BATCH, SECONDS = 1024, 6.0
COLUMNS = ["id", "x", "y", "pos", "label"]
ROW = np.dtype([("id", "i8"), ("x", "f8"), ("y", "f4"), ("pos", "f4", (3,)), ("label", "i8")])


def write(path: Path, rows: int) -> None:
    """The table, by PyTables."""
    import tables
    rng = np.random.default_rng(1)
    with tables.open_file(str(path), "w") as f:
        table = f.create_table("/", "events", ROW, chunkshape=4096, filters=tables.Filters(complevel=1, complib="zlib", shuffle=True))
        for at in range(0, rows, 1 << 19):
            part = np.zeros(min(1 << 19, rows - at), ROW)
            part["id"] = np.arange(at, at + len(part))
            part["x"], part["pos"], part["label"] = rng.normal(size=len(part)).round(3), rng.normal(size=(len(part), 3)).round(2), rng.integers(0, 10, len(part))
            table.append(part)


class Usual(Dataset):
    """A map of rows, opened by each worker: what tutorials show."""

    def __init__(self, path: Path, library: str, rows: int):
        self.path, self.library, self.rows, self.table = str(path), library, rows, None

    def _open(self):
        if self.table is None and self.library == "h5py":
            import h5py
            self.table = h5py.File(self.path)["events"]
        elif self.table is None:
            import tables
            self.table = tables.open_file(self.path).root.events
        return self.table

    def __len__(self) -> int:
        return self.rows

    def __getitem__(self, index):
        table = self._open()
        if isinstance(index, list):  # a batch, by a sorted list as h5py wants it
            index = sorted(index)
            rows = table[index] if self.library == "h5py" else table.read_coordinates(index)
            return {name: torch.from_numpy(np.ascontiguousarray(rows[name])) for name in COLUMNS}
        row = table[index]
        return {name: torch.as_tensor(row[name]) for name in COLUMNS}


def usual(path: Path, library: str, rows: int, workers: int, by_batch: bool, shuffle: bool = True) -> DataLoader:
    """Their loader, shuffled."""
    data = Usual(path, library, rows)
    options = {"num_workers": workers, "multiprocessing_context": "fork" if workers else None}
    if by_batch:
        order = RandomSampler(data) if shuffle else SequentialSampler(data)
        return DataLoader(data, sampler=BatchSampler(order, BATCH, False), batch_size=None, **options)
    return DataLoader(data, batch_size=BATCH, shuffle=shuffle, **options)


def rate(batches, seconds: float) -> float:
    """Rows a second after the first batch, which waits for workers."""
    loop = iter(batches)
    next(loop)
    rows, start = 0, time.perf_counter()
    for batch in loop:
        rows += len(batch["id"])
        if time.perf_counter() - start > seconds:
            break
    return rows / (time.perf_counter() - start)


def main() -> None:
    """Prints a table of rows a second."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 8_000_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    folder = Path(tempfile.mkdtemp(prefix="mtflight-training-"))
    path = folder / "events.h5"
    write(path, rows)

    def ours(workers: int, **options):
        return mtflight.torch.loader(mtflight.torch.IterableDataset(path, "/events", COLUMNS, batch_size=BATCH, **{"shuffle": True, **options}), workers)

    contenders = {f"mtflight, {w} workers": (lambda w=w: ours(w), 1e9) for w in (0, 1, 2, 4)}
    contenders["mtflight, 2 workers, block_rows=128"] = lambda: ours(2, block_rows=128), SECONDS
    contenders["mtflight, one of 3 ranks, 1 worker"] = lambda: ours(1, rank=1, world_size=3), 1e9
    for library in ("h5py", "PyTables"):
        for by_batch in (False, True):
            how = "batch by batch" if by_batch else "row by row"
            for workers in (0, 2):
                contenders[f"{library}, {how}, {workers} workers"] = lambda a=library, b=workers, c=by_batch: usual(path, a, rows, b, c), SECONDS
        contenders[f"{library}, batch by batch, in file order, 0 workers"] = lambda a=library: usual(path, a, rows, 0, True, False), SECONDS
    found: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, (make, seconds) in contenders.items():
            found[name].append(rate(make(), seconds))
    print(f"{rows} rows, load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores\n\n| | rows/s | |\n|---|---:|---:|")
    base = statistics.median(found["mtflight, 2 workers"])
    for name, rates in found.items():
        print(f"| {name} | {statistics.median(rates):,.0f} | {statistics.median(rates) / base:.4f} |")
    path.unlink()
    folder.rmdir()


if __name__ == "__main__":
    main()
