"""The action `attributes`: JSON as libhdf5 reads, of any size and of any object; Arrow as a dataset's row of the same type."""

from __future__ import annotations

import json
import sys

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.flight as fl
import pytest
from conftest import CLONE, TESTDATA
from metadata import same
from metadata_h5py import dump

sys.path.insert(0, str(CLONE / "examples" / "python"))

import mtflight  # noqa: E402

SEEDS = CLONE / "reader" / "internal" / "objects" / "testdata"
COLOURS = h5py.enum_dtype({"red": 1, "green": 2, "blue": 300}, "i2")
RECORD = np.dtype([("x", "<f4"), ("n", ">i2", (2,)), ("s", "S3")])
VALUES = {
    "int8": np.int8(-3), "uint64": np.uint64(2**64 - 1), "big": np.array([1, -2], ">i4"), "half": np.float16(1.5), "double": np.array([[1.5, np.nan, np.inf]]),
    "complex": np.array([1 - 2j, 3]), "bool": np.array([True, False]), "fixed": np.bytes_(b"abc"), "fixeds": np.array([b"a", b"bcd"]),
    "record": np.array((1.5, (1, -2), b"ab"), RECORD), "records": np.zeros((2, 2), RECORD), "cube": np.arange(24, dtype="i2").reshape(2, 3, 4),
    "opaque": np.array([b"ab\0", b"\1\2\3"], "V3"), "one": np.array([7], "u1"),
}
SPECIAL = {"text": ("grüße", h5py.string_dtype()), "texts": (np.array([["a", ""], ["日本", "x" * 300]], object), h5py.string_dtype()),
           "colour": (np.int16(2), COLOURS), "colours": (np.array([1, 300], "i2"), COLOURS)}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("attributes")
    with h5py.File(root / "values.h5", "w", libver="latest") as f:
        for name, value in VALUES.items():
            value = np.asarray(value)
            f.attrs.create(name, value, dtype=value.dtype)
            f.create_dataset(f"row/{name}", data=value[None])
        for name, (value, dtype) in SPECIAL.items():
            f.attrs.create(name, value, dtype=dtype)
            shape = np.shape(value) if not isinstance(value, str) else ()
            d = f.create_dataset(f"row/{name}", (1, *shape), dtype)
            d[0] = value
        lists = f.create_dataset("row/lists", (1, 2), h5py.vlen_dtype("i4"))
        lists[0, 0], lists[0, 1] = [1, 2, 3], []
        wide = np.empty(2, object)
        wide[:] = [np.array([1, 2, 3], "i4"), np.array([], "i4")]
        f.attrs.create("lists", wide, dtype=h5py.vlen_dtype("i4"))
        f.attrs["ref"] = f["row"].ref
        f.create_dataset("row/ref", (1,), h5py.ref_dtype)[0] = f["row"].ref
        f["row"].attrs["empty"] = h5py.Empty("f4")
        f["row"].attrs["nothing"] = np.zeros((0, 3), "i2")
        f["type"] = np.dtype("<i4")
        f["type"].attrs["unit"] = "m"
        f["soft"] = h5py.SoftLink("/row/int8")
        f["row/int8"].attrs["of"] = "int8"
        f["outside"] = h5py.ExternalLink("large.h5", "/g")
        f["missing"] = h5py.ExternalLink("none.h5", "/g")
    with h5py.File(root / "large.h5", "w", libver="latest") as f:
        g = f.create_group("g")
        g.attrs.create("numbers", np.arange(1_500_000, dtype="i8"))
        g.attrs.create("bytes", np.arange(6_000_000, dtype="u1"))
        g.attrs.create("texts", ["x" * 1000] * 5000, dtype=h5py.string_dtype())
        g.attrs["small"] = 1
        f.create_group("over").attrs.create("huge", np.zeros(65 << 20, "u1"))
    with h5py.File(root / "bad.h5", "w") as f:
        f.attrs["good"] = 1
        f.attrs["text"] = "hidden"
        f.attrs["latin"] = np.bytes_(b"caf\xe9")
    raw = (root / "bad.h5").read_bytes()
    at = raw.index(b"text\0") + 8 + 8 + 8 + 4  # name, type, dataspace as padded in version 1, then a length and the heap's address
    assert b"hidden" in raw
    heap = raw.index(b"GCOL")
    pointer = raw.index(heap.to_bytes(8, "little"), at - 16)
    (root / "bad.h5").write_bytes(raw[:pointer] + (len(raw) + 4096).to_bytes(8, "little") + raw[pointer + 8:])
    return root


