"""Batches for torch, as tensors."""

from ._internal.training.torch_dataset import IterableDataset
from ._internal.training.torch_loader import Loader, loader

__all__ = ["IterableDataset", "Loader", "loader"]
