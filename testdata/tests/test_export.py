"""What `mtflight get -o` writes is what pyarrow gets over Flight, and reads back as what pyarrow itself would write."""

from __future__ import annotations

import base64
import json
import subprocess

import duckdb
import h5py
import numpy as np
import pandas as pd
import polars
import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.ipc as ipc
import pyarrow.parquet as pq
import pytest

from conftest import BINARY

ROWS = 300


def columns(rng) -> dict[str, np.ndarray]:
    """A column of every type that has a NumPy dtype, with the ends of its range."""
    out = {}
    for kind in ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"):
        ends = np.iinfo(kind)
        out[kind] = rng.integers(ends.min, ends.max, ROWS, dtype=kind, endpoint=True)
        out[kind][:2] = ends.min, ends.max
    for kind in ("f2", "f4", "f8"):
        out[kind] = rng.normal(size=ROWS).astype(kind)
        out[kind][:6] = np.nan, np.inf, -np.inf, -0.0, np.finfo(kind).max, np.finfo(kind).tiny
    out["bool"] = rng.integers(0, 2, ROWS).astype(bool)
    out["text"] = rng.choice(np.array(["mu", "", "e,\"x\"", "two\nlines", "müon", " b ", "NA", "\r"]), ROWS)
    out["opaque"] = rng.integers(0, 255, (ROWS, 5), dtype="u1").view("V5")[:, 0]
    out["complex"] = rng.normal(size=ROWS) + 1j
    for unit in ("s", "ms", "us", "ns"):
        out[f"time_{unit}"] = rng.integers(-10**9, 10**9, ROWS).astype(f"M8[{unit}]")
        out[f"time_{unit}"][7] = "NaT"
        out[f"delta_{unit}"] = rng.integers(-10**9, 10**9, ROWS).astype(f"m8[{unit}]")
        out[f"delta_{unit}"][8] = "NaT"
    return out


def write(path) -> None:
    rng = np.random.default_rng(14)
    every = columns(rng)
    colour = h5py.enum_dtype({"RED": 0, "GREEN": 1, "BLUE": 42}, basetype="i2")
    nested = np.dtype([("a", "<i4"), ("in", [("x", "<f4"), ("y", "S3")]), ("v", "<f8", (3,)), ("m", "<i2", (2, 3))])
    with h5py.File(path, "w") as f:
        for name, values in every.items():
            if values.dtype.kind == "U":
                f.create_dataset(name, data=values.astype(object), dtype=h5py.string_dtype())
            elif values.dtype.kind in "Mm":
                f.create_dataset(name, data=values.astype(h5py.opaque_dtype(values.dtype)))
            else:
                f.create_dataset(name, data=values)
        f["enum"] = rng.choice([0, 1, 42, 7], ROWS).astype("i2").astype(colour)
        f["fixed"] = rng.choice([b"mu", b"", b"gamma"], ROWS).astype("S6")
        for kind in ("i1", "u8", "f2", "f4", "f8", "bool"):
            f[f"lists/{kind}"] = np.resize(every[kind], (ROWS, 4))
            f[f"tensors/{kind}"] = np.resize(every[kind], (ROWS, 2, 3))
        ragged = f.create_dataset("ragged", (ROWS,), dtype=h5py.vlen_dtype("i4"))
        words = f.create_dataset("words", (ROWS, 2), dtype=h5py.string_dtype())
        for i in range(ROWS):
            ragged[i] = np.arange(i % 5)
            words[i] = [f"a{i % 7}", ""]
        f["nested"] = np.zeros(ROWS, nested)
        rows = f["nested"][:]
        rows["a"], rows["in"]["x"], rows["in"]["y"] = np.arange(ROWS), rng.normal(size=ROWS), b"ab"
        rows["v"], rows["m"] = rng.normal(size=(ROWS, 3)), np.arange(6).reshape(2, 3)
        f["nested"][:] = rows
        f["none"] = np.zeros(0, "f8")
        f["scalar"] = 1.5
        f["nothing"] = h5py.Empty("f4")
        f["of/one"] = np.arange(3)[:, None]
        refs = f.create_dataset("refs", (3,), dtype=h5py.ref_dtype)
        refs[0], refs[2] = f["i1"].ref, f["lists"].ref
    naive = pd.to_datetime(["2001-01-01 12:00", "2001-07-01 12:00:00.123456", None], format="ISO8601")
    frame = pd.DataFrame({
        "naive": naive, "utc": naive.tz_localize("UTC"), "eastern": naive.tz_localize("US/Eastern"), "offset": naive.tz_localize("+05:30"),
        "delta": pd.to_timedelta([1, 2, None], unit="h"), "s": naive.astype("M8[s]"), "ns": naive.astype("M8[ns]"),
        "category": pd.Categorical(["b", "a", None], ["b", "a"], ordered=True), "text": ["x", "", "z"],
        "whole": [1, 2, 3], "flag": [True, False, True], "real": [0.5, np.nan, 2]}, index=pd.Index([5, 6, 7], name="event"))
    frame.to_hdf(path, key="frame", format="table")
    frame.drop(columns="category").to_hdf(path, key="fixed_frame", format="fixed")
    frame[["real", "whole"]].set_index(naive[:2].append(naive[:1]).rename("when")).to_hdf(path, key="by_time", format="fixed")


