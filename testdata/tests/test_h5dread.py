"""Every dataset of testdata against H5Dread, variable-length data too; MTFLIGHT_CORPUS=DIR takes the files below DIR as well.

The Go side of this, reader's TestNativeAsLibrary, reads through the helpers' own libhdf5, which knows fewer formats. What
came of the datasets is printed (pytest -s).
"""

from __future__ import annotations

import collections
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import h5py
import libhdf5
import pyarrow as pa
import pyarrow.flight as fl
import pytest
from conftest import TESTDATA
from h5dread import Comparer
from test_generated import described, get

LARGEST = 64 << 20  # bytes of a dataset
ROOTS = [str(TESTDATA), *filter(None, [os.environ.get("MTFLIGHT_CORPUS")])]


@pytest.mark.parametrize("root", ROOTS)
def test_every_file_as_h5dread(start, root):
    counts: collections.Counter = collections.Counter()
    wrong = []
    names = [str(p.relative_to(root)) for p in sorted(Path(root).rglob("*")) if p.is_file() and p.suffix not in (".py", ".md", ".txt", ".tsv")]
    done = subprocess.run([sys.executable, "-W", "ignore", __file__, start(root).location, root], input="\n".join(names), capture_output=True,
                          text=True, timeout=4 * 3600, cwd=Path(__file__).parent)
    assert done.returncode == 0, done.stderr
    for file, dataset, outcome in map(json.loads, done.stdout.splitlines()):
        counts[outcome.split(":")[0]] += 1
        if os.environ.get("MTFLIGHT_CORPUS") and not outcome.startswith(("right", "no HDF5 file")):
            print(file, dataset, outcome[:300])
        if outcome.startswith("wrong"):
            wrong.append(f"{file} {dataset}: {outcome}")
    print(f"\n{root}\n" + "\n".join(f"{n:6} {what}" for what, n in sorted(counts.items())))
    assert counts["right"] > 50
    assert counts["right, of variable length"] > 2
    assert not wrong, "\n".join(wrong)


# ---------------------------------------------------------------------- a process of its own, with a child for each file


def compare_files(location: str, root: str) -> None:
    for name in sys.stdin.read().splitlines():
        child = os.fork()
        if child == 0:
            signal.alarm(120)
            compare_file(fl.connect(location), root, name)
            sys.stdout.flush()
            os._exit(0)
        if os.waitpid(child, 0)[1] != 0:
            print(json.dumps([name, "", "libhdf5 died"]), flush=True)


def compare_file(client: fl.FlightClient, root: str, name: str) -> None:
    try:
        file = h5py.File(Path(root, name))
    except OSError:
        print(json.dumps([name, "", "no HDF5 file"]))
        return
    for path in paths(file):
        print(json.dumps([name, path, outcome(client, file, name, path)]), flush=True)


def paths(file: h5py.File) -> list[str]:
    found: list[str] = []
    try:
        file.visititems(lambda path, object: found.append("/" + path) if isinstance(object, h5py.Dataset) else None)
    except Exception:  # noqa: BLE001 (a damaged group ends the walk)
        pass
    return found


def outcome(client: fl.FlightClient, file: h5py.File, name: str, path: str) -> str:
    try:
        dataset = h5py.Dataset(h5py.h5d.open(file.id, path.encode(), libhdf5.access()))
        if dataset.size and dataset.size * dataset.id.get_type().get_size() > LARGEST:
            return "large"
        c, t = Comparer(file), dataset.id.get_type()
        values = c.values(dataset)
    except Exception as e:  # noqa: BLE001 (h5py has many)
        return f"libhdf5 or this comparison cannot: {type(e).__name__} {e}"
    try:
        c.check(get(client, name, path, {}), values, t)
    except (pa.ArrowException, fl.FlightError) as e:
        return f"refused: {e}"
    except AssertionError as e:
        return f"wrong: {described(dataset)}: {e}"
    except Exception as e:  # noqa: BLE001
        return f"libhdf5 or this comparison cannot: {type(e).__name__} {e}"
    return "right, of variable length" if t.detect_class(h5py.h5t.VLEN) or variable_text(t) else "right"


def variable_text(t: h5py.h5t.TypeID) -> bool:
    match t:
        case h5py.h5t.TypeStringID():
            return t.is_variable_str()
        case h5py.h5t.TypeCompoundID():
            return any(variable_text(t.get_member_type(i)) for i in range(t.get_nmembers()))
        case h5py.h5t.TypeArrayID():
            return variable_text(t.get_super())
    return False


if __name__ == "__main__":
    compare_files(*sys.argv[1:])
