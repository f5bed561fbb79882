"""Datasets of one length read side by side, as one table: those below a group, and those that a request names."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.flight as fl
import pytest
from conftest import CLONE, Server, until

sys.path.insert(0, str(CLONE / "examples" / "python"))
import mtflight  # noqa: E402

ROWS = 40_000
REQUESTS = int(os.environ.get("MTFLIGHT_REQUESTS", "60"))


def columns() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(21)
    table = np.zeros(ROWS, [("a", "f8"), ("b", "i2")])
    table["a"], table["b"] = rng.random(ROWS), np.arange(ROWS) % 100
    return {
        "big": rng.integers(-9, 9, ROWS).astype(">i8"), "flag": rng.random(ROWS) < 0.5, "i1": rng.integers(-100, 100, ROWS).astype("i1"),
        "name": np.array([b"n%d" % (i * 7 % 101) for i in range(ROWS)]), "pair": rng.normal(size=(ROWS, 2)).astype("f4"),
        "sub/deep/u8": rng.integers(0, 2**63, ROWS).astype("u8") * 2, "t": table, "x": rng.normal(size=ROWS), "y": rng.normal(size=ROWS).astype("f4"),
    }


def write(path: Path, values: dict[str, np.ndarray]) -> None:
    layouts = [{}, {"chunks": True, "compression": "gzip", "shuffle": True}, {"chunks": True}, {"chunks": True, "fletcher32": True}]
    with h5py.File(path, "w") as f:
        g = f.create_group("g")
        for i, (name, value) in enumerate(values.items()):
            how = dict(layouts[i % 4])
            if "chunks" in how:
                how["chunks"] = (1000 * (i + 1) + 7, *value.shape[1:])
            g.create_dataset(name, data=value, **how)
        g["version"], g["bins"], g["none"] = 3, np.arange(11), h5py.Empty("f4")
        f["other"] = np.arange(5)


@pytest.fixture(scope="module")
def store(tmp_path_factory, start) -> tuple[Server, dict[str, np.ndarray]]:
    root, values = tmp_path_factory.mktemp("columns"), columns()
    write(root / "a.h5", values)
    hostile(root)
    return start(root), flat(values)


def flat(values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The columns as the table has them: those of the compound one by one."""
    return {k: v for name, value in values.items()
            for k, v in ({f"{name}/{m}": value[m] for m in value.dtype.names}.items() if value.dtype.names else [(name, value)])}


def same(got: pa.ChunkedArray, want: np.ndarray) -> bool:
    if want.dtype.kind == "S":
        return got.to_pylist() == [v.decode() for v in want]
    if want.ndim > 1:
        return np.array_equal(np.array(got.to_pylist(), want.dtype).reshape(want.shape), want)
    return np.array_equal(got.to_numpy(), want.astype(want.dtype.newbyteorder("=")))


CONDITIONS = {
    "x > 1.5": lambda v: v["x"] > 1.5, "(x > 0) & (y < 0)": lambda v: (v["x"] > 0) & (v["y"] < 0),
    "(name == 'n7') | (big == 8)": lambda v: (v["name"] == b"n7") | (v["big"] == 8), "~flag & (t/b < 3)": lambda v: ~v["flag"] & (v["t/b"] < 3),
    "(pair[1] > x) & (i1 > 50)": lambda v: (v["pair"][:, 1].astype("f8") > v["x"]) & (v["i1"] > 50), "flag": lambda v: v["flag"],
    "(t/a < 0.01) & (t/b > 50)": lambda v: (v["t/a"] < 0.01) & (v["t/b"] > 50), "x > 99": lambda v: v["x"] > 99, "1 < 2": lambda v: np.ones(ROWS, bool),
    "sub/deep/u8 > 9223372036854775808": lambda v: v["sub/deep/u8"] > 2**63, "(x > 99) & flag": lambda v: np.zeros(ROWS, bool),
}


