"""Collections that a server gives names: listed as files of one dataset, asked for by name, made of the files there are then."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.flight as fl
import pytest

from conftest import BINARY, CLONE

sys.path.insert(0, str(CLONE / "examples" / "python"))

import mtflight  # noqa: E402


def small(path: Path, first: int, name: str = "events") -> None:
    rows = np.zeros(5, [("id", "i4"), ("x", "f8")])
    rows["id"] = np.arange(first, first + 5)
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as f:
        f[name] = rows


@pytest.fixture
def runs(tmp_path):
    for i in (1, 2, 10):
        small(tmp_path / "runs" / f"run{i}.h5", 5 * i)
    return tmp_path


def ids(server, **request) -> list[int]:
    return server.client().do_get(fl.Ticket(json.dumps({"file": "runs-of-all", "dataset": "/events", **request}))).read_all()["id"].to_pylist()


def test_listed_and_asked_for(start, runs):
    (runs / "c.yaml").write_text(f"root: {runs}\ncollection: ['runs-of-all=runs/run*.h5:/events', 'one=runs/run2.h5:/events']\n")
    server = start(args=("--config", str(runs / "c.yaml")))
    flights = server.listing()
    found = flights["runs-of-all", "/events"]
    assert found.total_records == 15 and found.schema.names == ["id", "x"] and flights["one", "/events"].total_records == 5
    want = [*range(5, 15), *range(50, 55)]
    assert server.client().do_get(found.endpoints[0].ticket).read_all()["id"].to_pylist() == want
    assert ids(server) == want and ids(server, where="id > 12", options={"file_column": "from"}) == want[8:]
    assert server.read("one", "/events")["id"].to_pylist() == want[5:10]
    tree = next(json.loads(r.body.to_pybytes()) for r in server.client().do_action(fl.Action("list", json.dumps({"file": "runs-of-all"}).encode())))
    assert tree["pattern"] == "runs/run*.h5" and tree["datasets"][0]["rows"] == 15 and tree["datasets"][0]["shape"] == [15]
    assert not any(name[0].startswith("runs-") for name in server.listing(kind="array"))
    assert ("one", "/events") not in server.listing(file="runs*") and ("runs-of-all", "/events") in server.listing(dataset="/ev*")
    for file in ("runs-of-all", "runs/run*.h5"):
        told = next(json.loads(r.body.to_pybytes()) for r in server.client().do_action(fl.Action("describe", json.dumps({"file": file, "dataset": "/events"}).encode())))
        assert told["file"] == file and told["rows"] == 15 and told["shape"] == [15] and [c["name"] for c in told["schema"]] == ["id", "x"] and told["chunk_count"] is None
    info = server.client().get_flight_info(fl.FlightDescriptor.for_path("runs-of-all", "/events"))
    small(runs / "runs" / "run3.h5", 15)  # of new requests alone
    assert server.client().do_get(info.endpoints[0].ticket).read_all().num_rows == 15 and len(ids(server)) == 20
    with mtflight.connect(server.location) as connection:
        assert connection.table("runs-of-all", "/events")[-1]["id"] == 54
    assert mtflight.open(server.location)["runs-of-all/events"].num_rows == 20
    done = subprocess.run([BINARY, "get", server.location, "runs-of-all", "/events", "--fields", "id", "--format", "csv"], capture_output=True, text=True)
    assert len(done.stdout.split()) == 21, done
    assert "runs-of-all" in subprocess.run([BINARY, "ls", server.location], capture_output=True, text=True).stdout


def test_what_is_wrong_with_one_is_said(start, runs):
    server = start(runs, args=("--collection", "runs-of-all=runs/*.h5:/events", "--collection", "later=2030/*.h5:/events"))
    for request, says in [({"file": "runs-of-al"}, "no such file"), ({"dataset": "/others"}, "it is of /events"), ({"file": "later"}, "no file matches")]:
        with pytest.raises((fl.FlightError, pa.ArrowException), match=says):
            ids(server, **request)
    small(runs / "runs" / "run4.h5", 0, "others")
    with pytest.raises((fl.FlightError, pa.ArrowException), match=r"run4\.h5.*no such dataset"):
        ids(server)
    assert len(ids(server, options={"on_error": "skip"})) == 15
    listed = server.listing()
    assert "run4.h5" in json.loads(listed["runs-of-all",].app_metadata)["reason"] and ("later", "/events") not in listed
    small(runs / "runs-of-all", 0)  # a file of that name: neither is taken for the other
    (runs / "runs" / "run4.h5").unlink()
    with pytest.raises((fl.FlightError, pa.ArrowException), match="is a file now, and a collection"):
        ids(server)


@pytest.mark.parametrize(("collection", "says"), [
    ("runs", "write NAME=PATTERN:DATASET"), ("runs=runs/*.h5", "write NAME=PATTERN:DATASET"), ("a=:/events", "write NAME=PATTERN"), ("a=x:/", "write NAME=PATTERN"),
    ("=runs/*.h5:/events", "a name has no slash"), ("a/b=runs/*.h5:/events", "a name has no slash"), ("a*=runs/*.h5:/events", "a name has no slash"),
    ("runs=runs/*.h5:/events", "called so"), ("a=/data/*.h5:/events", "no file below the roots"), ("a=../*.h5:/events", "no file below the roots"),
    ("a=s3://b/*.h5:/events", None), ("a=" + "*" * 5000 + ":/events", "at most 4096"),
])
def test_refused_at_the_start(runs, collection, says):
    done = subprocess.run([BINARY, "config", "check", "--root", runs, "--collection", collection], capture_output=True, text=True)
    assert (done.returncode == 0) == (says is None) and (says or "") in done.stderr, done
    twice = subprocess.run([BINARY, "config", "check", "--root", f"one={runs}", "--root", f"two={runs}", "--collection", "a=one/*.h5:/events", "--collection", "a=two/*.h5:/events"],
                           capture_output=True, text=True)
    assert "two of this name" in twice.stderr
    other = subprocess.run([BINARY, "config", "check", "--root", f"one={runs}", "--root", f"two={runs}", "--collection", "a=three/*.h5:/events"], capture_output=True, text=True)
    assert "no file below the roots" in other.stderr
