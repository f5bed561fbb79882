"""Make the virtual datasets that the tests read, and what h5py reads of them.

    python make.py     needs h5py >= 3.16 (HDF5 2) and NumPy; seeded: the same values every time

Writes *.h5 and expected.json beside itself: {file: {dataset: {"shape": [..], "values": [..]}}}, values flat in row-major
order; a dataset that must be refused has {"error": ".."} instead, one that may be has "or": "..".
"""

import json
import os
from pathlib import Path

import h5py
import numpy as np
from h5py import h5d, h5p, h5s, h5t

HERE = Path(__file__).resolve().parent
END = h5s.UNLIMITED
rng = np.random.default_rng(20250107)
refused = {}


def virtual(f, name, shape, dtype, mappings, maxshape=None, fill=None):
    """A virtual dataset of mappings (file, dataset, source space, virtual space), whatever h5py's own layer allows."""
    plist = h5p.create(h5p.DATASET_CREATE)
    plist.set_layout(h5d.VIRTUAL)
    if fill is not None:
        plist.set_fill_value(np.array(fill, dtype))
    for file, dataset, src, dst in mappings:
        plist.set_virtual(dst, file.encode(), dataset.encode(), src)
    tid = dtype if isinstance(dtype, h5t.TypeID) else h5t.py_create(np.dtype(dtype), logical=True)
    space = h5s.create_simple(shape, maxshape or shape) if shape is not None else h5s.create(h5s.SCALAR)
    h5d.create(f.id, name.encode(), tid, space, plist)


def slab(shape, start, count, stride=None, block=None, maxshape=None):
    s = h5s.create_simple(shape, maxshape)
    s.select_hyperslab(start, count, stride, block)
    return s


def blocks(shape, *corners):
    """An irregular hyperslab: blocks from a first to a last element."""
    s = h5s.create_simple(shape)
    s.select_none()
    for lo, hi in corners:
        s.select_hyperslab(lo, (1,) * len(lo), None, tuple(b - a + 1 for a, b in zip(lo, hi)), h5s.SELECT_OR)
    return s


def whole(*shape):
    return h5s.create_simple(shape)


def sources():
    """Chunked and filtered, contiguous, and of other byte order; a source for every number of a printf pattern."""
    with h5py.File(HERE / "source0.h5", "w") as f:
        f["plain"] = np.arange(60, dtype="<i4").reshape(6, 10)
        f.create_dataset("packed", data=rng.integers(-999, 999, (30, 20)).astype("<i4"), chunks=(7, 6), shuffle=True,
                         compression="gzip", maxshape=(END, END))
        f.create_dataset("sparse", (40,), "<i4", chunks=(8,), fillvalue=-7)[3:6] = [1, 2, 3]
        f["big"] = np.arange(12, dtype=">i2")
        f["float"] = np.linspace(-3, 3, 12)
        f["scalar"] = np.int32(42)
        text = h5py.string_dtype()
        f.create_dataset("text", data=[f"zero {i} " + "é" * i for i in range(5)], dtype=text, chunks=(2,))
        f.create_dataset("lists", (4,), h5py.vlen_dtype("<i2"))[:] = [np.arange(n, dtype="i2") for n in (0, 3, 1, 2)]
        f["pairs"] = np.array([(i, i / 2) for i in range(5)], [("a", "<i4"), ("b", "<f8")])
        f["named"] = np.array([(i, f"n{i}") for i in range(3)], [("k", "<u2"), ("s", text)])
    for i in range(1, 4):
        with h5py.File(HERE / f"source{i}.h5", "w") as f:
            f["plain"] = 1000 * i + np.arange(60, dtype="<i4").reshape(6, 10)
            f.create_dataset("grow", data=100 * i + np.arange(3 * i, dtype="<i4"), chunks=(4,), maxshape=(END,))
            f.create_dataset("text", data=[f"file {i} row {k}" for k in range(5)], dtype=h5py.string_dtype())
            f["named"] = np.array([(10 * i + k, f"f{i}n{k}") for k in range(3)], [("k", "<u2"), ("s", h5py.string_dtype())])


