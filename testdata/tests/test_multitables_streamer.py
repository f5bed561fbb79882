"""Streamer: blocks beside PyTables in every mode, many threads, and what happens when something goes wrong."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
import tables

from conftest import CLONE, TESTDATA, until

sys.path.insert(0, str(CLONE / "examples" / "python"))

import mtflight as multitables  # noqa: E402
from mtflight._internal.streams import blocks  # noqa: E402
from mtflight._internal.transport import server as private_server  # noqa: E402
from mtflight.resource_wrapper import ReleasedResourceError  # noqa: E402

TABLES = str(TESTDATA / "tables.h5")
ARRAYS = str(TESTDATA / "arrays.h5")


@pytest.fixture(params=["ring", "flight"])
def transport(request, monkeypatch):
    """Both ways that blocks come."""
    used = []
    if request.param == "flight":
        monkeypatch.setattr(blocks, "RingBlocks", blocks.FlightBlocks)
    for name in ("RingBlocks", "FlightBlocks"):
        whole = getattr(blocks, name)
        monkeypatch.setattr(blocks, name, lambda *a, name=name, whole=whole: used.append(name) or whole(*a))
    yield request.param
    assert "RingBlocks" in used and "FlightBlocks" not in used, "a ring was asked for and not given"


@pytest.fixture
def events():
    with tables.open_file(TABLES) as f:
        yield f.root.events[:]


def drain(queue, key=None) -> list[np.ndarray]:
    out = []
    for guard in queue.iter():
        with guard as block:
            out.append(np.array(block, copy=True))
    return out


def same(got, want) -> bool:
    assert (got.dtype, got.shape) == (want.dtype, want.shape)
    return got.tobytes() == want.tobytes()


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("remainder", [True, False])
@pytest.mark.parametrize("size", [1, 7, 700, 2500, 4999, 5000, 9000, None])
def test_blocks(transport, events, ordered, remainder, size):
    stream = multitables.Streamer(TABLES)
    queue = stream.get_queue("/events", n_procs=2, block_size=size, ordered=ordered, remainder=remainder)
    got = drain(queue)
    step = queue.block_size
    assert step == min(size or 2048, 5000)  # 4 chunks of 512 rows of 64 bytes are 128 KiB
    lengths = [step] * (5000 // step) + [5000 % step] * (remainder and 5000 % step > 0)
    assert sorted(map(len, got)) == sorted(lengths)
    whole = np.concatenate(got)
    if not ordered:
        whole = whole[np.argsort(whole["id"], kind="stable")]
    want = events[:sum(lengths)]
    assert same(whole, want if ordered else want[np.argsort(want["id"], kind="stable")])
    assert same(stream.get_remainder("/events", step), events[5000 // step * step:])


@pytest.mark.parametrize(("size", "rows"), [(1, 0), (4999, 1), (5000, 0), (5001, 5000), (9999, 5000)])
def test_remainder(events, size, rows):
    """As multitables has it: of blocks larger than the dataset there is no whole one, so all of it remains."""
    assert same(multitables.Streamer(TABLES).get_remainder("/events", size), events[5000 - rows:])


@pytest.mark.parametrize("size", [300, 700, 4999, 5000])
def test_cyclic(transport, events, size):
    queue = multitables.Streamer(TABLES).get_queue("/events", block_size=size, cyclic=True, ordered=True)
    got = []
    for guard in queue.iter():
        with guard as block:
            got.append(block.copy())
        if len(got) * size > 23_000:
            break
    queue.close()
    assert {len(b) for b in got} == {size}
    assert same(np.concatenate(got), np.concatenate([events] * 6)[:len(got) * size])


@pytest.mark.parametrize(("path", "size"), [("/wave/blosc", 7), ("/wave/zlib", None), ("/cube", 4), ("/truth", 3), ("/words", None)])
def test_arrays(transport, path, size):
    queue = multitables.Streamer(ARRAYS).get_queue(path, block_size=size, ordered=True, remainder=True)
    with tables.open_file(ARRAYS) as f:
        assert same(np.concatenate(drain(queue)), f.get_node(path)[:])


def test_rows_that_are_left_out_are_told():
    """Only where nobody can know of them: the block size is the package's own choice."""
    stream = multitables.Streamer(TABLES)
    with pytest.warns(multitables.RowsLeftOut, match=r"904 of the 5000 rows .* get_remainder\(.*2048\)") as told:
        stream.get_queue("/events").close()
    assert len(told) == 1 and told[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for options in ({"remainder": True}, {"block_size": 700}, {"cyclic": True}):
            stream.get_queue("/events", **options).close()
        multitables.Streamer(ARRAYS).get_queue("/cube").close()  # all rows in one block
        list(stream.get_generator("/events", remainder=False))
        assert sum(len(b) for b in drain(stream.get_queue("/events", block_size=2048))) + len(stream.get_remainder("/events", 2048)) == 5000


@pytest.mark.parametrize("field", ["id", "pos", "name"])
def test_field(transport, events, field):
    stream = multitables.Streamer(TABLES)
    assert same(np.concatenate(drain(stream.get_queue("/events", ordered=True, field=field, remainder=True))), events[field].copy())
    rows = list(stream.get_generator("/events", ordered=True, field=field))
    assert same(np.array(rows, events[field].dtype if field == "name" else None), events[field].copy())
    with pytest.raises(KeyError):
        stream.get_queue("/events", field="nope")


def test_generator_rows_last(transport, events):
    rows = list(multitables.Streamer(TABLES).get_generator("/events", block_size=64, ordered=True))
    assert same(np.array(rows, events.dtype), events)
    rows[17]["id"] = -1
    gen = multitables.Streamer(TABLES).get_generator("/events", block_size=64, cyclic=True)
    first = next(gen)
    gen.close()
    assert list(gen) == [] and first.dtype == events.dtype


def test_guards(transport, events):
    queue = multitables.Streamer(TABLES).get_queue("/events", block_size=100, ordered=True, read_ahead=1, n_procs=1)
    guard = queue.get()
    with guard as block:
        assert isinstance(block, np.ndarray) and block.shape == (100,)
        block["id"] += 1  # blocks may be changed in place
        kept = block.copy()
    assert (kept["id"] == events["id"][:100] + 1).all()
    with pytest.raises(ReleasedResourceError):
        block["id"]
    with pytest.raises(RuntimeError, match="used before"), guard:
        pass
    for _ in range(49):
        queue.get()  # never entered: their blocks go back all the same
    gc.collect()
    assert queue.get() is multitables.QueueClosed and queue.get() is multitables.QueueClosed


def test_many_threads_share_a_queue(transport, events):
    queue = multitables.Streamer(TABLES).get_queue("/events", block_size=10, n_procs=2)
    got, lock = [], threading.Lock()

    def run():
        mine = drain(queue)
        with lock:
            got.extend(mine)

    threads = [threading.Thread(target=run) for _ in range(16)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(60)
    whole = np.concatenate(got)
    assert len(got) == 500 and same(np.sort(whole["id"]), np.sort(events["id"]))


def test_close_wakes_who_waits(transport):
    """A queue that is closed while a thread takes blocks gives it QueueClosed."""
    queue = multitables.Streamer(TABLES).get_queue("/events", cyclic=True, block_size=100)
    ended = threading.Event()

    def run():
        drain_forever(queue)
        ended.set()

    thread = threading.Thread(target=run)
    thread.start()
    time.sleep(0.3)
    queue.close()
    assert ended.wait(120)
    thread.join()


def drain_forever(queue) -> None:
    for guard in queue.iter():
        with guard as block:
            block["id"][0]


@pytest.mark.parametrize(("arguments", "kind", "message"), [
    ({"block_size": 0}, ValueError, "at least 1"), ({"block_size": -4}, ValueError, "at least 1"),
    ({"n_procs": 0}, ValueError, "n_procs"), ({"read_ahead": 0}, RuntimeError, "strictly positive"),
    ({"read_ahead": -1}, RuntimeError, "strictly positive"), ({"path": "/nope"}, LookupError, "no such dataset"),
])
def test_bad_arguments(arguments, kind, message):
    stream = multitables.Streamer(TABLES)
    with pytest.raises(kind, match=message):
        stream.get_queue(**{"path": "/events", **arguments})
    with pytest.raises(kind, match=message):
        next(stream.get_generator(**{"path": "/events", **arguments}))


def test_bad_datasets():
    with pytest.raises(RuntimeError, match="empty dataset"):
        multitables.Streamer(ARRAYS).get_queue("/wave/empty")
    with pytest.raises(NotImplementedError, match="Reader"):
        multitables.Streamer(ARRAYS).get_queue("/ragged")
    with pytest.raises(RuntimeError, match="not an array or table"):
        multitables.Streamer(str(TESTDATA / "links.h5")).get_queue("/references")
    with pytest.raises(FileNotFoundError):
        multitables.Streamer("no/such.h5").get_queue("/x")
    with pytest.raises(ValueError, match="at least 1"):
        multitables.Streamer(TABLES).get_remainder("/events", 0)


def test_server_that_dies(transport):
    """A server killed in mid-stream is an error for who reads on, and the next stream has another."""
    stream = multitables.Streamer(TABLES)
    queue = stream.get_queue("/events", cyclic=True, block_size=500)
    with queue.get():
        pass
    os.kill(next(iter(private_server._running.values())).process.pid, signal.SIGKILL)
    with pytest.raises((multitables.SubprocessException, ConnectionError)) as e:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            with queue.get() as block:
                block["id"][0]
    assert isinstance(e.value, OSError) and isinstance(e.value, multitables.SubprocessException)
    assert queue.get() is multitables.QueueClosed
    assert len(drain(stream.get_queue("/events", block_size=500))) == 10


def test_close_while_the_server_hangs():
    """A server that is stopped, and answers nobody, does not keep a program from closing its queue and ending."""
    queue = multitables.Streamer(TABLES).get_queue("/events", cyclic=True, block_size=500)
    server = next(iter(private_server._running.values())).process.pid
    os.kill(server, signal.SIGSTOP)
    try:
        closing = threading.Thread(target=queue.close, daemon=True)
        closing.start()
        closing.join(120)
        assert not closing.is_alive()
    finally:
        os.kill(server, signal.SIGCONT)


def test_full_shared_memory(tmp_path, start, monkeypatch):
    """Where nothing can be staged, blocks come over the connection."""
    used = []
    whole = blocks.FlightBlocks
    monkeypatch.setattr(blocks, "FlightBlocks", lambda *a: used.append(1) or whole(*a))
    socket = tmp_path / "s.sock"
    start(TESTDATA, listen=f"grpc+unix://{socket}", args=("--stage-memory", "4KiB"))
    stream = multitables.Streamer("tables.h5", location=f"grpc+unix://{socket}")
    assert sum(map(len, drain(stream.get_queue("/events", block_size=500)))) == 5000
    assert used


def test_nothing_is_left(events):
    """Neither segments nor threads stay behind queues that were closed, or dropped in mid-stream."""
    stream = multitables.Streamer(TABLES)
    drain(stream.get_queue("/events"))
    before, threads = staged(), threading.active_count()
    for _ in range(20):
        queue = stream.get_queue("/events", cyclic=True, block_size=50)
        with queue.get():
            pass
        del queue
        list(stream.get_generator("/events"))
    gc.collect()
    assert until(lambda: staged() <= before and threading.active_count() <= threads)


def staged() -> int:
    """Files in shared memory of this process's private server."""
    return sum(1 for p in Path(f"/dev/shm/mtflight-{os.getuid()}").rglob("r-*"))
