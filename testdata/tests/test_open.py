"""`mtflight.open`: files, folders and servers by name, tables narrowed and read, in other processes and in notebooks."""

from __future__ import annotations

import base64
import html.parser
import os
import pickle
import re
import shutil
import subprocess
import sys
import textwrap
import warnings
import zlib

import duckdb
import h5py
import numpy as np
import pyarrow as pa
import pytest
import tables

from conftest import BINARY, CLONE, TESTDATA

PACKAGE = CLONE / "examples" / "python"
sys.path.insert(0, str(PACKAGE))

import mtflight  # noqa: E402


@pytest.fixture(scope="module")
def events():
    with tables.open_file(TESTDATA / "tables.h5") as f:
        yield f.root.events[:]


@pytest.fixture(scope="module")
def file():
    with mtflight.open(TESTDATA / "tables.h5") as file:
        yield file


@pytest.fixture(scope="module")
def t(file):
    return file["/events"]


# Names

def of_h5py(name) -> set[str]:
    found = set()
    with h5py.File(name) as f:
        f.visititems(lambda path, node: found.add("/" + path) if isinstance(node, h5py.Dataset) else None)
    return found


@pytest.mark.parametrize("name", ["tables.h5", "types.h5", "arrays.h5", "climate.nc", "refused.h5"])
def test_names_of_a_file(name):
    with mtflight.open(TESTDATA / name) as file:
        want = {path for path in of_h5py(TESTDATA / name) if not path.startswith("/_i_")}  # PyTables' indexes
        assert set(file) == want and len(file) == len(want) and sorted(file.keys()) == sorted(want)
        assert all(path in file and path[1:] in file for path in want)
        for path, table in file.items():
            assert table.path == path and "/" + table.file == str(TESTDATA / name)
        assert "/nope" not in file and 3 not in file and file.get("/nope") is None


def test_frames_are_named_too():
    with mtflight.open(TESTDATA / "pandas.h5") as file:
        assert {"/frame", "/fixed"} <= set(file)
        frame = file["/frame"]
        assert frame.shape == (100,) and frame[:2].dtype.names == tuple(frame.columns)


def test_bytes_before_reading():
    events = mtflight.open(TESTDATA / "tables.h5")["/events"]
    assert 0.5 < events.nbytes / events.to_arrow().nbytes < 2
    assert events.select(["id"]).nbytes == 8 * len(events)
    assert events.where("id > 3").nbytes is None


@pytest.mark.parametrize("package", ["pandas", "polars", "duckdb"])
def test_a_package_that_is_missing_is_named(package, monkeypatch):
    events = mtflight.open(TESTDATA / "tables.h5")["/events"]
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match=f"to_{package} needs {package}: pip install {package}"):
        getattr(events, f"to_{package}")()


def test_names_of_a_folder(server):
    with mtflight.open(TESTDATA) as folder, mtflight.open(server.location) as remote:
        for there in (folder, remote):
            assert {"tables.h5", "real/glia.h5"} <= set(there.files)
            assert {"tables.h5/events", "real/glia.h5/points"} <= set(there)
            assert there["tables.h5/deep/er/particles"].shape == (300,) and there["real/glia.h5/points"].shape == (4, 4)
            assert "tables.h5/nope" not in there and "nope.h5/events" not in there and "tables.h5" not in there
            assert there.file("tables.h5")["events"].path == "/events"
        with pytest.raises(ValueError, match=r"\.file\(name\)\.attrs"):
            folder.attrs  # noqa: B018


@pytest.mark.parametrize("name", ["a[1]*?.h5", "caf\u00e9 x.h5"])
def test_names_that_are_globs(tmp_path, name):
    """A folder and a file whose names would be patterns, beside others that the patterns would match."""
    for folder, path in ((f"d {name}", name), (f"d {name}", "a1xx.h5"), ("d a1xx.h5", name)):
        (tmp_path / folder).mkdir(exist_ok=True)
        shutil.copy(TESTDATA / "tables.h5", tmp_path / folder / path)
    with mtflight.open(tmp_path / f"d {name}") as folder, mtflight.open(tmp_path / f"d {name}" / name) as file:
        assert sorted(folder.files) == sorted({name, "a1xx.h5"}) and len(file) == len(set(file)) == 6
        assert folder[f"{name}/events"].shape == file["/events"].shape == (5000,)


