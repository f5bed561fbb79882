"""Below every null lie zero bytes, whatever makes it null and by whatever way its rows come: engines convert a slot before
they look at its validity."""

from __future__ import annotations

import json
import warnings

import duckdb
import h5py
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.flight as fl
import pytest
from conftest import Server, ticket

ROWS = 61
UNITS = ("s", "ms", "us", "ns")


def below(a: pa.Array) -> bytes:
    """What lies below the nulls of an array and of its children."""
    if pa.types.is_dictionary(a.type):
        return below(a.indices)
    if isinstance(a, pa.ExtensionArray):
        return below(a.storage)
    kept = a.is_valid().to_pylist()
    if pa.types.is_struct(a.type):
        return b"".join(below(a.field(i)) for i in range(a.type.num_fields))
    if pa.types.is_fixed_size_list(a.type):
        width = a.type.list_size
        return below(a.values.slice(a.offset * width, len(a) * width))
    if pa.types.is_list(a.type) or pa.types.is_string(a.type) or pa.types.is_binary(a.type):
        offsets = np.frombuffer(a.buffers()[1] or bytes(4), "i4")[a.offset:]
        lengths = b"".join(bytes([int(offsets[i] != offsets[i + 1])]) for i, k in enumerate(kept) if not k)
        return lengths + (below(a.flatten()) if pa.types.is_list(a.type) else b"")
    if pa.types.is_boolean(a.type):
        bits = np.unpackbits(np.frombuffer(a.buffers()[1] or b"", "u1"), bitorder="little")[a.offset:]
        return bytes(int(bits[i]) for i, k in enumerate(kept) if not k)
    size = a.type.bit_width // 8
    values = bytes(a.buffers()[1] or b"")
    return b"".join(values[(a.offset + i) * size:(a.offset + i + 1) * size] for i, k in enumerate(kept) if not k)


def nulls(a: pa.Array) -> int:
    if isinstance(a, pa.ExtensionArray):
        return nulls(a.storage)
    if pa.types.is_struct(a.type):
        return a.null_count + sum(nulls(a.field(i)) for i in range(a.type.num_fields))
    if pa.types.is_list(a.type) or pa.types.is_fixed_size_list(a.type):
        return a.null_count + nulls(a.flatten())
    return a.null_count


def arrays(f: h5py.File) -> list[str]:
    """Datasets with nulls of HDF5's and h5py's own types."""
    rng, out = np.random.default_rng(3), []
    for unit in UNITS:
        for kind in "mM":
            for order in "<>":
                x = rng.integers(-99, 99, (ROWS, 3)).astype(f"i8").view(f"{kind}8[{unit}]")
                x[rng.random(x.shape) < 0.3] = "NaT"
                x = x.astype(f"{order}{kind}8[{unit}]")
                name = f"times/{kind}{'be' if order == '>' else 'le'}{unit}"
                f.create_dataset(name, data=x[:, 0].astype(h5py.opaque_dtype(x.dtype)), chunks=(7,))
                f.create_dataset(name + "2", data=x.astype(h5py.opaque_dtype(x.dtype)), compression="gzip")
                out += ["/" + name, "/" + name + "2"]
    for base in ("i1", "u2", ">i4", "i8"):
        kind = h5py.enum_dtype({"one": 1, "two": 2}, base)
        f.create_dataset(f"enums/{base.strip('>')}", data=rng.integers(0, 4, ROWS).astype(base), dtype=kind, chunks=(7,))
        f.create_dataset(f"enums/{base.strip('>')}2", data=rng.integers(0, 4, (ROWS, 2)).astype(base), dtype=kind)
        out += [f"/enums/{base.strip('>')}", f"/enums/{base.strip('>')}2"]
    refs = f.create_dataset("refs", (ROWS,), h5py.ref_dtype)
    for i in range(0, ROWS, 3):
        refs[i] = f["enums"].ref
    when = h5py.opaque_dtype(np.dtype("M8[us]"))
    row = np.dtype([("k", "i4"), ("t", when), ("e", h5py.enum_dtype({"one": 1}, "i2")), ("in", [("t", when), ("x", "f4")]), ("list", when, (2,))])
    rows = np.zeros(ROWS, np.dtype([("k", "i4"), ("t", "M8[us]"), ("e", "i2"), ("in", [("t", "M8[us]"), ("x", "f4")]), ("list", "M8[us]", (2,))]))
    rows["k"], rows["e"] = np.arange(ROWS), rng.integers(0, 3, ROWS)
    for part in (rows["t"], rows["in"]["t"], rows["list"]):
        part[...] = "2020-01-01"
        part[rng.random(part.shape) < 0.3] = "NaT"
    d = f.create_dataset("table", (ROWS,), row, chunks=(7,))
    d.write_direct(rows.view(row))
    return [*out, "/refs", "/table"]


def missing(f: h5py.File) -> list[str]:
    """Variables of which options.netcdf makes values null."""
    rng, out = np.random.default_rng(4), []
    for kind in ("i1", "i2", ">i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", ">f8"):
        for shape in ((ROWS,), (ROWS, 3)):
            name = f"netcdf/{kind.strip('>')}_{len(shape)}"
            d = f.create_dataset(name, data=rng.integers(0, 4, shape).astype(kind), chunks=(7, *shape[1:]))
            d.attrs["_FillValue"] = np.array(3, kind)
            out.append("/" + name)
    return out