def names(path) -> list[str]:
    found = []
    with h5py.File(path) as f:
        f.visititems(lambda name, node: found.append("/" + name) if isinstance(node, h5py.Dataset) else None)
    inside = ("/frame", "/fixed_frame", "/by_time")
    return sorted(n for n in found if not n.startswith(tuple(i + "/" for i in inside))) + list(inside)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("export")
    write(path / "every.h5")
    return path


@pytest.fixture(scope="module")
def server(start, folder):
    return start(folder)


def get(folder, dataset, ending, *args):
    out = folder / f"out.{ending}"
    subprocess.run([BINARY, "get", folder / "every.h5", dataset, "-o", out, *args], check=True, capture_output=True)
    return out


def requests(folder):
    """Every dataset, as every reader knows it (what Parquet and CSV get) and as Arrow does."""
    for name in names(folder / "every.h5"):
        yield name, {"plain": True}, ()
        yield name, {}, ("--plain=false",)


def same(got: pa.Table, want: pa.Table, what) -> None:
    """Equal in schema, metadata, nulls and to the last bit."""
    assert got.schema.equals(want.schema, check_metadata=True), f"{what}\n{got.schema}\n{want.schema}"
    assert got.num_rows == want.num_rows, what
    for name, a, b in zip(want.schema.names, got.columns, want.columns):
        a, b = pa.concat_arrays(a.chunks) if a.num_chunks else a, pa.concat_arrays(b.chunks) if b.num_chunks else b
        assert repr(a.to_pylist()) == repr(b.to_pylist()), (what, name)


def without_file(t: pa.Table) -> pa.Table:
    """The server knows a file by another name than the command line."""
    return t.replace_schema_metadata({k: v for k, v in (t.schema.metadata or {}).items() if k != b"hdf5.file"} or None)


def test_arrow(server, folder):
    for name, options, args in requests(folder):
        want = server.read("every.h5", name, options=options)
        got = ipc.open_file(get(folder, name, "arrow", f"--plain={str('plain' in options).lower()}")).read_all()
        same(without_file(got), without_file(want), (name, options))


