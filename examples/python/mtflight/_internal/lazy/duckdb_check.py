"""Whether the installed DuckDB asks datasets for columns and filters in the way that is known.

DuckDB leaves out filters that it has handed to a dataset, so one that hands them over in another way gets wrong rows. What is not
documented is tried: a few queries over a dataset made here, beside the same over DuckDB's own table."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pyarrow as pa

from ..notices import warn
from .conditions import Predicate

_NAN = float("nan")
_FILTERS = """true|x > 2|x >= 2.5|x < 2|x <= 2.5|x = 0|x <> 0|not x > 2|x > 'inf'::double|x = 'nan'::double|x < 'nan'::double|x >= 'nan'::double
    |x in (0, 2.5)|x not in (0, 2.5)|x in (1, 'nan'::double)|isnan(x)|x between 0 and 5|x is null|x is not null|y > 2::float|y = 0.1::float
    |y in (0::float, 7::float)|i > 2 or x > 2|not (i = 1 or x > 2)|i in (1, 3)|i not in (1, 3)|i in (1, null)|i is null or i = 1|i <> 2
    |u > 18446744073709551614|s = 'a'|s > 'a'|s like 'a%'|s in ('a', 'é')|s <> 'a'|s is null|b|not b|b = true|b is not true|i is distinct from 1
    |t > '1970-01-01 00:00:00'::timestamp|t is null|d > interval 0 second|i + 1 > 2 and x > 0|i = (select max(v) from (values (2), (3)) w(v))
    |i in (select v from (values (2), (3)) w(v))|x > 0 and s >= 'a' and b""".split("|")
_QUERIES = [f"select s, i from {{}} where {wanted.strip()}" for wanted in _FILTERS] + [
    f"select {columns} from {{}} {wanted}" for columns in ("count(*)", "*", "max(x)") for wanted in ("", "where x > 2 and i in (3, 5)")]


@functools.cache
def _rows() -> pa.Table:
    """Made when needed: pyarrow looks for pandas to make arrays."""
    return pa.table({
        "i": pa.array([1, 2, 3, None, -5, 2**62], pa.int64()), "u": pa.array([0, 1, 2**64 - 1, None, 5, 7], pa.uint64()),
        "x": pa.array([0.0, -0.0, _NAN, None, 2.5, float("inf")], pa.float64()), "y": pa.array([0.1, -0.0, _NAN, None, 2.5, 7], pa.float32()),
        "s": ["a", "", None, "ab", "é", "b"], "b": [True, False, None, True, False, True],
        "t": pa.array([0, 1, None, -1, 10**15, 7], pa.timestamp("us")), "d": pa.array([0, 1, None, -1, 5, 7], pa.duration("us"))})


class _Kept:
    """Rows in memory, of which all are sent, whatever is asked."""

    def __init__(self) -> None:
        self.schema = _rows().schema

    def read(self, columns: list[str] | None, asked: Predicate | None, limit: int | None) -> pa.RecordBatchReader:
        return (_rows() if columns is None else _rows().select(columns or ["i"])).to_reader()


def works(dataset: Callable[[Any], Any]) -> bool:
    """Whether DuckDB gets the right rows of what `dataset` makes; warns if not. True without DuckDB."""
    try:
        import duckdb
    except ModuleNotFoundError:
        return True
    return _works(dataset, duckdb.__version__)


@functools.cache
def _works(dataset: Callable[[Any], Any], release: str) -> bool:
    wrong = _first_wrong(dataset(_Kept()))
    if wrong is not None:
        warn(f"DuckDB {release} does not ask datasets in the way that mtflight knows ({wrong}): it reads all rows and filters "
             "them itself")
    return wrong is None


def _first_wrong(dataset: Any) -> str | None:
    """A query whose answer is wrong, or fails."""
    import duckdb
    with duckdb.connect() as database:
        database.register("asked", dataset)
        database.register("rows", _rows())
        database.execute("create temporary table kept as from rows")
        return next((q for q in _QUERIES if _answer(database, q.format("asked")) != _answer(database, q.format("kept"))), None)


def _answer(database: Any, query: str) -> list[str] | None:
    try:
        return sorted(map(repr, database.execute(query).fetchall()))
    except Exception:  # noqa: BLE001, DuckDB's and what a dataset raises in it
        return None
