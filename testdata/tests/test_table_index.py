"""Indexes of `mtflight.Table`: what NumPy picks of what h5py and PyTables read, drawn at random, and what is refused."""

from __future__ import annotations

import sys

import h5py
import numpy as np
import pytest
import tables

from conftest import CLONE, TESTDATA

sys.path.insert(0, str(CLONE / "examples" / "python"))

import mtflight  # noqa: E402
from mtflight._internal.arrow import numpy_index, reading  # noqa: E402

CASES, SEED = 300, 1
ARRAYS = [("arrays.h5", p) for p in ("/cube", "/sparse", "/truth", "/wave/zlib", "/wave/plain", "/wave/empty", "/words")]
ARRAYS += [("latest.h5", p) for p in ("/chunked", "/line", "/growing2")] + [("climate.nc", "/t2m"), ("climate.nc", "/lat")]
ARRAYS += [("types.h5", p) for p in ("/complex", "/bools", "/enum", "/opaque", "/shapes/four", "/shapes/zero", "/shapes/zero_inside",
                                     "/floats/be_f4", "/floats/f2", "/strings/fixed", "/strings/variable", "/ragged", "/compound", "/padded")]
ARRAYS += [("real/compressed.hdf5", "/dataset3"), ("real/non-scalar.h5", "/compound"), ("real/sample_simple.hdf5", "/table/columns/z/data")]
TABLES = [("tables.h5", p) for p in ("/events", "/deep/er/particles", "/none", "/one")]


@pytest.fixture(scope="module")
def folder():
    with mtflight.open(TESTDATA) as folder:
        yield folder


def read(file: str, path: str) -> np.ndarray:
    """All of a dataset by the field's own library, native; texts and lists of different lengths as objects."""
    if file in ("tables.h5", "arrays.h5"):
        with tables.open_file(TESTDATA / file) as f:
            return np.asarray(f.get_node(path)[:])
    with h5py.File(TESTDATA / file) as f:
        values, text = f[path][()], h5py.check_string_dtype(f[path].dtype)
    if text and text.length is None:
        return np.array(np.frompyfunc(bytes.decode, 1, 1)(values), object)
    return np.array(values, native(values.dtype))


def native(dtype: np.dtype) -> np.dtype:
    """The packed dtype in this machine's byte order."""
    if dtype.names:
        return np.dtype([(n, native(dtype[n])) for n in dtype.names])
    if dtype.subdtype:
        return np.dtype((native(dtype.base), dtype.shape))
    return np.dtype(dtype.str) if dtype.kind == "O" else dtype.newbyteorder("=")


def same(got, want) -> bool:
    """Whether two values are the same, to the byte and in type and shape."""
    if isinstance(want, (bytes, str)):  # whose NumPy types are as long as they are
        return isinstance(got, type(want)) and got == want
    got, want = np.asarray(got), np.asarray(want)
    assert (got.dtype, got.shape) == (want.dtype, want.shape)
    if got.dtype.kind == "O":
        return all(np.array_equal(a, b) and np.asarray(a).dtype == np.asarray(b).dtype for a, b in zip(got.flat, want.flat))
    return got.tobytes() == want.tobytes()


def draw_axis(draw: np.random.Generator, n: int):
    """An index of one axis of n places: an integer, a slice or an array, as Python's and NumPy's types have them."""
    kind = draw.integers(0, 9 if n else 5)
    some = [None, *draw.integers(-n - 3, n + 4, 2).tolist()]
    if kind < 5:
        step = draw.choice([None, 1, 2, 3, 7, -1, -2, -5])
        start, stop = draw.choice(some), draw.choice(some)
        return slice(start, stop, np.int16(step) if step is not None and draw.random() < 0.3 else step)
    if kind < 7:
        return draw.choice([int, np.int64, np.int8, np.array])(draw.integers(-min(n, 100), min(n, 100)))
    if kind == 7:
        mask = draw.random(n) < draw.random()
        return mask.tolist() if draw.random() < 0.3 else mask
    places = draw.integers(-n, n, draw.choice([0, 1, 2, 9, 50]))
    return places.tolist() if draw.random() < 0.5 else places.astype(draw.choice(["i8", ">i4", "i2"]))


