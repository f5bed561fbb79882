"""A server of a folder, and statements sent to it by ADBC."""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import subprocess
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa

warnings.simplefilter("ignore")
import adbc_driver_flightsql.dbapi as adbc  # noqa: E402

CLONE = Path(__file__).resolve().parents[2]
AUTHORIZATION = "adbc.flight.sql.authorization_header"


@contextlib.contextmanager
def serve(folder: Path, *flags: str) -> Iterator[tuple[str, subprocess.Popen]]:
    """The server's location and process."""
    server = subprocess.Popen([CLONE / "bin/mtflight", "serve", "--listen", "grpc://127.0.0.1:0", *flags, folder], stderr=subprocess.PIPE, text=True)
    try:
        location = next(found[0] for line in server.stderr if (found := re.search(r"grpc://127\.0\.0\.1:\d+", line)))
        threading.Thread(target=server.stderr.read, daemon=True).start()  # a full pipe would stop the server
        yield location, server
    finally:
        server.terminate()
        server.wait()


def ask(location: str, sql: str, parameters=None, token: str = "") -> pa.Table:
    options = {AUTHORIZATION: "Bearer " + token} if token else {}
    with adbc.connect(location, db_kwargs=options, autocommit=True) as c, c.cursor() as k:
        k.execute(sql, parameters)
        return k.fetch_arrow_table()


def engines(server) -> list[Path]:
    """The processes of the server's statements."""
    listed = subprocess.run(["ps", "--ppid", str(server.pid), "-o", "pid=,comm="], capture_output=True, text=True, check=False).stdout  # 1: there are none
    return [Path("/proc", line.split()[0]) for line in listed.splitlines() if "mtflight-sql" in line]


def varint(n: int) -> bytes:
    return bytes([n]) if n < 128 else bytes([n & 127 | 128]) + varint(n >> 7)


def field(number: int, value: bytes) -> bytes:
    """One of a message of protobuf."""
    return varint(number << 3 | 2) + varint(len(value)) + value


def command(name: bytes, value: bytes) -> bytes:
    """A message of Flight SQL whose first field is of bytes, as clients send it."""
    return field(1, b"type.googleapis.com/arrow.flight.protocol.sql." + name) + field(2, field(1, value))


def decoded(admin: Path) -> float:
    """Bytes of chunks decoded so far."""
    c = http.client.HTTPConnection("localhost")
    c.sock = socket.socket(socket.AF_UNIX)
    c.sock.connect(str(admin))
    c.request("GET", "/metrics")
    return float(re.search(r"^mtflight_decoded_bytes_total (\S+)", c.getresponse().read().decode(), re.M)[1])


def spent(location: str, admin: Path, sql: str) -> float:
    """Bytes of chunks that a statement has decoded."""
    before = decoded(admin)
    ask(location, sql)
    return decoded(admin) - before


def peer_of(folder: Path) -> duckdb.DuckDBPyConnection:
    """DuckDB with a view of each Parquet file of a folder, by its name."""
    peer = duckdb.connect()
    for one in folder.glob("*.parquet"):
        peer.execute(f"create view {one.stem} as from '{one}'")
    return peer
