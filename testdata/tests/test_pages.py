"""offset and limit of every kind of request are a slice of its whole result; and what the action about tells."""

from __future__ import annotations

import json
import random

import numpy as np
import pyarrow as pa
import pyarrow.flight as fl
import pytest
from conftest import ticket

ROWS = 5000  # of tables.h5 /events
KINDS = {
    "all": {}, "slice": {"start": 9, "step": 7}, "back": {"step": -3}, "where": {"where": "energy > 1"},
    "where back": {"where": "energy > 1", "step": -1}, "sorted": {"sort_by": "energy"}, "sorted where": {"sort_by": "energy", "where": "id % 3 == 0"},
    "coordinates": {"coordinates": [4, 4, -1, 77, 0]}, "blocks": {"stream": {"block_rows": 33}}, "netcdf": {"options": {"netcdf": True}},
    "plain": {"options": {"plain": True}}, "rows": {"options": {"layout": "rows"}},
}


def table(client: fl.FlightClient, **members) -> pa.Table:
    return client.do_get(ticket("tables.h5", "/events", **{"fields": ["id", "energy"], **members})).read_all().combine_chunks()


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_is_a_slice_of_the_result(server, kind):
    rng, client = random.Random(kind), server.client()
    whole = table(client, **KINDS[kind])
    n = whole.num_rows
    for offset in (0, 1, n - 1, n, n + 1, 2**63 - 1, *(rng.randrange(n) for _ in range(4))):
        for limit in (None, 0, 3, rng.randrange(n)):
            page = {"offset": offset} if limit is None else {"offset": offset, "limit": limit}
            want = whole.slice(min(offset, n), limit)
            assert table(client, **KINDS[kind], **page).equals(want), page


def test_arrays_frames_and_endpoints(server):
    client = server.client()
    info = client.get_flight_info(fl.FlightDescriptor.for_command(
        ticket("tables.h5", "/events", fields=["id"], offset=1234, limit=3000, step=1, options={"endpoints": 4}).ticket))
    assert info.total_records == 3000 and len(info.endpoints) > 1
    parts = pa.concat_tables([client.do_get(e.ticket).read_all() for e in info.endpoints])
    assert parts["id"].equals(table(client, fields=["id"])["id"].slice(1234, 3000))
    writer, reader = client.do_exchange(fl.FlightDescriptor.for_command(
        json.dumps({"file": "tables.h5", "dataset": "/events", "fields": ["id"], "offset": 2, "limit": 3})))
    writer.begin(pa.schema([("rows", pa.int64())]))
    writer.write_batch(pa.record_batch([pa.array([5, 4, 3, 2, 1, 0])], names=["rows"]))
    writer.done_writing()
    assert reader.read_all()["id"].to_pylist() == table(client, fields=["id"], coordinates=[3, 2, 1])["id"].to_pylist()


def test_what_is_no_offset(server):
    for offset in (-1, 1.5, "1", None, True):
        with pytest.raises(pa.ArrowInvalid, match="offset"):
            table(server.client(), offset=offset)


def test_a_page_of_a_selection(server):
    client = server.client()
    listed = json.loads(next(iter(client.do_action(fl.Action("list", b'{"kind": "array", "file": "arrays.h5"}')))).body.to_pybytes())
    chosen = [d for d in listed["datasets"] if d["kind"] == "array" and len(d["shape"]) == 2 and min(d["shape"]) > 3]
    assert chosen
    for d in chosen:
        for select in ("::2, 1", ":, [2, 0]", "::-1", "[3, 1, 1], 0"):
            whole = client.do_get(ticket(listed["file"], d["path"], select=select)).read_all().combine_chunks()
            for offset in range(4):
                got = client.do_get(ticket(listed["file"], d["path"], select=select, offset=offset, limit=2)).read_all().combine_chunks()
                assert got.equals(whole.slice(offset, 2)), (d["path"], select, offset)


def test_about(server):
    client = server.client()
    about, = (json.loads(r.body.to_pybytes()) for r in client.do_action(fl.Action("about", b"")))
    assert set(about) == {"server", "protocol", "features"} and about["protocol"] == 1 and about["server"]
    assert {"offset", "about", "select", "stream.follow", "options.netcdf"} <= set(about["features"])
    assert {a.type for a in client.list_actions()} <= set(about["features"])
    assert np.all(np.diff([np.frombuffer(f[:1].encode(), "u1")[0] for f in about["features"]]) >= 0)
