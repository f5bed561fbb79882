"""Writes the files of testdata: python make.py DIR.

Every value comes from one seed, so another run gives the same data (testdata/tests/test_make.py holds it to that);
the bytes may differ, since libraries put their versions and addresses into a file.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import tables as tb

SEED = 3
ZLIB = tb.Filters(complevel=1, complib="zlib", shuffle=True)
BLOSC = tb.Filters(complevel=5, complib="blosc", shuffle=True)
UNTIMED = {"track_times": False}

Fruit = tb.Enum({"apple": 0, "pear": 1, "plum": 4})


class Event(tb.IsDescription):
    """Twelve columns in 64 bytes."""

    id = tb.Int64Col(pos=0)
    t = tb.Float64Col(pos=1)
    energy = tb.Float32Col(pos=2)
    run = tb.Int32Col(pos=3)
    channel = tb.UInt16Col(pos=4)
    gain = tb.Int16Col(pos=5)
    flags = tb.UInt8Col(pos=6)
    good = tb.BoolCol(pos=7)
    name = tb.StringCol(10, pos=8)
    pos = tb.Float32Col(shape=(3,), pos=9)
    weight = tb.Float32Col(pos=10)
    hits = tb.UInt32Col(shape=(2,), pos=11)


class Particle(tb.IsDescription):
    """Columns in columns."""

    id = tb.Int32Col(pos=0)

    class pos(tb.IsDescription):
        _v_pos = 1
        x = tb.Float64Col(pos=0)
        y = tb.Float64Col(pos=1)

        class error(tb.IsDescription):
            _v_pos = 2
            low = tb.Float32Col(pos=0)
            high = tb.Float32Col(pos=1)

    kind = tb.EnumCol(Fruit, "apple", base="uint8", pos=2)
    seen = tb.Time32Col(pos=3)
    exact = tb.Time64Col(pos=4)
    z = tb.ComplexCol(itemsize=16, pos=5)


def events(n: int, rng: np.random.Generator) -> np.ndarray:
    rows = np.zeros(n, dtype=tb.description.dtype_from_descr(Event))
    rows["id"] = np.arange(n)
    rows["t"] = np.cumsum(rng.exponential(size=n))
    rows["energy"] = rng.gamma(2, 10, n)
    rows["run"] = np.arange(n) // 100
    rows["channel"] = rng.integers(0, 512, n)
    rows["gain"] = rng.integers(-50, 50, n)
    rows["flags"] = rng.integers(0, 4, n)
    rows["good"] = rng.random(n) < 0.9
    rows["name"] = np.array([b"mu", b"electron", b"pi", b""])[rng.integers(0, 4, n)]
    rows["pos"] = rng.normal(size=(n, 3)).round(2)
    rows["weight"] = np.where(rng.random(n) < 0.1, np.nan, 1)
    rows["hits"] = rng.integers(0, 9, (n, 2))
    return rows


def particles(n: int, rng: np.random.Generator) -> np.ndarray:
    rows = np.zeros(n, dtype=tb.description.dtype_from_descr(Particle))
    rows["id"] = np.arange(n)
    rows["pos"]["x"], rows["pos"]["y"] = rng.normal(size=(2, n))
    rows["pos"]["error"]["low"] = -rng.random(n)
    rows["pos"]["error"]["high"] = rng.random(n)
    rows["kind"] = rng.choice([0, 1, 4], n)
    rows["seen"] = 1_600_000_000 + np.arange(n)
    rows["exact"] = 1_600_000_000 + np.arange(n) / 8
    rows["z"] = rng.normal(size=n) + 1j * rng.normal(size=n)
    return rows


def write_tables(path: Path, rng: np.random.Generator) -> None:
    """PyTables tables: each filter, nested columns, a column index, none and one row."""
    with tb.open_file(path, "w", title="tables of every kind") as f:
        for name, n, filters in (("events", 5000, ZLIB), ("blosc", 2000, BLOSC), ("plain", 1000, None)):
            table = f.create_table("/", name, Event, filters=filters, chunkshape=512, **UNTIMED)
            table.append(events(n, rng))
        f.root.events.attrs.detector = "barrel"
        f.root.plain.cols.run.create_csindex()
        table = f.create_table("/deep/er", "particles", Particle, createparents=True, chunkshape=64, **UNTIMED)
        table.append(particles(300, rng))
        f.create_table("/", "none", Event, **UNTIMED)
        f.create_table("/", "one", Event, **UNTIMED).append(events(1, rng))


def write_arrays(path: Path, rng: np.random.Generator) -> None:
    """PyTables arrays: Array, CArray with unwritten chunks, EArray of each filter, VLArray of each atom."""
    wave = np.sin(np.arange(60 * 1024).reshape(60, 1024) % 5000 / 500).astype("f4")
    with tb.open_file(path, "w") as f:
        for name, filters in (("zlib", ZLIB), ("blosc", BLOSC), ("checked", tb.Filters(1, "zlib", fletcher32=True))):
            e = f.create_earray("/wave", name, tb.Float32Atom(), (0, 1024), filters=filters, chunkshape=(4, 1024),
                                createparents=True, **UNTIMED)
            e.append(wave)
        f.create_earray("/wave", "plain", tb.Float32Atom(), (0, 64), chunkshape=(16, 64), **UNTIMED).append(wave[:50, :64])
        f.create_earray("/wave", "empty", tb.Float32Atom(), (0, 8), **UNTIMED)
        sparse = f.create_carray("/", "sparse", tb.Int16Atom(dflt=-7), (100, 30), chunkshape=(10, 10), filters=BLOSC, **UNTIMED)
        sparse[35:47, 5:17] = rng.integers(0, 99, (12, 12))
        f.create_array("/", "cube", rng.integers(-9, 9, (6, 5, 4)), **UNTIMED)
        f.create_array("/", "words", np.array([b"one", b"two", b"", b"four"]), **UNTIMED)
        f.create_array("/", "truth", rng.random(20) < 0.5, **UNTIMED)
        ragged = f.create_vlarray("/", "ragged", tb.Int32Atom(), chunkshape=16, **UNTIMED)
        text = f.create_vlarray("/", "text", tb.VLUnicodeAtom(), chunkshape=16, **UNTIMED)
        octets = f.create_vlarray("/", "octets", tb.VLStringAtom(), chunkshape=16, **UNTIMED)
        for i in range(30):
            ragged.append(rng.integers(0, 1000, i % 5))
            text.append("grüße " * (i % 3))
            octets.append(b"x" * (i % 4))


def write_layouts(path: Path, rng: np.random.Generator, libver: str) -> None:
    """h5py: every layout and, with the latest format, every chunk index."""
    data = rng.integers(0, 1000, (200, 12)).astype("i4")
    with h5py.File(path, "w", libver=libver) as f:
        f.create_dataset("contiguous", data=data)
        f.create_dataset("chunked", data=data, chunks=(32, 5), compression="gzip", shuffle=True)  # fixed array
        f.create_dataset("growing", data=data, chunks=(16, 12), maxshape=(None, 12), compression=4)  # extensible array
        f.create_dataset("growing2", data=data, chunks=(40, 5), maxshape=(None, None), fletcher32=True)  # B-tree v2
        f.create_dataset("line", data=data[:, 3], chunks=(32,), compression="gzip", shuffle=True)
        f.create_dataset("single", data=data, chunks=data.shape, compression="gzip")
        f.create_dataset("sparse", (90, 7), "f8", chunks=(8, 3), fillvalue=np.nan, maxshape=(None, 7))[17:30, 2:4] = 1.5
        f.create_dataset("unwritten", (40,), "i2", chunks=(16,), fillvalue=-3)
        compact(f, "compact", data[:5])
        implicit(f, "implicit", data)


def compact(f: h5py.File, name: str, data: np.ndarray) -> None:
    create = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    create.set_layout(h5py.h5d.COMPACT)
    create.set_obj_track_times(False)
    space = h5py.h5s.create_simple(data.shape)
    h5py.Dataset(h5py.h5d.create(f.id, name.encode(), h5py.h5t.py_create(data.dtype), space, create))[...] = data


def implicit(f: h5py.File, name: str, data: np.ndarray) -> None:
    """Chunks allocated at once need no index in the latest format."""
    create = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    create.set_chunk((32, 12))
    create.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    create.set_obj_track_times(False)
    space = h5py.h5s.create_simple(data.shape)
    h5py.Dataset(h5py.h5d.create(f.id, name.encode(), h5py.h5t.py_create(data.dtype), space, create))[...] = data


def write_types(path: Path, rng: np.random.Generator) -> None:
    """h5py: one small dataset of each type."""
    with h5py.File(path, "w") as f:
        for kind in ("i1", "u1", ">i2", "<u2", ">i4", "<u4", "<i8", ">u8"):
            info = np.iinfo(kind)
            f[f"integers/{kind.replace('>', 'be_').replace('<', 'le_')}"] = np.array([info.min, -1 % info.max, 0, 1, info.max], kind)
        for kind in ("f2", "f4", "f8", ">f4", ">f8"):
            f[f"floats/{kind.replace('>', 'be_')}"] = np.array([0, -1.5, np.inf, -np.inf, np.nan, 1e4], kind)
        f["bools"] = np.array([True, False, True])
        f["complex"] = rng.normal(size=4) + 1j * rng.normal(size=4)
        colour = h5py.enum_dtype({"red": 0, "green": 1, "blue": 7}, basetype="i2")
        f.create_dataset("enum", data=np.array([0, 7, 1, 3]), dtype=colour)
        f["opaque"] = np.array([b"ab\0d", b"xyzw"], "V4")
        f.create_dataset("times", data=np.array(["2020-02-29T12:00:00.5", "NaT"], "M8[ms]").astype(h5py.opaque_dtype("M8[ms]")))
        write_strings(f.create_group("strings"))
        write_shapes(f.create_group("shapes"))
        f.create_dataset("ragged", (3,), h5py.vlen_dtype("f4"))
        f["ragged"][0], f["ragged"][2] = [1, 2.5], [3]
        pair = np.dtype([("a", ">i4"), ("b", [("c", "<f8"), ("d", "S3")]), ("e", "<u2", (2, 2))])
        rows = np.zeros(4, pair)
        rows["a"], rows["b"]["c"], rows["b"]["d"] = range(4), rng.random(4), b"xy"
        rows["e"] = np.arange(16).reshape(4, 2, 2)
        f["compound"] = rows
        padded = np.dtype({"names": ["late", "early"], "formats": ["<i4", "u1"], "offsets": [12, 3], "itemsize": 24})
        f["padded"] = np.array([(5, 1), (-6, 2)], padded)


def write_strings(g: h5py.Group) -> None:
    g["fixed"] = np.array([b"plain", b"", b"  lead", b"cut\0off"], "S8")
    g.create_dataset("utf8", data=np.array(["é".encode(), b"abc"], h5py.string_dtype("utf-8", 6)))
    g.create_dataset("variable", data=["one", "", "drei ü"], dtype=h5py.string_dtype())
    g["not_utf8"] = np.array([b"fine", b"caf\xe9"], "S4")


def write_shapes(g: h5py.Group) -> None:
    g["scalar"] = np.float64(2.5)
    g["scalar_text"] = "a word"
    g["null"] = h5py.Empty("i4")
    g["zero"] = np.zeros((0, 3), "f4")
    g["zero_inside"] = np.zeros((3, 0), "f4")
    g["four"] = np.arange(24, dtype="u1").reshape(2, 3, 2, 2)


def write_links(path: Path, rng: np.random.Generator) -> None:
    with h5py.File(path, "w") as f:
        f["real"] = rng.random(5)
        f["again"] = f["real"]
        f["group/inner"] = np.arange(3)
        f["group"].attrs["note"] = "hard, soft and external links"
        f["soft"] = h5py.SoftLink("/group/inner")
        f["dangling"] = h5py.SoftLink("/nowhere")
        f["loop"] = h5py.SoftLink("/loop")
        f["outside"] = h5py.ExternalLink("types.h5", "/bools")
        f["escape"] = h5py.ExternalLink("../../etc/passwd", "/x")
        f["group/up"] = f["/"]  # a cycle of hard links
        f.create_dataset("references", data=np.array([f["real"].ref, f["group"].ref]), dtype=h5py.ref_dtype)


def write_refused(path: Path) -> None:
    """What is listed with its reason and not served: a filter and a type of nobody."""
    with h5py.File(path, "w") as f:
        f.create_dataset("good", data=np.arange(10))
        create = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        create.set_chunk((10,))
        create.set_obj_track_times(False)
        create.set_filter(32000 + 700, h5py.h5z.FLAG_OPTIONAL, ())
        space = h5py.h5s.create_simple((10,))
        d = h5py.Dataset(h5py.h5d.create(f.id, b"unknown_filter", h5py.h5t.NATIVE_INT32, space, create))
        d.id.write_direct_chunk((0,), np.arange(10, dtype="i4").tobytes(), 0)
        wide = h5py.h5t.STD_I32LE.copy()
        wide.set_size(16)
        wide.set_precision(100)
        h5py.h5d.create(f.id, b"wide_integer", wide, h5py.h5s.create_simple((2,)))


def write_pandas(path: Path, rng: np.random.Generator) -> None:
    frame = pd.DataFrame({"x": rng.normal(size=100), "n": rng.integers(0, 9, 100), "who": ["ann", "bob"] * 50},
                         index=pd.date_range("2024-01-01", periods=100, freq="h"))
    with pd.HDFStore(path, "w") as store:
        store.put("frame", frame, format="table", data_columns=["x", "n"], complib="zlib", complevel=1)
        store.put("fixed", frame[["x", "n"]], format="fixed")


def write_netcdf(path: Path, rng: np.random.Generator) -> None:
    """As the netCDF4 library lays a file out: dimension scales, creation order, unlimited time."""
    with h5py.File(path, "w", track_order=True) as f:
        for name, size in (("time", 12), ("lat", 9), ("lon", 18)):
            maxshape = (None,) if name == "time" else (size,)
            f.create_dataset(name, data=np.arange(size, dtype="f8"), maxshape=maxshape, chunks=(size,))
            f[name].make_scale(name)
        f["time"].attrs["units"] = "days since 2000-01-01"
        t = f.create_dataset("t2m", data=(280 + rng.normal(size=(12, 9, 18))).astype("f4"), maxshape=(None, 9, 18),
                             chunks=(1, 9, 18), compression="gzip", compression_opts=4, shuffle=True,
                             fillvalue=np.float32(9.96921e36))
        for axis, name in enumerate(("time", "lat", "lon")):
            t.dims[axis].attach_scale(f[name])


def encoded(node: h5py.Group | h5py.Dataset, kind: str, version: str = "0.2.0", **more: object) -> h5py.Group | h5py.Dataset:
    node.attrs.update({"encoding-type": kind, "encoding-version": version, **more})
    return node


def write_compressed(f: h5py.Group, name: str, dense: np.ndarray, kind: str) -> None:
    """A sparse matrix, by rows (csr) or columns (csc)."""
    major = dense if kind == "csr" else dense.T
    at, minor = np.nonzero(major)
    g = encoded(f.create_group(name), f"{kind}_matrix", "0.1.0", shape=dense.shape)
    for part, values in (("data", major[at, minor]), ("indices", minor.astype("i4")), ("indptr", np.searchsorted(at, np.arange(len(major) + 1)).astype("i4"))):
        g.create_dataset(part, data=values, chunks=(min(64, len(values)),), compression="gzip", compression_opts=4)


def write_frame(f: h5py.Group, name: str, index: list[str], columns: dict[str, object]) -> None:
    """A data frame; a column that is a list of texts becomes categories."""
    g = encoded(f.create_group(name), "dataframe", _index="_index")
    g.attrs.create("column-order", list(columns), dtype=h5py.string_dtype())
    encoded(g.create_dataset("_index", data=index, dtype=h5py.string_dtype()), "string-array")
    for column, values in columns.items():
        if isinstance(values, np.ndarray):
            encoded(g.create_dataset(column, data=values), "array")
            continue
        categories, codes = np.unique(values, return_inverse=True)
        c = encoded(g.create_group(column), "categorical", ordered=False)
        encoded(c.create_dataset("codes", data=codes.astype("i1")), "array")
        encoded(c.create_dataset("categories", data=categories.tolist(), dtype=h5py.string_dtype()), "string-array")


def write_cells(path: Path, rng: np.random.Generator) -> None:
    """As AnnData writes its objects: 80 cells, 20 genes."""
    counts = rng.poisson(0.15, (80, 20)).astype("i4")
    counts[7:9] = 0
    kinds = rng.choice(["B", "NK", "T"], 80, p=(0.5, 0.2, 0.3)).tolist()
    with h5py.File(path, "w", libver="latest") as f:
        encoded(f, "anndata", "0.1.0")
        write_compressed(f, "X", np.log1p(counts).astype("f4"), "csr")
        write_frame(f, "obs", [f"cell{i}" for i in range(80)], {"kind": kinds, "total": counts.sum(1), "quality": rng.random(80)})
        write_frame(f, "var", [f"gene{i}" for i in range(20)], {"cells": (counts > 0).sum(0)})
        for group in ("layers", "obsm", "varm", "obsp", "varp", "uns"):
            encoded(f.create_group(group), "dict", "0.1.0")
        write_compressed(f["layers"], "counts", counts, "csc")
        encoded(f.create_dataset("obsm/pca", data=rng.normal(size=(80, 3))), "array")
        encoded(f.create_dataset("uns/title", data="drawn cells"), "string")


def main(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore")  # natural names, pickled pandas metadata
    h5py.get_config().track_order = False
    writers = [
        ("tables.h5", write_tables), ("arrays.h5", write_arrays), ("types.h5", write_types), ("links.h5", write_links),
        ("layouts.h5", lambda p, r: write_layouts(p, r, "earliest")), ("latest.h5", lambda p, r: write_layouts(p, r, "latest")),
        ("refused.h5", lambda p, r: write_refused(p)), ("pandas.h5", write_pandas), ("climate.nc", write_netcdf), ("cells.h5ad", write_cells),
    ]
    for number, (name, write) in enumerate(writers):
        write(directory / name, np.random.default_rng([SEED, number]))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent))