def limited(f):
    text = h5py.string_dtype()
    s = "source0.h5"
    virtual(f, "stacked", (4, 6, 10), "<i4", [(f"source{i}.h5", "plain", whole(6, 10),
            slab((4, 6, 10), (i, 0, 0), (1, 1, 1), None, (1, 6, 10))) for i in range(4)])
    virtual(f, "interleaved", (24, 10), "<i4", [(f"source{i}.h5", "/plain", whole(6, 10),
            slab((24, 10), (i, 0), (6, 1), (4, 1), (1, 10))) for i in range(4)])
    virtual(f, "mosaic", (30, 20), "<i4", [(s, "packed", slab((30, 20), (0, 0), (15, 20), (2, 1)), slab((30, 20), (0, 0), (15, 20))),
            (s, "packed", slab((30, 20), (1, 0), (15, 20), (2, 1)), slab((30, 20), (15, 0), (15, 20)))])
    virtual(f, "strided", (10, 7), "<i4", [(s, "packed", slab((30, 20), (1, 2), (10, 3), (2, 5), (1, 2)),
            slab((10, 7), (0, 0), (10, 2), (1, 4), (1, 3)))], fill=5)
    virtual(f, "blocky", (30,), "<i4", [(s, "packed", slab((30, 20), (2, 3), (2, 3), (9, 6), (1, 4)),
            slab((30,), (1,), (8,), (3,), (3,)))], fill=-1)
    virtual(f, "irregular", (5, 9), "<i4", [(s, "packed", blocks((30, 20), ((0, 0), (1, 4)), ((6, 5), (8, 6)), ((20, 19), (20, 19))),
            blocks((5, 9), ((0, 0), (0, 8)), ((2, 2), (3, 4)), ((4, 8), (4, 8)), ((4, 0), (4, 0))))], fill=9)
    virtual(f, "reshaped", (12, 5), "<i4", [("source1.h5", "plain", whole(6, 10), whole(12, 5))])
    virtual(f, "holes", (6, 10), "<i4", [("nowhere.h5", "plain", whole(6, 10), whole(6, 10)),
            ("source1.h5", "nothing", whole(6, 10), whole(6, 10)),
            ("source2.h5", "plain", slab((6, 10), (4, 4), (2, 6)), slab((6, 10), (0, 0), (2, 6)))], fill=-3)
    virtual(f, "overlap", (10,), "<i4", [("source1.h5", "plain", slab((6, 10), (0, 0), (1, 8)), slab((10,), (0,), (8,))),
            ("source2.h5", "plain", slab((6, 10), (0, 0), (1, 8)), slab((10,), (2,), (8,)))])
    virtual(f, "none", (4,), "<i4", [], fill=11)
    virtual(f, "sparse", (50,), "<i4", [(s, "sparse", whole(40), slab((50,), (5,), (40,)))], fill=8)
    virtual(f, "big", (14,), ">i2", [(s, "big", whole(12), slab((14,), (1,), (12,)))], fill=-2)
    virtual(f, "swapped", (14,), "<i2", [(s, "big", whole(12), slab((14,), (1,), (12,)))], fill=-2)
    virtual(f, "widened", (20,), "<f8", [(s, "big", whole(12), slab((20,), (1,), (12,))),
            (s, "sparse", slab((40,), (2,), (5,)), slab((20,), (14,), (5,)))], fill=0.5)
    virtual(f, "converted", (3, 7), "<i4", [(s, "float", slab((12,), (0,), (6,)), slab((3, 7), (1, 0), (1, 6))),
            (s, "plain", slab((6, 10), (0, 0), (1, 6)), slab((3, 7), (2, 1), (1, 6)))], fill=-1)
    virtual(f, "scalar", None, "<i4", [(s, "scalar", h5s.create(h5s.SCALAR), h5s.create(h5s.SCALAR))])
    virtual(f, "pairs", (6,), np.dtype([("a", "<i4"), ("b", "<f8")]), [(s, "pairs", whole(5), slab((6,), (1,), (5,)))])
    virtual(f, "text", (4, 5), text, [(f"source{i}.h5", "text", whole(5), slab((4, 5), (i, 0), (1, 5))) for i in (0, 2, 3)])
    virtual(f, "lists", (6,), h5py.vlen_dtype("<i2"), [(s, "lists", whole(4), slab((6,), (2,), (4,)))])
    virtual(f, "named", (12,), np.dtype([("k", "<u2"), ("s", text)]),
            [(f"source{i}.h5", "named", whole(3), slab((12,), (3 * i,), (3,))) for i in range(4)])
    f["own"] = np.arange(20, dtype="<i4")
    f.create_dataset("owntext", data=["own a", "own b"], dtype=text)
    virtual(f, "inside", (20,), "<i4", [(".", "own", slab((20,), (0,), (10,)), slab((20,), (10,), (10,))),
            (".", "own", slab((20,), (10,), (10,)), slab((20,), (0,), (10,)))])
    virtual(f, "nested", (9, 10), "<i4", [(".", "interleaved", slab((24, 10), (3, 0), (9, 10)), whole(9, 10))])
    virtual(f, "nestedtext", (7,), text, [(".", "text", slab((4, 5), (2, 0), (1, 5)), slab((7,), (0,), (5,))),
            (".", "owntext", whole(2), slab((7,), (5,), (2,)))])
    f["soft"] = h5py.SoftLink("/own")
    f["there"] = h5py.ExternalLink("source3.h5", "/plain")
    virtual(f, "linked", (8,), "<i4", [(".", "soft", slab((20,), (1,), (4,)), slab((8,), (0,), (4,))),
            (".", "there", slab((6, 10), (2, 3), (1, 4)), slab((8,), (4,), (4,)))])
    virtual(f, "percent", (6, 10), "<i4", [("source%%.h5", "pla%%in", whole(6, 10), whole(6, 10))], fill=4)


