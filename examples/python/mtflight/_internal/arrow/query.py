"""Requests, and what narrows them further: columns, conditions, order, and how many rows."""

from __future__ import annotations

import operator
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ..transport.client import Members
from ..transport.encoding import condition_variables

_SPELLINGS = {"fields": "columns", "variables": "vars"}  # also taken; the first are the wire's, as is vars
_OF_ALL_ROWS = ("where", "vars", "sort_by", "check_csi", "start", "stop", "step", "select", "coordinates", "mask")


def narrowed(base: Members, columns: Iterable[str] | None, where: str | None, limit: int | None, members: Members) -> Members:
    """A request for less than `base` asks for. ValueError of what would have to be done before the limit of `base`, KeyError of
    a column that `base` leaves out, TypeError of what is given twice."""
    given = _spelled({"columns": columns, "where": where, "limit": limit, **members})
    if "limit" in base:
        late = [name for name in _OF_ALL_ROWS if name in given]
        if late:
            raise ValueError(f"{late[0]} after limit would have to choose among the rows left: give it before limit")
    request = {**base, **given}
    if "fields" in given:
        request["fields"] = _columns(given["fields"], base.get("fields"))
    if "vars" in given:
        given["vars"] = request["vars"] = condition_variables(given["vars"])
    if "where" in base:
        _add_condition(request, base, given)
    _add_window(request, base, given)
    return request


def _spelled(given: Members) -> Members:
    """What is given, by the wire's names. TypeError of both spellings of one."""
    given = {name: value for name, value in given.items() if value is not None}
    for other, name in _SPELLINGS.items():
        if other in given:
            if name in given:
                raise TypeError(f"{name}= and {other}= are two names for one thing: give {name}=")
            given[name] = given.pop(other)
    if "columns" in given:
        given["fields"] = given.pop("columns")
    return given


def _columns(names: Any, among: list[str] | None) -> list[str]:
    if isinstance(names, (str, bytes)):
        raise TypeError(f"columns must be a list of names: [{names!r}]")
    names = [str(name) if isinstance(name, str) else name for name in names]
    for name in names:
        if among is not None and name not in among:
            raise KeyError(f"no column {name!r} among those selected: {', '.join(among)}")
    return names


def _add_condition(request: Members, base: Members, given: Members) -> None:
    """Makes the request's condition one of both."""
    old, new = base.get("vars", {}), given.get("vars", {})
    if "where" not in given:
        if new:
            raise ValueError("vars= belongs to the where= that uses it: give both in one call")
        return
    _check_names(base["where"], old, new)
    _check_names(given["where"], new, old)
    request["where"] = f"({base['where']}) & ({given['where']})"
    if old or new:
        request["vars"] = {**old, **new}


def _check_names(condition: str, own: Mapping[str, Any], others: Mapping[str, Any]) -> None:
    """ValueError if a condition would take the other one's variable for its own or for a column."""
    for name, value in others.items():
        same = name in own and own[name] == value and type(own[name]) is type(value)
        if not same and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", condition):
            raise ValueError(f"{name!r} would mean something else in ({condition}) than in the other condition's vars: "
                             "name the variable otherwise")


def _count(given: Members, name: str) -> int:
    try:
        return operator.index(given.get(name, 0))
    except TypeError:
        raise TypeError(f"{name} must be an integer, not {given[name]!r} of type {type(given[name]).__name__}") from None


def _add_window(request: Members, base: Members, given: Members) -> None:
    """Places offset and limit inside the rows that `base` leaves."""
    skip = _count(given, "offset")
    limits = [_count(given, "limit")] if "limit" in given else []
    if "limit" in base:
        limits.append(max(0, base["limit"] - skip))
    if limits:
        request["limit"] = min(limits)
    if "offset" in given:
        request["offset"] = base.get("offset", 0) + skip


def is_result(members: Members) -> bool:
    """Whether the rows are other ones than the dataset's."""
    return any(name in members for name in ("where", "sort_by", "limit", "offset"))


def check_finite(stream: Any) -> None:
    """ValueError of a request whose rows never end."""
    if isinstance(stream, dict) and (stream.get("follow") or (stream.get("cyclic") and stream.get("cycles") is None and stream.get("to_block") is None)):
        raise ValueError("a stream that follows its file, or is cyclic without cycles, has no end and cannot be collected: "
                         "loop over the batches of scan(..), or give stream.cycles")
