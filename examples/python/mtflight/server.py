"""The private server of this process, which reads files given by name."""

from ._internal.transport.server import binary, location, stop

__all__ = ["binary", "location", "stop"]
