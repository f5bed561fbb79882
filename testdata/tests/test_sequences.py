"""Every public class against every way in which Python, NumPy, Arrow and the frames take an object for a sequence: each
ends, with the rows or with an error that names what to call. And what has no end is collected by nothing."""

from __future__ import annotations

import contextlib
import itertools
import signal
import sys
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import tables

from conftest import CLONE

sys.path.insert(0, str(CLONE / "examples" / "python"))

import mtflight  # noqa: E402
import mtflight.streamer  # noqa: E402

SECONDS = 10
ROWS = np.zeros(70_000, [("a", "i4"), ("b", "f8"), ("p", [("x", "i2")])])
ROWS["a"], ROWS["b"], ROWS["p"]["x"] = np.arange(len(ROWS)), np.arange(len(ROWS)) / 7, np.arange(len(ROWS)) % 1000
ARRAYS = {"/a": np.arange(3), "/cube": np.arange(2 * 3 * 4.0).reshape(2, 3, 4), "/texts": np.array([b"x", b"yy", b"zzz"]),
          "/empty": np.empty((0, 2), "i4"), "/long": np.arange(1_500_000).reshape(-1, 2)}
LISTS = [np.array(v, "i4") for v in ([1, 2], [], [3, 4, 5])] * 50


@contextlib.contextmanager
def limit(seconds: float = SECONDS):
    """AssertionError where it takes longer."""
    def late(*_):
        raise AssertionError("it does not end")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    name = tmp_path_factory.mktemp("sequences") / "x.h5"
    with tables.open_file(name, "w") as f:
        f.create_table("/", "t", ROWS)
        f.create_table("/", "one", ROWS[["a"]][:5])
        f.create_table("/", "none", ROWS[:0])
        for path, values in ARRAYS.items():
            f.create_array("/", path[1:], values) if len(values) else f.create_earray("/", path[1:], obj=values)
        f.create_array("/", "scalar", np.array(7.5))
        v = f.create_vlarray("/", "v", tables.Int32Atom())
        for values in LISTS:
            v.append(values)
    return str(name)


@pytest.fixture(scope="module")
def reader(file):
    reader = mtflight.Reader(file)
    yield reader
    reader.close(wait=True)


@pytest.fixture(scope="module")
def connection(file, start):
    import pathlib
    with mtflight.connect(start(pathlib.Path(file).parent).location) as connection:
        yield connection


def equal(got, want) -> bool:
    got, want = np.asarray(got), np.asarray(want)
    assert (got.dtype, got.shape) == (want.dtype, want.shape)
    return got.tobytes() == want.tobytes()


# Rows of a Reader's datasets

@pytest.mark.parametrize("path", ["/t", "/one", "/none"])
def test_rows_of_a_table(file, reader, path):
    t = reader.get_dataset(path)
    with tables.open_file(file) as f:
        want = f.get_node(path)[:]
    with limit(60):
        rows = list(t)
        assert len(t) == len(rows) == len(want) and bool(t)
        assert equal(np.array(rows, want.dtype), want)
    if len(want):
        first, *_ = t
        assert first.tobytes() == want[0].tobytes()
        with pytest.raises(ValueError, match="too many values"):
            a, b = t


@pytest.mark.parametrize("path", ARRAYS)
def test_rows_of_an_array(reader, path):
    a, want = reader.get_dataset(path), ARRAYS[path]
    with limit(60):
        assert len(a) == len(want)
        rows = list(a)
        assert len(rows) == len(want) and equal(np.array(rows, want.dtype).reshape(want.shape), want)
        assert equal(np.asarray(a), want) and equal(np.array(a), want)
        assert equal(np.asarray(a, "S5" if want.dtype.kind == "S" else "f4"), want.astype("S5" if want.dtype.kind == "S" else "f4"))
        assert equal(np.array(a, copy=True), want)
        with pytest.raises(ValueError, match="copy"):
            np.array(a, copy=False)
    if want.dtype.kind != "S":
        with limit(60):
            assert equal(np.concatenate([a, a]), np.concatenate([want, want]))
            assert equal(np.array([1], want.dtype) + a, want + np.array([1], want.dtype))


def test_what_python_does_with_rows(reader):
    a = reader.get_dataset("/a")
    with limit():
        assert sum(a) == 3 and max(a) == 2 and sorted(a, reverse=True) == [2, 1, 0]
        x, y, z = a
        assert (x, y, z) == (0, 1, 2) and list(zip(a, a)) == [(0, 0), (1, 1), (2, 2)]
        assert list(itertools.islice(reader.get_dataset("/t"), 2))[1]["a"] == 1


