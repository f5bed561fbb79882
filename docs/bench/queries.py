"""Compares queries over Flight with PyTables' in process, in one run: see docs/performance.md.

    python docs/bench/queries.py                    a table of 8M rows (512 MB) with three filters
    BENCH_ROWS=500000 python docs/bench/queries.py  a quick look
    BENCH_REPEATS=5 python docs/bench/queries.py    more rounds

mtflight serves over a Unix socket to pyarrow, until the client has the whole result; PyTables and h5py read in their own
process. Both are asked in turn, round after round, with the files in the page cache and no query twice: a round asks
three of a kind, of which the median counts, after one that does not. The server's memory is twice the table, so that its
cache of decoded chunks holds at most a quarter of it. Ratios are medians of those within a round.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import bench
import data
import numpy as np

ROWS, REPEATS = bench.ROWS, bench.REPEATS
PYTHON = str(bench.CLONE / ".venv/bin/python")
LOOKS = 300  # of one row, of one chunk
AIMS = {  # how often as fast as PyTables: no filter, zlib-1, blosc2
    "where": ("`where`: 2 of 12 columns, 0.3 % hits", (4, 10, 8)),
    "indexed": ("the same by a completely sorted index", (1.5, 1.5, 1.5)),
    "coordinates": ("10,000 sorted coordinates", (3, 5, 5)),
    "column": ("one column of 12", (2, 5, 5)),
    "sorted": ("`read_sorted` of the table by its index", (4, 4, 4)),
}


def condition(k: int) -> str:
    """About 0.3 % of the rows, another for each k."""
    return f"(serial < {600 + k}) & (noise < 0.5)"


def coordinates(k: int) -> list[int]:
    rng = np.random.default_rng(k)
    return np.sort(rng.choice(ROWS, min(10_000, ROWS), replace=False)).tolist()


def column(k: int) -> str:
    return ("level", "noise", "group", "count")[k % 4]


def part(k: int, n: int) -> tuple[int, int]:
    """n rows, a chunk or one of them."""
    start = random.Random(k).randrange(ROWS // n) * n
    return start, start + n


def pytables(file: str) -> dict:
    import tables
    t = tables.open_file(file).root.data

    def where(k: int, index: bool):
        (t._enable_indexing_in_queries if index else t._disable_indexing_in_queries)()
        return t.read_where(condition(k))

    return {"where": lambda k: where(k, False), "indexed": lambda k: where(k, True),
            "coordinates": lambda k: t.read_coordinates(coordinates(k)), "column": lambda k: t.read(field=column(k)),
            "sorted": lambda k: t.read_sorted("serial", checkCSI=True, start=k, stop=ROWS)}


def flight(location: str, file: str) -> dict:
    import pyarrow.flight as fl
    client = fl.connect(location)

    def get(**members):
        return client.do_get(fl.Ticket(json.dumps({"file": Path(file).name, "dataset": "/data", **members}))).read_all()

    def rows(k: int, n: int):
        start, stop = part(k, n)
        return get(start=start, stop=stop)

    return {"where": lambda k: get(where=condition(k), options={"index": "off"}), "indexed": lambda k: get(where=condition(k)),
            "coordinates": lambda k: get(coordinates=coordinates(k)), "column": lambda k: get(fields=[column(k)]),
            "sorted": lambda k: get(sort_by="serial", check_csi=True, start=k), "rows": rows}


def with_h5py(file: str) -> dict:
    import h5py
    import hdf5plugin  # noqa: F401 (makes its filters known)
    d = h5py.File(file)["data"]
    return {"rows": lambda k, n: d[slice(*part(k, n))]}


def timed(what) -> float:
    began = time.perf_counter()
    what()
    return time.perf_counter() - began


def answer(asks: dict, turn: int, chunk: int) -> dict:
    """Seconds of each query, the median of three; of each look at a row or chunk all of them."""
    out = {}
    for name in AIMS:
        if name in asks:
            out[name] = statistics.median([timed(lambda: asks[name](4 * turn + k)) for k in range(4)][1:])
    if "rows" in asks:
        for what, n in (("row", 1), ("chunk", chunk)):
            out[what] = [timed(lambda: asks["rows"](LOOKS * turn + k, n)) for k in range(LOOKS)]
    return out


def contend(*args: str) -> dict:
    done = subprocess.run([PYTHON, __file__, *args], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def measure(filters: str) -> list[dict]:
    """All contenders over one file, round after round."""
    file = data.make(bench.BENCH, "indexed", filters, ROWS)
    file.read_bytes()  # into the page cache
    chunk = str(chunk_rows(file))
    memory = f"{max(64, 2 * ROWS * data.ROW.itemsize >> 20)}MB"
    with tempfile.TemporaryDirectory() as folder:
        ours = bench.Server(str(bench.MTFLIGHT), "serve", "--cache", "0", "--listen", "grpc://127.0.0.1:0", "--listen", f"grpc+unix://{folder}/s", "--memory", memory, str(file))
        try:
            return [{"pytables": contend("pytables", str(k), chunk, str(file)), "h5py": contend("h5py", str(k), chunk, str(file)),
                     "flight": contend("flight", str(k), chunk, f"grpc+unix://{folder}/s", str(file))} for k in range(REPEATS)]
        finally:
            ours.stop()


def chunk_rows(file: Path) -> int:
    import tables
    with tables.open_file(file) as f:
        return f.root.data.chunkshape[0]


def report(results: dict[str, list[dict]]) -> None:
    print(f"\n{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}, {ROWS} rows, {REPEATS} rounds; ms of PyTables / mtflight = ratio (aim)\n")
    print("| query |", " | ".join(results), "|")
    print("|---|" + "--:|" * len(results))
    for name, (title, aims) in AIMS.items():
        print(f"| {title} |", " | ".join(cell(rounds, name, aim) for rounds, aim in zip(results.values(), aims)), "|")
    print("\n| median / p99, ms | ", " | ".join(results), "|")
    print("|---|" + "--:|" * len(results))
    for what in ("row", "chunk"):
        for name, title in (("flight", "mtflight, one connection"), ("h5py", "h5py")):
            print(f"| one {what}: {title} |", " | ".join(look(rounds, name, what) for rounds in results.values()), "|")


def cell(rounds: list[dict], name: str, aim: float) -> str:
    theirs, ours = ([r[who][name] for r in rounds] for who in ("pytables", "flight"))
    ratio = statistics.median(t / o for t, o in zip(theirs, ours))
    return f"{statistics.median(theirs) * 1e3:.0f} / {statistics.median(ours) * 1e3:.0f} = {ratio:.1f} ({aim:g})"


def look(rounds: list[dict], name: str, what: str) -> str:
    times = [t * 1e3 for r in rounds for t in r[name][what]]
    return f"{statistics.median(times):.2f} / {statistics.quantiles(times, n=100)[98]:.2f}"


def main() -> None:
    if len(sys.argv) > 1:
        name, turn, chunk, *args = sys.argv[1:]
        asks = {"pytables": pytables, "flight": flight, "h5py": with_h5py}[name](*args)
        print(json.dumps(answer(asks, int(turn), int(chunk))))
        return
    bench.BENCH.mkdir(exist_ok=True)
    results = {filters: measure(filters) for filters in data.QUERIED}
    report(results)
    (bench.BENCH / "queries.json").write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