def test_parquet(server, folder):
    """The file's own schema too, for readers that know nothing of Arrow's."""
    for name, options, args in requests(folder):
        want = server.read("every.h5", name, options=options)
        pq.write_table(want, folder / "pyarrow.parquet")
        out = get(folder, name, "parquet", *args)
        same(without_file(pq.read_table(out)), without_file(pq.read_table(folder / "pyarrow.parquet")), (name, options))
        ours, theirs = pq.ParquetFile(out), pq.ParquetFile(folder / "pyarrow.parquet")
        assert str(ours.schema).split("\n")[1:] == str(theirs.schema).split("\n")[1:], name
        assert ours.metadata.num_row_groups == (theirs.metadata.num_row_groups if want.num_rows else 0), name
        if want.num_rows:
            assert statistics(ours) == statistics(theirs), name


def statistics(f: pq.ParquetFile) -> str:
    """Those of all column chunks, as text: there are NaNs."""
    groups = [f.metadata.row_group(i) for i in range(f.metadata.num_row_groups)]
    chunks = [g.column(i) for g in groups for i in range(g.num_columns)]
    return "\n".join(f"{c.path_in_schema} {c.num_values} {c.statistics and c.statistics.to_dict()}" for c in chunks)


LARGE = 1_500_000


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """Columns whose dictionaries stay, are outgrown early, late or in the second row group, and lists of several pages."""
    rng = np.random.default_rng(3)
    rows = np.zeros(LARGE, [("few", "<i4"), ("run", "<i8"), ("half", "<f8"), ("all", "<i8"), ("late", "<i4"), ("noise", "<f4"), ("flag", "?"),
                            ("word", "S6"), ("name", "S12"), ("bits", "<u2")])
    rows["few"], rows["run"], rows["half"] = rng.integers(0, 5, LARGE), np.arange(LARGE) // 1000, rng.integers(0, 100_000, LARGE) / 7
    rows["all"], rows["late"] = np.arange(LARGE) * 3, np.maximum(np.arange(LARGE) - 1_100_000, 0)
    rows["noise"], rows["flag"] = rng.normal(size=LARGE), rng.integers(0, 2, LARGE)
    rows["noise"][::1000], rows["bits"] = np.nan, rng.integers(0, 1 << 16, LARGE)
    rows["word"], rows["name"] = rng.choice([b"mu", b"", b"gamma"], LARGE), np.char.mod("%d", rng.integers(0, 10**6, LARGE))
    path = tmp_path_factory.mktemp("large")
    with h5py.File(path / "every.h5", "w") as f:
        f.create_dataset("rows", data=rows, chunks=(50_000,))
        f.create_dataset("lists", data=rng.integers(0, 1000, (20_000, 33)), chunks=(1000, 33))
    return path


@pytest.mark.parametrize("codec", ["snappy", "zstd"])
@pytest.mark.parametrize("dataset, args", [("/rows", ()), ("/rows", ("--fields", "name")), ("/rows", ("--fields", "half")),
                                           ("/rows", ("--fields", "flag,late", "--batch-rows", "1001")), ("/lists", ())])
def test_parquet_large(large, codec, dataset, args):
    want = ipc.open_file(get(large, dataset, "arrow", "--plain", *args)).read_all()
    out, theirs = get(large, dataset, "parquet", "--compression", codec, *args), large / "pyarrow.parquet"
    pq.write_table(want, theirs, compression=codec)
    got = pq.read_table(out)
    for name in want.column_names:
        a, b = got[name].combine_chunks(), want[name].combine_chunks()
        assert a.equals(b) or pa.types.is_floating(b.type) and a.to_numpy().tobytes() == b.to_numpy().tobytes(), name
    assert statistics(pq.ParquetFile(out)) == statistics(pq.ParquetFile(theirs))
    assert out.stat().st_size < 1.1 * theirs.stat().st_size  # random digits by Snappy: a few percent, at four times the speed
    assert polars.read_parquet(out).equals(polars.read_parquet(theirs))
    duck = duckdb.connect()
    assert duck.execute(f"select count(*) from (from '{out}' except all from '{theirs}')").fetchone() == (0,)
    assert duck.execute(f"select count(*) from '{out}'").fetchone() == (want.num_rows,)


