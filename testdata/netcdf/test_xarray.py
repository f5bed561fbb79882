"""engine="mtflight" opens what xarray's own engines open, equal to the bit, and reads only what is asked for."""

from __future__ import annotations

import functools
import pickle
import random
import re
import subprocess
import sys
import warnings

import dask
import h5py
import numpy as np
import pytest
import xarray as xr
from compare import ENGINES, differences, of_values, open_groups
from conftest import CLONE, CORPUS, FILES

RAW = {"mask_and_scale": False, "decode_times": False, "concat_characters": False, "decode_coords": False}

TOO_SLOW = {("netcdf-c/nc_test4/ref_hdf5_compat1.nc", "h5netcdf")}  # minutes; netcdf4 opens the file

# What is not the same, and which side is at fault.
KNOWN = {
    # netCDF-C gives memory that was never written where a variable is shorter than two of its unlimited dimensions
    ("dimensions.nc", "netcdf4"): r"^/: twice: values",
    # h5netcdf has the base type of sequences nowhere, and does not read compounds with arrays in them
    # h5netcdf takes no phony dimension for unlimited
    ("without_scales.h5", "h5netcdf"): r"phony|unlimited_dims",
    ("texts.nc", "h5netcdf"): r"^/: (rows: encoding dtype|points: )",
    # netCDF-C and h5netcdf choose different ones of a dimension's names
    ("kerchunk/air_linked.nc", "h5netcdf"): r"dims|sizes|coordinates|time|lat",
    ("links.nc", "h5netcdf"): r"^/: unlimited_dims",
}


def opened(path, engine, options):
    try:
        return open_groups(path, engine, **options)
    except Exception as e:  # noqa: BLE001, another engine's
        return e


@pytest.mark.parametrize("options", [{}, RAW], ids=["decoded", "raw"])
@pytest.mark.parametrize(("name", "engine"), [(name, engine) for name in FILES for engine in ENGINES if (name, engine) not in TOO_SLOW])
def test_equal(path_of, name, engine, options):
    theirs = opened(path_of(name), engine, options)
    if isinstance(theirs, Exception):
        assert name in CORPUS, theirs
        return
    found = list(differences(open_groups(path_of(name), "mtflight", **options), theirs))
    known = KNOWN.get((name, engine))
    assert not [line for line in found if known is None or not re.search(known, line)], "\n".join(found)
    assert bool(found) == (known is not None)


def drawn_axis(rng: random.Random, n: int):
    """A key for an axis of n places."""
    if n == 0:
        return slice(None)
    a, b = rng.randrange(-n, n), rng.randrange(-n, n + 1)
    return rng.choice([slice(None), slice(a, b), slice(a, b, rng.choice([2, 3, 7])), slice(b, a, rng.choice([-1, -2, -5])), slice(None, None, -1),
                       a, np.int64(a), [a, 0, a, n - 1], np.array([], int), np.arange(n) % 2 == 0, np.array(rng.choices(range(n), k=5))])


SELECTED = ["numbers.nc", "dimensions.nc", "texts.nc", "by_h5netcdf.nc", "without_scales.h5", "testdata/climate.nc"]


@functools.cache
def lazy_and_loaded(path, raw):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        lazy, loaded = (open_groups(path, "mtflight", cache=False, **(RAW if raw else {})) for _ in range(2))
        return lazy, {k: g.load() for k, g in loaded.items()}


@pytest.mark.parametrize("seed", range(200))
def test_selections(path_of, seed, requests):
    """isel of the lazy array is that of the array in memory; outer and pointwise, of any mix of keys."""
    rng = random.Random(seed)
    path = path_of(rng.choice(SELECTED))
    groups, whole = lazy_and_loaded(path, rng.random() < 0.5)
    group = rng.choice([k for k, g in groups.items() if g.variables])
    name = rng.choice([n for n, v in groups[group].variables.items() if len(set(v.dims)) == len(v.dims)])
    lazy, loaded = groups[group].variables[name], whole[group].variables[name]
    keys = {d: drawn_axis(rng, n) for d, n in lazy.sizes.items() if rng.random() < 0.8}
    if rng.random() < 0.3 and 0 not in lazy.shape:  # pointwise
        keys = {d: xr.Variable("points", [rng.randrange(n) for _ in range(6)]) if rng.random() < 0.6 else k for (d, n), k in
                ((i, keys.get(i[0], slice(None))) for i in lazy.sizes.items())}
    requests.clear()
    got = lazy.isel(keys)
    assert not requests or name in groups[group].indexes
    assert not list(of_values(got, loaded.isel(keys))), (path, group, name, keys)
    assert len(requests) <= 1
    further = got.isel({d: slice(None, None, -2) for d in got.dims[:1]})
    assert not list(of_values(further, loaded.isel(keys).isel({d: slice(None, None, -2) for d in got.dims[:1]})))


@pytest.mark.parametrize(("keys", "values"), [
    ({"time": 3}, 7 * 9), ({"time": slice(2, 9, 3)}, 3 * 7 * 9), ({"lat": [5, 1], "time": slice(None, None, -5)}, 2 * 3 * 9),
    ({"time": 1, "lat": -1, "lon": 4}, 1), ({"time": slice(3, 3)}, 0), ({"time": [0, 10], "lat": 2, "lon": slice(1, 3)}, 4)])
