"""HDF5 files drawn by a seed: type x layout x filters x chunk index x extent, and how a file itself is laid out.

    python testdata/tests/generated.py DIR FIRST COUNT      writes files FIRST to FIRST+COUNT-1

File k is the same in every run with the same libraries, but for what they put into a file by themselves.
"""

from __future__ import annotations

import os
import random
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path

import h5dread
import h5py
import hdf5plugin
import libhdf5
import numpy as np
from generated_types import Draw, draw_type, elements
from h5py import h5d, h5f, h5p, h5s, h5t, h5z

SEED = 4
DATASETS = 4
MOST_BYTES = 100_000
EXTENTS = [0, 1, 1, 2, 3, 5, 7, 8, 13, 16, 17, 31, 64, 100]
VERSIONS = [0, 0, 1, 2, 2, 2, 3, 4, 5]  # H5F_LIBVER_EARLIEST to V200
KEEP_PARTIAL = 2  # H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS
LATEST = 5


@dataclass
class Shape:
    """An extent as it is made, as it may become, and as it ends."""

    first: tuple[int, ...]
    most: tuple[int, ...]
    last: tuple[int, ...]


def make(root: Path, index: int) -> None:
    """Writes file number index. What libhdf5 refuses, or cannot read again, is drawn again. Each attempt has a process
    of its own, since a refusal can leave libhdf5 in a state in which it crashes."""
    path = root / f"{index:04}.h5"
    for attempt in range(100):
        if done(write_file, path, random.Random(f"{SEED} {index} {attempt}")) and done(read_file, path):
            return
        for part in root.glob(f"{path.stem}*"):
            part.unlink()
    raise SystemExit(f"file {index}: libhdf5 refuses every draw")


def done(do, *args) -> bool:
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1] == 0
    code = 1
    try:
        do(*args)
        code = 0
    except (RuntimeError, KeyError, ValueError, TypeError, OSError, OverflowError, NotImplementedError):
        pass
    except BaseException:
        traceback.print_exc()
    os._exit(code)


def read_file(path: Path) -> None:
    with h5py.File(path) as f:
        for dataset in libhdf5.datasets(f):
            h5dread.Comparer(f).values(dataset)


def write_file(path: Path, rng: random.Random) -> None:
    file = h5f.create(bytes(path), h5f.ACC_TRUNC, creation(rng), access(rng))
    try:
        d = Draw(rng, file)
        target = h5d.create(file, b"target", h5t.STD_I32LE, h5s.create_simple((5,)))
        target.close()
        for i in range(DATASETS):
            write_dataset(d, f"d{i}", path)
    finally:
        file.close()


def creation(rng: random.Random) -> h5p.PropFCID:
    create = h5p.create(h5p.FILE_CREATE)
    create.set_userblock(rng.choice([0, 0, 0, 512, 1024, 4096]))
    create.set_sizes(*rng.choice([(8, 8), (8, 8), (4, 4), (8, 4), (4, 8)]))
    if rng.random() < 0.3:
        libhdf5.call("H5Pset_istore_k", libhdf5.HID(create.id), rng.randint(1, 4))
    if rng.random() < 0.2:
        create.set_file_space_strategy(rng.choice([h5f.FSPACE_STRATEGY_PAGE, h5f.FSPACE_STRATEGY_AGGR, h5f.FSPACE_STRATEGY_NONE]), False, 1)
    if rng.random() < 0.15:  # shared messages: types, dataspaces, fill values and filters in a heap
        libhdf5.call("H5Pset_shared_mesg_nindexes", libhdf5.HID(create.id), 1)
        libhdf5.call("H5Pset_shared_mesg_index", libhdf5.HID(create.id), 0, 0x1F, rng.choice([1, 40]))
    return create


def access(rng: random.Random) -> h5p.PropFAID:
    props = h5p.create(h5p.FILE_ACCESS)
    props.set_libver_bounds(rng.choice(VERSIONS), LATEST)
    props.set_fclose_degree(h5f.CLOSE_STRONG)
    return props