def growing(f):
    virtual(f, "follows", (1, 20), "<i4", [("source0.h5", "packed", slab((30, 20), (0, 0), (END, 1), (1, 1), (1, 20), (END, END)),
            slab((1, 20), (0, 0), (END, 1), (1, 1), (1, 20), (END, 20)))], (END, 20))
    virtual(f, "uneven", (3, 1), "<i4", [(f"source{i}.h5", "grow", slab((3,), (0,), (END,), None, None, (END,)),
            slab((3, 1), (i - 1, 0), (1, END), None, None, (3, END))) for i in (1, 2, 3)], (3, END), fill=-1)
    virtual(f, "turns", (1,), "<i4", [(f"source{i}.h5", "grow", slab((3,), (0,), (END,), None, None, (END,)),
            slab((1,), (2 * (i - 1),), (END,), (6,), (2,), (END,))) for i in (1, 2, 3)], (END,), fill=-1)
    virtual(f, "frames", (1, 10), "<i4", [("source%b.h5", "plain", slab((6, 10), (2, 0), (2, 10)),
            slab((1, 10), (0, 0), (END, 1), (3, 1), (2, 10), (END, 10)))], (END, 10), fill=-5)
    virtual(f, "gone", (1,), "<i4", [("lost.h5", "grow", slab((3,), (0,), (END,), None, None, (END,)),
            slab((1,), (0,), (END,), None, None, (END,)))], (END,))
    virtual(f, "least", (6, 5), "<i4", [("source1.h5", "grow", slab((3,), (0,), (END,), None, None, (END,)),
            slab((6, 5), (0, 0), (END, 1), None, None, (END, 5))),
            ("source1.h5", "plain", slab((6, 10), (0, 0), (1, 6)), slab((6, 5), (0, 2), (6, 1), None, None, (END, 5)))],
            (END, 5), fill=0)
    virtual(f, "deeper", (1,), "<i4", [(".", "turns", slab((1,), (1,), (END,), (2,), (1,), (END,)),
            slab((1,), (0,), (END,), None, None, (END,)))], (END,))


def bad(f):
    virtual(f, "itself", (5,), "<i4", [(".", "itself", whole(5), whole(5))])
    virtual(f, "ring1", (5,), "<i4", [(".", "ring2", whole(5), whole(5))])
    virtual(f, "ring2", (5,), "<i4", [(".", "ring1", whole(5), whole(5))])
    virtual(f, "short", (5,), "<i4", [("source1.h5", "grow", slab((9,), (0,), (5,)), whole(5))])
    virtual(f, "text", (5,), h5t.py_create(h5py.string_dtype("ascii"), logical=True), [("source0.h5", "float", whole(5), whole(5))])
    virtual(f, "loop", (1,), "<i4", [(".", "loop", slab((1,), (0,), (END,), None, None, (END,)),
            slab((1,), (0,), (END,), None, None, (END,)))], (END,))
    with h5py.File("source4.h5", "w") as g:
        g["ref"] = np.array([g.ref], h5py.ref_dtype)
        g.create_dataset("lists", (2,), h5t.vlen_create(h5t.vlen_create(h5t.STD_I32LE)))
    for name, tid in ("ref", h5t.STD_REF_OBJ), ("lists", h5t.vlen_create(h5t.vlen_create(h5t.STD_I32LE))):
        n = 1 if name == "ref" else 2
        virtual(f, name, (n,), tid, [("source4.h5", name, whole(n), whole(n))])
    refused.update(ref="unsupported", lists="unsupported")
    refused.update(loop="data loss", itself="data loss", ring1="data loss", ring2="data loss", short="unsupported", text="unsupported")


def plain(v):
    if isinstance(v, bytes):
        return v.decode()
    if isinstance(v, np.ndarray):
        return [plain(x) for x in v.tolist()] if v.ndim else plain(v.item())
    if isinstance(v, (np.void, tuple)):
        return [plain(x) for x in v]
    return v.item() if isinstance(v, np.generic) else v


def expect(path):
    out = {}
    with h5py.File(path) as f:
        for name in f:
            d = f.get(name)
            if name in ("soft", "there", "own", "owntext"):
                continue
            a = d[()]
            out[name] = {"shape": list(d.shape), "values": [plain(x) for x in np.asarray(a).reshape(-1)]}
    return out


def main():
    os.chdir(HERE)
    sources()
    expected = {}
    for lib in ("earliest", "latest"):
        for make in (limited, growing):
            path = f"{make.__name__}_{lib}.h5"
            with h5py.File(path, "w", libver=lib) as f:
                make(f)
            expected[path] = expect(path)
            if lib == "latest":  # older libraries cannot open these, so they cannot convert them
                for name in {"converted"} & set(expected[path]):
                    expected[path][name]["or"] = "unsupported"
        with h5py.File(f"bad_{lib}.h5", "w", libver=lib) as f:
            bad(f)
        expected[f"bad_{lib}.h5"] = {name: {"error": why} for name, why in refused.items()}
    Path("expected.json").write_text(json.dumps(expected, indent=0, sort_keys=True) + "\n")


main()
