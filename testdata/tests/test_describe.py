"""What `describe` says of a dataset's storage is what h5py says; what nobody knows is null."""

from __future__ import annotations

import json

import h5py

from conftest import TESTDATA


def described(server, file: str, dataset: str) -> dict:
    body = json.dumps({"file": file, "dataset": dataset}).encode()
    return json.loads(next(iter(server.client().do_action(("describe", body)))).body.to_pybytes())


def test_storage(start):
    server = start(TESTDATA)
    seen = 0
    for (file, dataset), flight in ((k, v) for k, v in server.listing().items() if len(k) == 2):
        told = described(server, file, dataset)
        assert flight.total_records == (-1 if told["rows"] is None else told["rows"])
        assert flight.total_bytes == (-1 if told["bytes"] is None else told["bytes"])
        with h5py.File(TESTDATA / file) as f:
            node = f[dataset]
            if told["layout"] in ("virtual", "external") or told["stored"] is None:
                continue
            seen += 1
            assert told["stored"] == node.id.get_storage_size(), (file, dataset)
            if node.chunks:
                assert told["chunk_count"] == node.id.get_num_chunks(), (file, dataset)
    assert seen > 100


def test_unknown(start):
    server = start(TESTDATA)
    frame = described(server, "pandas.h5", "/frame")
    assert [frame[m] for m in ("shape", "max_shape", "chunks", "filters", "stored", "chunk_count")] == [None] * 6
