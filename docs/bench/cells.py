"""Measures how far reading in process is from its slowest stage, by `mtflight bench`, for each kind of dataset and filters: see docs/performance.md.

    python docs/bench/cells.py                    table and array, 8M rows (512 MB) each
    BENCH_ROWS=2000000 python docs/bench/cells.py a quick look
"""

from __future__ import annotations

import json
import os
import subprocess

import bench
import data
import tables

FILTERS = {"none": "unfiltered", "zlib-1": "zlib-1", "blosc-5": "blosc-5", "zstd-3": "blosc2-zstd-3"}


def main() -> None:
    bench.BENCH.mkdir(exist_ok=True)
    data.FILTERS["zstd-3"] = tables.Filters(complevel=3, complib="blosc2:zstd", shuffle=True)
    print(f"\n{os.cpu_count()} CPUs, {bench.ROWS} rows; MB/s, in brackets seconds of CPU per GB\n")
    print("| | read | decode | reader | reader by the slowest | limits | load |\n|---|--:|--:|--:|--:|---|--:|")
    for kind in data.KINDS:
        for filters, name in FILTERS.items():
            file = data.make(bench.BENCH, kind, filters, bench.ROWS)
            file.read_bytes()
            told = json.loads(subprocess.run([bench.MTFLIGHT, "bench", file, "/data", "--rounds", str(bench.REPEATS), "--json"], check=True, capture_output=True).stdout)
            stages = {s["name"]: f"{s['mb_per_s']:.0f} ({s['cpu_s_per_gb']:.2f})" for s in told["stages"]}
            cells = [stages.get(s, "") for s in ("read", "decode", "reader")]
            print(f"| {kind}, {name} | " + " | ".join(cells) + f" | {told['reached']:.2f} | {told['limit']} | {os.getloadavg()[0]:.0f} |", flush=True)


if __name__ == "__main__":
    main()
