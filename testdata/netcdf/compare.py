"""What differs between a file as engine "mtflight" opens it and as xarray's own engines do."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import xarray as xr

ENGINES: dict[str, dict[str, Any]] = {"netcdf4": {}, "h5netcdf": {"phony_dims": "sort"}}
ENCODING = ("chunksizes", "contiguous", "preferred_chunks", "original_shape", "zlib", "szip", "shuffle", "fletcher32", "_FillValue",
            "missing_value", "scale_factor", "add_offset", "units", "calendar", "coordinates")


def open_groups(path: Any, engine: str, **options: Any) -> dict[str, xr.Dataset]:
    """A file's groups as an engine opens them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return xr.open_groups(path, engine=engine, **ENGINES.get(engine, {}), **options)


def differences(ours: dict[str, xr.Dataset], theirs: dict[str, xr.Dataset]) -> Iterator[str]:
    """A line about each thing that is not the same."""
    for path in sorted(ours.keys() | theirs.keys()):
        if path not in ours or path not in theirs:
            yield f"{path}: group only in {'ours' if path in ours else 'theirs'}"
        else:
            yield from (f"{path}: {line}" for line in _of_group(_renamed(ours[path]), _renamed(theirs[path])))


def _renamed(group: xr.Dataset) -> xr.Dataset:
    """With phony dimensions numbered by their first use: netCDF-C numbers them in the order in which the file's objects were made,
    h5netcdf and mtflight by name."""
    used = dict.fromkeys(d for name in sorted(group.variables) for d in group.variables[name].dims if str(d).startswith("phony_dim_"))
    names = {d: f"phony {i}" for i, d in enumerate(used)}
    out = group.rename_dims(names)
    for v in out.variables.values():
        if chunks := v.encoding.get("preferred_chunks"):
            v.encoding["preferred_chunks"] = {names.get(d, d): n for d, n in chunks.items()}
    out.encoding = {"unlimited_dims": {names.get(d, d) for d in group.encoding.get("unlimited_dims", ())}}
    return out


def _of_group(ours: xr.Dataset, theirs: xr.Dataset) -> Iterator[str]:
    yield from _of_attributes("attribute", ours.attrs, theirs.attrs)
    if dict(ours.sizes) != dict(theirs.sizes):
        yield f"sizes {dict(ours.sizes)} != {dict(theirs.sizes)}"
    if set(ours.coords) != set(theirs.coords):
        yield f"coordinates {sorted(ours.coords)} != {sorted(theirs.coords)}"
    if ours.encoding.get("unlimited_dims") != theirs.encoding.get("unlimited_dims"):
        yield f"unlimited_dims {ours.encoding.get('unlimited_dims')} != {theirs.encoding.get('unlimited_dims')}"
    for name in sorted(ours.variables.keys() | theirs.variables.keys()):
        if name not in ours.variables or name not in theirs.variables:
            yield f"variable {name} only in {'ours' if name in ours.variables else 'theirs'}"
        else:
            yield from (f"{name}: {line}" for line in _of_variable(ours.variables[name], theirs.variables[name]))


def _of_variable(ours: xr.Variable, theirs: xr.Variable) -> Iterator[str]:
    yield from _of_attributes("attribute", ours.attrs, theirs.attrs)
    if ours.dims != theirs.dims:
        yield f"dims {ours.dims} != {theirs.dims}"
    for name in ENCODING:
        if not same(ours.encoding.get(name), theirs.encoding.get(name)):
            yield f"encoding {name} {ours.encoding.get(name)!r} != {theirs.encoding.get(name)!r}"
    if not _same_stored(ours.encoding.get("dtype"), theirs.encoding.get("dtype")):
        yield f"encoding dtype {ours.encoding.get('dtype')!r} != {theirs.encoding.get('dtype')!r}"
    yield from of_values(ours, theirs)


def of_values(ours: xr.Variable, theirs: xr.Variable) -> Iterator[str]:
    """Differences of shape, type and values, to the bit."""
    if ours.shape != theirs.shape:
        yield f"shape {ours.shape} != {theirs.shape}"
        return
    a = np.asarray(ours.values)
    try:
        b = np.asarray(theirs.values)
    except Exception as e:  # noqa: BLE001, of the other engine
        yield f"values that only we read: {e}"
        return
    if packed(a.dtype) != packed(b.dtype):
        yield f"dtype {a.dtype} != {b.dtype}"
    elif not same(a, b):
        yield f"values {str(a.reshape(-1)[:6])[:80]} != {str(b.reshape(-1)[:6])[:80]}"


def _of_attributes(what: str, ours: dict[Any, Any], theirs: dict[Any, Any]) -> Iterator[str]:
    for name in sorted(ours.keys() | theirs.keys(), key=str):
        if name not in ours or name not in theirs:
            yield f"{what} {name} only in {'ours' if name in ours else 'theirs'}: {str(ours.get(name, theirs.get(name)))[:60]!r}"
        elif not same(ours[name], theirs[name]):
            yield f"{what} {name} {ours[name]!r:.60} ({type(ours[name]).__name__}) != {theirs[name]!r:.60} ({type(theirs[name]).__name__})"


def _same_stored(a: Any, b: Any) -> bool:
    if a is None or b is None or a is str or b is str:
        return a is b
    enum = [(np.dtype(t).metadata or {}).get("enum") for t in (a, b)]
    name = [(np.dtype(t).metadata or {}).get("enum_name") for t in (a, b)]
    return packed(np.dtype(a)) == packed(np.dtype(b)) and enum[0] == enum[1] and name[0] == name[1]


def packed(dtype: np.dtype) -> np.dtype:
    """The type without padding and in this machine's byte order: both are lost where values go over the wire."""
    if dtype.names:
        return np.dtype([(n, packed(dtype[n])) for n in dtype.names])
    if dtype.subdtype:
        return np.dtype((packed(dtype.base), dtype.shape))
    return dtype.newbyteorder("=")


def same(a: Any, b: Any) -> bool:
    """Equal in type and to the bit."""
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return isinstance(a, np.ndarray) and isinstance(b, np.ndarray) and _same_arrays(a, b)
    if isinstance(a, np.generic) and isinstance(b, np.generic):
        return _same_arrays(np.asarray(a), np.asarray(b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, (tuple, list)) and type(a) is type(b):
        return len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and (a == b or (isinstance(a, float) and a != a and b != b))


def _same_arrays(a: np.ndarray, b: np.ndarray) -> bool:
    if a.shape != b.shape:
        return False
    if a.dtype.kind == "O" or b.dtype.kind == "O":
        return a.dtype.kind == b.dtype.kind and all(same(x, y) for x, y in zip(a.reshape(-1), b.reshape(-1), strict=True))
    if a.dtype.names or b.dtype.names:
        return a.dtype.names == b.dtype.names and all(_same_arrays(a[n], b[n]) for n in a.dtype.names or ())
    a, b = (np.asarray(x, x.dtype.newbyteorder("=")) for x in (a, b))
    return a.dtype == b.dtype and np.ascontiguousarray(a).tobytes() == np.ascontiguousarray(b).tobytes()
