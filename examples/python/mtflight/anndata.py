"""AnnData's files: in memory, or read by ranges of cells."""

from ._internal.anndata.backed import BackedAnnData
from ._internal.anndata.matrices import DenseMatrix, SparseMatrix
from ._internal.anndata.read import read_anndata

__all__ = ["BackedAnnData", "DenseMatrix", "SparseMatrix", "read_anndata"]
