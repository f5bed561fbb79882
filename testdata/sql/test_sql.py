"""SQL by ADBC: what statements give beside DuckDB over the same rows, and what is refused."""

from __future__ import annotations

import concurrent.futures
import contextlib
import os
import re
import signal
import time
from pathlib import Path

import adbc_driver_flightsql.dbapi as adbc
import adbc_driver_manager
import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.flight as fl
import pytest
import tables
from door import CLONE, ask, command, engines, field, serve


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A file of 50,000 rows with NaN and texts, the server's location, its process, and DuckDB with the same rows."""
    folder, rng, n = tmp_path_factory.mktemp("sql"), np.random.default_rng(5), 50_000
    rows = np.zeros(n, [("id", "i8"), ("x", "f8"), ("y", "f4"), ("kind", "i4"), ("good", "?"), ("name", "S6")])
    rows["id"], rows["x"], rows["y"] = np.arange(n) + 2**53, rng.normal(size=n), rng.normal(size=n)
    rows["x"][rng.random(n) < 0.05] = np.nan
    rows["kind"], rows["good"], rows["name"] = rng.integers(0, 9, n), rng.random(n) < 0.5, rng.choice([b"mu", b"pi", b"", b"longer"], n)
    with tables.open_file(folder / "t.h5", "w") as f:
        f.create_table("/", "t", obj=rows, filters=tables.Filters(5, "zlib"))
        f.create_table("/", "small", obj=rows[:7])
    peer = duckdb.connect()
    arrow = pa.table({name: pa.array(rows[name].astype(str) if name == "name" else rows[name]) for name in rows.dtype.names})
    for name, some in (("/t", arrow), ("/small", arrow.slice(0, 7))):
        peer.register("rows", some)
        peer.execute(f'create schema if not exists "t.h5"; create table "t.h5"."{name}" as select * from rows')
        peer.unregister("rows")
    with serve(folder) as (location, server):
        yield location, server, peer


@pytest.fixture(scope="module")
def frugal(tmp_path_factory):
    """The location of a server whose statements get little memory."""
    folder = tmp_path_factory.mktemp("frugal")
    rows = np.zeros(20_000, [("id", "i8"), ("kind", "i4")])
    rows["id"] = np.arange(len(rows))
    with tables.open_file(folder / "t.h5", "w") as f:
        f.create_table("/", "t", obj=rows)
    with serve(folder, "--sql-memory", "96MiB") as (location, _):
        yield location


STATEMENTS = [
    'select count(*) n from {t}', 'select count(*) n, avg(x) m, max(id) top from {t} where x > 1 and kind = 3', 'select id, x from {t} where x > 2.5 order by id',
    "select name, count(*) n, sum(kind) s from {t} where good group by name order by name", "select id from {t} where id = 9007199254740993",
    "select id from {t} where isnan(x) and kind = 8 order by id limit 5", 'select a.id, b.name from {t} a join {s} b using (id) order by a.id',
    "with w as (select kind, x, row_number() over (partition by kind order by id) r from {t}) select kind, r, x from w where r < 4 order by kind, r",
    "select kind from {t} where x > (select quantile_cont(x, 0.999) from {t} where not isnan(x)) order by id", "select upper(name) u, y from {t} where name in ('mu', 'longer') order by id limit 7",
    "select max(y) from {t} where x >= 'nan'::double", "select distinct kind from {t} where kind between 2 and 4 order by 1", "select id from {t} where x is null",
]


@pytest.mark.parametrize("statement", STATEMENTS)
def test_beside_duckdb(served, statement):
    location, _, peer = served
    sql = statement.format(t='"t.h5"."/t"', s='"t.h5"."/small"')
    got, want = ask(location, sql), peer.execute(sql).fetch_arrow_table()
    assert got.column_names == want.column_names
    assert repr(got.to_pylist()) == repr(want.cast(got.schema).to_pylist())


