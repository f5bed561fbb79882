"""Writing Parquet: `mtflight get -o x.parquet` beside pyarrow's writer, in pairs, one after the other.

usage: python docs/bench/parquet.py [rows] [rounds]

pyarrow has the same batches in memory and writes them with the same codec and row groups; its time is that of writing alone, or
"by Flight" that of reading the dataset from `mtflight serve` and writing it. mtflight's is that of the process, its start and reading
the HDF5 file included, and of it "writing" what `--format none` does not take. The round that others disturbed least counts.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np
import pyarrow.flight as fl
import pyarrow.ipc as ipc
import pyarrow.parquet as pq

from bench import Server

BINARY = Path(__file__).resolve().parents[2] / "bin" / "mtflight"


def make(path: str, rows: int) -> None:
    """A narrow and a wide table, and an array of rows of 64 values."""
    rng = np.random.default_rng(1)
    with h5py.File(path, "w") as f:
        narrow = np.zeros(rows, [("id", "<i8"), ("energy", "<f8"), ("q", "<i4")])
        narrow["id"], narrow["energy"], narrow["q"] = np.arange(rows), rng.normal(size=rows) * 1000, rng.integers(0, 100, rows)
        f.create_dataset("narrow", data=narrow, chunks=(65536,))
        wide = np.zeros(rows, [("id", "<i8"), ("t", "<f8"), ("e", "<f4"), ("run", "<i4"), ("ch", "<u2"), ("good", "u1"), ("name", "S8"),
                               ("x", "<f4"), ("y", "<f4"), ("z", "<f4")])
        wide["id"], wide["t"], wide["e"] = np.arange(rows), np.cumsum(rng.exponential(size=rows)), rng.exponential(size=rows)
        wide["run"], wide["ch"], wide["good"] = np.arange(rows) // 100000, rng.integers(0, 512, rows), rng.integers(0, 2, rows)
        wide["name"] = rng.choice(np.array([b"mu", b"e", b"gamma", b"pi+"]), rows)
        for axis in "xyz":
            wide[axis] = rng.normal(size=rows)
        f.create_dataset("wide", data=wide, chunks=(32768,))
        f.create_dataset("array", data=rng.normal(size=(rows // 64, 64)), chunks=(4096, 64))


def run(*args: str) -> tuple[float, float]:
    """Wall and CPU seconds of a process."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([BINARY, "get", *args], check=True, capture_output=True)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def pyarrow(table, out: str, codec: str) -> tuple[float, float]:
    start, cpu = time.perf_counter(), time.process_time()
    pq.write_table(table, out, compression=codec)
    return time.perf_counter() - start, time.process_time() - cpu


def by_flight(client: fl.FlightClient, dataset: str, out: str, codec: str) -> float:
    start = time.perf_counter()
    ticket = fl.Ticket(json.dumps({"file": "x.h5", "dataset": dataset, "options": {"plain": True}}).encode())
    pq.write_table(client.do_get(ticket).read_all(), out, compression=codec)
    return time.perf_counter() - start


def pair(folder: str, client: fl.FlightClient, dataset: str, codec: str, rounds: int) -> str:
    source, ours, theirs = f"{folder}/x.h5", f"{folder}/ours.parquet", f"{folder}/theirs.parquet"
    run(source, dataset, "--plain", "-o", f"{folder}/x.arrow")
    with ipc.open_file(f"{folder}/x.arrow") as r:
        table = r.read_all()
    whole, reading, other, flights = [], [], [], []
    for _ in range(rounds):
        whole.append(run(source, dataset, "-o", ours, "--compression", codec))
        flights.append(by_flight(client, dataset, theirs, codec))
        other.append(pyarrow(table, theirs, codec))
        reading.append(run(source, dataset, "--plain", "--format", "none"))
    assert pq.read_table(ours).equals(pq.read_table(theirs))
    groups = [pq.ParquetFile(p).metadata.num_row_groups for p in (ours, theirs)]
    assert groups[0] == groups[1], groups
    (w, c), (rw, rc), (ow, oc) = ([min(v) for v in zip(*times)] for times in (whole, reading, other))
    size = os.path.getsize(ours) / os.path.getsize(theirs)
    flight = min(flights)
    return (f"| {dataset} | {codec} | {w:.2f} | {ow:.2f} | {ow / w:.2f} | {flight:.2f} | {flight / w:.2f} | {c:.2f} | {c - rc:.2f} | {oc:.2f} | {oc / c:.2f} | "
            f"{oc / max(c - rc, 1e-9):.2f} | {size:.2f} |")


def main() -> None:
    rows, rounds = (int(a) for a in (sys.argv[1:] + ["8388608", "5"][len(sys.argv) - 1:])[:2])
    with tempfile.TemporaryDirectory() as folder:
        make(f"{folder}/x.h5", rows)
        print("| data | codec | wall s | pyarrow's | ratio | by Flight | ratio | CPU s | of it writing | pyarrow's | ratio | of writing | size to pyarrow's |")
        print("|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
        server = Server(str(BINARY), "serve", "--cache", "0", "--listen", "grpc://127.0.0.1:0", folder)
        try:
            client = fl.connect(server.location)
            for dataset in ("narrow", "wide", "array"):
                for codec in ("snappy", "zstd"):
                    print(pair(folder, client, "/" + dataset, codec, rounds), flush=True)
        finally:
            server.stop()


if __name__ == "__main__":
    main()
