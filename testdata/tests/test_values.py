"""Every dataset of testdata against h5py and PyTables."""

from __future__ import annotations

import json

import h5py
import hdf5plugin  # noqa: F401  registers blosc with h5py
import numpy as np
import pyarrow as pa
import pyarrow.flight as fl
import pytest
import tables as tb
from conftest import TESTDATA

import reference

# PyTables' atoms that h5py shows as plain sequences are compared by test_vlarrays, times by test_times.
SPECIAL = {("arrays.h5", "/text"), ("arrays.h5", "/octets"), ("tables.h5", "/deep/er/particles")}
FILES = sorted(p.relative_to(TESTDATA).as_posix() for p in TESTDATA.rglob("*")
               if p.suffix in {".h5", ".hdf5", ".nc", ".mat", ".bag"})


def datasets(file: str) -> list[str]:
    """Absolute paths, every object once, PyTables' own left out."""
    found: list[str] = []
    with h5py.File(TESTDATA / file) as f:
        def visit(name: str) -> None:
            own = any(part.startswith(("_i_", "_p_")) for part in name.split("/"))
            if not own and f.get(name, getclass=True) is h5py.Dataset:
                found.append("/" + name)
        f.visit(visit)
    return found


def test_listing_is_complete(server):
    listed = server.listing()
    want = {(file, d) for file in FILES for d in datasets(file)}
    assert {k for k in listed if k[0] in FILES} == want
    refused = {k: json.loads(f.app_metadata) for k, f in listed.items() if json.loads(f.app_metadata)["kind"] == "unsupported"}
    assert refused[("refused.h5", "/wide_integer")]["reason"]
    assert all(told["reason"] for told in refused.values())


@pytest.mark.parametrize("file", FILES)
def test_same_as_h5py(server, file):
    compared = 0
    listed = server.listing(file=file)
    with h5py.File(TESTDATA / file) as f:
        for name in datasets(file):
            supported = json.loads(listed[file, name].app_metadata)["kind"] != "unsupported"
            if not supported or (file, name) in SPECIAL or file == "refused.h5" and name != "/good":
                continue
            if name == "/strings/not_utf8" or f[name].dtype == h5py.ref_dtype:
                continue  # tested below
            got = server.read(file, name)
            check_against_h5py(got, f[name])
            assert listed[file, name].total_records == got.num_rows
            compared += 1
    assert compared


def check_against_h5py(got: pa.Table, dataset: h5py.Dataset) -> None:
    want = reference.rows(dataset)
    rows = got.to_pylist()
    if not isinstance(dataset.id.get_type(), h5py.h5t.TypeCompoundID) or dataset.dtype.kind == "c":
        assert got.column_names == [dataset.name.rsplit("/", 1)[1]]
        rows = [next(iter(r.values())) for r in rows]
    assert reference.same(rows, want), dataset.name


@pytest.mark.parametrize("name", ["events", "blosc", "plain", "none", "one"])
def test_tables_same_as_pytables(server, name):
    with tb.open_file(TESTDATA / "tables.h5") as f:
        want = f.root[name].read()
    got = server.read("tables.h5", f"/{name}")
    assert got.column_names == list(want.dtype.names)
    for column in got.column_names:
        check_column(got[column].combine_chunks(), want[column])


def check_column(got: pa.Array, want: np.ndarray) -> None:
    if want.ndim > 1:
        got = got.flatten()
    values = np.array(got.to_pylist()) if pa.types.is_string(got.type) else got.to_numpy(zero_copy_only=False)
    if want.dtype.kind == "S":
        want = np.char.decode(want)
    assert len(values) == want.size
    np.testing.assert_array_equal(values.astype(want.dtype), want.reshape(-1))


@pytest.mark.parametrize("members", [
    {"start": 10, "stop": 700}, {"start": -5}, {"step": 7}, {"step": -1}, {"start": 4000, "stop": 10, "step": -13},
    {"start": 3, "stop": 3}, {"start": 9999}, {"stop": 99999, "step": 2500}, {"start": 511, "stop": 513},
])
@pytest.mark.parametrize("fields", [None, ["energy"], ["hits", "good", "id"]])
def test_slices_same_as_pytables(server, members, fields):
    chosen = slice(members.get("start"), members.get("stop"), members.get("step"))
    with tb.open_file(TESTDATA / "tables.h5") as f:
        want = f.root.events[:][chosen]
    request = members | ({"fields": fields} if fields else {})
    got = server.read("tables.h5", "/events", **request)
    assert got.column_names == (fields or list(want.dtype.names))
    for column in got.column_names:
        check_column(got[column].combine_chunks(), want[column])