def test_rows_of_a_vlarray(reader):
    v = reader.get_dataset("/v")
    with limit():
        assert len(v) == len(LISTS) and all(equal(got, want) for got, want in zip(v, LISTS, strict=True))


def test_a_scalar_has_no_rows(reader):
    s = reader.get_dataset("/scalar")
    with limit():
        assert equal(np.asarray(s), np.array(7.5)) and float(np.asarray(s)) == 7.5
        for use in (len, list, iter):
            with pytest.raises(TypeError, match=r"\[\(\)\]"):
                use(s)


def test_rows_of_a_closed_reader(file):
    reader = mtflight.Reader(file)
    t, a = reader.get_dataset("/t"), reader.get_dataset("/a")
    reader.close(wait=True)
    for use in (lambda: list(t), lambda: np.asarray(a), lambda: pa.table(t)):
        with limit(), pytest.raises(RuntimeError, match="closed reader"):
            use()


def test_frames_of_a_readers_datasets(reader):
    t, a = reader.get_dataset("/t"), reader.get_dataset("/a")
    with limit(60):
        table = pa.table(t)
        assert table["a"].to_pylist() == ROWS["a"].tolist() and table.column_names == ["a", "b", "p"]
        frame = pl.DataFrame(t)
        assert frame["a"].to_list() == ROWS["a"].tolist() and frame.columns == ["a", "b", "p"]
        assert pl.DataFrame(a)["a"].to_list() == [0, 1, 2] and pa.table(a)["a"].to_pylist() == [0, 1, 2]
        assert pd.DataFrame(a)[0].tolist() == [0, 1, 2] and pd.Series(a).tolist() == [0, 1, 2]
        assert pa.array(a).to_pylist() == [0, 1, 2] and pa.array(a, pa.int8()).type == pa.int8()
        assert pa.array(reader.get_dataset("/v")).to_pylist() == [v.tolist() for v in LISTS]
        with pytest.raises(TypeError, match=r"to_arrow\(\)"):
            pa.array(t)


# Arrow's tables

def test_arrow_takes_a_table(connection):
    t, a = connection.table("x.h5", "/t"), connection.table("x.h5", "/a")
    with limit(60):
        for table in (pa.table(t), pa.RecordBatchReader.from_stream(t).read_all(), pl.DataFrame(t).to_arrow()):
            assert table["a"].to_pylist() == ROWS["a"].tolist() and table.column_names == ["a", "b", "p"]
        assert len(t) == len(ROWS) and len(a) == 3 and bool(t)
        assert equal(np.asarray(a), np.arange(3)) and equal(np.array(a, "f4"), np.arange(3, dtype="f4"))
        assert equal(np.asarray(connection.table("x.h5", "/cube")), ARRAYS["/cube"])
        assert equal(np.asarray(connection.table("x.h5", "/scalar")), np.array(7.5))
        assert equal(np.asarray(connection.table("x.h5", "/empty")), ARRAYS["/empty"])
        with pytest.raises(ValueError, match="copy"):
            np.array(a, copy=False)
        assert pd.DataFrame(a)[0].tolist() == [0, 1, 2]


def test_arrow_takes_a_table_with_a_schema(connection):
    t = connection.table("x.h5", "/one")
    assert pa.table(t, schema=pa.schema([("a", pa.int64())])).schema.types == [pa.int64()]


# What is refused, and what the error names

