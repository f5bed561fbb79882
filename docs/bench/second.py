"""Compares second questions with Polars on the same table as Parquet, in one run: see docs/performance.md.

    python docs/bench/second.py                    a zlib table of 8M rows (512 MB)
    BENCH_ROWS=1000000 python docs/bench/second.py a quick look
    BENCH_REPEATS=5 python docs/bench/second.py    more pairs

mtflight serves with --memory 4GB over a Unix socket to pyarrow, until the client has the whole result; Polars reads snappy Parquet in this
process. Both are asked in turn, files in the page cache. No question is asked twice but for that of a whole table or column: a condition has another constant each
time, coordinates are others. The first of a kind is shown apart: before it the server is started anew, and has kept nothing.
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
from pathlib import Path

import bench
import data
import numpy as np
import polars as pl
import pyarrow.flight as fl
from queries import condition, coordinates, timed

ROWS, REPEATS = bench.ROWS, bench.REPEATS
AIM = 3  # times as fast as Polars, the second time


def parquet(file: Path) -> Path:
    """The table as Parquet, row groups of a million rows, unless it is there."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    import tables
    target = file.with_suffix(".parquet")
    if target.exists():
        return target
    writer = None
    with tables.open_file(file) as f:
        for first in range(0, ROWS, 1_000_000):
            rows = f.root.data.read(first, min(ROWS, first + 1_000_000))
            piece = pa.table({n: pa.array(rows[n].astype("U") if rows[n].dtype.kind == "S" else rows[n].copy()) for n in rows.dtype.names})
            writer = writer or pq.ParquetWriter(target, piece.schema, compression="snappy")
            writer.write_table(piece)
    writer.close()
    return target


def polars(file: Path) -> dict:
    table = pl.scan_parquet(file)

    def rows(k: int) -> pl.DataFrame:
        wanted = pl.LazyFrame({"row": np.array(coordinates(k), "u4")})
        return table.with_row_index("row").join(wanted, on="row", how="semi").collect()

    return {"where": lambda k: table.filter((pl.col("serial") < 600 + k) & (pl.col("noise") < 0.5)).collect(), "coordinates": rows,
            "column": lambda k: table.select("count").collect(), "whole": lambda k: table.collect()}


def flight(location: str, file: Path) -> dict:
    client = fl.connect(location)

    def get(**members):
        return client.do_get(fl.Ticket(json.dumps({"file": file.name, "dataset": "/data", **members}))).read_all()

    return {"where": lambda k: get(where=condition(k)), "coordinates": lambda k: get(coordinates=coordinates(k)),
            "column": lambda k: get(fields=["count"]), "whole": lambda k: get()}


def measure(kind: str, theirs, file: Path) -> list[tuple[float, float, float]]:
    """Seconds of Polars, of mtflight, and of its CPU, the first time and later."""
    out = []
    with tempfile.TemporaryDirectory() as folder:
        ours = bench.Server(str(bench.MTFLIGHT), "serve", "--listen", "grpc://127.0.0.1:0", "--listen", f"grpc+unix://{folder}/s", "--memory", "4GB", str(file))
        try:
            ask = flight(f"grpc+unix://{folder}/s", file)[kind]
            for k in range(1 + 3 * REPEATS):
                before = bench.cpu(ours.process.pid)
                mine = timed(lambda: ask(k))
                used = bench.cpu(ours.process.pid) - before
                out.append((timed(lambda: theirs(k)), mine, used))
        finally:
            ours.stop()
    return out


def main() -> None:
    bench.BENCH.mkdir(exist_ok=True)
    file = data.make(bench.BENCH, "table", "zlib-1", ROWS)
    others = polars(parquet(file))
    file.read_bytes()
    print(f"\n{os.cpu_count()} CPUs, {ROWS} rows; ms of Polars / mtflight (its server's CPU) = ratio; aim {AIM}\n")
    print("| question | first | second to last, median | load |\n|---|--:|--:|--:|")
    for kind, theirs in others.items():
        theirs(0)
        first, *later = measure(kind, theirs, file)
        print(f"| {kind} | {cell([first])} | {cell(later)} | {os.getloadavg()[0]:.0f} |", flush=True)


def cell(pairs: list[tuple[float, float, float]]) -> str:
    theirs, ours, used = (statistics.median(p[i] for p in pairs) * 1e3 for i in range(3))
    return f"{theirs:.0f} / {ours:.0f} ({used:.0f}) = {statistics.median(p[0] / p[1] for p in pairs):.2f}"


if __name__ == "__main__":
    main()