def frames(path) -> list[str]:
    rng = np.random.default_rng(5)
    gone = rng.random(ROWS) < 0.3
    when = pd.Series(pd.date_range("2020", periods=ROWS, unit="ns")).mask(gone)
    frame = pd.DataFrame({"t": when, "s": when.astype("M8[s]"), "tz": when.dt.tz_localize("Europe/Berlin"), "d": (when - when[~gone].iloc[0]),
                          "ms": (when - when[~gone].iloc[0]).astype("m8[ms]"), "x": rng.normal(size=ROWS)})
    words = pd.DataFrame({"w": pd.Series(np.where(gone, None, "word"), dtype="str"), "c": pd.Categorical(np.where(gone, None, "kind"))})
    put = {
        "fixed": (frame.assign(w=words["w"]), "fixed"), "table": (frame.join(words), "table"), "some": (frame.join(words), "table"),
        "period": (frame[["x"]].set_index(pd.PeriodIndex(np.where(gone, "NaT", "2020-03"), freq="M")), "fixed"),
        "times": (frame[["x"]].set_index(pd.DatetimeIndex(when)), "fixed"), "texts": (frame[["x"]].set_index(pd.Index(words["w"])), "fixed"),
        "kinds": (frame[["x"]].set_index(pd.CategoricalIndex(words["c"])), "fixed"),
        "levels": (frame[["x"]].set_index(pd.MultiIndex.from_arrays([words["w"], when, np.arange(ROWS)])), "fixed"),
    }
    with warnings.catch_warnings(), pd.HDFStore(path, "w") as store:
        warnings.simplefilter("ignore")
        for key, (of, form) in put.items():
            store.put(key, of, format=form, data_columns=True if key == "some" else None)
    with h5py.File(path, "a") as f:
        g = f.create_group("obs")
        g.attrs.update({"encoding-type": "dataframe", "encoding-version": "0.2.0", "_index": "_index", "column-order": ["n", "b", "s", "c"]})
        g["_index"] = [f"i{i}" for i in range(ROWS)]
        for name, values in {"n": rng.integers(1, 9, ROWS), "b": np.ones(ROWS, bool), "s": ["text"] * ROWS}.items():
            part = g.create_group(name)
            part.attrs["encoding-type"] = {"n": "nullable-integer", "b": "nullable-boolean", "s": "nullable-string-array"}[name]
            part["values"], part["mask"] = values, gone
        part = g.create_group("c")
        part.attrs.update({"encoding-type": "categorical", "ordered": False})
        part["codes"], part["categories"] = np.where(gone, -1, 0).astype("i1"), ["kind"]
    return ["/" + key for key in (*put, "obs")]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("nulls")
    with h5py.File(root / "arrays.h5", "w") as f:
        found = {"arrays.h5": arrays(f), "netcdf.h5": []}
    with h5py.File(root / "netcdf.h5", "w") as f:
        found["netcdf.h5"] = missing(f)
    found["frames.h5"] = frames(root / "frames.h5")
    return root, found


@pytest.fixture(scope="module")
def served(start, made) -> Server:
    return start(made[0])


WAYS = [
    {}, {"start": 3, "stop": 58, "step": 5}, {"start": None, "stop": None, "step": -1}, {"coordinates": [60, 2, 2, 1, 59]}, {"batch_rows": 4},
    {"stream": {"ordered": False}, "batch_rows": 5}, {"stream": {"block_rows": 9, "cyclic": True, "cycles": 2}},
    {"stream": {"shuffle": 1, "shuffle_rows": True, "block_rows": 6}}, {"select": "11:50:2"}, {"limit": 7}, {"options": {"plain": True}},
    {"options": {"tensors": "nested"}}, {"options": {"time": "numeric"}}, {"options": {"strings": "binary"}},
]


@pytest.mark.parametrize("file", ["arrays.h5", "netcdf.h5", "frames.h5"])
def test_zeros_below_nulls(served, made, file):
    client, some, usual = served.client(), {}, {"netcdf": True} if file == "netcdf.h5" else {}
    for dataset in made[1][file]:
        for way in WAYS:
            if "select" in way and file == "frames.h5":
                continue
            request = {"file": file, "dataset": dataset, **way, "options": {**usual, **way.get("options", {})}}
            batches = [chunk.data for chunk in client.do_get(fl.Ticket(json.dumps(request)))]
            some[dataset] = some.get(dataset, 0) + check(batches, request)
        some[dataset] += staged(client, {"file": file, "dataset": dataset, "options": usual})
    assert all(some.values()), some


def check(batches: list[pa.RecordBatch], what) -> int:
    for batch in batches:
        batch.validate(full=True)
        for name, column in zip(batch.schema.names, batch.columns):
            assert not any(below(column)), (what, name)
    return sum(nulls(c) for b in batches for c in b.columns)


def staged(client: fl.FlightClient, request: dict) -> int:
    told = json.loads(next(client.do_action(fl.Action("stage", json.dumps(request).encode()))).body.to_pybytes())
    found = check(pa.ipc.open_file(pa.memory_map(told["path"])).read_all().to_batches(), request)
    list(client.do_action(fl.Action("release", json.dumps({"lease": told["lease"]}).encode())))
    return found


@pytest.mark.parametrize("file", ["arrays.h5", "netcdf.h5", "frames.h5"])
def test_engines_see_the_nulls(served, made, file):
    usual = {"plain": True} | ({"netcdf": True} if file == "netcdf.h5" else {})
    for dataset in made[1][file]:
        table = served.client().do_get(ticket(file, dataset, options=usual)).read_all()
        engines = duckdb.connect().from_arrow(table).to_arrow_table(), pl.from_arrow(table).to_arrow()
        for name in table.column_names:
            for got in engines:
                assert got[name].is_null().to_pylist() == table[name].is_null().to_pylist(), (dataset, name)
