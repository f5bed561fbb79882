"""Follows files that h5py (SWMR) and PyTables are writing."""

from __future__ import annotations

import json
import os
import threading
import time

import h5py
import numpy as np
import pyarrow.flight as fl
import pytest
import tables

from conftest import ticket, until

ROWS = 1000  # of one append


class Follower(threading.Thread):
    """Reads a followed dataset until it has enough rows or is cancelled."""

    def __init__(self, server, file, dataset, enough, **members):
        super().__init__(daemon=True)
        stream = {"follow": True, **members.pop("stream", {})}
        self.reader = server.client().do_get(ticket(file, dataset, stream=stream, **members))
        self.enough, self.batches, self.places, self.error = enough, [], [], None
        self.start()

    def run(self):
        try:
            while self.rows() < self.enough:
                chunk = self.reader.read_chunk()
                self.batches.append(chunk.data)
                self.places.append(json.loads(chunk.app_metadata.to_pybytes()))
            self.reader.cancel()
        except Exception as error:
            self.error = error

    def rows(self) -> int:
        return sum(b.num_rows for b in self.batches)

    def finish(self, timeout: float = 120):
        self.join(timeout)
        assert not self.is_alive(), f"{self.rows()} of {self.enough} rows after {timeout} s"

    def values(self, column: int = 0) -> np.ndarray:
        assert self.error is None, self.error
        return np.concatenate([b.column(column).to_numpy() for b in self.batches])


@pytest.mark.parametrize("options", [{}, {"compression": "gzip", "shuffle": True}, {"fletcher32": True}])
def test_swmr(start, tmp_path, options):
    with h5py.File(tmp_path / "f.h5", "w", libver="latest") as f:
        d = f.create_dataset("x", (0,), maxshape=(None,), chunks=(777,), dtype="i8", **options)
        f.swmr_mode = True
        follower = Follower(start(tmp_path), "f.h5", "/x", 20 * ROWS)
        for k in range(20):
            d.resize(((k + 1) * ROWS,))
            d[k * ROWS:] = np.arange(k * ROWS, (k + 1) * ROWS)
            d.flush()
            time.sleep(0.02 * (k % 3))
        follower.finish()
        np.testing.assert_array_equal(follower.values(), np.arange(20 * ROWS))
    assert [p["row"] for p in follower.places] == list(np.cumsum([0] + [p["rows"] for p in follower.places])[:-1])


@pytest.mark.parametrize("follow", [False, True])
def test_opened_while_a_writer_appends(start, tmp_path, follow):
    """A SWMR writer leaves the superblock, with its end of the file, as it was: what lies beyond counts all the same."""
    with h5py.File(tmp_path / "f.h5", "w", libver="latest") as f:
        d = f.create_dataset("x", (0,), maxshape=(None,), chunks=(77,), dtype="i8")
        f.swmr_mode = True
        d.resize((ROWS,))
        d[:] = np.arange(ROWS)
        d.flush()
        got = start(tmp_path).read("f.h5", "/x", limit=ROWS, stream={"follow": follow})
        np.testing.assert_array_equal(got["x"].to_numpy(), np.arange(ROWS))


@pytest.mark.parametrize("complevel", [0, 1])
def test_pytables(start, tmp_path, complevel):
    filters = tables.Filters(complevel=complevel, complib="zlib")
    with tables.open_file(tmp_path / "t.h5", "w", filters=filters) as f:
        t = f.create_table("/", "t", np.dtype([("id", "i8"), ("s", "S5")]), chunkshape=(300,))
        f.flush()
        follower = Follower(start(tmp_path), "t.h5", "/t", 10 * ROWS)
        for k in range(10):
            rows = np.zeros(ROWS, t.dtype)
            rows["id"], rows["s"] = np.arange(k * ROWS, (k + 1) * ROWS), b"abc"
            t.append(rows)
            t.flush()
            time.sleep(0.15)
        follower.finish()
        np.testing.assert_array_equal(follower.values(), np.arange(10 * ROWS))


def grow(path, first, last):
    with h5py.File(path, "a") as f:
        f["x"].resize((last,))
        f["x"][first:] = np.arange(first, last)


def made(path, rows):
    with h5py.File(path, "w") as f:
        f.create_dataset("x", data=np.arange(rows), maxshape=(None,), chunks=(64,))


def test_whole_blocks_wait(start, tmp_path):
    made(tmp_path / "f.h5", 250)
    follower = Follower(start(tmp_path), "f.h5", "/x", 400, stream={"block_rows": 100})
    assert until(lambda: follower.rows() >= 200)
    time.sleep(0.3)
    assert follower.rows() == 200
    grow(tmp_path / "f.h5", 250, 420)
    follower.finish()
    assert [b.num_rows for b in follower.batches] == [100] * 4
    np.testing.assert_array_equal(follower.values(), np.arange(400))


def test_resume_where_and_limit(start, tmp_path):
    made(tmp_path / "f.h5", 250)
    server = start(tmp_path)
    resumed = Follower(server, "f.h5", "/x", 300, stream={"block_rows": 100, "from_block": 2})
    chosen = Follower(server, "f.h5", "/x", 50, where="x % 10 == 3", start=100)
    grow(tmp_path / "f.h5", 250, 700)
    resumed.finish()
    chosen.finish()
    np.testing.assert_array_equal(resumed.values(), np.arange(200, 500))
    assert [(p["block"], p["row"]) for p in resumed.places] == [(2, 200), (3, 300), (4, 400)]
    np.testing.assert_array_equal(chosen.values()[:50], np.arange(103, 600, 10))
    limited = server.read("f.h5", "/x", limit=699, stream={"follow": True})
    assert limited.num_rows == 699


@pytest.mark.parametrize("how", ["replaced", "cut", "removed"])
def test_other_file(start, tmp_path, how):
    path = tmp_path / "f.h5"
    made(path, 250)
    follower = Follower(start(tmp_path), "f.h5", "/x", 10**6)
    assert until(lambda: follower.rows() == 250)
    if how == "replaced":
        made(tmp_path / "new.h5", 300)
        os.replace(tmp_path / "new.h5", path)
    elif how == "cut":
        os.truncate(path, path.stat().st_size - 100)
    else:
        path.unlink()
    follower.finish()
    assert "Aborted" in type(follower.error).__name__ + str(follower.error) or "while it was followed" in str(follower.error)
    assert follower.rows() == 250


@pytest.mark.parametrize("members", [{"stop": 5}, {"sort_by": "x"}, {"coordinates": [1]}, {"step": -1}])
def test_refused(start, tmp_path, members):
    made(tmp_path / "f.h5", 10)
    with pytest.raises(Exception, match="stream.follow excludes"):
        start(tmp_path).read("f.h5", "/x", stream={"follow": True}, **members)
