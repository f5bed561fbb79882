"""Names of any bytes, made with h5py's low-level API: whatever is listed can be asked for, under one spelling."""

from __future__ import annotations

import json
import os
import subprocess

import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.flight as fl
import pytest
import tables
from conftest import BINARY
from metadata_h5py import spelled

RAW = [b"caf\xe9", b"caf\xe8", rb"caf\xe9", rb"caf\xE9", rb"caf\x41", rb"caf\x5cxe9", b"\xe2\x82", b"\xff\xfe", b"back\\slash", b"\\\xe9", b"\\x5\xe9",
       "é".encode(), "日本".encode(), b" ", b"a\nb", b"plain"]
NAMES = [spelled(raw) for raw in RAW]
MEMBERS = [b"m\xe9mber", b"m\xe8mber", rb"m\xe9mber", b"n/\xff", b"plain"]


def integers(where, name: bytes, values) -> h5py.h5d.DatasetID:
    values = np.asarray(values, "<i8")
    made = h5py.h5d.create(where, name, h5py.h5t.STD_I64LE, h5py.h5s.create_simple(values.shape))
    made.write(h5py.h5s.ALL, h5py.h5s.ALL, values)
    return made


def attribute(where, name: bytes, value: int, typ=h5py.h5t.STD_I64LE) -> None:
    h5py.h5a.create(where, name, typ, h5py.h5s.create(h5py.h5s.SCALAR)).write(np.array(value, "<i8"))


def compound(names, types) -> h5py.h5t.TypeID:
    out = h5py.h5t.create(h5py.h5t.COMPOUND, sum(t.get_size() for t in types))
    at = 0
    for name, typ in zip(names, types):
        out.insert(name, at, typ)
        at += typ.get_size()
    return out


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("names")
    with h5py.File(root / "objects.h5", "w", libver="latest") as f:
        for k, raw in enumerate(RAW):
            group = h5py.h5g.create(f.id, b"g " + raw)
            attribute(group, raw, k)
            integers(group, raw, [k])
            f.id.links.create_soft(b"soft " + raw, b"/g " + raw + b"/" + raw)
            f.id.links.create_external(b"external " + raw, b"other " + raw + b".h5", b"/x " + raw)
            with h5py.File(os.fsencode(root) + b"/other " + raw + b".h5", "w") as other:
                integers(other.id, b"x " + raw, [100 + k])
            plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            space = h5py.h5s.create_simple((2,))
            for i, source in enumerate([(b".", b"/g " + raw + b"/" + raw), (b"other " + raw + b".h5", b"/x " + raw)]):
                space.select_hyperslab((i,), (1,))
                plist.set_virtual(space, *source, h5py.h5s.create_simple((1,)))
            h5py.h5d.create(f.id, b"virtual " + raw, h5py.h5t.STD_I64LE, h5py.h5s.create_simple((2,)), dcpl=plist)
        refs = f.create_dataset("refs", (len(RAW),), h5py.ref_dtype)
        for k, raw in enumerate(RAW):
            refs[k] = h5py.h5r.create(f.id, b"g " + raw, h5py.h5r.OBJECT)
        f.attrs.create("ref", refs[0], dtype=h5py.ref_dtype)
    with h5py.File(root / "tables.h5", "w") as f:
        table(f.id)
        words = h5py.h5t.enum_create(h5py.h5t.STD_I8LE)
        for k, raw in enumerate(RAW):
            words.enum_insert(raw, k)
        h5py.h5d.create(f.id, b"words", words, h5py.h5s.create_simple((len(RAW),))).write(
            h5py.h5s.ALL, h5py.h5s.ALL, np.arange(len(RAW), dtype="i1"), words)
    return root


def table(where) -> None:
    typ = compound(MEMBERS, [h5py.h5t.STD_I64LE] * len(MEMBERS))
    rows = 10 * np.arange(4)[:, None] + np.arange(len(MEMBERS))
    made = h5py.h5d.create(where, b"t", typ, h5py.h5s.create_simple((4,)))
    made.write(h5py.h5s.ALL, h5py.h5s.ALL, np.ascontiguousarray(rows[::-1].astype("<i8")).view(f"V{8 * len(MEMBERS)}")[:, 0], typ)
    inner = compound(MEMBERS[:2], [h5py.h5t.STD_I64LE] * 2)
    attribute(made, b"c", 0)
    h5py.h5a.create(made, b"\xe9", inner, h5py.h5s.create(h5py.h5s.SCALAR)).write(np.array([7, 8], "<i8").view("V16").reshape(()), inner)


@pytest.fixture(scope="module")
def server(start, root):
    return start(root)


def only(t: pa.Table) -> list:
    assert t.num_columns == 1
    return t.column(0).to_pylist()


def test_spellings_differ():
    assert len(set(NAMES)) == len(RAW)


