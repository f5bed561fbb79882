"""PyArrow's expressions as trees: what they ask, and the same asked in DuckDB's order of numbers."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from .columns import Path
from .conditions import UNKNOWN, All, AnyOf, Column, Compare, In, IsNan, IsNull, Not, Predicate, StartsWith, Truth, value_of


@dataclass(frozen=True)
class Field:
    path: Path


@dataclass(frozen=True)
class Literal:
    scalar: pa.Scalar


@dataclass(frozen=True)
class Call:
    name: str
    arguments: tuple[Any, ...]
    options: dict[str, Any]  # Python's values, but for value_set, an array


Tree = Field | Literal | Call
COMPARISONS = {"equal": "==", "not_equal": "!=", "less": "<", "less_equal": "<=", "greater": ">", "greater_equal": ">="}
_FLIPPED = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_FIRST = {"==": pc.equal, "!=": pc.not_equal, "<": pc.less, "<=": pc.less_equal, ">": pc.greater, ">=": pc.greater_equal}


def parse(expression: pc.Expression) -> Tree | None:
    """An expression's tree. None of one that Arrow does not write down, or writes in a form that is not known.

    It is read from what Arrow pickles, a record batch of its literals whose metadata has the calls in prefix order (arrow/compute/
    expression.cc); its text is for people, and Substrait's cannot hold all calls."""
    try:
        (written,) = expression.__reduce__()[1]
        batch = pa.ipc.open_file(written).get_batch(0)
        return _parse(_metadata(batch.schema)[::-1], batch)
    except (pa.ArrowException, ValueError, TypeError, KeyError, IndexError):
        return None


def _metadata(schema: pa.Schema) -> list[tuple[str, str]]:
    """A schema's metadata with keys as often as they come, by Arrow's C interface: `schema.metadata` keeps one of each."""
    get_pointer = ctypes.pythonapi.PyCapsule_GetPointer
    get_pointer.restype, get_pointer.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)
    capsule = schema.__arrow_c_schema__()
    at: int = ctypes.c_size_t.from_address(get_pointer(capsule, b"arrow_schema") + 2 * ctypes.sizeof(ctypes.c_void_p)).value  # the third member
    if not at:
        return []

    def text() -> str:
        nonlocal at
        size = ctypes.c_int32.from_address(at).value
        at += 4 + size
        return ctypes.string_at(at - size, size).decode()

    count = ctypes.c_int32.from_address(at).value
    at += 4
    return [(text(), text()) for _ in range(count)]


def _parse(left: list[tuple[str, str]], batch: pa.RecordBatch) -> Tree:
    """Takes an expression off `left`, whose last comes first."""
    key, value = left.pop()
    if key == "field_ref":
        return Field((value,))
    if key == "nested_field_ref":
        return Field(tuple(left.pop()[1] for _ in range(int(value))))
    if key == "literal":
        return Literal(batch.column(int(value))[0])
    if key != "call":
        raise ValueError(key)
    return _parse_call(value, left, batch)


def _parse_call(name: str, left: list[tuple[str, str]], batch: pa.RecordBatch) -> Call:
    arguments, options = [], {}
    while left[-1][0] not in ("options", "end"):
        arguments.append(_parse(left, batch))
    if left[-1][0] == "options":
        given = batch.column(int(left.pop()[1]))[0]
        options = {k: given[k].values if k == "value_set" else given[k].as_py() for k in given}
    if left.pop() != ("end", name):
        raise ValueError(name)
    return Call(name, tuple(arguments), options)


def fields(tree: Tree) -> set[Path]:
    """The fields that it names."""
    if isinstance(tree, Call):
        return set().union(*(fields(a) for a in tree.arguments))
    return {tree.path} if isinstance(tree, Field) else set()