def test_parameters(served):
    location, _, peer = served
    for sql, values in [('select id from "t.h5"."/t" where id = ?', (2**53 + 7,)), ('select count(*) from "t.h5"."/t" where name = ? and x < ?', ("pi", 0.25)),
                        ("select ? || '?' s", ("it's",)), ('select count(*) from "t.h5"."/t" where good = ?', (True,))]:
        assert ask(location, sql, values).to_pylist() == peer.execute(sql, list(values)).fetch_arrow_table().to_pylist()


@pytest.mark.parametrize(("sql", "says"), [
    ("selec 1", "LINE 1: selec 1\n        ^"), ('select 1,\nnope from "t.h5"."/t"', "LINE 2: nope from"), ('select nmae from "t.h5"."/t"', 'Candidate bindings: "name"'), ("select nope from nothing", "nothing"),
    ('select * from "t.h5"."/smal"', 'near: "/small"'), ('select * from "t.h"."/small"', 'near: "t.h5"'),
    ("/* why */ insert into x values (1)", "INSERT is not taken: this server reads only"), ('delete from "t.h5"."/t"', "DELETE is not taken"), ("begin", "BEGIN is not taken"), ("explain drop table x", "DROP is not taken"),
    ('pivot "t.h5"."/t" on kind using count(*)', "PIVOT t ON kind IN (1, 2, 3)"), ('with p as (pivot "t.h5"."/t" on kind using count(*)) select * from p', "PIVOT t ON kind IN"), ('select * from "t.h5"."/nothing"', "nothing"), ('select * from "u.h5"."/t"', "u.h5"),
    ("create table x as select 1", "reads only"), ("copy (select 1) to '/tmp/mtflight-never.csv'", ""), ("attach '/tmp/mtflight-never.db'", ""), ("select * from read_csv('/etc/passwd')", ""),
    ("set memory_limit = '10GB'", ""), ("set enable_external_access = true", ""),
    ("reset lock_configuration", ""), ("pragma table_info('x')", ""), ("pragma enable_profiling", ""), ("install httpfs", ""), ("load httpfs", ""), ("call pragma_version()", ""),
    ("export database '/tmp/mtflight-never'", ""), ("select * from '/etc/passwd'", ""), ("select * from read_text('/etc/passwd')", ""), ("select * from glob('/*')", ""),
    ("select * from sniff_csv('/etc/passwd')", ""), ("select * from read_blob('/etc/passwd')", ""), ("select * from read_json('/etc/passwd')", ""), ("select * from parquet_metadata('/etc/passwd')", ""),
    ("select * from query($$from '/etc/passwd'$$)", ""), ("from query_table('/etc/passwd')", ""), ("with x as (select * from read_text('/proc/self/environ')) select * from x", ""), ("create secret (type s3)", "reads only"), ("checkpoint", ""), ("vacuum", ""),
    ("create macro f() as table select 1", "reads only"), ("prepare p as select 1", ""), ("use system", ""), ("detach mtflight", ""), ("comment on view x is 'y'", ""), ("explain analyze insert into x values (1)", "INSERT is not taken"), ("select * from read_parquet('http://127.0.0.1:1/x')", ""), ("select getenv('HOME')", ""), ("select * from mtflight_scan(0)", ""), ("select 1; select 2", "one at a time"), ("", ""), ("select error('boom')", "boom"),
    ("select case when kind = 8 then error('late') else x end from \"t.h5\".\"/t\"", "late"), ("select ?", ""),
])
def test_is_refused(served, sql, says):
    location, _, _ = served
    with pytest.raises(adbc_driver_manager.Error) as why:
        ask(location, sql)
    assert says in str(why.value)
    assert not Path("/tmp/mtflight-never.csv").exists() and not Path("/tmp/mtflight-never.db").exists()
    assert ask(location, "select 1 one").to_pylist() == [{"one": 1}]


