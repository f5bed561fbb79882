"""Batches for training: each row once in an epoch, in an order of its own, by any number of ranks; resumed where they were; and what their
values are. Tensors, and torch's workers, are testdata/torch's."""

from __future__ import annotations

import pickle
import re
import sys

import h5py
import numpy as np
import pytest

from conftest import CLONE, TESTDATA

sys.path.insert(0, str(CLONE / "examples" / "python"))

import mtflight  # noqa: E402
from mtflight._internal.transport import server as private  # noqa: E402
from mtflight._internal.training.batches import for_children, rank_of  # noqa: E402
from mtflight._internal.training.shares import Progress, Share, dealt, grouped  # noqa: E402
from mtflight._internal.transport.client import Client  # noqa: E402
from mtflight.training import Batches  # noqa: E402

FILE, ROWS = TESTDATA / "tables.h5", 5000
KINDS = ("drop", "pad", "keep")


@pytest.fixture(scope="module")
def events():
    with h5py.File(FILE) as f:
        return f["events"][:]


def batches(**options) -> Batches:
    return Batches(FILE, "/events", ["id", "energy"], **{"batch_size": 100, "shuffle": True, **options})


def ids(of) -> np.ndarray:
    return np.concatenate([batch["id"] for batch in of])


@pytest.mark.parametrize("uneven", KINDS)
def test_shares_of_ranks(uneven):
    """Ranks have each place as often as is said, in any number of batches."""
    rng = np.random.default_rng(5)
    for _ in range(300):
        rows, size, world = (int(n) for n in (rng.integers(0, 40), rng.integers(1, 12), rng.integers(1, 6)))
        shares = [Share(rows, size, rank, world, uneven, False) for rank in range(world)]
        places = [[p for batch in range(s.batches) for a, z in s.places((batch, batch + 1)) for p in range(a, z)] for s in shares]
        for share, got in zip(shares, places):
            assert got == [p for a, z in share.places((0, share.batches)) for p in range(a, z)]
            assert share.batches == -(-len(got) // size) and Share(rows, size, share.rank, world, uneven, True).batches == len(got) // size
        each, together = {len(p) for p in places}, sum(places, [])
        if uneven == "keep":
            assert together == list(range(rows)) and max(each) - min(each) <= 1
        elif uneven == "drop":
            assert len(each) == 1 and together == list(range(rows - shares[0].left_out)) and shares[0].left_out < world
        else:
            assert len(each) == 1 and set(together) == set(range(rows)) and (not rows or len(together) - rows < world)


def test_batches_are_dealt():
    rng = np.random.default_rng(6)
    for _ in range(200):
        bounds = np.sort(rng.choice(60, 2 * int(rng.integers(1, 5)), replace=False)).tolist()
        ranges = list(zip(bounds[::2], bounds[1::2]))
        parts = dealt(ranges, int(rng.integers(1, 9)))
        numbers = [[n for a, z in part for n in range(a, z)] for part in parts]
        assert sum(numbers, []) == [n for a, z in ranges for n in range(a, z)] and max(map(len, numbers)) - min(map(len, numbers)) <= 1


def test_progress_is_what_has_not_come():
    """Workers take turns; what is left goes to as many workers, in the turn they were at, or to others."""
    for workers in (1, 2, 5):
        whole = Progress(3, workers)
        queues = [[n for a, z in whole.of(w, 13) for n in range(a, z)] for w in range(workers)]
        order = [queue[i] for i in range(13) for queue in queues if i < len(queue)]
        for done in range(13):
            progress = Progress(3, workers)
            for n in order[:done]:
                progress.taken(n, 13)
            restored = Progress.restored(progress.state())
            left = [[n for a, z in restored.of(w, 13) for n in range(a, z)] for w in range(workers)]
            assert [queue[i] for i in range(13) for queue in left if i < len(queue)] == order[done:]
            others = restored.for_workers(3)
            assert sorted(n for w in range(3) for a, z in others.of(w, 13) for n in range(a, z)) == sorted(order[done:])
        with pytest.raises(ValueError, match="13 batches, and now there are 14"):
            restored.of(0, 14)


@pytest.mark.parametrize(("uneven", "each", "distinct"), [("drop", [1666] * 3, 4998), ("pad", [1667] * 3, 5000), ("keep", [1666, 1667, 1667], 5000)])
@pytest.mark.parametrize("block_rows", [None, 77])
def test_an_epoch_of_three_ranks(uneven, each, distinct, block_rows, events, caplog):
    got = [ids(batches(rank=rank, world_size=3, uneven=uneven, block_rows=block_rows)) for rank in range(3)]
    assert [len(g) for g in got] == each and len(np.unique(np.concatenate(got))) == distinct
    assert set(np.concatenate(got)) <= set(events["id"])
    assert ("2 of 5000 rows are left out" in caplog.text) == (uneven == "drop")


def test_orders(events):
    first, second, other, plain = batches(), batches(), batches(seed=1), batches(shuffle=False)
    orders = [ids(first) for _ in range(3)]
    assert all((np.sort(o) == np.sort(events["id"])).all() for o in orders)
    assert len({o.tobytes() for o in [*orders, ids(other)]}) == 4
    assert (ids(second) == orders[0]).all() and (ids(plain) == events["id"]).all() and (ids(plain) == events["id"]).all()
    second.set_epoch(2)
    assert (ids(second) == orders[2]).all()
    assert (ids(batches(batch_size=999)) == orders[0]).all() and [len(b["id"]) for b in batches(batch_size=999)] == [999] * 5 + [5]
    assert [len(b["id"]) for b in batches(batch_size=999, drop_last=True)] == [999] * 5


def test_rows_of_a_batch_belong_together(events):
    energies = dict(zip(events["id"].tolist(), events["energy"].tolist()))
    for batch in batches(batch_size=300, block_rows=70):
        assert [energies[i] for i in batch["id"].tolist()] == batch["energy"].tolist()


@pytest.mark.parametrize("done", [0, 1, 7, 50])
def test_resumed_in_the_middle(done):
    whole = batches(rank=1, world_size=2, batch_size=50)
    first, second = ids(whole), ids(whole)
    again = batches(rank=1, world_size=2, batch_size=50)
    given = [batch["id"] for _, batch in zip(range(done), again)]
    resumed = batches(rank=1, world_size=2, batch_size=50)
    resumed.load_state_dict(pickle.loads(pickle.dumps(again.state_dict())))
    if done < 50:
        assert (np.concatenate([*given, ids(resumed)]) == first).all()
    assert (ids(resumed) == second).all()
    with pytest.raises(ValueError, match="state is of rank=1, and this has 0"):
        batches(world_size=2, batch_size=50).load_state_dict(again.state_dict())


def test_turns_of_several_batches():
    """Workers that hand over groups of batches go on within the group they were at."""
    for group in (1, 3, 4):
        def turns(progress, group=group):
            queues = [[g for r in progress.of(w, 23) for g in grouped(r, group)] for w in range(3)]
            return [(n, n + 1 == z) for i in range(23) for queue in queues if i < len(queue) for n in range(*queue[i]) for z in [queue[i][1]]]

        order = turns(Progress(0, 3))
        assert sorted(n for n, _ in order) == list(range(23))
        for done in range(23):
            progress = Progress(0, 3)
            for n, over in order[:done]:
                progress.taken(n, 23, over)
            assert turns(Progress.restored(progress.state())) == order[done:]


def test_datasets_side_by_side(tmp_path):
    x, y = np.arange(3000 * 6, dtype="f4").reshape(3000, 2, 3), np.arange(3000, dtype="i8")
    with h5py.File(tmp_path / "f.h5", "w") as f:
        f.create_dataset("x", data=x, chunks=(100, 2, 3), compression="gzip")
        f.create_dataset("y", data=y)
        f.create_dataset("short", data=y[:-1])
    seen = []
    for images, labels in Batches(tmp_path / "f.h5", ["/x", "/y"], batch_size=64, shuffle=True):
        assert (images == x[labels]).all() and images.flags.writeable
        images /= 2
        seen.append(labels)
    assert (np.sort(np.concatenate(seen)) == y).all() and (np.concatenate(seen) != y).any()
    for images in Batches(tmp_path / "f.h5", "/x", batch_size=1500):
        assert images.shape == (1500, 2, 3)
    with pytest.raises(ValueError, match="not 3000, 2999"):
        next(iter(Batches(tmp_path / "f.h5", ["/x", "/short"], batch_size=64)))
    with pytest.raises(TypeError, match="columns= and where= are of one dataset"):
        Batches(tmp_path / "f.h5", ["/x", "/y"], columns=["x"], batch_size=64)


def test_what_narrows_it(events, server):
    chosen = events["id"][events["energy"] > 2]
    assert (ids(batches(where="energy > cut", vars={"cut": 2}, shuffle=False)) == chosen).all()
    assert (np.sort(ids(batches(where="energy > 2"))) == np.sort(chosen)).all()
    with mtflight.connect(server.location) as connection:
        table = connection.table("tables.h5", "/events").where("energy > 2").select(["id"]).limit(99)
        assert (ids(Batches(table, batch_size=10)) == chosen[:99]).all()
        assert (ids(pickle.loads(pickle.dumps(Batches(table, batch_size=10)))) == chosen[:99]).all()
    assert (ids(Batches("tables.h5", "/events", start=5, step=3, batch_size=10, location=server.location)) == events["id"][5::3]).all()
    assert len(list(batches(stop=0))) == 0


def test_values_of_all_columns(events):
    batch = next(iter(Batches(FILE, "/events", batch_size=10)))
    assert set(batch) == set(events.dtype.names) and batch["name"].dtype == object
    for name in ("t", "energy", "run", "channel", "gain", "pos", "weight"):
        np.testing.assert_array_equal(np.asarray(batch[name], "f8"), events[name][:10].astype("f8"), name)
        assert batch[name].flags.writeable, name


def test_the_file_as_it_was(tmp_path):
    """Rows that come meanwhile are not of the epoch; rows that go are an error."""
    with h5py.File(tmp_path / "f.h5", "w") as f:
        f.create_dataset("x", data=np.arange(1000), maxshape=(None,), chunks=(100,))
    of = Batches(tmp_path / "f.h5", "/x", batch_size=100, shuffle=True, block_rows=100)
    first = np.concatenate(list(of))
    with h5py.File(tmp_path / "f.h5", "a") as f:
        f["x"].resize((1500,))
    assert (np.sort(np.concatenate(list(of))) == np.sort(first)).all()
    with h5py.File(tmp_path / "f.h5", "a") as f:
        f["x"].resize((700,))
    with pytest.raises(OSError, match="lost rows since the first epoch, when there were 1000"):
        list(of)


def test_nothing_is_asked_before_it_is_needed(monkeypatch):
    """What is pickled, or forked, has no connection."""
    def refuse(*_, **__):
        raise AssertionError

    monkeypatch.setattr(Client, "__init__", refuse)
    monkeypatch.setattr(private, "location", refuse)
    of = batches(rank=1, world_size=2)
    of.set_epoch(3)
    copy = pickle.loads(pickle.dumps(of))
    assert copy.state_dict() == of.state_dict()
    monkeypatch.undo()
    assert (ids(copy) == ids(of)).all()


def test_children_read_by_the_server_of_their_parent():
    of = batches()
    shared = rank_of(for_children(of._given))
    assert shared.recipe.location == mtflight.server.location() and shared.share == of._rank.share
    table = rank_of(for_children(Batches(mtflight.open(FILE)["/events"], batch_size=9)._given))
    assert table.recipe.source._client.location == mtflight.server.location() and table.share.rows == ROWS
    elsewhere = Batches("tables.h5", "/events", batch_size=9, location="grpc://host:8815")
    assert for_children(elsewhere._given) == elsewhere._given


@pytest.mark.parametrize(("wrong", "told"), [
    ({"batch_size": 0}, "at least 1 row"), ({"uneven": "some"}, "none of"), ({"rank": 2, "world_size": 2}, "rank 2 is none of 0 to 1"),
    ({"stream": {"shuffle": 3}}, "stream.shuffle is set by"), ({"dataset": None}, "name a dataset"), ({"columns": ["nope"]}, 'no column "nope"')])
def test_what_cannot_be(wrong, told):
    with pytest.raises((ValueError, TypeError, KeyError), match=told):
        list(Batches(FILE, **{"dataset": "/events", "batch_size": 10, **wrong}))


def test_the_page(tmp_path, python):
    """The samples of docs/torch.md without torch; testdata/torch runs all of them."""
    samples = re.findall(r"^```python\n(.*?)^```$", (CLONE / "docs" / "torch.md").read_text(), re.DOTALL | re.MULTILINE)
    plain = [s for s in samples if "torch" not in s and "jax" not in s]
    assert len(plain) == 1
    code = f"import os, sys\nos.chdir({str(tmp_path)!r})\nsys.path.insert(0, {str(CLONE / 'examples' / 'python')!r})\n"
    (tmp_path / "events.h5").write_bytes(FILE.read_bytes())
    (tmp_path / "page.py").write_text(code + plain[0] + "\nprint(rows)\n")
    assert python(tmp_path / "page.py").split()[-1] == str(3 * ROWS)
