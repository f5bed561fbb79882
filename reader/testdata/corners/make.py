"""Writes the files of corners_test.go beside this script: python make.py (h5py, numpy).

Corners of HDF5 that readers get wrong, in a file with a user block and superblock 1 and in one of the newest format.
What they hold is said in corners_test.go.
"""

import ctypes
import zlib
from pathlib import Path

import h5py
import numpy as np

HERE = Path(__file__).parent
ROW = np.dtype([("a", ">i2"), ("b", "<f8"), ("c", "S2")])
MOVED = np.dtype({"names": ["late", "early", "mid"], "formats": ["<i4", ">u2", "u1"], "offsets": [12, 3, 7], "itemsize": 24})
NAMES = [b"back\\slash", b"..", b"...", b"line\nfeed", b"%2F", b"raw\xff\xfe", b"a b", "grü".encode()]


def fills(f: h5py.File) -> None:
    """Chunks of two; only the middle one is written."""
    f.create_dataset("fill_text", (6,), "S3", chunks=(2,), fillvalue=b"ab")[2:4] = [b"x", b"yyy"]
    f.create_dataset("fill_variable", (6,), h5py.string_dtype(), chunks=(2,), fillvalue="void")[2:4] = ["x", "yyy"]
    d = f.create_dataset("fill_rows", (6,), ROW, chunks=(2,), fillvalue=np.array((7, 0.5, b"q"), ROW)[()])
    d[2:4] = np.array([(1, 2, b"ab"), (3, 4, b"c")], ROW)
    f.create_dataset("fill_never", (6,), "<i2", chunks=(2,), fillvalue=-9, fill_time="never")[2:4] = [1, 2]
    f.create_dataset("fill_never_unchunked", (2,), "<i2", fillvalue=-9, fill_time="never")


def masks(f: h5py.File) -> None:
    """A chunk for each choice of shuffle (bit 0) and deflate (bit 1), and the last one cut by the extent."""
    d = f.create_dataset("masks", (15,), "<u4", chunks=(4,), shuffle=True, compression=1)
    for mask in range(4):
        part = np.arange(4 * mask, 4 * mask + 4, dtype="<u4") * np.uint32(0x01020304)
        raw = part.astype("<u4").tobytes()
        if not mask & 1:
            raw = np.frombuffer(raw, "u1").reshape(4, 4).T.tobytes()
        if not mask & 2:
            raw = zlib.compress(raw)
        d.id.write_direct_chunk((4 * mask,), raw, mask)


def attributes(f: h5py.File) -> None:
    """So many that they lie in a heap, in their order of creation."""
    d = f.create_dataset("dense", data=np.arange(3, dtype="i2"), track_order=True)
    for i in range(40):
        d.attrs[f"attribute {40 - i:02}"] = i
    g = f.create_group("ordered", track_order=True)
    for name in "zyx":
        g[name] = np.array([ord(name)], "u1")


def names(f: h5py.File) -> None:
    for i, name in enumerate(NAMES):
        space = h5py.h5s.create_simple((1,))
        h5py.h5d.create(f.id, name, h5py.h5t.STD_U8LE, space).write(h5py.h5s.ALL, h5py.h5s.ALL, np.array([i], "u1"))


def links(f: h5py.File) -> None:
    f["soft"] = h5py.SoftLink("/group/hard")
    f["group/hard"] = np.array([5], "u1")
    f["group/up"] = f["/"]
    f["dangling"] = h5py.SoftLink("/nowhere")
    f["loop"], f["pool"] = h5py.SoftLink("/pool"), h5py.SoftLink("/loop")


def oldest(path: Path) -> h5py.File:
    """B-trees of other than the usual rank make libhdf5 write superblock 1."""
    create = h5py.h5p.create(h5py.h5p.FILE_CREATE)
    create.set_userblock(1024)
    library = next(line.split()[-1] for line in open("/proc/self/maps") if "libhdf5-" in line)  # that h5py has loaded
    assert ctypes.CDLL(library).H5Pset_istore_k(ctypes.c_int64(create.id), 8) >= 0
    access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    access.set_libver_bounds(h5py.h5f.LIBVER_EARLIEST, h5py.h5f.LIBVER_LATEST)
    return h5py.File(h5py.h5f.create(bytes(path), h5py.h5f.ACC_TRUNC, create, access))


def write(file: h5py.File) -> None:
    with file as f:
        fills(f)
        masks(f)
        attributes(f)
        names(f)
        links(f)
        f["committed type"] = MOVED
        f.create_dataset("moved", data=np.array([(-5, 513, 9), (6, 2, 8)], MOVED), dtype=f["committed type"])
        f.create_dataset("no_rows", (0,), ROW, chunks=(4,), maxshape=(None,))
        f.create_dataset("no_columns", (3, 0), "f4")
        f.create_dataset("endless", (1 << 50,), "<i2", chunks=(1 << 20,), fillvalue=3, maxshape=(None,), compression=1)


if __name__ == "__main__":
    write(oldest(HERE / "earliest.h5"))
    write(h5py.File(HERE / "latest.h5", "w", libver="latest"))
