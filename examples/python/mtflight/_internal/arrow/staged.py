"""Results in shared memory, where the server is on this host (docs/stage.md)."""

from __future__ import annotations

import contextlib
import mmap
import os
import re
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa

from ..transport.client import Client, Members

_LEAST = 2 << 20  # bytes from which on two more round trips cost less than what they save
_SHARE = 4  # of what is free in shared memory, which other programs need too, one result takes a quarter at most
_SHM = "/dev/shm"
_releases = ThreadPoolExecutor(1, "mtflight-release")  # one behind the other
_THIS_HOST = re.compile(r"grpc\+unix:|grpc(\+tcp)?://(127\.\d+\.\d+\.\d+|localhost|\[::1\])(:|/|$)")


def staged(client: Client, request: Members, size: int) -> list[pa.RecordBatch] | None:
    """The batches of a request whose result takes about `size` bytes, in memory that belongs to the caller and may be written to. None
    where that is not to be had or would not be faster: then they come over the connection, and so do errors."""
    if not (client.shares_memory and _LEAST <= size <= _free() // _SHARE and _THIS_HOST.match(client.location)):
        return None
    try:
        told = next(client.action("stage", request))
    except (NotImplementedError, PermissionError):
        client.shares_memory = False
        return None
    except Exception:  # noqa: BLE001, over the connection it will come again, or go well
        return None
    try:
        return _mapped(told["path"], told["bytes"])
    except OSError:  # what the server calls its path is none here
        client.shares_memory = False
        return None
    finally:
        _releases.submit(_release, client, told["lease"])


def _release(client: Client, lease: str) -> None:
    """Ends a lease, while the program goes on with what is mapped."""
    with contextlib.suppress(Exception):  # it ends with the connection, too
        list(client.action("release", {"lease": lease}))


def _free() -> int:
    """Bytes that are free in shared memory; 0 where there is none."""
    try:
        about = os.statvfs(_SHM)
    except (AttributeError, OSError):
        return 0
    return about.f_bavail * about.f_frsize


def _mapped(path: str, size: int) -> list[pa.RecordBatch]:
    """The batches of an Arrow file, over its pages; those that are written to become the caller's own."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        memory = mmap.mmap(file, size, access=mmap.ACCESS_COPY)
    except ValueError as e:  # shorter than that
        raise OSError(str(e)) from e
    finally:
        os.close(file)
    reader = pa.ipc.open_file(pa.py_buffer(memory))
    return [reader.get_batch(i) for i in range(reader.num_record_batches)]
