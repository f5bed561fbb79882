"""Random conditions, and the rows that PyTables finds by them: the other side of test_conditions.py.

    python testdata/tests/conditions.py tables FILE       writes tables of every column type, without indexes
    python testdata/tests/conditions.py indexed FILE      writes tables with indexes of every kind
    python testdata/tests/conditions.py ask FILE          answers questions, one JSON object a line

A question is {table, where, start, stop, step}; its answer {rows}, with {beyond} where PyTables refuses what numexpr
computes, or {refused}, or {died}: integers divided by zero in some powers end the process, as too much time does. What Python
and not PyTables means by and, or, not and in is not asked: those are this project's.
"""

from __future__ import annotations

import importlib.util
import json
import os
import random
import re
import signal
import sys
import warnings
from pathlib import Path

import numexpr
import numpy as np
import tables as tb

CLONE = Path(__file__).resolve().parents[2]
LAYOUTS = {  # name: rows, chunk, filters, byte order
    "plain": (1500, 100, None, "little"),
    "zlib": (2000, 257, tb.Filters(1, "zlib", shuffle=True), "little"),
    "blosc2": (2500, 512, tb.Filters(5, "blosc2", shuffle=True), "little"),
    "big": (900, 64, tb.Filters(1, "zlib"), "big"),
}
KINDS = [(kind, level) for kind in ("ultralight", "light", "medium", "full") for level in (0, 3, 6, 9)]
WIDTHS = {"i1": "i1", "i2": "i2", "i4": "i4", "i8": "i8", "u1": "u1", "u2": "u2", "u4": "u4", "t4": "i4", "e": "u1"}
INDEXED = ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "f2", "f4", "f8", "b", "s", "t4", "t8", "pos/x", "pos/y"]


class Row(tb.IsDescription):
    row = tb.Int32Col(pos=0)
    i1, i2, i4, i8 = tb.Int8Col(pos=1), tb.Int16Col(pos=2), tb.Int32Col(pos=3), tb.Int64Col(pos=4)
    u1, u2, u4, u8 = tb.UInt8Col(pos=5), tb.UInt16Col(pos=6), tb.UInt32Col(pos=7), tb.UInt64Col(pos=8)
    f2, f4, f8 = tb.Float16Col(pos=9), tb.Float32Col(pos=10), tb.Float64Col(pos=11)
    b, flag = tb.BoolCol(pos=12), tb.BoolCol(pos=13)
    s, name = tb.StringCol(9, pos=14), tb.StringCol(4, pos=15)
    t4, t8 = tb.Time32Col(pos=16), tb.Time64Col(pos=17)
    e = tb.EnumCol({"red": 0, "green": 1, "blue": 7}, "red", base="uint8", pos=18)
    c8, c16 = tb.ComplexCol(8, pos=19), tb.ComplexCol(16, pos=20)
    arr = tb.Int32Col(shape=(3,), pos=21)

    class pos(tb.IsDescription):
        x, y = tb.Float64Col(pos=0), tb.Int32Col(pos=1)


def drawing():
    """numexpr's side of reader/where's own corpus, which draws conditions too."""
    spec = importlib.util.spec_from_file_location("drawn", CLONE / "reader" / "where" / "testdata" / "make.py")
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    made.NUMBERS = [["i1", "i2", "i4", "u1", "u2", "t4", "e", "pos/y"], ["i8", "u4", "count"], ["f2", "f4"],
                    ["f8", "t8", "pos/x", "cut", "x"]]
    return made


DRAW = drawing()
OF_CONSTANTS = re.compile(r"[a-z]\w*\((?:True|False|(?<!\w)\.?\d[\w.]*|[-+*/%, ()])*\)")  # NumPy's last bit depends on the processor


def condition(rng: random.Random) -> str:
    """One for the tables of every column type; now and then with a column that no condition may name."""
    DRAW.rng = rng
    while True:
        text = DRAW.truth(rng.randrange(0, 4))
        if len(text) > 160 or OF_CONSTANTS.search(text):
            continue
        text = re.sub(r"\bc\b", lambda _: rng.choice(["c8", "c16"]), text)
        if rng.random() < 0.02:
            text = re.sub(r"\b(i8|u4|f4|s)\b", lambda _: rng.choice(["arr", "pos", "f9"]), text, count=1)
        return text


