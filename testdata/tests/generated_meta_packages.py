"""Files as h5py, netCDF4, PyTables, pandas and AnnData write them, drawn by a seed. See generated_meta.py."""

from __future__ import annotations

import importlib.util
import random
import warnings

import numpy as np

VERSIONS = ["earliest", "v108", "v110", "v112", "v114", "v200", "latest"]
VALUES = [1, -2.5, True, "text", "größe", b"bytes", 1 + 2j, [1, 2, 3], ["a", "bb", ""], np.float16(0.1), np.arange(6).reshape(2, 3),
          np.array([True, False]), np.array([b"ab", b"c"]), np.array([(1, 2.5)], [("x", "<i2"), ("y", ">f8")])]


def with_h5py(path: str, rng: random.Random) -> None:
    import h5py

    low = rng.choice(VERSIONS[:-1])
    high = rng.choice([v for v in VERSIONS[1:] if VERSIONS.index(v) >= VERSIONS.index(low)])
    track = rng.random() < 0.5
    with h5py.File(path, "w", libver=(low, high), track_order=track) as f:
        objects = [f]
        for i in range(rng.randint(1, 8)):
            objects.append(rng.choice(objects[:1]).create_group(f"group {i}", track_order=rng.random() < 0.5))
        for i in range(rng.randint(1, 6)):
            objects.append(f.create_dataset(f"d{i}", data=np.arange(3), track_order=rng.random() < 0.5))
            objects[-1].make_scale(f"scale {i}") if rng.random() < 0.3 else None
        f["committed"] = np.dtype([("a", "<f4"), ("b", "S3")])
        for o in objects:
            for i in range(rng.choice([1, 3, 9, 20])):
                o.attrs[f"a{i}"] = rng.choice(VALUES)
            o.attrs["enum"] = np.array([1, 0], h5py.enum_dtype({"RED": 0, "GREEN": 1}, "i2"))
            o.attrs["ref"], o.attrs["region"] = f["d0"].ref, f["d0"].regionref[:2]
            o.attrs["empty"] = h5py.Empty("f4")
            o.attrs.create("typed", np.array((1, b"x"), f["committed"].dtype), dtype=f["committed"])
            o.attrs.create("lists", [np.arange(2), np.arange(3)], (2,), h5py.vlen_dtype("i4"))
            if rng.random() < 0.5:
                del o.attrs["a0"]
        f["soft"], f["external"] = h5py.SoftLink("/d0"), h5py.ExternalLink("other.h5", "/d")


def with_netcdf4(path: str, rng: random.Random) -> None:
    import netCDF4

    with netCDF4.Dataset(path, "w", format=rng.choice(["NETCDF4", "NETCDF4", "NETCDF4_CLASSIC"])) as f:
        extended, groups = f.data_model == "NETCDF4", [f]
        for name, n in (("time", None), ("x", 3), ("y", 4)):
            f.createDimension(name, n)
        if extended:
            groups += [f.createGroup(f"g{i}") for i in range(rng.randint(0, 4))]
            kind = f.createCompoundType(np.dtype([("a", "i4"), ("b", "f8")]), "pair")
            f.createVariable("pairs", kind, ("x",))
            f.createEnumType("i1", "colour", {"RED": 0, "GREEN": 1})
            f.createVLType("i2", "ragged")
            f.setncattr("pair", np.array((1, 2.5), kind.dtype)) if rng.random() < 0.5 else None
        for g in groups:
            for i in range(rng.randint(1, 5)):
                v = g.createVariable(f"v{i}", rng.choice(["i1", "i4", "f4", "f8"]), rng.choice([("time",), ("x", "y"), ("time", "x"), ()]), fill_value=rng.choice([None, 9]))
                for k in range(rng.choice([1, 4, 12])):
                    v.setncattr(f"a{k}", rng.choice([1, 2.5, "text", "größe", np.arange(4, dtype="i4"), np.float32(0.1)]))
            g.setncattr("title", "a title " * rng.choice([1, 500]))
            if extended:
                g.setncattr_string("texts", ["a", "bb"])


def with_pytables(path: str, rng: random.Random) -> None:
    import tables

    warnings.simplefilter("ignore")
    with tables.open_file(path, "w", title="t" * rng.choice([0, 10, 3000])) as f:
        groups = [f.root] + [f.create_group("/", f"g{i}", "title") for i in range(rng.randint(0, 4))]
        for g in groups:
            description = {f"c{i}": rng.choice([tables.Int32Col(dflt=i), tables.Float64Col(shape=(2,)), tables.StringCol(5), tables.BoolCol(), tables.Time64Col()])
                           for i in range(rng.choice([1, 5, 40]))}
            t = f.create_table(g, "table", description, "title")
            t.append(np.zeros(10, t.dtype))
            if "c0" in t.colnames and t.cols.c0.dtype.shape == () and t.coltypes["c0"] == "int32":
                t.cols.c0.create_index()
            f.create_array(g, "array", np.arange(4))
            f.create_vlarray(g, "pickled", tables.ObjectAtom()).append({"a": 1})
            for node in (g, t):
                for i in range(rng.choice([1, 6, 30])):
                    node._v_attrs[f"a{i}"] = rng.choice([*VALUES[:-1], {"a": [1, 2]}, None, (1, "x"), "x" * 3000])
        f.create_soft_link("/", "soft", "/table")
        f.create_external_link("/", "external", "other.h5:/table")
        f.create_hard_link("/", "hard", "/array")


def with_pandas(path: str, rng: random.Random) -> None:
    import pandas as pd

    warnings.simplefilter("ignore")
    columns, name = rng.choice([2, 20, 120]), "a column's name " * rng.choice([1, 20])
    df = pd.DataFrame({f"{name}{i}": np.arange(4) * i if i % 2 else [f"t{k}" for k in range(4)] for i in range(columns)})
    df["category"] = pd.Categorical(["a", "b", "a", "b"])
    df["time"] = pd.date_range("2020", periods=4, tz=rng.choice([None, "Europe/Berlin"]))
    df.to_hdf(path, key="/deep/df", format="table", mode="w", data_columns=["category"] if columns < 20 else None)
    df.drop(columns="category").to_hdf(path, key="fixed", format="fixed", mode="a")
    df["time"].to_hdf(path, key="series", mode="a")


def with_anndata(path: str, rng: random.Random) -> None:
    import anndata as ad
    import pandas as pd

    warnings.simplefilter("ignore")
    pd.set_option("future.infer_string", False)
    n = rng.choice([2, 30, 1500])
    obs = pd.DataFrame({f"a column of obs with the number {i:04}, of some length": np.arange(3) for i in range(n)}, index=["a", "b", "c"])
    obs["kind"] = pd.Categorical(["x", "y", "x"], ordered=True)
    ad.AnnData(np.zeros((3, 2)), obs=obs, uns={"a": 1, "b": {"c": "text"}}).write_h5ad(path)


PACKAGES = {"h5py": with_h5py, "netcdf4": with_netcdf4, "pytables": with_pytables, "pandas": with_pandas,
            **({"anndata": with_anndata} if importlib.util.find_spec("anndata") else {})}