def predicate(tree: Tree | None) -> Predicate:
    """What it asks of a row, as far as a condition can say it."""
    if isinstance(tree, Field):
        return Truth(Column(tree.path))
    if not isinstance(tree, Call):
        return UNKNOWN
    if tree.name in COMPARISONS:
        return _comparison(COMPARISONS[tree.name], *tree.arguments)
    if tree.name in ("and", "and_kleene"):
        return All(tuple(map(predicate, tree.arguments)))
    if tree.name in ("or", "or_kleene"):
        return AnyOf(tuple(map(predicate, tree.arguments)))
    if tree.name == "invert":
        return Not(predicate(tree.arguments[0]))
    if tree.name == "if_else" and is_guard(tree):
        return predicate(tree.arguments[1])
    return _of_field(tree, *tree.arguments)


def is_guard(tree: Call) -> bool:
    """Whether it is if_else(is_valid(x), asked, null): true only where `asked` is."""
    condition, _, other = tree.arguments
    return isinstance(condition, Call) and condition.name == "is_valid" and isinstance(other, Literal) and not other.scalar.is_valid


def _comparison(op: str, left: Tree, right: Tree) -> Predicate:
    if isinstance(left, Literal):
        op, left, right = _FLIPPED[op], right, left
    if not isinstance(left, Field) or not isinstance(right, Literal):
        return UNKNOWN
    return Compare(op, Column(left.path), value_of(right.scalar))


def _of_field(call: Call, field: Tree, *others: Tree) -> Predicate:
    if not isinstance(field, Field) or others:
        return UNKNOWN
    column, options = Column(field.path), call.options
    if call.name == "is_in":
        return In(column, tuple(map(value_of, options["value_set"])))
    if call.name == "starts_with" and not options["ignore_case"]:
        return StartsWith(column, options["pattern"])
    if call.name == "is_null" and not options["nan_is_null"]:
        return IsNull(column)
    return {"is_valid": Not(IsNull(column)), "is_nan": IsNan(column)}.get(call.name, UNKNOWN)


def in_order(tree: Tree, schema: pa.Schema) -> pc.Expression | None:
    """The filter with NaN above all numbers, as DuckDB orders it, and both zeros one. None where it is the same without that, or
    NotImplementedError if it cannot be made."""
    if not any(pa.types.is_floating(_type(schema, path)) for path in fields(tree)):
        return None
    return _in_order(tree, schema)


def _type(schema: pa.Schema, path: Path) -> pa.DataType:
    kind = schema.field(path[0]).type
    for name in path[1:]:
        kind = kind.field(name).type
    return kind


def _in_order(tree: Tree, schema: pa.Schema) -> pc.Expression:
    if isinstance(tree, Field):
        return pc.field(*tree.path)
    if isinstance(tree, Literal):
        return pc.scalar(tree.scalar)
    given = [_in_order(a, schema) for a in tree.arguments]
    if tree.name in COMPARISONS:
        return _compare_in_order(COMPARISONS[tree.name], tree.arguments, given, schema)
    if tree.name == "is_in":
        return given[0].isin(_both_zeros(tree.options["value_set"]))
    if tree.name == "is_null" and not tree.options["nan_is_null"]:
        return given[0].is_null()
    return _CALLS.get(tree.name, _refuse)(*given)


_CALLS = {"and": pc.and_, "and_kleene": pc.and_kleene, "or": pc.or_, "or_kleene": pc.or_kleene, "invert": pc.invert, "is_valid": pc.is_valid,
          "is_nan": pc.is_nan, "if_else": pc.if_else}


def _refuse(*_: Any) -> pc.Expression:
    raise NotImplementedError


def _compare_in_order(op: str, trees: tuple[Tree, ...], given: list[pc.Expression], schema: pa.Schema) -> pc.Expression:
    left, right = trees
    asked = _FIRST[op](*given)
    if not isinstance(left, Field) or not isinstance(right, Literal):
        raise NotImplementedError
    if not pa.types.is_floating(_type(schema, left.path)):
        return asked
    value = right.scalar.as_py()
    if value is None or value != value:
        raise NotImplementedError
    return asked | pc.is_nan(given[0]) if op in (">", ">=") else asked


def _both_zeros(values: pa.Array) -> pa.Array:
    if not pa.types.is_floating(values.type) or 0.0 not in values.to_pylist():
        return values
    return pa.concat_arrays([values, pa.array([0.0, -0.0], values.type)])
