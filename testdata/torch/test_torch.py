"""Tensors, and torch's workers: each row once, in the same order for the same seed, resumed in the middle."""

from __future__ import annotations

import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

import mtflight
import mtflight.torch
from mtflight._internal.training.tensors import tensors

CLONE = Path(__file__).resolve().parents[2]
FILE = CLONE / "testdata" / "tables.h5"
os.environ.setdefault("MTFLIGHT_BIN", str(CLONE / "bin" / "mtflight"))
pytestmark = [pytest.mark.filterwarnings("error:.*not writable"), pytest.mark.filterwarnings("ignore:This DataLoader will create")]


@pytest.fixture(scope="module")
def events():
    with h5py.File(FILE) as f:
        return f["events"][:]


def dataset(**options) -> mtflight.torch.IterableDataset:
    return mtflight.torch.IterableDataset(FILE, "/events", ["id", "energy"], **{"batch_size": 300, "shuffle": True, **options})


def ids(batches) -> np.ndarray:
    return torch.cat([batch["id"] for batch in batches]).numpy()


def test_tensors(events):
    names = ["t", "energy", "run", "channel", "gain", "flags", "good", "pos", "weight", "hits"]
    batch = next(iter(mtflight.torch.IterableDataset(FILE, "/events", names, batch_size=50)))
    for name in names:
        np.testing.assert_array_equal(batch[name].double().numpy(), events[name][:50].astype("f8"), name)
    assert batch["good"].dtype == torch.bool and batch["hits"].dtype == torch.int64 and batch["pos"].shape == (50, 3)
    batch["energy"] += 1
    with pytest.raises(TypeError, match="tensors hold numbers, and name has texts"):
        next(iter(mtflight.torch.IterableDataset(FILE, "/events", batch_size=50)))


def test_tensors_of_types():
    for dtype in ("i1", "u1", "i2", "i4", "i8", "f2", "f4", "f8", "c8", "c16", "?"):
        array = np.arange(6).astype(dtype)
        tensor = tensors(array)
        array[0] = 1
        assert (tensor.numpy() == array).all() and tensor.numpy().dtype == array.dtype  # the same memory
    for dtype, wider in (("u2", torch.int32), ("u4", torch.int64), ("u8", torch.int64)):
        assert tensors(np.arange(6, dtype=dtype)).dtype == wider
    with pytest.raises(OverflowError, match="x has 18446744073709551615"):
        tensors(np.array([2**64 - 1], "u8"), "x")
    nested = tensors(np.zeros(3, [("a", "i4"), ("b", [("c", "f4", (2,))])]))
    assert nested["a"].shape == (3,) and nested["b"]["c"].shape == (3, 2)


@pytest.mark.parametrize("workers", [0, 2])
def test_epochs_of_a_loader(workers, events):
    loader, again = (mtflight.torch.loader(dataset(), workers) for _ in range(2))
    orders = [ids(loader) for _ in range(3)]
    assert all((np.sort(o) == np.sort(events["id"])).all() for o in orders) and len({o.tobytes() for o in orders}) == 3
    assert (ids(again) == orders[0]).all() and len(loader) == 17
    again.set_epoch(2)
    assert (ids(again) == orders[2]).all()


@pytest.mark.parametrize("group_bytes", [1, 8000, 1 << 20])
def test_resumed_in_the_middle(group_bytes):
    """With as many workers in the same order, with others each of the rows; also after a loop that was broken off."""
    loader = mtflight.torch.loader(dataset(), 2)
    loader._group_bytes = group_bytes  # two batches, or all of a worker's
    first, second = ids(loader), ids(loader)
    loader.set_epoch(0)
    given = [batch["id"] for _, batch in zip(range(5), loader)]
    state = pickle.loads(pickle.dumps(loader.state_dict()))
    assert (ids(loader) == second).all()
    loader.load_state_dict(state)
    assert (torch.cat([*given, *(b["id"] for b in loader)]).numpy() == first).all() and (ids(loader) == second).all()
    for workers in (0, 1) if group_bytes == 1 else (0,):
        other = mtflight.torch.loader(dataset(), workers)
        other.load_state_dict(state)
        assert (np.sort(torch.cat([*given, *(b["id"] for b in other)]).numpy()) == np.sort(first)).all()
    with pytest.raises(ValueError, match="state is of batch_size=300, and this has 200"):
        mtflight.torch.loader(dataset(batch_size=200)).load_state_dict(state)


