"""Batches for training, as NumPy arrays."""

from ._internal.training.batches import Batches

__all__ = ["Batches"]