def test_locations(server, start, tmp_path):
    assert mtflight.open(f"{server.location}/tables.h5")["/events"].shape == (5000,)
    assert mtflight.open(f"{server.location}/real")["glia.h5/points"].shape == (4, 4)
    assert "events" in mtflight.open(f"{server.location}/tables.h5", disable_server_verification=True)
    socket = tmp_path / "s.sock"
    start(TESTDATA, listen=f"grpc+unix://{socket}")
    assert mtflight.open(f"grpc+unix://{socket}/tables.h5")["/events"].shape == (5000,)


REFUSED = [
    (lambda at: mtflight.open("nope.h5"), FileNotFoundError, "[Errno 2] no such HDF5 file or folder: 'nope.h5'"),
    (lambda at: mtflight.open(TESTDATA / "make.py"), OSError, f"{str(TESTDATA)[1:]}/make.py: open file: no HDF5 signature"),
    (lambda at: mtflight.open(TESTDATA, tls_root_certs=b""), TypeError, "tls_root_certs: options are those of a connection, and /"),
    (lambda at: mtflight.open(f"{at}/nope.h5"), FileNotFoundError, 'no such file "nope.h5"'),
    (lambda at: mtflight.open("grpc://127.0.0.1:1"), ConnectionError, "failed to connect"),
    (lambda at: mtflight.open(TESTDATA / "types.h5")["/flots"], KeyError, f'{TESTDATA}/types.h5: no such dataset "/flots" (near: "/floats")'),
    (lambda at: mtflight.open(TESTDATA / "tables.h5")["/deep"], KeyError, '"/deep" is a group, not a dataset: in it: "/deep/er"'),
    (lambda at: mtflight.open(TESTDATA)["x"], KeyError, 'there is no \'x\': write a file and a dataset of it, as "run7.h5/events"'),
    (lambda at: mtflight.open(TESTDATA)["table.h5/events"], KeyError, 'no such file "'),
    (lambda at: mtflight.open(TESTDATA / "types.h5")[3], TypeError, "datasets are asked for by name, not by 3: list(..) names them"),
    (lambda at: mtflight.open(TESTDATA / "refused.h5")["/wide_integer"][:], NotImplementedError, "integer of 16 bytes"),
]


@pytest.mark.parametrize("case", range(len(REFUSED)))
def test_refused(server, case):
    ask, kind, message = REFUSED[case]
    with pytest.raises(kind) as refused:
        ask(server.location)
    assert message in str(refused.value)


def test_missing_datasets_are_what_dicts_and_pytables_say():
    with pytest.raises(tables.NoSuchNodeError):
        mtflight.open(TESTDATA / "types.h5")["/nope"]
    assert issubclass(mtflight.NoSuchNodeError, (KeyError, AttributeError)) and str(mtflight.NoSuchNodeError("a b")) == "a b"


def test_closed():
    with mtflight.open(TESTDATA / "tables.h5") as file:
        table = file["/events"]
    for use in (lambda: table[:3], lambda: list(file), lambda: table.to_arrow()):
        with pytest.raises(ValueError, match="this file is closed: open it again"):
            use()
    assert "this file is closed" in repr(file) and "this file is closed" in repr(table) and "closed" in table._repr_html_()


# What a table is

def test_what_a_table_is(t, events, file):
    assert (len(t), t.shape, t.dtype, t.columns, t.kind) == (5000, (5000,), events.dtype, list(events.dtype.names), "table")
    assert pa.schema(t) == t.schema and pa.table(t).num_rows == 5000
    assert t.head().num_rows == 5 and t.head(7)["id"].to_pylist() == list(range(7))
    cube = mtflight.open(TESTDATA / "arrays.h5")["/cube"]
    assert (cube.shape, cube.dtype, cube.kind, cube.columns) == ((6, 5, 4), np.int64, "array", ["cube"])
    assert (cube.ndim, cube.size, t.ndim, t.size) == (3, 120, 1, 5000)
    with tables.open_file(TESTDATA / "arrays.h5") as f:
        assert cube.attrs.keys() == set(f.root.cube.attrs._v_attrnames) and cube.attrs["VERSION"] == f.root.cube.attrs.VERSION
        assert file.attrs["PYTABLES_FORMAT_VERSION"] == f.root._v_attrs.PYTABLES_FORMAT_VERSION
    types = mtflight.open(TESTDATA / "types.h5")
    assert types["/shapes/scalar"].shape == () and types["/shapes/null"].shape == (0,)
    assert (types["/shapes/scalar"].ndim, types["/shapes/scalar"].size, types["/shapes/null"].size) == (0, 1, 0)
    with pytest.raises(TypeError, match="variable-length data has no rows of one size.*schema has Arrow's types"):
        types["/ragged"].dtype  # noqa: B018