def make(name: str, file: str, reader, connection):
    """An object of a class, and a word of the call that its errors must name."""
    get = reader.get_dataset
    ops = {"row": lambda: get("/t")[0], "rows": lambda: get("/t")[0:10], "column": lambda: get("/t")["a"],
           "nested": lambda: get("/t").col("p/x"), "coordinates": lambda: get("/t")[[1, 2]], "where": lambda: get("/t").where("a > 1"),
           "sorted": lambda: get("/t").read_sorted("a"), "read": lambda: get("/t").read(0, 3), "slice": lambda: get("/a")[0:2],
           "index": lambda: get("/a")[1], "array.read": lambda: get("/a").read(0, 2), "vl": lambda: get("/v")[0:3],
           "indexed": lambda: get("/t")["a"][0:5][1:]}
    if name in ops:
        return ops[name](), r"reader\.request\("
    stream = mtflight.Streamer(file)
    stage = get("/a").create_stage(3)
    return {
        "table": lambda: (get("/t"), r"reader\.request\("),
        "vlarray": lambda: (get("/v"), r"reader\.request\("),
        "arrow": lambda: (connection.table("x.h5", "/t"), r"scan\(|to_arrow\("),
        "arrow.vlarray": lambda: (connection.table("x.h5", "/v"), r"scan\(|to_arrow\("),
        "connection": lambda: (connection, r"\.table\(|\.list\("),
        "reader": lambda: (reader, r"get_dataset\("),
        "streamer": lambda: (stream, r"get_generator\("),
        "queue": lambda: (stream.get_queue("/t", remainder=True), r"get\(\)|get_generator\("),
        "guard": lambda: (stream.get_queue("/t", remainder=True).get(), r"with guard as block"),
        "generator": lambda: (stream.get_generator("/t"), r"np\.array\(list\("),
        "stage": lambda: (stage, r"reader\.request\("),
        "pool": lambda: (get("/a").create_stage_pool(3, 2), r"reader\.request\("),
        "request": lambda: (reader.request(get("/a")[:], stage), r"\.get\(\)"),
        "requests": lambda: (mtflight.RequestPool(), r"\.next\(\)"),
    }[name]()


OPS = ["row", "rows", "column", "nested", "coordinates", "where", "sorted", "read", "slice", "index", "array.read", "vl", "indexed"]
OTHERS = ["connection", "reader", "streamer", "guard", "stage", "pool", "request", "requests"]
USES = {
    "iter": iter, "list": list, "unpack": lambda o: (lambda a, b: None)(*o), "for": lambda o: [1 for _ in o], "sum": sum, "max": max,
    "dict": dict, "zip": lambda o: list(zip(o)), "enumerate": lambda o: list(enumerate(o)), "next": lambda o: next(iter(o)),
    "len": len, "in": lambda o: 1 in o, "reversed": lambda o: list(reversed(o)), "asarray": np.asarray, "array": np.array,
    "array of dtype": lambda o: np.array(o, "f8"), "concatenate": lambda o: np.concatenate([o, o]), "np.sum": np.sum,
    "arithmetic": lambda o: np.arange(2) + o, "DataFrame": pd.DataFrame, "Series": pd.Series, "pa.table": pa.table,
    "pa.array": pa.array, "from_stream": pa.RecordBatchReader.from_stream, "pl.DataFrame": pl.DataFrame, "pl.from_arrow": pl.from_arrow,
    "pl.Series": pl.Series,
}
NUMPY = ["asarray", "array", "array of dtype", "concatenate", "np.sum", "arithmetic"]
REFUSED = [(name, use) for name in OPS + OTHERS for use in USES]
REFUSED += [(name, use) for name in ("table", "vlarray") for use in ["in", "reversed", "DataFrame", *NUMPY]]
REFUSED += [(name, use) for name in ("arrow", "arrow.vlarray")
            for use in ["iter", "list", "unpack", "for", "sum", "max", "zip", "next", "in", "reversed", "DataFrame", *NUMPY]]
REFUSED += [("arrow", "pa.array")]
REFUSED += [(name, use) for name in ("queue", "generator") for use in ["len", "in", "reversed", *NUMPY]]
THEIRS = {"pl.Series", "pl.from_arrow", "dict", "Series"}  # may refuse such an object before they ask it


@pytest.mark.parametrize(("name", "use"), REFUSED)
def test_refused(file, reader, connection, name, use):
    thing, names = make(name, file, reader, connection)
    assert bool(thing) is True  # `if request:` goes on to mean "not None"
    with warnings.catch_warnings(), limit():
        warnings.simplefilter("ignore")
        with pytest.raises(TypeError, match=None if use in THEIRS else names):
            USES[use](thing)


def test_a_refused_request_can_still_be_made(reader):
    t = reader.get_dataset("/t")
    request, stage = t[0:10], t.create_stage(10)
    for use in USES.values():
        with contextlib.suppress(TypeError):
            use(request)
    future = reader.request(request, stage)
    with pytest.raises(TypeError):
        list(future)
    assert equal(future.get(), ROWS[:10])


