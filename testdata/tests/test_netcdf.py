"""NetCDF4 files that netCDF4 and xarray write come back equal: with missing values as null on request."""

from __future__ import annotations

import json

import netCDF4
import numpy as np
import pyarrow as pa
import pytest
import xarray as xr
from conftest import Server

KINDS = ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("netcdf")
    rng = np.random.default_rng(9)
    with netCDF4.Dataset(root / "made.nc", "w") as f:
        f.createDimension("time", None)
        f.createDimension("lat", 5)
        f.createDimension("bare", 3)
        time = f.createVariable("time", "f8", ("time",))
        time.units, time.calendar = "hours since 1900-01-01", "noleap"
        time[:] = np.arange(12) * 6
        f.createVariable("lat", "f4", ("lat",))[:] = np.linspace(-90, 90, 5)
        for kind in KINDS:
            v = f.createVariable(f"v_{kind}", kind, ("time", "lat"), fill_value=7, zlib=True, chunksizes=(5, 5))
            v[:] = np.ma.masked_less(rng.integers(0, 9, (12, 5)), 3)
            v.setncattr("units", "K")
        f.createVariable("default", "f4", ("time", "bare"))[4:8] = 1.0  # the rest is never written: the library's own fill value
        nan = f.createVariable("nan", "f8", ("lat",), fill_value=np.nan)
        nan[:] = [1, np.nan, 3, np.nan, 5]
        both = f.createVariable("both", "i4", ("lat",), fill_value=-1)
        both.missing_value = np.array([-2, -3], "i4")
        both[:] = [0, -1, -2, -3, 4]
        group = f.createGroup("deep")
        group.createDimension("x", 4)
        group.createVariable("in", "i2", ("x", "lat"), fill_value=-9)[:2] = 5
    data = xr.Dataset({"t": (("y", "x"), np.where(rng.random((6, 4)) < 0.3, np.nan, rng.normal(size=(6, 4))))},
                      coords={"y": np.arange(6), "when": ("y", np.arange("2024-01-01", "2024-01-07", dtype="M8[D]").astype("M8[ns]"))})
    data.to_netcdf(root / "xarray.nc", engine="netcdf4", encoding={"t": {"_FillValue": -1e30}})
    return root


@pytest.fixture(scope="module")
def server_of(start, root) -> Server:
    return start(root)


def array(table: pa.Table) -> np.ma.MaskedArray:
    """A table's one column as NumPy has it, nulls masked."""
    column = table.column(0).combine_chunks()
    shape = [len(column)]
    while pa.types.is_fixed_size_list(column.type):
        shape.append(column.type.list_size)
        column = column.flatten()
    mask = np.array(column.is_null())
    return np.ma.masked_array(column.fill_null(0).to_numpy(zero_copy_only=False), mask).reshape(shape)


def read(server: Server, file: str, name: str, **members) -> pa.Table:
    table = server.read(file, name, options={"netcdf": True, "tensors": "nested"}, **members)
    table.validate(full=True)
    return table


def check(got: np.ma.MaskedArray, want) -> None:
    want = np.ma.asarray(want)
    assert got.dtype == want.dtype and got.shape == want.shape
    np.testing.assert_array_equal(np.ma.getmaskarray(got), np.ma.getmaskarray(want))
    np.testing.assert_array_equal(got.filled(0), want.filled(0))


@pytest.mark.parametrize("name", [f"v_{k}" for k in KINDS] + ["lat", "time", "nan", "both", "deep/in"])
def test_same_as_netcdf4(server_of, root, name):
    with netCDF4.Dataset(root / "made.nc") as f:
        v = f[name]
        v.set_always_mask(True)
        check(array(read(server_of, "made.nc", f"/{name}")), v[:])
        check(array(read(server_of, "made.nc", f"/{name}", start=2, step=2)), v[2::2])


def test_without_the_option_nothing_is_null(server_of, root):
    got = array(server_of.read("made.nc", "/v_i4", options={"tensors": "nested"}))
    with netCDF4.Dataset(root / "made.nc") as f:
        f["v_i4"].set_auto_mask(False)
        np.testing.assert_array_equal(got, f["v_i4"][:])
    assert not got.mask.any() and (got == 7).any()


def test_only_the_attributes_count(server_of):
    """A fill value that no attribute names stays a value."""
    got = array(read(server_of, "made.nc", "/default"))
    assert not got.mask.any() and (got[:4] == np.float32(netCDF4.default_fillvals["f4"])).all()


def test_a_variable_ends_where_it_was_written(server_of, root):
    """netCDF fills it up along the unlimited dimension when it is read; the file, and so the answer, has no such rows."""
    got = array(read(server_of, "made.nc", "/default"))
    with netCDF4.Dataset(root / "made.nc") as f:
        assert f["default"].shape == (12, 3)
        np.testing.assert_array_equal(got.filled(0), f["default"][:8].data)
    assert len(array(read(server_of, "made.nc", "/default", start=8))) == 0


def test_dimensions_and_attributes(server_of):
    for name, dims in {"/v_f4": ["time", "lat"], "/time": ["time"], "/default": ["time", "bare"], "/deep/in": ["x", "lat"]}.items():
        schema = read(server_of, "made.nc", name).schema
        assert json.loads(schema.metadata[b"netcdf.dimensions"]) == dims
    attributes = json.loads(read(server_of, "made.nc", "/time").schema.field(0).metadata[b"hdf5.attributes"])
    assert attributes["units"] == "hours since 1900-01-01" and attributes["calendar"] == "noleap"


def test_same_as_xarray(server_of, root):
    with xr.open_dataset(root / "xarray.nc") as want:
        got = array(read(server_of, "xarray.nc", "/t"))
        np.testing.assert_array_equal(got.filled(np.nan), want.t)
        when = read(server_of, "xarray.nc", "/when")
        attributes = json.loads(when.schema.field(0).metadata[b"hdf5.attributes"])
        decoded = xr.decode_cf(xr.Dataset({"when": ("y", array(when).data, {k: attributes[k] for k in ("units", "calendar")})}))
        np.testing.assert_array_equal(decoded.when, want.when)


def test_testdata(server):
    got = array(read(server, "climate.nc", "/t2m"))
    assert got.shape == (12, 9, 18) and not got.mask.any()
