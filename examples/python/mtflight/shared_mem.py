"""multitables.shared_mem: the exception of results that do not fit."""

from ._internal.errors import SharedMemoryError

__all__ = ["SharedMemoryError"]