def test_a_table_is_no_sequence(t):
    for use in (iter, list, reversed, lambda x: 3 in x, lambda x: [*x]):
        with pytest.raises(TypeError, match=r"scan\(\) gives record batches"):
            use(t)
    with pytest.raises(TypeError, match="cannot be taken for a sequence"):
        a, b = t
    assert bool(t.limit(0))


def test_complex_is_complex():
    table = mtflight.open(TESTDATA / "types.h5")["/complex"]
    with h5py.File(TESTDATA / "types.h5") as f:
        want = f["/complex"][:]
    assert table.to_numpy().tolist() == table[:].tolist() == table.to_pandas()["complex"].tolist() == want.tolist()
    assert table.dtype == table.to_pandas()["complex"].dtype == want.dtype


# Narrowed tables

def test_narrowed(t, events):
    some = t.where("energy > cut", vars={"cut": 3}).select(["id", "t"])
    want = events[events["energy"] > 3]
    assert some.columns == ["id", "t"] and len(some) == len(want) and some.shape == (len(want),)
    assert some.to_numpy()["id"].tolist() == some["id"].tolist() == some.to_pandas()["id"].tolist() == want["id"].tolist()
    assert some.to_polars()["t"].to_list() == want["t"].tolist() and pa.table(some)["t"].to_pylist() == want["t"].tolist()
    assert some.to_duckdb(database=duckdb.connect()).aggregate("count(*)").fetchall() == [(len(want),)]
    both = some.where("run < n", vars={"n": 30}).sort_by("t").limit(20)
    want = np.sort(want[want["run"] < 30], order="t")[:20]
    assert both.to_numpy()["id"].tolist() == want["id"].tolist() and len(both) == 20
    assert both.limit(5).to_numpy()["id"].tolist() == both.limit(5).limit(9)["id"].tolist() == want["id"][:5].tolist()
    assert both.to_arrow(offset=15, limit=10)["id"].to_pylist() == want["id"][15:].tolist()
    assert both.to_arrow(["t"]).column_names == ["t"] and both.select("id").columns == ["id"]
    assert t.columns == list(events.dtype.names)  # which is as it was
    assert t.sort_by("t").sort_by("id").limit(3)["id"].tolist() == np.sort(events["id"])[:3].tolist()
    assert t.limit(np.int8(3)).to_arrow(where=None).num_rows == 3 and t.limit(0).to_numpy().dtype == events.dtype
    assert "cut" not in str(t.explain()) and "plan" in both.explain()


def test_two_spellings(t, events):
    want = events[events["energy"] > 3]["id"].tolist()
    for spelled in ({"columns": ["id"], "vars": {"x": 3}}, {"fields": ["id"], "variables": {"x": 3}}, {"fields": np.array(["id"]), "vars": {"x": np.int8(3)}}):
        for read in (t.to_arrow, t.to_pandas, t.to_polars, t.to_duckdb, t.to_numpy, lambda **o: t.scan(**o).read_all(), t.explain):
            got = read(where="energy > x", **spelled)
            if not isinstance(got, dict):
                got = got.fetchnumpy() if hasattr(got, "fetchnumpy") else got
                assert np.asarray(got["id"]).tolist() == want
    assert t.where("energy > x", variables={"x": 3})["id"].tolist() == t.where("energy > x", {"x": 3})["id"].tolist() == want
    assert t.head(columns=["id"]) == t.head(fields=["id"]) and t.select(fields=["id"]).columns == t.select("id").columns == ["id"]
    assert t.head(2, where="id > x", variables={"x": 5})["id"].to_pylist() == [6, 7]
    assert mtflight.read(t, fields=["id"], limit=2).equals(mtflight.read(t, columns=["id"], limit=2))
    batch, = mtflight.training.Batches(t, fields=["id"], where="energy > x", variables={"x": 3}, batch_size=5000)
    assert batch["id"].tolist() == want
    assert t.stats(["id"]) == t.stats(fields=["id"]) and len(t.stats(columns=["id"])["columns"]) == 1


