"""Write the fixtures: small HDF5 files, gzipped, and expected.json.gz with what libhdf5 says of each (dump.py).

    python make.py    needs h5py with HDF5 2.0 or later, and numpy; h5py 3.16 wrote those beside it
"""

import ctypes
import glob
import gzip
import json
import os
import random
import tempfile

import h5py
import numpy as np
from h5py import h5d, h5f, h5p, h5s, h5t

import dump

HERE = os.path.dirname(os.path.abspath(__file__))
UNLIMITED = h5s.UNLIMITED
libhdf5 = ctypes.CDLL(glob.glob(os.path.dirname(h5py.__file__) + "/../h5py.libs/libhdf5-*")[0])

EARLY, LATE, INCR = h5d.ALLOC_TIME_EARLY, h5d.ALLOC_TIME_LATE, h5d.ALLOC_TIME_INCR
RELEASES = {"earliest": h5f.LIBVER_EARLIEST, "v18": h5f.LIBVER_V18, "v110": h5f.LIBVER_V110, "latest": h5f.LIBVER_LATEST}


def new(name, libver="earliest", userblock=0, sizes=None, shared=0):
    fcpl = h5p.create(h5p.FILE_CREATE)
    fcpl.set_userblock(userblock)
    fcpl.set_obj_track_times(False)
    if sizes:
        fcpl.set_sizes(*sizes)
    if shared:  # datatypes, dataspaces, fill values and pipelines of any size
        assert libhdf5.H5Pset_shared_mesg_nindexes(ctypes.c_int64(fcpl.id), 1) >= 0
        assert libhdf5.H5Pset_shared_mesg_index(ctypes.c_int64(fcpl.id), 0, 1 << 1 | 1 << 3 | 1 << 5 | 1 << 11, shared) >= 0
    fapl = h5p.create(h5p.FILE_ACCESS)
    fapl.set_libver_bounds(RELEASES[libver], h5f.LIBVER_LATEST if libver in ("earliest", "latest") else RELEASES[libver])
    return h5py.File(h5f.create(name.encode(), h5f.ACC_TRUNC, fcpl, fapl))


