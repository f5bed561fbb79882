"""Files of testdata, damaged by a seed, asked in every way: each answer is data or an error of a kind, and the server goes on.

MTFLIGHT_MUTATED=2000 damages as many files instead of 80.
"""

from __future__ import annotations

import json
import os
import random
import re

import pyarrow as pa
import pyarrow.flight as fl
import pytest
from conftest import TESTDATA, ticket

COUNT = int(os.environ.get("MTFLIGHT_MUTATED", 80))
SOURCES = [TESTDATA / f"{n}.h5" for n in ("tables", "arrays", "layouts", "types", "latest", "pandas", "links")] + sorted((TESTDATA / "real").glob("*.*5"))
STRUCTURES = [b"OHDR", b"TREE", b"SNOD", b"HEAP", b"GCOL", b"FRHP", b"FHDB", b"BTHD", b"BTLF", b"EAHD", b"EADB", b"FAHD", b"FADB", b"CLASS",
              b"FIELD_", b"pandas_type", b"block0", b"axis0", b"I1\n", b"\x89HDF"]
NUMBERS = [0, 1, 2, 0x7F, 0xFF, 0xFFFF, 1 << 31, (1 << 32) - 1, 1 << 40, 1 << 63, (1 << 64) - 1]
MOST_ROWS = 100_000
FAILURES = (pa.ArrowException, fl.FlightError, KeyError, NotImplementedError)


def damage(rng: random.Random, data: bytearray) -> None:
    """One change in or behind something that is metadata."""
    places = [m.start() for m in re.finditer(re.escape(rng.choice(STRUCTURES)), data)]
    at = min(len(data) - 8, rng.choice(places) + rng.randrange(200)) if places else rng.randrange(len(data) - 8)
    match rng.choice(["bit", "number", "number", "swap", "cut"]):
        case "bit":
            data[at] ^= 1 << rng.randrange(8)
        case "number":
            width = rng.choice([1, 2, 4, 8])
            data[at : at + width] = (rng.choice(NUMBERS) % (1 << 8 * width)).to_bytes(width, "little")
        case "swap":
            other = max(0, at - rng.randrange(64))
            data[at : at + 4], data[other : other + 4] = data[other : other + 4], data[at : at + 4]
        case "cut":
            del data[max(len(data) // 2, at) :]


@pytest.fixture(scope="module")
def mutated(start, tmp_path_factory):
    root = tmp_path_factory.mktemp("mutated")
    (root / "whole.h5").write_bytes((TESTDATA / "tables.h5").read_bytes())
    for k in range(COUNT):
        rng = random.Random(k)
        source = rng.choice(SOURCES)
        data = bytearray(source.read_bytes())
        for _ in range(rng.choice([1, 1, 2, 4])):
            damage(rng, data)
        (root / f"{k:04}_{source.stem}.h5").write_bytes(data)
    return start(root, args=("--memory", "64MB"))


def requests(info: fl.FlightInfo):
    """A few requests of a dataset; all of a huge one would only take time."""
    if info.total_records <= MOST_ROWS and info.total_bytes < 1 << 20:
        yield {}
        yield {"options": {"plain": True}}
    yield {"start": -5, "step": -2, "stop": None}
    yield {"coordinates": [0, -1]}
    yield {"limit": 3, "stream": {"ordered": False, "block_rows": 2}}
    numbers = [f.name for f in info.schema if re.fullmatch("[a-z]+", f.name) and (pa.types.is_integer(f.type) or pa.types.is_floating(f.type))]
    for name in numbers[:1]:
        yield {"where": f"{name} > 1", "stop": MOST_ROWS}
        yield {"sort_by": name} if info.total_records <= MOST_ROWS else {"fields": [name], "limit": 1}


def ask(client: fl.FlightClient, file: str, dataset: str, info: fl.FlightInfo) -> list[str]:
    """What is wrong with how it is answered."""
    wrong = []
    asked = list(requests(info))
    for r in asked:
        wrong += failure(lambda r=r: client.do_get(ticket(file, dataset, **r), fl.FlightCallOptions(timeout=120)).read_all(), f"{file} {dataset} {r}")
    for action in ("describe", "explain"):
        body = json.dumps({"file": file, "dataset": dataset}).encode()
        wrong += failure(lambda: list(client.do_action((action, body))), f"{action} {file} {dataset}")
    return wrong


def failure(call, what: str) -> list[str]:
    try:
        call()
    except FAILURES as e:
        if not re.search(r"request [0-9a-f]{12}", str(e)) or "internal error (" in str(e):
            return [f"{what}: {e}"]
    return []


def test_answers(mutated):
    client, wrong = mutated.client(), []
    for (file, *dataset), info in mutated.listing(frames=True).items():
        if dataset and info.schema is not None:
            wrong += ask(client, file, dataset[0], info)
    assert not wrong, "\n".join(wrong)
    assert mutated.read("whole.h5", "/events").num_rows == 5000
    log = mutated.log.read_text()
    assert not re.search(r"panic|fatal error", log), log
    assert mutated.stop() == 0
