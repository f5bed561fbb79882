"""Makes clustered.h5.gz, whose columns grow from chunk to chunk, and clustered.json: what NumPy says of their values.

Needs h5py and PyTables (made with 3.16 and 3.11)."""

import gzip
import json
import os
from pathlib import Path

import h5py
import numpy as np
import tables as tb

HERE = Path(__file__).parent
SEED, ROWS, CHUNK = 20240905, 2000, 37  # the last chunk is not full


def rising(rng, n, low, high):
    """Integers that rise from low to high, with some disorder."""
    at = np.linspace(0, 1, n) + rng.normal(scale=0.01, size=n)
    return [int(low + (high - low) * int(v * 2**52) // 2**52) for v in at.clip(0, 1)]


def floats(rng, n, dtype):
    v = (np.linspace(-50, 50, n) + rng.normal(size=n)).astype(dtype)
    v[rng.random(n) < 0.02] = np.nan
    v[5 * CHUNK:6 * CHUNK] = np.nan  # nothing else in a chunk
    v[7 * CHUNK:7 * CHUNK + 3] = np.inf, -np.inf, -np.inf
    v[n // 2:n // 2 + 2 * CHUNK:3] = -0.0
    v[n // 2 + 1:n // 2 + 2 * CHUNK:3] = 0.0
    return v


def table(rng, n):
    words = [b"", b"a", b"ab", b"a\0b", b"b", b"bb", b"m\xff", b"\x80", b"zz\xc3", b"\xff\xff\xff"]
    colours = h5py.enum_dtype({"red": -1, "green": 5, "blue": 90}, "i1")
    stamp = h5py.opaque_dtype(np.dtype("<M8[us]"))
    nested = np.dtype([("x", ">i4"), ("y", "f4", (2,))])
    t = np.zeros(n, [("i1", "i1"), ("i2", ">i2"), ("i4", "i4"), ("i8", "i8"), ("u1", "u1"), ("u2", "u2"), ("u4", "u4"), ("u8", "u8"),
                     ("f2", "f2"), ("f4", "f4"), ("f8", ">f8"), ("b", "?"), ("s", "S3"), ("e", colours), ("c", "c8"), ("n", nested), ("t", stamp)])
    for name in ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"):
        info = np.iinfo(t[name].dtype)
        t[name] = np.array(rising(rng, n, info.min, info.max), t[name].dtype)
    t["i8"][20 * CHUNK:22 * CHUNK] = 2**53 + np.arange(2 * CHUNK)  # neighbours that float64 does not tell apart
    for name in ("f2", "f4", "f8"):
        t[name] = floats(rng, n, t[name].dtype)
    t["b"] = np.arange(n) // (4 * CHUNK) % 2 == 1
    t["b"][::400] = True
    t["s"] = [words[min(len(words) - 1, i * len(words) // n + int(rng.integers(2)))] for i in range(n)]
    t["e"] = np.array([-1, 5, 90])[np.arange(n) * 3 // n]
    t["c"] = floats(rng, n, "f4") + 1j
    t["n"]["x"] = rising(rng, n, -1000, 1000)
    t["n"]["y"] = floats(rng, n, "f4")[:, None] * [1, -2]
    times = np.datetime64("1999-12-31T23:59:59.000001") + np.arange(n) * np.timedelta64(1_000_003, "us")
    times[::97] = np.datetime64("NaT")
    t["t"] = times.astype("<M8[us]").astype(stamp)
    return t


def number(v):
    v = v.item() if hasattr(v, "item") else v
    if isinstance(v, float) and np.isinf(v):
        return "inf" if v > 0 else "-inf"
    if isinstance(v, bytes):
        try:
            return v.decode()
        except UnicodeDecodeError:
            import base64
            return {"base64": base64.b64encode(v).decode()}
    return v


def said(v):
    """Rows, nulls, NaN, minimum and maximum of an array."""
    n = v.size
    if v.dtype.kind == "M":
        null, v = int(np.isnat(v).sum()), v[~np.isnat(v)].astype("i8")
        return {"values": n, "null": null, "min": number(v.min()), "max": number(v.max())}
    nan = 0
    if v.dtype.kind == "f":
        nan, v = int(np.isnan(v).sum()), v[~np.isnan(v)].astype("f8")
    if v.dtype.kind == "S":
        v = sorted(v.ravel().tolist())
        return {"values": n, "null": 0, "min": number(v[0]), "max": number(v[-1])}
    out = {"values": n, "null": 0, "min": number(v.min()) if v.size else None, "max": number(v.max()) if v.size else None}
    return {**out, "nan": nan} if nan else out


def chunks(v, rows):
    return {"all": said(v), "chunks": [said(v[i:i + rows]) for i in range(0, len(v), rows)]}


class Clock(tb.IsDescription):
    t4 = tb.Time32Col(pos=0)
    t8 = tb.Time64Col(pos=1)
    ok = tb.BoolCol(pos=2)


def main():
    rng = np.random.default_rng(SEED)
    path = HERE / "clustered.h5"
    path.unlink(missing_ok=True)
    t = table(rng, ROWS)
    told = {}
    with tb.open_file(path, "w") as f:
        clock = np.zeros(500, tb.dtype_from_descr(Clock))
        clock["t4"] = 1_000_000 + np.arange(500) * 3
        clock["t8"] = -100 + np.arange(500) / 64 + 1e-6
        clock["ok"] = np.arange(500) >= 400
        f.create_table("/", "clock", Clock, chunkshape=(64,)).append(clock.copy())  # which it changes
        told["/clock"] = {"t4": chunks(clock["t4"], 64), "ok": chunks(clock["ok"], 64)}
        told["/clock"]["t8"] = chunks(np.rint(clock["t8"] * 1e6).astype("i8"), 64)
        f.create_vlarray("/", "ragged", tb.Int32Atom(), chunkshape=4).append([1, 2])
        f.create_array("/", "one", np.float32(2.5))
    with h5py.File(path, "a") as f:
        f.create_dataset("table", data=t, chunks=(CHUNK,), compression="gzip", shuffle=True)
        told["/table"] = {name: chunks(t[name].view("<M8[us]") if name == "t" else t[name], CHUNK)
                          for name in t.dtype.names if name not in ("c", "n")}
        told["/table"].update({"n/x": chunks(t["n"]["x"], CHUNK), "n/y": chunks(t["n"]["y"], CHUNK)})
        f.create_dataset("line", data=t["f8"].astype("f8"), chunks=(100,))
        told["/line"] = {"line": chunks(t["f8"], 100)}
        gaps = f.create_dataset("gaps", (1000,), "i8", chunks=(64,), fillvalue=-7)  # most chunks are not there
        gaps[200:300] = np.arange(100)
        told["/gaps"] = {"gaps": chunks(gaps[:], 64)}
        grid = f.create_dataset("grid", (30, 4, 5), "u2", chunks=(7, 3, 5), fillvalue=9)
        grid[3:20] = rng.integers(0, 2**16, (17, 4, 5))
        told["/grid"] = {"grid": chunks(grid[:], 7)}
        told["/one"] = {"one": chunks(np.full(1, 2.5, "f4"), 1)}
        wide = np.repeat(np.arange(64) * 1000, 1 << 15)
        f.create_dataset("wide", data=wide, chunks=(1 << 15,), compression="gzip")  # each a task of its own
        told["/wide"] = {"wide": chunks(wide, 1 << 15)}
        f.create_dataset("none", (0,), "f8", maxshape=(None,), chunks=(8,))
    packed = HERE / "clustered.h5.gz"
    packed.write_bytes(gzip.compress(path.read_bytes(), 9, mtime=0))
    path.unlink()
    (HERE / "clustered.json").write_text(json.dumps(told, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    os.environ["TZ"] = "UTC"
    main()
