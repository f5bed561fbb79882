"""Every snippet of multitables' Quick Start, How To, Streamer and Reader chapters, run with mtflight in its place.

The lines of the snippets are theirs; each result is checked against PyTables.
"""

from __future__ import annotations

import sys
import threading

import numpy as np
import pytest
import tables

from conftest import CLONE

sys.path.insert(0, str(CLONE / "examples" / "python"))

import mtflight as multitables  # noqa: E402

PATH = "/internal/h5/path"


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """A table of the columns that the chapters name; col_C has a completely sorted index."""
    name = tmp_path_factory.mktemp("multitables") / "file.h5"
    rng = np.random.default_rng(5)
    rows = np.zeros(1003, [("col_A", "f4", (500,)), ("col_B", "i4"), ("col_C", "f8")])
    rows["col_A"], rows["col_B"], rows["col_C"] = rng.random((1003, 500)), np.arange(1003), rng.permutation(1003)
    with tables.open_file(name, "w") as f:
        t = f.create_table("/internal/h5", "path", rows, createparents=True, chunkshape=(64,))
        t.cols.col_C.create_csindex()
    return str(name)


@pytest.fixture(scope="module")
def h5(file):
    with tables.open_file(file) as f:
        yield f.get_node(PATH)


@pytest.fixture
def seen():
    return []


@pytest.fixture
def do_something(seen):
    """Keeps a copy of all it is given."""
    return lambda data: seen.append(np.array(data, copy=True))


def same(got, want) -> bool:
    got, want = np.asarray(got), np.asarray(want)
    assert (got.dtype, got.shape) == (want.dtype, want.shape)
    return got.tobytes() == want.tobytes()


def by_row(rows) -> np.ndarray:
    rows = np.asarray(rows)
    return rows[np.argsort(rows["col_B"], kind="stable")]


def test_quick_start_streaming(file, h5, seen, do_something):
    stream = multitables.Streamer(filename=file)
    for row in stream.get_generator(path=PATH):
        do_something(row)
    assert same(by_row(np.array(seen)), h5[:])


def test_quick_start_random_access(file, h5, seen, do_something):
    reader = multitables.Reader(filename=file)

    dataset = reader.get_dataset(path=PATH)
    stage = dataset.create_stage(10)

    req = dataset["col_A"][30:35]
    future = reader.request(req, stage)
    with future.get_unsafe() as data:
        do_something(data)
    data = None  # noqa: F841
    assert same(seen[-1], h5.col("col_A")[30:35])

    req = dataset.col("col_A")[30:35, ..., :100]
    future = reader.request(req, stage)
    with future.get_proxy() as data:
        do_something(data)
    assert same(seen[-1], h5.col("col_A")[30:35, ..., :100])

    req = dataset.read_sorted("col_C", checkCSI=True, start=200, stop=300)
    stage_of_rows = dataset.create_stage(100)
    future = reader.request(req, stage_of_rows)
    future.get_direct(do_something)
    assert same(seen[-1], h5.read_sorted("col_C", checkCSI=True, start=200, stop=300))

    req = dataset["col_A"][30:35, np.arange(500) > 45]
    future = reader.request(req, stage)
    do_something(future.get())
    assert same(seen[-1], h5.col("col_A")[30:35, np.arange(500) > 45])

    reader.close(wait=True)


def test_stage_too_small_for_the_quick_start(file):
    """The chapter's own stage of 10 rows does not hold its 100 sorted ones; that is multitables' exception too."""
    reader = multitables.Reader(filename=file)
    dataset = reader.get_dataset(path=PATH)
    future = reader.request(dataset.read_sorted("col_C", checkCSI=True, start=200, stop=300), dataset.create_stage(10))
    with pytest.raises(multitables.SharedMemoryError, match="Stage is smaller than requested array"):
        future.get()
    reader.close(wait=True)


def test_streamer_direct_access(file, h5, seen, do_something):
    stream = multitables.Streamer(filename=file)
    queue = stream.get_queue(
        path=PATH,
        n_procs=4,
        read_ahead=5,
        cyclic=False,
        block_size=32,
        ordered=False,
    )

    while True:
        guard = queue.get()
        if guard is multitables.QueueClosed:
            break
        with guard as block:
            do_something(block)
    assert {len(b) for b in seen} == {32}
    assert same(by_row(np.concatenate(seen)), h5[:1003 // 32 * 32])


def test_streamer_iterator_and_remainder(file, h5, seen, do_something):
    stream = multitables.Streamer(filename=file)
    path = PATH
    queue = stream.get_queue(path, block_size=32, ordered=True)
    for guard in queue.iter():
        with guard as block:
            do_something(block)
    last_block = stream.get_remainder(path, queue.block_size)
    assert same(np.concatenate([*seen, last_block]), h5[:])
    last_block["col_B"] = 0  # the caller's own


def test_streamer_cyclic(file, h5, seen, do_something):
    stream = multitables.Streamer(filename=file)
    queue = stream.get_queue(PATH, block_size=64, cyclic=True, ordered=True)
    while True:
        with queue.get() as block:
            do_something(block)
        if len(seen) == 40:
            break
    queue.close()
    assert queue.get() is multitables.QueueClosed
    assert same(np.concatenate(seen), np.concatenate([h5[:]] * 3)[:40 * 64])


@pytest.mark.parametrize("cyclic", [False, True])
def test_generator(file, h5, cyclic):
    stream = multitables.Streamer(filename=file)
    path, n_procs, read_ahead, block_size = PATH, 2, 3, 50
    gen = stream.get_generator(path, n_procs, read_ahead, cyclic, block_size, ordered=True)
    kept = []
    for row in gen:
        kept.append(row)
        if len(kept) == 2500:
            break
    want = [row for _ in range(3 if cyclic else 1) for row in h5[:]]
    assert same(np.array(kept), np.array(want[:2500] if cyclic else want))
    kept[0]["col_B"] = 7  # rows may be changed
    assert kept[0]["col_B"] == 7


def test_reader_requests_four_ways(file, h5, seen):
    reader = multitables.Reader(filename=file)
    dataset = reader.get_dataset(path=PATH)
    stage = dataset.create_stage(shape=10)

    req = dataset["col_A"][30:35]
    request = reader.request(req, stage)
    data = request.get()
    assert same(data, h5.col("col_A")[30:35])

    def do_something(data):
        seen.append(data.copy())

    request = reader.request(dataset["col_A"][30:35], stage)
    data = request.get_direct(do_something)
    assert same(seen[-1], h5.col("col_A")[30:35])

    future = reader.request(dataset["col_A"][30:35], stage)
    with future.get_unsafe() as data:
        do_something(data)
    data = None
    assert same(seen[-1], h5.col("col_A")[30:35])
    reader.close(wait=True)
    with pytest.raises(RuntimeError, match="closed reader"):
        reader.request(req, stage)


def test_reader_concurrent_access_pattern(file, h5, seen, do_something):
    reader = multitables.Reader(filename=file)
    dataset = reader.get_dataset(path=PATH)
    N_stages = 10  # noqa: N806

    stage_pool = dataset.create_stage_pool(1, N_stages)

    reqs = multitables.RequestPool()

    table_len = dataset.shape[0]

    def loader():
        for idx in range(table_len):
            reqs.add(reader.request(dataset[idx:idx + 1], stage_pool))

    loader_thread = threading.Thread(target=loader)
    loader_thread.start()

    for idx in range(table_len):
        do_something(reqs.next().get())

    reader.close(wait=True)
    loader_thread.join()
    assert same(np.concatenate(seen), h5[:])