def drawn(rng: np.random.Generator, values: dict[str, np.ndarray]) -> tuple[dict, np.ndarray]:
    """A request, and the numbers of the rows that it is to give."""
    request: dict = {}
    rows = np.arange(ROWS)
    if rng.random() < 0.6:
        request["fields"] = [str(n) for n in rng.permutation(list(values))[:rng.integers(1, 6)]]
    if rng.random() < 0.2 and "fields" in request:
        rows = rng.integers(0, ROWS, rng.integers(1, 3000))
        request["coordinates"] = rows.tolist()
        return request, rows
    part = slice(*(None if rng.random() < 0.5 else int(v) for v in rng.integers(-ROWS, ROWS, 2)), int(rng.choice([1, 1, 1, 3, -2])))
    where, order = rng.random() < 0.6, rng.random() < 0.4
    if not order:
        rows = rows[part]
    if where:
        request["where"] = str(rng.choice(list(CONDITIONS)))
        rows = rows[CONDITIONS[request["where"]](values)[rows]]
    if order:
        request["sort_by"] = str(rng.choice(["x", "y", "name", "t/a", "big", "i1"]))
        rows = rows[np.argsort(values[request["sort_by"]][rows], kind="stable")][part]
    request.update({k: v for k, v in (("start", part.start), ("stop", part.stop), ("step", part.step)) if v is not None})
    if rng.random() < 0.4:
        request["offset"], request["limit"] = (int(v) for v in rng.integers(0, 3000, 2))
        rows = rows[request["offset"]:][:request["limit"]]
    if rng.random() < 0.3:
        request["batch_rows"] = int(rng.integers(1000, 20_000))
    return request, rows


def test_drawn_requests(store: tuple[Server, dict[str, np.ndarray]]) -> None:
    server, values = store
    rng = np.random.default_rng(2021)
    paths = ["/g/" + n for n in columns()]
    for _ in range(REQUESTS):
        request, rows = drawn(rng, values)
        target = {"dataset": "/g"} if rng.random() < 0.7 else {"datasets": paths}
        got = server.client().do_get(fl.Ticket(json.dumps({"file": "a.h5", **target, **request}))).read_all()
        assert got.num_rows == len(rows), request
        assert got.column_names == request.get("fields", list(values)), request
        for name in got.column_names:
            assert same(got[name], values[name][rows]), (request, name)


def test_streams(store: tuple[Server, dict[str, np.ndarray]]) -> None:
    server, values = store
    for stream in ({"block_rows": 999}, {"block_rows": 999, "ordered": False}, {"shuffle": 5, "block_rows": 1234, "shuffle_rows": True},
                   {"cyclic": True, "cycles": 2, "block_rows": 7001}, {"block_rows": 999, "from_block": 7, "to_block": 9}):
        for where in ({}, {"where": "(x > 0) & (y < 1)"}):
            got = server.read("a.h5", "/g", stream=stream, fields=["x", "t/b", "sub/deep/u8"], **where)
            whole = server.read("a.h5", "/g/x", stream=stream) if not where else None
            rows = np.array([np.flatnonzero(values["x"] == x)[0] for x in got["x"].to_numpy()[:3000]])
            assert same(got["t/b"].slice(0, 3000), values["t/b"][rows])
            assert same(got["sub/deep/u8"].slice(0, 3000), values["sub/deep/u8"][rows])
            if whole is not None:
                assert sorted(whole["x"].to_numpy()) == sorted(got["x"].to_numpy())


def test_what_it_is(store: tuple[Server, dict[str, np.ndarray]]) -> None:
    server, values = store
    client = server.client()
    told = json.loads(next(client.do_action(fl.Action("describe", b'{"file": "a.h5", "dataset": "/g"}'))).body.to_pybytes())
    assert (told["kind"], told["layout"], told["rows"]) == ("columns", "columns", ROWS)
    assert told["comment"] == 'no columns, since they are shorter: "/g/bins"'
    assert ("a.h5", "/g") not in server.listing() and ("a.h5", "/g") in server.listing(columns=True, file="a.h5")
    asked = b'{"file": "a.h5", "dataset": "/g", "where": "(x > 0) & (y < 0)", "sort_by": "x", "limit": 3}'
    explained = json.loads(next(client.do_action(fl.Action("explain", asked))).body.to_pybytes())
    assert explained["condition"] == ["x", "y"] and explained["order"] == "ascending by x"
    assert server.read("a.h5", "/g", fields=["x"]).schema.metadata[b"hdf5.kind"] == b"columns"


def test_python(store: tuple[Server, dict[str, np.ndarray]]) -> None:
    server, values = store
    with mtflight.connect(server.location) as c:
        table = c.table("a.h5", "/g")
        assert table.num_rows == ROWS and table.columns == list(values)
        assert np.array_equal(table.to_numpy(["x", "y"])["x"], values["x"])
        pair = c.table("a.h5", datasets=["/g/x", "/g/sub/deep/u8"]).where("x > 2").to_arrow()
        assert pair.column_names == ["x", "sub/deep/u8"] and same(pair["sub/deep/u8"], values["sub/deep/u8"][values["x"] > 2])
        with pytest.raises(TypeError):
            c.table("a.h5")
    with mtflight.open(server.location + "/a.h5") as catalogue:
        assert len(catalogue["g"]) == ROWS


