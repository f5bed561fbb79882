"""Reader: every form of index beside PyTables, errors beside PyTables', stages, and many threads."""

from __future__ import annotations

import os
import pickle
import resource
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import tables

from conftest import CLONE, TESTDATA, until

sys.path.insert(0, str(CLONE / "examples" / "python"))

import mtflight as multitables  # noqa: E402
import mtflight.dataset_ops as ops  # noqa: E402
from mtflight._internal.transport import server as private_server  # noqa: E402
from mtflight.resource_wrapper import ReleasedResourceError  # noqa: E402
from mtflight.stage import Stage  # noqa: E402

EVENTS = (TESTDATA / "tables.h5", "/events")
CUBE = (TESTDATA / "arrays.h5", "/cube")  # 6 x 5 x 4 of int64
BLOSC = (TESTDATA / "arrays.h5", "/wave/blosc")
MASK = np.arange(5000) % 7 == 0


@pytest.fixture(scope="module")
def open_both():
    """A PyTables node and a mtflight dataset of the same data, with the reader."""
    files, readers = [], []

    def run(where):
        files.append(tables.open_file(where[0]))
        readers.append(multitables.Reader(str(where[0])))
        return files[-1].get_node(where[1]), readers[-1].get_dataset(where[1]), readers[-1]

    yield run
    for r in readers:
        r.close(wait=True)
    for f in files:
        f.close()


def read(reader, op, stage=None):
    return reader.request(op, stage or Stage(4 << 20)).get()


def check(reader, op, want):
    got = read(reader, op)
    want = np.asarray(want, got.dtype if isinstance(want, bytes) else None)
    assert (got.dtype, got.shape) == (want.dtype, want.shape)
    assert got.tobytes() == want.tobytes()
    assert got.flags.writeable and got.flags.owndata


@pytest.mark.parametrize("index", [
    lambda t: t[7], lambda t: t[-1], lambda t: t[np.int64(3)], lambda t: t[10:20], lambda t: t[:], lambda t: t[::97],
    lambda t: t[4990:9999], lambda t: t[20:10], lambda t: t[-5:], lambda t: t[[3, 1, 1, -2]], lambda t: t[np.array([9, 2])],
    lambda t: t[MASK], lambda t: t[[]],
])
def test_rows_of_a_table(open_both, index):
    node, dataset, reader = open_both(EVENTS)
    assert (dataset.dtype, dataset.shape) == (node.dtype, node.shape)
    check(reader, index(dataset), index(node))


@pytest.mark.parametrize(("where", "op", "index"), [
    (EVENTS, ops.ReadOpTable("/events", None, 10, 90, 3), lambda t: t[10:90:3]),
    (EVENTS, ops.ReadOpTable("/events", None, 10, 90, 3)["id"], lambda t: t[10:90:3]["id"]),
    (EVENTS, ops.ReadOpTable(path="/events", col="pos", start=1, stop=2, step=None), lambda t: t[1:2]["pos"]),
    (EVENTS, ops.ReadScalarOpTable("/events", None, 7), lambda t: t[7]),
    (EVENTS, ops.ReadScalarOpTable("/events", "pos", -1), lambda t: t[-1]["pos"]),
    (EVENTS, ops.ColOp("/events", "t")[5:9], lambda t: t.col("t")[5:9]),
    (EVENTS, ops.CoordOp("/events", "hits", [3, 1, 3]), lambda t: t.read_coordinates([3, 1, 3], "hits")),
    (EVENTS, ops.SortOp("/events", "id", False, None, 5, 9, None), lambda t: np.sort(t[:], order="id")[5:9]),
    (EVENTS, ops.SortOp("/events", sortby="id", checkCSI=False, col="t", start=None, stop=9, step=None),
     lambda t: np.sort(t[:], order="id")["t"][:9]),
    (EVENTS, ops.WhereOp("/events", "id < cut", {"cut": 30}, 10, 50, None)["id"],
     lambda t: t.read_where("id < cut", {"cut": 30}, start=10, stop=50)["id"]),
    (EVENTS, ops.JoinedSlicesOp("/events", None, 4990, 5000, 1, 0, 3, 1), lambda t: np.concatenate([t[4990:], t[:3]])),
    (EVENTS, ops.JoinedSlicesOp("/events", "id", 0, 10, 2, 7, 9, 1)[1:], lambda t: np.concatenate([t[0:10:2], t[7:9]])["id"][1:]),
    (EVENTS, ops.IndexOp("/events", "id"), lambda t: t.col("id")),
    (EVENTS, ops.IndexOp("/events", slice(3, 9))["pos"], lambda t: t[3:9]["pos"]),
    (EVENTS, ops.IndexOp("/events", [5, 2]), lambda t: t[[5, 2]]),
    (CUBE, ops.ReadOpArray("/cube", None, 1, 5, 2), lambda a: a[1:5:2]),
    (CUBE, ops.ReadOpArray("/cube", None, 1, None, None)[0, ..., 2:], lambda a: a[1:][0, ..., 2:]),
    (CUBE, ops.ReadScalarOpArray("/cube", None, -2), lambda a: a[-2]),
    (CUBE, ops.ReadScalarOpArray("/cube", None, 1)[3], lambda a: a[1][3]),
    (CUBE, ops.JoinedSlicesOp("/cube", None, 4, 6, 1, 0, 2, 1), lambda a: np.concatenate([a[4:], a[:2]])),
    (CUBE, ops.IndexOp("/cube", (1, slice(None), [0, 2])), lambda a: a[1, :, [0, 2]]),
])
def test_operations_made_by_hand(open_both, where, op, index):
    """As multitables.dataset_ops makes them."""
    node, _, reader = open_both(where)
    for again in (op, pickle.loads(pickle.dumps(op))):
        check(reader, again, index(node))


