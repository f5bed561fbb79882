"""One attribute damaged at a time: no request gives other columns or values than before, what it refuses it refuses naming
object and attribute, and lists go on."""

from __future__ import annotations

import json
import struct

import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.flight as fl
import pytest
import tables

FAILURES = (pa.ArrowException, fl.FlightError, KeyError, NotImplementedError)
UNSEEN = {("name", "other_class"), ("_FillValue", "other_class"), ("missing_value", "other_class")}
# a label may be a number; of an array of numbers netCDF does not use a fill value that is a text
UNTOLD = "netcdf.dimensions", "hdf5.attributes", "hdf5.file"  # metadata that only tells


def messages(raw: bytes) -> dict[int, tuple[str, int, int]]:
    """Places of attribute messages of version 1: name, where the datatype begins, where the dataspace."""
    found = {}
    with_names = [i for i in range(0, len(raw) - 8) if raw[i] == 1 and raw[i + 1] == 0 and 1 < raw[i + 2] < 64 and raw[i + 3] == 0 and raw[i + 5] == raw[i + 7] == 0]
    for i in with_names:
        name_size, type_size, space_size = struct.unpack("<HHH", raw[i + 2:i + 8])
        name = raw[i + 8:i + 8 + name_size]
        typ = i + 8 + (name_size + 7) // 8 * 8
        if name[-1:] == b"\0" and name[:-1].isalnum() or name[:-1].replace(b"_", b"").replace(b"-", b"").isalnum() and type_size >= 8 and space_size >= 4:
            if raw[typ] >> 4 in (1, 2, 3) and raw[typ] & 15 < 11:
                found[i] = (name[:-1].decode(), typ, typ + (type_size + 7) // 8 * 8)
    return found


def version(raw: bytearray, i: int, typ: int, space: int) -> None:
    raw[i] = 9


def unknown_class(raw: bytearray, i: int, typ: int, space: int) -> None:
    raw[typ] = raw[typ] & 0xF0 | 12


def other_class(raw: bytearray, i: int, typ: int, space: int) -> None:
    """What was a text becomes a bitfield, and the other way round."""
    raw[typ] = raw[typ] & 0xF0 | (3 if raw[typ] & 15 != 3 else 4)
    if raw[typ] & 15 == 4:
        raw[typ + 1:typ + 4] = bytes(3)


def claims_more(raw: bytearray, i: int, typ: int, space: int) -> None:
    raw[typ + 4:typ + 8] = struct.pack("<I", 1 << 20)


DAMAGES = [version, unknown_class, other_class, claims_more]


def requests(client, file: str) -> list[dict]:
    """What can be asked of an undamaged file."""
    out = []
    criteria = json.dumps({"file": file, "frames": True}).encode()
    for info in client.list_flights(criteria):
        path = [p.decode() for p in info.descriptor.path]
        out.append({"file": file, "dataset": path[1]})
        if file == "netcdf.h5":
            out.append({"file": file, "dataset": path[1], "options": {"netcdf": True}})
        if path[1] == "/t":
            out += [{"file": file, "dataset": "/t", "where": "n == 2"}, {"file": file, "dataset": "/t", "sort_by": "n", "fields": ["n"]}]
    return out


def answer(client, request: dict) -> pa.Table | Exception:
    try:
        table = client.do_get(fl.Ticket(json.dumps(request))).read_all()
    except FAILURES as e:
        return e
    return table


def plain(table: pa.Table) -> tuple:
    """All that a client sees but what only tells."""
    def told(metadata) -> dict:
        return {k: v for k, v in (metadata or {}).items() if k.decode() not in UNTOLD}

    return [(f.name, f.type, told(f.metadata)) for f in table.schema], told(table.schema.metadata), repr(table.to_pydict())


def pytables(path):
    with tables.open_file(path, "w") as f:
        t = f.create_table("/", "t", {"s": tables.StringCol(4), "b": tables.BoolCol(), "n": tables.Int32Col()})
        t.append([(b"a\0b", True, 1), (b"cd", False, 2), (b"", True, 3)] * 50)
        t.flush()
        t.cols.n.create_csindex()
        f.create_array("/", "bools", np.array([True, False]))
        for name, atom, row in [("text", tables.VLStringAtom(), b"bytes"), ("unicode", tables.VLUnicodeAtom(), "grüße"), ("object", tables.ObjectAtom(), [1, 2])]:
            v = f.create_vlarray("/", name, atom)
            v.append(row)


MIXED = pd.DataFrame({"x": [1.5, 2, 3, 4], "s": ["a", None, "c", "d"], "t": pd.date_range("2024", periods=4, tz="Europe/Berlin"),
                      "c": pd.Categorical(["u", "v", "u", "v"], ["v", "u"], ordered=True)})
LEVELS = MIXED[["x"]].set_index(pd.MultiIndex.from_product([["a", "b"], [1, 2]], names=["k", "n"]))
PERIODS = pd.DataFrame({"x": [1, 2]}, index=pd.period_range("2024", periods=2, freq="D", name="p"))


def frame(value, **options):
    """A file of one frame of pandas."""
    return lambda path: value.to_hdf(path, key="frame", **options)


def anndata(path):
    """As AnnData 0.8 and later writes obs."""
    with h5py.File(path, "w") as f:
        g = f.create_group("obs")
        g.attrs.update({"encoding-type": "dataframe", "encoding-version": "0.2.0", "_index": "name"})
        g.attrs.create("column-order", ["x", "kind", "maybe"], dtype=h5py.string_dtype())
        g["name"] = np.array(["a", "b", "c"], object)
        g["x"] = [1.5, 2.5, 3.5]
        c = g.create_group("kind")
        c.attrs.update({"encoding-type": "categorical", "encoding-version": "0.2.0", "ordered": True})
        c["codes"], c["categories"] = np.array([0, 1, -1], "i1"), np.array(["u", "v"], object)
        m = g.create_group("maybe")
        m.attrs.update({"encoding-type": "nullable-integer", "encoding-version": "0.1.0"})
        m["values"], m["mask"] = [1, 2, 3], np.array([False, True, False])


def netcdf(path):
    with h5py.File(path, "w") as f:
        f["x"] = np.arange(3.0)
        f["x"].make_scale("x")
        for name, missing in (("a", {"_FillValue": np.int16(1)}), ("b", {"missing_value": np.array([0, 2], "i2")})):
            d = f.create_dataset(name, data=np.arange(3, dtype="i2"))
            d.attrs.update({"units": "m", **missing})
            d.dims[0].attach_scale(f["x"])


MADE = {"netcdf.h5": netcdf, "pytables.h5": pytables, "anndata.h5": anndata, "table.h5": frame(MIXED, format="table", data_columns=["x", "s"]),
        "fixed.h5": frame(MIXED.drop(columns=["c", "s"])), "levels.h5": frame(LEVELS, format="table"), "fixed_levels.h5": frame(LEVELS),
        "series.h5": frame(MIXED["x"]), "periods.h5": frame(PERIODS)}


def damaged(raw: bytes) -> list[tuple[str, str, bytes]]:
    """Copies of a file with one attribute damaged in one way; of a name that many objects have, the first and the last."""
    found, out = messages(raw), []
    for name in dict.fromkeys(name for name, _, _ in found.values()):
        places = [i for i, m in found.items() if m[0] == name]
        for i in sorted({places[0], places[-1]}):
            for damage in DAMAGES:
                copy = bytearray(raw)
                damage(copy, i, *found[i][1:])
                out.append((name, damage.__name__, bytes(copy)))
    return out


@pytest.mark.parametrize("name", MADE)
def test_one_damaged(start, tmp_path, name):
    MADE[name](tmp_path / name)
    copies = damaged((tmp_path / name).read_bytes())
    assert len(copies) > 20
    for k, (_, _, copy) in enumerate(copies):
        (tmp_path / f"{k}.h5").write_bytes(copy)
    client = start(tmp_path).client()
    asked = requests(client, name)
    before = [answer(client, r) for r in asked]
    assert all(isinstance(b, pa.Table) for b in before)
    before = [plain(b) for b in before]
    wrong, refused, told = [], 0, 0
    for k, (attribute, damage, _) in enumerate(copies):
        case = f"{attribute}, {damage}"
        told += listed(client, f"{k}.h5", case, wrong)
        for r, want in zip(asked, before):
            got = answer(client, {**r, "file": f"{k}.h5"})
            if isinstance(got, pa.Table):
                if plain(got) != want and (attribute, damage) not in UNSEEN:
                    wrong.append(f"{r['dataset']} differs: {case}: {got.schema.names}")
                continue
            refused += 1
            if damage != "other_class" and ("data loss" not in str(got) or attribute not in str(got) and damage != "version"):
                wrong.append(f"{r['dataset']}: {case}: {str(got)[:300]}")
    print(f"\n{name}: {len(copies)} copies, {refused} refused, {told} told")
    assert not wrong, f"{len(wrong)}:\n" + "\n".join(wrong[:80])
    assert refused > 5 and told > len(copies) // 3


def listed(client, file: str, case: str, wrong: list[str]) -> bool:
    """Lists a damaged file in every way; tells whether the damage is told."""
    body, shown = json.dumps({"file": file, "frames": True}).encode(), ""
    try:
        for result in client.do_action(fl.Action("list", body)):
            tree = json.loads(result.body.to_pybytes())
            shown += json.dumps(tree)
            if "error" in tree:
                wrong.append(f"list: {case}: {tree['error'][:200]}")
        list(client.list_flights(body))
    except FAILURES as e:
        wrong.append(f"list: {case}: {str(e)[:200]}")
    return "unreadable" in shown
