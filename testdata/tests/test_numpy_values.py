"""NumPy's scalars and arrays wherever a request takes numbers, lists or masks; and copies of what describes data by pickle."""

from __future__ import annotations

import copy
import pickle
import sys

import numpy as np
import pyarrow as pa
import pytest
import tables

from conftest import CLONE, TESTDATA

sys.path.insert(0, str(CLONE / "examples" / "python"))

import mtflight  # noqa: E402

TABLES, ARRAYS = str(TESTDATA / "tables.h5"), str(TESTDATA / "arrays.h5")
INTEGERS = ["i1", "u1", "<i2", ">i2", "<u2", ">u2", "<i4", ">i4", "<u4", ">u4", "<i8", ">i8", "<u8", ">u8"]
MASK = np.arange(5000) % 7 == 3


@pytest.fixture(scope="module")
def h5():
    with tables.open_file(TABLES) as t, tables.open_file(ARRAYS) as a:
        yield t.root.events, a.root.cube


@pytest.fixture(scope="module")
def reader():
    reader = mtflight.Reader(TABLES)
    yield reader
    reader.close(wait=True)


@pytest.fixture(scope="module")
def proxies(reader):
    return reader.get_dataset("/events"), mtflight.Reader(ARRAYS).get_dataset("/cube")


@pytest.fixture
def table(server):
    with mtflight.connect(server.location) as connection:
        yield connection.table("tables.h5", "/events")


def read(op):
    return mtflight.Reader(ARRAYS if op._path == "/cube" else TABLES)._apply(op)


def same(got, want) -> bool:
    got, want = np.asarray(got), np.asarray(want)
    assert (got.dtype, got.shape) == (want.dtype, want.shape)
    return got.tobytes() == want.tobytes()


KEYS = {
    **{f"scalar {d}": np.array([3]).astype(d)[0] for d in INTEGERS}, "negative": np.int64(-2), **{f"0-d {d}": np.array(3, d) for d in ("i8", "u1", ">i4")},
    **{f"array {d}": np.array([3, 0, 5, 3]).astype(d) for d in INTEGERS}, "strided": np.arange(6)[::2], "reversed": np.arange(5)[::-1],
    "negative array": np.array([-1, -6], "i2"), "list": [np.int64(1), np.uint8(2), 3], "empty": np.array([], "i4"),
    "slice": slice(np.int16(1), np.uint8(5), np.int64(2)), "0-d slice": slice(np.array(1), np.array(4)),
}


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("which", [0, 1])
def test_indexes(h5, proxies, which, key):
    key = KEYS[key]
    theirs = key if not isinstance(key, np.ndarray) or not key.size else key.astype("i8")  # PyTables fails of some dtypes
    assert same(read(proxies[which][key]), np.asarray(h5[which][:])[theirs])
    if which == 0:
        assert same(read(proxies[0]["id"][key]), h5[0].col("id")[theirs])
        assert same(read(proxies[0].col("pos")[key]), h5[0].col("pos")[theirs])


@pytest.mark.parametrize("which", [0, 1])
def test_masks(h5, proxies, which):
    rows = np.asarray(h5[which][:])
    mask = MASK[:len(rows)]
    for key in (mask, mask.tolist(), list(mask)):
        assert same(read(proxies[which][key]), rows[mask])
    with pytest.raises(IndexError):
        read(proxies[which][mask[:-1]])


@pytest.mark.parametrize("bad", [np.array([2**64 - 1], "u8"), [2**64 - 1], np.array([2**63], "u8"), [2**63, 1], np.array([5000]), [2**70]])
def test_places_that_are_none(proxies, bad):
    """2**64 - 1 is not the last row."""
    for op in (proxies[0][bad], proxies[0]["id"][bad], proxies[0].read_coordinates(bad), proxies[1][bad], proxies[1][1, bad]):
        with pytest.raises((IndexError, TypeError)):
            read(op)
    points = np.array([np.ravel(bad)] * 3)
    with pytest.raises((IndexError, TypeError)):
        read(proxies[1][points])


