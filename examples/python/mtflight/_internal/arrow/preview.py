"""What a dataset shows of itself: text, and HTML for notebooks."""

from __future__ import annotations

from html import escape
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from .picture import picture

_ROWS = 8
_COLUMNS = 20
_PLACES = 256  # along an axis of a picture
_SAMPLED_BYTES = 64 << 20  # of a larger array only the first rows and columns are read


class Previewed(Protocol):
    """What a `Table` has that is shown."""

    path: str

    @property
    def schema(self) -> pa.Schema: ...

    @property
    def columns(self) -> list[str]: ...

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def kind(self) -> str: ...

    @property
    def dtype(self) -> np.dtype[Any]: ...

    def __getitem__(self, key: Any) -> Any: ...

    def head(self, rows: int, columns: list[str]) -> pa.Table: ...


def text(table: Previewed, file: str, members: dict[str, Any]) -> str:
    """A few lines: name, size, columns, and what was chosen. If the server does not answer, that."""
    try:
        return "\n".join([title(table, file, members), *_columns(table.schema), *_chosen(members)])
    except Exception as e:  # noqa: BLE001, a debugger asks too
        return f"<mtflight.Table {file} {table.path}: {type(e).__name__}: {e}>"


def html(table: Previewed, file: str, members: dict[str, Any]) -> str:
    """The same as HTML, with the first rows, or a picture of an array of numbers with two axes or more."""
    try:
        shown = "" if members else _picture(table)
        chosen = "".join(f"<div><code>{escape(line)}</code></div>" for line in _chosen(members))
        shown = shown or _first_rows(table)
        return f'<div class="mtflight"><div>{escape(title(table, file, members))}</div>{chosen}{shown}</div>'
    except Exception as e:  # noqa: BLE001
        return f"<pre>{escape(f'{file} {table.path}: {type(e).__name__}: {e}')}</pre>"


def title(table: Previewed, file: str, members: dict[str, Any]) -> str:
    """Name and size in a line."""
    schema = table.schema
    if (schema.metadata or {}).get(b"hdf5.kind") not in (b"table", b"columns") and len(table.shape) != 1:
        return f"{table.path} of {file}: array of {' x '.join(map(str, table.shape)) or 'one value'}"
    rows = "rows that meet a condition" if "where" in members else f"{table.shape[0]:,} rows"
    return f"{table.path} of {file}: {rows}, {len(schema)} column{'s' * (len(schema) != 1)}"


def _columns(schema: pa.Schema) -> list[str]:
    width = max((len(name) for name in schema.names), default=0)
    lines = [f"  {f.name:<{width}}  {f.type}" for f in schema]
    return lines if len(lines) <= _COLUMNS else [*lines[:_COLUMNS], f"  .. and {len(lines) - _COLUMNS} more"]


def _chosen(members: dict[str, Any]) -> list[str]:
    return [f"{name}: {value}" for name, value in members.items() if name != "fields"]


def _first_rows(table: Previewed) -> str:
    read = table.head(_ROWS + 1, table.columns[:_COLUMNS])
    left = len(table.columns) - _COLUMNS
    names = [*read.schema.names, *([f".. {left} more"] if left > 0 else [])]
    lines = [[_cell(value) for value in row.values()] for row in read.slice(0, _ROWS).to_pylist()]
    more = [".." for _ in read.schema] if read.num_rows > _ROWS else None
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "".join("<tr>" + "".join(f"<td>{escape(v)}</td>" for v in row) + "</tr>" for row in [*lines, *([more] if more else [])])
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(value: Any) -> str:
    shown = _shown(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."


def _shown(value: Any) -> str:
    """Floats with six digits, in lists and structs too: those of 32 bits would show the digits of 64."""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list):
        return f"[{', '.join(map(_shown, value[:_COLUMNS]))}{', ...' if len(value) > _COLUMNS else ''}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name}: {_shown(v)}' for name, v in value.items())}}}"
    return str(value)


def _picture(table: Previewed) -> str:
    """A picture of the last two axes, "" if there are none or no numbers."""
    shape = table.shape
    if table.kind != "array" or len(shape) < 2 or 0 in shape:
        return ""
    try:
        dtype = table.dtype
    except TypeError:
        return ""
    if dtype.kind not in "biufc":
        return ""
    small = np.prod(shape[-2:], dtype=object) * dtype.itemsize <= _SAMPLED_BYTES
    axes = [slice(0, n, -(-n // _PLACES)) if small else slice(0, min(n, _PLACES)) for n in shape[-2:]]
    part = table[(*[0] * (len(shape) - 2), *axes)]
    part = np.abs(part) if dtype.kind == "c" else part
    shown = ", ".join([*["0"] * (len(shape) - 2), *(_range(axis, n) for axis, n in zip(axes, shape[-2:]))])
    return picture(part, f"[{shown}]{' (magnitude)' if dtype.kind == 'c' else ''}")


def _range(axis: slice, size: int) -> str:
    whole = "" if axis.stop == size else f"{axis.stop}"
    return f":{whole}" + (f":{axis.step}" if axis.step not in (None, 1) else "")