def dataset(f, name, shape, most, chunk, write="all", filtered=False, alloc=None, skip_partial=False, dtype="u1", fill=None):
    """Create a dataset. write: "all", "none", or a number of chunks at random places."""
    dcpl = h5p.create(h5p.DATASET_CREATE)
    dcpl.set_obj_track_times(False)
    if chunk:
        dcpl.set_chunk(chunk)
    if filtered:
        dcpl.set_shuffle()
        dcpl.set_deflate(1)
    if alloc is not None:
        dcpl.set_alloc_time(alloc)
    if skip_partial:
        assert libhdf5.H5Pset_chunk_opts(ctypes.c_int64(dcpl.id), 2) >= 0
    if fill is not None:
        dcpl.set_fill_value(np.array(fill, dtype))
    space = h5s.create_simple(shape, tuple(UNLIMITED if n is None else n for n in most))
    ds = h5py.Dataset(h5d.create(f.id, name.encode(), h5t.py_create(np.dtype(dtype)), space, dcpl))
    if write == "all":
        ds[...] = np.arange(ds.size, dtype="u8").astype(dtype).reshape(shape) // 16
    elif write != "none":
        for _ in range(write):
            at = tuple(slice(a, a + c) for a, c in ((random.randrange(-(-n // c)) * c, c) for n, c in zip(shape, chunk)))
            ds[at] = 7
    return ds


def variety(f):
    """Every kind of index, as far as the file's version has it, filtered and not, with ragged edges."""
    for filtered in (False, True):
        k = "_filtered" if filtered else ""
        dataset(f, "fixed" + k, (50,), (50,), (7,), filtered=filtered)
        dataset(f, "fixed3" + k, (5, 9, 11), (5, 9, 11), (2, 3, 4), filtered=filtered)
        dataset(f, "fixed_growable" + k, (5, 9), (20, 31), (2, 3), filtered=filtered)
        dataset(f, "fixed_sparse" + k, (100, 100), (100, 100), (9, 9), 12, filtered=filtered)
        dataset(f, "growing" + k, (500,), (None,), (3,), filtered=filtered)
        dataset(f, "growing3" + k, (20, 9, 11), (None, 9, 30), (2, 3, 4), filtered=filtered)
        dataset(f, "growing_second" + k, (7, 40, 5), (12, None, 9), (2, 3, 4), filtered=filtered)
        dataset(f, "growing_last_sparse" + k, (7, 90), (12, None), (2, 3), 40, filtered=filtered)
        dataset(f, "growing_square" + k, (6, 6), (6, None), (2, 2), filtered=filtered)
        dataset(f, "growing2" + k, (50, 40), (None, None), (6, 7), filtered=filtered)
        dataset(f, "growing2_sparse" + k, (1000, 40, 900), (None, 40, None), (6, 7, 5), 40, filtered=filtered)
        dataset(f, "single" + k, (5, 6), (5, 6), (5, 6), filtered=filtered)
        dataset(f, "nothing" + k, (50,), (50,), (7,), "none", filtered=filtered)
        dataset(f, "nothing_growing" + k, (50,), (None,), (7,), "none", filtered=filtered)
        dataset(f, "nothing_growing2" + k, (50, 3), (None, None), (7, 2), "none", filtered=filtered)
        dataset(f, "nothing_single" + k, (5,), (5,), (5,), "none", filtered=filtered)
        dataset(f, "empty" + k, (0, 5), (None, 5), (7, 2), "none", filtered=filtered)
        dataset(f, "big_elements" + k, (3, 3), (None, 3), (2, 2), filtered=filtered, dtype="f8")
        shrunk = dataset(f, "shrunk" + k, (60, 40), (None, None), (6, 7), filtered=filtered)
        shrunk.resize((20, 15))
        grown = dataset(f, "grown" + k, (20, 10), (200, None), (6, 7), filtered=filtered)
        grown.resize((190, 300))
        grown[180:, 290:] = 3
    dataset(f, "implicit", (50, 7), (50, 7), (7, 2), alloc=EARLY)
    dataset(f, "implicit_growable", (10, 7), (50, 17), (7, 2), alloc=EARLY)
    masked = dataset(f, "masked", (12,), (None,), (4,), filtered=True, write="none")
    for i, mask in enumerate((0, 2, 3)):
        masked.id.write_direct_chunk((4 * i,), b"abcd", mask)


def plain(f):
    """Layouts without chunks, fill values, a committed type, external files."""
    dataset(f, "contiguous", (5, 6), (5, 6), None)
    dataset(f, "late", (5, 6), (5, 6), None, "none", alloc=LATE)
    dataset(f, "early", (5, 6), (5, 6), None, "none", alloc=EARLY)
    dataset(f, "fill", (50,), (50,), (7,), 2, dtype=">i4", fill=-5)
    dataset(f, "fill_contiguous", (5,), (5,), None, "none", dtype="<f8", fill=0.25)
    f["scalar"] = 5
    f["null"] = h5py.Empty("f4")
    dcpl = h5p.create(h5p.DATASET_CREATE)
    dcpl.set_obj_track_times(False)
    dcpl.set_layout(h5d.COMPACT)
    h5d.create(f.id, b"compact", h5t.STD_I16BE, h5s.create_simple((3,)), dcpl)
    f["type"] = np.dtype([("a", "<i4"), ("b", ">f8")])
    f.create_dataset("committed", (9,), dtype=f["type"], chunks=(2,))[...] = np.zeros(9, f["type"].dtype)
    f.create_dataset("external", (40,), "u1", external=[("one.raw", 5, 16), ("two.raw", 0, h5f.UNLIMITED)])
    undefined = h5p.create(h5p.DATASET_CREATE)
    undefined.set_obj_track_times(False)
    undefined.set_chunk((4,))
    assert libhdf5.H5Pset_fill_value(ctypes.c_int64(undefined.id), ctypes.c_int64(h5t.STD_I16LE.id), None) >= 0
    h5d.create(f.id, b"no_fill", h5t.STD_I16LE, h5s.create_simple((9,)), undefined)


def edges(f):
    for filtered in (False, True):
        k = "_filtered" if filtered else ""
        dataset(f, "fixed" + k, (10, 11), (10, 11), (4, 4), filtered=filtered, skip_partial=True)
        dataset(f, "growing" + k, (10, 11), (None, 11), (4, 4), filtered=filtered, skip_partial=True)
        dataset(f, "growing2" + k, (10, 11), (None, None), (4, 4), filtered=filtered, skip_partial=True)
        dataset(f, "whole" + k, (8, 8), (None, 8), (4, 4), filtered=filtered, skip_partial=True)
        dataset(f, "single" + k, (10,), (20,), (20,), filtered=filtered, skip_partial=True)


def many(f, filtered):
    """Enough chunks for pages, secondary blocks and trees of three levels."""
    dataset(f, "pages", (3000,), (3000,), (1,), filtered=filtered)
    dataset(f, "one_page", (1024,), (1024,), (1,), filtered=filtered)
    dataset(f, "two_pages", (2048,), (2048,), (1,), filtered=filtered)
    dataset(f, "pages_sparse", (200000,), (200000,), (1,), 9, filtered=filtered)
    dataset(f, "blocks", (2500,), (None,), (1,), filtered=filtered)
    dataset(f, "blocks_sparse", (900000,), (None,), (1,), 9, filtered=filtered)
    dataset(f, "tree", (45, 45), (None, None), (1, 1), filtered=filtered)
    dataset(f, "tree_sparse", (1 << 30, 1 << 10, 1 << 20), (None, 1 << 10, None), (1 << 9, 1 << 3, 1), "none", filtered=filtered)
    f["tree_sparse"].id.write_direct_chunk(((1 << 29), 8, 12345), b"x" * 4096, 3 if filtered else 0)
    f["tree_sparse"].id.write_direct_chunk(((1 << 29) + 512, 16, 5), b"x" * 4096, 3 if filtered else 0)


def deep(f):
    dataset(f, "tree", (6500, 1), (None, None), (1, 1))


def seeds():
    """Files of one dataset each, as small as can be, to fuzz from."""
    for libver in ("earliest", "latest"):
        for filtered in (False, True):
            k = f"seed_{libver}{'_filtered' * filtered}_"
            options = {"libver": libver}
            for name, args in {
                "fixed": ((9,), (9,), (4,)),
                "growing": ((30,), (None,), (1,)),
                "growing_second": ((3, 9), (5, None), (2, 2)),
                "growing2": ((9, 4), (None, None), (2, 2)),
                "single": ((4,), (4,), (4,)),
            }.items():
                yield k + name, options, lambda f, a=args: dataset(f, "x", *a, filtered=filtered)
    yield "seed_implicit", {"libver": "latest"}, lambda f: dataset(f, "x", (9,), (9,), (4,), alloc=EARLY)
    yield "seed_shared", {"libver": "latest", "shared": 1}, lambda f: (dataset(f, "y", (9,), (9,), None), dataset(f, "x", (9,), (9,), None))
    yield "seed_external", {}, lambda f: f.create_dataset("x", (40,), "u1", external=[("one.raw", 5, 16), ("two.raw", 0, 24)])


def fixtures():
    yield from seeds()
    for libver in RELEASES:
        yield "variety_" + libver, {"libver": libver}, variety
        yield "plain_" + libver, {"libver": libver}, plain
    yield "userblock", {"libver": "latest", "userblock": 1024}, lambda f: (variety(f), plain(f))
    yield "userblock_earliest", {"userblock": 512}, lambda f: (variety(f), plain(f))
    yield "narrow", {"sizes": (4, 4)}, variety
    yield "narrow_latest", {"libver": "latest", "sizes": (4, 4)}, variety
    yield "shared", {"libver": "latest", "shared": 1}, lambda f: (variety(f), plain(f))
    yield "shared_fill", {"shared": 1}, lambda f: [dataset(f, name, (9,), (9,), (4,), write=1, fill=7) for name in "xy"]
    yield "edges_v110", {"libver": "v110"}, edges
    yield "edges_latest", {"libver": "latest"}, edges
    yield "many", {"libver": "latest"}, lambda f: many(f, False)
    yield "many_filtered", {"libver": "v110"}, lambda f: many(f, True)
    yield "many_filtered_latest", {"libver": "latest"}, lambda f: many(f, True)
    yield "many_earliest", {}, lambda f: many(f, True)
    yield "deep", {"libver": "latest"}, deep


def main():
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for name, options, fill in fixtures():
            random.seed(name)
            with new(name, **options) as f:
                fill(f)
            lines.append(json.dumps(dump.dump(name), separators=(",", ":")).encode() + b"\n")
            with open(name, "rb") as f, gzip.GzipFile(os.path.join(HERE, name + ".h5.gz"), "wb", 9, mtime=0) as z:
                z.write(f.read())
    with gzip.GzipFile(os.path.join(HERE, "expected.json.gz"), "wb", 9, mtime=0) as z:
        z.writelines(lines)


if __name__ == "__main__":
    main()