def write_dataset(d: Draw, name: str, path: Path) -> None:
    t = draw_type(d)
    if d.chance(0.1):
        t.commit(d.file, f"{name}_type".encode())
    layout = d.rng.choice(["compact", "contiguous", "external", *["chunked"] * 7])
    space, shape = draw_space(d, t, layout)
    create = h5p.create(h5p.DATASET_CREATE)
    if shape is None or layout == "chunked" and not shape.first:
        layout = "contiguous"
    {"compact": compact, "contiguous": contiguous, "external": external, "chunked": chunked}[layout](d, create, t, shape, path, name)
    pointing = t.detect_class(h5t.VLEN) or t.detect_class(h5t.REFERENCE) or isinstance(t, h5t.TypeStringID) and t.is_variable_str()
    if d.chance(0.4) and not pointing and not variable_inside(t):
        libhdf5.set_fill_value(create, t, elements(d, t, 1).tobytes())
    dataset = h5d.create(d.file, name.encode(), t, space, create, dapl=libhdf5.access())
    if shape is not None:
        fill(d, dataset, t, shape, layout)
    dataset.close()


def variable_inside(t: h5t.TypeID) -> bool:
    match t:
        case h5t.TypeCompoundID():
            return any(variable_inside(t.get_member_type(i)) for i in range(t.get_nmembers()))
        case h5t.TypeArrayID():
            return variable_inside(t.get_super())
        case h5t.TypeStringID():
            return t.is_variable_str()
    return isinstance(t, h5t.TypeVlenID)


