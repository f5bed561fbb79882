"""Files of a pattern that cannot be read: an error that names them, or left out and named wherever the answer goes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.parse
import urllib.request
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.flight as fl
import pytest

from conftest import BINARY, CLONE

sys.path.insert(0, str(CLONE / "examples" / "python"))

import mtflight  # noqa: E402
from mtflight.errors import FilesLeftOut  # noqa: E402

SKIP = {"options": {"on_error": "skip"}}


def small(path: Path, first: int, n: int = 10) -> None:
    rows = np.zeros(n, [("id", "i4"), ("x", "f8")])
    rows["id"] = np.arange(first, first + n)
    with h5py.File(path, "w") as f:
        f.create_dataset("events", data=rows, chunks=(4,), maxshape=(None,), compression=1)


@pytest.fixture
def broken(tmp_path):
    """Four files that can be read, and one of each kind that cannot."""
    top = tmp_path / "runs"
    top.mkdir()
    for i in (1, 3, 5, 9):
        small(top / f"run{i}.h5", 10 * i)
    whole = (top / "run1.h5").read_bytes()
    (top / "run0.h5").write_text("no HDF5")
    (top / "run2.h5").write_bytes(whole[:700])
    (top / "run4.h5").write_bytes(whole[:8] + bytes(len(whole) - 8))
    with h5py.File(top / "run6.h5", "w") as f:
        f["others"] = [1]
    (top / "run7.h5").write_bytes(b"")
    with h5py.File(top / "run8.h5", "w") as f:
        f.create_group("events")
    return top


LEFT = ["run0.h5", "run2.h5", "run4.h5", "run6.h5", "run7.h5", "run8.h5"]
IDS = [*range(10, 20), *range(30, 40), *range(50, 60), *range(90, 100)]


def chunks(client, **request):
    reader = client.do_get(fl.Ticket(json.dumps({"file": "*.h5", "dataset": "/events", **request})))
    got = [(c.data, json.loads(c.app_metadata.to_pybytes())) for c in reader]
    return reader.schema, [b for b, _ in got], [place for _, place in got]


def test_left_out_and_named(start, broken):
    client = start(broken).client()
    with pytest.raises((fl.FlightError, pa.ArrowException), match=r"run0\.h5"):
        chunks(client)
    with pytest.raises((fl.FlightError, pa.ArrowException), match=r"run0\.h5"):
        chunks(client, options={"on_error": "error"})
    for request, want in [({}, IDS), ({"where": "id >= 50"}, IDS[20:]), ({"start": 9, "stop": 21}, IDS[9:21]), ({"coordinates": [0, -1]}, [10, 99]),
                          ({"sort_by": "id", "step": -1, "limit": 3}, [99, 98, 97]), ({"stream": {"block_rows": 16}}, IDS), ({"where": "id < 0"}, []),
                          ({"fields": ["id"], "limit": 0}, []), ({"stream": {"block_rows": 7, "shuffle": 1}}, None)]:
        schema, batches, places = chunks(client, **request, **SKIP)
        ids = pa.Table.from_batches(batches, schema)["id"].to_pylist()
        assert ids == want or want is None and sorted(ids) == IDS, request
        assert [one["file"] for one in places[-1]["skipped"]] == LEFT, request
        assert not any("skipped" in place for place in places[:-1])
        told = json.loads(schema.metadata[b"files.skipped"])
        assert told == places[-1]["skipped"]
        assert all(": " in one["reason"] and str(broken) not in one["reason"] for one in told), told
    assert "no such dataset" in told[3]["reason"] and told[0]["reason"].startswith("DataLoss")


def test_tickets_name_what_could_be_read(start, broken):
    """A ticket's rows stay the same rows: what is damaged behind it ends it."""
    client = start(broken).client()
    command = json.dumps({"file": "*.h5", "dataset": "/events", "options": {"on_error": "skip", "endpoints": 3}})
    info = client.get_flight_info(fl.FlightDescriptor.for_command(command))
    assert len(json.loads(info.schema.metadata[b"files.skipped"])) == 6 and info.total_records == 40
    assert pa.concat_tables(client.do_get(e.ticket).read_all() for e in info.endpoints)["id"].to_pylist() == IDS
    (broken / "run3.h5").write_bytes(b"now damaged")
    with pytest.raises((fl.FlightError, pa.ArrowException), match=r"run3\.h5"):
        for e in info.endpoints:
            client.do_get(e.ticket).read_all()
    told = json.loads(next(iter(client.do_action(fl.Action("explain", command.encode())))).body.to_pybytes())
    assert [one["file"] for one in told["left"]] == sorted([*LEFT, "run3.h5"]) and any("run3.h5 is left out" in line for line in told["plan"])