NARROWED = [
    (lambda t: t.limit(3).where("id > 1"), ValueError, "where after limit would have to choose among the rows left: give it before limit"),
    (lambda t: t.limit(3).sort_by("id"), ValueError, "sort_by after limit would have to choose among the rows left: give it before limit"),
    (lambda t: t.limit(3).to_arrow(start=1), ValueError, "start after limit would have to choose among the rows left: give it before limit"),
    (lambda t: t.limit(3).to_numpy(mask=np.ones(3, bool)), ValueError, "mask after limit would have to choose among the rows left: give it before limit"),
    (lambda t: t.limit(-1), ValueError, "a limit of -1 rows cannot be: give at least 0"),
    (lambda t: t.to_arrow(limit=1.5), TypeError, "limit must be an integer, not 1.5 of type float"),
    (lambda t: t.select(["id"]).select(["t"]), KeyError, "\"no column 't' among those selected: id\""),
    (lambda t: t.to_arrow("id"), TypeError, "columns must be a list of names: ['id']"),
    (lambda t: t.to_arrow(["id"], fields=["t"]), TypeError, "columns= and fields= are two names for one thing: give columns="),
    (lambda t: t.select(), TypeError, "select needs the names of columns: select([\"id\"])"),
    (lambda t: t.to_arrow(where="id > x", vars={"x": 1}, variables={"x": 1}), TypeError, "vars= and variables= are two names for one thing: give vars="),
    (lambda t: t.where("id > x", {"x": 1}).to_arrow(vars={"x": 2}), ValueError, "vars= belongs to the where= that uses it: give both in one call"),
    (lambda t: t.where("id > x", {"x": 1}).where("t > x", {"x": 2}), ValueError,
     "'x' would mean something else in (id > x) than in the other condition's vars: name the variable otherwise"),
    (lambda t: t.where("id > run", {"run": 1}).where("run > 3"), ValueError,
     "'run' would mean something else in (run > 3) than in the other condition's vars: name the variable otherwise"),
    (lambda t: t.where("run > 3").where("id > run", {"run": 1}), ValueError,
     "'run' would mean something else in (run > 3) than in the other condition's vars: name the variable otherwise"),
]


@pytest.mark.parametrize("case", range(len(NARROWED)))
def test_what_cannot_be_narrowed(t, case):
    ask, kind, message = NARROWED[case]
    with pytest.raises(kind) as refused:
        ask(t)
    assert str(refused.value) == message


def test_conditions_are_joined_as_they_are(t, events):
    """Neither binds into the other."""
    got = t.where("(id < 3) | (id > 4990)").where("(run == 0) | (run == 49)").where("id != x", {"x": 1}).where("id != x", {"x": 1})
    i, run = events["id"], events["run"]
    assert got["id"].tolist() == i[((i < 3) | (i > 4990)) & ((run == 0) | (run == 49)) & (i != 1)].tolist()