def test_bytes_are_those_of_the_selection(path_of, requests, keys, values):
    data = xr.open_dataset(path_of("numbers.nc"), engine="mtflight", mask_and_scale=False)["f4"]
    requests.clear()
    assert data.isel(keys).values.size == values
    assert sum(size for _, size in requests) == 4 * values and len(requests) == (values > 0)


def test_opening_reads_no_data(path_of, requests):
    data = xr.open_dataset(path_of("numbers.nc"), engine="mtflight", decode_times=False)
    assert {r["dataset"] for r, _ in requests} == {"/time", "/lat", "/lon"}  # xarray's indexes
    requests.clear()
    assert "f8" in data and data["f8"].dtype == "f8" and data.nbytes
    assert repr(data) and not [r for r, _ in requests if r["dataset"] in ("/f8", "/packed")]


def test_long_lists_go_in_pieces(tmp_path, requests):
    xr.Dataset({"v": ("x", np.arange(300_000))}).to_netcdf(tmp_path / "long.nc", engine="netcdf4")
    data = xr.open_dataset(tmp_path / "long.nc", engine="mtflight").v
    places = np.random.default_rng(3).permutation(300_000)[:90_000]
    np.testing.assert_array_equal(data[places], places)
    assert len(requests) == 3


def test_dask(path_of):
    """Chunks of the file, read by threads and by other processes, which get requests and no connection."""
    path = path_of("numbers.nc")
    data = xr.open_dataset(path, engine="mtflight", chunks={})
    assert data["f4"].chunks == ((3, 3, 3, 2), (4, 3), (9,))
    want = xr.open_dataset(path, engine="netcdf4")["f4"].mean("time").values
    for scheduler in ("threads", "processes"):
        with dask.config.set(scheduler=scheduler, num_workers=2):
            np.testing.assert_array_equal(data["f4"].mean("time").values, want)


def test_pickles(path_of, tmp_path):
    data = xr.open_dataset(path_of("numbers.nc"), engine="mtflight")
    pickled = pickle.dumps(data[["f8", "packed"]])
    assert len(pickled) < 20_000
    done = subprocess.run([sys.executable, "-c", "import sys, pickle; d = pickle.load(sys.stdin.buffer); print(d.f8.sum().item(), len(d.packed))"],
                          input=pickled, capture_output=True, check=True)
    assert done.stdout.decode().split() == [str(data.f8.sum().item()), "11"]
    assert pickle.loads(pickle.dumps(data)).identical(data)
    xr.Dataset({"v": ("x", [1.5, 2])}).to_netcdf(tmp_path / "tree.nc", group="a", engine="netcdf4")
    tree = xr.open_datatree(tmp_path / "tree.nc", engine="mtflight")
    assert pickle.loads(pickle.dumps(tree)).identical(tree)


def test_a_location(path_of):
    import mtflight.server
    path = path_of("texts.nc")
    at = mtflight.server.location() + path
    found = list(differences({"/": xr.open_dataset(at, engine="mtflight")}, {"/": xr.open_dataset(path, engine="mtflight")}))
    assert not found


def test_engine_is_not_guessed_for_files(path_of):
    from mtflight.xarray import MtflightBackendEntrypoint
    engine = MtflightBackendEntrypoint()
    assert not any(engine.guess_can_open(x) for x in ("a.nc", "a.h5", path_of("numbers.nc"), "https://x/a.nc", b"\x89HDF", None))
    assert engine.guess_can_open("grpc://host:8815/a.nc") and engine.guess_can_open("grpc+unix:///run/m.sock/a.nc")
    assert "mtflight" in xr.backends.list_engines()


@pytest.mark.parametrize("group", [None, "/", "one", "/one/", "one/two", "hollow"])
def test_groups(path_of, group):
    ours, theirs = (xr.open_groups(path_of("dimensions.nc"), engine=e, group=group, drop_variables="twice") for e in ("mtflight", "netcdf4"))
    assert ours.keys() == theirs.keys() and all(ours[k].identical(theirs[k]) for k in theirs)
    ours, theirs = (xr.open_dataset(path_of("dimensions.nc"), engine=e, group=group, drop_variables="twice") for e in ("mtflight", "netcdf4"))
    assert ours.identical(theirs)


@pytest.mark.parametrize(("name", "group"), [("by_h5netcdf.nc", None), ("by_h5netcdf.nc", "g"), ("dimensions.nc", "hollow"), ("dimensions.nc", "/one/two")])
def test_trees(path_of, name, group):
    ours, theirs = (xr.open_datatree(path_of(name), engine=e, group=group) for e in ("mtflight", "netcdf4"))
    assert ours.identical(theirs)


def test_drop_variables(path_of):
    drop = ["f4", "time"]
    ours, theirs = (xr.open_dataset(path_of("numbers.nc"), engine=e, drop_variables=drop) for e in ("mtflight", "netcdf4"))
    assert ours.identical(theirs) and "f4" not in ours


