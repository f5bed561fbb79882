"""multitables.signals: the end of a queue, and exceptions that come from where the reading happens."""

from ._internal.signals import CreateSubprocessException, QueueClosed, QueueClosedException, QueueClosedType, SubprocessException

__all__ = ["CreateSubprocessException", "QueueClosed", "QueueClosedException", "QueueClosedType", "SubprocessException"]