def test_progress_without_tqdm(t, monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    with pytest.warns(UserWarning, match="progress=True shows a bar where tqdm is installed: pip install tqdm") as told:
        assert len(t.to_numpy(["id"], progress=True)) == 5000
    assert told[0].filename == __file__


# Other processes

PROGRAM = """
    import multiprocessing, os, sys, mtflight
    def read(table):
        return table["id"].tolist(), os.getpid()
    def names(catalogue):
        return list(catalogue)
    if __name__ == "__main__":
        file = mtflight.open(sys.argv[1])
        table = file["/events"].where("id < x", vars={"x": 5}).select(["id"])
        with multiprocessing.get_context("spawn").Pool(2) as pool:
            for ids, pid in pool.map(read, [table] * 3):
                assert ids == [0, 1, 2, 3, 4] and pid != os.getpid()
            assert pool.apply(names, [file]) == list(file)
        print("read")
"""


@pytest.mark.parametrize("remote", [False, True])
def test_in_spawned_processes(server, tmp_path, remote):
    """A table is pickled as what it asks for; of a local file each process has a server of its own."""
    (tmp_path / "program.py").write_text(textwrap.dedent(PROGRAM))
    name = f"{server.location}/tables.h5" if remote else "tables.h5"  # relative to this process's folder
    done = subprocess.run([sys.executable, "-W", "ignore", tmp_path / "program.py", name], text=True, capture_output=True, cwd=TESTDATA, timeout=240,
                          env={**os.environ, "PYTHONPATH": str(PACKAGE), "MTFLIGHT_BIN": str(BINARY)})
    assert done.stdout == "read\n", done.stderr


def test_pickles_hold_no_data(t, file):
    for thing in (t, t.where("id < 3"), file):
        assert len(pickle.dumps(thing)) < 500
    assert pickle.loads(pickle.dumps(t.where("id < 3")))["id"].tolist() == [0, 1, 2]


FORKED = f"""
    import os, sys, mtflight
    file = mtflight.open({str(TESTDATA / 'tables.h5')!r})
    table = file["/events"]
    child = os.fork()
    if child == 0:
        for use in (lambda: table[:3], lambda: file["/events"], lambda: list(file), lambda: mtflight.open({str(TESTDATA / 'tables.h5')!r})):
            try:
                use()
            except RuntimeError as e:
                print(e, flush=True)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    print(table["id"][:3])
"""


def test_after_a_fork():
    """The child is told what to do, at once; the parent goes on."""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", textwrap.dedent(FORKED)], text=True, capture_output=True, timeout=120,
                          env={**os.environ, "PYTHONPATH": str(PACKAGE), "MTFLIGHT_BIN": str(BINARY)})
    said = done.stdout.splitlines()
    assert len(said) == 5 and all("start processes by multiprocessing's spawn or forkserver" in line for line in said[:4]), done
    assert said[4] == "[0 1 2]"


def test_a_server_that_dies_is_replaced(events):
    program = f"""
    import os, signal, mtflight, mtflight._internal.transport.server as private
    table = mtflight.open({str(TESTDATA / 'tables.h5')!r})["/events"]
    assert table[3]["id"] == 3
    os.kill(next(iter(private._running.values())).process.pid, signal.SIGKILL)
    next(iter(private._running.values())).process.wait()
    print(table[[5, 4]]["id"].tolist(), table.to_arrow(["id"]).num_rows)
    """
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", textwrap.dedent(program)], text=True, capture_output=True, timeout=120,
                          env={**os.environ, "PYTHONPATH": str(PACKAGE), "MTFLIGHT_BIN": str(BINARY)})
    assert done.stdout == "[5, 4] 5000\n", done.stderr


# What is shown

