"""Polars' predicates, as far as a condition can say them.

Polars writes an expression as JSON, in a form that may change with its releases: what is not known here is left out."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from .conditions import UNKNOWN, All, AnyOf, Column, Compare, In, Instant, IsNan, IsNull, Not, Predicate, Span, StartsWith, Truth, value_of

if TYPE_CHECKING:
    import polars

_COMPARISONS = {"Eq": "==", "NotEq": "!=", "Lt": "<", "LtEq": "<=", "Gt": ">", "GtEq": ">=", "EqValidity": "==", "NotEqValidity": "!="}
_FLIPPED = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_BOUNDS = {"Both": (">=", "<="), "Left": (">=", "<"), "Right": (">", "<="), "None": (">", "<")}
_UNITS = {"Nanoseconds": "ns", "Microseconds": "us", "Milliseconds": "ms"}


class _NotKnownError(Exception):
    pass


def predicate(expression: polars.Expr) -> Predicate:
    """What an expression asks of a row."""
    try:
        written = json.loads(expression.meta.serialize(format="json"))
    except Exception:  # noqa: BLE001, of Python functions for one; what cannot be written is asked by Polars alone
        return UNKNOWN
    return _asked(written)


def _asked(node: Any) -> Predicate:
    try:
        (kind, body), = node.items()
        return _KINDS[kind](body)
    except (_NotKnownError, KeyError, ValueError, TypeError, AttributeError, IndexError, pa.ArrowException):
        return UNKNOWN


def _binary(body: Any) -> Predicate:
    op, sides = body["op"], (body["left"], body["right"])
    if op in ("And", "LogicalAnd"):
        return All(tuple(map(_asked, sides)))
    if op in ("Or", "LogicalOr"):
        return AnyOf(tuple(map(_asked, sides)))
    compared = _COMPARISONS[op]
    if "Literal" in sides[0]:
        compared, sides = _FLIPPED[compared], sides[::-1]
    return Compare(compared, _column(sides[0]), _value(sides[1]))


def _ternary(body: Any) -> Predicate:
    """`when p then true`, otherwise null or false: true where p is."""
    if body["truthy"] != {"Literal": {"Scalar": {"Boolean": True}}} or "Literal" not in body["falsy"]:
        return UNKNOWN
    return _asked(body["predicate"]) if _value(body["falsy"]) in (None, False) else UNKNOWN


def _function(body: Any) -> Predicate:
    (room, called), = body["function"].items()
    given = body["input"]
    if room == "StringExpr" and called == "StartsWith":
        return StartsWith(_column(given[0]), _value(given[1]))
    if room == "StructExpr":
        return Truth(_column({"Function": body}))
    if room != "Boolean":
        return UNKNOWN
    name, options = next(iter(called.items())) if isinstance(called, dict) else (called, {})
    return _BOOLEAN[name](options, *given)


def _between(options: Any, column: Any, low: Any, high: Any) -> Predicate:
    above, below = _BOUNDS[options["closed"]]
    return All((Compare(above, _column(column), _value(low)), Compare(below, _column(column), _value(high))))


_KINDS: dict[str, Callable[[Any], Predicate]] = {"BinaryExpr": _binary, "Ternary": _ternary, "Function": _function, "Column": lambda name: Truth(Column((name,)))}
_BOOLEAN: dict[str, Callable[..., Predicate]] = {
    "Not": lambda _, asked: Not(_asked(asked)),
    "IsNull": lambda _, column: IsNull(_column(column)),
    "IsNotNull": lambda _, column: Not(IsNull(_column(column))),
    "IsNan": lambda _, column: IsNan(_column(column)),
    "IsNotNan": lambda _, column: Not(IsNan(_column(column))),
    "IsIn": lambda _, column, values: In(_column(column), _values(values)),
    "IsBetween": _between,
}


def _column(node: Any) -> Column:
    (kind, body), = node.items()
    if kind == "Column":
        return Column((body,))
    if kind == "Cast":
        inner = _column(body["expr"])
        if inner.cast is not None:
            raise _NotKnownError
        return Column(inner.path, np.dtype(body["dtype"]["Literal"].lower()).name)
    if kind == "Function" and "StructExpr" in body["function"]:
        outer = _column(body["input"][0])
        return Column((*outer.path, body["function"]["StructExpr"]["FieldByName"]))
    raise _NotKnownError


def _value(node: Any) -> Any:
    """A literal's value; None of one that none is compared with. JSON has neither NaN nor infinity: they are null there."""
    (kind, body), = node["Literal"].items()
    if kind not in ("Scalar", "Dyn"):
        raise _NotKnownError
    (type_, value), = body.items()
    if type_ == "Float32":
        return None if value is None else float(np.float32(value))
    if type_ == "Float16":
        return float(np.uint16(value).view(np.float16))
    if type_ == "Datetime":
        return Instant(value[0], _UNITS[value[1]], value[2] is not None)
    if type_ == "Duration":
        return Span(value[0], _UNITS[value[1]])
    return _plain(type_, value)


def _plain(type_: str, value: Any) -> Any:
    if type_ in ("Float", "Float64"):
        return None if value is None else float(value)
    if type_ == "Int" or (type_.startswith(("Int", "UInt")) and type_[-1].isdigit()):
        return int(value)
    return value if type_ in ("String", "Boolean") else None


def _values(node: Any) -> tuple[Any, ...]:
    """The values of a list, which Polars writes as an Arrow stream of bytes."""
    (kind, body), = node["Literal"].items()
    written = bytes(body["List"] if kind == "Scalar" else body)
    column = pa.ipc.open_stream(written).read_all().column(0)
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        if kind == "Scalar" or len(column) != 1:
            raise _NotKnownError
        column = column[0].values
    return tuple(map(value_of, column))
