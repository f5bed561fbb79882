"""Virtual datasets whose sources are of another type: converted as libhdf5 does, in files of any version."""

from __future__ import annotations

import itertools
from pathlib import Path

import h5py
import numpy as np
import pytest
from test_values import check_against_h5py

VERSIONS = ("v108", "v110", "v112", "v114", "v200")
VALUES = [0, 1, -1, -0.25, -0.75, 1.5, 2.5, 127, 128, -128, -129, 255, 256, 32767, 32768, 65504, 65519, 65520, 65536, 2**24 + 1, 2**31 - 1, 2**31,
          -2**31 - 1, 2**32, 2**53 + 1, -2**63, 2**63, 2.0**64, 1e20, -1e20, 3.4028235677973366e38, 1e300, -1e300, 1e-40, 1e-310, np.inf, -np.inf, np.nan]
NUMBERS = [f"{order}{kind}" for kind in ("i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8") for order in "<>"]
PAIRS = list(itertools.product(NUMBERS, NUMBERS))
RECORD = np.dtype([("a", "<i2"), ("b", ">f8"), ("c", "S5"), ("d", "<u4", (2, 3)), ("e", [("x", "<i8"), ("y", "S3")])])
RECORDS = {
    "reordered": np.dtype([("c", "S5"), ("a", "<i2"), ("b", ">f8")]),
    "converted": np.dtype([("a", ">u4"), ("b", "<f4"), ("c", "S3"), ("d", "<f2", (2, 3)), ("e", [("y", "S8"), ("x", "i1")])]),
    "more": np.dtype({"names": ["z", "a", "c"], "formats": ["<f8", "<i8", "S9"], "offsets": [1, 20, 30], "itemsize": 50}),
}


def source(dtype: str) -> np.ndarray:
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            return np.array(VALUES).astype(dtype)
    limits = np.iinfo(dtype)
    return np.array([int(v) for v in VALUES if np.isfinite(v) and limits.min <= v <= limits.max] + [limits.max, limits.min], dtype)


def records() -> np.ndarray:
    out = np.zeros(20, RECORD)
    rng = np.random.default_rng(5)
    for name in ("a", "b", "d"):
        out[name] = rng.integers(-1000 if name != "d" else 0, 1000, out[name].shape)
    out["c"] = [b"word%d" % i for i in range(20)]
    out["e"]["x"] = np.arange(20) * 37 - 300
    out["e"]["y"] = b"yes"
    return out


def virtual(f: h5py.File, name: str, of: h5py.Dataset, dtype) -> None:
    """Also a gap of the fill value, and two elements behind it."""
    layout = h5py.VirtualLayout((len(of) + 3,), dtype)
    layout[:len(of)] = h5py.VirtualSource(of)
    layout[-2:] = h5py.VirtualSource(of)[:2]
    f.create_virtual_dataset(name, layout)


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("conversions")
    with h5py.File(root / "source.h5", "w") as f:
        for dtype in NUMBERS:
            f.create_dataset(dtype, data=source(dtype), chunks=(7,), compression="gzip", shuffle=True)
        f["S8"] = np.array([b"", b"one", b"fourfive", b"ab cd", b"  x", b"nul\0x"], "S8")
        f["record"] = records()
        f["truth"] = np.array([True, False, True])
        f["S4"] = np.array([b"1", b"2"], "S4")
        f.create_dataset("grid", data=np.arange(-6, 6).reshape(2, 2, 3), dtype="<i4")
        f["(2,3)<i4"] = np.zeros(3, np.dtype([("g", "<i4", (2, 3))]))
        f["strings"] = np.array(["one", "two"], object)
    for version in VERSIONS:
        with h5py.File(root / "source.h5") as s, h5py.File(root / f"{version}.h5", "w", libver=(version, "latest")) as f:
            for a, b in PAIRS if version == "v200" else PAIRS[::29]:
                virtual(f, f"{a}_as_{b}", s[a], b)
            for n in (1, 3, 4, 9):
                virtual(f, f"S{n}", s["S8"], f"S{n}")
            for name, dtype in RECORDS.items():
                virtual(f, name, s["record"], dtype)
            for dtype in ("i1", "<f8"):
                virtual(f, f"truth_as_{dtype}", s["truth"], dtype)
            # those in between convert nothing: what their sources hold goes to the outermost type
            for name, dtype, of in (("inner", "i1", s["<f8"]), ("record_inner", RECORDS["reordered"], s["record"])):
                layout = h5py.VirtualLayout((len(of) + 2,), dtype)
                layout[1:-1] = h5py.VirtualSource(of)
                f.create_virtual_dataset(name, layout, fillvalue=-3 if dtype == "i1" else None)
            f.flush()
            layout = h5py.VirtualLayout((len(f["inner"]) + 2,), ">f4")
            layout[1:-1] = h5py.VirtualSource(".", "inner", f["inner"].shape)
            f.create_virtual_dataset("outer", layout, fillvalue=0.5)
            layout = h5py.VirtualLayout(f["record_inner"].shape, RECORDS["converted"])
            layout[:] = h5py.VirtualSource(".", "record_inner", f["record_inner"].shape)
            f.create_virtual_dataset("record_outer", layout)
            virtual(f, "text_of_number", s["<i4"], "S4")
            virtual(f, "number_of_text", s["S4"], "<i4")
            virtual(f, "record_of_number", s["<i4"], RECORD)
            virtual(f, "shapes", s["(2,3)<i4"], np.dtype([("g", "<i4", (3, 2))]))
            virtual(f, "text_of_strings", s["strings"], "S4")
    return root


@pytest.fixture(scope="module")
def served(start, root):
    return start(root)


@pytest.mark.parametrize("version", VERSIONS)
def test_same_as_h5py(served, root, version):
    with h5py.File(root / f"{version}.h5") as f:
        names = [n for n in f if "_of_" not in n and n != "shapes"]
        assert len(names) == (len(PAIRS) if version == "v200" else 17) + 13
        for name in names:
            check_against_h5py(served.read(f"{version}.h5", f"/{name}"), f[name])


def test_conditions_see_converted_values(served, root):
    with h5py.File(root / "v200.h5") as f:
        want = f["converted"][:]
    got = served.read("v200.h5", "/converted", where="(a > 0) & (b < 0)", fields=["a", "b"])
    want = want[(want["a"] > 0) & (want["b"] < 0)]
    assert got.num_rows == len(want) > 0
    assert got["a"].to_pylist() == want["a"].tolist()


@pytest.mark.parametrize("name", ["text_of_number", "number_of_text", "record_of_number", "shapes", "text_of_strings"])
def test_what_hdf5_does_not_convert_is_refused(served, root, name):
    for version in VERSIONS:
        if name != "text_of_strings":  # which ends h5py
            with h5py.File(root / f"{version}.h5") as f, pytest.raises((OSError, TypeError)):
                f[name][:]
        with pytest.raises(NotImplementedError, match="HDF5 has no such conversion") as refused:
            served.read(f"{version}.h5", f"/{name}")
        assert "source.h5 /" in str(refused.value)