def draw_space(d: Draw, t: h5t.TypeID, layout: str) -> tuple[h5s.SpaceID, Shape | None]:
    if d.chance(0.03):
        return h5s.create(h5s.NULL), None
    rank = d.rng.choice([0, 1, 1, 1, 1, 2, 2, 2, 3, 4])
    if rank == 0:
        return h5s.create(h5s.SCALAR), Shape((), (), ())
    most = 40_000 if layout == "compact" else MOST_BYTES
    first = bounded(d, rank, most // t.get_size())
    if layout != "chunked":
        return h5s.create_simple(first), Shape(first, first, first)
    return growing(d, first)


def bounded(d: Draw, rank: int, most: int) -> tuple[int, ...]:
    """Extents of at most so many elements in all."""
    while True:
        dims = tuple(d.rng.choice(EXTENTS) for _ in range(rank))
        if int(np.prod(dims)) <= max(1, most):
            return dims


def growing(d: Draw, first: tuple[int, ...]) -> tuple[h5s.SpaceID, Shape]:
    """None, one, or several axes without limit, or with one above the extent; the extent then moves."""
    free = d.rng.choice([0, 0, 1, 1, 2, len(first)])
    axes = d.rng.sample(range(len(first)), min(free, len(first)))
    most, last = list(first), list(first)
    for axis in axes:
        limited = d.chance(0.2)
        most[axis] = first[axis] + 9 if limited else h5s.UNLIMITED
        if d.chance(0.5):
            last[axis] = max(0, first[axis] + d.rng.randint(-6, 9))
    return h5s.create_simple(first, tuple(most)), Shape(first, tuple(most), tuple(last))


def compact(d: Draw, create: h5p.PropDCID, t, shape, path: Path, name: str) -> None:
    create.set_layout(h5d.COMPACT)


def contiguous(d: Draw, create: h5p.PropDCID, t, shape, path: Path, name: str) -> None:
    create.set_alloc_time(d.rng.choice([h5d.ALLOC_TIME_DEFAULT, h5d.ALLOC_TIME_EARLY, h5d.ALLOC_TIME_LATE]))


def external(d: Draw, create: h5p.PropDCID, t, shape, path: Path, name: str) -> None:
    """One or two raw files, at an offset."""
    need = int(np.prod(shape.first)) * t.get_size()
    parts = [need] if need < 2 or d.chance(0.5) else [need // 3 or 1, need - (need // 3 or 1)]
    for i, size in enumerate(parts):
        raw = path.with_name(f"{path.stem}_{name}_{i}.raw")
        offset = d.rng.choice([0, 0, 13])
        raw.write_bytes(bytes(offset + size))
        create.set_external(raw.name.encode(), offset, max(1, size))


def chunked(d: Draw, create: h5p.PropDCID, t, shape: Shape, path: Path, name: str) -> None:
    chunk = tuple(d.rng.randint(1, m if m < 2**32 else n + 3) if m else 1 for n, m in zip(shape.first, shape.most))
    if d.chance(0.15):
        chunk = tuple(max(1, n if m == n else n + 2) for n, m in zip(shape.first, shape.most))
    while int(np.prod([-(-n // c) for n, c in zip(shape.first, chunk)])) > 600:
        chunk = tuple(c if m < 2 * c else 2 * c for c, m in zip(chunk, shape.most)) if any(m >= 2 * c for c, m in zip(chunk, shape.most)) \
            else tuple(max(1, m) for m in shape.most)
    create.set_chunk(chunk)
    if d.chance(0.5):
        create.set_alloc_time(d.rng.choice([h5d.ALLOC_TIME_EARLY, h5d.ALLOC_TIME_INCR, h5d.ALLOC_TIME_LATE]))
    if d.chance(0.3):
        libhdf5.call("H5Pset_chunk_opts", libhdf5.HID(create.id), KEEP_PARTIAL)
    for one in chain(d, t):
        one(create)


def chain(d: Draw, t: h5t.TypeID) -> list:
    """Filters in the order in which they are applied."""
    filters = []
    packed = d.chance(0.25)
    if packed:
        nbit = lambda p: libhdf5.call("H5Pset_nbit", libhdf5.HID(p.id))  # noqa: E731
        filters.append(scale(d, t) if isinstance(t, (h5t.TypeIntegerID, h5t.TypeFloatID)) and d.chance(0.5) else nbit)
    if d.chance(0.35):
        filters.append(lambda p: p.set_shuffle())
    if d.chance(0.7):
        # szip loses the last bytes of what is no whole number of its pixels, as scaleoffset, nbit and odd integers give it
        lossy = packed or 4 < t.get_size() < 8
        filters.append(d.rng.choice([c for c in COMPRESSORS if c is not szip] if lossy else COMPRESSORS)(d, t))
    if d.chance(0.2):
        filters.insert(d.rng.randint(0, len(filters)), lambda p: p.set_fletcher32())
    return filters


def scale(d: Draw, t: h5t.TypeID):
    kind, most = (h5z.SO_FLOAT_DSCALE, 5) if isinstance(t, h5t.TypeFloatID) else (h5z.SO_INT, 8 * t.get_size() if t.get_size() < 9 else 1)
    factor = d.rng.randint(0, most)
    return lambda p: p.set_scaleoffset(kind, factor)


def szip(d: Draw, t: h5t.TypeID):
    mask, block = d.rng.choice([h5z.SZIP_NN_OPTION_MASK, h5z.SZIP_EC_OPTION_MASK]), d.rng.choice([2, 4, 8, 16, 32])
    return lambda p: p.set_szip(mask, block)


def plugin(d: Draw, options):
    flags = d.rng.choice([0, h5z.FLAG_OPTIONAL])
    return lambda p: p.set_filter(options["compression"], flags, tuple(options["compression_opts"]))


def deflate(d: Draw, t: h5t.TypeID):
    level = d.rng.randint(0, 9)
    return lambda p: p.set_deflate(level)


BLOSC = ["blosclz", "lz4", "lz4hc", "zlib", "zstd"]
COMPRESSORS = [
    deflate, deflate, szip,
    lambda d, t: lambda p: p.set_filter(h5z.FILTER_LZF, h5z.FLAG_OPTIONAL, ()),
    lambda d, t: plugin(d, hdf5plugin.Blosc(cname=d.rng.choice(BLOSC), clevel=d.rng.randint(0, 9), shuffle=d.rng.randint(0, 2))),
    lambda d, t: plugin(d, hdf5plugin.Blosc2(cname=d.rng.choice(BLOSC), clevel=d.rng.randint(0, 9), filters=d.rng.choice([0, 1, 2, 3]))),
    lambda d, t: plugin(d, hdf5plugin.Bitshuffle(nelems=d.rng.choice([0, 8, 64, 1024]), cname=d.rng.choice(["none", "lz4", "zstd"]))),
    lambda d, t: plugin(d, hdf5plugin.LZ4(nbytes=d.rng.choice([0, 100, 4096]))),
    lambda d, t: plugin(d, hdf5plugin.Zstd(clevel=d.rng.randint(1, 19))),
    lambda d, t: plugin(d, hdf5plugin.BZip2(blocksize=d.rng.randint(1, 9))),
]


def fill(d: Draw, dataset: h5d.DatasetID, t: h5t.TypeID, shape: Shape, layout: str) -> None:
    """Writes all, a part or nothing, moves the extent, and writes parts again."""
    if d.chance(0.9):
        write_box(d, dataset, t, shape.first, whole=d.chance(0.6))
    if shape.last != shape.first:
        dataset.set_extent(shape.last)
        if d.chance(0.3):  # what a shrunk extent cut off must come back as the fill value
            dataset.set_extent(tuple(map(max, shape.first, shape.last)))
            dataset.set_extent(shape.last)
        if d.chance(0.6):
            write_box(d, dataset, t, shape.last, whole=False)
    if layout == "chunked" and d.chance(0.35) and not variable_inside(t):
        write_masked(d, dataset, t, shape)


def write_box(d: Draw, dataset: h5d.DatasetID, t: h5t.TypeID, extent: tuple[int, ...], whole: bool) -> None:
    if 0 in extent:
        return
    start = tuple(0 if whole else d.rng.randrange(n) for n in extent)
    count = tuple(n if whole else d.rng.randint(1, n - s) for n, s in zip(extent, start))
    file = dataset.get_space()
    if extent:
        file.select_hyperslab(start, count)
    n = int(np.prod(count))
    libhdf5.write(dataset, t, h5s.create_simple((n,)) if extent else h5s.create(h5s.SCALAR), file, np.ascontiguousarray(elements(d, t, n)))


def write_masked(d: Draw, dataset: h5d.DatasetID, t: h5t.TypeID, shape: Shape) -> None:
    """A few chunks for which some of the filters were skipped: made by a dataset that has only the others."""
    create = dataset.get_create_plist()
    chunk, filters = create.get_chunk(), create.get_nfilters()
    if 0 in shape.last or filters == 0:
        return
    for _ in range(d.rng.randint(1, 3)):
        at = tuple(d.rng.randrange(n) // c * c for n, c in zip(shape.last, chunk))
        if any(a + c > n for a, c, n in zip(at, chunk, shape.last)):
            continue  # a partial chunk may be one that KEEP_PARTIAL stores without filters, which no mask says
        mask = d.rng.randrange(1 << filters)
        dataset.write_direct_chunk(at, encoded(d, t, chunk, create, mask), mask)


def encoded(d: Draw, t: h5t.TypeID, chunk: tuple[int, ...], like: h5p.PropDCID, mask: int) -> bytes:
    values = np.ascontiguousarray(elements(d, t, int(np.prod(chunk))))
    create = h5p.create(h5p.DATASET_CREATE)
    create.set_chunk(chunk)
    for i in range(like.get_nfilters()):
        code, flags, options, _ = like.get_filter(i)
        if not mask >> i & 1:
            create.set_filter(code, flags & ~h5z.FLAG_OPTIONAL, options)
    props = h5p.create(h5p.FILE_ACCESS)
    props.set_fapl_core(1 << 16, False)
    other = h5f.create(b"masked", h5f.ACC_TRUNC, fapl=props)
    try:
        dataset = h5d.create(other, b"d", t, h5s.create_simple(chunk), create)
        libhdf5.write(dataset, t, dataset.get_space(), dataset.get_space(), values)
        h5f.flush(other)
        stored_mask, stored = dataset.read_direct_chunk((0,) * len(chunk))
        if stored_mask:
            raise RuntimeError("a filter refuses")
        return stored
    finally:
        other.close()


if __name__ == "__main__":
    for k in range(int(sys.argv[2]), int(sys.argv[2]) + int(sys.argv[3])):
        make(Path(sys.argv[1]), k)
