"""Rules x identities over statements: what somebody may not read is not there, whatever a statement calls it, and again when its rows are fetched."""

from __future__ import annotations

import re
import subprocess

import adbc_driver_manager
import numpy as np
import pyarrow as pa
import pyarrow.flight as fl
import pytest
import tables
from door import CLONE, ask, command, serve

STATEMENTS = [
    "select count(*) n from {t}", 'select count(*) n from "mtflight".{t}', "select count(*) n from (select * from {t})", "with w as (select * from {t}) select count(*) n from w",
    "select (select count(*) from {t}) n", "select count(*) n from {o} where x in (select x from {t})", "select count(*) n from {o} join {t} using (x)",
    "select count(*) n from {o} where exists (from {t})", "from {t} select count(*) n", "select count(*) n from (select x from {t} union all select x from {o} limit 3)",
    "table {t}", "select unnest((select list(x) from {t})) x", "values ((select max(x) from {t}))", "select * from {o} o, lateral (select x y from {t} t where t.x = o.x)", "from {o} positional join {t}", "from {o} asof join {t} using (x)",
    "select * from {o} where x = any(select x from {t})", "with recursive r as (select x from {t} union all select x + 1 from r where x < 4) select x from r", "select x from {o} union all by name select x from {t}", "pivot {t} on x in (1, 2) using count(*)",
    "select case when x > 0 then (select count(*) from {t}) end n from {o}", "from {o} select x except (select x from {t} where x > 5)", "select x from {t} where x > $1", "describe {t}", "summarize {t}",
    "explain select * from {t}", "explain analyze select * from {t}", "select x from {o} order by (select max(x) from {t})", "with {q} as (select 1 x) select * from {t}, {q}",
]


@pytest.fixture(scope="module")
def castle(tmp_path_factory):
    folder, keys = tmp_path_factory.mktemp("rules"), tmp_path_factory.mktemp("keys")
    for name in ("open", "secret", "other"):
        with tables.open_file(folder / f"{name}.h5", "w") as f:
            f.create_table("/", "t", obj=np.array([(1,), (2,), (3,)], [("x", "i8")]))
    tokens = {who: subprocess.run([CLONE / "bin/mtflight", "token", "new", "--auth-tokens", keys / "tokens", who], capture_output=True, text=True, check=True).stdout.split()[-1]
              for who in ("ann", "bob", "carol")}
    (keys / "rules").write_text("rules:\n- {for: [ann], files: ['*']}\n- {for: [bob], files: ['*'], except: ['secret*']}\n")
    (keys / "rules").chmod(0o600)
    with serve(folder, "--auth-tokens", str(keys / "tokens"), "--rules", str(keys / "rules")) as (location, _):
        yield location, tokens


@pytest.mark.parametrize("statement", STATEMENTS)
def test_statements(castle, statement):
    location, tokens = castle
    for who, table, may in [("ann", "secret", True), ("bob", "open", True), ("bob", "secret", False), ("carol", "open", False)]:
        sql = statement.format(t=f'"{table}.h5"."/t"', o='"other.h5"."/t"', q="q")
        values = (0,) if "$1" in sql else None
        if may:
            assert ask(location, sql, values, token=tokens[who]).num_rows > 0
        else:
            with pytest.raises(adbc_driver_manager.Error, match="NOT_FOUND"):
                ask(location, sql, values, token=tokens[who])


def test_tickets_of_others(castle):
    """A ticket of whom may read it gives nothing to whom may not, and nobody is answered without a login."""
    location, tokens = castle
    client = fl.connect(location)

    def login(who):
        return fl.FlightCallOptions(headers=[(b"authorization", b"Bearer " + tokens[who].encode())])

    asked = command(b"CommandStatementQuery", b'select x from "secret.h5"."/t"')
    ticket = client.get_flight_info(fl.FlightDescriptor.for_command(asked), login("ann")).endpoints[0].ticket
    assert client.do_get(ticket, login("ann")).read_all().num_rows == 3
    for who in ("bob", "carol"):
        with pytest.raises(KeyError, match="no such file"):
            client.do_get(ticket, login(who)).read_all()
    with pytest.raises(fl.FlightUnauthenticatedError):
        client.do_get(ticket).read_all()


def test_handles_of_others(castle):
    """A prepared statement is its identity's: nobody else runs it, sets its values or closes it."""
    location, tokens = castle
    client = fl.connect(location)
    ann, bob = (fl.FlightCallOptions(headers=[(b"authorization", b"Bearer " + tokens[who].encode())]) for who in ("ann", "bob"))
    (made,) = client.do_action(fl.Action("CreatePreparedStatement", command(b"ActionCreatePreparedStatementRequest", b"select ? + 1 n")), ann)
    handle = re.search(rb"[A-Z2-7]{26}", made.body.to_pybytes())[0]
    values, run = pa.record_batch({"1": [41]}), fl.FlightDescriptor.for_command(command(b"CommandPreparedStatementQuery", handle))

    def put(login) -> None:
        writer, _ = client.do_put(run, values.schema, login)
        with writer:
            writer.write_batch(values)

    def close(login) -> list:
        return list(client.do_action(fl.Action("ClosePreparedStatement", command(b"ActionClosePreparedStatementRequest", handle)), login))

    for attempt in (put, close, lambda login: client.get_flight_info(run, login), lambda login: client.do_get(fl.Ticket(run.command), login).read_all()):
        with pytest.raises(KeyError, match="no such prepared statement"):
            attempt(bob)
    put(ann)
    assert client.do_get(client.get_flight_info(run, ann).endpoints[0].ticket, ann).read_all().to_pylist() == [{"n": 42}]
    close(ann)
    with pytest.raises(KeyError, match="no such prepared statement"):
        client.get_flight_info(run, ann)
