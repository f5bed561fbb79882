"""Metadata of files drawn by a seed against libhdf5's reading: MTFLIGHT_GENERATED_META=2000 draws as many instead of 40.

MTFLIGHT_LIBHDF5 names more libraries that write, separated by colons; MTFLIGHT_KEEP=DIR keeps the files. What is
refused must be one of REFUSED; the counts are printed (pytest -s). AnnData's files are drawn where it is installed.
"""

from __future__ import annotations

import os

import generated_meta
import h5lib
import pytest
from metadata import Judge, Witness, listing

COUNT = int(os.environ.get("MTFLIGHT_GENERATED_META", 40))
LIBRARIES = list(filter(None, os.environ.get("MTFLIGHT_LIBHDF5", "").split(":")))
BATCH = 20  # files of a test
REFUSED: list[str] = []


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("generated_meta")


@pytest.fixture(scope="module")
def served(start, root):
    return start(root)


@pytest.fixture(scope="module")
def judge(served):
    out = Judge(served.client())
    yield out
    print("\n" + out.report())


@pytest.fixture(scope="module")
def witnesses():
    """HDF5 2.0, and 1.14 for cache images, which 2.0 cannot read."""
    both = {False: Witness(), True: Witness(h5lib.carried("tables"))}
    yield both
    for w in both.values():
        w.close()


@pytest.mark.parametrize("first", range(0, COUNT, BATCH))
def test_same_as_libhdf5(judge, witnesses, root, python, first):
    python(generated_meta.__file__, root, first, min(BATCH, COUNT - first), *LIBRARIES, timeout=600)
    made = sorted(root.glob("*.h5"))
    assert len(made) == min(BATCH, COUNT - first)
    compared, before, refused = judge.counts["file: compared"], len(judge.different), judge.refused.copy()
    trees = listing(judge.client)
    for path in made:
        judge.compare(path.name, witnesses["image" in path.name].dump(path), trees.get(path.name))
    kept = os.environ.get("MTFLIGHT_KEEP")
    for path in made:
        path.rename(os.path.join(kept, path.name)) if kept else path.unlink()
    batch = Judge(judge.client, different=judge.different[before:], refused=judge.refused - refused)
    assert judge.counts["file: compared"] - compared > len(made) // 2
    assert not (wrong := batch.wrong(REFUSED)), "\n".join(wrong)
