"""Writes the files that the tests of the page look at: `make.py FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path

import h5py
import numpy as np
import tables

EVIL = "<img src=x onerror=evil()>"
ROWS = 300_000


def main(folder: Path) -> None:
    rng = np.random.default_rng(20261130)
    with tables.open_file(folder / "events.h5", "w") as f:
        f.create_table("/", "events", events(rng, ROWS), filters=tables.Filters(1, "zlib", shuffle=True))
        f.root.events.attrs.big = np.int64(2**60 + 1)
        f.root.events.attrs.detector = "barrel"
    with h5py.File(folder / "arrays.h5", "w") as f:
        f["image"] = np.add.outer(np.arange(60.0), np.arange(80.0) / 100)
        f["line"] = np.sin(np.arange(5000) / 100)
        f["stack"] = np.arange(4 * 30 * 20, dtype="i4").reshape(4, 30, 20)
        f["exact"] = np.array([2**60 + 1, -(2**63), 2**53 + 1])
        f["bytes"] = np.array([b"caf\xe9", b"plain"], dtype="S5")
        f.create_dataset("endless", shape=(2**60,), chunks=(1024,), dtype="i4")
        f["wide"] = np.zeros(3, dtype=[(f"column{i:03}", "i2") for i in range(300)])
    with h5py.File(folder / f"{EVIL.replace('/', '')}.h5", "w") as f:
        f[EVIL] = np.zeros(3, dtype=[(EVIL, "i4"), ("text", "S40")])
        f[EVIL][:] = [(i, EVIL.encode()) for i in range(3)]
        f[EVIL].attrs[EVIL] = EVIL
        f[b"caf\xe9"] = np.arange(3)
        f["turned\u202etxt"] = np.arange(3)
    with h5py.File(folder / "nodes.h5", "w", libver="latest") as f:
        for g in range(100):
            group = f.create_group(f"group{g:02}")
            for i in range(1000):
                group[f"link{i:04}"] = h5py.SoftLink("/nowhere") if i else h5py.SoftLink("/")
        f["group99/last"] = np.arange(4)


def events(rng: np.random.Generator, n: int) -> np.ndarray:
    rows = np.zeros(n, [("id", "i8"), ("energy", "f4"), ("channel", "u2"), ("name", "S8"), ("pos", "f4", (3,))])
    rows["id"] = np.arange(n)
    rows["energy"] = rng.permutation(n) / 100
    rows["channel"] = rng.integers(0, 512, n)
    rows["name"] = rng.choice([b"mu", b"pi", b"e"], n)
    return rows


if __name__ == "__main__":
    main(Path(sys.argv[1]))
