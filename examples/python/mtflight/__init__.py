"""Reads HDF5 files through mtflight, in parallel and without libhdf5.

Two interfaces to the same server:

* multitables': `Streamer` and `Reader`, NumPy arrays of whole rows. A program for multitables runs with
  ``import mtflight as multitables``.
* Arrow's: `connect`, then ``.table(file, path).scan(columns=, where=, limit=)``, or ``to_polars`` and its like.

`Streamer` and `Reader` take a file name, for which this process starts a private server that ends with it, or a
location, which names a server and the file on it: ``grpc://host:8815/run7/events.h5``,
``grpc+unix:///run/mtflight.sock/run7/events.h5``, or ``Reader("run7/events.h5", location="grpc://host:8815")``. Without
a file's name the server must serve just one. What they return belongs to the caller, except arrays inside a guard
(`Streamer.get_queue`, `Request.get_proxy`, ...), which end with it.
"""

from . import (connection, dataset, dataset_ops, errors, reader, request, resource_wrapper, server, shared_mem, signals,
               stage, streamer, table)
from ._internal.public import set_public_module
from ._internal.transport.features import RELEASE
from .connection import Connection, connect
from .errors import NoSuchNodeError, ResourceExhausted
from .reader import Reader
from .request import RequestPool
from .shared_mem import SharedMemoryError
from .signals import QueueClosed, QueueClosedException, SubprocessException
from .streamer import RowsLeftOut, Streamer
from .table import Table

__version__ = RELEASE
__all__ = ["Connection", "NoSuchNodeError", "QueueClosed", "QueueClosedException", "Reader", "RequestPool",
           "ResourceExhausted", "RowsLeftOut", "SharedMemoryError", "Streamer", "SubprocessException", "Table", "connect"]

set_public_module(connection, dataset, dataset_ops, errors, reader, request, resource_wrapper, server, shared_mem, signals,
                  stage, streamer, table)