def read_csv(path, want: pa.Table) -> pa.Table:
    """pyarrow's reading, told the types that it can read."""
    types = {f.name: f.type for f in want.schema if not pa.types.is_nested(f.type) and not pa.types.is_duration(f.type)
             and not pa.types.is_binary(f.type) and not pa.types.is_fixed_size_binary(f.type)}
    return csv.read_csv(path, parse_options=csv.ParseOptions(newlines_in_values=True),
                        convert_options=csv.ConvertOptions(column_types=types, null_values=[""], quoted_strings_can_be_null=len(want.schema) == 1))


def test_csv(server, folder):
    for name in names(folder / "every.h5"):
        want = server.read("every.h5", name, options={"plain": True})
        out = get(folder, name, "csv")
        got = read_csv(out, want)
        assert got.num_rows == want.num_rows and got.schema.names == want.schema.names, name
        for column, typ in zip(want.schema.names, want.schema.types):
            a, b = got[column].to_pylist(), want[column].to_pylist()
            if pa.types.is_duration(typ):
                a = pa.array(pd.to_timedelta(got[column].to_pandas().values), typ).to_pylist()
            elif pa.types.is_nested(typ):
                a = pa.array([json.loads(v) for v in a], typ).to_pylist()
            elif pa.types.is_binary(typ) or pa.types.is_fixed_size_binary(typ):
                a = [base64.b64decode(v) for v in a]
            elif pa.types.is_string(typ):
                a, b = [v or "" for v in a], [v or "" for v in b]
            assert repr(a) == repr(b), (name, column)


def test_csv_guessed(server, folder):
    """Types that are guessed are the right ones: naive times are naive, zoned ones instants, floats no integers."""
    want = server.read("every.h5", "/frame", options={"plain": True})
    out = get(folder, "/frame", "csv")
    times = ["naive", "utc", "eastern", "offset", "s", "ns"]
    frame, duck = pd.read_csv(out, parse_dates=times), duckdb.connect().execute(f"from '{out}'").df()
    guessed = csv.read_csv(out)
    for name in times:
        values = want[name].to_pandas()
        zoned = values.dt.tz is not None
        for reader, got in (("pandas", frame[name]), ("pyarrow", guessed[name].to_pandas()), ("duckdb", duck[name])):
            assert (got.dt.tz is not None) == zoned, (reader, name)
            got, right = (got.dt.tz_convert("UTC"), values.dt.tz_convert("UTC")) if zoned else (got, values)
            assert got.astype(right.dtype).equals(right), (reader, name)
    assert pd.to_timedelta(frame["delta"]).astype("m8[ns]").equals(want["delta"].to_pandas().astype("m8[ns]"))
    for got in (frame, guessed.to_pandas(), duck):
        assert got["real"].dtype == "f8" and got["whole"].dtype == "i8" and got["flag"].dtype == bool
    whole = get(folder, "/frame", "csv", "--fields", "real")
    assert whole.read_text() == 'real\n0.5\n""\n2.0\n' or whole.read_text() == "real\n0.5\nNaN\n2.0\n"


def test_engines(server, folder):
    """DuckDB and Polars, which go by the Parquet file's own schema, read the same times."""
    out = get(folder, "/frame", "parquet")
    want = server.read("every.h5", "/frame", options={"plain": True})
    duck = dict(duckdb.connect().execute(f"select column_name, column_type from (describe from '{out}')").fetchall())
    assert duck["naive"] == "TIMESTAMP" and duck["ns"].startswith("TIMESTAMP") and "ZONE" not in duck["ns"]
    assert duck["utc"] == duck["eastern"] == duck["offset"] == "TIMESTAMP WITH TIME ZONE"
    frame = polars.read_parquet(get(folder, "/frame", "parquet", "--fields", "naive,eastern"))
    assert frame["naive"].to_list() == want["naive"].to_pylist()
    assert frame["eastern"].cast(polars.Int64).to_list() == want["eastern"].cast(pa.int64()).to_pylist()
