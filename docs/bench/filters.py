"""Decoding speed by filter, beside libhdf5 with the C filters: python docs/bench/filters.py [MB] [NAME...].

One file per filter with a dataset in chunks of 512 KiB, of MB (512) or as much as h5py reads in half a second, at least
32; h5py (libhdf5, one thread), `mtflight get --workers 1` and `--workers 2` read it in turn, so that whatever else the
machine does hits all. The least time of each counts. mtflight's time is its whole process less that of a process that
reads one row. Environment: MTFLIGHT names the binary (bin/mtflight), ROUNDS the number of turns (7).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py
import hdf5plugin
import numpy as np
import tables  # registers lzo and bzip2 of PyTables with its own libhdf5
from h5py import h5d, h5p, h5s, h5t, h5z

BINARY = os.environ.get("MTFLIGHT", str(Path(__file__).resolve().parents[2] / "bin" / "mtflight"))
ROUNDS = int(os.environ.get("ROUNDS", 7))
WIDTH, ROWS = 1024, 128  # a chunk is 512 KiB of 4-byte values
BLOSC = ("blosclz", "lz4", "zlib", "zstd")


def floats(rows: int) -> np.ndarray:
    return np.cumsum(np.random.default_rng(1).normal(size=(rows, WIDTH)), axis=0).round(2).astype("f4")


def integers(rows: int) -> np.ndarray:
    return np.random.default_rng(2).integers(0, 4000, (rows, WIDTH)).astype("i4")


def nbit(create: h5p.PropDCID) -> None:
    create.set_filter(h5z.FILTER_NBIT, 0, ())


FILTERS = {  # name: data, what makes it
    "deflate": (floats, lambda p: p.set_deflate(4)),
    "shuffle+deflate": (floats, lambda p: (p.set_shuffle(), p.set_deflate(4))),
    "fletcher32": (floats, lambda p: p.set_fletcher32()),
    "szip": (integers, lambda p: p.set_szip(h5z.SZIP_NN_OPTION_MASK, 32)),
    "nbit": (integers, nbit),
    "scaleoffset int": (integers, lambda p: p.set_scaleoffset(h5z.SO_INT, 0)),
    "scaleoffset float": (floats, lambda p: p.set_scaleoffset(h5z.SO_FLOAT_DSCALE, 2)),
    "lzf": (integers, lambda p: (p.set_shuffle(), p.set_filter(h5z.FILTER_LZF))),
    "lzo": (floats, "lzo"),
    "bzip2": (floats, "bzip2"),
    **{f"blosc {c}": (floats, hdf5plugin.Blosc(cname=c, clevel=5, shuffle=1)) for c in BLOSC},
    "blosc bitshuffle lz4": (integers, hdf5plugin.Blosc(cname="lz4", clevel=5, shuffle=2)),
    **{f"blosc2 {c}": (floats, hdf5plugin.Blosc2(cname=c, clevel=5, filters=1)) for c in BLOSC},
    "blosc2 bitshuffle lz4": (integers, hdf5plugin.Blosc2(cname="lz4", clevel=5, filters=2)),
    "lz4": (floats, hdf5plugin.LZ4()),
    "zstd": (floats, hdf5plugin.Zstd()),
    "bitshuffle lz4": (integers, hdf5plugin.Bitshuffle(cname="lz4")),
    "bitshuffle zstd": (integers, hdf5plugin.Bitshuffle(cname="zstd")),
}


def write(path: Path, name: str, rows: int) -> None:
    data, how = FILTERS[name][0](rows), FILTERS[name][1]
    if isinstance(how, str):
        with tables.open_file(path, "w") as f:
            f.create_carray("/", "data", obj=data, chunkshape=(ROWS, WIDTH), filters=tables.Filters(5, how, shuffle=True))
        return
    create = h5p.create(h5p.DATASET_CREATE)
    create.set_chunk((ROWS, WIDTH))
    how(create) if callable(how) else create.set_filter(how["compression"], 0, tuple(how["compression_opts"]))
    stored = h5t.py_create(data.dtype)
    if name == "nbit":
        stored.set_precision(17)  # libhdf5 takes fewer than half of the bits for a mistake
    with h5py.File(path, "w") as f:
        h5d.create(f.id, b"data", stored, h5s.create_simple(data.shape), create).write(h5s.ALL, h5s.ALL, data)


def reference(path: Path, name: str) -> float:
    """h5py's reading, PyTables' where only it has the filter, a few chunks at a time into one buffer."""
    out = np.empty((8 * ROWS, WIDTH), FILTERS[name][0](0).dtype)
    if isinstance(FILTERS[name][1], str):
        with tables.open_file(path) as f:
            began = time.perf_counter()
            for i in range(0, len(f.root.data), len(out)):
                f.root.data.read(i, min(i + len(out), len(f.root.data)))
            return time.perf_counter() - began
    with h5py.File(path) as f:
        began = time.perf_counter()
        for i in range(0, len(f["data"]), len(out)):
            part = out[:len(f["data"]) - i]
            f["data"].read_direct(part, np.s_[i:i + len(part)])
        return time.perf_counter() - began


def ours(path: Path, workers: int, *part: str) -> float:
    began = time.perf_counter()
    subprocess.run([BINARY, "get", path, "/data", "--format", "none", "--workers", str(workers), *part], check=True, capture_output=True)
    return time.perf_counter() - began


def measure(root: Path, name: str, most: int) -> tuple[float, ...]:
    path, rows = root / "f.h5", 32 << 8
    write(path, name, rows)
    rows = min(most, max(rows, int(rows * 0.5 / reference(path, name)))) // ROWS * ROWS
    write(path, name, rows)
    turns = [(reference(path, name), ours(path, 1), ours(path, 2), ours(path, 1, "--stop", "1")) for _ in range(ROUNDS + 1)]
    their, one, two, start = (min(t) for t in zip(*turns[1:]))
    size = rows * WIDTH * 4 / 1e6
    return size / their, size / (one - start), size / (two - start)


def main() -> None:
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 512
    print(f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}, least of {ROUNDS} turns; MB/s of decoded data\n")
    print("| filter | libhdf5 | 1 worker | 2 workers | 1 / libhdf5 | 2 workers / 1 |\n|---|--:|--:|--:|--:|--:|")
    with tempfile.TemporaryDirectory() as root:
        for name in sys.argv[2:] or FILTERS:
            if name == "lzo" and tables.which_lib_version("lzo") is None:
                print("| lzo | this PyTables has none | | | | |")
                continue
            their, one, two = measure(Path(root), name, megabytes << 8)
            print(f"| {name} | {their:.0f} | {one:.0f} | {two:.0f} | {one / their:.2f} | {two / one:.2f} |", flush=True)


if __name__ == "__main__":
    main()
