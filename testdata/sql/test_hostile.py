"""Clients that ask for too much, hold on, or send what nobody should: errors, others are answered, and the server with all its processes takes no more than --memory and 64 MB."""

from __future__ import annotations

import concurrent.futures
import contextlib
import threading
import time
from pathlib import Path

import adbc_driver_flightsql.dbapi as adbc
import adbc_driver_manager
import numpy as np
import pyarrow as pa
import pytest
import tables
from door import ask, engines, serve

MEMORY = 256  # MB
ROW = {"id": 7, "x": 3.5}


def private(process: Path) -> int:
    """Bytes of memory that no file has."""
    with contextlib.suppress(OSError):
        lines = (process / "smaps_rollup").read_text().splitlines()
        return sum(int(line.split()[1]) << 10 for line in lines if line.startswith(("Pss_Anon:", "Pss_Shmem:")))
    return 0


class Watch(threading.Thread):
    """The most memory, and the most engines, that a server had until it is over."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.bytes, self.engines, self.over = server, 0, 0, threading.Event()

    def run(self):
        while not self.over.wait(0.02):
            found = engines(self.server)
            self.engines = max(self.engines, len(found))
            self.bytes = max(self.bytes, sum(private(one) for one in [Path("/proc", str(self.server.pid)), *found]))


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The location of a server of little memory, which after each test answers and has not taken more."""
    folder = tmp_path_factory.mktemp("hostile")
    rows = np.zeros(20_000, [("id", "i8"), ("x", "f8")])
    rows["id"] = np.arange(len(rows))
    rows["x"] = rows["id"] / 2
    with tables.open_file(folder / "t.h5", "w") as f:
        f.create_table("/", "t", obj=rows)
    with serve(folder, "--memory", f"{MEMORY}MB", "--stall-timeout", "300ms", "--sql-time", "8s") as (location, server):
        watch = Watch(server)
        watch.start()
        yield location, watch
        watch.over.set()
        watch.join()


@pytest.fixture(autouse=True)
def afterwards(served):
    location, watch = served
    watch.bytes = 0
    yield
    assert ask(location, "select id, x from t where id = 7").to_pylist() == [ROW]
    assert 0 < watch.bytes <= (MEMORY + 64) * 10**6


def ends(location: str, sql: str, match: str = "", parameters=None) -> None:
    with pytest.raises(adbc_driver_manager.Error, match=match):
        ask(location, sql, parameters)


@pytest.mark.parametrize("sql", [
    "select repeat('x', 1000000) s from range(3000)", "select repeat('x', 400000000) s", "select length(repeat('x', 2000000000))", "select length(regexp_replace(repeat('a', 100000000), 'a', 'bbbbbbbbbb', 'g'))",
    "select string_agg(repeat('x', 1000), '') from range(10000000)",
    "select sum(h) from (select hash(a.id, b.id) h from t a, t b order by h)", "select max(s) from (select sum(range) over (order by hash(range)) s from range(100000000))",
])
def test_ten_times_the_budget(served, sql):
    """Two at once, each in its own way."""
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for one in [pool.submit(ends, served[0], sql, "more memory") for _ in range(2)]:
            one.result()


def test_many_strangers(served):
    """Statements of twenty connections wait for their turn, and each is answered."""
    location, watch = served
    watch.engines = 0
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        asked = [pool.submit(ask, location, f"select count(*) n, sum(x) s from t where id < {i}") for i in range(20)]
        assert [one.result()["n"][0].as_py() for one in asked] == list(range(20))
    assert watch.engines <= 5  # four, and one that ends


def test_stalled_readers(served):
    """Those who take no rows of theirs give their turn to who waits for one."""
    location, _ = served
    with contextlib.ExitStack() as all_of_them:
        for _ in range(3):
            k = all_of_them.enter_context(all_of_them.enter_context(adbc.connect(location, autocommit=True)).cursor())
            k.execute("select range r, hash(range) h, repeat('x', 100) s from range(1000000000)")
            k.fetch_record_batch().read_next_batch()
        begun = time.monotonic()
        assert ask(location, "select id, x from t where id = 7").to_pylist() == [ROW]
        assert time.monotonic() - begun < 60


@pytest.mark.parametrize(("sql", "says"), [
    ("select '" + "x" * (1 << 20) + "'", "more than 1048576"), ("select " + "(" * 20_000 + "1" + ")" * 20_000, ""), ("select " + "1+" * 100_000 + "1", ""),
    ("select " + "-" * 1000 + " " + "not " * 50_000 + "true", ""), ("from t t0 " + " ".join(f"join t t{i} using (id)" for i in range(1, 10_000)), ""),
    ("select * from " + ", ".join(f'"no{i}.h5"."/t"' for i in range(300)), "more than 256"), ("select count(*) from " + " union all ".join(["(select id from t)"] * 1500), ""),
    ("with recursive r(k) as (select 1 union all select k + 1 from r where k < 3000) select max(k) from r", ""),
    ("select " + ", ".join(f"x + {i} c{i}" for i in range(20_000)) + " from t", ""), ("select " * 5000 + "1", ""), ("with " + ", ".join(f"w{i} as (select * from {'t' if i == 0 else f'w{i - 1}'})" for i in range(2000)) + " select * from w1999", ""),
    ("select /* " + "/* " * 100_000 + " */ 1", ""), ("select $$" + "\u00e9" * 100_000, ""), ("select $99999999999999999999", ""), ("select ?" + " + ?" * 20_000, ""),
], ids=lambda v: v[:24] + ".." if len(v) > 24 else v)
def test_huge_statements(served, sql, says):
    """They are refused, or answered, in time and memory."""
    try:
        ask(served[0], sql)
        assert not says
    except adbc_driver_manager.Error as e:
        assert says in str(e) and "Internal" not in str(e), str(e)[:500]


def test_series_without_end(served):
    """Whoever leaves takes the statement along."""
    location, watch = served
    with adbc.connect(location, autocommit=True) as c, c.cursor() as k:
        k.execute("select sum(r) s from (select unnest(generate_series(range * 1000, range * 1000 + 999)) r from range(1000000000)) where r % 7 = 3 group by r limit 1 offset 999999999999")
        asked = threading.Thread(target=lambda: pytest.raises(adbc_driver_manager.Error, k.fetch_arrow_table))
        asked.start()
        while not engines(watch.server):
            pass
        k.adbc_cancel()
        asked.join()
    end = time.monotonic() + 10
    while engines(watch.server) and time.monotonic() < end:
        pass
    assert not engines(watch.server)


@pytest.mark.parametrize(("values", "says"), [
    (pa.record_batch({"1": pa.array(range(2_000_000))}), "one row"), (pa.record_batch({"1": ["x" * (2 << 20)]}), "more than 1048576 bytes"), (pa.record_batch({f"c{i}": [i] for i in range(20_000)}), "20000 values for 1 parameters"),
    (pa.record_batch({"1": pa.array([[1] * 1000])}), "values of type"), (pa.record_batch({"1": pa.array(["x"] * 3).dictionary_encode()}), "one row"), (pa.record_batch({"1": pa.array([], "i8")}), "parameter"),
])
def test_huge_parameters(served, values, says):
    with adbc.connect(served[0], autocommit=True) as c, c.cursor() as k, pytest.raises(adbc_driver_manager.Error, match=says):
        k.execute("select ? v from t where id = 7", values)
        k.fetch_arrow_table()
