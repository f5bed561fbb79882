"""Writes the file of filters_test.go beside this script: python make.py (h5py, numpy).

The values are 0 to 5 in chunks of four. No chunk of "broken" and "partial" went through the filter of the pipeline; the
last of "used" says it did.
"""

import ctypes
from pathlib import Path

import h5py
import numpy as np

HERE = Path(__file__).parent
DONT_FILTER_PARTIAL = 2  # H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS


def libhdf5() -> ctypes.CDLL:
    """The library that h5py has loaded."""
    return ctypes.CDLL(next(line.split()[-1] for line in open("/proc/self/maps") if "libhdf5-" in line or "libhdf5.so" in line))


def dataset(f: h5py.File, name: str, data: np.ndarray, filter: int, params: tuple[int, ...], skip_partial: bool, last: int) -> None:
    dcpl = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    dcpl.set_chunk((4,))
    dcpl.set_filter(filter, h5py.h5z.FLAG_OPTIONAL, params)
    if skip_partial:
        assert libhdf5().H5Pset_chunk_opts(ctypes.c_int64(dcpl.id), ctypes.c_uint(DONT_FILTER_PARTIAL)) >= 0
    d = h5py.h5d.create(f.id, name.encode(), h5py.h5t.py_create(data.dtype), h5py.h5s.create_simple(data.shape), dcpl)
    d.write_direct_chunk((0,), data[:4].tobytes(), 1)
    d.write_direct_chunk((4,), data[4:].tobytes() + bytes(2 * data.itemsize), last)


def main() -> None:
    with h5py.File(HERE / "unused.h5", "w", libver="latest") as f:
        # What a bitshuffle that did not find its size of an element leaves: two parameters where there must be three.
        dataset(f, "broken", np.arange(6, dtype="<i4"), 32008, (0, 4), False, 1)
        dataset(f, "partial", np.arange(6, dtype="<i4"), 397, (), True, 0)
        dataset(f, "used", np.arange(6, dtype="<i4"), 397, (), False, 0)


if __name__ == "__main__":
    main()