def test_what_is_not_damage_ends_the_request(start, broken):
    client = start(broken).client()
    small(broken / "run3.h5", 0)
    with h5py.File(broken / "run3.h5", "r+") as f:
        f["events"].attrs["units"] = "m"
    with pytest.raises((fl.FlightError, pa.ArrowException), match="units"):
        chunks(client, **SKIP)
    with pytest.raises((fl.FlightError, pa.ArrowException), match="no such file"):
        chunks(client, file=["run1.h5", "none.h5"], **SKIP)
    with pytest.raises((fl.FlightError, pa.ArrowException), match=r"run0\.h5"):
        chunks(client, file=["run0.h5", "run2.h5"], **SKIP)  # none is left
    assert len(chunks(client, file=["run0.h5", "run1.h5"], **SKIP)[2][-1]["skipped"]) == 1
    with pytest.raises((fl.FlightError, pa.ArrowException), match="on_error"):
        chunks(client, file="run1.h5", **SKIP)
    small(broken / "run5.h5", 50)
    damaged = bytearray((broken / "run5.h5").read_bytes())
    with h5py.File(broken / "run5.h5") as f:
        at = f["events"].id.get_chunk_info(1)
    damaged[at.byte_offset:at.byte_offset + at.size] = bytes(at.size)
    (broken / "run5.h5").write_bytes(damaged)
    (broken / "run3.h5").unlink()
    with pytest.raises((fl.FlightError, pa.ArrowException), match=r"run5\.h5"):  # found among its rows, of which some have been sent
        chunks(client, **SKIP)


def test_what_may_not_be_read(start, tmp_path):
    if os.geteuid() == 0:
        pytest.skip("root reads all")
    small(tmp_path / "run1.h5", 0)
    small(tmp_path / "run2.h5", 10)
    (tmp_path / "run2.h5").chmod(0)
    _, _, places = chunks(start(tmp_path).client(), **SKIP)
    assert places[-1]["skipped"][0]["reason"].startswith("PermissionDenied")


def test_the_package_warns(broken):
    with pytest.warns(FilesLeftOut, match=r"6 files left out.*run0\.h5 \(open file: no HDF5 signature") as told:
        assert mtflight.read(f"{broken}/*.h5", "/events", options={"on_error": "skip"})["id"].tolist() == IDS
    assert told[0].filename == __file__


def test_the_command_line_tells(start, broken):
    server = start(broken)
    for source in ([f"{broken}/*.h5"], [server.location, "*.h5"]):
        done = subprocess.run([BINARY, "get", *source, "/events", "--format", "csv", "--fields", "id"], capture_output=True, text=True)
        assert done.returncode and "run0.h5" in done.stderr
        done = subprocess.run([BINARY, "get", *source, "/events", "--format", "csv", "--fields", "id", "--on-error", "skip"], capture_output=True, text=True)
        assert done.returncode == 0 and [int(n) for n in done.stdout.split()[1:]] == IDS, done
        assert [line.split(": ")[1].split("/")[-1] for line in done.stderr.splitlines() if line.startswith("left out: ")] == LEFT, done.stderr


def test_answers_by_other_ways(start, broken):
    server = start(broken, args=("--http", "127.0.0.1:0"))
    client = server.client()
    request = {"file": "*.h5", "dataset": "/events", **SKIP}
    staged = json.loads(next(iter(client.do_action(fl.Action("stage", json.dumps(request).encode())))).body.to_pybytes())
    with pa.memory_map(staged["path"]) as mapped:
        table = pa.ipc.open_file(mapped).read_all()
    assert table["id"].to_pylist() == IDS and b"files.skipped" in table.schema.metadata
    blocks = [json.loads(r.body.to_pybytes()) for r in client.do_action(fl.Action("ring", json.dumps({**request, "stream": {"block_rows": 16}}).encode()))]
    assert sum(b["rows"] for b in blocks[1:]) == 40 and len(blocks[-1]["skipped"]) == 6
    writer, reader = client.do_exchange(fl.FlightDescriptor.for_command(json.dumps(request)))
    with writer:
        writer.begin(pa.schema([("row", pa.int64())]))
        writer.write_batch(pa.record_batch([pa.array([39, 0])], ["row"]))
        writer.done_writing()
        got = list(reader)
    assert pa.Table.from_batches([c.data for c in got])["id"].to_pylist() == [99, 10]
    assert len(json.loads(got[-1].app_metadata.to_pybytes())["skipped"]) == 6
    site = re.search(r"by HTTP on (http\S+)", server.banner)[1]
    query = urllib.parse.urlencode({"file": "*.h5", "dataset": "/events", "options.on_error": "skip", "format": "csv"})
    with urllib.request.urlopen(f"{site}/v1/data?{query}") as answer:
        assert len(answer.read().split()) == 41 and answer.headers["Mtflight-Skipped"] == "6"
