"""Reads HDF5 files through mtflight, in parallel and without libhdf5.

Interfaces to the same server:

* `open`, for a file, many files by a pattern, a folder, an object of a store (``s3://..``, ``https://..``) or a server: ``mtflight.open("run7.h5")["/events"]`` is a `Table`, which is indexed as a NumPy array is,
  narrowed (``.where("energy > cut", vars={"cut": 2.5}).select(["id", "t"])``) and read: ``to_numpy()``, ``to_pandas()``,
  ``to_polars()``, ``to_arrow()``, or ``scan()`` batch by batch. `connect` is the connection below it.
* multitables': `Streamer` and `Reader`, NumPy arrays of whole rows. A program for multitables runs with
  ``import mtflight as multitables``.

`Streamer` and `Reader` take a file name, for which this process starts a private server that ends with it, or a
location, which names a server and the file on it: ``grpc://host:8815/run7/events.h5``,
``grpc+unix:///run/mtflight.sock/run7/events.h5``, or ``Reader("run7/events.h5", location="grpc://host:8815")``. Without
a file's name the server must serve just one. What they return belongs to the caller, except arrays inside a guard
(`Streamer.get_queue`, `Request.get_proxy`, ...), which end with it.
"""

from . import (anndata, catalogue, connection, dask, dataset, dataset_ops, duckdb, errors, pandas, polars, reader, request, resource_wrapper, server,
               shared_mem, signals, stage, streamer, table, training)
from ._internal.public import set_public_module
from ._internal.transport.features import RELEASE
from .anndata import read_anndata
from .catalogue import Catalogue, open
from .connection import Connection, connect
from .errors import InvalidIndexError, NoSuchNodeError, ResourceExhausted
from .pandas import read
from .polars import scan
from .reader import Reader
from .request import RequestPool
from .shared_mem import SharedMemoryError
from .signals import QueueClosed, QueueClosedException, SubprocessException
from .streamer import RowsLeftOut, Streamer
from .table import Table

__version__ = RELEASE
__all__ = ["Catalogue", "Connection", "InvalidIndexError", "NoSuchNodeError", "QueueClosed", "QueueClosedException", "Reader", "RequestPool",
           "ResourceExhausted", "RowsLeftOut", "SharedMemoryError", "Streamer", "SubprocessException", "Table", "connect", "open", "read", "read_anndata", "scan"]

set_public_module(anndata, catalogue, connection, dask, dataset, dataset_ops, duckdb, errors, pandas, polars, reader, request, resource_wrapper,
                  server, shared_mem, signals, stage, streamer, table, training)
