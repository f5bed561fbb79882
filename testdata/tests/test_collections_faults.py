"""Streams over many files: killed and resumed, a file replaced under them, more files than descriptors."""

from __future__ import annotations

import json
import os
import resource

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.flight as fl
import pytest

MANY = int(os.environ.get("MTFLIGHT_MANY_FILES", "100"))
FILES, ROWS = 40, 1 << 18  # of 2 MiB each: far more than lies between server and client


def write(path, first: int, n: int = ROWS) -> None:
    with h5py.File(path, "w") as f:
        f.create_dataset("events", data=np.arange(first, first + n), chunks=(min(n, 1 << 14),), maxshape=(None,))


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    top = tmp_path_factory.mktemp("archive")
    for i in range(FILES):
        write(top / f"run{i}.h5", i * ROWS)
    return top


def stream_of(**members) -> dict:
    return {"file": "run*.h5", "dataset": "/events", **members}


@pytest.mark.parametrize("stream", [{"block_rows": 300_000}, {"block_rows": 300_000, "shuffle": 5}, {}])
def test_killed_and_resumed(start, archive, stream):
    """What another server gives from the next block on is the rest of what the first one gave."""
    request = stream_of(stream=stream)
    got, last = [], -1
    first = start(archive)
    reader = first.client().do_get(fl.Ticket(json.dumps(request)))
    for _ in range(3):
        chunk = reader.read_chunk()
        got.append(chunk.data)
        last = json.loads(chunk.app_metadata.to_pybytes())["block"]
    first.process.kill()
    with pytest.raises((fl.FlightError, pa.ArrowException)):
        while True:  # what was under way still comes
            chunk = reader.read_chunk()
            got.append(chunk.data)
            last = json.loads(chunk.app_metadata.to_pybytes())["block"]
    assert last < FILES * ROWS // 300_000 - 1
    again = {**request, "stream": {**stream, "from_block": last + 1}}
    got += [c.data for c in start(archive).client().do_get(fl.Ticket(json.dumps(again)))]
    rows = pa.Table.from_batches(got)["events"].to_numpy()
    if "shuffle" in stream:
        assert not np.array_equal(rows, np.arange(FILES * ROWS))
        rows = np.sort(rows)
    assert np.array_equal(rows, np.arange(FILES * ROWS))


@pytest.mark.parametrize("request_", [{}, {"stream": {"block_rows": 100_000}}, {"where": "events >= 0"}])
@pytest.mark.parametrize("change", ["replaced", "gone", "shorter"])
def test_a_file_changes_under_the_stream(start, archive, tmp_path, request_, change):
    for i in range(FILES):
        os.link(archive / f"run{i}.h5", tmp_path / f"run{i}.h5")
    reader = start(tmp_path).client().do_get(fl.Ticket(json.dumps(stream_of(**request_))))
    reader.read_chunk()  # whoever takes no more holds back the rest
    last = tmp_path / f"run{FILES - 1}.h5"
    if change == "gone":
        last.unlink()
    else:
        write(tmp_path / "other", 0, ROWS if change == "replaced" else 10)
        os.replace(tmp_path / "other", last)
    rows = 0
    with pytest.raises((fl.FlightError, pa.ArrowException), match=rf"run{FILES - 1}\.h5") as error:
        while True:
            rows += reader.read_chunk().data.num_rows
    assert "abort" in str(error.value).lower() and rows < FILES * ROWS


def test_more_files_than_descriptors(start, tmp_path):
    for i in range(MANY):
        write(tmp_path / f"run{i}.h5", 3 * i, 3)
    server = start(tmp_path)
    _, hard = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (64, hard))
    client = server.client()
    for request in ({}, {"where": "events > 200"}):
        rows = client.do_get(fl.Ticket(json.dumps(stream_of(**request)))).read_all()["events"].to_numpy()
        assert np.array_equal(np.sort(rows), np.arange(201 if "where" in request else 0, 3 * MANY)), request
