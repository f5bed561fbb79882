"""Conditions and sorted reads drawn by a seed against PyTables: MTFLIGHT_CONDITIONS=20000 draws as many instead of 400,
and a tenth as many over tables with indexes, which change no answer. What came of them is printed (pytest -s).
"""

from __future__ import annotations

import collections
import json
import os
import random
import subprocess
import sys

import conditions
import numpy as np
import pyarrow as pa
import pyarrow.flight as fl
import pytest
import tables as tb
from conftest import ticket

COUNT = int(os.environ.get("MTFLIGHT_CONDITIONS", 400))
BATCH = 500  # conditions of a test
counts: collections.Counter = collections.Counter()


@pytest.fixture(scope="module")
def root(tmp_path_factory, python):
    made = tmp_path_factory.mktemp("conditions")
    python(conditions.__file__, "tables", made / "tables.h5")
    python(conditions.__file__, "indexed", made / "indexed.h5", timeout=600)
    return made


@pytest.fixture(scope="module")
def served(start, root):
    yield start(root)
    print("\n" + "\n".join(f"{n:6} {what}" for what, n in sorted(counts.items())))


def batches(count: int) -> list[tuple[int, int]]:
    return [(first, min(BATCH, count - first)) for first in range(0, count, BATCH)]


def draw(rng: random.Random, tables: list[str], one) -> dict:
    q = {"table": rng.choice(tables), "where": one}
    if rng.random() < 0.3:
        start = rng.randint(0, 800)  # PyTables looks at no condition where there are no rows
        q.update(start=start, stop=rng.choice([None, rng.randint(start + 1, 4000)]), step=rng.choice([1, 2, 7]))
    return q


def pytables(path, questions: list[dict]) -> list[dict]:
    done = subprocess.run([sys.executable, conditions.__file__, "ask", path], input="\n".join(map(json.dumps, questions)),
                          capture_output=True, text=True, timeout=3600)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def ours(client: fl.FlightClient, file: str, q: dict, **members) -> list[int] | str:
    """Rows, or why there are none."""
    part = {k: q[k] for k in ("start", "stop", "step") if k in q}
    try:
        got = client.do_get(ticket(file, "/" + q["table"], where=q["where"], vars=conditions.DRAW.VARS, fields=["row"], **part, **members))
        return got.read_all()["row"].to_pylist()
    except pa.ArrowInvalid as e:
        return str(e).split("with message: ")[-1].splitlines()[0]


def judge(got: list[int] | str, want: dict) -> str:
    """What came of a condition; what is wrong starts with wrong."""
    refused = isinstance(got, str)
    if "died" in want:
        return "numexpr died"
    if "refused" in want:
        return "both refuse" if refused else f"wrong: {want} but not here"
    if "beyond" in want:
        if refused:
            return "refused as by PyTables, though numexpr has an answer"
        return "as numexpr, PyTables refuses" if got == want["rows"] else f"wrong beyond PyTables ({want['beyond']}): {differ(got, want['rows'])}"
    if refused:
        return f"wrong: refused: {got}"
    return "as PyTables" if got == want["rows"] else f"wrong: {differ(got, want['rows'])}"


def differ(got: list[int], want: list[int]) -> str:
    more, less = sorted(set(got) - set(want)), sorted(set(want) - set(got))
    return f"{len(got)} rows, not {len(want)}; {len(more)} more {more[:5]}, {len(less)} missing {less[:5]}"


def note(outcome: str, q: dict, wrong: list[str]) -> None:
    counts[outcome.split(":")[0].split(" (")[0]] += 1
    if outcome.startswith("wrong"):
        wrong.append(f"{q}: {outcome}")


