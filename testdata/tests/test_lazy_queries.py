"""Polars, DuckDB and PyArrow find the same rows through the server as in Parquet of the same rows, and are sent fewer.

MTFLIGHT_QUERIES=300 draws so many instead of a few."""

from __future__ import annotations

import os
import random
import sys

import duckdb
import polars as pl
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

import queries
from conftest import CLONE

sys.path.insert(0, str(CLONE / "examples" / "python"))

import mtflight  # noqa: E402
from mtflight._internal.transport.client import Client  # noqa: E402

DRAWN = int(os.environ.get("MTFLIGHT_QUERIES", "60"))


class Received:
    """Counts the requests for rows, and what comes."""

    def __init__(self):
        self.requests, self.rows, self.bytes = [], 0, 0

    def take(self, reader):
        for chunk in reader:
            self.rows += chunk.data.num_rows
            self.bytes += chunk.data.nbytes
            yield chunk


@pytest.fixture
def received(monkeypatch):
    counted, do_get = Received(), Client.do_get

    def counting(self, request):
        counted.requests.append(request)
        return counted.take(do_get(self, request))

    monkeypatch.setattr(Client, "do_get", counting)
    return counted


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("drawn")


@pytest.fixture(scope="module")
def rows(folder):
    """The rows as Arrow, by h5py."""
    return queries.write(folder)


@pytest.fixture(scope="module")
def table(folder, rows, start):
    with mtflight.connect(start(folder).location) as connection:
        yield connection.table("drawn.h5", "/rows")


# What is asked beside the predicate.
SHAPES = ("all", "columns", "count", "head", "slice", "sorted", "grouped", "join", "semi", "anti")


def test_rows_are_those_written(table, rows):
    read = table.to_arrow(options={"plain": True})
    assert read.schema.equals(rows.schema) and str(read.to_pydict()) == str(rows.to_pydict())


def polars_query(frame, other, shape, ask, rng):
    found = frame.filter(queries.to_polars(ask, pl))
    keys = pl.LazyFrame({"id": [3, 70, 71, 2999, 5000], "v": [1, 2, 3, 4, 5]}, schema={"id": pl.Int32, "v": pl.Int64})
    match shape:
        case "all":
            return found
        case "columns":
            return found.select(rng.sample(["id", "x", "name", "kind", "when", "pos"], 2))
        case "count":
            return found.select(pl.len(), pl.col("id").sum())
        case "head":
            return found.select("id", "g").head(rng.randint(0, 40))
        case "slice":
            return found.select("id", "big").slice(rng.randint(0, 900), rng.randint(1, 50))
        case "sorted":
            return found.select("id", "x").sort("x", "id", descending=rng.random() < 0.5).head(20)
        case "grouped":
            return found.group_by("small").agg(pl.len(), pl.col("id").max()).sort("small")
        case "join":
            return found.select("id", "name").join(keys, on="id").sort("id")
        case "semi":
            return found.select("id", "u").join(other.filter(pl.col("g") > 0), on="id", how="semi").sort("id")
    return found.select("id", "u").join(keys, on="id", how="anti").sort("id")


def test_polars(table, rows, folder, received):
    text = pl.col("kind").cast(pl.String)
    lazy, parquet = mtflight.scan(table), pl.scan_parquet(folder / "drawn.parquet")
    parquet = parquet.with_columns(pos=pl.struct(x="pos.x", n="pos.n")).drop("pos.x", "pos.n").select(lazy.collect_schema().names())
    pushed = 0
    for seed in range(DRAWN):
        rng = random.Random(seed)
        ask, shape = queries.draw(rng, rows), SHAPES[seed % len(SHAPES)]
        before, state = len(received.requests), rng.getstate()
        got = polars_query(lazy, lazy, shape, ask, rng).collect()
        pushed += any("where" in r for r in received.requests[before:])
        rng.setstate(state)
        want = polars_query(parquet, parquet, shape, ask, rng).collect()
        got = got.with_columns(text) if "kind" in got.columns else got
        want = want.cast(got.schema)
        assert got.equals(want), (seed, shape, queries.to_sql(ask), got, want, received.requests[before:])
    assert pushed > DRAWN / 2 and received.rows < DRAWN * len(rows) * 0.7


