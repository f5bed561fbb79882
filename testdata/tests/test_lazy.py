"""Lazy scans of any dataset: what the server is asked and sends, what is left out, and what is told to whoever lacks a package."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys

import duckdb
import pandas as pd
import polars as pl
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pytest

from conftest import CLONE, TESTDATA

sys.path.insert(0, str(CLONE / "examples" / "python"))

import mtflight  # noqa: E402
from mtflight._internal.lazy import arrow_expressions, duckdb_check  # noqa: E402

EVENTS = 5000


@pytest.fixture
def events(start):
    """/events of a server of its own, so that its log is of one test."""
    server = start(TESTDATA)
    with mtflight.connect(server.location) as connection:
        table = connection.table("tables.h5", "/events")
        table.server = server
        yield table
    server.stop()


def sent(table):
    """What the server logged of each DoGet until now: rows and bytes."""
    table.server.stop()
    lines = (json.loads(line) for line in table.server.log.read_text().splitlines() if line.startswith("{"))
    return [(line["rows"], line["bytes"]) for line in lines if line.get("method") == "DoGet"]


def test_polars_sends_what_is_needed(events):
    lazy = mtflight.scan(events)
    found = lazy.filter(pl.col("id") < 40, pl.col("energy") > 2).select("id", "name").collect()
    assert lazy.select("id").head(7).collect()["id"].to_list() == list(range(7))
    assert lazy.select(pl.len()).collect().item() == EVENTS
    (rows, size), (head, _), (counted, narrow) = sent(events)
    assert len(found) == rows <= 40 and size < 4000 and head == 7 and counted == EVENTS and narrow < EVENTS * 2


def test_duckdb_sends_what_is_needed(events):
    database = duckdb.connect().register("events", mtflight.duckdb.dataset(events))
    found = database.execute("select id, name from events where id between 100 and 139").fetchall()
    assert database.execute("select count(*) from events where name = 'mu' and id < 1000").fetchone()[0] > 0
    (rows, size), (counted, _) = sent(events)
    assert len(found) == rows == 40 and size < 4000 and counted < 1000


def test_pyarrow_sends_what_is_needed(events):
    data = mtflight.duckdb.dataset(events)
    assert data.to_table(columns=["id"], filter=pc.field("id") < 40).num_rows == 40
    assert data.filter(pc.field("id") >= 3).count_rows(filter=pc.field("id") < 40) == 37
    assert data.head(2, columns={"twice": pc.field("id") * 2}).to_pydict() == {"twice": [0, 2]}
    first, second, third = sent(events)
    assert (first[0], second[0]) == (40, 37) and third[1] < EVENTS * 10


def test_stops_early(events):
    """A query that has enough rows ends the stream, also with a filter that only Polars can apply."""
    lazy = mtflight.scan(events)
    assert lazy.filter(pl.col("id") * 2 >= 0).select("id").head(3).collect()["id"].to_list() == [0, 1, 2]
    assert lazy.slice(2, 2).select("id").collect()["id"].to_list() == [2, 3]


def test_slices_of_rows(server):
    with mtflight.connect(server.location) as connection:
        table = connection.table("tables.h5", "/events")
        assert mtflight.scan(table, start=10, stop=50, step=20).filter(pl.col("id") > 10).collect()["id"].to_list() == [30]
        data = mtflight.duckdb.dataset(table, start=10, stop=50, step=20)
        assert duckdb.connect().register("d", data).execute("select id from d where id > 10").fetchall() == [(30,)]


def scalar_columns(frame):
    kinds = (pl.String, pl.Boolean, pl.Categorical, pl.Datetime, pl.Duration)
    return [n for n, kind in frame.schema.items() if kind.is_numeric() or isinstance(kind, kinds)]


def datasets(connection):
    for file in connection.list():
        for dataset in file.get("datasets", ()):
            if dataset["kind"] != "unsupported":
                yield file["file"], dataset["path"]
        for group in file.get("groups", ()):
            if "frame" in group:
                yield file["file"], group["path"]


def test_any_dataset(server):
    """Columns of any dataset compared with their own values: the same rows as of the whole."""
    compared = 0
    with mtflight.connect(server.location) as connection:
        for file, path in datasets(connection):
            table = connection.table(file, path)
            try:
                whole = table.to_polars()
            except (pl.exceptions.PolarsError, pl.exceptions.PanicException, NotImplementedError, ValueError):
                continue  # what Polars has no type for
            lazy = mtflight.scan(table)
            for name in scalar_columns(whole)[:20]:
                for predicate in predicates(whole[name]):
                    want = whole.filter(predicate)
                    assert lazy.filter(predicate).collect().equals(want), (file, path, name, predicate)
                    compared += 1
    assert compared > 300


def predicates(column):
    name, values = pl.col(column.name), column.drop_nulls().unique(maintain_order=True).to_list()
    asked = [name.is_null(), name.is_not_null()]
    asked += [p for v in values[1:2] for p in (name == pl.lit(v, column.dtype), name.is_in([v]), ~(name == pl.lit(v, column.dtype)))]
    if not isinstance(column.dtype, (pl.Boolean, pl.Categorical)):
        asked += [p for v in values[1:2] for p in (name >= pl.lit(v, column.dtype), name < pl.lit(v, column.dtype))]
    return asked


def test_files_and_locations(server, monkeypatch):
    monkeypatch.setenv("MTFLIGHT_BIN", str(CLONE / "bin" / "mtflight"))
    for source, location in ((TESTDATA / "tables.h5", None), (f"{server.location}/tables.h5", None), ("tables.h5", server.location)):
        assert mtflight.scan(source, "/events", location=location).select(pl.len()).collect().item() == EVENTS
        assert mtflight.duckdb.dataset(source, "/events", location=location).count_rows() == EVENTS
    with pytest.raises(TypeError, match="name a dataset"):
        mtflight.scan(TESTDATA / "tables.h5")
    with pytest.raises(mtflight.NoSuchNodeError, match="near: "):
        mtflight.scan(TESTDATA / "tables.h5", "/event")


def test_netcdf_is_not_pushed(server):
    """What options.netcdf makes null is a number in a condition."""
    with mtflight.connect(server.location) as connection:
        for name in [d["path"] for d in connection.list(file="climate.nc")[0]["datasets"] if len(d["shape"] or ()) == 1]:
            table = connection.table("climate.nc", name)
            lazy, whole = mtflight.scan(table, options={"netcdf": True}), pl.from_arrow(table.to_arrow(options={"netcdf": True}))
            column = pl.col(whole.columns[0])
            for predicate in (column.is_null(), column > whole.to_series()[0], column != whole.to_series()[0]):
                assert lazy.filter(predicate).collect().equals(whole.filter(predicate))


def test_pandas_in_chunks(server):
    with mtflight.connect(server.location) as connection:
        for file, path in (("tables.h5", "/events"), ("pandas.h5", "/frame")):
            table = connection.table(file, path)
            whole = mtflight.read(table)
            pieces = list(mtflight.read(table, chunks=30 if len(whole) == 100 else 1500))
            assert len(pieces) > 1 and {len(p) for p in pieces[:-1]} == {len(pieces[0])}
            pd.testing.assert_frame_equal(pd.concat(pieces), whole)
        some = mtflight.read(connection.table("tables.h5", "/events"), columns=["id"], where="id < 10", chunks=4)
        assert [len(p) for p in some] == [4, 4, 2]
        with pytest.raises(ValueError, match="chunks=0: a frame has at least 1 row"):
            mtflight.read(table, chunks=0)


@pytest.mark.parametrize("file", ["types.h5", "tables.h5", "arrays.h5", "pandas.h5", "cells.h5ad", "climate.nc"])
def test_chunks_are_the_whole(server, file):
    """Of every type: pandas.concat of the pieces is what is read at once."""
    with mtflight.connect(server.location) as connection:
        served = connection.list(file=file)[0]
        for path in [d["path"] for d in served["datasets"] if d["kind"] != "unsupported" and d["shape"]]:
            table = connection.table(file, path)
            options = {"strings": "binary"} if path == "/strings/not_utf8" else {}
            whole = mtflight.read(table, options=options)
            if len(whole) > 1:
                pieces = mtflight.read(table, chunks=-(-len(whole) // 3), options=options)
                pd.testing.assert_frame_equal(pd.concat(pieces), whole, obj=path)


def test_datasets_can_be_pickled(server):
    with mtflight.connect(server.location) as connection:
        data = mtflight.duckdb.dataset(connection.table("tables.h5", "/events"), start=2).filter(pc.field("id") < 10)
        written = pickle.dumps(data)
        assert duckdb.connect().register("d", data).execute("select id from d where id > 7").fetchall() == [(8,), (9,)]
        assert b"_internal" not in written and pickle.loads(written).to_table(columns=["id"]) == data.to_table(columns=["id"])


def test_arrow_engines_cannot_read_an_empty_dataset(server):
    """What does not go through `scanner` fails; it must not find no rows."""
    with mtflight.connect(server.location) as connection:
        data = mtflight.duckdb.dataset(connection.table("tables.h5", "/events"))
        for use in (lambda: ds.dataset([data]).to_table(), lambda: data.sort_by("id").to_table(), lambda: ds.Scanner.from_dataset(data).to_table()):
            with pytest.raises((FileNotFoundError, OSError), match="to_table"):
                use()


def test_other_duckdb(server, monkeypatch):
    """One that hands filters over otherwise is found out, and reads everything."""
    monkeypatch.setattr(arrow_expressions, "in_order", lambda tree, schema: pc.scalar(True))
    duckdb_check._works.cache_clear()
    with mtflight.connect(server.location) as connection:
        with pytest.warns(UserWarning, match=f"DuckDB {duckdb.__version__}"):
            data = mtflight.duckdb.dataset(connection.table("tables.h5", "/events"))
        assert duckdb.connect().register("d", data).execute("select count(*) from d where id < 3").fetchone() == (3,)
    duckdb_check._works.cache_clear()


def test_this_duckdb_is_known():
    """Tested with 1.5.5 and 2.0.1 (`make test-clients`), and that of testdata/requirements.txt."""
    assert duckdb.__version__ in ("1.5.5", "2.0.0", "2.0.1")


@pytest.mark.parametrize(("package", "call"), [("polars", "mtflight.scan('x.h5', '/t')"), ("pandas", "mtflight.read('x.h5', '/t')")])
def test_missing_packages(package, call):
    program = f"import sys; sys.modules[{package!r}] = None\nimport mtflight\ntry:\n  {call}\nexcept ImportError as e:\n  print(e)"
    done = subprocess.run([sys.executable, "-c", program], text=True, capture_output=True,
                          env={**os.environ, "PYTHONPATH": str(CLONE / "examples" / "python")})
    assert f"needs {package}: pip install {package}" in done.stdout, done.stderr


def test_nothing_is_imported_for_those_who_do_not_ask():
    program = "import sys, mtflight; print({'polars', 'duckdb', 'pandas', 'pyarrow.dataset'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], text=True, capture_output=True,
                          env={**os.environ, "PYTHONPATH": str(CLONE / "examples" / "python")})
    assert done.stdout == "set()\n", done.stdout + done.stderr
