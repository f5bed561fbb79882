"""Staged files are Arrow IPC files whose columns lie in the mapping, at multiples of 64 bytes."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.flight as fl
import pytest

REQUESTS = [{}, {"batch_rows": 3}, {"options": {"layout": "rows"}}]


def datasets(server) -> list[tuple[str, str]]:
    return [key for file in ("tables.h5", "types.h5", "arrays.h5") for key in server.listing(file=file) if len(key) == 2]


@pytest.mark.parametrize("members", REQUESTS, ids=str)
def test_columns_lie_in_the_mapping(server, members):
    client, read = server.client(), 0
    for file, dataset in datasets(server):
        request = json.dumps({"file": file, "dataset": dataset, **members}).encode()
        try:
            want = client.do_get(fl.Ticket(request)).read_all()
        except (pa.ArrowException, fl.FlightError):
            with pytest.raises((pa.ArrowException, fl.FlightError)):
                next(client.do_action(fl.Action("stage", request)))
            continue
        told = json.loads(next(client.do_action(fl.Action("stage", request))).body.to_pybytes())
        before = pa.total_allocated_bytes()
        got = pa.ipc.open_file(pa.memory_map(told["path"])).read_all()
        assert pa.total_allocated_bytes() == before, "what is mapped is not copied"
        got.validate(full=True)
        assert told["rows"] == got.num_rows and repr(got.to_pylist()) == repr(want.to_pylist())
        assert got.schema.equals(want.schema, check_metadata=True)
        for column in got.columns:
            for chunk in column.chunks:
                assert all(b is None or b.size == 0 or b.address % 64 == 0 for b in chunk.buffers())
        list(client.do_action(fl.Action("release", json.dumps({"lease": told["lease"]}).encode())))
        read += 1
    assert read > 20
