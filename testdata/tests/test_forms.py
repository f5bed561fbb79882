"""Conditions as users write them: those that numexpr does not know against exact arithmetic (forms.py), frames against
pandas. MTFLIGHT_CONDITIONS=20000 draws as many instead of 400."""

from __future__ import annotations

import json
import os
import warnings

import forms
import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.flight
import pytest
import tables as tb
from conftest import ticket

COUNT = int(os.environ.get("MTFLIGHT_CONDITIONS", 400))


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    made = tmp_path_factory.mktemp("forms")
    forms.write(made / "forms.h5")
    warnings.filterwarnings("ignore", category=tb.NaturalNameWarning)
    frame().to_hdf(made / "frame.h5", key="df", format="table", data_columns=["n", "who", "kind", "RT (min)"])
    frame().set_index("when").to_hdf(made / "frame.h5", key="timed", format="table")
    frame().set_index(["kind", "n"])[["x"]].astype(float).to_hdf(made / "frame.h5", key="levels", format="table")
    indexed(made / "indexed.h5")
    return made


@pytest.fixture(scope="module")
def served(start, root):
    return start(root)


def rows(client, file: str, dataset: str, where: str, field: str = "row", **members) -> list:
    got = client.do_get(ticket(file, dataset, fields=[field], where=where, vars={"chosen": "mu"}, **members)).read_all()
    return got[field].to_pylist()


@pytest.mark.parametrize("first", range(0, COUNT, 200))
@pytest.mark.parametrize("table", ["raw", "zip"])
def test_forms_as_worked_out(served, root, table, first):
    """The second answer knows the statistics that the first has learned."""
    drawn, client = forms.Drawn(root / "forms.h5", f"{table} {first}"), served.client()
    for _ in range(min(200, COUNT - first)):
        text, truth = drawn.condition()
        want = np.flatnonzero(truth).tolist()
        for index in ("off", "auto", "auto"):
            got = rows(client, "forms.h5", f"/{table}", text, options={"index": index})
            assert got == want, f"{text}: {index}: {sorted(set(got) ^ set(want))[:9]} of {len(want)}"


def test_lists_as_worked_out(served, root):
    drawn, client = forms.Drawn(root / "forms.h5", "lists"), served.client()
    for _ in range(60):
        text, truth = drawn.of_lists()
        got = client.do_get(ticket("forms.h5", "/lists", where=text)).read_all()["lists"].to_pylist()
        assert got == [list(v) for v, t in zip(drawn.lists, truth, strict=True) if t], text


