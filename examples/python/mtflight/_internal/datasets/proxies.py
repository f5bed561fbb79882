"""Proxies of datasets: indexing one describes a request, see `Reader.request`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..array_protocol import NoSequence, array_result
from ..errors import InvalidIndexError
from ..stage import Stage, StagePool
from .array_ops import ArrayReadOp, IndexOp, ReadOpArray
from .node import Node
from .operation import OpBase
from .selections import is_coordinates, is_row
from .table_ops import ColOp, CoordOp, ReadOpTable, ReadScalarOpTable, SortOp, WhereOp
from .vlarray_ops import VLReadOp

_VL_ROWS = 4096
_BLOCK_BYTES = 4 << 20  # of rows that are read together for a loop over them


class DatasetBase(NoSequence):
    """What all datasets have: `dtype` (of the elements), `shape`, their rows in a loop, Arrow's stream of them, and stages
    by size."""

    _instead = "reader.request(dataset[:], dataset.create_stage(len(dataset))).get() reads them"

    def __init__(self, reader: Any, path: str, dtype: np.dtype, shape: tuple[int, ...]):
        self._reader, self._path = reader, path
        self.dtype, self.shape = dtype, shape

    def __len__(self) -> int:
        """The rows."""
        if not self.shape:
            raise TypeError("a scalar dataset has no rows: reader.request(dataset[()], stage).get() reads it")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        """The rows in their order, read some MB at a time by the thread that asks for them."""
        rows = max(1, _BLOCK_BYTES // max(1, self._row_bytes()))
        blocks = (self[start:start + rows] for start in range(0, len(self), rows))
        return (row for block in blocks for row in self._reader._apply(block))

    def _row_bytes(self) -> int:
        return self.dtype.itemsize * int(np.prod(self.shape[1:], dtype=object))

    def __getitem__(self, key: Any) -> OpBase:
        raise NotImplementedError

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        """The rows for what takes Arrow's streams (pyarrow.table, polars.DataFrame, ..), as `Table` gives them."""
        return self._reader._table(self._path).__arrow_c_stream__(requested_schema)

    def __arrow_array__(self, type: Any = None) -> Any:  # noqa: A002, Arrow's name
        """The values for pyarrow.array, as `Table` gives them."""
        return self._reader._table(self._path).__arrow_array__(type)

    def create_stage_natoms(self, size_natoms: int) -> Stage:
        """A stage for `size_natoms` elements of the dtype."""
        return Stage(self.dtype.itemsize * size_natoms)


class Dataset(DatasetBase):
    """A table or array: its rows all have the same size."""

    def _fill_shape(self, shape: Any) -> list[int]:
        given = list(shape) if np.ndim(shape) else [shape]
        given += [None] * (len(self.shape) - len(given))
        return [self.shape[i] if n is None or n == -1 else int(n) for i, n in enumerate(given)]

    def create_stage(self, shape: Any) -> Stage:
        """A stage for results of up to `shape`: an integer (rows) or a tuple; axes left out, None or -1 are the
        dataset's."""
        sizes = self._fill_shape(shape)
        if any(n < 0 for n in sizes):
            raise ValueError(f"a stage of shape {tuple(sizes)} cannot be")
        return Stage(self.dtype.itemsize * int(np.prod(sizes, dtype=object)))

    def create_stage_pool(self, shape: Any, num_stages: int) -> StagePool:
        """A pool of `num_stages` such stages; it may be used wherever a stage may."""
        return StagePool(self, shape, num_stages)


def _refuse_ellipsis(key: Any) -> None:
    if key is Ellipsis:
        raise IndexError("Pytables does not support a single ellipsis index.")


