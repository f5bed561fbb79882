"""Reads one table from a server with pyarrow, and the same stream with Polars and DuckDB.

    mtflight serve testdata &
    python examples/python/quickstart.py [grpc://127.0.0.1:8815]
"""

import json
import sys

import duckdb
import polars as pl
import pyarrow.flight as fl

client = fl.connect(sys.argv[1] if len(sys.argv) > 1 else "grpc://127.0.0.1:8815")


def rows(**request) -> fl.FlightStreamReader:
    """A request is JSON; the server answers with Arrow batches."""
    return client.do_get(fl.Ticket(json.dumps(request)))


# What is there?
for flight in client.list_flights(b'{"kind": "table"}'):
    file, dataset = (part.decode() for part in flight.descriptor.path)
    print(f"{file} {dataset}: {flight.total_records} rows, {len(flight.schema)} columns")

# pyarrow: three columns of a hundred rows
table = rows(file="tables.h5", dataset="/events", fields=["id", "t", "name"], stop=100).read_all()
print(table.slice(0, 3).to_pandas())

# Polars: every tenth row, without a copy
frame = pl.from_arrow(rows(file="tables.h5", dataset="/events", step=10).read_all())
print(frame.group_by("name").agg(pl.col("energy").mean()).sort("name"))

# DuckDB: batch by batch as they arrive; `plain` keeps to types that every engine reads
events = rows(file="tables.h5", dataset="/events", options={"plain": True}).to_reader()
connection = duckdb.connect()
connection.register("events", events)
print(connection.execute("select name, count(*), max(energy) from events where good group by name order by name").fetchall())
