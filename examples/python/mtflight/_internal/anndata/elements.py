"""What lies in a file by AnnData's encodings, as the values that AnnData has of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..needed import needed
from .matrices import DenseMatrix, SparseMatrix
from .nodes import Node
from .selection import Places, members


def element(node: Node, rows: Places | None = None) -> Any:
    """All of it or, of what has an axis of cells or genes, some rows. NotImplementedError of encodings that are not served."""
    read = _READERS.get(node.encoding)
    if read is None:
        raise NotImplementedError(f"{node.path} is encoded as {node.encoding}, which is not served: ask for the datasets below it by mtflight.open")
    return read(node, rows)


def lazily(node: Node, rows: Places | None) -> Any:
    """A matrix that is read when it is indexed; else as `element`."""
    if node.encoding in ("csr_matrix", "csc_matrix"):
        return SparseMatrix(node.table, rows)
    if node.encoding == "array":
        return DenseMatrix(node.table, rows)
    return element(node, rows)


def _rows(rows: Places | None) -> dict[str, Any]:
    return {} if rows is None else members(rows)


def _array(node: Node, rows: Places | None) -> Any:
    read = node.table.to_numpy(**_rows(rows))
    return read[()] if read.ndim == 0 else read


def _sparse(node: Node, rows: Places | None) -> Any:
    return SparseMatrix(node.table, rows).to_memory()


def _frame(node: Node, rows: Places | None) -> Any:
    needed("pandas", "a data frame of AnnData")
    frame = node.table.to_pandas(**_rows(rows))
    if not len(frame):  # categories come with rows
        for name in {name for name, child in node.children.items() if child.encoding == "categorical"} & set(frame.columns):
            frame[name] = _categorical(node[name], range(0))
    index = node.children.get(str(node.attributes.get("_index")))
    if index is not None and index.encoding == "nullable-string-array":  # pyarrow makes an index of objects
        frame.index = frame.index.astype("string")
    return frame


def _dict(node: Node, rows: Places | None) -> dict[str, Any]:
    return {name: element(child, rows) for name, child in node.children.items()}


def _text(node: Node, rows: Places | None) -> Any:
    read = _array(node, rows)
    return read.item() if isinstance(read, np.generic) else read


def _categorical(node: Node, rows: Places | None) -> Any:
    needed("pandas", "categories of AnnData")
    import pandas
    return pandas.Categorical.from_codes(_array(node["codes"], rows), element(node["categories"]), ordered=bool(node.attributes.get("ordered")))


def _nullable(node: Node, rows: Places | None) -> Any:
    needed("pandas", "nullable values of AnnData")
    import pandas
    values, mask = element(node["values"], rows), _array(node["mask"], rows)
    if node.encoding == "nullable-integer":
        return pandas.arrays.IntegerArray(values, mask)
    if node.encoding == "nullable-boolean":
        return pandas.arrays.BooleanArray(values.astype(bool), mask)
    made = pandas.array(np.asarray(values, dtype=object), dtype="string")
    made[mask] = pandas.NA
    return made


_READERS: dict[str, Callable[[Node, Places | None], Any]] = {
    "array": _array, "string-array": _array, "rec-array": _array, "numeric-scalar": _array, "string": _text,
    "csr_matrix": _sparse, "csc_matrix": _sparse, "dataframe": _frame, "dict": _dict, "categorical": _categorical,
    "nullable-integer": _nullable, "nullable-boolean": _nullable, "nullable-string-array": _nullable,
    "null": lambda node, rows: None,
}