def draw_key(draw: np.random.Generator, shape: tuple[int, ...]):
    """An index of an array: one part for each axis or fewer, an ellipsis or new axes between them, a mask of several axes,
    or arrays that broadcast."""
    kind = draw.integers(0, 10)
    if kind == 0 and len(shape) > 1:
        return draw.random(shape[:draw.integers(2, len(shape) + 1)]) < 0.2
    if kind == 1 and shape and 0 not in shape:
        two = [draw.integers(-n, n, (draw.integers(1, 4), 3) if i % 2 else (3,)) for i, n in enumerate(shape)]
        return tuple(two[:draw.integers(1, len(shape) + 1)])
    keys = [draw_axis(draw, n) for n in shape]
    arrays = [i for i, k in enumerate(keys) if isinstance(k, list) or np.ndim(k) == 1]
    for i in arrays[1:]:  # two that do not broadcast are an error of their own
        keys[i] = slice(None, None, -1)
    if kind == 2 or not keys:
        return draw.choice([(), ..., (..., None)][:3] if kind else [()]) if not keys else (..., *keys[1:][-1:])
    if kind < 6:
        at = draw.integers(0, len(keys) + 1)
        if kind == 3:
            return (*keys[:at], None, *keys[at:])
        return (*keys[:at], ..., *keys[at + draw.integers(0, 2) * 0:][:len(shape) - at])
    first = keys[:draw.integers(1, len(keys) + 1)]
    return first[0] if len(first) == 1 and draw.random() < 0.7 else tuple(first)


