"""The files of the benchmark, from a seed: one dataset a file, so that nobody has to look past others.

A table of 12 columns in rows of 64 bytes, as an instrument's log has them: counters, rounded measurements, noise, short
names; for queries the same with an index of `serial`. An array of float32, 1024 wide, of measurements rounded to two
places. About half of the bytes are noise.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tables

FILTERS = {
    "none": None,
    "zlib-1": tables.Filters(complevel=1, complib="zlib", shuffle=True),
    "blosc-5": tables.Filters(complevel=5, complib="blosc", shuffle=True),
    "blosc2-5": tables.Filters(complevel=5, complib="blosc2", shuffle=True),
}
READ, QUERIED = ("none", "zlib-1", "blosc-5"), ("none", "zlib-1", "blosc2-5")  # by bench.py and by queries.py
KINDS = ("table", "array")
ROW = np.dtype([("id", "i8"), ("time", "f8"), ("walk", "f8"), ("count", "i4"), ("level", "f4"), ("serial", "i4"),
                ("noise", "f4"), ("bin", "i2"), ("port", "u2"), ("name", "S8"), ("group", "i4"), ("weight", "f8")])
PIECE = 500_000  # rows made at once


def rows(first: int, n: int, rng: np.random.Generator) -> np.ndarray:
    """Rows first to first+n of the table."""
    out = np.zeros(n, ROW)
    out["id"] = np.arange(first, first + n)
    out["time"] = (out["id"] * 1e-3 + rng.normal(size=n) * 1e-4).round(5)
    out["walk"] = rng.normal(size=n).cumsum()
    out["count"] = rng.integers(0, 1000, n)
    out["level"] = rng.normal(size=n).round(1)
    out["serial"] = rng.integers(0, 100_000, n)
    out["noise"] = rng.random(n)
    out["bin"] = rng.integers(0, 300, n)
    out["port"] = rng.integers(0, 60_000, n)
    out["name"] = np.array([b"alpha", b"beta", b"gamma", b"delta123"])[rng.integers(0, 4, n)]
    out["group"] = out["id"] // 7
    out["weight"] = rng.random(n)
    return out


def path(folder: Path, kind: str, filters: str, total: int) -> Path:
    """Where the file of a kind lies."""
    return folder / f"{kind}-{filters}-{total}.h5"


def make(folder: Path, kind: str, filters: str, total: int) -> Path:
    """Writes a file of as many bytes as the table of so many rows has, by way of another name, unless it is there."""
    target = path(folder, kind, filters, total)
    if target.exists():
        return target
    part = target.with_suffix(".part")
    with tables.open_file(part, "w") as f:
        {"table": write_table, "array": write_array, "indexed": write_indexed}[kind](f, FILTERS[filters], total)
    part.rename(target)
    return target


def write_table(f: tables.File, filters: tables.Filters | None, total: int) -> None:
    rng = np.random.default_rng(1)
    t = f.create_table("/", "data", ROW, filters=filters, expectedrows=total)
    for first in range(0, total, PIECE):
        t.append(rows(first, min(PIECE, total - first), rng))


def write_indexed(f: tables.File, filters: tables.Filters | None, total: int) -> None:
    """The table with a completely sorted index."""
    write_table(f, filters, total)
    f.root.data.cols.serial.create_csindex()


def write_array(f: tables.File, filters: tables.Filters | None, total: int) -> None:
    rng = np.random.default_rng(2)
    high = max(1, total * ROW.itemsize // 4096)
    e = f.create_earray("/", "data", tables.Float32Atom(), (0, 1024), filters=filters, expectedrows=high)
    for first in range(0, high, 8192):
        e.append(rng.normal(size=(min(8192, high - first), 1024)).astype("f4").round(2))