def test_options_reach_the_decoder(path_of):
    for options in ({"mask_and_scale": False}, {"decode_times": False}, {"concat_characters": False}, {"decode_coords": "all"}, {"decode_cf": False},
                    {"decode_timedelta": True}):
        for name in ("numbers.nc", "texts.nc"):
            ours, theirs = (xr.open_dataset(path_of(name), engine=e, **options) for e in ("mtflight", "netcdf4"))
            assert not list(differences({"/": ours}, {"/": theirs})), options


def test_what_is_not_there(path_of, tmp_path):
    with pytest.raises(FileNotFoundError):
        xr.open_dataset(tmp_path / "none.nc", engine="mtflight")
    with pytest.raises(OSError, match="group not found: /two.*/one"):
        xr.open_dataset(path_of("dimensions.nc"), engine="mtflight", group="two")
    (tmp_path / "text.nc").write_text("no file of this kind")
    with pytest.raises(OSError, match=f"^{tmp_path}/text.nc: has no HDF5 signature"):
        xr.open_dataset(tmp_path / "text.nc", engine="mtflight")
    with pytest.raises(TypeError, match="name or a location"):
        xr.open_dataset(b"bytes", engine="mtflight")


def test_what_cannot_be_read_is_left_out_by_name():
    with pytest.warns(UserWarning) as said:
        data = xr.open_dataset(CLONE / "testdata" / "refused.h5", engine="mtflight")
    assert "good" in data and "wide_integer" not in data
    assert any("wide_integer" in str(w.message) and "16 bytes" in str(w.message) for w in said)


def test_what_has_no_dimensions_or_values(tmp_path):
    """Null dataspaces and elements that are arrays are left out by name; their neighbours are there."""
    with h5py.File(tmp_path / "odd.h5", "w") as f:
        f["null"], f["plain"] = h5py.Empty("f4"), 3
        f.create_dataset("arrays", (2,), np.dtype(("i4", (3,))))
    with pytest.warns(UserWarning) as said:
        data = xr.open_dataset(tmp_path / "odd.h5", engine="mtflight")
    assert list(data) == ["plain"] and data.plain == 3
    assert {m for w in said for m in re.findall("variable '(.+?)'", str(w.message))} == {"null", "arrays"}


def ordered(groups):
    return {path: list(group.variables) for path, group in groups.items()}


@pytest.mark.parametrize("name", ["numbers.nc", "dimensions.nc", "links.nc", "without_scales.h5"])
def test_variables_come_as_in_the_file(path_of, name):
    ours, theirs = (ordered(open_groups(path_of(name), e)) for e in ("mtflight", "netcdf4"))
    assert ours == theirs


def test_links_without_end(tmp_path):
    """Groups that lead to themselves, and that lead to others in more ways than anybody could list."""
    with h5py.File(tmp_path / "circle.nc", "w") as f:
        f["g/v"] = np.arange(3)
        f["g/up"] = f["/"]
        f["g/again"] = f["g"]
        f["h"] = f["g"]
        f["nowhere"] = h5py.SoftLink("/g/nothing")
    groups = open_groups(tmp_path / "circle.nc", "mtflight")
    assert list(groups) == ["/", "/g", "/h"] and groups["/h"].v.values.tolist() == [0, 1, 2]
    with h5py.File(tmp_path / "ways.nc", "w") as f:
        f["g29/v"] = 1
        for i in reversed(range(29)):
            f[f"g{i}/a"] = f[f"g{i}/b"] = f[f"g{i + 1}"]
    with pytest.warns(UserWarning, match="lead on and on"):
        assert "v" in xr.open_dataset(tmp_path / "ways.nc", engine="mtflight", group="g29")


def test_written_again(path_of, tmp_path):
    """What was opened can be written, with its encoding, by xarray."""
    data = xr.open_dataset(path_of("numbers.nc"), engine="mtflight", decode_timedelta=True).load()
    for v in data.variables.values():
        v.encoding.pop("missing_value", None)  # xarray writes one kind of missing values
    data.to_netcdf(tmp_path / "again.nc", engine="netcdf4")
    again = xr.open_dataset(tmp_path / "again.nc", engine="mtflight", decode_timedelta=True)
    assert again.identical(data)
    assert again["f4"].encoding["chunksizes"] == (3, 4, 9) and again["f4"].encoding["zlib"] and again["packed"].encoding["scale_factor"] == 0.01


def test_the_guide(tmp_path):
    """The Python of docs/xarray.md runs as it is printed."""
    samples = re.findall(r"^```python\n(.*?)^```$", (CLONE / "docs" / "xarray.md").read_text(), re.DOTALL | re.MULTILINE)
    assert samples
    import mtflight.server
    (tmp_path / "climate.nc").write_bytes((CLONE / "testdata" / "climate.nc").read_bytes())
    text = "\n".join(samples).replace("grpc://127.0.0.1:8815", mtflight.server.location() + str(tmp_path))
    done = subprocess.run([sys.executable, "-c", text], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == "(2, 9, 18) True True".split()
