"""Makes large.h5.gz: datasets of few chunks of 8 MiB. Needs h5py (made with 3.16) and hdf5plugin (7.1).

Element i of an array is i % 1000, of "wide" (i + j) % 1000, row i of "table" has i, i/4, (i*7919) % 100003, of "text" "t<i>"; the
columns of the frame "obs" are i % 1000, those of "b" twice as much, "_index" is i."""

import gzip
from pathlib import Path

import h5py
import hdf5plugin
import numpy as np

HERE = Path(__file__).parent
N = 2 << 20


def main() -> None:
    values = (np.arange(N) % 1000).astype("f4")
    whole = {"chunks": (N,), "maxshape": (None,)}
    file = HERE / "large.h5"
    with h5py.File(file, "w") as f:
        f.create_dataset("one", data=values, compression="gzip", shuffle=True, **whole)
        f.create_dataset("two", data=(np.arange(5 << 19) % 1000).astype("f4"), chunks=(N,), compression="gzip")
        f.create_dataset("lzf", data=values, compression="lzf", **whole)
        f.create_dataset("szip", data=values, compression="szip", **whole)
        f.create_dataset("checked", data=values, compression="gzip", shuffle=True, fletcher32=True, **whole)
        f.create_dataset("plain", data=values, **whole)
        f.create_dataset("blosc", data=values, **whole, **hdf5plugin.Blosc())
        f.create_dataset("blosc2", data=values, **whole, **hdf5plugin.Blosc2())
        f.create_dataset("zstd", data=values, **whole, **hdf5plugin.Zstd())
        f.create_dataset("bitshuffle", data=values, **whole, **hdf5plugin.Bitshuffle())
        i, j = np.ogrid[:512, :8192]
        f.create_dataset("wide", data=((i + j) % 1000).astype("f4"), chunks=(512, 4096), compression="gzip")
        rows = np.zeros(N // 16, [("n", "<i8"), ("x", "<f8"), ("k", "<i4"), ("pad", "V44")])
        rows["n"] = np.arange(len(rows))
        rows["x"], rows["k"] = rows["n"] / 4, rows["n"] * 7919 % 100003
        f.create_dataset("table", data=rows, chunks=(len(rows),), compression="gzip", shuffle=True)
        f.create_dataset("text", data=["t%d" % i for i in range(3000)], dtype=h5py.string_dtype(), chunks=(N // 4,),
                         maxshape=(None,), compression="gzip")
        layout = h5py.VirtualLayout(shape=(2 * N,), dtype="f4")
        layout[:N], layout[N:] = h5py.VirtualSource(f["one"]), h5py.VirtualSource(f["lzf"])
        f.create_virtual_dataset("joined", layout)
        obs = f.create_group("obs")
        obs.attrs.update({"encoding-type": "dataframe", "encoding-version": "0.2.0", "_index": "_index"})
        obs.attrs["column-order"] = np.array(["a", "b", "c"], h5py.string_dtype())
        n = 300_000
        for name, times in ("a", 1), ("b", 2), ("c", 1):
            obs.create_dataset(name, data=values[:n] * times, compression="gzip", **whole)
        obs.create_dataset("_index", data=np.arange(n), chunks=(N // 2,), maxshape=(None,), compression="gzip")
    (HERE / "large.h5.gz").write_bytes(gzip.compress(file.read_bytes(), 9, mtime=0))
    file.unlink()


if __name__ == "__main__":
    main()
