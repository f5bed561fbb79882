"""Every option over every kind of dataset is heeded, or refused with a reason; what options.plain gives goes into DuckDB and
Polars with the values that it has without."""

from __future__ import annotations

import datetime as dt
import warnings

import duckdb
import h5py
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.flight as fl
import pytest
import tables as tb
from conftest import Server, ticket

ROWS = 12
RNG = np.random.default_rng(11)
ZONES = {"berlin": "Europe/Berlin", "fixed": dt.timezone(dt.timedelta(hours=1)), "half": dt.timezone(-dt.timedelta(hours=5, minutes=30)),
         "utc": dt.timezone.utc, "offset": "+02:00", "kyiv": "Europe/Kyiv"}


def raw(f: h5py.File) -> None:
    """Tables, arrays, scalars and sequences; what begins with e_, ref or np_ is an enumeration, a reference, a time of NumPy's."""
    colour = h5py.enum_dtype({"red": 1, "green": 2}, "i2")
    row = np.dtype([("i", ">i4"), ("h", "f2"), ("s", "S5"), ("e_c", colour), ("z", "c8"), ("b", "?"), ("h3", "f2", (3,)), ("m", "i2", (2, 2)),
                    ("in", [("x", "f2"), ("e_d", colour), ("deep", [("y", "f8"), ("s", "S3")])])])
    rows = np.zeros(ROWS, row)
    rows["i"], rows["h"], rows["s"], rows["z"], rows["b"] = np.arange(ROWS), np.arange(ROWS) / 4, b"text", 1 + 2j, True
    rows["e_c"], rows["in"]["e_d"], rows["h3"], rows["m"] = RNG.integers(1, 4, ROWS), 1, RNG.random((ROWS, 3)), RNG.integers(0, 9, (ROWS, 2, 2))
    rows["in"]["x"], rows["in"]["deep"]["y"], rows["in"]["deep"]["s"] = 0.5, 2.5, b"yz"
    f.create_dataset("table", data=rows, chunks=(5,))
    f["table2"] = rows.reshape(4, 3)
    f["one_row"] = rows[0]
    for kind in ("f2", "f4", "c8", "c16", "i8", "u1", "?"):
        f[f"array/{kind.strip('?') or 'bool'}"] = RNG.random(ROWS).astype(kind)
        f[f"array/{kind.strip('?') or 'bool'}_2"] = RNG.random((ROWS, 3)).astype(kind)
        f[f"array/{kind.strip('?') or 'bool'}_3"] = RNG.random((ROWS, 3, 2)).astype(kind)
        f[f"scalar/{kind.strip('?') or 'bool'}"] = np.ones((), kind)
    f["scalar/s"] = "text"
    f.create_dataset("array/e_c", data=RNG.integers(1, 4, ROWS), dtype=colour)
    f.create_dataset("array/e_c2", data=RNG.integers(1, 4, (ROWS, 2)), dtype=colour)
    when = np.array(["2020-01-01", "NaT"] * (ROWS // 2), "M8[us]")
    f.create_dataset("array/np_t", data=when.astype(h5py.opaque_dtype(when.dtype)))
    f["array/s"], f["array/s2"] = np.array([b"a", b"bc"] * (ROWS // 2)), np.full((ROWS, 2), b"x")
    f["array/v"] = ["a", "bcü"] * (ROWS // 2)
    f.create_dataset("array/opaque", data=np.frombuffer(RNG.bytes(3 * ROWS), "V3"))
    refs = f.create_dataset("ref", (ROWS,), h5py.ref_dtype)
    refs[0] = f["table"].ref
    for kind in ("f2", "i4"):
        seq = f.create_dataset(f"seq/{kind}", (ROWS,), h5py.vlen_dtype(np.dtype(kind)))
        for i in range(ROWS):
            seq[i] = np.arange(i % 3).astype(kind)
    filled = f.create_dataset("filled", data=np.arange(ROWS))
    filled.attrs["_FillValue"] = 3
    f["nothing"] = h5py.Empty("f4")


def pytables(f: tb.File) -> None:
    class Row(tb.IsDescription):
        t4, t8, b, h = tb.Time32Col(pos=0), tb.Time64Col(pos=1), tb.BoolCol(pos=2), tb.Float16Col(pos=3)
        e_c = tb.EnumCol({"red": 0, "green": 1}, "red", base="uint8", pos=4)
        s, z = tb.StringCol(4, pos=5), tb.ComplexCol(8, pos=6)
    t = f.create_table("/", "t", Row)
    t.append([(i, i + 0.5, i % 2, i / 2, i % 2, b"ab", i + 1j) for i in range(ROWS)])
    t.cols.t4.create_csindex()
    v = f.create_vlarray("/", "words", tb.VLUnicodeAtom())
    for i in range(ROWS):
        v.append(f"wörd {i}")
    f.create_earray("/", "times", tb.Time64Atom(), (0, 2)).append(np.ones((ROWS, 2)))


def framed(path) -> dict[str, pd.DataFrame]:
    """Frames with what DuckDB or Polars refuse."""
    when = pd.Series(pd.date_range("2020", periods=ROWS, freq="h", unit="ns"))
    frame = pd.DataFrame({"h": np.arange(ROWS).astype("f2"), "h2": np.arange(ROWS).astype("f2") / 2, "z": np.arange(ROWS) + 1j, "w": "text",
                          "c": pd.Categorical(["u", "v"] * (ROWS // 2)), "t": when.mask(when.dt.hour == 3), "d": when - when[0]})
    zones = pd.DataFrame({k: when.dt.tz_localize("UTC").dt.tz_convert(z) for k, z in ZONES.items() if k != "offset"})
    zones["offset"] = when.dt.tz_localize("+02:00")
    months = pd.PeriodIndex(["2020-03", "NaT"] * (ROWS // 2), freq="M")
    levels = pd.MultiIndex.from_arrays([["p", "q"] * (ROWS // 2), when, pd.date_range("2021", periods=ROWS).date], names=["l", "lt", "ld"])
    dates = pd.Index(pd.date_range("2021", periods=ROWS).date, name="ld")
    put = {"fixed": (frame, "fixed"), "table": (frame.drop(columns="z").assign(z=frame["z"]), "table"), "zones": (zones, "fixed"),
           "table_zones": (zones, "table"), "period": (frame[["h"]].set_index(months), "fixed"), "levels": (frame[["h"]].set_index(levels), "fixed"),
           "kinds": (frame[["h"]].set_index(pd.CategoricalIndex(when, name="lt")), "fixed"), "dates": (frame[["z"]].set_index(dates), "fixed"),
           "series": (frame["z"], "fixed"), "empty": (frame[:0], "fixed")}
    with warnings.catch_warnings(), pd.HDFStore(path, "w") as store:
        warnings.simplefilter("ignore")
        for key, (of, form) in put.items():
            if "c" in of and form == "fixed":
                of = of.drop(columns="c")
            store.put(key, of, format=form)
        return {"/" + key: store[key] for key in put}


def anndata(f: h5py.File) -> None:
    g = f.create_group("obs")
    columns = {"h": np.arange(ROWS).astype("f2"), "z": np.arange(ROWS) * 1j, "w": ["text"] * ROWS, "h2": np.ones((ROWS, 2), "f2"),
               "m": np.ones((ROWS, 2, 2), "i2"), "filled": np.arange(ROWS)}
    for name, values in columns.items():
        g[name] = values
    g["filled"].attrs["_FillValue"] = 3
    g.create_dataset("e_c", data=RNG.integers(1, 4, ROWS), dtype=h5py.enum_dtype({"red": 1, "green": 2}, "i2"))
    row = np.zeros(ROWS, [("x", "f2"), ("deep", [("y", "f4"), ("s", "S3")])])
    row["deep"]["s"] = b"abc"
    g["rec"] = row
    for name, values in {"n": np.arange(ROWS), "b": np.ones(ROWS, bool), "s": ["text"] * ROWS, "nh": np.arange(ROWS).astype("f2")}.items():
        part = g.create_group(name)
        part.attrs["encoding-type"] = {"n": "nullable-integer", "b": "nullable-boolean", "s": "nullable-string-array", "nh": "nullable-float"}[name]
        part["values"], part["mask"] = values, np.arange(ROWS) % 3 == 0
    part = g.create_group("c")
    part.attrs.update({"encoding-type": "categorical", "ordered": True})
    part["codes"], part["categories"] = (np.arange(ROWS) % 3 - 1).astype("i1"), ["u", "v"]
    g.attrs.update({"encoding-type": "dataframe", "_index": "_index", "column-order": [k for k in g if k != "rec"]})
    g["_index"] = [f"i{i}" for i in range(ROWS)]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("options")
    with h5py.File(root / "raw.h5", "w") as f:
        raw(f)
    with tb.open_file(root / "pytables.h5", "w") as f:
        pytables(f)
    frames = framed(root / "frames.h5")
    with h5py.File(root / "anndata.h5", "w") as f:
        anndata(f)
    return root, frames


@pytest.fixture(scope="module")
def served(start, made) -> Server:
    return start(made[0])


@pytest.fixture(scope="module")
def datasets(served) -> list[tuple[str, str]]:
    found = [key for key in served.listing(frames=True) if len(key) == 2]
    assert len(found) > 60
    return found


def leaves(field: pa.Field, name: str | None = None):
    """Types without children, each with the name of the innermost field that has one of its own."""
    name = field.name if name is None or field.name not in ("item", "r", "i") else name
    yield name, field.type
    if pa.types.is_dictionary(field.type):
        yield name, field.type.value_type
    for i in range(field.type.num_fields):
        yield from leaves(field.type.field(i), name)


def is_text(t: pa.DataType) -> bool:
    return pa.types.is_string(t) or pa.types.is_large_string(t)


def odd(name: str, t: pa.DataType) -> bool:
    """What options.plain promises not to give."""
    return (pa.types.is_dictionary(t) or pa.types.is_float16(t) or pa.types.is_fixed_size_list(t) or isinstance(t, pa.BaseExtensionType)
            or pa.types.is_timestamp(t) and t.tz is not None and not t.tz[0].isalpha())


def named(name: str, *prefixes: str) -> bool:
    return any(part.startswith(prefixes) for part in name.replace("/", ".").split("."))


HEEDED = {  # no leaf of these may be left
    "strings": ({"strings": "binary"}, lambda n, t: is_text(t) and not named(n, "e_", "ref")),
    "enum": ({"enum": "int"}, lambda n, t: named(n, "e_") and not pa.types.is_integer(t) and not pa.types.is_nested(t)),
    "time": ({"time": "numeric"}, lambda n, t: (pa.types.is_temporal(t)) and not named(n, "np_")),
    "tensors": ({"tensors": "nested"}, lambda n, t: isinstance(t, pa.BaseExtensionType) and "period" not in str(t)),
    "plain": ({"plain": True}, odd),
    "plain_nested": ({"plain": True, "tensors": "nested"}, odd),
    "plain_binary": ({"plain": True, "strings": "binary"}, lambda n, t: odd(n, t) or is_text(t) and not named(n, "e_", "ref")),
    "plain_numeric": ({"plain": True, "time": "numeric", "enum": "int"}, lambda n, t: odd(n, t) or pa.types.is_temporal(t) and not named(n, "np_")),
}


@pytest.mark.parametrize("option", HEEDED)
def test_types_are_those_asked_for(served, datasets, option):
    options, wrong = HEEDED[option]
    client = served.client()
    for file, dataset in datasets:
        table = client.do_get(request(file, dataset, options)).read_all()
        table.validate(full=True)
        for field in table.schema:
            assert not [x for x in leaves(field) if wrong(*x)], (file, dataset, field)
            if options.get("plain"):
                assert not pa.types.is_struct(field.type) and not any(k.startswith(b"ARROW:ext") for k in field.metadata or {}), (dataset, field)
        assert len(set(table.column_names)) == table.num_columns


def request(file: str, dataset: str, options: dict, **members) -> fl.Ticket:
    return ticket(file, dataset, options=options, **members)


@pytest.mark.parametrize("options", [{"index": "off"}, {"index": "only"}, {"endpoints": 3}], ids=str)
def test_other_options_change_no_value(served, datasets, options):
    client = served.client()
    for file, dataset in datasets:
        want, got = (client.do_get(request(file, dataset, o)).read_all() for o in ({}, options))
        assert got.schema.equals(want.schema, check_metadata=True) and repr(got.to_pylist()) == repr(want.to_pylist()), (file, dataset)


def test_rows_or_a_reason(served, datasets):
    client, refused = served.client(), 0
    for file, dataset in datasets:
        try:
            table = client.do_get(request(file, dataset, {"layout": "rows"})).read_all()
            assert table.num_columns == 1 and b"numpy.dtype" in table.schema.field(0).metadata
        except pa.ArrowNotImplementedError as e:
            assert "layout" in str(e) or "object references" in str(e), (dataset, e)
            refused += 1
    assert 10 < refused < len(datasets) - 30


def test_netcdf(served, made):
    for file, dataset, name in (("raw.h5", "/filled", "filled"), ("anndata.h5", "/obs", "filled")):
        for plain in (False, True):
            column = served.client().do_get(request(file, dataset, {"netcdf": True, "plain": plain}, fields=[name])).read_all()[name]
            assert column.to_pylist() == [None if i == 3 else i for i in range(ROWS)], (file, plain)


def flat(row: dict) -> dict:
    out = {}
    for k, v in row.items():
        if isinstance(v, dict):
            out.update({f"{k}.{m}": x for m, x in flat(v).items()})
        else:
            out[k] = v
    return out


def normal(v):
    """Values as both sides can have them: instants in UTC without zone, durations in nanoseconds, no NaN."""
    if isinstance(v, list):
        return [normal(x) for x in v]
    if isinstance(v, dict):
        return {k: normal(x) for k, x in v.items()}
    if isinstance(v, pa.MonthDayNano):
        return v.days * 86_400 * 10**9 + v.nanoseconds
    if isinstance(v, dt.timedelta):
        return (pd.Timedelta(v).as_unit("ns") if not isinstance(v, pd.Timedelta) else v).value
    if isinstance(v, dt.datetime):
        return pd.Timestamp(v).tz_convert(None) if v.tzinfo else pd.Timestamp(v)
    return "nan" if v != v else v


def rows(table: pa.Table) -> list[dict]:
    return [normal(row) for row in table.to_pylist()]


def test_plain_values_in_the_engines(served, datasets):
    client = served.client()
    for file, dataset in datasets:
        usual, plain = (client.do_get(request(file, dataset, o)).read_all() for o in ({"tensors": "nested"}, {"plain": True, "tensors": "nested"}))
        columns = [c.cast(c.type.storage_type) if isinstance(c.type, pa.BaseExtensionType) else c for c in usual.columns]
        want = [flat(row) for row in rows(pa.table(columns, usual.column_names))]
        assert rows(plain) == want, (file, dataset)
        assert rows(pl.from_arrow(plain).to_arrow()) == want, (file, dataset, "Polars")
        assert plain.num_columns == 0 or rows(duckdb.connect().from_arrow(plain).to_arrow_table()) == want, (file, dataset, "DuckDB")


def test_plain_frames_are_those_of_pandas(served, made):
    for key, frame in made[1].items():
        table = served.client().do_get(request("frames.h5", key, {"plain": True})).read_all()
        frame = frame.to_frame("values" if frame.name is None else frame.name) if isinstance(frame, pd.Series) else frame
        assert table.num_rows == len(frame)
        for name in frame:
            column = frame[name]
            if column.dtype.kind == "c":
                assert table[f"{name}.r"].to_pylist() == column.to_numpy().real.tolist() and table[f"{name}.i"].to_pylist() == column.to_numpy().imag.tolist()
                continue
            values = [None if v is pd.NaT else v for v in column.tolist()]
            assert [normal(v) for v in table[name].to_pylist()] == [normal(v) for v in values], (key, name)


def test_two_columns_of_one_name_are_refused(start, tmp_path):
    row = np.zeros(3, [("a.b", "i4"), ("a", [("b", "f8"), ("c", [("d", "i2")]), ("c.d", "u1")])])
    row["a.b"], row["a"]["b"] = 1, 2
    with h5py.File(tmp_path / "twice.h5", "w") as f:
        f["t"] = row
        g = f.create_group("obs")
        g["a.r"], g["a"], g["_index"], g["row"] = row["a.b"], np.arange(3) * 1j, np.arange(3), row
        g.attrs.update({"encoding-type": "dataframe", "_index": "_index", "column-order": ["a.r", "a"]})
        more = f.create_group("more")
        more["n"], more["row"] = np.arange(3), row
        more.attrs.update({"encoding-type": "dataframe", "_index": "n", "column-order": ["row"]})
    client = start(tmp_path).client()
    for dataset in ("/t", "/obs"):
        with pytest.raises(pa.ArrowException, match=r'options.plain .*"a\.'):
            client.do_get(request("twice.h5", dataset, {"plain": True})).read_all()
        assert client.do_get(request("twice.h5", dataset, {})).read_all().num_rows == 3
    for dataset, name in (("/t", "a.b"), ("/obs", "a.r")):
        got = client.do_get(request("twice.h5", dataset, {"plain": True}, fields=[name])).read_all()
        assert got.to_pydict() == {name: [1, 1, 1]}
    with pytest.raises(pa.ArrowException, match="ask the raw node /more/row"):  # as a column it would be its first member
        client.do_get(request("twice.h5", "/more", {})).read_all()
    got = client.do_get(request("twice.h5", "/t", {"plain": True}, fields=["a.b", "a/b", "a/c"])).read_all()
    assert got.to_pydict() == {"a.b": [1] * 3, "a/b": [2.0] * 3, "a/c.d": [0] * 3}
