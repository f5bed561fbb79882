"""TPC-H's 22 queries over PyTables' tables beside DuckDB over the same rows in Parquet, and what was decoded for those that ask for some days alone. MTFLIGHT_TPCH=0.1
is another scale."""

from __future__ import annotations

import os

import pytest
import tpch
from door import ask, peer_of, serve, spent

QUERIES = tpch.queries()


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder, beside = tmp_path_factory.mktemp("tpch"), tmp_path_factory.mktemp("peer")
    tpch.write(folder, beside, float(os.environ.get("MTFLIGHT_TPCH", "0.01")))
    with serve(folder, "--cache", "0", "--admin", f"unix://{beside}/admin") as (location, _):
        yield location, peer_of(beside), beside / "admin"


@pytest.mark.parametrize("number", QUERIES)
def test_beside_duckdb(served, number):
    location, peer, _ = served
    got, want = ask(location, QUERIES[number]), peer.execute(QUERIES[number]).to_arrow_table()
    assert got.column_names == want.column_names and got.num_rows == want.num_rows > 0
    for ours, theirs in zip(got.to_pylist(), want.to_pylist()):
        for name, value in theirs.items():
            assert ours[name] == (pytest.approx(value, rel=1e-9) if isinstance(value, float) else value), name


def test_days_leave_chunks_out(served):
    """The second time bounds are known: of a year, or a month, of seven years those chunks are decoded."""
    location, _, admin = served
    every = "select max(l_partkey), max(l_quantity), max(l_extendedprice), max(l_discount), max(l_shipdate) from lineitem"
    everything = [spent(location, admin, every), spent(location, admin, every)][1]
    for number, part in ((6, 2), (14, 4)):
        assert 0 < [spent(location, admin, QUERIES[number]), spent(location, admin, QUERIES[number])][1] < everything / part, number