@pytest.mark.parametrize("stream", [{"ordered": False}, {"block_rows": 100}, {"block_rows": 333, "remainder": False}, {"workers": 1}])
def test_streams(server, stream):
    with tb.open_file(TESTDATA / "tables.h5") as f:
        want = f.root.events.read(field="id")
    reader = server.client().do_get(fl.Ticket(json.dumps(
        {"file": "tables.h5", "dataset": "/events", "fields": ["id"], "stream": stream})))
    blocks = [(json.loads(bytes(chunk.app_metadata)), chunk.data) for chunk in reader]
    for told, batch in blocks:
        first = told["row"]
        np.testing.assert_array_equal(batch["id"].to_numpy(), want[first:first + told["rows"]])
    rows = sum(batch.num_rows for _, batch in blocks)
    assert rows == (len(want) // 333 * 333 if stream.get("remainder") is False else len(want))
    if stream.get("ordered", True):
        assert [told["block"] for told, _ in blocks] == list(range(len(blocks)))


def test_endpoints_make_the_whole(server):
    client = server.client()
    command = json.dumps({"file": "tables.h5", "dataset": "/events", "options": {"endpoints": 4}})
    info = client.get_flight_info(fl.FlightDescriptor.for_command(command))
    parts = [client.do_get(e.ticket).read_all() for e in info.endpoints]
    assert 1 < len(parts) <= 4
    whole = pa.concat_tables(parts).drop(["weight"])  # NaN is not equal to itself
    assert whole.equals(server.read("tables.h5", "/events").drop(["weight"]))
    assert info.total_records == 5000
    assert client.get_schema(fl.FlightDescriptor.for_path("tables.h5", "/events")).schema.equals(info.schema)


def test_nested_and_times(server):
    with tb.open_file(TESTDATA / "tables.h5") as f:
        want = f.root.deep.er.particles.read()
    got = server.read("tables.h5", "/deep/er/particles")
    pos = pa.concat_arrays(got["pos"].chunks)
    np.testing.assert_array_equal(pos.field("x").to_numpy(), want["pos"]["x"])
    np.testing.assert_array_equal(pos.field("error").field("high").to_numpy(), want["pos"]["error"]["high"])
    assert got["kind"].to_pylist() == [{0: "apple", 1: "pear", 4: "plum"}[k] for k in want["kind"].tolist()]
    assert got.schema.field("seen").type == pa.timestamp("s")
    np.testing.assert_array_equal(got["seen"].cast(pa.int64()).to_numpy(), want["seen"])
    assert got.schema.field("exact").type == pa.timestamp("us")
    np.testing.assert_allclose(got["exact"].cast(pa.int64()).to_numpy() / 1e6, want["exact"], rtol=0, atol=1e-6)
    numeric = server.read("tables.h5", "/deep/er/particles", fields=["exact", "pos/x"], options={"time": "numeric"})
    np.testing.assert_array_equal(numeric["exact"].to_numpy(), want["exact"])
    np.testing.assert_array_equal(numeric["pos/x"].to_numpy(), want["pos"]["x"])


def test_vlarrays(server):
    with tb.open_file(TESTDATA / "arrays.h5") as f:
        ragged, text, octets = f.root.ragged.read(), f.root.text.read(), f.root.octets.read()
    for name, want in (("ragged", [r.tolist() for r in ragged]), ("text", text), ("octets", [o.decode() for o in octets])):
        kind = json.loads(server.listing(file="arrays.h5")["arrays.h5", f"/{name}"].app_metadata)
        if kind["kind"] == "unsupported":
            with pytest.raises(pa.ArrowNotImplementedError, match=name):
                server.read("arrays.h5", f"/{name}")
        else:
            assert server.read("arrays.h5", f"/{name}")[name].to_pylist() == want


def test_not_utf8(server):
    with pytest.raises(pa.ArrowInvalid, match="options.strings") as refused:
        server.read("types.h5", "/strings/not_utf8")
    assert "not_utf8" in str(refused.value)
    got = server.read("types.h5", "/strings/not_utf8", options={"strings": "binary"})
    assert got["not_utf8"].to_pylist() == [b"fine", b"caf\xe9"]


def test_schema_says_what_it_is(server):
    schema = server.listing(file="tables.h5")["tables.h5", "/events"].schema
    assert schema.metadata[b"hdf5.kind"] == b"table"
    assert json.loads(schema.metadata[b"hdf5.attributes"])["detector"] == "barrel"
    assert json.loads(schema.metadata[b"hdf5.shape"]) == [5000]
