"""Measures mtflight's Python package beside multitables: the same files, the same blocks, 1 and 2 workers.

    python docs/bench/streams.py [--rows 2000000] [--multitables .venv-multitables/bin/python]

The files lie in .bench/ and are made once: a table of 64-byte rows and an array of 4 KiB rows, unfiltered, blosc-compressed
and zlib-compressed with shuffle. Each figure is MB/s of decoded data, the best of several runs in a process of its own,
with the files in the page cache. `queue` sums one byte of each block's end, `generator` counts rows.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

CLONE = Path(__file__).resolve().parents[2]
FILTERS = {"none": None, "blosc": {"complevel": 5, "complib": "blosc"}, "zlib": {"complevel": 1, "complib": "zlib", "shuffle": True}}
ROW = [("id", "i8"), ("t", "f8"), ("energy", "f4"), ("run", "i4"), ("channel", "u2"), ("gain", "i2"), ("flags", "u1"),
       ("good", "?"), ("name", "S10"), ("pos", "f4", (3,)), ("weight", "f4"), ("hits", "u4", (2,))]


def make(path: Path, rows: int) -> None:
    """Writes the file, by way of another name, unless it is there."""
    import numpy as np
    import tables
    if path.exists():
        return
    rng = np.random.default_rng(1)
    table = np.zeros(rows, ROW)
    table["id"], table["t"] = np.arange(rows), rng.random(rows)
    table["energy"], table["pos"] = rng.normal(size=rows), rng.normal(size=(rows, 3))
    table["name"] = rng.choice([b"mu", b"electron", b"pi"], rows)
    array = rng.normal(size=(rows // 64, 1024)).astype("f4")
    part = path.with_suffix(".part")
    with tables.open_file(part, "w") as f:
        for name, options in FILTERS.items():
            filters = tables.Filters(**options) if options else None
            f.create_table("/table", name, table, filters=filters, createparents=True, chunkshape=(2048,))
            f.create_earray("/array", name, obj=array, filters=filters, createparents=True, chunkshape=(32, 1024))
    part.rename(path)


def queue(package, path: str, dataset: str, workers: int, block: int) -> int:
    """Reads all blocks; gives the bytes."""
    total = 0
    q = package.Streamer(path).get_queue(dataset, n_procs=workers, block_size=block, remainder=True)
    for guard in q.iter():
        with guard as b:
            total += b.nbytes
            b.reshape(-1).view("u1")[-1]
    q.close()
    return total


def generator(package, path: str, dataset: str, workers: int, block: int) -> int:
    """Reads all rows one by one; gives the bytes."""
    total = row = 0
    for row in package.Streamer(path).get_generator(dataset, n_procs=workers, block_size=block):
        total += 1
    return total * row.nbytes


def measure(package_name: str, path: str, runs: int) -> dict[str, float]:
    """MB/s by "what dataset workers"."""
    package = __import__(package_name)
    out: dict[str, float] = {}
    for dataset, block in (("table", 2048), ("array", 32)):
        for name in FILTERS:
            for workers in (1, 2):
                for what in (queue, generator):
                    best = 0.0
                    for _ in range(runs):
                        start = time.perf_counter()
                        size = what(package, path, f"/{dataset}/{name}", workers, block)
                        best = max(best, size / (time.perf_counter() - start) / 1e6)
                    out[f"{what.__name__} {dataset} {name} {workers}"] = best
    return out


def run(python: str, package: str, path: Path, runs: int) -> dict[str, float]:
    """Measures in another process; {} if the package cannot be imported there."""
    environment = {**os.environ, "PYTHONPATH": str(CLONE / "examples" / "python")}
    done = subprocess.run([python, __file__, "--measure", package, "--file", str(path), "--runs", str(runs)],
                          stdout=subprocess.PIPE, text=True, env=environment, timeout=3600)
    return json.loads(done.stdout) if done.returncode == 0 else {}


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--rows", type=int, default=2_000_000)
    p.add_argument("--runs", type=int, default=3)
    p.add_argument("--multitables", default=str(CLONE / ".venv-multitables" / "bin" / "python"))
    p.add_argument("--measure")
    p.add_argument("--file")
    a = p.parse_args()
    if a.measure:
        print(json.dumps(measure(a.measure, a.file, a.runs)))
        return
    path = CLONE / ".bench" / f"streams-{a.rows}.h5"
    path.parent.mkdir(exist_ok=True)
    make(path, a.rows)
    ours = run(sys.executable, "mtflight", path, a.runs)
    theirs = run(a.multitables, "multitables", path, a.runs) if Path(a.multitables).exists() else {}
    print("| what | mtflight MB/s | multitables MB/s | ratio |\n|---|---:|---:|---:|")
    for key, value in ours.items():
        other = theirs.get(key)
        print(f"| {key} | {value:.0f} | {f'{other:.0f} | {value / other:.1f}' if other else '- | -'} |")


if __name__ == "__main__":
    main()