@pytest.mark.parametrize(("file", "path"), ARRAYS + TABLES)
def test_indexes_drawn(folder, file, path):
    """A twentieth of the cases for each dataset; errors are NumPy's too."""
    table, want = folder[f"{file}{path}"], read(file, path)
    draw = np.random.default_rng([SEED, *path.encode()])
    shape = want.shape[:len(table.shape)]
    assert shape == table.shape
    for _ in range(max(20, CASES // 15)):
        key = draw_key(draw, shape)
        try:
            expected = want[tuple(map(plain, key)) if isinstance(key, tuple) else plain(key)]
        except IndexError as theirs:
            with pytest.raises(IndexError):
                table[key]
            assert "out of bounds" not in str(theirs) or "index" in str(theirs)
            continue
        assert same(table[key], expected), key


def plain(part):
    """Empty lists, which NumPy would take for floats beside others."""
    return np.array(part, np.intp) if isinstance(part, list) and not part else part


@pytest.mark.parametrize("key", [(), ..., (...,), None, (None, ...)], ids=repr)
@pytest.mark.parametrize("path", ["/shapes/scalar", "/shapes/scalar_text"])
def test_scalars(folder, path, key):
    got, want = folder[f"types.h5{path}"][key], read("types.h5", path)[key]
    assert same(got, want) and type(got) is type(want)


def test_columns(folder):
    want = read("tables.h5", "/events")
    t = folder["tables.h5/events"]
    assert same(t["id"], want["id"]) and same(t["pos"], want["pos"])
    assert same(t[["t", "id"]], np.rec.fromarrays([want["t"], want["id"]], dtype=[("t", "f8"), ("id", "i8")]).view(np.ndarray))
    nested = read("tables.h5", "/deep/er/particles")
    assert same(folder["tables.h5/deep/er/particles"]["pos/x"], nested["pos"]["x"].copy())
    assert same(folder["arrays.h5/cube"]["cube"], read("arrays.h5", "/cube"))
    with pytest.raises(KeyError, match='no column "nope"'):
        t["nope"]
    with pytest.raises(KeyError, match='no column "nope"'):
        t[["id", "nope"]]
    assert same(t.select(["id"])[7:9]["id"], want["id"][7:9])


def test_results_are_indexed(folder):
    """An index of what conditions, orders and limits leave is one of that."""
    want = read("tables.h5", "/events")
    t = folder["tables.h5/events"].where("energy > cut", vars={"cut": 3})
    rows = want[want["energy"] > 3]
    draw = np.random.default_rng(5)
    for _ in range(40):
        key = draw_axis(draw, len(rows))
        assert same(t[key], rows[plain(key)]), key
        key = draw_axis(draw, 30)
        assert same(t.limit(30)[key], rows[:30][plain(key)]), key
    with pytest.raises(IndexError, match="out of bounds"):
        t.limit(3)[3]


def test_whole_arrays(folder):
    for file, path in ARRAYS + TABLES:
        t, want = folder[f"{file}{path}"], read(file, path)
        assert same(t.to_numpy(), want) and same(t.to_numpy(parallel=3), want), path
        assert len(t) == len(want)


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """A table and an array of two axes with more rows than a ticket holds places."""
    name = tmp_path_factory.mktemp("many") / "many.h5"
    with h5py.File(name, "w") as f:
        f["t"] = np.rec.fromarrays([np.arange(7_000_000), np.arange(7_000_000) % 251], names="a,b", formats="i8,u1")
        f["m"] = np.arange(400_000 * 3, dtype="i4").reshape(-1, 3)
    with mtflight.open(name) as file:
        yield file


@pytest.mark.parametrize("dtype", ["i8", "i4", ">i8", "u4"])
def test_many_places(many, dtype, monkeypatch):
    """They go by DoExchange, in pieces, as an index and as a member, and more of them than a server takes at a time."""
    monkeypatch.setattr(reading, "_EXCHANGED_ROWS", 40_000)
    rows = np.random.default_rng(2).integers(0, 400_000, 130_000).astype(dtype)
    matrix = np.arange(1_200_000, dtype="i4").reshape(-1, 3)
    assert same(many["m"][rows], matrix[rows]) and same(many["m"][rows, 1], matrix[rows, 1])
    assert same(many["m"][rows[::-1], ::-2], matrix[rows[::-1], ::-2])
    t = many["t"]
    assert t.to_arrow(["a"], coordinates=rows)["a"].to_numpy().tolist() == rows.tolist()
    assert t.to_arrow(["a"], coordinates=rows, offset=50_000, limit=60_000)["a"].to_pylist() == rows[50_000:110_000].tolist()
    assert t.select(["a"]).to_numpy(coordinates=rows, limit=70_000)["a"].tolist() == rows[:70_000].tolist()
    blocks = [b.num_rows for b in t.scan(["a"], coordinates=rows, stream={"block_rows": 50_000})]
    assert blocks == [50_000, 50_000, 30_000]


def test_many_booleans(many):
    mask = np.random.default_rng(3).random(7_000_000) < 0.02
    want = np.flatnonzero(mask)
    assert many["t"][mask]["a"].tolist() == want.tolist()
    assert many["t"].to_arrow(["a"], mask=mask)["a"].to_pylist() == want.tolist()
    assert many["t"].to_pandas(["a"], mask=mask, limit=10)["a"].tolist() == want[:10].tolist()
    with pytest.raises(IndexError, match="a mask of 6999999 booleans does not fit 7000000 rows"):
        many["t"].to_arrow(mask=mask[1:])


INTEGER_HINT = ("is no index: give integers, slices, `...`, None, and lists or arrays of integers or booleans")
REFUSED = [
    ("/cube", 6, IndexError, "index 6 is out of bounds for axis 0 with size 6"),
    ("/cube", -7, IndexError, "index -7 is out of bounds for axis 0 with size 6"),
    ("/cube", (0, 5), IndexError, "index 5 is out of bounds for axis 1 with size 5"),
    ("/cube", [0, 9], IndexError, "index 9 is out of bounds for axis 0 with size 6"),
    ("/cube", np.array([2**64 - 1], "u8"), IndexError, "Index out of bounds: 18446744073709551615"),
    ("/cube", 2**70, IndexError, f"index {2**70} is out of bounds for axis 0 with size 6"),
    ("/cube", [2**70, 1], IndexError, f"an index of {2**70} is out of bounds"),
    ("/cube", (0, 0, 0, 0), mtflight.InvalidIndexError, "too many indices: the array has 3 axes, but 4 were indexed"),
    ("/cube", (..., ...), mtflight.InvalidIndexError, "an index can only have a single ellipsis ('...')"),
    ("/cube", 1.0, mtflight.InvalidIndexError, f"1.0 {INTEGER_HINT}"),
    ("/cube", True, mtflight.InvalidIndexError, f"True {INTEGER_HINT}"),
    ("/cube", slice(0, 1.5), mtflight.InvalidIndexError, f"slice(0, 1.5, None) {INTEGER_HINT}"),
    ("/cube", [0.5, 1], mtflight.InvalidIndexError, f"[0.5, 1] {INTEGER_HINT}, not float64 of shape (2,)"),
    ("/cube", np.array(["a"]), mtflight.InvalidIndexError, f"array(['a'], dtype='<U1') {INTEGER_HINT}, not <U1 of shape (1,)"),
    ("/cube", {"a": 1}, mtflight.InvalidIndexError, f"{{'a': 1}} {INTEGER_HINT}"),
    ("/cube", np.ones(5, bool), IndexError, "the mask does not fit the array along axis 0: it has 5 booleans, the axis 6 places"),
    ("/cube", np.ones((6, 4), bool), IndexError, "the mask does not fit the array along axis 1: it has 4 booleans, the axis 5 places"),
    ("/cube", slice(None, None, 0), ValueError, "slice step cannot be zero"),
    ("/cube", ([0, 1], [0, 1, 2]), IndexError, "shape mismatch: indexing arrays could not be broadcast together with shapes (2,) (3,) "),
]


@pytest.mark.parametrize(("path", "key", "kind", "message"), REFUSED, ids=[repr(r[1])[:40] for r in REFUSED])
def test_refused(folder, path, key, kind, message):
    with pytest.raises(kind) as refused:
        folder[f"arrays.h5{path}"][key]
    assert str(refused.value) == message
    if kind is mtflight.InvalidIndexError:
        assert isinstance(refused.value, IndexError) and isinstance(refused.value, TypeError)


def test_a_reader_refuses_by_the_same_types():
    """What multitables' users catch is IndexError, what newer PyTables raise TypeError."""
    reader = mtflight.Reader(TESTDATA / "arrays.h5")
    tables_reader = mtflight.Reader(TESTDATA / "tables.h5")
    events = tables_reader.get_dataset("/events")
    cube, ragged = reader.get_dataset("/cube"), reader.get_dataset("/ragged")
    for source, make in ((reader, lambda: cube[1.5]), (reader, lambda: cube["x"]), (reader, lambda: cube[1.5:3]), (reader, lambda: cube[0, 1.0]),
                         (reader, lambda: cube[[0.5]]), (reader, lambda: cube[0, "a":2]), (reader, lambda: cube[np.ones((2, 2))]),
                         (reader, lambda: cube[0, 0, 0, 0]), (reader, lambda: ragged[1.5]), (reader, lambda: ragged[1.5:2]),
                         (tables_reader, lambda: events[1.5]), (tables_reader, lambda: events[[0.5]]),
                         (tables_reader, lambda: events["a":"b"]), (tables_reader, lambda: events[{}])):
        with pytest.raises(IndexError) as refused:
            source._apply(make())
        assert isinstance(refused.value, TypeError), make


def test_what_is_read_of_an_axis():
    """The request for a block asks for no more places than the index has, as far as it can say so."""
    def members(key, shape=(100, 50)):
        return numpy_index.plan(key, shape).members

    assert members(np.s_[10:20]) == {"start": 10, "stop": 20, "step": 1} and members(np.s_[::-1]) == {}
    assert members(np.s_[90:10:-7]) == {"start": 13, "stop": 91, "step": 7}
    assert members(np.s_[[5, 5, 9]]) == {"coordinates": [5, 9]} and members(np.s_[[5, 6, 7, 6]]) == {"start": 5, "stop": 8, "step": 1}
    assert members(np.s_[3, 4]) == {"select": "3:4:1, 4:5:1"} and members(np.s_[..., [1, 40]]) == {"select": "0:100:1, [1, 40]"}
    assert members(np.s_[[0, 9], [1, 40]]) == {"select": "0:10:1, [1, 40]"}
    assert members(np.s_[[]]) == {} and members(np.s_[:0]) == {} and members(np.s_[:], (0,)) == {}


def test_a_dataset_that_grows(tmp_path):
    """Indexes are of what is there when they are asked, not of what was."""
    name = tmp_path / "grows.h5"

    def write(rows: int, **more):
        with h5py.File(tmp_path / "next", "w") as f:
            f.create_dataset("a", data=np.arange(rows), chunks=(10,), maxshape=(None,))
            f["t"] = np.arange(rows).astype([("x", "i8")]) if more else np.arange(rows)
            f["s"] = [str(i) for i in range(rows)]
        (tmp_path / "next").replace(name)

    write(20)
    with mtflight.open(name) as file:
        a, s, t = file["/a"], file["/s"], file["/t"]
        assert (a[-1], a[::-1][0], s[-1], t[-1]) == (19, 19, "19", 19)
        for rows in (35, 8, 50):
            write(rows, table=True)
            assert (a[-1], a[rows - 1], a[::-1][0], s[-1], s[rows - 1]) == (*[rows - 1] * 3, *[str(rows - 1)] * 2)
            assert a[[-1, 0]].tolist() == [rows - 1, 0] and a[np.ones(rows, bool)].tolist() == list(range(rows)) and a[:].shape == (rows,)
            assert t[-1]["x"] == rows - 1 and s[:].shape == (rows,)
            with pytest.raises(IndexError):
                a[rows]