def test_a_loader_of_torch(events):
    """Without ours: spawned workers with servers of their own, and forked ones, which is what torch does by itself."""
    for context in ("spawn", "fork"):
        code = f"""
import sys
sys.path.insert(0, {str(CLONE / "examples" / "python")!r})
import torch, mtflight.torch
if __name__ == "__main__":
    of = mtflight.torch.IterableDataset({str(FILE)!r}, "/events", ["id"], batch_size=300, shuffle=True)
    loader = torch.utils.data.DataLoader(of, batch_size=None, num_workers=2, multiprocessing_context={context!r})
    orders = []
    for epoch in range(2):
        of.set_epoch(epoch)
        orders.append(torch.cat([batch["id"] for batch in loader]))
    assert sorted(orders[0].tolist()) == sorted(orders[1].tolist()) and orders[0].tolist() != orders[1].tolist()
    print(len(orders[0]), len(of))
"""
        assert run(code).split() == ["5000", "17"], context


def test_fork_after_use_says_what_to_do():
    of = dataset()
    assert len(of) == 17
    with pytest.raises(RuntimeError, match="spawn or forkserver"):
        list(DataLoader(of, batch_size=None, num_workers=1, multiprocessing_context="fork"))


def test_a_dataset_s_own_state(events):
    of, again = dataset(), dataset()
    whole, loop = ids(of), iter(of)
    given = [next(loop)["id"] for _ in range(4)]
    again.load_state_dict(pickle.loads(pickle.dumps(of.state_dict())))
    assert (torch.cat([*given, *(b["id"] for b in again)]).numpy() == whole).all() and (ids(again) == whole).all()


def test_ranks_of_torch_distributed(tmp_path, events):
    code = f"""
import sys
sys.path.insert(0, {str(CLONE / "examples" / "python")!r})
import torch, torch.distributed, mtflight.torch
if __name__ == "__main__":
    of = mtflight.torch.IterableDataset({str(FILE)!r}, "/events", ["id"], batch_size=100, shuffle=True, uneven=sys.argv[2])
    loader = mtflight.torch.loader(of, int(sys.argv[3]))
    torch.distributed.init_process_group("gloo", init_method="file://{tmp_path}/" + sys.argv[2], rank=int(sys.argv[1]), world_size=3)
    got = torch.cat([batch["id"] for batch in loader])
    counts = torch.tensor([len(got)])
    torch.distributed.all_reduce(counts)
    print(int(counts), *got.tolist())
"""
    for uneven, workers, total in (("drop", 1, 4998), ("keep", 0, 5000), ("pad", 0, 5001)):
        (tmp_path / "rank.py").write_text(code)
        ranks = [subprocess.Popen([sys.executable, tmp_path / "rank.py", str(rank), uneven, str(workers)], stdout=subprocess.PIPE, text=True)
                 for rank in range(3)]
        got = [[int(n) for n in p.communicate(timeout=300)[0].split()] for p in ranks]
        assert [g[0] for g in got] == [total] * 3
        rows = sum((g[1:] for g in got), [])
        assert len(rows) == total and len(set(rows)) == min(total, 5000)
        assert uneven != "keep" or sorted(rows) == sorted(events["id"].tolist())


def test_options_of_the_loader():
    loader = mtflight.torch.loader(dataset(), 0, collate_fn=len)
    assert list(loader) == [2] * 17
    with pytest.raises(TypeError, match="batch_size= is the dataset's"):
        mtflight.torch.loader(dataset(), 0, batch_size=3)


def test_torchdata(events):
    stateful = pytest.importorskip("torchdata.stateful_dataloader", reason="torchdata is not installed beside this torch")
    loader = stateful.StatefulDataLoader(dataset(), batch_size=None, num_workers=2, multiprocessing_context="spawn")
    given, state = [], None
    for n, batch in enumerate(loader):
        given.append(batch["id"])
        if n == 4:
            state = loader.state_dict()
            break
    again = stateful.StatefulDataLoader(dataset(), batch_size=None, num_workers=2, multiprocessing_context="spawn")
    again.load_state_dict(state)
    assert (np.sort(torch.cat([*given, *(b["id"] for b in again)]).numpy()) == np.sort(events["id"])).all()


def run(code: str, folder: Path | None = None) -> str:
    """What a program prints, as a file that spawned workers can import."""
    import tempfile
    with tempfile.TemporaryDirectory() as made:
        script = Path(folder or made) / "program.py"
        script.write_text(code)
        done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=300, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_page(tmp_path):
    (tmp_path / "events.h5").write_bytes(FILE.read_bytes())
    samples = re.findall(r"^```python\n(.*?)^```$", (CLONE / "docs" / "torch.md").read_text(), re.DOTALL | re.MULTILINE)
    head = f"import sys\nsys.path.insert(0, {str(CLONE / 'examples' / 'python')!r})\n"
    checks = {"seen": 'if __name__ == "__main__":\n    assert seen == 15000', "left": "assert expected == left == 7", "rows": "assert rows == 15000",
              "means": "assert len(means) == 9"}
    assert len(samples) == len(checks)
    for sample, (name, check) in zip(samples, checks.items()):
        assert name in sample
        if name == "means":
            pytest.importorskip("jax", reason="the page's sample for JAX is not run: JAX is not installed beside this torch")
        run(head + sample + check, tmp_path)