def test_objects(server):
    listed = [d for f, d in server.listing(file="objects.h5")]
    for k, name in enumerate(NAMES):
        path = f"/g {name}/{name}"
        assert path in listed
        for asked, want in [(path, [k]), (f"/soft {name}", [k]), (f"/external {name}", [100 + k]), (f"/virtual {name}", [k, 100 + k])]:
            got = server.read("objects.h5", asked)
            assert only(got) == want, asked
            assert got.column_names == [asked.split("/")[-1]]
        ticket = server.listing(file="objects.h5", dataset=path.replace("[", "[[]"))["objects.h5", path].endpoints[0].ticket
        assert only(server.client().do_get(ticket).read_all()) == [k]
    assert only(server.read("objects.h5", "/refs")) == [f"/g {name}" for name in NAMES]


def action(server, name, **body):
    return json.loads(next(iter(server.client().do_action(fl.Action(name, json.dumps(body).encode())))).body.to_pybytes())


def test_list(server):
    tree = action(server, "list", file="objects.h5")
    groups = {g["path"]: g["attributes"] for g in tree["groups"]}
    links = {x["path"]: x for x in tree["links"]}
    for k, name in enumerate(NAMES):
        assert groups[f"/g {name}"] == {name: k}
        assert links[f"/soft {name}"]["target"] == f"/g {name}/{name}"
        assert (links[f"/external {name}"]["file"], links[f"/external {name}"]["target"]) == (f"other {name}.h5", f"/x {name}")
        assert action(server, "describe", file="objects.h5", dataset=f"/g {name}/{name}")["path"] == f"/g {name}/{name}"
    assert groups["/"] == {"ref": {"ref": f"/g {NAMES[0]}"}}


def test_files(server):
    listed = {f for f, *_ in server.listing(dataset="/x *")}
    assert listed == {f"other {name}.h5" for name in NAMES}
    for k, name in enumerate(NAMES):
        file = f"other {name}.h5"
        assert only(server.read(file, f"/x {name}")) == [100 + k]
        assert action(server, "describe", file=file, dataset=f"/x {name}")["file"] == file
        assert action(server, "refresh", file=file) == {"refreshed": file}
        assert action(server, "list", file=file)["file"] == file
    assert {f for f, *_ in server.listing(file="other caf\\*")} == {f"other {n}.h5" for n in NAMES if n.startswith("caf\\")}


@pytest.mark.parametrize(("file", "dataset", "near"), [
    ("objects.h5", r"/g caf\xea", r'"/g caf\xe9"'), ("other caf\\xea.h5", "/x", r'"other caf\xe9.h5"'),
    ("objects.h5", r"/g caf\x5cxe8", r'"/g caf\x5cxe9"')])
def test_near(server, file, dataset, near):
    with pytest.raises(KeyError) as e:
        server.read(file, dataset)
    assert near in str(e.value)


def test_columns(server):
    names = [spelled(m) for m in MEMBERS]
    whole = server.read("tables.h5", "/t")
    assert whole.column_names == names
    for k, name in enumerate(names):
        want = [30 + k, 20 + k, 10 + k, k]
        assert whole.column(name).to_pylist() == want
        assert only(server.read("tables.h5", "/t", fields=[name])) == want
        assert only(server.read("tables.h5", "/t", fields=[name], sort_by=name)) == want[::-1]
        assert only(server.read("tables.h5", "/t", fields=[name], where=f"{name} > {10 + k}")) == want[:2]
    where = rf"({names[0]} + {names[2]} == 42)&({names[1]}<31+3*{names[4]})"
    assert only(server.read("tables.h5", "/t", fields=[names[4]], where=where)) == [24]
    described = action(server, "describe", file="tables.h5", dataset="/t")
    assert [c["name"] for c in described["schema"]] == names
    assert described["attributes"] == {"c": 0, r"\xe9": dict(zip(names, [7, 8]))}
    assert [c["name"] for c in action(server, "stats", file="tables.h5", dataset="/t")["columns"]] == names
    with pytest.raises(KeyError) as e:
        server.read("tables.h5", "/t", fields=[r"m\xeamber"])
    assert r'"m\xe9mber"' in str(e.value)


def test_rows(server):
    rows = server.read("tables.h5", "/t", options={"layout": "rows"})
    dtype = np.dtype([tuple(f) for f in json.loads(rows.schema.field(0).metadata[b"numpy.dtype"])])
    assert dtype.names == tuple(spelled(m) for m in MEMBERS)
    got = np.frombuffer(b"".join(rows.column(0).to_pylist()), dtype)
    assert got[spelled(MEMBERS[0])].tolist() == [30, 20, 10, 0]


@pytest.mark.parametrize("options", [{}, {"plain": True}])
def test_enumeration(server, options):
    assert only(server.read("tables.h5", "/words", options=options)) == NAMES


