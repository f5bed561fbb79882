"""How many requests a store gets, and for how many bytes: of data, and its statistics, read once and again."""

from __future__ import annotations

import os
import re
import subprocess

import h5py
import numpy as np
import pytest
from conftest import BINARY
from objects import Store

ROWS, CHUNK = 400_000, 20_000


class Counting(Store):
    """Objects are what bytes can be cut from; none changes."""

    def tag(self, content) -> str:
        return f'"{id(content)}"'

    def count(self, *command: str) -> tuple[int, int]:
        """Requests and bytes of a command."""
        self.requests.clear()
        done = subprocess.run([BINARY, *command], capture_output=True, text=True, env=os.environ | {"AWS_EC2_METADATA_DISABLED": "true"})
        assert done.returncode == 0, done.stderr
        ranges = [[int(n) for n in re.findall(r"\d+", wanted)] for _, wanted in self.requests if wanted]
        return len(self.requests), sum(last - first + 1 for first, last in ranges)


@pytest.fixture(scope="module")
def store():
    store = Counting()
    yield store
    store.close()


@pytest.fixture(scope="module")
def data(store, tmp_path_factory):
    """A table of rows that do not shrink much, and an array without filters."""
    draw = np.random.default_rng(1)
    rows = np.zeros(ROWS, [("id", "i8"), ("x", "f8"), ("y", "f8")])
    rows["id"], rows["x"], rows["y"] = np.arange(ROWS), draw.random(ROWS), draw.random(ROWS)
    path = tmp_path_factory.mktemp("requests") / "data.h5"
    with h5py.File(path, "w") as f:
        f.create_dataset("table", data=rows, chunks=(CHUNK,), compression=1, shuffle=True)
        f.create_dataset("plain", data=draw.random(ROWS), chunks=(CHUNK,))
    store.objects["data.h5"] = path.read_bytes()
    return store.s3("data.h5")


def test_columns_come_in_few_requests(store, data):
    size = len(store.objects["data.h5"])
    for what in (["/table"], ["--fields", "id", "/table"], ["--where", "id > 399000", "/table"], ["/plain"]):
        requests, got = store.count("get", "--format", "none", *what[:-1], data, what[-1])
        assert requests <= 2 + 2 + got // (1 << 20) * 2, what
        assert got <= size, what


def test_statistics_come_in_few_requests(store, data, tmp_path):
    requests, got = store.count("index", "--index-dir", str(tmp_path / "index"), "--stats", data)
    size = len(store.objects["data.h5"])
    assert requests <= 6 + size // (1 << 20) * 2 and got <= size + (2 << 20)
    requests, got = store.count("get", "--format", "none", "--index-dir", str(tmp_path / "index"), "--where", "id > 399000", data, "/table")
    assert requests <= 3 and got <= 2 << 20, "one chunk can match"


def test_what_was_read_once_is_not_asked_for_again(store, data, tmp_path):
    command = ["get", "--format", "csv", "--block-cache", f"{tmp_path}/blocks:64MB", "--where", "id > 200000", data, "/table"]
    requests, got = store.count(*command)
    assert requests > 1
    requests, got = store.count(*command)
    assert requests == 1 and got <= 256 << 10, "whether it is the same"