@pytest.mark.parametrize("bad", [np.array([1.0]), [1.5], np.array(["1"]), np.array([1 + 0j]), np.datetime64(1, "s"), np.float64(1)])
def test_places_that_are_no_integers(proxies, bad):
    for op in (lambda: proxies[0][bad], lambda: proxies[1][bad], lambda: proxies[0].read_coordinates(bad)):
        with pytest.raises((TypeError, IndexError)):
            read(op())


def test_members_of_methods(h5, proxies):
    t, a = h5[0][:], h5[1][:]
    for number in (np.int64, np.uint8, np.int16, np.array):
        assert same(read(proxies[0].read(number(3), number(30), number(4))), t[3:30:4])
        assert same(read(proxies[0].read_coordinates(np.array([3, 1], "u2"), "id")), t["id"][[3, 1]])
        assert same(read(proxies[0].where("id > x", {"x": number(7)}, number(0), number(90))), t[:90][t["id"][:90] > 7])
        assert same(read(proxies[1].read(number(1), number(5), number(2))), a[1:5:2])
        assert same(read(proxies[1][number(2), number(1):number(3), [number(0)]]), a[2, 1:3, [0]].T)
        stage = proxies[0].create_stage(number(9))
        assert stage.size_nbytes == 9 * t.dtype.itemsize
        queue = mtflight.Streamer(TABLES).get_queue("/events", n_procs=number(2), read_ahead=number(3), block_size=number(100), ordered=np.True_)
        with queue.get() as block:
            assert same(block, t[:100])
        queue.close()
        assert same(mtflight.Streamer(TABLES).get_remainder("/events", number(150)), t[4950:])


def test_members_of_requests(table, h5):
    t = h5[0][:]
    ids = t["id"]
    got = lambda **members: table.to_arrow(["id"], **members)["id"].to_pylist()  # noqa: E731
    for number in (np.int64, np.uint8, np.int16, np.array):
        assert got(start=number(3), stop=number(30), step=number(4)) == ids[3:30:4].tolist()
        assert got(limit=number(5), batch_rows=number(2), options={"endpoints": number(2)}) == ids[:5].tolist()
        assert got(stream={"block_rows": number(7), "shuffle": number(3)}, stop=number(7)) == ids[:7].tolist()
        assert got(where="id > x", variables={"x": number(7)}) == ids[ids > 7].tolist()
    for dtype in INTEGERS:
        assert got(coordinates=np.array([3, 0, 5, 3]).astype(dtype)) == ids[[3, 0, 5, 3]].tolist()
    assert got(coordinates=np.arange(9)[::-2]) == ids[8::-2].tolist()
    assert got(coordinates=[np.int64(3), 1]) == got(coordinates=(3, np.uint8(1))) == ids[[3, 1]].tolist()
    assert got(coordinates=range(4)) == ids[:4].tolist()
    assert got(coordinates=pa.array([2, 1])) == ids[[2, 1]].tolist()
    assert got(mask=MASK) == got(mask=MASK.tolist()) == ids[MASK].tolist()
    assert table.to_arrow(np.array(["id", "t"]), limit=1).column_names == table.to_arrow(("id", "t"), limit=1).column_names == ["id", "t"]
    for x in (np.float32(1.5), np.float64(1.5), np.str_("mu"), np.bytes_(b"mu"), np.bool_(True), np.float16(1.5)):
        column = {"f": "energy", "U": "name", "S": "name", "b": "good"}[np.asarray(x).dtype.kind]
        want = t[column] == (bytes(x.item(), "ascii") if isinstance(x, np.str_) else x)
        assert got(where=f"{column} == x", variables={"x": x}) == ids[want].tolist()


