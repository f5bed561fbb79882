"""testdata/make.py writes the committed files again: the same objects, types, values, filters and attributes."""

from __future__ import annotations

import h5py
import hdf5plugin  # noqa: F401
import numpy as np
import pytest
from conftest import TESTDATA

KNOWN_FILTERS = {1, 2, 3, 32001}  # deflate, shuffle, fletcher32, blosc
FILES = sorted(p.name for p in TESTDATA.iterdir() if p.suffix in {".h5", ".nc", ".h5ad"})


@pytest.fixture(scope="module")
def again(python, tmp_path_factory):
    directory = tmp_path_factory.mktemp("again")
    python(TESTDATA / "make.py", directory)
    return directory


def contents(path) -> dict[str, object]:
    """Everything of a file in comparable form."""
    found: dict[str, object] = {}

    def visit(name: bytes) -> None:
        o = h5py.h5o.open(f.id, name)
        found[f"{name}@"] = attributes(o)
        if isinstance(o, h5py.h5d.DatasetID):
            found[name] = dataset(o)

    with h5py.File(path) as f:
        f.visit(lambda name: visit(name.encode()))
        f.visit_links(lambda name: found.update({f"link {name}": link(f.get(name, getlink=True))}))
    return found


def link(l) -> str:
    return f"{type(l).__name__} {getattr(l, 'filename', '')} {getattr(l, 'path', '')}"


def attributes(o) -> dict[str, str]:
    holder = h5py.Group(o) if isinstance(o, h5py.h5g.GroupID) else h5py.Dataset(o)
    return {name: "reference" if "Reference" in repr(a) else repr(a) for name, a in holder.attrs.items()}


def dataset(o) -> tuple:
    create, kind = o.get_create_plist(), o.get_type()
    chunks = create.get_chunk() if create.get_layout() == h5py.h5d.CHUNKED else None
    filters = [create.get_filter(i)[0] for i in range(create.get_nfilters())]
    text = kind.encode() if numpy_has(o) else kind.get_size()
    return o.shape, text, create.get_layout(), chunks, filters, values(o, filters)


def values(o, filters: list[int]) -> str:
    """References are addresses, which differ; unknown filters and types can't be read."""
    if not numpy_has(o) or o.get_type().get_class() == h5py.h5t.REFERENCE or not set(filters) <= KNOWN_FILTERS:
        return "not compared"
    return repr(as_lists(h5py.Dataset(o)[()]))


def numpy_has(o) -> bool:
    try:
        return h5py.Dataset(o).dtype is not None
    except TypeError:
        return False


def as_lists(v):
    if isinstance(v, np.ndarray) and v.dtype == object:
        return [as_lists(x) for x in v]
    return v.tolist() if isinstance(v, (np.ndarray, np.generic)) else v


@pytest.mark.parametrize("name", FILES)
def test_same_again(again, name):
    committed, made = contents(TESTDATA / name), contents(again / name)
    assert committed.keys() == made.keys()
    for key in committed:
        assert committed[key] == made[key], key


def test_all_are_made(again):
    assert FILES == sorted(p.name for p in again.iterdir())
    total = sum(p.stat().st_size for p in TESTDATA.rglob("*") if p.is_file() and p.suffix not in {".py", ".pyc", ".mjs", ".sql"} and "node_modules" not in p.parts)
    assert total < 1_350_000, "the data stays small"