@pytest.mark.parametrize("op", [ops.ReadScalarOpArray("/cube", None, 6), ops.ReadScalarOpTable("/events", None, 5000),
                                ops.IndexOp("/cube", "id"), ops.IndexOp("/events", "nope")])
def test_operations_made_by_hand_that_fail(open_both, op):
    reader = open_both(EVENTS if op._path == "/events" else CUBE)[2]
    with pytest.raises((IndexError, TypeError, KeyError)):
        read(reader, op)


def test_an_index_of_a_vlarray_made_by_hand(open_both):
    node, dataset, reader = open_both((TESTDATA / "arrays.h5", "/ragged"))
    check(reader, ops.IndexOp("/ragged", 3), node[3])
    assert type(dataset[3]) is ops.IndexOp


@pytest.mark.parametrize("name", ["id", "good", "name", "pos", "hits"])
@pytest.mark.parametrize("index", [
    lambda c: c[:], lambda c: c[8], lambda c: c[30:35], lambda c: c[30:35, ...], lambda c: c[::7], lambda c: c[[5, 2, 5]],
    lambda c: c[MASK], lambda c: c[10:20][2:4], lambda c: c[10:20][MASK[:10]],
])
def test_columns(open_both, name, index):
    node, dataset, reader = open_both(EVENTS)
    check(reader, index(dataset[name]), index(node.col(name)))
    check(reader, index(dataset.col(name)), index(node.col(name)))


def test_calls_of_a_table(open_both):
    node, t, reader = open_both(EVENTS)
    check(reader, t.col("name"), node.col("name"))
    check(reader, t.read(5, 50, 3, "pos"), node.read(5, 50, 3, "pos"))
    check(reader, t[::-97], node[:][::-97])  # PyTables fails here
    check(reader, t.read(start=4990), node.read(start=4990))
    check(reader, t.read()["t"], node.read()["t"])
    check(reader, t[5:9]["pos"], node[5:9]["pos"])
    check(reader, t[5:9]["pos"][1:, 2], node[5:9]["pos"][1:, 2])
    check(reader, t[5]["pos"], node[5]["pos"])
    check(reader, t[[4, 2]]["id"], node[[4, 2]]["id"])
    check(reader, t.read_coordinates([4, 2], field="id"), node.read_coordinates([4, 2], field="id"))
    check(reader, t.read_coordinates([], "pos"), node.read_coordinates([], "pos"))
    for condition, variables in (("energy > x", {"x": np.float32(1.5)}), ("(run == 3) & good", None), ("name == n", {"n": b"mu"})):
        check(reader, t.where(condition, variables, stop=4000), node.read_where(condition, variables, stop=4000))
        check(reader, t.where(condition, variables)["pos"], node.read_where(condition, variables, field="pos"))
    check(reader, t.read_sorted("id", start=10, stop=4000, step=9)["id"], np.sort(node.col("id"))[10:4000:9])
    many = np.random.default_rng(3).integers(0, 5000, 120_000)  # too many for a ticket
    check(reader, t.read_coordinates(many, "t"), node.col("t")[many])