def test_queues_and_generators_are_iterated(file):
    stream = mtflight.Streamer(file)
    with limit():
        total = 0
        for guard in stream.get_queue("/t", ordered=True, remainder=True):
            with guard as block:
                total += len(block)
        assert total == len(ROWS)
        rows = list(stream.get_generator("/t", ordered=True))
        assert equal(np.array(rows, ROWS.dtype), ROWS)


@pytest.mark.parametrize("collect", [list, tuple, lambda q: [*q], lambda q: list(q.iter()), lambda q: sorted(q.iter())])
@pytest.mark.parametrize("cyclic", [True, False])
def test_guards_of_more_blocks_than_there_is_room_for_are_not_collected(file, collect, cyclic):
    """The next block waits for one of those guards, for ever."""
    queue = mtflight.Streamer(file).get_queue("/long", block_size=1000, n_procs=1, read_ahead=3, cyclic=cyclic)
    with limit(), pytest.raises(ValueError, match=r"get_generator\("):
        collect(queue)
    with queue.get() as block:
        assert len(block) == 1000
    queue.close()
    assert collect(queue) in ([], ())


def test_guards_of_few_blocks_may_be_collected(file):
    queue = mtflight.Streamer(file).get_queue("/t", block_size=7000, n_procs=1, read_ahead=10, ordered=True)
    with limit():
        guards = list(queue.iter())
        blocks = []
        for guard in guards:
            with guard as block:
                blocks.append(block.copy())
    assert equal(np.concatenate(blocks), ROWS)


def test_an_array_in_a_guard_with_the_arguments_of_numpy_2(reader):
    a = reader.get_dataset("/a")
    with reader.request(a[:], a.create_stage(3)).get_proxy() as proxy:
        assert np.asarray(proxy).base is not None and np.array(proxy, copy=False) is np.asarray(proxy)
        assert np.array(proxy) is not np.asarray(proxy)
        assert np.asarray(proxy, "f4").dtype == np.float32
        with pytest.raises(ValueError, match="copy"):
            np.array(proxy, "f4", copy=False)


def test_an_exchange_gives_chunks(connection):
    with limit():
        exchange = connection.do_exchange({"file": "x.h5", "dataset": "/a"}, np.array([2, 0]))
        for use in (len, np.asarray, pa.array, lambda e: 1 in e):
            with pytest.raises(TypeError, match=r"read_all\("):
                use(exchange)
        assert [v for chunk in exchange for v in chunk.data["a"].to_pylist()] == [2, 0]


# Streams without end

ENDLESS = [{"cyclic": True}, {"cyclic": True, "cycles": None}, {"follow": True}, {"cyclic": np.True_}]


class Silent(mtflight.Connection):
    """A connection that sends nothing."""

    def _never(self, *_, **__):
        raise AssertionError("something was sent")

    do_get = do_ticket = do_exchange = schema = info = action = _never


@pytest.mark.parametrize("stream", ENDLESS, ids=str)
@pytest.mark.parametrize("collect", ["to_arrow", "to_pandas", "to_polars", "to_duckdb"])
@pytest.mark.parametrize("options", [{}, {"limit": 10}, {"parallel": 3}, {"progress": True}], ids=str)
def test_endless_requests_are_not_collected(collect, stream, options):
    table = Silent("grpc://127.0.0.1:1").table("x.h5", "/t")
    with limit(), pytest.raises(ValueError, match=r"no end.*scan\("):
        getattr(table, collect)(stream=stream, **options)


def test_endless_requests_are_scanned(connection):
    t = connection.table("x.h5", "/t")
    with limit():
        batches = t.scan(["a"], stream={"cyclic": True, "block_rows": 60_000})
        assert [b["a"][0].as_py() for b in itertools.islice(batches, 3)] == [0, 60_000, 50_000]
        assert t.to_arrow(["a"], stream={"cyclic": True, "cycles": 2}).num_rows == 2 * len(ROWS)
        assert t.to_arrow(["a"], stream={"cyclic": False, "follow": False}).num_rows == len(ROWS)


@pytest.mark.parametrize("collect", [list, tuple, sorted, lambda g: [*g], lambda g: print(*g), lambda g: np.array(list(g)),
                                     lambda g: np.fromiter(g, ROWS.dtype)])
def test_a_cyclic_generator_is_not_collected(file, collect):
    generator = mtflight.Streamer(file).get_generator("/t", cyclic=True)
    with limit(), pytest.raises(ValueError, match="islice"):
        collect(generator)
    assert len(list(itertools.islice(generator, 5))) == 5
    generator.close()
