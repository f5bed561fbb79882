"""The end of a queue, and exceptions that come from where the reading happens."""

from __future__ import annotations

import functools
from typing import Any


class QueueClosedType:
    """Type of the one object `QueueClosed`; copying and pickling keep it the same object."""

    _only: QueueClosedType | None = None

    def __new__(cls) -> QueueClosedType:
        if cls._only is None:
            cls._only = super().__new__(cls)
        return cls._only

    def __reduce__(self) -> tuple[Any, ...]:
        return QueueClosedType, ()

    def __repr__(self) -> str:
        return "QueueClosed"


QueueClosed = QueueClosedType()
"""What `Streamer.Queue.get` returns instead of a guard once no block will come any more."""


class QueueClosedException(Exception):
    """The reader was closed or stopped before the request was answered."""


class SubprocessException(Exception):
    """Base class of exceptions met while reading; each is also of the type of its cause."""


@functools.lru_cache(maxsize=None)
def _kind(cause: type[Exception]) -> type[Exception]:
    if issubclass(cause, SubprocessException):
        return cause
    return type("Subprocess" + cause.__name__, (cause, SubprocessException), {"__module__": SubprocessException.__module__})


def CreateSubprocessException(cause: Exception) -> Exception:  # noqa: N802, multitables' name
    """An exception to raise in the caller's thread: a SubprocessException and of the cause's type, with its message."""
    kind = _kind(type(cause))
    try:
        forwarded = kind(*cause.args)
    except TypeError:  # a type whose arguments are not its args
        forwarded = SubprocessException(str(cause))
    forwarded.__cause__ = cause
    return forwarded