@pytest.mark.parametrize(("members", "why"), [
    ({"coordinates": np.array([1.0])}, "coordinates.*integer"), ({"coordinates": MASK}, "mask"), ({"coordinates": [[1, 2]]}, "coordinates"),
    ({"coordinates": np.array([2**64 - 1], "u8")}, "coordinates|18446744073709551615"), ({"mask": np.arange(3)}, "mask.*bool"),
    ({"mask": MASK[:-1]}, "mask"), ({"mask": np.ones((2, 2), bool)}, "mask"), ({"limit": np.float64(3)}, "limit"),
    ({"limit": 3 + 0j}, "complex"), ({"start": np.datetime64(3, "s")}, "start|datetime"), ({"limit": object()}, "object"),
    ({"where": "energy > x", "variables": {"x": float("nan")}}, "'x'.*nan"), ({"where": "energy > x", "variables": {"x": np.float32("inf")}}, "'x'.*inf"),
    ({"where": "energy > x", "variables": {"x": np.arange(3)}}, "'x'.*ndarray"), ({"where": "energy > x", "variables": {"x": 1j}}, "'x'.*complex"),
    ({"where": "energy > x", "variables": {"x": np.longdouble(1)}}, "'x'.*longdouble"),
    ({"columns": "id"}, "columns.*list"),
])
def test_what_cannot_be_asked_says_why(table, members, why):
    with pytest.raises((ValueError, TypeError, IndexError), match=f"(?s){why}"):
        table.to_arrow(**members)


def test_an_exchange_that_only_its_loop_holds(server):
    """It ended before the first row, silently."""
    with mtflight.connect(server.location) as connection:
        chunks = connection.do_exchange({"file": "tables.h5", "dataset": "/events", "fields": ["id"]}, np.arange(4999, -1, -1))
        ids = [i for chunk in iter(chunks) for i in chunk.data["id"].to_pylist()]
        assert ids == list(range(4999, -1, -1))
        loop = iter(connection.do_exchange({"file": "tables.h5", "dataset": "/events", "fields": ["id"]}, np.array([7, 3])))
        assert [i for chunk in loop for i in chunk.data["id"].to_pylist()] == [7, 3]


def test_many_rows_by_exchange(server, h5):
    with mtflight.connect(server.location) as connection:
        request = {"file": "tables.h5", "dataset": "/events", "fields": ["id"]}
        for dtype in ("u2", ">i4", "i8", "u8"):
            got = connection.do_exchange(request, np.array([3, 0, 3], dtype)).read_all()["id"].to_pylist()
            assert got == h5[0].col("id")[[3, 0, 3]].tolist()
        assert connection.do_exchange(request, MASK).read_all()["id"].to_pylist() == h5[0].col("id")[MASK].tolist()
        for bad in (np.array([2**64 - 1], "u8"), np.array([1.0]), np.ones((2, 2), int)):
            with pytest.raises((TypeError, IndexError)):
                connection.do_exchange(request, bad)


def test_pickles(server, h5):
    ids = h5[0].col("id")[:5].tolist()
    for again in (lambda o: pickle.loads(pickle.dumps(o)), copy.copy, copy.deepcopy):
        with mtflight.connect(server.location, generic_options=[("x", 1)]) as connection:
            table = again(connection.table("tables.h5", "/events"))
            assert table.to_arrow(["id"], limit=5)["id"].to_pylist() == ids
            assert again(connection)._options == connection._options and again(connection).location == server.location
        for name in (TABLES, f"{server.location}/tables.h5"):
            reader = mtflight.Reader(name, 2, root_uep="/")
            other, dataset, op = again(reader), again(reader.get_dataset("/events")), again(reader.get_dataset("/events")["id"][:5])
            reader.close()
            assert other.request(op, other.get_dataset("/events").create_stage(5)).get().tolist() == ids
            assert dataset.shape == (5000,) and dataset.dtype == h5[0].dtype
            other.close()
            stream = again(mtflight.Streamer(name))
            assert [row["id"] for row, _ in zip(stream.get_generator("/events", ordered=True), range(5))] == ids


def test_what_is_under_way_is_not_pickled(reader):
    t = reader.get_dataset("/events")
    stage = t.create_stage(5)
    queue = mtflight.Streamer(TABLES).get_queue("/events", remainder=True)
    for thing in (reader.request(t[:5], stage), stage, queue, t.create_stage_pool(1, 1), mtflight.Streamer(TABLES).get_generator("/events")):
        with pytest.raises(TypeError):
            pickle.dumps(thing)
    queue.close()