@pytest.mark.filterwarnings("ignore::tables.NaturalNameWarning")
def test_frame(start, tmp_path):
    """AnnData's columns are datasets; pandas' data columns are members."""
    named = r"back\xe9slash"
    with h5py.File(tmp_path / "a.h5", "w") as f:
        g = f.create_group("obs")
        g.attrs.update({"encoding-type": "dataframe", "encoding-version": "0.2.0", "_index": r"i\xe9"})
        g.attrs["column-order"] = np.array([named, "x"], h5py.string_dtype())
        g[named], g["x"] = [1, 2], [3, 4]
        g[r"i\xe9"] = np.array(["a", "b"], h5py.string_dtype())
        for v in g.values():
            v.attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})
    frame = pd.DataFrame({named: [1, 2], "x": ["p", "q"], "c": pd.Categorical(["u", "v"])})
    frame.to_hdf(tmp_path / "p.h5", key="f", format="table", data_columns=True)
    server = start(tmp_path)
    a = server.read("a.h5", "/obs", fields=[spelled(named.encode()), "x"])
    assert a.to_pydict() == {spelled(named.encode()): [1, 2], "x": [3, 4]}
    assert server.read("a.h5", "/obs").column_names == [spelled(named.encode()), "x", r"i\x5cxe9"]
    read = server.read("a.h5", "/obs").to_pandas()
    assert read[named].tolist() == [1, 2] and read.index.name == r"i\xe9"
    pd.testing.assert_frame_equal(server.read("p.h5", "/f").to_pandas(), frame, check_freq=False, check_dtype=False)
    assert server.read("p.h5", "/f/table", fields=[spelled(named.encode())]).column(0).to_pylist() == [1, 2]


@pytest.mark.filterwarnings("ignore::tables.NaturalNameWarning")
def test_index_of_pytables(start, tmp_path):
    named = r"back\xe9slash"
    with tables.open_file(tmp_path / "t.h5", "w") as f:
        t = f.create_table("/", named, np.array([(3,), (1,), (2,)], [(named, "<i8")]))
        getattr(t.cols, named).create_csindex()
    server = start(tmp_path)
    name = spelled(named.encode())
    assert action(server, "describe", file="t.h5", dataset=f"/{name}")["indexes"] == [name]
    got = server.read("t.h5", f"/{name}", where=f"{name} > 1", sort_by=name, check_csi=True, options={"index": "only"})
    assert got.to_pydict() == {name: [2, 3]}


def run(*arguments) -> str:
    return subprocess.run([BINARY, *arguments], capture_output=True, check=True).stdout.decode()


def test_command_line(server, root):
    for where in ([], [server.location]):
        of = "" if where else f"{root}/"
        listed = [json.loads(line) for line in run("ls", "--json", *(where or [root])).splitlines()]
        assert {(d["file"], d["path"]) for d in listed} >= {(f"{of}other {n}.h5", f"/x {n}") for n in NAMES}
        for k, (raw, name) in enumerate(zip(RAW, NAMES)):
            file = f"{of}other {name}.h5"
            assert run("get", *where, file, f"/x {name}", "--format", "csv").splitlines()[-1] == str(100 + k)
            assert json.loads(run("describe", "--json", *where, file, f"/x {name}"))["file"] == file
            if b"\\x" not in raw:  # bytes as a shell gives them
                bare = [os.fsencode(of) + b"other " + raw + b".h5", b"/x " + raw]
                assert run("get", *where, *bare, "--format", "csv").splitlines()[-1] == str(100 + k)
        assert r"caf\xe9" in run("ls", *(where or [root]))


def test_literal_name_of_a_local_file(tmp_path):
    """What a shell completes is found where no spelling says otherwise."""
    with h5py.File(tmp_path / r"b\xe9.h5", "w") as f:
        f["x"] = [5]
    assert run("get", tmp_path / r"b\xe9.h5", "/x", "--format", "csv").splitlines()[-1] == "5"
    assert run("get", tmp_path / r"b\x5cxe9.h5", "/x", "--format", "csv").splitlines()[-1] == "5"


def test_the_root(start, tmp_path):
    for raw in (b"r\xe9", rb"r\xe9"):
        os.mkdir(os.fsencode(tmp_path) + b"/" + raw)
        with h5py.File(os.fsencode(tmp_path) + b"/" + raw + b"/f.h5", "w") as f:
            f["x"] = [len(raw)]
    server = start(os.fsencode(tmp_path) + b"/r\xe9", os.fsencode(tmp_path) + rb"/r\xe9")
    assert only(server.read(r"r\xe9/f.h5", "/x")) == [2]
    assert only(server.read(r"r\x5cxe9/f.h5", "/x")) == [5]