@pytest.mark.parametrize(("sql", "says"), [
    ('select id, x from "t.h5"."/t" where kind = 3', ['"t.h5"."/t"', "columns asked for: id, x, kind", "condition handed over: (`kind` == 3)", "chunks: ", "touched at most"]),
    ('select count(*) from "t.h5"."/t"', ["only the number of rows is asked for"]), ('select id from "t.h5"."/t" limit 9', ["rows at most: 9", "touched at most 1,"]),
    ('select id from "t.h5"."/t" where sqrt(kind) = 2', ["condition handed over: none"]),
])
def test_explain_tells_what_was_handed_over(served, sql, says):
    for how in ("explain ", "explain analyze "):
        told = [row["explain_value"] for row in ask(served[0], how + sql).to_pylist() if row["explain_key"] == "mtflight_scan"]
        assert len(told) == 1 and [s for s in says if s not in told[0]] == []


@pytest.mark.parametrize(("sql", "values", "says"), [
    ('select id from "t.h5"."/t" where name = ? and id = ?', ("mu", "abc"), "Parameter 2 is 'abc', where the statement takes BIGINT"),
    ('select id from "t.h5"."/t" where id = ?', (b"abc",), "Parameter 1 is from_hex('616263')"), ("select ? + ?", (1,), "more parameters than there are values (1)"),
    ('select id from "t.h5"."/t" where good = ?', ("perhaps",), "takes BOOLEAN"),
])
def test_parameters_of_other_types(served, sql, values, says):
    with pytest.raises(adbc_driver_manager.Error) as why:
        ask(served[0], sql, values)
    assert says in str(why.value)


def test_table_of_some_file(served):
    """A table that is named without its file is looked for, where there are several."""
    with serve(CLONE / "testdata") as (location, _), pytest.raises(adbc_driver_manager.Error) as why:
        ask(location, "select * from evens")
    assert 'name it with its file, "tables.h5"."/events"' in str(why.value)


def test_out_of_memory(served):
    location, _, _ = served
    with pytest.raises(adbc_driver_manager.Error, match="memory"):
        ask(location, "select sum(h) from (select hash(range) h, range r from range(2000000000) order by h)")
    assert ask(location, "select 1 one").num_rows == 1


@pytest.mark.parametrize("sql", [
    "select count(*) from (select distinct hash(range) h from range(100000000))", "select len(list(range)) from range(200000000)", "select length(repeat('x', 2000000000))", "select list(repeat('x', 100000)) from range(100000)",
    'select sum(h) from (select hash(a.id, b.id) h from "t.h5"."/t" a, "t.h5"."/t" b order by h)',
])
def test_ten_times_the_budget(frugal, sql):
    """Each way to fill memory ends in an error of that, and the next statement is answered."""
    with pytest.raises(adbc_driver_manager.Error, match="ResourceExhausted"):
        ask(frugal, sql)
    assert ask(frugal, 'select count(*) n from "t.h5"."/t" where kind = 3').num_rows == 1


@contextlib.contextmanager
def endless(location: str):
    """A statement whose rows nobody takes but one batch of them."""
    with adbc.connect(location, autocommit=True) as c, c.cursor() as k:
        k.execute("select range r, hash(range) h from range(1000000000)")
        reader = k.fetch_record_batch()
        reader.read_next_batch()
        yield reader


def test_is_confined(served):
    location, server, _ = served
    with endless(location):
        found = engines(server)
        assert found
        for process in found:
            said = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
            assert {said[what].strip() for what in ("Seccomp", "NoNewPrivs")} == {"2", "1"} and int(said["CapEff"], 16) == 0
            opened = [os.readlink(fd) for fd in (process / "fd").iterdir()]
            assert [one for one in opened if not re.match(r"pipe:|anon_inode:|/dev/null$|/sys/fs/cgroup/|/proc/\d+/statm$", one)] == []  # how much processor there is, and what memory it takes itself


