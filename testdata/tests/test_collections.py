"""A table in one file, cut into many, is the same table: drawn requests of every kind give the same answer over both."""

from __future__ import annotations

import base64
import json
import os
import random
import sys
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.flight as fl
import pytest

from conftest import CLONE

sys.path.insert(0, str(CLONE / "examples" / "python"))

import mtflight  # noqa: E402

QUERIES = int(os.environ.get("MTFLIGHT_COLLECTIONS", "120"))
PIECES = int(os.environ.get("MTFLIGHT_PIECES", "23"))
KINDS = h5py.enum_dtype({"e": 0, "mu": 1, "tau": 2}, "i1")
ROW = np.dtype([("id", "i4"), ("t", "f8"), ("e", "f4"), ("u", "u8"), ("name", "S6"), ("kind", KINDS), ("pos", [("x", "f4"), ("y", "i2")]),
                ("hits", "i2", (3,))])


def rows_of(rng: np.random.Generator, n: int) -> np.ndarray:
    out = np.zeros(n, ROW)
    out["id"], out["t"], out["e"] = np.arange(n), rng.permutation(n) / 7, rng.normal(0, 50, n)
    out["e"][rng.integers(0, n, n // 50)] = np.nan
    out["u"] = rng.integers(0, 2**63, n).astype("u8") * 2
    out["name"] = rng.choice([b"mu", b"pion", b"", b"kaon"], n)
    out["kind"] = rng.integers(0, 3, n)
    out["pos"]["x"], out["pos"]["y"] = rng.normal(0, 1, n), rng.integers(-99, 99, n)
    out["hits"] = rng.integers(0, 999, (n, 3))
    return out


def write(path: Path, rows: np.ndarray, image: np.ndarray, chunk: int) -> None:
    with h5py.File(path, "w") as f:
        f.create_dataset("events", data=rows, chunks=(chunk,), maxshape=(None,), compression=1, shuffle=True)
        f.create_dataset("image", data=image, chunks=(max(1, chunk // 7), 3, 5), maxshape=(None, 6, 5))
        f.create_dataset("line", data=image[:, 0, 0])
        f.create_dataset("words", data=[f"word {i}" for i in rows["id"]], dtype=h5py.string_dtype())


def cuts(rng: np.random.Generator, n: int, parts: int) -> list[tuple[int, int]]:
    """Bounds of parts, some of no rows and some of one."""
    at = sorted([0, n, *rng.integers(0, n + 1, parts - 1), 100, 101][:parts + 1])
    at[0], at[-1] = 0, n
    return list(zip(at, at[1:], strict=False))


@pytest.fixture(scope="module")
def server(start, tmp_path_factory):
    top = tmp_path_factory.mktemp("collections")
    rng = np.random.default_rng(5)
    n = 3000
    rows, image = rows_of(rng, n), rng.integers(0, 9999, (n, 6, 5)).astype("i4")
    write(top / "whole.h5", rows, image, 128)
    (top / "parts").mkdir()
    for i, (lo, hi) in enumerate(cuts(rng, n, PIECES)):
        write(top / "parts" / f"run{i}.h5", rows[lo:hi], image[lo:hi], int(rng.choice([16, 50, 128])))
    server = start(top)
    server.top = top
    return server


def drawn(rng: random.Random, n: int) -> tuple[str, dict]:
    """A request for one of the datasets, and which."""
    dataset = rng.choice(["/events"] * 5 + ["/image", "/line", "/words"])
    r: dict = {}
    if dataset == "/events" and rng.random() < .5:
        r["fields"] = rng.sample(["id", "t", "e", "u", "name", "kind", "pos", "pos/x", "hits"], rng.randint(1, 5))
    kind = rng.choice(["slice", "slice", "list", "mask", "where", "where", "sort", "select"])
    if kind == "select" and dataset != "/image":
        kind = "slice"
    if kind in ("where", "sort") and dataset not in ("/events", "/line"):
        kind = "slice"
    if kind in ("slice", "where", "sort") and rng.random() < .7:
        for member in ("start", "stop"):
            if rng.random() < .7:
                r[member] = rng.randint(-n - 9, n + 9)
        if rng.random() < .5:
            r["step"] = rng.choice([1, 2, 7, 500, -1, -3, 2 * n])
    if kind == "list":
        r["coordinates"] = [rng.randint(-n - (rng.random() < .001), n - 1) for _ in range(rng.choice([0, 1, 5, 700]))]
    if kind == "mask":
        bits = np.random.default_rng(rng.randint(0, 99)).random(n) < rng.choice([.01, .5, .99])
        r["mask"] = base64.b64encode(np.packbits(bits, bitorder="little").tobytes()).decode()
    if kind == "select":
        r["select"] = rng.choice(["30:2000, ..., :2", "::-7", "5", "-1, 2", "::3, [0, 2, 5]", "[7, 2999, 0, 7], 1", "10:20:3, :, 4", "...", "500:400", "100:1900, 3, 2"])
    if kind == "where":
        r["where"] = rng.choice(["e > 20", "(e < 0) & (name == 'mu')", "kind == 'mu'", "id * 2 + 1 > u", "pos/x > 0.5", "hits[1] > 900", "t >= 300", "~(e == e)", "False", "True",
                                 "id in (3, 5, 2999)"]) if dataset == "/events" else rng.choice(["line > 5000", "line == -1"])
    if kind == "sort":
        if dataset == "/events":
            r["sort_by"] = rng.choice(["t", "id"])
            if rng.random() < .4:
                r["where"] = rng.choice(["e > 20", "kind != 'mu'", "False"])
    if rng.random() < .4:
        r["limit"] = rng.choice([0, 1, 17, 400, 9000])
    if rng.random() < .3:
        r["offset"] = rng.choice([0, 1, 100, 2990, 9000])
    if rng.random() < .4:
        r["stream"] = drawn_stream(rng)
    elif rng.random() < .3:
        r["batch_rows"] = rng.choice([33, 1000, 10**6])
    options = {}
    if rng.random() < .3:
        options = rng.choice([{"plain": True}, {"enum": "int"}, {"strings": "binary"}, {"tensors": "nested"}])
        if dataset in ("/events", "/image", "/line") and rng.random() < .3:
            options = {"layout": "rows"}
    if options:
        r["options"] = options
    return dataset, r


def drawn_stream(rng: random.Random) -> dict:
    s: dict = {}
    if rng.random() < .8:
        s["block_rows"] = rng.choice([64, 100, 999, 5000])
        if rng.random() < .5:
            s["remainder"] = rng.choice([True, False, "only"])
    if rng.random() < .3:
        s["shuffle"] = rng.randint(0, 9)
        if "block_rows" in s:
            s["shuffle_rows"] = rng.random() < .5
    if rng.random() < .3 and s.get("remainder") != "only":
        s["cyclic"], s["cycles"] = True, rng.randint(0, 3)
    if rng.random() < .3:
        s["from_block"] = rng.randint(0, 7)
    if rng.random() < .2 and s.get("remainder") != "only":
        s["to_block"] = rng.randint(0, 9)
    return s


def answer(client, request: dict):
    """The rows and, of a stream with blocks, where each stands; or the error."""
    try:
        reader = client.do_get(fl.Ticket(json.dumps(request)))
        schema, batches, places = reader.schema, [], []
        for chunk in reader:
            batches.append(chunk.data)
            places.append(json.loads(chunk.app_metadata.to_pybytes()))
        assert [p["rows"] for p in places] == [b.num_rows for b in batches]
        table = pa.Table.from_batches(batches, schema)
        if "block_rows" not in request.get("stream", {}):
            places = None
        return table, places
    except (fl.FlightError, pa.ArrowException) as error:
        return type(error), str(error).split("message: ")[-1].split(" (request")[0]


def alike(a: pa.Table, b: pa.Table) -> bool:
    """NaN is itself."""
    if [f.remove_metadata() for f in a.schema] != [f.remove_metadata() for f in b.schema] or a.num_rows != b.num_rows:
        return False
    return repr(a.to_pylist()) == repr(b.to_pylist())


@pytest.mark.parametrize("seed", range(QUERIES))
def test_a_table_cut_into_files_is_the_same_table(server, seed):
    rng = random.Random(seed)
    client = server.client()
    dataset, members = drawn(rng, 3000)
    one = {"file": "whole.h5", "dataset": dataset, **members}
    want = answer(client, one)
    got = answer(client, {**one, "file": "parts/*.h5"})
    if not isinstance(want[0], pa.Table):
        assert got[0] == want[0], (members, want, got)
        return
    if "layout" in members.get("options", {}) and isinstance(got[0], pa.Table):
        assert got[0].schema.field(0).metadata[b"numpy.dtype"] == want[0].schema.field(0).metadata[b"numpy.dtype"]
    assert isinstance(got[0], pa.Table), (members, got)
    assert alike(got[0], want[0]), (members, got[0].slice(0, 5), want[0].slice(0, 5))
    if "block_rows" in members.get("stream", {}):
        assert got[1] == want[1], (members, got[1][:3], want[1][:3])
    if "stream" not in members:
        info = client.get_flight_info(fl.FlightDescriptor.for_command(json.dumps({**one, "file": "parts/*.h5", "options": {**members.get("options", {}), "endpoints": 5}})))
        assert info.schema.remove_metadata() == want[0].schema.remove_metadata()
        assert info.total_records in (-1, want[0].num_rows)
        parts = [client.do_get(e.ticket).read_all() for e in info.endpoints]
        assert alike(pa.concat_tables(parts).combine_chunks(), want[0].combine_chunks()), members


@pytest.fixture(scope="module")
def damaged(start, server, tmp_path_factory):
    """The same files, with some beside them that cannot be read."""
    top = tmp_path_factory.mktemp("damaged")
    for part in server.top.glob("parts/*.h5"):
        os.link(part, top / part.name)
    whole = (server.top / "whole.h5").read_bytes()
    for i, text in enumerate([b"", b"no HDF5", whole[:900], whole[:8] + bytes(5000)]):
        (top / f"run{i * 7}_bad.h5").write_bytes(text)
    return start(top)


@pytest.mark.parametrize("seed", range(QUERIES // 6))
def test_damaged_files_left_out_change_nothing_else(server, damaged, seed):
    rng = random.Random(seed)
    dataset, members = drawn(rng, 3000)
    options = {**members.get("options", {}), "on_error": "skip"}
    want = answer(server.client(), {"file": "parts/*.h5", "dataset": dataset, **members})
    got = answer(damaged.client(), {"file": "*.h5", "dataset": dataset, **members, "options": options})
    if not isinstance(want[0], pa.Table):
        assert got == want, members
        return
    assert isinstance(got[0], pa.Table) and alike(got[0], want[0]), (members, got)
    endless = members.get("stream", {}).get("cyclic") and members["stream"]["cycles"] is None
    if got[1] is not None and not endless:
        assert len(got[1][-1].pop("skipped")) == 4
        assert got[1] == (want[1] or [{"block": 0, "row": 0, "rows": 0, "cycle": 0}]), members


def small(path: Path, rows: np.ndarray, name: str = "events") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as f:
        f.create_dataset(name, data=rows)


def counted(n: int, **types: str) -> np.ndarray:
    out = np.zeros(n, list(types.items()))
    for i, name in enumerate(types):
        out[name] = np.arange(n) * (i + 1)
    return out


@pytest.fixture(scope="module")
def mixed(start, tmp_path_factory):
    """Files whose types differ, and what can go wrong with files; a second root; a file outside."""
    top, other, outside = (tmp_path_factory.mktemp(name) for name in ("mixed", "other", "outside"))
    small(top / "wide" / "run2.h5", counted(3, id="i2", x="f4", kind="u1"))
    small(top / "wide" / "run10.h5", counted(2, id="i8", kind="i1", x="f8", more="u4"))
    small(top / "wide" / "run1.h5", counted(2, id="u4", x="f4", kind="u1"))
    small(top / "apart" / "a.h5", counted(2, id="i8", x="f4"))
    small(top / "apart" / "b.h5", counted(2, id="f8", x="f4"))
    small(top / "big" / "a.h5", counted(2, id="u8"))
    small(top / "big" / "b.h5", counted(2, id="i4"))
    for i in range(4):
        small(top / "same" / f"run{i}.h5", counted(100, id="i4"))
    small(top / "star" / "a*.h5", counted(1, id="i4"))
    small(top / "star" / "ab.h5", counted(2, id="i4"))
    small(top / "broken" / "good.h5", counted(1, id="i4"))
    (top / "broken" / "text.h5").write_text("no HDF5")
    (top / "broken" / "notes.txt").write_text("no HDF5 either, nor named so")
    small(outside / "secret.h5", counted(1, id="i4"))
    (top / "linked").mkdir()
    small(top / "linked" / "a.h5", counted(1, id="i4"))
    (top / "linked" / "b.h5").symlink_to(outside / "secret.h5")
    (top / "linked" / "c.h5").symlink_to(top / "linked" / "a.h5")
    small(other / "same" / "run9.h5", counted(5, id="i4"))
    for name, members in {"a": {"e": 0, "mu": 1}, "b": {"mu": 0, "tau": 5}}.items():
        (top / "enums").mkdir(exist_ok=True)
        with h5py.File(top / "enums" / f"{name}.h5", "w") as f:
            f.create_dataset("kind", data=np.array([*members.values(), 9], "i1"), dtype=h5py.enum_dtype(members, "i1"))
    server = start(f"top={top}", f"other={other}")
    server.top = top
    return server


def get(server, file, dataset="/events", **members) -> pa.Table:
    return server.client().do_get(fl.Ticket(json.dumps({"file": file, "dataset": dataset, **members}))).read_all()


def refused(server, says: str, file, dataset="/events", **members) -> str:
    with pytest.raises((fl.FlightError, pa.ArrowException)) as error:
        get(server, file, dataset, **members)
    assert says in str(error.value), str(error.value)
    return str(error.value)


def test_types_are_made_one(mixed):
    got = get(mixed, "top/wide/*.h5", options={"file_column": "from"})
    assert [(f.name, str(f.type)) for f in got.schema] == [
        ("id", "int64"), ("x", "double"), ("kind", "int16"), ("more", "uint32"), ("from", "dictionary<values=string, indices=int32, ordered=0>")]
    assert got.to_pydict() == {
        "id": [0, 1, 0, 1, 2, 0, 1], "x": [0, 2, 0, 2, 4, 0, 3], "kind": [0, 3, 0, 3, 6, 0, 2], "more": [None] * 5 + [0, 4],
        "from": ["top/wide/run1.h5"] * 2 + ["top/wide/run2.h5"] * 3 + ["top/wide/run10.h5"] * 2}  # 2 comes before 10
    got = get(mixed, ["top/wide/run10.h5", "top/wide/run1.h5"], fields=["more", "from", "id"], options={"file_column": "from", "plain": True})
    assert got.to_pydict() == {"more": [0, 4, None, None], "from": ["top/wide/run10.h5"] * 2 + ["top/wide/run1.h5"] * 2, "id": [0, 1, 0, 1]}
    assert got.schema.field("from").type == pa.string()
    got = get(mixed, "top/wide/*.h5", sort_by="id", step=-1, limit=3, fields=["id"])
    assert got["id"].to_pylist() == [2, 1, 1]
    got = get(mixed, "top/wide/*.h5", where="(x > 1) & (id != 2)", fields=["x"])
    assert got["x"].to_pylist() == [2, 2, 3]
    got = get(mixed, "top/same/*.h5", where="(name == 'top/same/run2.h5') & (id > 97)", options={"file_column": "name"})
    assert got["id"].to_pylist() == [98, 99]
    assert get(mixed, "top/wide/*.h5", fields=["more"], stream={"block_rows": 6})["more"].to_pylist() == [None] * 5 + [0, 4]
    kinds = get(mixed, "top/enums/*.h5", "/kind")
    assert kinds["kind"].to_pylist() == ["e", "mu", None, "mu", "tau", None]
    assert {tuple(c.dictionary.to_pylist()) for c in kinds["kind"].chunks} == {("e", "mu", "tau")}
    assert get(mixed, "top/enums/*.h5", "/kind", coordinates=[5, 4, 0])["kind"].to_pylist() == [None, "tau", "e"]


def test_a_part_of_the_files_has_the_columns_of_all(mixed):
    command = json.dumps({"file": "top/wide/*.h5", "dataset": "/events", "options": {"endpoints": 4, "file_column": "from"}})
    info = mixed.client().get_flight_info(fl.FlightDescriptor.for_command(command))
    assert len(info.endpoints) == 4 and info.total_records == 7
    parts = [mixed.client().do_get(e.ticket).read_all() for e in info.endpoints]
    assert all(p.schema == info.schema for p in parts)
    assert pa.concat_tables(parts).to_pydict() == get(mixed, "top/wide/*.h5", options={"file_column": "from"}).to_pydict()
    tickets = [json.loads(e.ticket.ticket) for e in info.endpoints]
    assert [len(t["file"]) for t in tickets] == [1, 1, 2, 1]  # each names its own files


def test_refusals_name_both_files_and_the_column(mixed):
    for file, words in {"top/apart/*.h5": ["int64", "double", "float64"], "top/big/*.h5": ["uint64", "int32"]}.items():
        said = refused(mixed, "fields", file)
        assert "/a.h5" in said and "/b.h5" in said and '"id"' in said and any(w in said for w in words), said
    assert get(mixed, "top/apart/*.h5", fields=["x"]).num_rows == 4
    said = refused(mixed, "strict", "top/wide/*.h5", options={"schema": "strict"})
    assert "run1.h5" in said and "run2.h5" in said
    assert get(mixed, "top/same/*.h5", options={"schema": "strict"}).num_rows == 400
    assert "run1.h5" in refused(mixed, "nothing is computed", "top/wide/*.h5", where="id * 2 > 3")
    refused(mixed, 'has no column "more"', "top/wide/*.h5", where="more > 3")
    refused(mixed, "follow", "top/same/*.h5", stream={"follow": True})
    refused(mixed, "check_csi", "top/same/*.h5", sort_by="id", check_csi=True)
    refused(mixed, "file_column", "top/same/run1.h5", options={"file_column": "x"})
    refused(mixed, "file_column", "top/same/*.h5", options={"file_column": "id"})
    refused(mixed, 'no column "idd" in any', "top/same/*.h5", fields=["idd"])
    refused(mixed, "is outside the 400 rows", "top/same/*.h5", coordinates=[400])


@pytest.mark.parametrize(("name", "first", "second"), [("units", "days since 2000-01-01", "days since 2001-01-01"), ("scale_factor", .1, .2),
    ("add_offset", 1., None), ("calendar", None, "noleap"), ("_FillValue", np.int16(-1), np.int16(0)), ("FIELD_1_ATTR_units", "GeV", "MeV")])
def test_the_same_numbers_that_are_other_values_are_refused(mixed, name, first, second):
    top = mixed.top / "meaning" / name
    for i, value in enumerate((first, first, second)):
        small(top / f"run{i}.h5", counted(3, id="i2", x="f8"))
        with h5py.File(top / f"run{i}.h5", "r+") as f:
            attributes = {"FIELD_1_NAME": "x", "long_name": f"differs, {i}", name: value}
            f["events"].attrs.update({key: v for key, v in attributes.items() if v is not None})
    said = refused(mixed, name.split("_ATTR_")[-1], f"top/meaning/{name}/*.h5")
    assert "run0.h5" in said and "run2.h5" in said and ("FIELD" not in name or '"x"' in said)
    assert get(mixed, [f"top/meaning/{name}/run{i}.h5" for i in (0, 1)]).num_rows == 6
    if name == "_FillValue":
        assert get(mixed, f"top/meaning/{name}/*.h5", options={"netcdf": True}).num_rows == 9


def test_codes_that_mean_other_names_are_refused(start, tmp_path):
    """An enumeration's integers, to come or to sort by, are one column only where they have the same names; names come of any."""
    for i, codes in enumerate([{"e": 0, "mu": 1}, {"mu": 0, "e": 1}, {"mu": 1, "e": 0}]):
        kind = h5py.enum_dtype(codes, "i2" if i == 2 else "i1")
        with h5py.File(tmp_path / f"run{i}.h5", "w") as f:
            f["events"] = np.array([(0, (1, 5)), (1, (0, 6))], [("kind", kind), ("s", [("kind", kind), ("n", "i4")])])
    server = start(tmp_path)
    assert get(server, "run*.h5", fields=["kind"])["kind"].to_pylist() == ["e", "mu", "mu", "e", "e", "mu"]
    assert get(server, ["run0.h5", "run2.h5"], sort_by="kind")["kind"].to_pylist() == ["e", "e", "mu", "mu"]
    assert get(server, ["run0.h5", "run2.h5"], fields=["kind"], options={"enum": "int"})["kind"].to_pylist() == [0, 1, 0, 1]
    assert get(server, "run*.h5", fields=["s/n"], options={"enum": "int"})["s/n"].to_pylist() == [5, 6] * 3
    for wrong in ({"sort_by": "kind"}, {"sort_by": "s/kind", "fields": ["kind"]}, {"options": {"enum": "int"}}, {"options": {"layout": "rows"}},
                  {"fields": ["s"], "options": {"enum": "int"}}):
        told = refused(server, "integers are other values", ["run0.h5", "run1.h5"], **wrong)
        assert "run0.h5" in told and "run1.h5" in told, told
    with h5py.File(tmp_path / "few.h5", "w") as f:
        f["events"] = np.zeros(1, [("n", "i4")])
    refused(server, "integers are other values", ["few.h5", "run0.h5", "run1.h5"], options={"enum": "int"})


def test_codes_of_names_with_brackets(start, tmp_path):
    for i, codes in enumerate([{"a}": 0, "b>": 1}, {"a}": 1, "b>": 0}]):
        with h5py.File(tmp_path / f"run{i}.h5", "w") as f:
            f["events"] = np.array([(0,), (1,)], [("kind", h5py.enum_dtype(codes, "i1"))])
    server = start(tmp_path)
    assert get(server, "run*.h5")["kind"].to_pylist() == ["a}", "b>", "b>", "a}"]
    refused(server, "integers are other values", "run*.h5", options={"enum": "int"})


def test_frames_of_several_files_with_other_categories(start, tmp_path):
    for i, (words, codes) in enumerate([(["a", "b"], [0, 1, -1]), (["b", "c"], [0, 1, 0])]):
        with h5py.File(tmp_path / f"run{i}.h5", "w") as f:
            frame = f.create_group("obs")
            frame.attrs.update({"encoding-type": "dataframe", "encoding-version": "0.2.0", "_index": "_index", "column-order": ["kind"]})
            frame["_index"] = [f"{i}{row}" for row in range(3)]
            kind = frame.create_group("kind")
            kind.attrs.update({"encoding-type": "categorical", "encoding-version": "0.2.0", "ordered": False})
            kind["codes"], kind["categories"] = np.array(codes, "i1"), words
    got = get(start(tmp_path), "run*.h5", "/obs").to_pydict()
    assert got == {"kind": ["a", "b", None, "b", "c", "b"], "__index_level_0__": ["00", "01", "02", "10", "11", "12"]}


def test_conditions_on_categories_of_several_files_are_refused(start, tmp_path):
    """A condition sees the numbers of categories, which each file has its own of."""
    for i, words in enumerate((["a", "b"], ["b", "a"])):
        frame = pd.DataFrame({"kind": pd.Categorical(["a", "b"], categories=words), "x": [1., 2.]})
        frame.to_hdf(tmp_path / f"run{i}.h5", key="df", format="table", data_columns=True)
    server = start(tmp_path)
    assert get(server, "run*.h5", "/df", where="x > 1")["kind"].to_pylist() == ["b", "b"]
    assert get(server, "run1.h5", "/df", where="kind == 0")["kind"].to_pylist() == ["b"]
    refused(server, "each file's own numbers", "run*.h5", "/df", where="(x > 0) & (kind == 0)")


def test_an_empty_first_file_leaves_blocks_as_they_are(start, tmp_path):
    """How long the blocks of a stream are does not tell which file has no rows: else one of all rows would not fit the memory."""
    rows = np.zeros(4000, [("id", "i8"), ("wave", "f8", (64,))])
    for name, part in {"a": rows[:0], "b": rows, "c": rows}.items():
        with h5py.File(tmp_path / f"{name}.h5", "w") as f:
            f.create_dataset("events", data=part, chunks=(100,), maxshape=(None,))
    client = start(tmp_path).client()
    sizes = set()
    for files in ["b.h5", "c.h5"], ["a.h5", "b.h5", "c.h5"], ["b.h5", "a.h5"]:
        ticket = fl.Ticket(json.dumps({"file": files, "dataset": "/events", "stream": {}}))
        sizes.add(client.do_get(ticket).read_all().schema.metadata[b"stream.block_rows"])
    assert sizes == {b"7000"}


def test_names_patterns_and_lists(mixed):
    assert get(mixed, "top/star/a*.h5").num_rows == 1  # the file of that name
    assert get(mixed, "top/star/*.h5").num_rows == 3
    assert get(mixed, "top/star/a\\*.h?").num_rows == 1
    assert get(mixed, ["top/star/ab.h5", "top/star/a*.h5"])["id"].to_pylist() == [0, 1, 0]
    assert get(mixed, "*/same/*.h5").num_rows == 405  # of two roots
    assert get(mixed, "top/linked/*.h5").num_rows == 2  # not what is outside
    refused(mixed, "no file matches", "top/none*.h5")
    refused(mixed, "no such file", ["top/same/run1.h5", "top/same/*.h5"])
    refused(mixed, "no such file", ["top/same/run1.h5", "top/linked/b.h5"])
    refused(mixed, "twice", ["top/same/run1.h5", "top/same/run1.h5"])
    refused(mixed, "list", [])
    refused(mixed, "bytes", "top/*" + "a" * 5000)
    assert "text.h5" in refused(mixed, "no HDF5 signature", "top/broken/*")
    assert "run0.h5" in refused(mixed, "no such dataset", "top/same/*.h5", "/nope")


def test_rows_by_exchange(mixed):
    writer, reader = mixed.client().do_exchange(fl.FlightDescriptor.for_command(json.dumps({"file": "top/same/*.h5", "dataset": "/events"})))
    with writer:
        writer.begin(pa.schema([("row", pa.int64())]))
        writer.write_batch(pa.record_batch([pa.array([399, 0, 100, 0])], ["row"]))
        writer.done_writing()
        assert reader.read_all()["id"].to_pylist() == [99, 0, 0, 0]


def test_a_set_that_changed_is_aborted(mixed, tmp_path):
    top = mixed.top / "changing"
    for i in range(3):
        small(top / f"run{i}.h5", counted(10, id="i4"))
    client = mixed.client()
    command = json.dumps({"file": "top/changing/*.h5", "dataset": "/events"})
    ticket = client.get_flight_info(fl.FlightDescriptor.for_command(command)).endpoints[0].ticket
    assert client.do_get(ticket).read_all().num_rows == 30
    small(top / "run3.h5", counted(10, id="i4"))  # only new requests see it
    assert client.do_get(ticket).read_all().num_rows == 30
    assert get(mixed, "top/changing/*.h5").num_rows == 40
    small(top / "run1.h5", counted(11, id="i4"))
    with pytest.raises(Exception, match=r"run1\.h5.*ticket was issued"):
        client.do_get(ticket).read_all()
    (top / "run1.h5").unlink()
    with pytest.raises(Exception, match=r"run1\.h5.*ticket was issued"):
        client.do_get(ticket).read_all()
    (top / "run2.h5").unlink()
    (top / "run3.h5").unlink()
    (top / "run0.h5").unlink()


def test_explain_and_stage(mixed):
    client = mixed.client()

    def act(name: str, **body) -> list[dict]:
        return [json.loads(r.body.to_pybytes()) for r in client.do_action(fl.Action(name, json.dumps(body).encode()))]

    told = act("explain", file="top/same/*.h5", dataset="/events", where="id > 5")[0]
    assert told["rows"] == 400 and len(told["parts"]) == 4 and told["condition"] == ["id"]
    staged = act("stage", file="top/same/*.h5", dataset="/events", options={"file_column": "from"})[0]
    got = pa.ipc.open_file(pa.memory_map(staged["path"])).read_all()
    assert got.num_rows == 400 and got["from"].to_pylist()[-1] == "top/same/run3.h5"
    act("release", lease=staged["lease"])


def test_the_package_takes_patterns(server):
    """One table of many files indexes, narrows and streams as that of one file."""
    with mtflight.connect(server.location) as connection:
        one, many = connection.table("whole.h5", "/events"), connection.table("parts/*.h5", "/events")
        assert many.num_rows == one.num_rows == 3000
        for at in (slice(95, 110), slice(None, None, -7), [2999, 0, 101, 0], -1):
            assert many[at].tobytes() == one[at].tobytes()
        narrow = [t.where("e > cut", vars={"cut": 20}).select(["id", "pos/x"]).limit(400).to_arrow() for t in (one, many)]
        assert 0 < narrow[0].num_rows and narrow[1].equals(narrow[0])
        assert many.sort_by("t").to_arrow()["id"].to_pylist() == one.sort_by("t").to_arrow()["id"].to_pylist()
    assert mtflight.open(server.location)["parts/*.h5/events"].num_rows == 3000
    frame = mtflight.scan(f"{server.location}/parts/*.h5", "/line")
    assert frame.collect().equals(mtflight.scan(f"{server.location}/whole.h5", "/line").collect())


def test_the_package_reads_what_no_one_ticket_holds(start, tmp_path):
    """Names and versions of more files than a ticket has room for come as several tickets, of which the first is not all."""
    small(tmp_path / "a.h5", counted(3, id="i4"))
    for i in range(1100):
        os.link(tmp_path / "a.h5", tmp_path / f"run{i}_{'x' * 230}.h5")
    with mtflight.connect(start(tmp_path).location) as connection:
        table = connection.table("run*.h5", "/events")
        assert len(connection.info({"file": "run*.h5", "dataset": "/events"}).endpoints) > 1
        for got in table.to_arrow(), table.scan().read_all():
            assert got["id"].to_pylist() == [0, 1, 2] * 1100
        assert table[[3299, 0, 4]].tolist() == [(2,), (0,), (1,)]
