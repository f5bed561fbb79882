"""Fixed strings of every padding, and PyTables', with NULs and spaces anywhere: values, conditions, sorting and statistics
are of one text."""

from __future__ import annotations

import json
import random

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.flight as fl
import pytest
import tables as tb
from conftest import ticket

PADDINGS = {"nullterm": h5py.h5t.STR_NULLTERM, "classes": h5py.h5t.STR_NULLTERM, "dense": h5py.h5t.STR_NULLTERM,
            "nullpad": h5py.h5t.STR_NULLPAD, "spacepad": h5py.h5t.STR_SPACEPAD}
PIECES = [b"", b"a", b"ab", b"b", b"\0", b" ", b"  ", b"\0\0", b" \0", b"\0 "]
WIDTH, ROWS, WRITTEN = 6, 300, 280


def stripped(cell: bytes, padding: str) -> bytes:
    if padding in ("nullterm", "classes"):
        return cell.split(b"\0")[0]
    cell = cell.rstrip(b"\0")
    return cell.rstrip(b" ") if padding == "spacepad" else cell


def drawn(seed: str) -> list[bytes]:
    rng = random.Random(seed)
    return ["".join(map(bytes.decode, rng.choices(PIECES, k=4))).encode()[:WIDTH].ljust(WIDTH, rng.choice([b"\0", b" "]))
            for _ in range(WRITTEN)]


def written(path, padding: str) -> list[bytes]:
    """Cells as they lie in the file: an array of strings, and a table that has them as a member; the last were never written."""
    cells = drawn(padding)
    text = h5py.h5t.C_S1.copy()
    text.set_size(WIDTH)
    text.set_strpad(PADDINGS[padding])
    row = h5py.h5t.create(h5py.h5t.COMPOUND, WIDTH + 4)
    row.insert(b"k", 0, h5py.h5t.STD_I32LE)
    row.insert(b"s", 4, text)
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_chunk((20,))
    with h5py.File(path, "w", libver=("v110", "v110") if padding == "dense" else None) as f:
        for name, kind, raw in (("s", text, cells), ("t", row, [np.int32(i).tobytes() + c for i, c in enumerate(cells)])):
            d = h5py.h5d.create(f.id, name.encode(), kind, h5py.h5s.create_simple((ROWS,)), plist)
            for at in range(0, WRITTEN, 20):
                d.write_direct_chunk((at,), b"".join(raw[at:at + 20]))
        if padding == "dense":  # a root with so many attributes that they lie in a heap
            for i in range(12):
                f.attrs[f"a{i}"] = i
            f.attrs["PYTABLES_FORMAT_VERSION"] = np.bytes_("2.1")
        if padding in ("classes", "dense"):  # HDF5's own table interface writes one
            f["s"].attrs["CLASS"], f["t"].attrs["CLASS"] = np.bytes_("CARRAY"), np.bytes_("TABLE")
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


@pytest.mark.parametrize("index", [False, True])
def test_strings_of_pytables_are_numpys(client, root, index):
    cells = drawn("pytables") + [bytes(WIDTH)] * (ROWS - WRITTEN)
    name = f"pytables{index}.h5"
    with tb.open_file(root / name, "w") as f:
        f.create_carray("/", "s", tb.StringAtom(WIDTH), (ROWS,), chunkshape=(20,))[:WRITTEN] = np.array(cells[:WRITTEN], f"S{WIDTH}")
        t = f.create_table("/", "t", {"k": tb.Int32Col(pos=0), "s": tb.StringCol(WIDTH, pos=1)}, chunkshape=20)
        t.append([(i if i < WRITTEN else 0, c) for i, c in enumerate(cells)])
        t.flush()
        want = [bytes(v) for v in f.root.s[:]]
        assert want == [c.rstrip(b"\0") for c in cells] == [bytes(v) for v in t.cols.s[:]]
        value = next(v for v in want if b"\0" in v)
        rows = t.get_where_list("s == value", {"value": value}).tolist()
        if index:  # by which PyTables finds less: it orders texts up to their first NUL
            t.cols.s.create_csindex()
    agree(client, name, want)
    found = client.do_get(ticket(name, "/t", where=f"s == {literal(value)}", fields=["k"])).read_all()["k"].to_pylist()
    assert found == rows and rows
    if index:
        with pytest.raises(pa.ArrowException, match="before their first NUL"):
            client.do_get(ticket(name, "/t", sort_by="s", check_csi=True)).read_all()
    raw = client.do_get(ticket(name, "/t", fields=["s"], options={"layout": "rows"})).read_all().column(0).to_pylist()
    assert raw == cells


def test_a_virtual_dataset_has_the_rule_of_its_own_file(client, root):
    cell = b"a\0b\0\0\0"
    with tb.open_file(root / "source.h5", "w") as f:
        f.create_array("/", "x", np.array([cell] * 2, f"S{WIDTH}"))
    with h5py.File(root / "virtual.h5", "w") as f, h5py.File(root / "source.h5") as source:
        text, space = source["x"].id.get_type(), h5py.h5s.create_simple((2,))
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_virtual(space, b"source.h5", b"/x", space)
        h5py.h5d.create(f.id, b"v", text.copy(), space, plist)
        f["v"].attrs["CLASS"] = np.bytes_("ARRAY")
    got = [client.do_get(ticket(file, dataset, options={"strings": "binary"})).read_all().column(0).to_pylist()
           for file, dataset in (("source.h5", "/x"), ("virtual.h5", "/v"))]
    assert got == [[b"a\0b"] * 2, [b"a"] * 2]
