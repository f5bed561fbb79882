"""multitables.streamer: sequential access in blocks."""

from ._internal.streams.queue import Guard, Queue, RowGenerator
from ._internal.streams.streamer import RowsLeftOut, Streamer

__all__ = ["Guard", "Queue", "RowGenerator", "RowsLeftOut", "Streamer"]
