"""Fixed strings of every padding, with NULs and spaces anywhere: values, conditions, sorting and statistics are of one text."""

from __future__ import annotations

import json
import random

import h5py
import numpy as np
import pyarrow.flight as fl
import pytest
from conftest import ticket

PADDINGS = {"nullterm": h5py.h5t.STR_NULLTERM, "nullpad": h5py.h5t.STR_NULLPAD, "spacepad": h5py.h5t.STR_SPACEPAD}
PIECES = [b"", b"a", b"ab", b"b", b"\0", b" ", b"  ", b"\0\0", b" \0", b"\0 "]
WIDTH, ROWS, WRITTEN = 6, 300, 280


def stripped(cell: bytes, padding: str) -> bytes:
    if padding == "nullterm":
        return cell.split(b"\0")[0]
    cell = cell.rstrip(b"\0")
    return cell.rstrip(b" ") if padding == "spacepad" else cell


def written(path, padding: str) -> list[bytes]:
    """Cells as they lie in the file: an array of strings, and a table that has them as a member; the last were never written."""
    rng = random.Random(padding)
    cells = ["".join(map(bytes.decode, rng.choices(PIECES, k=4))).encode()[:WIDTH].ljust(WIDTH, rng.choice([b"\0", b" "]))
             for _ in range(WRITTEN)]
    text = h5py.h5t.C_S1.copy()
    text.set_size(WIDTH)
    text.set_strpad(PADDINGS[padding])
    row = h5py.h5t.create(h5py.h5t.COMPOUND, WIDTH + 4)
    row.insert(b"k", 0, h5py.h5t.STD_I32LE)
    row.insert(b"s", 4, text)
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_chunk((20,))
    with h5py.File(path, "w") as f:
        for name, kind, raw in (("s", text, cells), ("t", row, [np.int32(i).tobytes() + c for i, c in enumerate(cells)])):
            d = h5py.h5d.create(f.id, name.encode(), kind, h5py.h5s.create_simple((ROWS,)), plist)
            for at in range(0, WRITTEN, 20):
                d.write_direct_chunk((at,), b"".join(raw[at:at + 20]))
    return cells + [bytes(WIDTH)] * (ROWS - WRITTEN)


def literal(v: bytes) -> str:
    return "b'" + "".join(f"\\x{c:02x}" for c in v) + "'"


def conditions(words: list[bytes]):
    """Conditions with the rule for a value; numexpr compares without the NULs at the end, and searches up to the first one."""
    def ended(v):
        return v.split(b"\0")[0]

    for w in words:
        t = w.rstrip(b"\0")
        yield f"s == {literal(w)}", lambda v, t=t: v.rstrip(b"\0") == t
        yield f"s != {literal(w)}", lambda v, t=t: v.rstrip(b"\0") != t
        yield f"s in ({literal(w)}, b'ab')", lambda v, t=t: v.rstrip(b"\0") in (t, b"ab")
        if t:
            yield f"s < {literal(w)}", lambda v, t=t: v.rstrip(b"\0") < t
            yield f"s >= {literal(w)}", lambda v, t=t: v.rstrip(b"\0") >= t
        for name, of in (("contains", bytes.__contains__), ("startswith", bytes.startswith), ("endswith", bytes.endswith)):
            yield f"{name}(s, {literal(w)})", lambda v, w=w, of=of: of(ended(v), ended(w))


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("strings")


@pytest.fixture(scope="module")
def client(start, root):
    return start(root).client()


@pytest.mark.parametrize("padding", PADDINGS)
def test_strings_are_one_text_everywhere(client, root, padding):
    want = [stripped(c, padding) for c in written(root / f"{padding}.h5", padding)]
    agree(client, f"{padding}.h5", want)


def agree(client, file: str, want: list[bytes]) -> None:
    def get(dataset, **members):
        return client.do_get(ticket(file, dataset, **members)).read_all()

    assert get("/s")["s"].to_pylist() == [v.decode() for v in want]
    assert get("/t", options={"strings": "binary"})["s"].to_pylist() == want
    assert [v["s"] for v in get("/t", fields=["s"]).to_pylist()] == [v.decode() for v in want]
    for index in ("off", "auto"):  # auto: by the statistics that the others have left
        for text, holds in conditions(sorted(set(want))[::5] + [b"", b"ab"]):
            got = get("/t", where=text, fields=["k"], options={"index": index})["k"].to_pylist()
            rows = [i for i, v in enumerate(want) if holds(v)]
            assert [k if i < WRITTEN else i for i, k in zip(rows, got)] == rows and len(got) == len(rows), text
    got = get("/t", sort_by="s", options={"strings": "binary"})["s"].to_pylist()
    assert [v.rstrip(b"\0") for v in got] == sorted(v.rstrip(b"\0") for v in want)
    action = fl.Action("stats", json.dumps({"file": file, "dataset": "/s", "chunks": True}).encode())
    told = [json.loads(r.body.to_pybytes()) for r in client.do_action(action)][-1]
    column = told["columns"][0]
    assert [column["min"], column["max"]] == [f(v.rstrip(b"\0") for v in want).decode() for f in (min, max)], told