@pytest.fixture(scope="module")
def server(start, root):
    return start(root)


@pytest.fixture(scope="module")
def client(server):
    return server.client()


def ask(client, **body):
    results = list(client.do_action(fl.Action("attributes", json.dumps(body).encode())))
    assert len(results) == 1
    return json.loads(results[0].body.to_pybytes())


def batch(client, **body) -> pa.RecordBatch:
    results = list(client.do_action(fl.Action("attributes", json.dumps({**body, "format": "arrow"}).encode())))
    assert len(results) == 1
    with pa.ipc.open_stream(results[0].body) as stream:
        table = stream.read_all()
    assert table.num_rows == 1
    return table


def get(client, **request) -> pa.Table:
    return client.do_get(fl.Ticket(json.dumps(request))).read_all()


def test_json_as_libhdf5(client, root):
    want = dump(root / "values.h5")
    for path, o in {**want["groups"], **want["types"], **want["datasets"]}.items():
        got = ask(client, file="values.h5", object=path)
        assert same(o["attributes"], got), path


def test_arrow_as_datasets(client):
    """The same value as an attribute and as a dataset's row."""
    names = [*VALUES, *SPECIAL, "lists", "ref"]
    got = batch(client, file="values.h5", object="/", names=names)
    assert got.schema.names == names
    for name in names:
        if VALUES.get(name, np.int8()).dtype.names:  # a table there, of a column a member
            continue
        rows = get(client, file="values.h5", dataset=f"/row/{name}")
        assert got.schema.field(name).equals(rows.schema.field(name), check_metadata=True), name
        assert str(got[name].to_pylist()) == str(rows[name].to_pylist()), name
    assert got["record"].to_pylist() == [{"x": 1.5, "n": [1, -2], "s": "ab"}]
    assert got.schema.field("records").type == pa.fixed_shape_tensor(got.schema.field("record").type, [2, 2])


def test_arrow_without_values(client):
    got = batch(client, file="values.h5", object="/row")
    assert got.schema.names == ["empty", "nothing"]
    assert got["empty"].type == pa.float32() and got["empty"].to_pylist() == [None]
    assert got["nothing"].to_pylist() == [[]]
    assert batch(client, file="values.h5", object="/row/double").num_columns == 0


@pytest.mark.parametrize(("path", "want"), [
    ("/type", {"unit": "m"}), ("/soft", {"of": "int8"}), ("/row/./int8", {"of": "int8"}), ("/row/double", {})])
def test_objects(client, path, want):
    assert ask(client, file="values.h5", object=path) == want


def test_large(client, root):
    names = ["numbers", "bytes", "texts", "small"]
    with h5py.File(root / "large.h5") as f:
        want = {name: np.asarray(f["g"].attrs[name]).tolist() for name in names}
    assert ask(client, file="values.h5", object="/outside") == want
    got = batch(client, file="large.h5", object="/g", names=names)
    assert {name: got[name].to_pylist()[0] for name in names} == want
    listed = json.loads(get_described(client, "large.h5", "/g"))
    assert listed == {"bytes": {"bytes": 6_000_000}, "numbers": {"bytes": 12_000_000}, "small": 1, "texts": {"bytes": 5_080_000}}


def get_described(client, file: str, path: str) -> str:
    tree = json.loads(next(iter(client.do_action(fl.Action("list", json.dumps({"file": file}).encode())))).body.to_pybytes())
    return json.dumps(next(g["attributes"] for g in tree["groups"] if g["path"] == path))


def test_too_large(client):
    assert ask(client, file="large.h5", object="/over") == {"huge": {"unreadable": "a value of over 64 MiB"}}
    with pytest.raises(pa.ArrowNotImplementedError, match='large.h5 /over: attribute "huge": a value of over 64 MiB'):
        batch(client, file="large.h5", object="/over")


