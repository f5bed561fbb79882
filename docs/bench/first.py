"""Measures the first and the second question beside Parquet, for README's first figure: see docs/performance.md.

    python docs/bench/first.py                    a zlib table of 8M rows (512 MB), to .bench/first.json
    BENCH_ROWS=1000000 python docs/bench/first.py a quick look
    BENCH_REPEATS=9 python docs/bench/first.py    more rounds
    .ci/venv .venv-plot docs/bench/plot.txt && .venv-plot/bin/python docs/bench/plot.py    draws it

Polars and pyarrow read the table as snappy Parquet in this process; mtflight reads it as HDF5 and serves it over a Unix socket to pyarrow, which counts
until the whole result is there. In each round everybody is asked in turn, files in the page cache; the server is started anew for each kind of question, so that its first answer has
nothing kept, and the second is the median of the next three, each with another constant.
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
from pathlib import Path
from typing import Any

import bench
import data
import pyarrow.dataset as ds
import second
from queries import condition, timed

KINDS = {"whole": "all rows, all 12 columns", "where": "`where` on 2 columns, 0.3 % hits", "column": "one column of 12"}
LATER = 3


def arrow(file: Path) -> dict[str, Any]:
    table = ds.dataset(file)
    return {"where": lambda k: table.to_table(filter=(ds.field("serial") < 600 + k) & (ds.field("noise") < 0.5)),
            "column": lambda k: table.to_table(columns=["count"]), "whole": lambda k: table.to_table()}


def ours(kind: str, file: Path, k: int) -> dict[str, float]:
    """Seconds of the first question of a server, and of later ones; of its CPU too."""
    with tempfile.TemporaryDirectory() as folder:
        server = bench.Server(str(bench.MTFLIGHT), "serve", "--listen", "grpc://127.0.0.1:0", "--listen", f"grpc+unix://{folder}/s", "--memory", "4GB", str(file))
        try:
            ask = second.flight(f"grpc+unix://{folder}/s", file)[kind]
            first = timed(lambda: ask(k))
            used = bench.cpu(server.process.pid)
            if kind == "whole":
                ask(k)  # which is kept from the second time on
            later = statistics.median(timed(lambda i=i: ask(k + 1 + i)) for i in range(LATER))
        finally:
            server.stop()
    return {"mtflight, first": first, "mtflight, again": later, "server CPU, first": used}


def main() -> None:
    bench.BENCH.mkdir(exist_ok=True)
    file = data.make(bench.BENCH, "table", "zlib-1", bench.ROWS)
    parquet = second.parquet(file)
    file.read_bytes()
    polars, pyarrow = second.polars(parquet), arrow(parquet)
    times: dict[str, dict[str, list[float]]] = {kind: {} for kind in KINDS}
    assert condition(0).startswith("(serial < 600)")  # what pyarrow is asked, too
    for k in range(bench.REPEATS):
        for kind, of in times.items():
            took = {"Polars": timed(lambda: polars[kind](k)), "pyarrow": timed(lambda: pyarrow[kind](k)), **ours(kind, file, 10 * k)}
            for who, seconds in took.items():
                of.setdefault(who, []).append(seconds)
    load = os.getloadavg()[0]
    (bench.BENCH / "first.json").write_text(json.dumps({"rows": bench.ROWS, "cpus": os.cpu_count(), "load": load, "kinds": KINDS, "seconds": times}, indent=1))
    print(f"\n{os.cpu_count()} CPUs, {bench.ROWS} rows, load {load:.0f}; ms, medians of {bench.REPEATS}; in brackets Polars' time by ours, median of the rounds\n")
    print("| | " + " | ".join(times["whole"]) + " |\n|---|" + "--:|" * len(times["whole"]))
    for kind, of in times.items():
        cells = [f"{statistics.median(all_) * 1e3:.0f} [{statistics.median(p / o for p, o in zip(of['Polars'], all_, strict=True)):.2f}]" for all_ in of.values()]
        print(f"| {KINDS[kind]} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
