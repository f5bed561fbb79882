"""A server that may open few files serves many, one after the other, and never says that they are damaged."""

from __future__ import annotations

import json
import resource
import shutil
from pathlib import Path

import pyarrow.flight as fl
import pytest
from conftest import TESTDATA, Server, ticket

FILES = 300


@pytest.fixture(scope="module")
def many(start, tmp_path_factory) -> tuple[Path, Server]:
    root = tmp_path_factory.mktemp("many")
    for i in range(FILES):
        shutil.copy(TESTDATA / "real" / "string.mat", root / f"{i}.h5")
    return root, start(root)


def limit(server: Server, files: int) -> None:
    _, hard = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (files, hard))


def test_more_files_than_descriptors(many):
    server = many[1]
    limit(server, 64)
    listed = server.listing()
    assert len({k[0] for k in listed}) == FILES
    assert [f.app_metadata for f in listed.values() if "unsupported" in json.loads(f.app_metadata)["kind"]] == []


def test_no_descriptor_left(many):
    root, server = many
    client = server.client()
    client.wait_for_available(5)
    shutil.copy(TESTDATA / "real" / "string.mat", root / "new.h5")
    limit(server, 4)
    with pytest.raises(fl.FlightUnavailableError, match="ulimit"):
        client.do_get(ticket("new.h5", "/cell_strings")).read_all()
    reason = [json.loads(f.app_metadata)["reason"] for f in client.list_flights(b'{"file": "new.h5"}')]
    assert len(reason) == 1 and reason[0].startswith("Unavailable")
    limit(server, 1024)
    assert client.do_get(ticket("new.h5", "/cell_strings")).read_all().num_rows == 2
