"""`options.compression`: over TCP batches come compressed, fewer bytes with the same rows; elsewhere it changes nothing."""

from __future__ import annotations

import contextlib
import json
import socket
import threading

import mtflight
import numpy as np
import pyarrow as pa
import pyarrow.flight as fl
import pytest
from conftest import ticket

CODECS = ["lz4", "zstd"]


class Counter:
    """A proxy to a server on this machine, which counts what that sends."""

    def __init__(self, location: str):
        self.sent, self._to = 0, location.rsplit(":", 1)
        self._door = socket.create_server(("127.0.0.1", 0))
        self.location = f"grpc://127.0.0.1:{self._door.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            near = self._door.accept()[0]
            far = socket.create_connection(("127.0.0.1", int(self._to[1])))
            threading.Thread(target=self._pass, args=(near, far, False), daemon=True).start()
            threading.Thread(target=self._pass, args=(far, near, True), daemon=True).start()

    def _pass(self, source: socket.socket, to: socket.socket, counts: bool) -> None:
        with contextlib.suppress(OSError):  # who ends first does so for both
            while piece := source.recv(1 << 16):
                self.sent += counts * len(piece)
                to.sendall(piece)


def same(one: pa.Table, other: pa.Table) -> bool:
    """Whether the values are, NaN too."""
    return repr(one.to_pylist()) == repr(other.to_pylist())


@pytest.fixture(scope="module")
def between(server):
    return Counter(server.location)


@pytest.mark.parametrize("codec", CODECS)
def test_the_same_rows(server, codec):
    client, read = server.client(), 0
    for file in ("tables.h5", "types.h5", "arrays.h5"):
        for key in server.listing(file=file):
            if len(key) != 2:
                continue
            try:
                want = client.do_get(ticket(*key)).read_all()
            except (pa.ArrowException, fl.FlightError):
                continue
            got = client.do_get(ticket(*key, options={"compression": codec})).read_all()
            got.validate(full=True)
            assert got.schema.equals(want.schema, check_metadata=True) and same(got, want), key
            read += 1
    assert read > 20


@pytest.mark.parametrize("codec", CODECS)
def test_fewer_bytes(between, codec):
    client, sent = fl.connect(between.location), {}
    for options in ({}, {"compression": codec}):
        before = between.sent
        client.do_get(ticket("tables.h5", "/events", options=options)).read_all()
        sent[len(options)] = between.sent - before
    assert sent[1] < 0.8 * sent[0]


@pytest.mark.parametrize("codec", CODECS)
def test_exchange_and_stage(server, codec):
    client = server.client()
    request = json.dumps({"file": "tables.h5", "dataset": "/events", "options": {"compression": codec}}).encode()
    rows = pa.record_batch([pa.array(np.arange(4999, -1, -1))], ["rows"])
    writer, reader = client.do_exchange(fl.FlightDescriptor.for_command(request))
    writer.begin(rows.schema)
    writer.write_batch(rows)
    writer.done_writing()
    assert same(reader.read_all(), client.do_get(ticket("tables.h5", "/events", step=-1)).read_all())
    told = json.loads(next(client.do_action(fl.Action("stage", request))).body.to_pybytes())
    before = pa.total_allocated_bytes()
    got = pa.ipc.open_file(pa.memory_map(told["path"])).read_all()
    assert pa.total_allocated_bytes() == before, "what is mapped is not compressed"
    assert same(got, client.do_get(ticket("tables.h5", "/events")).read_all())
    list(client.do_action(fl.Action("release", json.dumps({"lease": told["lease"]}).encode())))


@pytest.mark.parametrize("codec", CODECS)
def test_python_client(between, server, codec):
    with mtflight.connect(between.location) as connection:
        events, sent = connection.table("tables.h5", "/events"), {}
        for options in ({}, {"compression": codec}):
            before = between.sent
            sent[len(options)] = events.to_arrow(options=options), between.sent - before
    assert same(sent[0][0], sent[1][0]) and sent[1][1] < 0.8 * sent[0][1]


def test_refused(server):
    with pytest.raises(pa.ArrowInvalid, match="options.compression"):
        server.read("tables.h5", "/events", options={"compression": "gzip"})