def frame() -> pd.DataFrame:
    n = 40
    when = pd.date_range("2024-02-28T22:00", periods=n, freq="90min").to_series().reset_index(drop=True)
    when[3] = pd.NaT
    who = pd.Series(["ann", "bob", None, "zoë"] * (n // 4))
    return pd.DataFrame({"x": np.arange(n) / 2, "y": np.arange(n)[::-1].astype(float), "n": np.arange(n) % 7, "when": when, "who": who,
                         "local": when.dt.tz_localize("Europe/Berlin"), "took": when - pd.Timestamp("2024-03-01"), "ok": np.arange(n) % 3 == 0,
                         "kind": pd.Categorical(["b", "a", None, "c"] * (n // 4)), "RT (min)": np.arange(n, dtype="u4")})


FRAMES = {
    "index > 5": lambda d: d.index > 5, "x > 3 and y > 10": lambda d: (d.x > 3) & (d.y > 10), "n == 3": lambda d: d.n == 3,
    "(index < 30) & (n != 2)": lambda d: (d.index < 30) & (d.n != 2), "`RT (min)` >= 38": lambda d: d["RT (min)"] >= 38,
    "when >= '2024-02-29T12:00'": lambda d: d.when >= "2024-02-29T12:00", "when < '2024-03-01'": lambda d: d.when < "2024-03-01",
    "when != '2024-02-29T01:00'": lambda d: d.when != "2024-02-29T01:00", "when is null": lambda d: d.when.isna(),
    "local >= '2024-02-29T12:00+01:00'": lambda d: d.local >= "2024-02-29T12:00+01:00", "local < '2024-02-29T12:00Z'": lambda d: d.local < "2024-02-29T12:00Z",
    "took > 'PT1H30M'": lambda d: d.took > "1h30min", "took <= '-P1D'": lambda d: d.took <= "-1D", "took is not null": lambda d: d.took.notna(),
    "who == 'bob'": lambda d: d.who == "bob", "who != 'bob'": lambda d: d.who != "bob", "who is null": lambda d: d.who.isna(), "who == 'nan'": lambda d: d.who == "nan",
    "kind == 'a'": lambda d: d.kind == "a", "kind in ('a', 'c')": lambda d: d.kind.isin(["a", "c"]), "kind is null": lambda d: d.kind.isna(),
    "ok": lambda d: d.ok, "~ok & (x < 5)": lambda d: ~d.ok & (d.x < 5), "values_block_0[0] > 18": lambda d: None,
}


@pytest.mark.parametrize("text", FRAMES)
def test_frames_as_pandas(served, text):
    d, client = frame(), served.client()
    for index in ("off", "auto", "auto"):
        got = rows(client, "frame.h5", "/df", text, field="x", options={"index": index})
        want = FRAMES[text](d)
        if want is not None:
            assert got == d.x[want].tolist()
        else:
            assert 0 < len(got) < len(d)


def test_frames_indexed_by_times_and_levels(served):
    client, timed = served.client(), frame().set_index("when")
    later = timed[timed.index >= "2024-02-29T12:00"]
    for name in ("index", "when"):
        assert rows(client, "frame.h5", "/timed", f"{name} >= '2024-02-29T12:00'", field="x") == later.x.tolist()
    assert rows(client, "frame.h5", "/levels", "(n == 3) & (x > 4)", field="x") == [v for i, v in enumerate(frame().x) if i % 7 == 3 and v > 4]
    with pytest.raises(pa.ArrowInvalid, match=r"column 1: no column or variable xx .*near: x"):
        rows(client, "frame.h5", "/df", "xx > 1", field="x")


class Timed(tb.IsDescription):
    row, t4, t8, u = tb.Int32Col(pos=0), tb.Time32Col(pos=1), tb.Time64Col(pos=2), tb.UInt64Col(pos=3)


def indexed(path) -> None:
    rng = np.random.default_rng(5)
    with tb.open_file(path, "w") as f:
        t = f.create_table("/", "t", Timed, chunkshape=(128,))
        a = np.zeros(5000, t.dtype)
        a["row"], a["t4"] = np.arange(5000), rng.integers(1_700_000_000, 1_700_100_000, 5000)
        a["t8"] = rng.integers(1_700_000_000 * 64, 1_700_100_000 * 64, 5000) / 64
        a["u"] = rng.integers(2**63, 2**64, 5000, dtype="u8")
        t.append(a)
        t.flush()
        t.cols.t4.create_csindex()
        t.cols.t8.create_index()


def test_indexes_of_times_change_no_answer(served, root):
    """And they are used where the time is one of whole seconds' columns."""
    rng, client = np.random.default_rng(6), served.client()
    with tb.open_file(root / "indexed.h5") as f:
        a = f.root.t[:]
    for _ in range(40):
        column, fraction = rng.choice(["t4", "t8"]), rng.choice(["", ".5", ".015625"])
        at = int(rng.choice(a["t4"]))
        text = f"'{np.datetime64(at, 's')}{fraction}'"
        edge = at + float("0" + (fraction or ".0"))
        for op, is_so in forms.OPS.items():
            want = a["row"][is_so(a[column].astype("f8"), edge)].tolist()
            for index in ("off", "auto", "auto"):
                assert rows(client, "indexed.h5", "/t", f"{column} {op} {text}", options={"index": index}) == want, (column, op, text, index)
    only = f"(t4 >= '{np.datetime64(1_700_000_100, 's')}') & (t4 <= '{np.datetime64(1_700_000_200, 's')}.5')"
    want = a["row"][(a["t4"] >= 1_700_000_100) & (a["t4"] <= 1_700_000_200)].tolist()
    assert want and rows(client, "indexed.h5", "/t", only, options={"index": "only"}) == want


def test_variables_of_64_bits(served):
    client = served.client()
    for value in (2**63, 2**64 - 1, 0, -1):
        got = client.do_get(ticket("forms.h5", "/raw", fields=["u"], where="u >= x", vars={"x": value})).read_all()["u"].to_pylist()
        assert got and min(got) >= value
    with pytest.raises(pa.ArrowInvalid, match="more than 64 bits"):
        client.do_get(ticket("forms.h5", "/raw", fields=["u"], where="u >= x", vars={"x": 2**64})).read_all()


def test_statistics_leave_chunks_out(served, root):
    """Of the new forms too, once an earlier condition has learned them."""
    client, table = served.client(), forms.Drawn(root / "forms.h5", "").table
    middle = int(table["sorted u"][600])
    for where in (f"`sorted u` > {middle}", f"{middle} == `sorted u`", "late < '2024-02-29T13:00:00.5'", "m[1, 2] > 4", "m[0, 0] < -1"):
        want = rows(client, "forms.h5", "/zip", where, options={"index": "off"})
        assert rows(client, "forms.h5", "/zip", where) == want
        plan = next(iter(client.do_action(pa.flight.Action("explain", ticket("forms.h5", "/zip", where=where).ticket)))).body.to_pybytes()
        assert json.loads(plan)["skipped"] > 2, (where, json.loads(plan)["plan"])


def test_elements_of_long_chunks(start, tmp_path):
    """They are taken out piece by piece; the other columns, texts too, go along."""
    n = 50_001
    rng = np.random.default_rng(7)
    a = np.zeros(n, [("row", "i4"), ("p", "i1", (3,)), ("s", "S3"), ("x", "f8"), ("flag", "?"), ("z", "i2")])
    a["row"], a["p"], a["s"] = np.arange(n), rng.integers(-5, 5, (n, 3)), rng.choice([b"a", b"bcd", b""], n)
    a["x"], a["flag"], a["z"] = rng.random(n), rng.random(n) < 0.5, rng.integers(-9, 9, n)
    with h5py.File(tmp_path / "long.h5", "w") as f:
        f["t"] = a
        lists = f.create_dataset("l", (40_000,), h5py.vlen_dtype("i2"), chunks=(40_000,))
        lists[:] = np.array([np.arange(i % 4) for i in range(40_000)], object)
    client = start(tmp_path).client()
    want = a["row"][(a["p"][:, 1] > 2) & ((a["s"] == b"bcd") | (a["x"] > 0.9)) & (a["flag"] | (a["z"] < a["p"][:, -1]))]
    assert rows(client, "long.h5", "/t", "(p[1] > 2) & ((s == 'bcd') | (x > 0.9)) & (flag | (z < p[-1]))") == want.tolist()
    got = client.do_get(ticket("long.h5", "/l", where="(l[2] == 2) | (l[0] is null)")).read_all()
    assert got.num_rows == 20_000
