"""Drawn queries, said in the languages of Polars, DuckDB and PyArrow, over a file that is written with h5py and as Parquet."""

from __future__ import annotations

import datetime
import math
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROWS, CHUNK = 3000, 100
KINDS = {"e": 1, "mu": 2, "tau lepton": 7, "é'x": 9, "unused": 12}
NAN, INF = math.nan, math.inf


def write(folder: Path) -> pa.Table:
    """Writes drawn.h5 (/rows) and drawn.parquet of the same rows, which are returned as `options.plain` names and types them."""
    rows = drawn_rows(np.random.default_rng(16))
    with h5py.File(folder / "drawn.h5", "w") as f:
        f.create_dataset("rows", data=rows, chunks=(CHUNK,))
    table = as_arrow(rows)
    pq.write_table(table, folder / "drawn.parquet", write_statistics=False)  # of them DuckDB 2.0 takes NaN for less than infinity
    return table


def drawn_rows(rng: np.random.Generator) -> np.ndarray:
    """Rows of each type that a condition may see, with the values at which engines part."""
    rows = np.zeros(ROWS, [
        ("id", "i4"), ("big", "i8"), ("u", "u8"), ("x", "f8"), ("g", "f4"), ("kind", h5py.enum_dtype(KINDS, "i1")),
        ("good", h5py.enum_dtype({"FALSE": 0, "TRUE": 1}, "i1")), ("name", "S6"), ("RT (`min`)", "f4"), ("when", h5py.opaque_dtype("M8[ns]")),
        ("day", h5py.opaque_dtype("M8[s]")), ("pos", [("x", "f4"), ("n", "i2")]), ("small", "u1")])
    rows["id"] = np.arange(ROWS)
    rows["big"] = rng.choice([-2**63, 2**63 - 1, 2**53 + 1, 2**53, -1, 0, 1, 7, 1000], ROWS)
    rows["u"] = rng.choice(np.array([0, 1, 2**53 + 1, 2**63, 2**64 - 1, 5], "u8"), ROWS)
    rows["x"] = rng.choice([0.0, -0.0, 1.5, NAN, INF, -INF, 2.0, 0.1, -7.25], ROWS)
    rows["g"] = rng.choice([0.1, -0.0, 0.0, NAN, INF, -3.5, 2.0], ROWS)
    rows["kind"] = rng.choice([1, 2, 7, 9, 3], ROWS)  # 3 has no name
    rows["good"] = rng.integers(0, 2, ROWS)
    rows["name"] = rng.choice(np.array([b"ann", "é".encode(), b"it's", b"", b"a\\b", b"%", b"ANN", b"an", "añb".encode(), b"zoe", b"tab\tx"]), ROWS)
    rows["RT (`min`)"] = np.sort(rng.random(ROWS)).astype("f4")
    times = ["2024-01-01T12", "2024-01-01T12:00:00.000000001", "NaT", "1969-12-31T23:59:59.999999999", "1970-01-01", "2200-04-11", "2024-06-30"]
    rows["when"] = rng.choice(np.array(times, "M8[ns]"), ROWS)
    rows["day"] = rng.choice(np.array(["2024-01-01T12", "NaT", "1800-01-01", "1970-01-01", "2024-06-30T01:02:03", "2500-01-01"], "M8[s]"), ROWS)
    rows["pos"]["x"], rows["pos"]["n"] = rng.choice([1.5, NAN, -1.0], ROWS), rng.integers(-3, 4, ROWS)
    rows["small"] = rng.integers(0, 256, ROWS)
    return rows


def as_arrow(rows: np.ndarray) -> pa.Table:
    names = {number: name for name, number in KINDS.items()}
    special = {
        "kind": pa.array([names.get(k) for k in rows["kind"].tolist()], pa.string()),
        "good": pa.array(rows["good"].astype(bool)),
        "name": pa.array([n.decode() for n in rows["name"].tolist()], pa.string()),
        "pos.x": pa.array(rows["pos"]["x"]), "pos.n": pa.array(rows["pos"]["n"])}
    columns = {}
    for name in rows.dtype.names:
        for column in ("pos.x", "pos.n") if name == "pos" else (name,):
            columns[column] = special[column] if column in special else pa.array(rows[name])
    return pa.table(columns)


FLOATS, TEXTS = ("x", "g", "RT (`min`)", "pos.x"), ("name", "kind")
INTEGERS, TIMES = ("id", "big", "u", "pos.n", "small"), ("when", "day")
COLUMNS = ("id", "big", "u", "x", "g", "kind", "good", "name", "RT (`min`)", "when", "day", "pos.x", "pos.n", "small")
OPS = ("==", "!=", "<", "<=", ">", ">=")


@dataclass
class Ask:
    """A node of a drawn predicate."""

    kind: str
    column: str = ""
    op: str = ""
    values: list[Any] = field(default_factory=list)
    of: list[Ask] = field(default_factory=list)


def draw(rng: random.Random, table: pa.Table, depth: int = 2) -> Ask:
    """A predicate of up to `depth` levels."""
    if depth and rng.random() < 0.6:
        kind = rng.choice(("and", "and", "or", "not"))
        return Ask(kind, of=[draw(rng, table, depth - 1) for _ in range(1 if kind == "not" else 2)])
    column = rng.choice(COLUMNS)
    if column == "good":
        return Ask(rng.choice(("truth", "null")), column)
    kind = rng.choice(("compare",) * 5 + ("in", "in", "between", "null", *special(column)))
    count = {"compare": 1, "between": 2, "in": rng.randint(1, 4)}.get(kind, 0)
    values = [value(rng, table, column) for _ in range(count)]
    if kind in ("prefix", "suffix"):
        values = [rng.choice(("a", "an", "é", "it'", "%", "b"))]
    if kind == "scaled":
        values = [rng.choice((2, 3)), rng.randint(-5, 500)]
    if kind == "in" and column in FLOATS and NAN in values:
        values = [1.5]
    return Ask(kind, column, rng.choice(OPS if column != "kind" else OPS[:2]), values)


