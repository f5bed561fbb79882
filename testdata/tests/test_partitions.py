"""Folders key=value are typed columns: drawn requests give what a model in Python does, and files that a condition leaves out stay closed."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.flight as fl
import pytest

PLACES = [("2023", "-7", "a b"), ("2023", "10", "x=y"), ("2024", "010", "ü"), ("2024", "3", "__HIVE_DEFAULT_PARTITION__"), ("2024", "3", "100%"), ("2025", "0", "7")]
CONDITIONS = {  # over the model's rows; null is in no answer that names it
    "year == 2024": lambda r: r["year"] == 2024,
    "(year > 2023) & (x > 2)": lambda r: r["year"] > 2023 and r["x"] > 2,
    "(x > 2) & ((run < 5) & (year in (2023, 2024)))": lambda r: r["x"] > 2 and r["run"] < 5 and r["year"] in (2023, 2024),
    "(run == 10) | (x == 1)": lambda r: r["run"] == 10 or r["x"] == 1,
    "~(run == 10) & (x / 2 < low)": lambda r: r["run"] != 10 and r["x"] / 2 < 1.5,
    "year < 0": lambda r: False,
    "(year * 10 + run > 20240) & (x >= 0)": lambda r: r["year"] * 10 + r["run"] > 20240,
    "(name != 'year=2024/run=3/site=100%25/a.h5') & (year == last)": lambda r: r["name"] != "year=2024/run=3/site=100%25/a.h5" and r["year"] == 2024,
    "endswith(name, '/b.h5') and year == 2023": lambda r: r["name"].endswith("/b.h5") and r["year"] == 2023,
}


def escaped(value: str) -> str:
    return value.replace("%", "%25").replace("=", "%3D").replace(" ", "%20")


@pytest.fixture(scope="module")
def tree(start, tmp_path_factory):
    """A server, the rows of its files in the order of their names."""
    top = tmp_path_factory.mktemp("partitions")
    rows = []
    for year, run, site in PLACES:
        folder = Path(f"year={year}", f"run={run}", f"site={escaped(site)}")
        (top / folder).mkdir(parents=True)
        for file in ("a.h5", "b.h5"):
            values = np.zeros(random.Random(f"{folder}{file}").randint(1, 4), [("x", "i4")])
            values["x"] = range(len(values))
            with h5py.File(top / folder / file, "w") as f:
                f["events"] = values
            rows += [{"x": int(x), "year": int(year), "run": int(run), "site": None if site.startswith("__") else site, "name": str(folder / file)} for x in values["x"]]
    (top / "closed=1").mkdir()
    (top / "closed=2").mkdir()
    for i in (1, 2):
        with h5py.File(top / f"closed={i}" / "e.h5", "w") as f:
            f["events" if i == 1 else "other"] = np.arange(3)
    shutil.copy(top / "closed=1" / "e.h5", top / "plain.h5")
    return start(top), rows


def get(server, **request) -> pa.Table:
    return server.client().do_get(fl.Ticket(json.dumps({"file": "year=*.h5", "dataset": "/events", **request}))).read_all()


def test_drawn_requests_give_what_a_model_does(tree):
    server, rows = tree
    order = get(server, options={"file_column": "name"})["name"].to_pylist()
    rows = sorted(rows, key=lambda r: (order.index(r["name"]), r["x"]))
    for seed in range(60):
        rng = random.Random(seed)
        where = rng.choice([None, *CONDITIONS])
        fields = rng.choice([None, ["x"], ["site", "x"], ["name", "run", "year"], ["year"], ["x", "site", "name"]])
        request: dict = {"options": {"partitions": True, "file_column": "name", "plain": rng.random() < .3}}
        if where:
            request.update(where=where, vars={"low": 1.5, "last": 2024})
        if fields:
            request["fields"] = fields
        want = [r for r in rows if not where or CONDITIONS[where](r)]
        if rng.random() < .3:
            request["limit"] = rng.randint(0, 9)
        elif where and rng.random() < .3:
            lo, hi = rng.randint(0, 9), rng.randint(9, 30)
            request.update(start=lo, stop=hi)
            want = [r for r in rows[lo:hi] if CONDITIONS[where](r)]
        elif rng.random() < .3:
            request["stream"] = {"block_rows": 5}
        want = want[:request.get("limit")]
        columns = list(fields or ["x", "year", "run", "site"])
        columns += [] if "name" in columns else ["name"]
        got = get(server, **request)
        assert got.schema.names == columns, request
        assert got.to_pylist() == [{c: r[c] for c in columns} for r in want], request
        text = pa.string() if request["options"]["plain"] else pa.dictionary(pa.int32(), pa.string())
        assert all(got.schema.field(c).type == {"x": pa.int32(), "year": pa.int64(), "run": pa.int64()}.get(c, text) for c in columns)
        info = server.client().get_flight_info(fl.FlightDescriptor.for_command(json.dumps(
            {"file": "year=*.h5", "dataset": "/events", **request, "options": {**request["options"], "endpoints": 4}})))
        parts = [server.client().do_get(e.ticket).read_all() for e in info.endpoints]
        assert all(p.schema == info.schema for p in parts), request
        assert pa.concat_tables(parts).to_pylist() == got.to_pylist(), request


def test_parts_have_the_types_of_all(tree):
    server, _ = tree
    command = {"file": "year=*.h5", "dataset": "/events", "fields": ["site"], "options": {"partitions": True, "endpoints": 9, "plain": True}}
    info = server.client().get_flight_info(fl.FlightDescriptor.for_command(json.dumps(command)))
    last = json.loads(info.endpoints[-1].ticket.ticket)
    assert last["options"]["partitions"] == ["site"] and all("site=7" in f for f in last["file"])  # which alone would be integers
    assert server.client().do_get(info.endpoints[-1].ticket).read_all()["site"].to_pylist()[-1] == "7"


def test_files_that_a_condition_leaves_out_are_not_opened(tree):
    server, _ = tree
    request = {"file": "closed=*/e.h5", "options": {"partitions": True}}
    with pytest.raises(Exception, match=r"closed=2/e\.h5"):
        get(server, **request)
    got = get(server, **request, where="(closed < 2) & (events > 0)")
    assert got.to_pydict() == {"events": [1, 2], "closed": [1, 1]}
    with pytest.raises(Exception, match=r"closed=2/e\.h5"):
        get(server, **request, where="(closed < 2) | (events > 0)")
    assert get(server, **request, where="closed > 9").num_rows == 0
    body = json.dumps({**request, "dataset": "/events", "where": "closed == 1"}).encode()
    told = json.loads(next(server.client().do_action(fl.Action("explain", body))).body.to_pybytes())
    assert any("1 more files are left out" in line for line in told["plan"])


@pytest.mark.parametrize(("says", "request_"), [
    ("folders of other keys", {"file": "*=*.h5"}),
    ("no folder KEY=VALUE", {"file": ["plain.h5"]}),
    ("is null for year=2024/run=3/site=__HIVE", {"where": "site == 'ü'"}),
    ("vars", {"where": "x > year", "vars": {"year": 3}}),
    ("no integer", {"options": {"partitions": []}}),
    ("sort_by", {"sort_by": "year"}),
    ("over several files", {"file": "closed=1/e.h5"}),
    ("choose another name", {"options": {"partitions": True, "file_column": "run"}}),
])
def test_refusals(tree, says, request_):
    server, _ = tree
    request = {"options": {"partitions": True}, **request_}
    with pytest.raises((fl.FlightError, pa.ArrowException)) as error:
        get(server, **request)
    assert says in str(error.value), str(error.value)
