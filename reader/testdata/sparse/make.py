"""Makes sparse.h5.gz: datasets, most without filters, whose chunks are large beside a few rows. Needs h5py (made with 3.16) and
hdf5plugin (7.1).

Element (i, j, k) of an array is (31*i + 7*j + k) % 1000, row i of a table (i, i/4, "r<i>"). The others
are noise."""

import gzip
from pathlib import Path

import h5py
import hdf5plugin
import numpy as np

HERE = Path(__file__).parent
ROWS = 5000


def main() -> None:
    table = np.zeros(ROWS, [("a", ">i4"), ("b", "<f8"), ("c", "S20")])
    table["a"], table["b"] = np.arange(ROWS), np.arange(ROWS) / 4
    table["c"] = [b"r%d" % i for i in range(ROWS)]
    i, j, k = np.ogrid[:90, :40, :30]
    cube = ((31 * i + 7 * j + k) % 1000).astype("i4")
    file = HERE / "sparse.h5"
    with h5py.File(file, "w") as f:
        f.create_dataset("rows", data=table)
        f.create_dataset("chunked", data=table, chunks=(2000,), maxshape=(None,))
        f.create_dataset("cube", data=cube, chunks=(64, 40, 30))
        f.create_dataset("pieces", data=cube, chunks=(64, 25, 30), fillvalue=-1, maxshape=(None, None, 30))
        f.create_dataset("contiguous", data=cube)
        noise = np.random.default_rng(5).integers(0, 2**63, 12000)
        f.create_dataset("blosc", data=noise, chunks=(6000,), compression=hdf5plugin.Blosc())  # which does not make it smaller
        f.create_dataset("packed", data=noise // 2**48, chunks=(6000,), compression=hdf5plugin.Blosc())
        f.create_dataset("blosc2", data=noise, chunks=(6000,), compression=hdf5plugin.Blosc2())
    (HERE / "sparse.h5.gz").write_bytes(gzip.compress(file.read_bytes(), 9, mtime=0))
    file.unlink()


if __name__ == "__main__":
    main()
