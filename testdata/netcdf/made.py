"""Files with what NetCDF4 has: netCDF4, h5netcdf and h5py write them."""

from __future__ import annotations

from pathlib import Path

import h5netcdf
import h5py
import netCDF4
import numpy as np


def numbers(path: Path) -> None:
    """Every number type packed, filled and plain; chunked, compressed, in both byte orders; attributes of each type."""
    rng = np.random.default_rng(1)
    with netCDF4.Dataset(path, "w") as f:
        f.setncatts({"title": "números", "n": np.int16(3), "xs": np.arange(3.0), "several": ["a", "bc"], "none": ""})
        f.createDimension("time", None)
        f.createDimension("lat", 7)
        f.createDimension("lon", 9)
        time = f.createVariable("time", "f8", ("time",))
        time.units, time.calendar = "hours since 2001-01-01", "noleap"
        time[:] = np.arange(11) * 6
        f.createVariable("lat", "f4", ("lat",))[:] = np.linspace(-90, 90, 7)
        f.createVariable("lon", ">f4", ("lon",))[:] = np.linspace(0, 359, 9)
        for kind in ("i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"):
            v = f.createVariable(kind, kind, ("time", "lat", "lon"), fill_value=7, zlib=True, shuffle=True, chunksizes=(3, 4, 9))
            v.set_auto_maskandscale(False)
            v[:] = rng.integers(0, 99, (11, 7, 9))
            v.setncatts({"valid_range": np.array([0, 98], kind), "missing_value": np.array(8, kind), "long_name": kind})
            big = f.createVariable(f"big_{kind}", f">{kind}", ("lat", "lon"), endian="big")
            big[:] = rng.integers(0, 99, (7, 9))
        packed = f.createVariable("packed", "i2", ("time", "lon"), fill_value=-1, fletcher32=True)
        packed.setncatts({"scale_factor": 0.01, "add_offset": np.float32(273), "units": "K", "coordinates": "two_d"})
        packed.set_auto_maskandscale(False)
        packed[:] = rng.integers(-1, 99, (11, 9))
        signed = f.createVariable("unsigned", "i1", ("lat",), fill_value=-1)
        signed.set_auto_maskandscale(False)
        signed._Unsigned = "true"
        signed[:] = np.arange(-3, 4)
        f.createVariable("two_d", "f8", ("lat", "lon"))[:] = rng.normal(size=(7, 9))
        f.createVariable("nan", "f8", ("lat",), fill_value=np.nan)[:] = [1, np.nan, 3, np.nan, 5, np.nan, np.inf]
        span = f.createVariable("span", "i4", ("lat",))
        span.units = "days"
        span[:] = np.arange(7)
        f.createVariable("scalar", "i4", ())[...] = 42


def dimensions(path: Path) -> None:
    """Unlimited dimensions with shorter variables, none and empty ones; names of dimensions for other variables; groups."""
    with netCDF4.Dataset(path, "w") as f:
        for name, size in {"t": None, "u": None, "never": None, "x": 4, "y": 3, "bare": 5, "empty": 0, "pair": 2}.items():
            f.createDimension(name, size)
        f.createVariable("long", "f4", ("t", "x"))[:10] = 1
        f.createVariable("short", "f4", ("t", "x"), fill_value=-5)[:4] = 2
        f.createVariable("default", "i2", ("t", "x"))[:3] = 3
        f.createVariable("twice", "i4", ("t", "u"))[:2, :6] = 4
        f.createVariable("u", "f8", ("u",))[:3] = [1, 2, 3]
        f.createVariable("none", "i4", ("never",))
        f.createVariable("bare", "i4", ("x",))[:] = 9  # the name of a dimension that it is not along
        f.createVariable("y", "i4", ("y", "x"))[:] = np.arange(12).reshape(3, 4)  # along its own and another
        f.createVariable("square", "i4", ("x", "x"))[:] = np.arange(16).reshape(4, 4)
        f.createVariable("nothing", "f4", ("empty", "x"))
        f.createVariable("bounds", "i4", ("pair", "y"))[:] = np.arange(6).reshape(2, 3)
        one = f.createGroup("one")
        one.note = "a group"
        one.createDimension("x", 6)  # another one of that name
        one.createVariable("x", "i4", ("x",))[:] = np.arange(6)
        one.createVariable("above", "i4", ("y", "x"))[:] = np.arange(18).reshape(3, 6)
        one.createVariable("longer", "i4", ("t",))[:12] = 5
        two = one.createGroup("two")
        two.createDimension("z", 2)
        two.createVariable("v", "i4", ("z", "x", "y"))[:] = np.arange(36).reshape(2, 6, 3)
        f.createGroup("hollow").createGroup("inner")