class TableDataset(Dataset):
    """A table; rows are elements of a structured dtype."""

    def col(self, name: str) -> OpBase:
        """A column, by name or nested path ("pos/x"); index it to read part of it. As PyTables' Table.col."""
        return ColOp(self._path, name)

    def read(self, start: int | None = None, stop: int | None = None, step: int | None = None, field: str | None = None) -> OpBase:
        """Rows start:stop:step, or one column of them. As PyTables' Table.read."""
        return ReadOpTable(self._path, field, start, stop, step)

    def read_coordinates(self, coords: Any, field: str | None = None) -> OpBase:
        """Rows one by one in the order of `coords`. As PyTables' Table.read_coordinates."""
        return CoordOp(self._path, field, coords)

    def read_sorted(self, sortby: str, checkCSI: bool = False, field: str | None = None,  # noqa: N803
                    start: int | None = None, stop: int | None = None, step: int | None = None) -> OpBase:
        """Rows in the order of a column, then sliced. As PyTables' Table.read_sorted; a column that has no completely
        sorted index is sorted by the server, unless `checkCSI` asks for one (ValueError)."""
        return SortOp(self._path, sortby, checkCSI, field, start, stop, step)

    def where(self, condition: str, condvars: dict[str, Any] | None = None, start: int | None = None,
              stop: int | None = None, step: int | None = None) -> OpBase:
        """Rows of start:stop:step that meet a condition in PyTables' language. As PyTables' Table.read_where."""
        return WhereOp(self._path, condition, condvars or {}, start, stop, step)

    def __getitem__(self, key: Any) -> OpBase:
        """A column by name, a row, a slice, a list of rows or a mask, as of a PyTables Table."""
        _refuse_ellipsis(key)
        if isinstance(key, tuple) and key and isinstance(key[0], slice) and all(k is Ellipsis for k in key[1:]):
            key = key[0]
        if isinstance(key, str):
            return self.col(key)
        if is_row(key):
            return ReadScalarOpTable(self._path, None, key)
        if isinstance(key, slice):
            return ReadOpTable(self._path, None, key.start, key.stop, key.step)
        if is_coordinates(key) or isinstance(key, (tuple, np.ndarray)):
            return CoordOp(self._path, None, key)
        raise InvalidIndexError(f"Invalid index or slice: {key!r}")


class ArrayDataset(Dataset):
    """An Array, CArray or EArray, or any HDF5 dataset that is no table."""

    def read(self, start: int | None = None, stop: int | None = None, step: int | None = None) -> OpBase:
        """Rows start:stop:step; a start alone is that one row. As PyTables' Array.read."""
        return ArrayReadOp(self._path, None, start, stop, step)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """All of it, read by this thread."""
        return array_result(self._reader._apply(self[:]), dtype, copy)

    def __getitem__(self, key: Any) -> OpBase:
        """Integers, slices and an ellipsis, one list of places, a mask or points, as of a PyTables Array."""
        _refuse_ellipsis(key)
        if isinstance(key, slice):
            return ReadOpArray(self._path, None, key.start, key.stop, key.step)
        return IndexOp(self._path, key)


class VLArrayDataset(DatasetBase):
    """A VLArray; its rows are arrays of different lengths (or strings)."""

    _instead = "list(dataset) reads all of them, reader.request(dataset[:], stage).get() into a stage"

    def _row_bytes(self) -> int:
        return _BLOCK_BYTES // _VL_ROWS  # nobody knows

    def read(self, start: int | None = None, stop: int | None = None, step: int | None = None) -> OpBase:
        """Rows start:stop:step as an object array of arrays; a start alone is that one row."""
        return VLReadOp(self._path, slice(start, stop, step), read=True)

    def __getitem__(self, key: Any) -> OpBase:
        """One row as an array of its values; of a slice, list or mask an object array of those."""
        _refuse_ellipsis(key)
        return IndexOp(self._path, key)


def proxy(reader: Any, node: Node) -> DatasetBase:
    """The proxy of a dataset's kind."""
    kind = {"table": TableDataset, "vlarray": VLArrayDataset}.get(node.kind, ArrayDataset)
    return kind(reader, node.path, node.dtype, node.shape)