def hostile(root: Path) -> None:
    with h5py.File(root / "bad.h5", "w") as f:
        f["lengths/a"], f["lengths/b"] = np.arange(5), np.arange(6)
        f["empty/a"], f["empty/b"] = np.zeros(0), np.zeros((0, 3))
        f["one/a"], f["one/scalar"] = np.arange(3), 1.0
        g = f.create_group("links")
        g["a"], g["b"] = np.arange(4), np.arange(4) * 2
        g["soft"], g["gone"], g["out"] = h5py.SoftLink("/links/a"), h5py.SoftLink("/nowhere"), h5py.ExternalLink("a.h5", "/g/x")
        g["again"] = g["a"]
        raw = f.create_group("raw")
        raw.create_dataset("ext", (4,), "i4", external=[(str(root / "bad.raw"), 0, 16)])
        (root / "bad.raw").write_bytes(np.arange(4, dtype="i4").tobytes())
        layout = h5py.VirtualLayout((4,), "i8")
        layout[:] = h5py.VirtualSource(".", "/links/a", (4,))
        raw.create_virtual_dataset("virtual", layout)
        raw["plain"] = np.arange(4) + 10
        huge = f.create_group("huge")
        for name in "ab":
            huge.create_dataset(name, (1 << 40,), "f8", chunks=(1 << 16,))
    with h5py.File(root / "many.h5", "w", libver="latest") as f:
        for i in range(3000):
            f[f"many/c{i:05d}"] = np.arange(50) + i


def test_hostile(store: tuple[Server, dict[str, np.ndarray]]) -> None:
    server, _ = store

    def refused(error: type[Exception], words: str, **request) -> None:
        with pytest.raises(error, match=words):
            server.client().do_get(fl.Ticket(json.dumps({"file": "bad.h5", **request}))).read_all()

    refused(KeyError, "is a group, not a dataset", dataset="/lengths")
    refused(pa.ArrowInvalid, "/lengths/b has 6 rows, others have 5", datasets=["/lengths/a", "/lengths/b"])
    refused(pa.ArrowInvalid, "single value", datasets=["/one/a", "/one/scalar"])
    refused(pa.ArrowInvalid, "comes twice", datasets=["/one/a", "/one/a"])
    refused(pa.ArrowInvalid, "cannot be together", dataset="/one", datasets=["/one/a"])
    refused(pa.ArrowInvalid, "no absolute path", datasets=["one/a"])
    refused(pa.ArrowInvalid, "at least one name", datasets=[])
    refused(KeyError, "/links/gone", datasets=["/links/a", "/links/gone"])
    refused(NotImplementedError, "another file", datasets=["/links/a", "/links/out"])
    assert server.read("bad.h5", "/empty").to_pydict() == {"a": [], "b": []}
    assert server.read("bad.h5", "/links").to_pydict() == {"a": [0, 1, 2, 3], "b": [0, 2, 4, 6]} or \
        server.read("bad.h5", "/links").to_pydict() == {"again": [0, 1, 2, 3], "b": [0, 2, 4, 6]}
    both = server.client().do_get(fl.Ticket(json.dumps({"file": "bad.h5", "datasets": ["/links/a", "/links/soft"]}))).read_all()
    assert both.to_pydict() == {"a": [0, 1, 2, 3], "soft": [0, 1, 2, 3]}
    assert server.read("bad.h5", "/raw").to_pydict() == {"ext": [0, 1, 2, 3], "plain": [10, 11, 12, 13], "virtual": [0, 1, 2, 3]}
    assert server.read("bad.h5", "/huge", start=1 << 39, limit=3).to_pydict() == {"a": [0.0] * 3, "b": [0.0] * 3}
    many = server.read("many.h5", "/many", where="(c00000 > 5) & (c02999 < 3010)", sort_by="c00007")
    assert many.num_columns == 3000 and many["c01234"].to_pylist() == [1234 + i for i in range(6, 11)]
    assert server.read("many.h5", "/many").num_rows == 50


