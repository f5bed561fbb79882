"""Datasets as Dask's frames and arrays."""

from ._internal.clusters.dask_array import array
from ._internal.clusters.dask_frame import dataframe

__all__ = ["array", "dataframe"]