def narrow(rng: random.Random) -> str:
    """One that an index may serve: comparisons with constants, joined."""
    def number(column: str) -> str:
        if column[0] in "iut" and column != "t8" or column == "pos/y":
            high = {"i1": 130, "u1": 260}.get(column, 1100)
            return rng.choice([str(rng.randrange(-high, high)), f"{rng.gauss(0, 300):.1f}", "0", "70000", str(-2**33)])
        return rng.choice([f"{rng.gauss(0, 8):.3g}", str(rng.randrange(-9, 9)), "0.1", "1e400", "-1e300", "cut", "count"])

    def one() -> str:
        column = rng.choice(INDEXED)
        if column == "b":
            return rng.choice(["b", "~b", "(b == True)", "(b == False)"])
        value = rng.choice(DRAW.WORDS) if column == "s" else number(column)
        op = rng.choice(["==", "<", "<=", ">", ">=", "==", "!="])
        return f"({value} {op} {column})" if rng.random() < 0.2 else f"({column} {op} {value})"

    text = one()
    while rng.random() < 0.5:
        text += f" {rng.choice('&&&|')} {one()}"
    return f"~({text})" if rng.random() < 0.05 else text


def integers(rng: np.random.Generator, kind: str, n: int) -> np.ndarray:
    """Small ones, and some at the ends of the type."""
    low, high = np.iinfo(kind).min, np.iinfo(kind).max
    out = rng.integers(max(low, -1000), min(high, 1000), n, dtype=kind, endpoint=True)
    ends = rng.choice(np.array([low, high, 0, 1], kind), n)
    return np.where(rng.random(n) < 0.05, ends, out)


def floats(rng: np.random.Generator, n: int) -> np.ndarray:
    out = np.where(rng.random(n) < 0.5, rng.normal(0, 10, n), rng.integers(-9, 10, n) / 2)
    special = rng.choice([0.0, -0.0, np.inf, -np.inf, np.nan, 1e10, 0.1], n)
    return np.where(rng.random(n) < 0.1, special, out)


def values(rng: np.random.Generator, n: int, dtype: np.dtype) -> np.ndarray:
    a = np.zeros(n, dtype)
    a["row"] = np.arange(n)
    for column, kind in WIDTHS.items():
        a[column] = integers(rng, kind, n)
    a["u8"] = rng.integers(0, 2**64, n, dtype="u8")
    a["e"] = rng.choice([0, 1, 7], n)
    with np.errstate(over="ignore"):
        for column in ("f2", "f4", "f8"):
            a[column] = floats(rng, n)
    a["b"], a["flag"] = rng.random((2, n)) < 0.5
    for column in ("s", "name"):
        a[column] = rng.choice([t for t in DRAW.TEXTS if 0 not in t], n)  # what follows a NUL is not served
    a["t8"] = rng.integers(0, 10**6, n) / 64
    for column in ("c8", "c16"):
        a[column] = np.where(rng.random(n) < 0.3, rng.choice([0, 1, 1j, 2 - 1j], n), rng.normal(size=n) + 1j * rng.normal(size=n))
    a["pos"]["x"], a["pos"]["y"] = floats(rng, n), rng.integers(-9, 10, n)
    return a


def write_tables(path: Path) -> None:
    rng = np.random.default_rng(11)
    with tb.open_file(path, "w") as f:
        for name, (n, chunk, filters, order) in LAYOUTS.items():
            t = f.create_table("/", name, Row, filters=filters, chunkshape=(chunk,), byteorder=order)
            t.append(values(rng, n, t.dtype))


def write_indexed(path: Path) -> None:
    """Tables of 4000 rows, of which the indexes make many blocks; some grown afterwards, changed, or dirty."""
    rng = np.random.default_rng(12)
    with tb.open_file(path, "w") as f:
        for i, (kind, level) in enumerate(KINDS):
            table_with_indexes(f, rng, f"{kind}{level}", INDEXED[i % 2::2], kind=kind, optlevel=level)
        table_with_indexes(f, rng, "csi", kind="full", optlevel=9)
        grown = table_with_indexes(f, rng, "grown", kind="full", optlevel=9)
        grown.append(values(rng, 1111, grown.dtype))
        dirty = table_with_indexes(f, rng, "dirty", kind="medium", optlevel=6)
        dirty.autoindex = False
        dirty.append(values(rng, 300, dirty.dtype))
        dirty.flush()
        changed = table_with_indexes(f, rng, "changed", kind="full", optlevel=9)
        changed.autoindex = False
        changed.modify_columns(100, columns=[np.arange(50, dtype="i4")], names=["i4"])
        for t in (grown, dirty, changed):
            t.cols.row[:] = np.arange(t.nrows, dtype="i4")
            t.flush()


