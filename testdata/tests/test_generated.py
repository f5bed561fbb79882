"""Files drawn by a seed against H5Dread: MTFLIGHT_GENERATED=2000 draws as many instead of 60.

Every dataset is read whole and by two requests for a part. What is refused must be one of REFUSED; the counts are
printed (pytest -s).
"""

from __future__ import annotations

import collections
import os
import random
import re

import generated
import h5py
import libhdf5
import numpy as np
import pyarrow as pa
import pyarrow.flight as fl
import pytest
from conftest import ticket
from h5dread import Comparer

COUNT = int(os.environ.get("MTFLIGHT_GENERATED", 60))
BATCH = 20  # files of a test
REFUSED: list[str] = [  # what the contract does not map: nothing that is drawn so far
]
counts: collections.Counter = collections.Counter()


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("generated")


@pytest.fixture(scope="module")
def served(start, root):
    yield start(root)
    print("\n" + "\n".join(f"{n:6} {what}" for what, n in sorted(counts.items())))


@pytest.mark.parametrize("first", range(0, COUNT, BATCH))
def test_same_as_h5dread(served, root, python, first):
    wrong: list[str] = []
    python(generated.__file__, root, first, min(BATCH, COUNT - first))
    client = served.client()
    for k in range(first, min(first + BATCH, COUNT)):
        path = root / f"{k:04}.h5"
        with h5py.File(path) as f:
            for dataset in libhdf5.datasets(f):
                outcome = compare(client, f, path.name, dataset)
                counts[outcome.split(":")[0]] += 1
                if outcome.startswith("wrong"):
                    wrong.append(f"{path.name} {dataset.name} ({described(dataset)}): {outcome}")
        for made in root.glob(f"{path.stem}*"):
            if not wrong or path.name not in wrong[-1]:
                made.unlink()
    assert not wrong, "\n".join(wrong)


def compare(client: fl.FlightClient, f: h5py.File, file: str, dataset: h5py.Dataset) -> str:
    """right, refused by ..., or wrong: how."""
    c, t = Comparer(f), dataset.id.get_type()
    values = c.values(dataset)
    rng = random.Random(f"{file} {dataset.name}")
    for part, selected in parts(rng, dataset, values):
        try:
            got = get(client, file, dataset.name, part)
        except (pa.ArrowException, fl.FlightError, KeyError, NotImplementedError) as e:
            return refusal(str(e))
        try:
            c.check(got, selected, t)
        except AssertionError as e:
            return f"wrong: {part}: {e}"
    return "right"


def get(client: fl.FlightClient, file: str, name: str, part: dict) -> pa.Table:
    """What was never written can be anything, also no UTF-8."""
    try:
        return client.do_get(ticket(file, name, **part)).read_all()
    except pa.ArrowException as e:
        if 'options.strings "binary"' not in str(e):
            raise
    return client.do_get(ticket(file, name, options={"strings": "binary"}, **part)).read_all()


def refusal(message: str) -> str:
    known = next((r for r in REFUSED if re.search(r, message)), None)
    return f"refused by {known}" if known else f"wrong: {message}"


def parts(rng: random.Random, dataset: h5py.Dataset, values: np.ndarray):
    """Requests and what they select of the values."""
    yield {}, values
    if not dataset.shape:
        return
    n = dataset.shape[0]
    start, stop, step = rng.randint(-n, n), rng.randint(-n - 2, n + 2), rng.choice([1, 1, 2, 5, -1, -3])
    yield {"start": start, "stop": stop, "step": step}, values[start:stop:step]
    if n:
        rows = [rng.randint(-n, n - 1) for _ in range(rng.randint(1, 5))]
        yield {"coordinates": rows}, values[rows]
    index = [slice(rng.randint(0, m), rng.randint(0, m), rng.randint(1, 3)) for m in dataset.shape]
    yield {"select": ", ".join(f"{s.start}:{s.stop}:{s.step}" for s in index)}, values[tuple(index)]


def described(dataset: h5py.Dataset) -> str:
    create = dataset.id.get_create_plist()
    filters = [create.get_filter(i)[::2] for i in range(create.get_nfilters())]
    layout = ["compact", "contiguous", "chunked", "virtual"][create.get_layout()]
    try:
        kind = dataset.dtype
    except TypeError as e:
        kind = e
    return f"{kind}, {layout} {dataset.chunks} of {dataset.shape} to {dataset.maxshape}, filters {filters}"