def texts(path: Path) -> None:
    """Characters and strings, enumerations, compounds and sequences of any length."""
    with netCDF4.Dataset(path, "w") as f:
        f.createDimension("n", 4)
        f.createDimension("width", 6)
        f.createDimension("m", 2)
        chars = f.createVariable("chars", "S1", ("n", "width"))
        chars._Encoding = "utf-8"
        chars[:] = np.array(["hällo", "ab", "", "sixsix"], "O").astype("U6")
        raw = f.createVariable("raw_chars", "S1", ("n", "width"), fill_value="x")
        raw[:2] = np.array([list("abcdef"), list("ghijkl")], "S1")
        f.createVariable("char", "S1", ())[...] = "q"
        strings = f.createVariable("strings", str, ("n", "m"))
        strings[:] = np.array([["a", ""], ["ß", "long " * 50], ["x", "y"], ["", "z"]], object)
        f.createVariable("string", str, ())[...] = np.array("alone", object)
        f.createVariable("unset", str, ("n",))
        kind = f.createEnumType(np.uint8, "cloud_t", {"clear": 0, "cumulus": 1, "missing, or so": 255})
        cloud = f.createVariable("cloud", kind, ("n",), fill_value=255)
        cloud[:] = [0, 1, 255, 1]
        point = f.createCompoundType(np.dtype([("x", "f8"), ("n", "i2"), ("k", "i4", (2,))]), "point_t")
        points = f.createVariable("points", point, ("n",))
        points[:] = np.array([(1.5, 2, (3, 4)), (2.5, 3, (5, 6)), (np.nan, 0, (0, 0)), (0, -1, (7, 8))], point.dtype)
        rows = f.createVariable("rows", f.createVLType(np.int32, "rows_t"), ("n",))
        for i in range(4):
            rows[i] = np.arange(i + 1, dtype=np.int32)
        when = f.createVariable("when", "i8", ("n",))
        when.units = "seconds since 1970-01-01"
        when[:] = [0, 10**9, -5, 3]


def by_h5netcdf(path: Path) -> None:
    """The same ideas, written by h5netcdf."""
    with h5netcdf.File(path, "w") as f:
        f.dimensions = {"x": 5, "t": None, "z": 3}
        f.resize_dimension("t", 6)
        v = f.create_variable("v", ("t", "x"), "f4", fillvalue=np.float32(-9), chunks=(2, 5), compression="gzip")
        v[...] = np.arange(30, dtype="f4").reshape(6, 5)
        f.create_variable("x", ("x",), "i8")[...] = np.arange(5)
        f.create_variable("names", ("z",), h5py.string_dtype())[...] = ["a", "b", "ccc"]
        g = f.create_group("g/h")
        g.create_variable("w", ("x", "z"), "u2")[...] = np.arange(15).reshape(5, 3)
        g.attrs["k"] = np.float32(1.5)


def without_scales(path: Path) -> None:
    """Plain HDF5: axes without dimensions, of sizes that repeat."""
    with h5py.File(path, "w") as f:
        f["a"] = np.arange(12.0).reshape(3, 4)
        f["b"] = np.arange(48, dtype="i2").reshape(4, 3, 4)
        f["square"] = np.arange(9, dtype="u1").reshape(3, 3)
        f.create_dataset("grows", data=np.arange(3), maxshape=(None,), chunks=(2,))
        f["scalar"] = 2.5
        f["names"] = np.array(["a", "bb"], object)
        f["g/c"] = np.arange(4, dtype=">i4")
        f["g"].attrs["n"] = 3


def links(path: Path) -> None:
    """Objects with several names: variables, dimensions and groups, by hard and soft links, made in no order of names."""
    with netCDF4.Dataset(path, "w") as f:
        f.createDimension("time", None)
        f.createDimension("lat", 3)
        f.createVariable("time", "f8", ("time",))[:] = [1, 2, 3, 4]
        f.createVariable("lat", "f4", ("lat",))[:] = [10, 20, 30]
        f.createVariable("b", "i4", ("time", "lat"))[:] = np.arange(12).reshape(4, 3)
        f.createVariable("a", "i2", ("lat",))[:] = [7, 8, 9]
        g = f.createGroup("g")
        g.createDimension("level", 2)
        g.createVariable("level", "f8", ("level",))[:] = [0.5, 1.5]
        g.createVariable("w", "u1", ("level", "lat"))[:] = np.arange(6).reshape(2, 3)
        g.createGroup("deep").createVariable("z", "u1", ("level",))[:] = [1, 2]
    with h5py.File(path, "r+") as f:
        f["b_hard"] = f["b"]
        f["time_hard"] = f["time"]
        f["time_a"] = h5py.SoftLink("/time")
        f["time_last"] = f["time"]
        f["a_group"] = f["g"]
        f["soft_group"] = h5py.SoftLink("g")
        f["g/deep/z_hard"] = f["g/deep/z"]


MADE = {"links.nc": links, "numbers.nc": numbers, "dimensions.nc": dimensions, "texts.nc": texts, "by_h5netcdf.nc": by_h5netcdf,
        "without_scales.h5": without_scales}
