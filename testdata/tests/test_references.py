"""References of HDF5 1.12 as columns, from a file that libhdf5 2.0 wrote."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.flight as fl
import pytest
from conftest import CLONE

SEEDS = CLONE / "reader" / "internal" / "objects" / "testdata"


@pytest.fixture(scope="module")
def client(start):
    return start(SEEDS).client()


def get(client, dataset: str) -> pa.Table:
    return client.do_get(fl.Ticket(json.dumps({"file": "references.h5", "dataset": dataset}))).read_all()


@pytest.mark.parametrize(("dataset", "typ", "want"), [
    ("/refs", pa.string(), ["/d", None, "/g", "/"]), ("/unwritten", pa.string(), [None, None]),
    ("/lists", pa.list_(pa.string()), [["/d", None, "/g", "/"], []])])
def test_values(client, dataset, typ, want):
    column = get(client, dataset).column(0)
    assert column.type == typ and column.to_pylist() == want


def test_others_are_refused(client):
    with pytest.raises(pa.ArrowNotImplementedError, match="regions.*row 0.*to a region"):
        get(client, "/regions")
