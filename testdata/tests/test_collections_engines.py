"""Many files as one table are what DuckDB and Polars make of the same files as Parquet: equal rows for drawn requests."""

from __future__ import annotations

import json
import os
import random

import duckdb
import h5py
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.flight as fl
import pyarrow.parquet as pq
import pytest

FILES = int(os.environ.get("MTFLIGHT_ENGINE_FILES", "25"))
QUERIES = int(os.environ.get("MTFLIGHT_ENGINE_QUERIES", "25"))

# Columns of all files, in the types of some of them, with what all types of one are made.
TYPES = {"id": (["i8", "i4", "u4"], pa.int64()), "n": (["i2", "i4", "u1"], pa.int32()), "x": (["f4", "f8"], pa.float64()), "w": (["i4", "f4", "i2"], pa.float64())}
EXTRA = {"late": ("i4", pa.int32()), "rare": ("f8", pa.float64())}  # which some files lack


def table_of(rng: np.random.Generator, first: int, n: int) -> np.ndarray:
    names = [str(name) for name in rng.permutation([*TYPES, "name", *(e for e in EXTRA if rng.random() < .6)])]
    types = {name: str(rng.choice(TYPES[name][0])) if name in TYPES else "S5" if name == "name" else EXTRA[name][0] for name in names}
    rows = np.zeros(n, [(name, types[name]) for name in names])
    rows["id"] = np.arange(first, first + n)
    rows["n"], rows["x"], rows["w"] = rng.integers(0, 120, n), np.round(rng.normal(0, 50, n), 1), rng.integers(-90, 90, n)
    rows["name"] = rng.choice([b"mu", b"pion", b"", b"kaon"], n)
    for name in EXTRA:
        if name in names:
            rows[name] = rng.integers(0, 99, n)
    return rows


@pytest.fixture(scope="module")
def both(start, tmp_path_factory):
    """A server of the files in HDF5, and their names in Parquet."""
    top, other = tmp_path_factory.mktemp("hdf5"), tmp_path_factory.mktemp("parquet")
    rng, first, names = np.random.default_rng(11), 0, []
    for i in range(FILES):
        rows = table_of(rng, first, int(rng.choice([0, 1, 3, 40, 200])))
        first += len(rows)
        with h5py.File(top / f"run{i:04}.h5", "w") as f:
            f.create_dataset("events", data=rows, chunks=(16,), maxshape=(None,), compression=1)
        columns = {name: pa.array(rows[name].astype(str) if name == "name" else rows[name]) for name in rows.dtype.names}
        names.append(str(other / f"run{i:04}.parquet"))
        pq.write_table(pa.table(columns), names[-1])
    return start(top).client(), other, names, first


def drawn(rng: random.Random, total: int) -> tuple[dict, str, str]:
    """A request, and the conditions of SQL and of ours."""
    fields = rng.sample([*TYPES, "name", *EXTRA], rng.randint(1, 6)) if rng.random() < .7 else [*TYPES, "name", *EXTRA]
    at = rng.randint(-1, total)
    ours, sql = rng.choice([
        ("", ""), ("x > 20", "x > 20"), ("(n >= 30) & (n < 60)", "n >= 30 and n < 60"), ("name == 'mu'", "name = 'mu'"), ("(w < 0) | (x == 2.5)", "w < 0 or x = 2.5"),
        (f"id > {at}", f"id > {at}"), (f"(id >= {at}) & (id < {at + 300}) & (name != 'pion')", f"id >= {at} and id < {at + 300} and name <> 'pion'"), ("~(n > 100)", "not (n > 100)"),
        ("False", "false"), ("(x > 1e9)", "x > 1e9")])
    r: dict = {"fields": fields}
    if ours:
        r["where"] = ours
    if rng.random() < .4:
        r["sort_by"] = "id"
        r["step"] = rng.choice([1, -1])
    if rng.random() < .5:
        r["limit"] = rng.choice([0, 1, 50, 5000])
        r["offset"] = rng.choice([0, 0, 3, 700])
    order = "" if "sort_by" not in r else f" order by id {'desc' if r['step'] < 0 else 'asc'}"
    page = "" if "limit" not in r else f" limit {r['limit']} offset {r['offset']}"
    columns = ", ".join(f'"{f}"' for f in fields)
    return r, f"select {columns} from files{' where ' + sql if sql else ''}{order}{page}", sql


@pytest.mark.parametrize("seed", range(QUERIES))
def test_rows_are_those_of_duckdb_and_polars(both, seed):
    client, other, names, total = both
    rng = random.Random(seed)
    request, statement, condition = drawn(rng, total)
    got = client.do_get(fl.Ticket(json.dumps({"file": "run*.h5", "dataset": "/events", **request}))).read_all()
    assert got.schema.names == request["fields"]
    assert {f.name: f.type for f in got.schema} == {f: {**{k: t for k, (_, t) in {**TYPES, **EXTRA}.items()}, "name": pa.string()}[f] for f in request["fields"]}
    files = duckdb.from_query(f"select * from read_parquet('{other}/run*.parquet', union_by_name=true)")  # noqa: F841, by its name
    assert got.to_pylist() == duckdb.sql(statement).to_arrow_table().to_pylist(), (request, statement)
    frame = pl.concat([pl.scan_parquet(name) for name in names], how="diagonal_relaxed")
    if condition:
        frame = frame.filter(pl.sql_expr(condition))
    if "sort_by" in request:
        frame = frame.sort("id", descending=request["step"] < 0)
    if "limit" in request:
        frame = frame.slice(request["offset"], request["limit"])
    assert got.to_pylist() == frame.select(request["fields"]).collect().to_dicts(), request