def special(column: str) -> tuple[str, ...]:
    if column in TEXTS:
        return ("prefix", "suffix")
    return ("nan",) if column in FLOATS else ("scaled",) if column in ("id", "pos.n") else ()


def value(rng: random.Random, table: pa.Table, column: str) -> Any:
    """A value as the column has it, or near to it; never null."""
    if column in TIMES:
        return datetime.datetime(*rng.choice([(2024, 1, 1, 12), (1970, 1, 1), (1800, 1, 1), (2024, 6, 30), (2024, 6, 30, 1, 2, 3), (2023, 5, 5)]))
    if column == "kind":
        return rng.choice(("e", "mu", "tau lepton", "é'x", "unused") if rng.random() < 0.95 else ("nosuch",))
    if column == "name":
        return rng.choice(("ann", "é", "it's", "", "a\\b", "%", "ANN", "an", "b", "tab\tx", "zz", "a"))
    if column in FLOATS:
        return rng.choice((0.0, 1.5, NAN, INF, -INF, 2.0, 0.1, -7.25, 0.5, 0.25, 0.9))
    if column == "small" or rng.random() < 0.5:
        return rng.randint(0, 255)
    known = table[column][rng.randrange(len(table))].as_py()
    return known if rng.random() < 0.5 or abs(known) > 2**62 else known + rng.choice((-1, 1))


def columns_of(ask: Ask) -> set[str]:
    return {ask.column} - {""} | set().union(*map(columns_of, ask.of))


def to_polars(ask: Ask, pl: Any) -> Any:
    parts = [to_polars(a, pl) for a in ask.of]
    if ask.kind in ("and", "or", "not"):
        return ~parts[0] if ask.kind == "not" else parts[0] & parts[1] if ask.kind == "and" else parts[0] | parts[1]
    outer, _, inner = ask.column.partition(".")
    column = pl.col(outer).struct.field(inner) if inner else pl.col(ask.column)
    values = ask.values
    if ask.column in FLOATS and ask.column != "x" and ask.kind in ("in", "compare", "between"):
        values = [float(np.float32(v)) for v in values]
    return {
        "truth": lambda: column,
        "null": lambda: column.is_null(),
        "nan": lambda: column.is_nan(),
        "compare": lambda: apply(ask.op, column, values[0]),
        "in": lambda: column.is_in(values),
        "between": lambda: column.is_between(*map(pl.lit, values)),
        "prefix": lambda: column.cast(pl.String).str.starts_with(values[0]) if ask.column == "kind" else column.str.starts_with(values[0]),
        "suffix": lambda: column.cast(pl.String).str.ends_with(values[0]),
        "scaled": lambda: apply(ask.op, column.cast(pl.Int64) * values[0], values[1]),
    }[ask.kind]()


def apply(op: str, left: Any, right: Any) -> Any:
    return {"==": left.__eq__, "!=": left.__ne__, "<": left.__lt__, "<=": left.__le__, ">": left.__gt__, ">=": left.__ge__}[op](right)


def to_sql(ask: Ask) -> str:
    parts = [to_sql(a) for a in ask.of]
    if ask.kind in ("and", "or", "not"):
        return f"(not {parts[0]})" if ask.kind == "not" else f"({f' {ask.kind} '.join(parts)})"
    column, op = quoted(ask.column), {"==": "=", "!=": "<>"}.get(ask.op, ask.op)
    given = [literal(v, ask.column) for v in ask.values]
    return {
        "truth": lambda: column,
        "null": lambda: f"({column} is null)",
        "nan": lambda: f"isnan({column})",
        "compare": lambda: f"({column} {op} {given[0]})",
        "in": lambda: f"({column} in ({', '.join(given)}))",
        "between": lambda: f"({column} between {given[0]} and {given[1]})",
        "prefix": lambda: f"starts_with({column}, {given[0]})",
        "suffix": lambda: f"ends_with({column}, {given[0]})",
        "scaled": lambda: f"({column}::bigint * {ask.values[0]} {op} {ask.values[1]})",
    }[ask.kind]()


def quoted(column: str) -> str:
    return '"' + column + '"'


def literal(value: Any, column: str) -> str:
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, datetime.datetime):
        return f"'{value}'::{'timestamp_ns' if column == 'when' else 'timestamp_s'}"
    return f"'{value!r}'::{'double' if column == 'x' else 'float'}" if isinstance(value, float) else str(value)


def to_pyarrow(ask: Ask, pc: Any) -> Any:
    parts = [to_pyarrow(a, pc) for a in ask.of]
    if ask.kind in ("and", "or", "not"):
        return ~parts[0] if ask.kind == "not" else parts[0] & parts[1] if ask.kind == "and" else parts[0] | parts[1]
    column = pc.field(ask.column)
    values = [pa.scalar(max(v, 0), pa.uint64()) for v in ask.values] if ask.column == "u" else list(map(pa.scalar, ask.values))
    return {
        "truth": lambda: column,
        "null": lambda: column.is_null(),
        "nan": lambda: pc.is_nan(column),
        "compare": lambda: apply(ask.op, column, values[0]),
        "in": lambda: column.isin(pa.array(values)),
        "between": lambda: (column >= values[0]) & (column <= values[1]),
        "prefix": lambda: pc.starts_with(column, ask.values[0]),
        "suffix": lambda: pc.ends_with(column, ask.values[0]),
        "scaled": lambda: apply(ask.op, column.cast("int64") * ask.values[0], ask.values[1]),
    }[ask.kind]()