@pytest.mark.parametrize("first,count", batches(COUNT))
def test_conditions_as_pytables(served, root, first, count):
    rng, wrong = random.Random(f"conditions {first}"), []
    questions = [draw(rng, list(conditions.LAYOUTS), conditions.condition(rng)) for _ in range(count)]
    answers = pytables(root / "tables.h5", questions)
    client = served.client()
    for q, want in zip(questions, answers, strict=True):
        note(judge(ours(client, "tables.h5", q), want), q, wrong)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("first,count", batches(COUNT // 10))
def test_indexes_change_no_answer(served, root, first, count):
    rng, wrong = random.Random(f"indexes {first}"), []
    with tb.open_file(root / "indexed.h5") as f:
        tables = [t._v_name for t in f.iter_nodes("/", "Table")]
    questions = [draw(rng, tables, conditions.narrow(rng)) for _ in range(count)]
    answers = pytables(root / "indexed.h5", questions)
    client = served.client()
    for q, want in zip(questions, answers, strict=True):
        scanned = ours(client, "indexed.h5", q, options={"index": "off"})
        note(judge(scanned, want), q, wrong)
        for index in ("auto", "only"):
            got = ours(client, "indexed.h5", q, options={"index": index})
            if index == "only" and isinstance(got, str) and "no index serves" in got:
                counts["no index serves"] += 1
                continue
            counts[f"index {index}"] += 1
            if got != scanned:
                wrong.append(f"{q}: index {index}: {got if isinstance(got, str) else differ(got, scanned)}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("table", ["csi", "grown", "medium9"])
def test_sorted_as_read_sorted(served, root, table):
    """The keys are PyTables', the rows have those keys and come once each: equal keys come in any order."""
    rng, client = random.Random(table), served.client()
    with tb.open_file(root / "indexed.h5") as f:
        t = f.get_node("/" + table)
        for column in conditions.INDEXED:
            keys = t.cols._f_col(column)[:]
            for _ in range(max(3, COUNT // 200)):
                part = {"start": sliced(rng, t.nrows), "stop": sliced(rng, t.nrows), "step": rng.choice([1, 3, -1, -2, -7, 1000])}
                rows = in_order(client, table, sort_by=column, **part)
                np.testing.assert_array_equal(keys[rows], sorted_by_pytables(t, column, **part), f"{table} {column} {part}")
                assert len(np.unique(rows)) == len(rows)


def sliced(rng: random.Random, n: int) -> int | None:
    return rng.choice([None, rng.randint(-n - 5, n + 5)])


def in_order(client: fl.FlightClient, table: str, **members) -> np.ndarray:
    return client.do_get(ticket("indexed.h5", "/" + table, fields=["row"], **members)).read_all()["row"].to_numpy()


def sorted_by_pytables(t: tb.Table, column: str, start, stop, step) -> np.ndarray:
    """By its completely sorted index, if its order is one: NaNs and the bits of 16-bit floats confuse it, and descending
    slices count from the other end or fail. There NumPy's counts."""
    node = t.cols._f_col(column)
    right = np.sort(node[:])
    whole = leaf(t.read_sorted(column, checkCSI=True), column) if node.is_indexed and node.index.is_csi else right
    if not np.array_equal(whole, right, equal_nan=right.dtype.kind == "f") or whole is right:
        counts["sorted as by NumPy, PyTables has no order"] += 1
        return right[start:stop:step]
    counts["sorted as by PyTables"] += 1
    first, last, step = slice(start, stop, step).indices(len(whole))
    return leaf(t.read_sorted(column, checkCSI=True, start=first, stop=last, step=step), column) if step > 0 else right[start:stop:step]


def leaf(rows: np.ndarray, column: str) -> np.ndarray:
    for name in column.split("/"):
        rows = rows[name]
    return rows


def test_check_csi_as_read_sorted(served, root):
    """What PyTables refuses to take for sorted is refused."""
    client = served.client()
    with tb.open_file(root / "indexed.h5") as f:
        for t in f.iter_nodes("/", "Table"):
            for column in conditions.INDEXED:
                node = t.cols._f_col(column)
                if column != "f2" and node.is_indexed and node.index.is_csi and not node.index.dirty:
                    assert len(in_order(client, t._v_name, sort_by=column, check_csi=True)) == t.nrows
                    continue
                with pytest.raises(pa.ArrowInvalid, match="completely sorted index"):
                    in_order(client, t._v_name, sort_by=column, check_csi=True)
