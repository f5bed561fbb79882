"""Writes the files of plugin_test.go beside this script: python make.py (h5py, hdf5plugin, numpy).

Filters 396 to 399 are of the range for tests. flip.c is the plug-in of 399, which inverts every byte.
"""

from pathlib import Path

import h5py
import hdf5plugin
import numpy as np

HERE = Path(__file__).parent


def foreign(f: h5py.File, name: str, data: np.ndarray, chunk: tuple[int, ...], *filters: int) -> None:
    """A dataset as a writer with the plug-ins of 397 to 399 leaves it: the first chunk was never written, the last
    was left as it is by all filters."""
    dcpl = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    dcpl.set_chunk(chunk)
    dcpl.set_fill_value(np.array(-1, data.dtype))
    for i in filters:
        dcpl.set_deflate(6) if i == 1 else dcpl.set_filter(i, h5py.h5z.FLAG_OPTIONAL, ())
    space = h5py.h5s.create_simple(data.shape)
    d = h5py.h5d.create(f.id, name.encode(), h5py.h5t.py_create(data.dtype), space, dcpl)
    corners = [tuple(k * c for k, c in zip(at, chunk)) for at in np.ndindex(*(-(-n // c) for n, c in zip(data.shape, chunk)))]
    for at in corners[len(corners) > 1:]:
        part = np.full(chunk, -1, data.dtype)
        here = data[tuple(slice(a, a + c) for a, c in zip(at, chunk))]
        part[tuple(slice(n) for n in here.shape)] = here
        last = at == corners[-1] and len(corners) > 1
        stored = part.tobytes()
        for i in () if last else filters:
            stored = __import__("zlib").compress(stored) if i == 1 else bytes(b ^ 255 for b in stored)
        d.write_direct_chunk(at, stored, (1 << len(filters)) - 1 if last else 0)


def main() -> None:
    count = np.arange(11 * 7 * 5, dtype="<i4").reshape(11, 7, 5)
    with h5py.File(HERE / "own.h5", "w") as f:
        foreign(f, "flip", count, (4, 3, 2), 399)
        foreign(f, "mixed", count, (4, 3, 2), 1, 399)
        foreign(f, "missing", count, (4, 3, 2), 397)
    with h5py.File(HERE / "crash.h5", "w") as f:
        foreign(f, "crash", count[0, 0], (5,), 398)
    with h5py.File(HERE / "slow.h5", "w") as f:
        foreign(f, "slow", np.repeat(np.arange(18, dtype="<i4"), 1 << 16).reshape(18, 1 << 16), (1, 1 << 16), 396, 1)
    with h5py.File(HERE / "pypi.h5", "w") as f:
        f.create_dataset("zfp", data=count.astype("<f8"), chunks=(4, 3, 2), **hdf5plugin.Zfp(reversible=True))
        f.create_dataset("fcidecomp", data=count[0].astype("<u2"), chunks=(7, 5), **hdf5plugin.FciDecomp())


if __name__ == "__main__":
    main()
