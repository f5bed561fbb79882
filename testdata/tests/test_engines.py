"""The same reader in Polars, DuckDB and pandas."""

from __future__ import annotations

import duckdb
import numpy as np
import polars as pl
import pytest
import tables as tb
from conftest import TESTDATA, ticket


@pytest.fixture(scope="module")
def events() -> np.ndarray:
    with tb.open_file(TESTDATA / "tables.h5") as f:
        return f.root.events.read()


def test_polars(server, events):
    frame = pl.from_arrow(server.read("tables.h5", "/events"))
    np.testing.assert_array_equal(frame["energy"].to_numpy(), events["energy"])
    np.testing.assert_array_equal(frame["pos"].to_numpy(), events["pos"])
    good = frame.filter(pl.col("good")).group_by("name").len().sort("name")
    names, counts = np.unique(events["name"][events["good"]], return_counts=True)
    assert good["name"].to_list() == [n.decode() for n in names]
    assert good["len"].to_list() == counts.tolist()


def test_duckdb(server, events):
    rows = server.client().do_get(ticket("tables.h5", "/events", options={"plain": True})).to_reader()
    connection = duckdb.connect()
    connection.register("rows", rows)
    total, most = connection.execute("select sum(run), max(energy) from rows where good").fetchone()
    assert total == events["run"][events["good"]].sum()
    assert most == pytest.approx(events["energy"][events["good"]].max())


@pytest.mark.parametrize("file, dataset", [("tables.h5", "/events"), ("tables.h5", "/deep/er/particles"), ("types.h5", "/enum"),
                                           ("types.h5", "/floats/f2"), ("types.h5", "/compound"), ("arrays.h5", "/cube")])
def test_plain_is_for_every_engine(server, file, dataset):
    table = server.read(file, dataset, options={"plain": True})
    assert len(pl.from_arrow(table)) == table.num_rows
    assert duckdb.connect().register("rows", table).execute("select count(*) from rows").fetchone() == (table.num_rows,)


def test_pandas(server, events):
    frame = server.read("tables.h5", "/events").to_pandas()
    np.testing.assert_array_equal(frame["t"], events["t"])


def test_parquet_and_csv_of_the_command_line(mtflight, tmp_path, events):
    mtflight("get", TESTDATA / "tables.h5", "/events", "-o", tmp_path / "e.parquet")
    mtflight("get", TESTDATA / "tables.h5", "/events", "-o", tmp_path / "e.csv")
    for name in ("e.parquet", "e.csv"):
        ids, energy = duckdb.connect().execute(f"select sum(id), sum(energy::double) from '{tmp_path / name}'").fetchone()
        assert ids == events["id"].sum()
        assert energy == pytest.approx(events["energy"].astype("f8").sum())
    assert pl.read_parquet(tmp_path / "e.parquet")["name"].to_list() == [n.decode() for n in events["name"]]
