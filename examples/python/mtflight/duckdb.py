"""Datasets for DuckDB, and as PyArrow datasets."""

from ._internal.lazy.arrow_dataset import RowsDataset, dataset

__all__ = ["RowsDataset", "dataset"]