def test_killed(served):
    location, server, _ = served
    with endless(location) as reader:
        for process in engines(server):
            os.kill(int(process.name), signal.SIGKILL)
        with pytest.raises(Exception, match="engine has ended"):
            while True:
                reader.read_next_batch()
    assert ask(location, "select 1 one").num_rows == 1


def test_killed_at_any_time(served):
    """Whenever the engine is killed there is an error or the answer, and nothing else."""
    location, server, peer = served
    sql = 'select count(*) n, sum(a.kind)::bigint s, max(b.x) x from "t.h5"."/t" a join "t.h5"."/t" b using (id) where a.x > -3'
    want, told = repr(peer.execute(sql).to_arrow_table().to_pylist()), []
    for looks in range(12):  # the more of them, the later
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            asked = pool.submit(ask, location, sql)
            while not asked.done() and looks >= 0:
                for process in engines(server):
                    if (looks := looks - 1) < 0:
                        with contextlib.suppress(ProcessLookupError):
                            os.kill(int(process.name), signal.SIGKILL)
            try:
                told.append(repr(asked.result().to_pylist()))
            except adbc_driver_manager.Error as e:
                told.append("engine has ended" if "engine has ended" in str(e) else str(e))
    assert "engine has ended" in told and set(told) <= {"engine has ended", want}
    assert ask(location, "select 1 one").num_rows == 1


def test_client_that_leaves(served):
    """It takes its statement with it."""
    location, server, _ = served
    with endless(location):
        assert engines(server)
    end = time.monotonic() + 60
    while engines(server):
        assert time.monotonic() < end


def test_rows_at_most(tmp_path):
    with serve(tmp_path, "--sql-rows", "1000") as (location, _):
        assert ask(location, "select range r from range(1000)").num_rows == 1000
        with pytest.raises(adbc_driver_manager.Error, match="more than 1000 rows"):
            ask(location, "select range r from range(1001)")


def cancel(location: str, sql: str, how: str) -> None:
    """Begins a statement, and ends it by an action of Flight."""

    with fl.connect(location) as client:
        info = client.get_flight_info(fl.FlightDescriptor.for_command(command(b"CommandStatementQuery", sql.encode())))
        reader = client.do_get(info.endpoints[0].ticket)
        reader.read_chunk()
        body = field(1, info.serialize()) if how == "CancelFlightInfo" else command(b"ActionCancelQueryRequest", info.serialize())
        for told in (b"\x08\x01", b"\x08\x03"):  # cancelled, no more cancellable
            results = [r.body.to_pybytes() for r in client.do_action(fl.Action(how, body))]
            assert len(results) == 1 and results[0].endswith(told)
            with pytest.raises(fl.FlightCancelledError, match="cancelled"):
                while True:
                    reader.read_chunk()


@pytest.mark.parametrize("how", ["CancelFlightInfo", "CancelQuery"])
def test_cancel(served, how):
    location, server, _ = served
    cancel(location, "select range r, hash(range) h from range(10000000000)", how)
    assert engines(server) == []
    assert ask(location, "select 1 one").num_rows == 1


@pytest.mark.parametrize("sql", ["select count(*) from range(1000000000000) where hash(range) % 7 = 3", "with recursive r(k) as (select 1 union all select k + 1 from r) select count(*) from r"])
def test_endless(tmp_path, sql):
    with serve(tmp_path, "--sql-time", "1s") as (location, server):
        with pytest.raises(adbc_driver_manager.Error, match="sql-time"):
            ask(location, sql)
        assert engines(server) == []


@pytest.mark.parametrize("how", ["explain", "explain analyze", "explain (format json)", "EXPLAIN(ANALYZE, FORMAT json)", "/* why */ explain", "-- why\nexplain"])
@pytest.mark.parametrize("of", ["select * from", "(select * from"])
def test_explain(served, how, of):
    sql = f'{how} {of} "t.h5"."/small" where id > 3' + ")" * of.count("(")
    assert "mtflight_scan" in ask(served[0], sql).to_pylist()[0]["explain_value"].lower()
