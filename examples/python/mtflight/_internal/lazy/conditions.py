"""Predicates of query engines as `where`, of which the server sends at least the rows that match.

Engines and `where` differ: Polars and DuckDB order NaN above all numbers, PyArrow and `where` compare it as IEEE 754 has it;
SQL's null is none of `where`'s. So a text made here holds for *every* row that any of the engines would take, and maybe
for more: whoever reads filters again. What cannot be said so is left out.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from .columns import Columns, Path

_INVERSE = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
_MOST_VALUES = 1000  # of `in`: the server bounds a condition's length
_EXACT = 2**53  # integers below it are floats too
_NULLABLE = (pa.types.is_timestamp, pa.types.is_duration, pa.types.is_dictionary, pa.types.is_string)
_TICKS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


class Predicate:
    """What a row may be asked; this one is not known and left out."""


UNKNOWN = Predicate()


@dataclass(frozen=True)
class Column:
    """A column, by the names from the outermost; `cast` is NumPy's name of the type it is converted to before it is compared."""

    path: Path
    cast: str | None = None


@dataclass(frozen=True)
class Instant:
    """A point in time since 1970, in UTC if `zoned`, else in none."""

    ticks: int
    unit: str
    zoned: bool


@dataclass(frozen=True)
class Span:
    """A duration."""

    ticks: int
    unit: str


@dataclass(frozen=True)
class Compare(Predicate):
    """column op value; op is as in Python."""

    op: str
    column: Column
    value: Any


@dataclass(frozen=True)
class In(Predicate):
    column: Column
    values: tuple[Any, ...]


@dataclass(frozen=True)
class IsNull(Predicate):
    column: Column


@dataclass(frozen=True)
class IsNan(Predicate):
    column: Column


@dataclass(frozen=True)
class StartsWith(Predicate):
    column: Column
    prefix: str


@dataclass(frozen=True)
class Truth(Predicate):
    """A column of booleans."""

    column: Column


@dataclass(frozen=True)
class All(Predicate):
    of: tuple[Predicate, ...]


@dataclass(frozen=True)
class AnyOf(Predicate):
    of: tuple[Predicate, ...]


@dataclass(frozen=True)
class Not(Predicate):
    of: Predicate


def value_of(scalar: pa.Scalar) -> Any:
    """An Arrow scalar as a predicate's value; None of null and of types that none is compared with."""
    kind = scalar.type
    if not scalar.is_valid:
        return None
    if pa.types.is_timestamp(kind):
        return Instant(scalar.value, kind.unit, kind.tz is not None)
    if pa.types.is_duration(kind):
        return Span(scalar.value, kind.unit)
    value = scalar.as_py()
    return value if isinstance(value, (bool, int, float, str)) else None


def where(predicate: Predicate, columns: Columns, negated: bool = False) -> str | None:
    """A condition that holds wherever the predicate (`negated`: its negation) is true. None: of any row, maybe."""
    if isinstance(predicate, Not):
        return where(predicate.of, columns, not negated)
    if isinstance(predicate, (All, AnyOf)):
        parts = [where(p, columns, negated) for p in predicate.of]
        return _joined(parts, isinstance(predicate, All) != negated)
    kind, column = _LEAVES.get(type(predicate)), getattr(predicate, "column", None)
    if kind is None or not isinstance(column, Column):
        return None
    stored = columns.type(column.path)
    if stored is None or not _lossless(stored, column.cast):
        return None
    return kind(predicate, stored, name(columns.stored(column.path)), negated)


def _joined(parts: list[str | None], all_of: bool) -> str | None:
    """`and` may do without some parts, `or` may not."""
    said = [p for p in parts if p is not None]
    if not said or (not all_of and len(said) < len(parts)):
        return None
    return said[0] if len(said) == 1 else "(" + (" & " if all_of else " | ").join(said) + ")"


def name(path: Path) -> str:
    """A column in a condition."""
    return "`" + "/".join(path).replace("`", "``") + "`"


def _lossless(stored: pa.DataType, cast: str | None) -> bool:
    """Whether values keep their order and differences when cast. int64 as float64 does not: see _number."""
    if cast is None:
        return True
    numbers = pa.types.is_integer(stored) or pa.types.is_floating(stored)
    return numbers and np.can_cast(stored.to_pandas_dtype(), cast, "safe")


def _compare(p: Compare, stored: pa.DataType, column: str, negated: bool) -> str | None:
    op = _INVERSE[p.op] if negated else p.op
    if pa.types.is_boolean(stored):
        return _boolean(op, p.value, column)
    value = _literal(p.value, stored)
    if value is None or op not in _operators(stored, p.value):
        return None
    if pa.types.is_floating(stored) and op not in ("==", "!=") and (negated or op.startswith(">")):
        return f"~({column} {_INVERSE[op]} {value})"  # true of NaN too
    return f"({column} {op} {value})"