def test_nested_columns(open_both):
    node, t, reader = open_both((TESTDATA / "tables.h5", "/deep/er/particles"))
    check(reader, t[3:9], node[3:9])
    check(reader, t.col("pos/error")[2:5], node[2:5]["pos"]["error"].copy())
    check(reader, t["pos"][2:5], node.read(2, 5, field="pos"))


@pytest.mark.parametrize("index", [
    lambda a: a[2], lambda a: a[-1], lambda a: a[1:5:2], lambda a: a[:], lambda a: a[3:], lambda a: a[1, 2], lambda a: a[1, 2, 3],
    lambda a: a[..., 0], lambda a: a[1:3, ..., ::2], lambda a: a[1, [0, 3], 1:], lambda a: a[[0, 4], :, 1], lambda a: a[:, 4:9],
    lambda a: a[[5, 0, 2], ...], lambda a: a[1:1], lambda a: a[np.where(np.arange(120).reshape(6, 5, 4) % 11 == 0)],
    lambda a: a[np.arange(120).reshape(6, 5, 4) % 7 == 3], lambda a: a[np.array([[0, -1], [1, 2], [3, 0]])],
])
def test_arrays(open_both, index):
    node, dataset, reader = open_both(CUBE)
    assert (dataset.dtype, dataset.shape) == (node.dtype, node.shape)
    check(reader, index(dataset), index(node))


def test_calls_of_an_array(open_both):
    node, a, reader = open_both(BLOSC)
    for arguments in ((), (3, 9), (3, 50, 7), (5,), (None, 4)):
        check(reader, a.read(*arguments), node.read(*arguments))
    check(reader, a[3:9][1:3, 5], node[3:9][1:3, 5])
    check(reader, a[7, 100:200], node[7, 100:200])


def test_one_dimension(open_both):
    node, a, reader = open_both((TESTDATA / "arrays.h5", "/truth"))
    for index in (5, [1, 2, 7], np.array([3, -1]), node[:], (slice(2, 9),)):
        check(reader, a[index], node[index])


def test_scalar(open_both):
    node, a, reader = open_both((TESTDATA / "types.h5", "/shapes/scalar"))
    check(reader, a.read(), node.read())
    check(reader, a[()], node[()])


@pytest.mark.parametrize("path", ["/ragged", "/text", "/octets"])
def test_vlarray(open_both, path):
    node, a, reader = open_both((TESTDATA / "arrays.h5", path))
    for row in (0, 1, -1, 17):
        got, want = read(reader, a[row]), node[row]
        assert type(want) in (str, bytes, np.ndarray)
        assert got[()] == want if not isinstance(want, np.ndarray) else (got.dtype == want.dtype and got.tolist() == want.tolist())
    for many in (slice(3, 20, 4), [4, 2], np.arange(30) % 5 == 0):
        assert [np.asarray(v).tolist() for v in read(reader, a[many])] == [np.asarray(v).tolist() for v in node[many]]
    assert len(read(reader, a.read(2, 6))) == 4


@pytest.mark.parametrize(("where", "index"), [
    (EVENTS, lambda t: t[5000]), (EVENTS, lambda t: t[-5001]), (EVENTS, lambda t: t[[1, 5000]]), (EVENTS, lambda t: t[::0]),
    (EVENTS, lambda t: t[MASK[:9]]), (EVENTS, lambda t: t[[1.5]]), (EVENTS, lambda t: t.col("nope")),
    (CUBE, lambda a: a[6]), (CUBE, lambda a: a[1, 5]), (CUBE, lambda a: a[1, 2, 3, 0]), (CUBE, lambda a: a[::-1]),
    (CUBE, lambda a: a[::0]), (CUBE, lambda a: a["x"]), (CUBE, lambda a: a[None]), (CUBE, lambda a: a.read(6)),
    (CUBE, lambda a: a[[0, 1], [0, 1], [7, 1]]),
])
def test_errors_are_pytables(open_both, where, index):
    node, dataset, reader = open_both(where)
    with pytest.raises(Exception) as theirs:  # noqa: PT011
        index(node)
    with pytest.raises(theirs.type) as ours:
        read(reader, index(dataset))
    assert isinstance(ours.value, multitables.SubprocessException)
    assert str(ours.value)


