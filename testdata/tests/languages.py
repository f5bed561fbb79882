"""Values of every type for clients in other languages: the files that they read, and whether what they print is what pyarrow reads."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pyarrow as pa

ROWS = 300
# Dataset, members of the request, and types that have to be among what it gives, so that none is missed.
REQUESTS = [
    ("/all", {}, "int64 uint64 halffloat float double bool string fixed_size_binary dictionary list fixed_size_list struct extension"),
    ("/all", {"where": "u > 2**63", "fields": ["u", "species"]}, "uint64 dictionary"),
    ("/frame", {}, "timestamp dictionary string double"),
    ("/level", {"options": {"netcdf": True}}, "int16"),
    ("/wide", {"batch_rows": 40}, "fixed_size_list"),
    ("/all", {"options": {"compression": "zstd"}}, "int64 double string dictionary list struct"),
    ("/wide", {"options": {"compression": "lz4"}}, "fixed_size_list"),
]


def write(folder: Path) -> None:
    """all.h5, which has all of it."""
    pd.DataFrame({"t": pd.date_range("1969-12-31 23:59:58.123456789", periods=ROWS, freq="7s"), "utc": pd.date_range("2024-01-01", periods=ROWS, tz="UTC"),
                  "x": np.where(np.arange(ROWS) % 7, 1.5, np.nan),
                  "who": pd.Categorical(np.resize(["ann", "bob", None], ROWS)), "text": np.resize(["a", "ü\"\n", None], ROWS)}
                 ).to_hdf(folder / "all.h5", key="frame", format="table")
    with h5py.File(folder / "all.h5", "a") as f:
        f.create_dataset("all", data=table(), chunks=(128,), compression="gzip")
        f["level"] = (np.arange(ROWS) % 5).astype("i2")
        f["level"].attrs["_FillValue"] = np.int16(2)
        f.create_dataset("wide", data=np.arange(40 * 16384, dtype="f8").reshape(40, 16384), chunks=(40, 16384))  # a batch over gRPC's 4 MiB


def table() -> np.ndarray:
    rng = np.random.default_rng(5)
    kinds = h5py.enum_dtype({"mu": 1, "pi": -2, "none": 0}, "i2")
    t = np.zeros(ROWS, [("i", "i8"), ("u", "u8"), ("u1", "u1"), ("u2", "u2"), ("u4", "u4"), ("f2", "f2"), ("f4", "f4"), ("f8", "f8"), ("ok", "?"),
                        ("fixed", "S6"), ("text", h5py.string_dtype()), ("raw", "V3"), ("species", kinds), ("ragged", h5py.vlen_dtype(np.uint32)),
                        ("pair", "i4", (2,)), ("grid", "f4", (2, 3)), ("pos", [("x", "f8"), ("tag", "S2")]), ("z", "c16")])
    for name in ("i", "u", "u1", "u2", "u4"):
        limits = np.iinfo(t.dtype[name])
        t[name] = rng.integers(limits.min, limits.max, ROWS, t.dtype[name], endpoint=True)
        t[name][:2] = limits.min, limits.max
    for name in ("f2", "f4", "f8", "z"):
        t[name] = rng.normal(size=ROWS)
        t[name][1:4] = np.nan, np.inf, -np.inf
    t["ok"], t["species"], t["pos"]["x"] = rng.random(ROWS) > .5, np.resize([1, -2, 0], ROWS), rng.normal(size=ROWS)
    t["fixed"], t["pos"]["tag"] = np.resize([b"", b"abc", b"a\"\\\n"], ROWS), np.resize([b"", b"xy"], ROWS)
    t["text"], t["raw"] = np.resize(np.array(["", "größer", "日本 \U0001f600"], object), ROWS), rng.integers(0, 255, (ROWS, 3), "u1").view("V3")[:, 0]
    t["ragged"] = [rng.integers(2**31, 2**32, n % 4).astype("u4") for n in range(ROWS)]
    t["pair"], t["grid"] = rng.integers(-9, 9, (ROWS, 2)), rng.normal(size=(ROWS, 2, 3))
    return t


def kinds(schema: pa.Schema) -> set[str]:
    return {re.match(r"\w+", str(f.type))[0] for f in schema}


def check(table: pa.Table, printed: str, nan: str | None = "NaN") -> None:
    """Whether the lines have the table's values; `nan` is how the language's JSON says what JSON has no number for (None: null)."""
    lines = [json.loads(line) for line in printed.splitlines()]
    assert len(lines) == table.num_rows
    for name, column in zip(table.column_names, table.columns):
        storage = column.combine_chunks()
        want = values(storage.storage if isinstance(storage, pa.ExtensionArray) else storage)
        for i, (w, line) in enumerate(zip(want, lines)):
            assert name in line and same(w, line[name], nan), (name, column.type, i, w, line[name])


def values(a: pa.Array) -> list:
    """As Python has them; of a timestamp NumPy's, which has its nanoseconds."""
    return list(a.to_numpy(zero_copy_only=False)) if pa.types.is_timestamp(a.type) else a.to_pylist()


def same(want: object, got: object, nan: str | None) -> bool:
    if isinstance(want, np.datetime64):
        return got is None if np.isnat(want) else isinstance(got, str) and np.datetime64(got.removesuffix("Z")) == want.astype(resolution(got))
    if isinstance(want, float):
        return number(want, got, nan)
    if isinstance(want, bytes):
        return isinstance(got, str) and (base64.b64encode(want).decode() == got or want.hex() == got)
    if isinstance(want, list):
        return isinstance(got, list) and len(want) == len(got) and all(same(w, g, nan) for w, g in zip(want, got))
    if isinstance(want, dict):
        return isinstance(got, dict) and want.keys() == got.keys() and all(same(w, got[k], nan) for k, w in want.items())
    return want == got or isinstance(want, int) and not isinstance(want, bool) and str(want) == got  # 64 bits, where numbers have 53


def resolution(text: str) -> str:
    return np.datetime64(text.removesuffix("Z")).dtype.str


def number(want: float, got: object, nan: str | None) -> bool:
    if not np.isfinite(want):
        return got is None if nan is None else isinstance(got, str) and float(got) == want or got == nan and want != want
    return isinstance(got, (int, float)) and (got == want or np.float32(got) == np.float32(want) == want or np.float16(got) == np.float16(want) == want)