def _boolean(op: str, value: Any, column: str) -> str | None:
    if not isinstance(value, bool) or op not in ("==", "!="):
        return None
    return column if value == (op == "==") else f"(~{column})"


def _operators(stored: pa.DataType, value: Any) -> tuple[str, ...]:
    """Comparisons that `where` and engines see alike, or `where` finds more. Enumerations are compared by their integers. Texts are
    ordered by signed characters, so that what is not ASCII comes before what is."""
    if pa.types.is_dictionary(stored):
        return ("==",)
    if pa.types.is_string(stored):
        return ("==", "!=", "<", "<=") if value.isascii() else ("==", "!=")
    return tuple(_INVERSE)


def _in(p: In, stored: pa.DataType, column: str, negated: bool) -> str | None:
    values = [_literal(v, stored) for v in p.values]
    if not values or len(values) > _MOST_VALUES or None in values or (negated and pa.types.is_dictionary(stored)):
        return None
    return f"({column} {'not in' if negated else 'in'} ({', '.join(values)},))"  # type: ignore[arg-type]


def _is_null(_: IsNull, stored: pa.DataType, column: str, negated: bool) -> str | None:
    if not any(has_nulls(stored) for has_nulls in _NULLABLE):
        return None
    return f"({column} is not null)" if negated else f"({column} is null)"


def _is_nan(_: IsNan, stored: pa.DataType, column: str, negated: bool) -> str | None:
    if not pa.types.is_floating(stored):
        return None
    return f"({column} == {column})" if negated else f"({column} != {column})"


def _starts_with(p: StartsWith, stored: pa.DataType, column: str, negated: bool) -> str | None:
    prefix = _text(p.prefix)
    if not pa.types.is_string(stored) or not p.prefix or prefix is None:
        return None
    return f"{'~' if negated else ''}startswith({column}, {prefix})"


def _truth(_: Truth, stored: pa.DataType, column: str, negated: bool) -> str | None:
    return _boolean("!=" if negated else "==", True, column) if pa.types.is_boolean(stored) else None


_LEAVES: dict[type, Callable[[Any, pa.DataType, str, bool], str | None]] = {Compare: _compare, In: _in, IsNull: _is_null, IsNan: _is_nan, StartsWith: _starts_with, Truth: _truth}


def _literal(value: Any, stored: pa.DataType) -> str | None:
    """A value as a column of that type is compared with it; None if it may come out otherwise."""
    if isinstance(value, str):
        return _text(value) if pa.types.is_string(stored) or pa.types.is_dictionary(stored) else None
    if isinstance(value, Instant):
        return _instant(value) if pa.types.is_timestamp(stored) and value.zoned == (stored.tz is not None) else None
    if isinstance(value, Span):
        return _span(value) if pa.types.is_duration(stored) else None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return _number(value, stored)


def _number(value: float, stored: pa.DataType) -> str | None:
    if pa.types.is_floating(stored):
        if isinstance(value, int) and (abs(value) > _EXACT or stored.to_pandas_dtype()(value) != value):
            return None  # engines round it to the column's type, or not
        value = float(value)
        return None if math.isnan(value) else repr(value).replace("inf", "1e999")
    if not pa.types.is_integer(stored):
        return None
    if isinstance(value, float):
        return repr(value) if abs(value) < _EXACT else None  # beyond it engines round the column
    highest = 2**64 if stored == pa.uint64() else 2**63
    return str(value) if -2**63 <= value < highest else None


def _text(value: str) -> str | None:
    """None with a NUL: padding in some files."""
    if "\0" in value:
        return None
    plain = value.replace("\\", "\\\\").replace("'", "\\'")
    return "'" + "".join(c if c.isprintable() or ord(c) > 0x7F else f"\\x{ord(c):02x}" for c in plain) + "'"


def _instant(value: Instant) -> str | None:
    """As ISO 8601; None beyond the years that has."""
    seconds, ticks = divmod(value.ticks, _TICKS[value.unit])
    try:
        day = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=seconds)
    except OverflowError:
        return None
    return f"'{day.isoformat()}{_fraction(ticks, value.unit)}{'Z' if value.zoned else ''}'"


def _span(value: Span) -> str:
    seconds, ticks = divmod(abs(value.ticks), _TICKS[value.unit])
    return f"'{'-' if value.ticks < 0 else ''}PT{seconds}{_fraction(ticks, value.unit)}S'"


def _fraction(ticks: int, unit: str) -> str:
    return f".{ticks:0{len(str(_TICKS[unit])) - 1}d}" if ticks else ""
