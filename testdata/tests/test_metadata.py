"""Every object, link and attribute of testdata against libhdf5's reading; MTFLIGHT_CORPUS=DIR takes the files below DIR as well.

The counts are printed (pytest -s).
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import h5lib
import pytest
from conftest import CLONE, TESTDATA
from metadata import Judge, Witness, listing

SEEDS = CLONE / "reader" / "internal" / "objects" / "testdata"
ROOTS = [str(TESTDATA), *filter(None, [os.environ.get("MTFLIGHT_CORPUS")])]
REFUSED: list[str] = []


@pytest.mark.parametrize("root", ROOTS)
def test_same_as_libhdf5(start, root):
    client = start(root).client()
    judge, witness = Judge(client), Witness()
    try:
        for file, tree in listing(client).items():
            judge.compare(file, witness.dump(Path(root) / file), tree)
    finally:
        witness.close()
    print("\n" + judge.report())
    assert judge.counts["file: compared"] > 5
    assert not (wrong := judge.wrong(REFUSED)), "\n".join(wrong)


def test_seeds(start):
    """The seeds of the Go tests, whose metadata lies beside them."""
    client = start(SEEDS).client()
    judge, trees = Judge(client), listing(client)
    for path in sorted(SEEDS.glob("*.json")):
        judge.compare(f"{path.stem}.h5", json.loads(path.read_text()), trees.get(f"{path.stem}.h5"))
    print("\n" + judge.report())
    assert judge.counts["file: compared"] > 15
    assert not (wrong := judge.wrong(REFUSED)), "\n".join(wrong)


@pytest.mark.parametrize("path", sorted(SEEDS.glob("*.h5")), ids=lambda p: p.stem)
def test_what_lies_beside_the_seeds(path):
    """It is what libhdf5 reads today, of two versions; 2.0 fails on cache images."""
    for package in ("tables", "h5py"):
        if (path.stem, package) in [("modern", "tables"), ("cache_image", "h5py")]:
            continue
        witness = Witness(h5lib.carried(package))
        try:
            assert witness.dump(path) == json.loads(path.with_suffix(".json").read_text())
        finally:
            witness.close()


@pytest.mark.parametrize(("attributes", "counted"), [
    ({"a": 1.0, "b": [True]}, "attribute: equal"), ({"a": 1, "b": [1]}, "attribute: different"), ({"a": 1}, "attribute: different"),
    ({"a": 1, "b": [True], "c": 0}, "attribute: different"), ({"a": 1, "b": {"unreadable": "why"}}, "attribute: refused")])
def test_the_judge_sees(attributes, counted):
    judge = Judge(None)
    want = {"groups": {"/": {"attributes": {"a": 1, "b": [True]}}}, "types": {}, "datasets": {}, "links": {}}
    judge.compare("f.h5", want, {"groups": [{"path": "/", "attributes": attributes}], "datasets": [], "links": []})
    assert judge.counts[counted] and bool(judge.wrong([])) == (counted != "attribute: equal")
