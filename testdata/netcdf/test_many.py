"""A NetCDF archive as one array: what xarray's open_mfdataset makes of the files with its own engine."""

from __future__ import annotations

import json
import os
import random

import mtflight
import numpy as np
import pytest
import xarray as xr

FILES = int(os.environ.get("MTFLIGHT_NETCDF_FILES", "60"))
SLICES = int(os.environ.get("MTFLIGHT_NETCDF_SLICES", "40"))
LATITUDES, LONGITUDES = 12, 17


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """Files of some hours each, one of none, with missing values; and the whole as xarray has it."""
    top = tmp_path_factory.mktemp("archive")
    rng, hour = np.random.default_rng(3), 0
    for i in range(FILES):
        n = int(rng.integers(1, 9))
        t2m = rng.normal(280, 9, (n, LATITUDES, LONGITUDES)).astype("f4")
        t2m[rng.random(t2m.shape) < .01] = np.nan
        made = xr.Dataset({"t2m": (("time", "lat", "lon"), t2m, {"units": "K"}), "n": (("time",), np.arange(hour, hour + n, dtype="i4"))},
                          {"time": ("time", np.arange(hour, hour + n), {"units": "hours since 2024-01-01", "calendar": "standard"}), "lat": np.linspace(-60, 60, LATITUDES)})
        made.to_netcdf(top / f"month{i}.nc", engine="h5netcdf", unlimited_dims=["time"],
                       encoding={"t2m": {"_FillValue": np.float32(-999), "zlib": True, "chunksizes": (1, LATITUDES, 5)}})
        hour += n
    names = [str(top / f"month{i}.nc") for i in range(FILES)]
    with xr.open_mfdataset(names, engine="h5netcdf", combine="nested", concat_dim="time", decode_times=False) as whole:
        yield top, whole, whole.t2m.load(), hour


def drawn(rng: random.Random, n: int):
    kind = rng.choice(["slice", "slice", "slice", "integer", "list"])
    if kind == "integer":
        return rng.randrange(n)
    if kind == "list":
        return sorted(rng.sample(range(n), rng.randint(1, min(n, 6))))
    return slice(*(rng.choice([None, rng.randint(-n - 2, n + 2)]) for _ in range(2)), rng.choice([None, 1, 2, 5]))


@pytest.mark.parametrize("seed", range(SLICES))
def test_slices_are_those_of_open_mfdataset(archive, seed):
    top, _, t2m, hours = archive
    rng = random.Random(seed)
    key = [drawn(rng, n) for n in (hours, LATITUDES, LONGITUDES)][:rng.randint(1, 3)]
    if sum(isinstance(k, list) for k in key) > 1 or any(isinstance(k, list) for k in key) and any(isinstance(k, int) for k in key):
        key = [slice(None) if isinstance(k, list) else k for k in key]  # xarray takes lists each by itself
    with mtflight.open(f"{top}/month*.nc") as files:
        got = files["t2m"][tuple(key)]
    want = t2m[tuple(key)].values
    assert got.shape == want.shape and got.dtype == want.dtype
    assert np.array_equal(np.where(got == np.float32(-999), np.nan, got), want, equal_nan=True), key


def test_rows_and_attributes(archive):
    top, whole, t2m, hours = archive
    with mtflight.open(f"{top}/month*.nc") as files:
        assert np.array_equal(files["time"][:], whole.time.values) and np.array_equal(files["n"][:], whole.n.values)
        got = files["t2m"].to_arrow(options={"netcdf": True})
        values = got["t2m"].combine_chunks().storage.flatten().to_numpy(zero_copy_only=False).reshape(hours, LATITUDES, LONGITUDES)
        assert np.array_equal(values, t2m.values, equal_nan=True)
        assert json.loads(got.schema.metadata[b"netcdf.dimensions"]) == list(t2m.dims) and json.loads(got.schema.field("t2m").metadata[b"hdf5.attributes"])["units"] == "K"