def test_collection(tmp_path: Path, start) -> None:
    for i in range(4):
        with h5py.File(tmp_path / f"r{i}.h5", "w") as f:
            f["g/x"], f["g/y"] = np.arange(100) + 100 * i, (np.arange(100) + 100 * i) * 0.5
    got = start(tmp_path).read("r*.h5", "/g", where="(x > 95) & (y < 55)", options={"file_column": "file"})
    assert got["x"].to_pylist() == list(range(96, 110)) and got["y"].to_pylist() == [x / 2 for x in range(96, 110)]


def test_one_axis_and_none(store: tuple[Server, dict[str, np.ndarray]]) -> None:
    """A condition on an element of rows that are lists, and one that is true of all where the first column has such rows."""
    server, values = store
    found = values["pair"][:, 1] > 1
    assert same(server.read("a.h5", "/g", where="pair[1] > 1", fields=["x"])["x"], values["x"][found])
    got = server.read("a.h5", "/g", where="pair[1] > 1", sort_by="x", fields=["x"], limit=9)["x"]
    assert same(got, np.sort(values["x"][found])[:9])
    first = {"datasets": ["/g/pair", "/g/x"], "file": "a.h5", "limit": 3}
    for where, rows in (("1 < 2", 3), ("1 > 2", 0)):
        assert server.client().do_get(fl.Ticket(json.dumps({**first, "where": where}))).read_all().num_rows == rows


def test_times_and_their_integers(tmp_path: Path, start) -> None:
    """What a condition on vaex's times has found is not what it finds among the integers that they are made of."""
    with h5py.File(tmp_path / "v.h5", "w") as f:
        f.create_group("table").attrs["type"] = "table"
        stored = np.array([5, np.iinfo("i8").min, -7, 0] * 500)
        for name, kind in (("a", "datetime64[ns]"), ("b", "int64")):
            f.create_dataset(f"table/columns/{name}/data", data=stored, chunks=(100,), compression=1).attrs["dtype"] = kind
        del f["table/columns/b/data"].attrs["dtype"]
    until(lambda: time.time() > os.stat(tmp_path / "v.h5").st_ctime + 2.5)  # of younger ones nothing is kept
    server, raw = start(tmp_path), ["/table/columns/a/data", "/table/columns/b/data"]
    for _ in range(2):
        assert server.read("v.h5", "/table", where="a < 3").num_rows == 1000  # one in four is not a time
        assert server.client().do_get(fl.Ticket(json.dumps({"file": "v.h5", "datasets": raw, "where": "a < 3"}))).read_all().num_rows == 1500


def test_another_file_of_a_condition(tmp_path: Path, start) -> None:
    """Rows that a raw file or a source decides about are of one version of it, though no column of theirs is asked for."""
    with h5py.File(tmp_path / "s.h5", "w") as f:
        f["d"] = np.arange(4)
    with h5py.File(tmp_path / "c.h5", "w") as f:
        f.create_dataset("g/raw", (4,), "i4", external=[("c.raw", 0, 16)])
        layout = h5py.VirtualLayout((4,), "i8")
        layout[:] = h5py.VirtualSource("s.h5", "d", (4,))
        f.create_virtual_dataset("g/source", layout)
        f["g/x"] = np.arange(4) * 10
    np.arange(4, dtype="i4").tofile(tmp_path / "c.raw")
    client = start(tmp_path).client()

    def tickets() -> list[fl.Ticket]:
        asked = [{}, {"fields": ["x"], "where": "raw > 1"}, {"fields": ["x"], "where": "(raw > 1) & (x > 1)"}, {"fields": ["x"], "sort_by": "source", "where": "source > 1"}]
        infos = [client.get_flight_info(fl.FlightDescriptor.for_command(json.dumps({"file": "c.h5", "dataset": "/g", **r}))) for r in asked]
        return [i.endpoints[0].ticket for i in infos]

    before = tickets()
    assert [client.do_get(t).read_all()["x"].to_pylist() for t in before] == [[0, 10, 20, 30]] + [[20, 30]] * 3
    np.arange(4, dtype="i4")[::-1].tofile(tmp_path / "c.raw")
    with h5py.File(tmp_path / "s.h5", "w") as f:
        f["d"] = np.arange(4)[::-1]
    for ticket in before:
        with pytest.raises(pa.ArrowException, match="c.raw|s.h5"):
            client.do_get(ticket).read_all()
    assert [client.do_get(t).read_all()["x"].to_pylist() for t in tickets()] == [[0, 10, 20, 30], [0, 10], [10], [10, 0]]