class Checked(html.parser.HTMLParser):
    """Notes tags, and that they close in the order they opened."""

    def __init__(self, text: str):
        super().__init__()
        self.open, self.tags, self.texts = [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def test_a_table_is_shown(t):
    said = repr(t.where("id > x", {"x": 3}).limit(9))
    assert said.splitlines()[:2] == [f"/events of {TESTDATA}/tables.h5: rows that meet a condition, 12 columns", "  id       int64"]
    assert said.splitlines()[-3:] == ["where: id > x", "vars: {'x': 3}", "limit: 9"]
    shown = Checked(t._repr_html_())
    assert (shown.tags.count("table"), shown.tags.count("th"), shown.tags.count("tr"), shown.tags.count("td")) == (1, 12, 10, 9 * 12)
    assert f"/events of {TESTDATA}/tables.h5: 5,000 rows, 12 columns" in shown.texts and "mu" in shown.texts
    few = Checked(t.select(["id"]).limit(2)._repr_html_())
    assert few.tags.count("td") == 2


def test_what_is_shown_is_escaped(tmp_path):
    name = "<script>alert(1)</script>"
    with h5py.File(tmp_path / "<b>&.h5", "w") as f:
        f.create_group("<i>")["<u>"] = np.rec.fromarrays([[name.encode()]], names="<s>")
    with mtflight.open(tmp_path / "<b>&.h5") as file:
        for thing in (file, file["/<i>/<u>"], mtflight.open(tmp_path)):
            shown = Checked(thing._repr_html_())
            assert not {"script", "i", "u", "s"} & set(shown.tags)


def picture(table) -> tuple[Checked, list[np.ndarray]]:
    """The parts of a picture, and the pixels of its images."""
    text = table._repr_html_()
    images = []
    for data in re.findall(r"base64,([^\"]+)", text):
        png = base64.b64decode(data)
        assert png[:8] == b"\x89PNG\r\n\x1a\n"
        width, height = (int.from_bytes(png[i:i + 4], "big") for i in (16, 20))
        at = png.index(b"IDAT")
        lines = np.frombuffer(zlib.decompress(png[at + 4:at + 4 + int.from_bytes(png[at - 4:at], "big")]), np.uint8)
        assert zlib.crc32(png[at:at + 4 + int.from_bytes(png[at - 4:at], "big")]) == int.from_bytes(png[at + 4 + int.from_bytes(png[at - 4:at], "big"):][:4], "big")
        images.append(lines.reshape(height, 1 + 3 * width)[:, 1:].reshape(height, width, 3))
    return Checked(text), images


def test_an_array_is_a_picture(tmp_path):
    values = np.array([[0, 1, 2], [3, np.nan, 10]])
    with h5py.File(tmp_path / "a.h5", "w") as f:
        f["m"], f["z"], f["empty"], f["extremes"] = values, values + 0j, values[:0], np.array([[-1.7e308, 1.7e308], [np.inf, 0]])
        f["large"] = np.arange(1000 * 600, dtype="f4").reshape(1000, 600)
        f["cube"], f["same"], f["bools"] = np.arange(24).reshape(2, 3, 4), np.ones((3, 3)), values > 1
    file = mtflight.open(tmp_path / "a.h5")
    shown, (pixels, scale) = picture(file["/m"])
    assert shown.tags.count("svg") == 1 and shown.tags.count("image") == 2 and {"10", "0", "[:, :]"} <= set(shown.texts)
    assert pixels.shape == (2, 3, 3) and pixels[0, 0].tolist() == scale[-1, 0].tolist() == [68, 1, 84]
    assert pixels[1, 2].tolist() == scale[0, 0].tolist() == [253, 231, 37] and pixels[1, 1].tolist() == [200, 200, 200]
    assert picture(file["/large"])[1][0].shape == (250, 200, 3) and "[::4, ::3]" in picture(file["/large"])[0].texts
    assert "[0, :, :]" in picture(file["/cube"])[0].texts and "[:, :] (magnitude)" in picture(file["/z"])[0].texts
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (pixels, _) = picture(file["/extremes"])[1]
    assert pixels[0].tolist() == [[68, 1, 84], [253, 231, 37]] and pixels[1, 0].tolist() == [200, 200, 200]
    assert len(picture(file["/same"])[1]) == len(picture(file["/bools"])[1]) == 2
    assert Checked(file["/empty"]._repr_html_()).tags.count("svg") == 0


def test_a_file_is_a_tree():
    with mtflight.open(TESTDATA / "types.h5") as file, mtflight.open(TESTDATA) as folder:
        lines = repr(file).splitlines()
        assert lines[:2] == [f"{TESTDATA}/types.h5", "  bools     array, 3, enum<i8le>{FALSE=0,TRUE=1}"]
        assert lines[lines.index("  floats/") + 1] == "    be_f4  array, 6, float32 (big endian)"
        shown = Checked(file._repr_html_())
        assert shown.tags.count("li") == len(file) + 4 and shown.tags.count("details") == 4 and "be_f4" in shown.texts
        assert "  tables.h5" in repr(folder).splitlines() and "tables.h5" in Checked(folder._repr_html_()).texts
        assert file._ipython_key_completions_() == list(file)
    with mtflight.open(TESTDATA / "refused.h5") as file:
        assert "not served: integer of 16 bytes" in repr(file)


def test_damage_found_while_reading_names_the_path(tmp_path):
    """Errors that come after a stream has begun have the file's name as those before it have."""
    path = tmp_path / "damaged.h5"
    with h5py.File(path, "w") as f:
        d = f.create_dataset("d", data=np.arange(60_000.0), chunks=(1000,), fletcher32=True)
        at = d.id.get_chunk_info(50).byte_offset
    with path.open("r+b") as f:
        f.seek(at)
        f.write(b"damage")
    with mtflight.open(path) as file:
        table = file["/d"]
        for read in (table.to_numpy, table.to_arrow, lambda: table.to_pandas(parallel=2), lambda: table[49_000:51_000],
                     lambda: list(mtflight.Streamer(path).get_queue("/d").iter())):
            with pytest.raises(OSError, match="^" + re.escape(f"{path} /d: ")):
                read()