def test_little_memory(start, root):
    client = start(root, "--memory", "32M").client()
    assert ask(client, file="values.h5", object="/")["int8"] == -3
    assert batch(client, file="values.h5", object="/").num_rows == 1
    with pytest.raises((pa.ArrowException, fl.FlightError), match="memory budget"):
        ask(client, file="large.h5", object="/g", names=["numbers"])
    for _ in range(20):  # what was refused holds nothing
        assert len(ask(client, file="large.h5", object="/g", names=["small"])) == 1


def test_unreadable(client):
    got = ask(client, file="bad.h5", object="/")
    assert got["good"] == 1 and got["latin"] == {"base64": "Y2Fm6Q=="} and list(got["text"]) == ["unreadable"]
    with pytest.raises(fl.FlightInternalError, match='data loss error.*bad.h5 /: attribute "text": '):
        batch(client, file="bad.h5", object="/", names=["good", "text"])
    with pytest.raises(pa.ArrowInvalid, match='bad.h5 /: attribute "latin": it is not UTF-8: .*JSON'):
        batch(client, file="bad.h5", object="/", names=["latin"])
    assert batch(client, file="bad.h5", object="/", names=["good"])["good"].to_pylist() == [1]


@pytest.mark.parametrize(("body", "error", "match"), [
    ({"object": "/", "names": ["recrd"]}, KeyError, 'no such attribute "recrd" .near: "record"'),
    ({"object": "/rwo"}, KeyError, 'no such object "/rwo" .near: "/row"'),
    ({"object": "row"}, KeyError, 'perhaps "/row"'),
    ({"object": "/missing"}, KeyError, "external link: no such file none.h5"),
    ({"object": "/", "names": []}, pa.ArrowInvalid, "names"), ({"object": "/", "names": ["a", "a"]}, pa.ArrowInvalid, "twice"),
    ({"object": "/", "format": "xml"}, pa.ArrowInvalid, "format"), ({"object": 1}, pa.ArrowInvalid, "object"), ({}, pa.ArrowInvalid, "required"),
    ({"object": "/", "name": "x"}, pa.ArrowInvalid, 'unknown member "name"')])
def test_refused(client, body, error, match):
    with pytest.raises(error, match=match):
        ask(client, file="values.h5", **body)


def test_python_package(server):
    with mtflight.connect(server.location) as c:
        assert c.attributes("values.h5", "/type") == {"unit": "m"}
        assert c.attributes("values.h5", names=["int8", "colour"]) == {"int8": -3, "colour": 2}
        assert c.attributes_arrow("values.h5", names=["colour"]).to_pydict() == {"colour": ["green"]}
        with pytest.raises(KeyError):
            c.attributes("values.h5", names=["none"])


@pytest.mark.parametrize("root", [TESTDATA, SEEDS], ids=["testdata", "seeds"])
def test_arrow_of_every_object(start, root):
    """Arrow has a column for every attribute that has a value, or says why not; JSON is that of the lists."""
    client, columns = start(root).client(), 0
    for result in client.do_action(fl.Action("list", b"{}")):
        tree = json.loads(result.body.to_pybytes())
        for o in tree.get("groups", []) + tree.get("datasets", []):
            if "\ufffd" in o["path"] or "\\" in o["path"] or o.get("error"):
                continue
            got = ask(client, file=tree["file"], object=o["path"])
            assert got.keys() == o["attributes"].keys()
            for name, value in o["attributes"].items():
                assert is_size(value) or same(got[name], value)
                if "\ufffd" in name or "\\" in name:
                    continue
                try:
                    columns += batch(client, file=tree["file"], object=o["path"], names=[name]).num_columns
                except (pa.ArrowException, fl.FlightError) as e:
                    assert f'attribute "{name}"' in str(e) or json.dumps(name)[1:-1] in str(e), e
    assert columns > 100


def is_size(value) -> bool:
    return isinstance(value, dict) and value.keys() == {"bytes"}
