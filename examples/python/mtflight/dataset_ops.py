"""multitables.dataset_ops: the requests that indexing a dataset describes."""

from ._internal.datasets.array_ops import IndexOp, ReadOpArray, ReadScalarOpArray
from ._internal.datasets.operation import OpBase, ReadOpBase, ReadScalarOpBase
from ._internal.datasets.table_ops import ColOp, CoordOp, JoinedSlicesOp, ReadOpTable, ReadScalarOpTable, SortOp, WhereOp

__all__ = ["ColOp", "CoordOp", "IndexOp", "JoinedSlicesOp", "OpBase", "ReadOpArray", "ReadOpBase", "ReadOpTable",
           "ReadScalarOpArray", "ReadScalarOpBase", "ReadScalarOpTable", "SortOp", "WhereOp"]