def table_with_indexes(f: tb.File, rng: np.random.Generator, name: str, columns: list[str] = INDEXED, **index) -> tb.Table:
    t = f.create_table("/", name, Row, chunkshape=(128,))
    t.append(values(rng, 4000, t.dtype))
    t.flush()
    for column in columns:
        t.cols._f_col(column).create_index(**index, _blocksizes=(2048, 1024, 512, 64))
    t.flush()
    return t


# ---------------------------------------------------------------------------------------------- answers


def plain(text: str, table: tb.Table) -> tuple[str, dict]:
    """The condition in PyTables' words, and its variables: nested columns are variables there."""
    scope = {k: v for k, v in DRAW.VARS.items()}
    for path in ("pos/x", "pos/y"):
        new = path.replace("/", "__")
        text = re.sub(rf"(?<![\w/]){path}(?![\w/])", new, text)
        scope[new] = table.cols._f_col(path)
    return text, scope


def in_numexpr(text: str) -> str:
    tree = DRAW.ast.parse(text.strip(), mode="eval")
    return DRAW.ast.unparse(DRAW.ast.fix_missing_locations(DRAW.Extras().visit(tree)))


def ours_alone(text: str) -> bool:
    nodes = list(DRAW.ast.walk(DRAW.ast.parse(text.strip(), mode="eval")))
    return any(isinstance(n, (DRAW.ast.BoolOp, DRAW.ast.Not, DRAW.ast.In, DRAW.ast.NotIn)) for n in nodes)


def answer(table: tb.Table, q: dict) -> dict:
    text, scope = plain(q["where"], table)
    part = {k: q.get(k) for k in ("start", "stop", "step")}
    try:
        if ours_alone(text):
            raise TypeError("Python's operators")
        table._disable_indexing_in_queries()  # its own indexes miss rows where there are NaNs
        return {"rows": table.read_where(text, scope, field="row", **part).tolist()}
    except Exception as e:  # noqa: BLE001 (what it refuses, it refuses in many ways)
        refused = f"{type(e).__name__}: {e}"
    try:
        text = in_numexpr(text)
        chosen = truth(table, text, scope)
    except Exception:  # noqa: BLE001
        return {"refused": refused}
    rows = np.arange(table.nrows)[slice(*part.values())]
    return {"rows": rows[chosen[rows]].tolist(), "beyond": refused}


def truth(table: tb.Table, text: str, scope: dict) -> np.ndarray:
    names = {c: np.array(v.encode() if isinstance(v, str) else v) for c, v in DRAW.VARS.items()}
    all_rows = table.read()
    for column in table.colnames:
        if column not in ("u8", "arr", "pos"):
            names[column] = all_rows[column]
    for new in ("pos__x", "pos__y"):
        names[new] = all_rows["pos"][new[-1]]
    out = numexpr.evaluate(text, local_dict=names, global_dict={}, sanitize=False)
    if out.dtype != bool:
        raise TypeError("no truth value")
    return np.broadcast_to(out, (table.nrows,))


def ask(path: Path) -> None:
    """Answers in child processes: one goes on until it dies, the next where that one ended."""
    questions = [json.loads(line) for line in sys.stdin]
    done = 0
    while done < len(questions):
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            answer_all(path, questions[done:], write)
        os.close(write)
        with os.fdopen(read) as lines:
            for line in lines:
                print(line, end="")
                done += 1
        if os.waitpid(child, 0)[1] != 0:
            print(json.dumps({"died": True}))
            done += 1


def answer_all(path: Path, questions: list[dict], write: int) -> None:
    # PyTables compiles with the optimization that numexpr was last asked for in the thread, "none" before its first evaluate
    # and for good that one's after: numexpr never takes it back. i8 ** 2 is a power of doubles then, and a product later.
    numexpr.evaluate("1 + 1")
    with os.fdopen(write, "w", buffering=1) as out, tb.open_file(path) as f:
        for q in questions:
            signal.alarm(60)  # ends the process: Python computes large powers of constants for hours
            out.write(json.dumps(answer(f.get_node("/" + q["table"]), q)) + "\n")
    os._exit(0)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    numexpr.set_num_threads(1)
    tb.parameters.MAX_NUMEXPR_THREADS = 1
    {"tables": write_tables, "indexed": write_indexed, "ask": ask}[sys.argv[1]](Path(sys.argv[2]))