@pytest.mark.parametrize("column", ["name", "kind", "x", "g", "u", "when", "day", "good", "pos.x"])
def test_each_comparison(table, rows, column):
    """What is drawn seldom: each operator with each of the column's values, and negated."""
    lazy, whole = mtflight.scan(table), table.to_polars().lazy()
    rng = random.Random(column)
    values = {queries.value(rng, rows, column) for _ in range(40)} if column != "good" else {True, False}
    for op in queries.OPS if column not in ("kind", "good") else queries.OPS[:2]:
        for value in sorted(values, key=repr)[:12]:
            asked = queries.to_polars(queries.Ask("compare", column, op, [value]), pl)
            for predicate in (asked, ~asked):
                assert lazy.filter(predicate).select("id").collect().equals(whole.filter(predicate).select("id").collect()), predicate


def sql_query(shape, ask, rng):
    where = queries.to_sql(ask)
    match shape:
        case "all":
            return f"select * from rows where {where}"
        case "columns":
            return f"select {', '.join(map(queries.quoted, rng.sample(queries.COLUMNS, 2)))} from rows where {where}"
        case "count":
            return f"select count(*), sum(id) from rows where {where}"
        case "head":
            return f"select id, g from rows where {where} order by id limit {rng.randint(0, 40)}"
        case "slice":
            return f"select id, big from rows where {where} order by id limit {rng.randint(1, 50)} offset {rng.randint(0, 900)}"
        case "sorted":
            return f"select id, x from rows where {where} order by x {rng.choice(('desc', ''))} nulls last, id limit 20"
        case "grouped":
            return f"select small, count(*), max(id) from rows where {where} group by small"
        case "join":
            return f"select r.id, name, v from rows r join (values (3, 1), (70, 2), (71, 3), (2999, 4)) k(id, v) using (id) where {where}"
        case "semi":
            return f"select id, u from rows where {where} and id in (select id from rows where g > 0)"
    return f"select id, u from rows where {where} and id not in (select * from (values (3), (70), (71)))"


def test_duckdb(table, rows, folder, received):
    lazy = duckdb.connect().register("rows", mtflight.duckdb.dataset(table))
    parquet = duckdb.connect()
    names = ", ".join(f"{queries.quoted(n)}{'::timestamp_s' if n == 'day' else ''} as {queries.quoted(n)}" for n in queries.COLUMNS)
    parquet.execute(f"create view rows as select {names} from '{folder / 'drawn.parquet'}'")
    pushed = 0
    for seed in range(DRAWN):
        rng = random.Random(seed)
        query = sql_query(SHAPES[seed % len(SHAPES)], queries.draw(rng, rows), rng)
        before = len(received.requests)
        try:
            got = sorted(lazy.execute(query).fetchall(), key=repr)
        except duckdb.Error as e:  # 1.5's `u in (18446744073709551615)` fails in DuckDB itself, over PyArrow's datasets too
            with pytest.raises(duckdb.Error, match="OverflowError"):
                duckdb.connect().register("rows", ds.dataset(rows)).execute(query)
            assert duckdb.__version__ < "2" and "OverflowError" in str(e), query
            continue
        want = sorted(parquet.execute(query).fetchall(), key=repr)
        pushed += any("where" in r for r in received.requests[before:])
        assert repr(got) == repr(want), (seed, query, received.requests[before:])
    assert pushed > DRAWN / 4 and received.rows < DRAWN * len(rows) * 0.9


def test_pyarrow(table, rows, folder, received):
    lazy, parquet = mtflight.duckdb.dataset(table), ds.dataset(pq.read_table(folder / "drawn.parquet").cast(rows.schema))
    for seed in range(DRAWN):
        rng = random.Random(seed)
        ask = queries.draw(rng, rows)
        columns = rng.sample(queries.COLUMNS, 3)
        got, want = (d.to_table(columns=columns, filter=queries.to_pyarrow(ask, pc)).combine_chunks() for d in (lazy, parquet))
        assert str(got.to_pydict()) == str(want.to_pydict()), (seed, str(queries.to_pyarrow(ask, pc)), received.requests[-1])
    assert received.rows < DRAWN * len(rows) * 0.8
