"""Data frames that pandas and AnnData write come back equal, as one table under the name of their group."""

from __future__ import annotations

import gzip
import json
import warnings

import h5py
import numpy as np
import pandas as pd
import pandas.core.arrays.arrow.extension_types  # noqa: F401  registers pandas' period type with pyarrow
import pyarrow as pa
import pyarrow.flight as fl
import pytest
from conftest import CLONE, Server

ROWS = 50_000
FRAME_FILES = CLONE / "reader" / "testdata" / "frames"


def columns(rows: int) -> pd.DataFrame:
    rng = np.random.default_rng(7)
    when = pd.Series(pd.date_range("2020-01-01", periods=rows, freq="s", unit="ns"))
    return pd.DataFrame({
        "x": rng.normal(size=rows), "y": rng.normal(size=rows), "f4": rng.normal(size=rows).astype("f4"),
        "n": rng.integers(-9, 9, rows), "u1": rng.integers(0, 9, rows).astype("u1"), "ok": rng.random(rows) < 0.5,
        "when": when.mask(rng.random(rows) < 0.1), "us": when.astype("M8[us]"), "s": when.dt.floor("s").astype("M8[s]"),
        "berlin": when.dt.tz_localize("UTC").dt.tz_convert("Europe/Berlin"),
        "took": pd.Series(pd.to_timedelta(rng.integers(0, 99, rows), "ms")).mask(rng.random(rows) < 0.1),
        "z": rng.normal(size=rows) + 1j,
    })


def texts(rows: int) -> pd.DataFrame:
    rng = np.random.default_rng(8)
    words = np.array(["a", "zoë", "", "nan", None, "long" * 9], object)
    kind = pd.Categorical(rng.choice(["u", "v", "w"], rows), ["w", "v", "u"])
    return pd.DataFrame({
        "word": pd.Series(rng.choice(words, rows), dtype="str"), "name": pd.Series([f"n{i}" for i in range(rows)], dtype="str"),
        "kind": kind.set_categories(["w", "v"]), "rank": kind.as_ordered(), "number": pd.Categorical(rng.choice([3, 1, 2], rows)),
    })