def test_errors_of_calls(open_both):
    node, t, reader = open_both(EVENTS)
    with pytest.raises(IndexError):
        t[...]
    for op, kind in ((t["nope"][3:5], NameError), (t.where("nope > 1"), NameError), (t.where("energy >"), ValueError),
                     (t.where("energy > x", {"x": [1, 2]}), TypeError), (t.read_sorted("nope"), KeyError),
                     (t.read_sorted("t", checkCSI=True), ValueError)):
        with pytest.raises(kind) as e:
            read(reader, op)
        assert isinstance(e.value, multitables.SubprocessException)
    with pytest.raises(tables.NoSuchNodeError):
        reader.get_dataset("/nope")
    with pytest.raises(multitables.NoSuchNodeError):
        reader.get_dataset("/nope")
    with pytest.raises(OSError, match="nope.h5"):
        multitables.Reader("nope.h5").get_dataset("/x")
    with pytest.raises(OSError):
        multitables.Reader(__file__).get_dataset("/x")


def test_stages(open_both):
    node, t, reader = open_both(EVENTS)
    stage = t.create_stage(10)
    assert stage.size_nbytes == 10 * t.dtype.itemsize
    first = reader.request(t[:10], stage)
    with pytest.raises(RuntimeError, match="already fielding"):
        reader.request(t[:10], stage)
    assert first.get().tobytes() == node[:10].tobytes()
    with pytest.raises(RuntimeError, match="got before"):
        first.get()
    for op in (t[:11], t.where("id >= 0"), t["pos"], t[:11]["id"][:0], t[0:]["name"]):
        request = reader.request(op, stage)
        if op is not None and getattr(op, "_index", None):
            assert request.get().nbytes == 0  # what counts is the result
            continue
        with pytest.raises(multitables.SharedMemoryError, match="Stage is smaller than requested array: 640 <"):
            request.get()
    assert reader.request(t[1:3], stage).get().tobytes() == node[1:3].tobytes()  # free again after an error
    stage.close()
    with pytest.raises(RuntimeError, match="closed"):
        reader.request(t[:1], stage)
    with pytest.raises(ValueError, match="cannot be"):
        t.create_stage(-3)


def test_stage_shapes(open_both):
    _, a, reader = open_both(CUBE)
    assert [a.create_stage(s).size_nbytes for s in (2, (2, 3), (None, -1, 2), [6, 5, 4])] == [320, 192, 480, 960]
    assert a.create_stage_natoms(7).size_nbytes == 56
    with pytest.raises(ValueError, match="at least one stage"):
        a.create_stage_pool(1, 0)


def test_released_results(open_both):
    node, t, reader = open_both(EVENTS)
    stage = t.create_stage(10)
    with reader.request(t[2:6], stage).get_proxy() as proxy:
        assert isinstance(proxy, np.ndarray) and len(proxy) == 4 and proxy.shape == (4,)
        assert (proxy["id"] == node[2:6]["id"]).all() and np.sum(proxy["run"]) == node[2:6]["run"].sum()
        numbers = reader.request(t["t"][2:6], t.create_stage(4))
        proxy["id"] += 1
        kept = proxy.copy()
    with numbers.get_proxy() as n:
        assert (n + 1 == node[2:6]["t"] + 1).all() and (1 + n).dtype == np.float64 and float(np.mean(n)) == np.mean(node[2:6]["t"])
        n *= 0
    for use in (lambda: proxy[0], lambda: proxy.shape, lambda: len(proxy), lambda: proxy + 1, lambda: np.asarray(proxy)):
        with pytest.raises(ReleasedResourceError):
            use()
    assert (kept["id"] == node[2:6]["id"] + 1).all()
    with pytest.raises(ZeroDivisionError):
        reader.request(t[:1], stage).get_direct(lambda data: 1 / 0)
    assert reader.request(t[:1], stage).get().tobytes() == node[:1].tobytes()


