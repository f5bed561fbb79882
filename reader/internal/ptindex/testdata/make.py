"""Makes indexes.h5.gz: tables whose columns have PyTables indexes of every kind. Needs PyTables (made with 3.11)."""

import gzip
import itertools
import os
import warnings

import numpy as np
import tables as tb

warnings.simplefilter("ignore")
SEED = 20240731
# superblock, block, slice, chunk: small, so that few rows make many of them
BLOCKS = (512, 128, 64, 16)
WIDE = (1024, 512, 256, 16)  # slices long enough for the reductions of light indexes


class Row(tb.IsDescription):
    i4 = tb.Int32Col(pos=0)
    f8 = tb.Float64Col(pos=1)
    s = tb.StringCol(6, pos=2)

    class n(tb.IsDescription):
        u8 = tb.UInt64Col(pos=0)
        t = tb.Time64Col(pos=1)

    f4 = tb.Float32Col(pos=4)
    b = tb.BoolCol(pos=5)
    i1 = tb.Int8Col(pos=6)
    row = tb.Int32Col(pos=7)


def rows(rng, n, dtype):
    a = np.zeros(n, dtype)
    a["i4"] = rng.integers(-50, 50, n)
    a["f8"] = np.where(rng.random(n) < 0.1, np.nan, rng.normal(size=n).round(2))
    a["s"] = rng.choice([b"", b"a", b"ab", b"abc", b"b", b"zz\xc3\xa9", b"zzzzzz"], n)
    a["n"]["u8"] = rng.integers(0, 2**64, n, dtype="u8") >> rng.integers(0, 64, n, dtype="u8")
    a["n"]["t"] = rng.integers(0, 10**6, n) / 64
    a["f4"] = rng.integers(-10, 10, n) / 3
    a["f4"][: n // 20] = np.inf
    a["b"] = rng.integers(0, 2, n)
    a["i1"] = np.sort(rng.integers(-128, 128, n))
    a["row"] = np.arange(n)
    return a


def table(f, rng, name, n, chunk, blocks=BLOCKS, **index):
    t = f.create_table("/", name, Row, chunkshape=(chunk,), track_times=False)
    t.append(rows(rng, n, t.dtype))
    t.flush()
    for c in ("i4", "f8", "s", "n/t", "f4", "b", "i1"):
        if index:
            t.cols._f_col(c).create_index(**index, _blocksizes=blocks)
    t.flush()
    return t


rng = np.random.default_rng(SEED)
with tb.open_file("indexes.h5", "w") as f:
    sizes = itertools.cycle([(700, 16), (40, 16), (512, 10), (1000, 24)])
    for kind in ("ultralight", "light", "medium", "full"):
        for opt in (0, 4, 6, 9):
            n, chunk = next(sizes) if kind != "full" or opt != 9 else (1000, 16)
            blocks = WIDE if "light" in kind else BLOCKS
            table(f, rng, f"{kind}{opt}", n, chunk, blocks, kind=kind, optlevel=opt)
        next(sizes)
    grown = table(f, rng, "grown", 300, 16, kind="full", optlevel=9)
    grown.append(rows(rng, 290, grown.dtype))
    grown.flush()
    for name in ("dirty", "behind"):
        t = table(f, rng, name, 300, 16, kind="full", optlevel=9)
        t.autoindex = False
        t.append(rows(rng, 90, t.dtype))
        t.flush()
    for c in ("i4", "f8", "s"):  # as if only the rows appended were not indexed
        f.get_node(f"/_i_behind/{c}")._v_attrs.DIRTY = False
    f.get_node("/_i_behind/n/t")._v_attrs.VERSION = "9.0"
    old = table(f, rng, "old", 300, 16, kind="full", optlevel=9)  # as PyTables 2.0 left it: the count is in indicesLR
    group = f.get_node("/_i_old/i4")
    group._v_attrs.VERSION = "2.0"
    del group._v_attrs.reduction
    group.indicesLR[-1] = 300 % BLOCKS[2]
    for name in ("sortedLR", "indicesLR"):
        del group._f_get_child(name).attrs.nelements
    table(f, rng, "plain", 100, 16)
    long = f.create_table("/", "long", Row, chunkshape=(512,), track_times=False)  # more than a small budget holds
    a = np.zeros(40_000, long.dtype)
    a["i4"] = rng.integers(-(2**31), 2**31, len(a))
    a["i4"][::7] = 5
    a["s"] = rng.choice([b"", b"ab", b"zzzz"], len(a))
    a["row"] = np.arange(len(a))
    long.append(a)
    half = f.create_table("/", "half", {"f2": tb.Float16Col(), "row": tb.Int32Col()}, chunkshape=(16,), track_times=False)
    a = np.zeros(300, half.dtype)
    a["f2"] = rng.choice([-np.inf, -2, -1, 0, 1, 2, np.inf], len(a))
    a["row"] = np.arange(len(a))
    half.append(a)
    half.cols.f2.create_csindex(_blocksizes=BLOCKS)

with open("indexes.h5", "rb") as f, gzip.GzipFile("indexes.h5.gz", "wb", 9, mtime=0) as z:
    z.write(f.read())
os.remove("indexes.h5")