def indexes(rows: int) -> dict[str, pd.Index]:
    i = np.arange(rows)
    return {
        "range": pd.RangeIndex(rows), "ints": pd.Index(i[::-1] * 2, name="i"), "floats": pd.Index(i / 4), "bools": pd.Index(i % 2 == 0),
        "text": pd.Index([None if k % 7 == 0 else f"k{k}é" for k in i], dtype="str", name="key"),
        "times": pd.date_range("2020", periods=rows, unit="ns", name="t"), "seconds": pd.date_range("2020", periods=rows, unit="s"),
        "zone": pd.date_range("2020", periods=rows, tz="America/New_York", unit="us"),
        "utc": pd.date_range("2020", periods=rows, tz="UTC", unit="ns"),
        "deltas": pd.to_timedelta(i, "s"), "months": pd.period_range("1900-01", periods=rows, freq="M"),
        "quarters": pd.period_range("1900-01", periods=rows, freq="Q-MAR", name="q"),
        "dates": pd.Index(pd.date_range("2020", periods=rows).date), "kinds": pd.CategoricalIndex(["a", "b"] * (rows // 2)),
    }


def levels(rows: int) -> pd.MultiIndex:
    return pd.MultiIndex.from_arrays([np.arange(rows) % 3, ["p", "q"] * (rows // 2), pd.date_range("2020", periods=rows, unit="ns")],
                                     names=["i", "word", None])


LABELS = {
    "ints": pd.RangeIndex(3), "floats": pd.Index([0.5, 1.0, 1e20]), "texts": pd.Index(["a'b", "ü", "c d"], name="what"),
    "pairs": pd.MultiIndex.from_tuples([("a", 1), ("a", 2), ("it's", 3)], names=["l", None]),
    "times": pd.date_range("2024-01-01", periods=3, unit="ns"),
}


def unusual() -> dict[str, tuple[pd.DataFrame, dict]]:
    """Shapes and dtypes that are rare, and how they can be put."""
    fixed, table = {"format": "fixed"}, {"format": "table", "index": False}
    rng = np.random.default_rng(9)
    halves = pd.DataFrame({"half": np.array([0.5, np.nan, 65504, -0.0], "f2"), "ok": True})
    masked = pd.DataFrame({"own": pd.array(["a", None, "nan"], "string"), "str": pd.array(["a", None, ""], "str")})
    extremes = pd.DataFrame({k: np.array([np.iinfo(k).min, np.iinfo(k).max], k) for k in ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8")})
    floats = pd.DataFrame({"f4": np.array([np.inf, -np.inf, np.nan, 1e-45], "f4"), "f8": [np.inf, -0.0, np.nan, 5e-324]})
    ends = pd.to_datetime(["1677-09-21 00:12:43.145224193", None, "2262-04-11 23:47:16.854775807"]).astype("M8[ns]")
    odd = pd.DataFrame([range(6)], columns=["a/b", "index", "values", "x y", "0", "ü"])
    return {
        "nothing": (pd.DataFrame(), fixed), "no_columns": (pd.DataFrame(index=range(5)), fixed), "halves": (halves, fixed),
        "no_halves": (halves[:0], fixed), "extremes": (extremes, fixed), "floats": (floats, fixed), "wide": (pd.DataFrame(rng.normal(size=(3, 700))), fixed),
        "times": (pd.DataFrame({"ends": ends, "far": np.array(["0001-01-01", "9999-12-31", "NaT"], "M8[s]")}), fixed),
        "names": (odd, fixed),
        "table_halves": (halves, table), "masked": (masked, table | {"data_columns": ["own"]}), "block": (masked, table), "sized": (masked[["str"]], table | {"min_itemsize": 50}),
        "table_extremes": (extremes, table | {"data_columns": True}), "table_wide": (pd.DataFrame(rng.normal(size=(3, 700))), table),
        "table_names": (odd, table), "table_mixed": (pd.DataFrame({"n": [1, 2], "x": [0.5, np.nan], "b": [True, False], "s": ["p", None], "t": ends[:2]}), table),
    }


def frames() -> dict[str, tuple[pd.DataFrame | pd.Series, dict]]:
    """Every frame by its key, with how it is put."""
    small, fixed, table = columns(20), {"format": "fixed"}, {"format": "table", "index": False}
    real, word = small[["x", "n"]], texts(20)
    out = {
        "fixed/columns": (columns(ROWS), fixed), "fixed/series": (small["when"].rename(None), fixed), "fixed/empty": (small[:0], fixed),
        "fixed/one": (small[:1], fixed), "fixed/multi": (real.set_index(levels(20)), fixed), "fixed/blocks": (columns(100)[["x", "y"]], fixed),
        "fixed/texts": (columns(ROWS).join(texts(ROWS).drop(columns=["kind", "rank", "number"])), fixed),
        "fixed/objects": (pd.DataFrame({"a": ["p", None, "p"], "b": ["", "é", "nan"], "n": [1, 2, 3]}).astype({"a": object, "b": object}), fixed),
        "table/columns": (columns(ROWS).drop(columns="z").join(texts(ROWS)), table),
        "table/data": (small.drop(columns="z").join(word), table | {"data_columns": True}),
        "table/some": (small[["x", "y", "n"]].join(word["word"]), table | {"data_columns": ["y", "word"]}),
        "table/sentinel": (word[["word", "name"]].replace("nan", "x"), table | {"nan_rep": "-"}), "table/series": (small["x"], table),
        "table/multi": (real.set_index(levels(20)), table), "table/multiseries": (real["x"].set_axis(levels(20)), table),
        "table/indexed": (real, {"format": "table", "data_columns": ["n"], "complib": "blosc", "complevel": 5}),
        "table/nothing": (pd.DataFrame({"c": pd.Categorical([None, None], [])}, index=[0, 1]), table),
    }
    for name, (frame, how) in unusual().items():
        out[f"{how['format']}/unusual_{name}"] = frame, how
    for name, index in indexes(20).items():
        out[f"fixed/index_{name}"] = real.set_index(index), fixed
        out[f"table/index_{name}"] = real.set_index(index), table
    for name, labels in LABELS.items():
        out[f"fixed/labels_{name}"] = pd.DataFrame(np.eye(3), columns=labels), fixed
        if name != "times":  # pickled in this format, and only pandas' classes know what they are
            out[f"table/labels_{name}"] = pd.DataFrame(np.eye(3), columns=labels), table
    return out


FRAMES = frames()


FILES = {"plain.h5": {}, "zlib.h5": {"complib": "zlib", "complevel": 1}}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A folder with every frame in two files, of which one has filters, and one file of AnnData's."""
    root = tmp_path_factory.mktemp("frames")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # natural names, pickled metadata
        for file, filters in FILES.items():
            with pd.HDFStore(root / file, "w", **filters) as f:
                for key, (frame, how) in FRAMES.items():
                    f.put(key, frame, **how)
    (root / "anndata.h5ad").write_bytes(gzip.decompress((FRAME_FILES / "anndata.h5ad.gz").read_bytes()))
    return root


@pytest.fixture(scope="module")
def stored(start, root) -> Server:
    return start(root)


def as_frame(stored: pd.DataFrame | pd.Series) -> pd.DataFrame:
    """A series comes as a table of one column, named values if it has no name."""
    if isinstance(stored, pd.Series):
        return stored.to_frame("values" if stored.name is None else stored.name)
    return stored


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("key", FRAMES)
def test_same_as_pandas(stored, root, file, key):
    want = as_frame(pd.read_hdf(root / file, key) if key != "table/index_dates" else FRAMES[key][0])  # pandas reads numbers
    table = stored.read(file, f"/{key}")
    table.validate(full=True)
    pd.testing.assert_frame_equal(to_pandas(table), want, check_freq=False)
    info = stored.client().get_flight_info(fl.FlightDescriptor.for_path(file, f"/{key}"))
    assert info.schema.equals(table.schema, check_metadata=False)
    assert info.total_records == len(want)


def to_pandas(table: pa.Table) -> pd.DataFrame:
    """pyarrow's complex numbers are structs of r and i."""
    frame = table.to_pandas()
    for name in table.column_names:
        if table.schema.field(name).metadata and b"complex" in table.schema.field(name).metadata:
            frame[name] = np.array([v["r"] + 1j * v["i"] for v in frame[name]], complex)
    return frame


@pytest.mark.parametrize("members", [
    {"start": 10, "stop": 40_000, "step": 7}, {"step": -1}, {"limit": 100}, {"batch_rows": 999}, {"start": -3},
    {"coordinates": [5, 49_999, 5, 0]}, {"stream": {"block_rows": 1000, "remainder": False}}, {"stream": {"ordered": False}},
    {"options": {"endpoints": 3}},
])
@pytest.mark.parametrize("fields", [None, ["when", "x", "ok"]])
@pytest.mark.parametrize("key", ["fixed/columns", "table/columns"])
def test_rows_same_as_raw_order(stored, root, key, members, fields):
    want = pd.read_hdf(root / "zlib.h5", key)
    if "coordinates" in members:
        want = want.iloc[members["coordinates"]]
    want = want.iloc[slice(members.get("start"), members.get("stop"), members.get("step"))].head(members.get("limit", len(want)))
    got = to_pandas(stored.read("zlib.h5", f"/{key}", **members, **({"fields": fields} if fields else {})))
    if fields:
        want = want[fields].reset_index(drop=True)  # the index was not asked for
    pd.testing.assert_frame_equal(got, want, check_freq=False, check_index_type=False)


@pytest.mark.parametrize("labels", [
    pd.Index([1, "a", 2.5], dtype=object), pd.Index([7, 8, 9], dtype="u1"), pd.Index([0.5, 1, 2], dtype="f4"), pd.Index([], dtype=object),
])
def test_labels_of_other_types(start, tmp_path, labels):
    frame = pd.DataFrame(np.eye(3)[:, :len(labels)], columns=labels)
    frame["none"] = pd.Series([None] * 3, dtype=object)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frame.to_hdf(tmp_path / "labels.h5", key="df")
        frame[:0].to_hdf(tmp_path / "labels.h5", key="none")
    server = start(tmp_path)
    for key, want in {"df": frame, "none": frame[:0]}.items():
        got = server.read("labels.h5", f"/{key}").to_pandas()
        assert list(got.columns) == [str(label) for label in frame.columns] and len(got) == len(want)
        np.testing.assert_array_equal(got.iloc[:, :-1], want.iloc[:, :-1])
        assert got["none"].isna().all()


def test_endpoints_make_the_whole(stored, root):
    client = stored.client()
    command = json.dumps({"file": "plain.h5", "dataset": "/fixed/columns", "options": {"endpoints": 4}})
    info = client.get_flight_info(fl.FlightDescriptor.for_command(command))
    parts = [client.do_get(e.ticket).read_all() for e in info.endpoints]
    assert len(parts) > 1
    pd.testing.assert_frame_equal(to_pandas(pa.concat_tables(parts)), pd.read_hdf(root / "plain.h5", "fixed/columns"), check_freq=False)


def test_condition_on_one_table(stored, root):
    got = stored.read("plain.h5", "/table/data", where="(n > 2) & ok").to_pandas()
    want = pd.read_hdf(root / "plain.h5", "table/data")
    pd.testing.assert_frame_equal(got, want[(want.n > 2) & want.ok], check_freq=False)


def test_exchange(stored, root):
    command = json.dumps({"file": "plain.h5", "dataset": "/fixed/one", "fields": ["x"]})
    writer, reader = stored.client().do_exchange(fl.FlightDescriptor.for_command(command))
    with writer:
        writer.begin(pa.schema([("rows", pa.int64())]))
        writer.write_batch(pa.record_batch({"rows": pa.array([0, 0, 0])}))
        writer.done_writing()
        assert reader.read_all()["x"].to_pylist() == [pd.read_hdf(root / "plain.h5", "fixed/one").x[0]] * 3


def test_pickled_columns_are_refused(start, tmp_path):
    pd.DataFrame({"mixed": pd.Series(["a", 1, None] * 3, dtype=object), "n": range(9)}).to_hdf(tmp_path / "p.h5", key="df", format="fixed")
    server = start(tmp_path)
    with pytest.raises(NotImplementedError, match="pickled.*/df/block"):
        server.read("p.h5", "/df")
    assert server.read("p.h5", "/df", fields=["n"])["n"].to_pylist() == list(range(9))
    server.stop()


def test_raw_nodes_stay(stored):
    raw = {name: told for (_, name), told in stored.listing(file="plain.h5").items()}
    both = {name: told for (_, name), told in stored.listing(file="plain.h5", frames=True).items()}
    assert "/table/columns/table" in raw and "/fixed/columns/axis0" in raw
    assert raw.keys() < both.keys()
    assert {f"/{key}" for key in FRAMES} <= both.keys() - raw.keys()
    for name in both.keys() - raw.keys():
        assert json.loads(both[name].app_metadata)["kind"] == "table", name
    tree = json.loads(next(stored.client().do_action(fl.Action("list", b'{"file": "plain.h5"}'))).body.to_pybytes())
    told = {g["path"]: g["frame"] for g in tree["groups"] if "frame" in g}
    assert told["/fixed/columns"] == "pandas fixed" and told["/table/columns"] == "pandas table"


def test_plain_types(stored):
    table = stored.read("plain.h5", "/table/columns", fields=["kind", "number", "when"], limit=9, options={"plain": True})
    assert [str(t) for t in table.schema.types] == ["string", "int64", "timestamp[ns]"]


def test_describe(stored):
    body = json.dumps({"file": "plain.h5", "dataset": "/fixed/columns"}).encode()
    told = json.loads(next(stored.client().do_action(fl.Action("describe", body))).body.to_pybytes())
    assert (told["kind"], told["type"], told["rows"]) == ("table", "pandas fixed", ROWS)
    assert [c["name"] for c in told["schema"]][:3] == ["x", "y", "f4"]


def test_same_as_anndata(stored):
    """anndata.obs.arrow is what anndata itself reads from the file; they come from one script."""
    want = pa.ipc.open_file(FRAME_FILES / "anndata.obs.arrow").read_pandas()
    pd.testing.assert_frame_equal(stored.read("anndata.h5ad", "/obs").to_pandas(), want)
    var = stored.read("anndata.h5ad", "/var").to_pandas()
    pd.testing.assert_frame_equal(var, pd.DataFrame({"len": [7, 8]}, index=pd.Index(["g0", "g1"], name="gene")))


@pytest.mark.parametrize("columns, letters", [(1500, 5), (1500, 60), (5000, 7)])
def test_wide_anndata(start, tmp_path, columns, letters):
    """Names of columns that take more than an object header has room for, and more than listings show."""
    names = ["c" * letters + str(i) for i in range(columns)]
    with h5py.File(tmp_path / "wide.h5ad", "w", libver="latest") as f:
        obs = f.create_group("obs")
        obs.attrs.update({"encoding-type": "dataframe", "encoding-version": "0.2.0", "_index": "_index"})
        obs.attrs.create("column-order", names, dtype=h5py.string_dtype())
        for i, name in enumerate(["_index", *names]):
            obs.create_dataset(name, data=np.arange(3) + i).attrs["encoding-type"] = "array"
    s = start(tmp_path)
    table = s.read("wide.h5ad", "/obs")
    assert table.column_names == [*names, "__index_level_0__"]
    assert [table[i][0].as_py() for i in (0, 1, -2, -1)] == [1, 2, columns, 0]
    s.stop()