def test_notify_close_and_stop():
    told: list = []
    reader = multitables.Reader(str(EVENTS[0]), n_procs=2, notify=told.append)
    t = reader.get_dataset("/events")
    requests = [reader.request(t[i:i + 2], t.create_stage(2)) for i in range(20)]
    bad = reader.request(t[9999], t.create_stage(1))
    reader.close(wait=True)
    assert told[-1] is multitables.QueueClosed and set(told[:-1]) == {*requests, bad}
    assert [r.get()["id"].shape for r in requests] == [(2,)] * 20  # what was asked before is answered
    with pytest.raises(RuntimeError, match="closed reader"):
        reader.request(t[1], t.create_stage(1))

    reader = multitables.Reader(str(EVENTS[0]), n_procs=1, notify=lambda _: time.sleep(0.05))
    pool = [reader.request(t[:], t.create_stage(5000)) for _ in range(20)]
    reader.stop()
    with pytest.raises(multitables.QueueClosedException, match="closed") as e:
        for r in pool:
            r.get()
    assert isinstance(e.value, multitables.SubprocessException)


def test_64_threads(open_both):
    """Right data and flat memory, the server's too, from 64 threads; MTFLIGHT_SOAK gives the seconds, 300 for the whole proof."""
    seconds = float(os.environ.get("MTFLIGHT_SOAK", "2"))
    node, t, reader = open_both(EVENTS)
    want, wrong, count = node[:], [], [0] * 64
    pool = t.create_stage_pool(100, 32)
    segments = {p.name for p in Path("/dev/shm").iterdir()}
    ended, server = threading.Event(), next(iter(private_server._running.values())).process.pid

    def run(k: int) -> None:
        rng = np.random.default_rng(k)
        own = t.create_stage(100)
        while not ended.is_set():
            at = int(rng.integers(0, 4900))
            got = reader.request(t[at:at + 100], own if k % 2 else pool).get()
            if got.tobytes() != want[at:at + 100].tobytes():
                wrong.append((k, at))
            count[k] += 1

    threads = [threading.Thread(target=run, args=(k,)) for k in range(64)]
    for th in threads:
        th.start()
    assert until(lambda: wrong or min(count) > 0)
    warm = resident(), resident(server)
    time.sleep(seconds)
    ended.set()
    for th in threads:
        th.join(120)
    assert not any(th.is_alive() for th in threads) and not wrong
    at_end = resident(), resident(server)
    print(f"{sum(count)} requests; MiB of client and server: {[n >> 20 for n in warm]}, at the end {[n >> 20 for n in at_end]}")
    assert max(after - before for before, after in zip(warm, at_end)) < 64 << 20
    assert {p.name for p in Path("/dev/shm").iterdir() if p.name.startswith("mtflight")} <= segments | {f"mtflight-{os.getuid()}"}


def resident(pid: int | str = "self") -> int:
    """Bytes of memory that a process holds, this one if none is named."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()


# Where PyTables' answer is not ours: padding between members, h5py's booleans, a null dataspace; docs/from-multitables.md.
OTHERWISE = {"/padded", "/bools", "/shapes/null"}


@pytest.mark.parametrize("name", ["arrays.h5", "layouts.h5", "pandas.h5", "tables.h5", "types.h5"])
def test_every_dataset_of_the_test_files(name):
    """All that PyTables reads of a file comes with the same dtype, shape and bytes."""
    reader, count = multitables.Reader(str(TESTDATA / name)), 0
    with tables.open_file(TESTDATA / name) as f:
        for node in f.walk_nodes("/", "Leaf"):
            if isinstance(node, (tables.UnImplemented, tables.VLArray)) or node._v_pathname in OTHERWISE:
                continue
            dataset, want = reader.get_dataset(node._v_pathname), np.asarray(node.read())
            assert (dataset.dtype, dataset.shape) == (node.dtype, node.shape), node
            got = read(reader, dataset.read())
            assert (got.dtype, got.shape, got.tobytes()) == (want.dtype, want.shape, want.tobytes()), node
            count += 1
    reader.close(wait=True)
    assert count > 0
