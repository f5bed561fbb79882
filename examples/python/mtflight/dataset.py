"""multitables.dataset: proxies of datasets, whose indexing describes a request."""

from ._internal.datasets.proxies import ArrayDataset, Dataset, DatasetBase, TableDataset, VLArrayDataset, proxy

__all__ = ["ArrayDataset", "Dataset", "DatasetBase", "TableDataset", "VLArrayDataset", "proxy"]
