"""Files that change: what a client gets is of one version, or the stream ends as Aborted."""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
import time

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.flight as fl
import pytest

from conftest import CLONE

sys.path.insert(0, str(CLONE / "examples" / "python"))

import mtflight  # noqa: E402

ROWS = 1_500_000
KINDS = {"contiguous": {}, "chunked": {"chunks": (65536,)}, "filtered": {"chunks": (65536,), "compression": 1, "shuffle": True}}


def write(path, kind, base):
    with h5py.File(path, "w") as f:
        f.create_dataset("d", data=np.arange(base, base + ROWS), **KINDS[kind])


@pytest.fixture(params=KINDS)
def changing(request, tmp_path, start):
    """A server of one file, and what writes other values into it in place, with its old times."""
    folder = tmp_path / "data"
    folder.mkdir()
    write(folder / "f.h5", request.param, 0)
    write(tmp_path / "other", request.param, 10_000_000)
    os.utime(folder / "f.h5", (1e9, 1e9))

    def rewrite():
        data = (tmp_path / "other").read_bytes()
        with open(folder / "f.h5", "r+b") as f:
            f.write(data)
            f.truncate()
        os.utime(folder / "f.h5", (1e9, 1e9))

    return start(folder), folder / "f.h5", rewrite


def streamed(server, act, **request):
    """The values that come where something is done after the second batch, and how the stream ends."""
    got, ended = [], "OK"
    reader = fl.connect(server.location).do_get(fl.Ticket(json.dumps({"file": "f.h5", "dataset": "/d", "batch_bytes": 1 << 19, **request})))
    try:
        for number, chunk in enumerate(reader):
            got.append(chunk.data.column(0).to_numpy())
            if number == 1:
                act()
    except (fl.FlightError, pa.ArrowException) as e:
        ended = str(e)
    return np.concatenate(got), ended


@pytest.mark.parametrize("request_", [{}, {"where": "d >= 0"}, {"sort_by": "d"}, {"stream": {"block_rows": 1000}}], ids=str)
def test_rewritten_under_a_stream(changing, request_):
    server, _, rewrite = changing
    for _ in range(2):  # the second time of what may be kept
        got, ended = streamed(server, rewrite, **request_)
        np.testing.assert_array_equal(got, np.arange(got[0], got[0] + len(got)))
        assert "aborted" in ended or ended == "OK" and len(got) == ROWS
        rewrite()
    assert got[0] in (0, 10_000_000)


def test_what_changes_no_byte(changing):
    server, path, _ = changing
    for act in (lambda: path.chmod(0o640), lambda: os.link(path, path.with_suffix(".link")), lambda: os.unlink(path.with_suffix(".link")), path.read_bytes):
        got, ended = streamed(server, act)
        assert ended == "OK"
        np.testing.assert_array_equal(got, np.arange(ROWS))
    copy = path.with_suffix(".copy")
    shutil.copy(path, copy)
    got, ended = streamed(server, lambda: os.replace(copy, path))
    assert ended == "OK" and len(got) == ROWS


def test_learned_of_another_version(changing):
    server, _, rewrite = changing
    time.sleep(2.1)  # statistics are kept of what did not change just now
    request = {"file": "f.h5", "dataset": "/d", "where": "d >= 10000000"}
    for _ in range(2):
        assert server.read(**request).num_rows == 0
    rewrite()
    assert server.read(**request).num_rows == ROWS


def test_tickets_are_of_a_version(changing):
    server, path, rewrite = changing
    client = fl.connect(server.location)
    command = json.dumps({"file": "f.h5", "dataset": "/d", "options": {"endpoints": 3}})
    tickets = [e.ticket for e in client.get_flight_info(fl.FlightDescriptor.for_command(command)).endpoints]
    assert len(tickets) == 3 and len({json.loads(t.ticket)["state"] for t in tickets}) == 1
    listed, = (e.ticket for f in client.list_flights() for e in f.endpoints)
    assert json.loads(listed.ticket)["state"] == json.loads(tickets[0].ticket)["state"]
    path.chmod(0o640)
    shutil.copy2(path, path.with_suffix(".copy"))
    os.replace(path.with_suffix(".copy"), path)  # another file of the same bytes and time
    assert client.do_get(tickets[0]).read_all().num_rows > 0
    rewrite()
    for ticket in [*tickets, listed]:
        with pytest.raises(fl.FlightInternalError, match="aborted.*the ticket was issued for: ask GetFlightInfo"):
            client.do_get(ticket).read_all()
    with pytest.raises(fl.FlightInternalError, match="aborted"):
        client.get_flight_info(fl.FlightDescriptor.for_command(tickets[0].ticket))
    by_hand = {k: v for k, v in json.loads(tickets[0].ticket).items() if k != "state"}
    assert client.do_get(fl.Ticket(json.dumps(by_hand))).read_all().column(0)[0].as_py() == 10_000_000


def test_resumed_in_another_version(tmp_path, start):
    """A stream whose server is lost is not gone on with in another version of the file."""
    folder, socket = tmp_path / "data", tmp_path / "s"
    folder.mkdir()
    write(folder / "f.h5", "filtered", 0)
    server = start(folder, listen=f"grpc+unix://{socket}")
    with mtflight.connect(server.location) as connection:
        reader = iter(connection.table("f.h5", "/d").scan(batch_rows=50_000, retries=5))
        next(reader)
        server.process.kill()
        server.process.wait()
        write(folder / "f.h5", "filtered", 10_000_000)
        start(folder, listen=f"grpc+unix://{socket}")
        with pytest.raises(Exception, match="the ticket was issued for"):
            for batch in reader:
                assert len(batch) and batch.column(0)[0].as_py() < 10_000_000


def test_read_while_a_writer_appends(tmp_path, start):
    """A file that is open for SWMR is read as of its rows at the start."""
    folder = tmp_path / "data"
    folder.mkdir()
    with h5py.File(folder / "f.h5", "w", libver="latest") as f:
        d = f.create_dataset("d", (ROWS,), maxshape=(None,), chunks=(65536,), dtype="i8")
        d[:] = np.arange(ROWS)
        f.swmr_mode = True
        server, ended, grown = start(folder), threading.Event(), threading.Event()
        ticket = fl.connect(server.location).get_flight_info(fl.FlightDescriptor.for_path("f.h5", "/d")).endpoints[0].ticket

        def grow():
            n = ROWS
            while not ended.wait(0.002):
                d.resize((n + 1000,))
                d[n:] = np.arange(n, n + 1000)
                d.flush()
                n += 1000
                grown.set()

        writer = threading.Thread(target=grow)
        writer.start()
        try:
            assert grown.wait(120)
            rows = []
            for _ in range(5):
                got, said = streamed(server, lambda: time.sleep(0.02))
                assert said == "OK"
                np.testing.assert_array_equal(got, np.arange(len(got)))
                rows.append(len(got))
            assert rows == sorted(rows) and rows[-1] > ROWS
            client = fl.connect(server.location)
            assert client.do_get(ticket).read_all().num_rows >= ROWS, "what has grown since the ticket was issued"
        finally:
            ended.set()
            writer.join()
