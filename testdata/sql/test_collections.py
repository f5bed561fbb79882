"""SQL over a collection: the table of many files, with what is handed to the server."""

from __future__ import annotations

import duckdb
import h5py
import numpy as np
import pyarrow as pa
import pytest
from door import ask, serve


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A server of files whose types differ, and DuckDB with the rows of all."""
    folder, rng, parts = tmp_path_factory.mktemp("collection"), np.random.default_rng(5), []
    for i in range(12):
        rows = np.zeros(int(rng.integers(0, 400)), [("id", "i4" if i % 2 else "i8"), ("x", "f8"), ("name", "S5"), *([("late", "i2")] if i > 5 else [])])
        rows["id"], rows["x"], rows["name"] = np.arange(len(rows)) + 1000 * i, rng.normal(size=len(rows)), rng.choice([b"mu", b"pi", b""], len(rows))
        with h5py.File(folder / f"run{i}.h5", "w") as f:
            f.create_dataset("events", data=rows, chunks=(50,), maxshape=(None,))
        parts.append(pa.table({name: pa.array(rows[name].astype(str) if name == "name" else rows[name].astype("i8") if name == "id" else rows[name]) for name in rows.dtype.names}))
    peer = duckdb.connect()
    whole = pa.concat_tables(parts, promote_options="default")  # noqa: F841, by its name
    peer.execute('create schema year; create table year."/events" as select * from whole')
    with serve(folder, "--collection", "year=run*.h5:/events") as (location, _):
        yield location, peer


@pytest.mark.parametrize("statement", [
    "select count(*) n, min(id) a, max(id) b from {t}", "select id, x from {t} where x > 1.5 order by id", "select name, count(*) n from {t} where id >= 3000 and id < 9000 group by name order by name",
    "select count(*) n, sum(late) s from {t} where late > 3", "select count(*) n from {t} where late is null", "select id from {t} order by id desc limit 9", "select id from {t} where id * 2 > 21000 order by id",
])
def test_beside_duckdb(served, statement):
    location, peer = served
    sql = statement.format(t='year."/events"')
    assert repr(ask(location, sql).to_pylist()) == repr(peer.execute(sql).fetch_arrow_table().to_pylist())
