"""A dataset's rows, or a slice of them, as lazy scans read them."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from ..arrow.table import Table
from ..transport.client import Members
from .columns import Columns
from .conditions import Predicate, where


class Rows:
    """What a scan reads. Immutable; safe for use by many threads."""

    def __init__(self, table: Table, members: Members):
        """`members` are those of a request that go with any `where`: start, stop, step, options. Asks for the schema."""
        self._table, self._members = table, {k: v for k, v in members.items() if v is not None}
        options = self._members.get("options", {})
        plain = bool(options.get("plain"))
        self.schema = self._schema(options)
        stored = self._schema({**options, "plain": False}) if plain else self.schema
        # what `netcdf` makes null is not in a condition
        self._columns = Columns(pa.schema([]) if options.get("netcdf") else stored, plain)

    def _schema(self, options: Members) -> pa.Schema:
        return self._table.scan(limit=0, **{**self._members, "options": options}).schema

    def read(self, columns: list[str] | None, asked: Predicate | None, limit: int | None) -> pa.RecordBatchReader:
        """At least the rows of which `asked` is true, with at least these columns. A condition that the server does not take for this
        dataset is left out."""
        fields = None if columns is None else self._columns.fields(columns or [narrowest(self.schema)])
        condition = None if asked is None else where(asked, self._columns)
        if condition is not None:
            try:
                return self._table.scan(fields, condition, limit, **self._members)
            except (ValueError, NotImplementedError):
                pass
        return self._table.scan(fields, None, limit, **self._members)


def narrowest(schema: pa.Schema) -> str:
    """A column that takes few bytes, for those who only count rows."""
    return min(schema, key=_width).name


def _width(field: pa.Field) -> int:
    try:
        return int(field.type.bit_width)
    except ValueError:
        return 1 << 30
