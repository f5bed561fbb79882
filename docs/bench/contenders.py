"""One contender of the benchmark in a process of its own: reads all of /data twice, prints the faster time.

    python docs/bench/contenders.py NAME FILE|LOCATION [FILE NAME ON THE SERVER]

Imports, opening and, for the decoders, fetching the compressed chunks are not timed.
"""

from __future__ import annotations

import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

STEP = 1 << 17  # rows of the table PyTables and h5py are asked for at once, near 8 MiB
WIDE = 2048     # rows of the array, 8 MiB


def step(ndim: int) -> int:
    return STEP if ndim == 1 else WIDE


def pytables(file):
    import tables
    node = tables.open_file(file).root.data
    n, by = node.nrows, step(len(node.shape))
    return lambda: sum(node.read(i, min(i + by, n)).nbytes for i in range(0, n, by))


def to_arrow(file):
    import pyarrow as pa
    import tables
    f = tables.open_file(file)
    node = f.root.data
    n, by = node.nrows, step(len(node.shape))

    def batch(a):
        if a.dtype.names:
            return pa.record_batch({c: pa.array(a[c]) for c in a.dtype.names})
        return pa.record_batch({"data": pa.FixedSizeListArray.from_arrays(pa.array(a.reshape(-1)), a.shape[1])})

    def read():
        total = 0
        for i in range(0, n, by):
            a = node.read(i, min(i + by, n))
            batch(a)
            total += a.nbytes
        return total
    return read


def with_h5py(file):
    import h5py
    import hdf5plugin  # noqa: F401 (makes its filters known)
    import numpy as np
    d = h5py.File(file)["data"]
    by = step(d.ndim)
    out = np.empty((by, *d.shape[1:]), d.dtype)

    def read():
        total = 0
        for i in range(0, d.shape[0], by):
            n = min(by, d.shape[0] - i)
            d.read_direct(out, np.s_[i:i + n], np.s_[:n])
            total += out[:n].nbytes
        return total
    return read


def with_multitables(file):
    """Its default blocks, whole chunks near 128 KiB: with larger ones it ends before the last."""
    import multitables

    def read():
        total = 0
        q = multitables.Streamer(filename=file).get_queue(path="/data", n_procs=2)
        for guard in q.iter():
            with guard as block:
                total += block.nbytes
        q.close()
        return total
    return read


def with_hidefix(file):
    import hidefix
    d = hidefix.Index(file).dataset("data")
    if "array" not in os.path.basename(file):
        raise TypeError("hidefix reads no compound types")
    return lambda: d[:, :].nbytes


def chunks_of(file):
    """The chunks that went through the filter, and the bytes of a whole one. Some would not shrink."""
    import h5py
    d = h5py.File(file)["data"].id
    read = [d.read_direct_chunk(d.get_chunk_info(i).chunk_offset) for i in range(d.get_num_chunks())]
    return [chunk for mask, chunk in read if not mask], file_chunk_bytes(file)


def file_chunk_bytes(file):
    import h5py
    d = h5py.File(file)["data"]
    n = d.dtype.itemsize
    for k in d.chunks:
        n *= k
    return n


def decode(file):
    """The decoder alone, in two threads: libdeflate or c-blosc over chunks in memory."""
    if "none" in os.path.basename(file):
        raise TypeError("nothing to decode")
    chunks, size = chunks_of(file)
    if "zlib" in os.path.basename(file):
        import deflate
        one = lambda c: deflate.zlib_decompress(c, size)
    else:
        import blosc
        blosc.set_nthreads(1)
        blosc.set_releasegil(True)
        one = blosc.decompress
    pool = ThreadPoolExecutor(2)
    half = [chunks[0::2], chunks[1::2]]
    return lambda: sum(pool.map(lambda part: sum(len(one(c)) for c in part), half))


def flight(location, file=""):
    import pyarrow.flight as fl
    client = fl.connect(location)
    ticket = fl.Ticket(json.dumps({"file": file, "dataset": "/data"}).encode())
    return lambda: sum(b.data.nbytes for b in client.do_get(ticket))


CONTENDERS = {"pytables": pytables, "arrow": to_arrow, "h5py": with_h5py, "multitables": with_multitables,
              "hidefix": with_hidefix, "decode": decode, "flight": flight}


def main() -> None:
    name, *args = sys.argv[1:]
    try:
        read = CONTENDERS[name](*args)
    except (TypeError, RuntimeError) as why:
        print(json.dumps({"left out": str(why).splitlines()[0]}))
        return
    best, total = float("inf"), 0
    for _ in range(2):
        start = time.perf_counter()
        total = read()
        best = min(best, time.perf_counter() - start)
    print(json.dumps({"seconds": best, "bytes": total}))


if __name__ == "__main__":
    main()
