"""Which columns a condition can name, and how those of `options.plain` are called without it."""

from __future__ import annotations

import pyarrow as pa

Path = tuple[str, ...]


def _is_compound(field: pa.Field) -> bool:
    """Not a complex number, which is a struct as well."""
    return pa.types.is_struct(field.type) and b"complex" not in (field.metadata or {})


class Columns:
    """The columns of a request as the file has them."""

    def __init__(self, schema: pa.Schema, plain: bool):
        """Of a schema without `options.plain`; `plain` if columns will be called as with it."""
        self._leaves: dict[Path, pa.Field] = {}
        self._top: dict[str, str] = {}  # what to ask for, by the name of a plain column
        self._plain: dict[str, Path] = {}
        for field in schema:
            self._add((field.name,), field)
        self._is_plain = plain

    def _add(self, path: Path, field: pa.Field) -> None:
        self._plain[".".join(path)] = path
        self._top[".".join(path)] = path[0]
        self._leaves[path] = field
        for i in range(field.type.num_fields if pa.types.is_struct(field.type) else 0):
            inner = field.type.field(i)
            if _is_compound(field):
                self._add((*path, inner.name), inner)
            else:
                self._top[".".join((*path, inner.name))] = path[0]

    def type(self, path: Path) -> pa.DataType | None:
        """Of a column named as the answer has it; None if it is none that a condition knows."""
        field = self._leaves.get(self._plain.get(path[0], ()) if self._is_plain else path)
        return None if field is None else field.type

    def stored(self, path: Path) -> Path:
        """What a condition calls it."""
        return self._plain.get(path[0], path) if self._is_plain else path

    def fields(self, names: list[str]) -> list[str]:
        """What to ask for so that these columns come, each once."""
        return list(dict.fromkeys(self._top.get(n, n) for n in names)) if self._is_plain else names
