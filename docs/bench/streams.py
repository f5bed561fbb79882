"""Measures blocks in shared memory: mtflight's Python package beside multitables, and `stage` beside Flight.

    python docs/bench/streams.py [--rows 2000000] [--rounds 3] [--multitables .venv-multitables/bin/python]

The file lies in .bench/ and is made once: a table of 64-byte rows and an array of 4 KiB rows, unfiltered, blosc-compressed
and zlib-compressed with shuffle. Figures are MB/s of decoded data with the file in the page cache, the median of the
rounds; ratios are medians of those within a round, so that a slow spell of the machine falls on both. In a round each
contender reads twice in a process of its own, and the faster time counts.

queue, generator: the same blocks of 128 KiB, 1 and 2 workers. `queue` reads one byte of each block, `generator` counts rows.
staged, ring, flight: all columns as one request to one server on a loopback address: staged in one file, put into a ring
block by block, or received; all look at each page. in process: `mtflight get`, once.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

CLONE = Path(__file__).resolve().parents[2]
AIMS = {("queue", "multitables"): 3.0, ("generator", "multitables"): 3.0, ("staged", "flight"): 3.0, ("staged", "in process"): 0.8,
        ("ring", "flight"): 3.0, ("ring", "in process"): 0.8}
WIDTH = {"table": 64, "array": 4096}  # bytes of a row
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


def best(read) -> float:
    """MB/s of the faster of two runs."""
    rates = []
    for _ in range(2):
        start = time.perf_counter()
        rates.append(read() / (time.perf_counter() - start) / 1e6)
    return max(rates)


def streams(package_name: str, path: str) -> dict[str, float]:
    """MB/s by "what dataset filter workers"."""
    package = __import__(package_name)
    out: dict[str, float] = {}
    for dataset, block in (("table", 2048), ("array", 32)):
        for name in FILTERS:
            for workers in (1, 2):
                for what in (queue, generator):
                    rate = best(lambda: what(package, path, f"/{dataset}/{name}", workers, block))
                    out[f"{what.__name__} {dataset} {name} {workers}"] = rate
    return out


def looked_at(batch) -> int:
    """Looks at each page of a batch; gives its rows."""
    for column in batch.columns:
        for buffer in column.buffers():
            if buffer is not None:
                memoryview(buffer)[::4096].tobytes()
    return batch.num_rows


def staged(client, ticket: bytes) -> int:
    """Has the result staged and maps it."""
    import pyarrow as pa
    import pyarrow.flight as fl
    told = json.loads(next(client.do_action(fl.Action("stage", ticket))).body.to_pybytes())
    with pa.memory_map(told["path"]) as mapping:
        list(client.do_action(fl.Action("release", json.dumps({"lease": told["lease"]}).encode())))
        file = pa.ipc.open_file(mapping)
        return sum(looked_at(file.get_batch(i)) for i in range(file.num_record_batches))


def ring(client, ticket: bytes) -> int:
    """Has the blocks put into a ring, and hands back together what it has looked at while the ones before were handed back."""
    import pyarrow as pa
    import pyarrow.flight as fl
    results = (json.loads(r.body.to_pybytes()) for r in client.do_action(fl.Action("ring", ticket)))
    about, mapping, rows, used = next(results), None, 0, deque()

    def hand_back() -> None:
        if slots := [used.popleft() for _ in range(len(used))]:
            list(client.do_action(fl.Action("release", json.dumps({"lease": about["lease"], "slots": slots}).encode())))

    with ThreadPoolExecutor(1) as other:
        for told in results:
            if mapping is None or told["offset"] + told["bytes"] > mapping.size():
                mapping = pa.memory_map(about["path"])
            mapping.seek(told["offset"])
            rows += looked_at(pa.ipc.open_stream(mapping.read_buffer(told["bytes"])).read_next_batch())
            used.append(told["slot"])
            other.submit(hand_back)
    return rows


def flight(client, ticket: bytes) -> int:
    """Receives the result."""
    import pyarrow.flight as fl
    return sum(looked_at(chunk.data) for chunk in client.do_get(fl.Ticket(ticket)))


def received(location: str, file: str) -> dict[str, float]:
    """MB/s by "what dataset filter" of one server."""
    import pyarrow.flight as fl
    client = fl.connect(location)
    out = {}
    for dataset, width in WIDTH.items():
        for name in FILTERS:
            ticket = json.dumps({"file": file, "dataset": f"/{dataset}/{name}"}).encode()
            for what in (staged, ring, flight):
                out[f"{what.__name__} {dataset} {name}"] = best(lambda: width * what(client, ticket))
    return out


def apart(python: Path | str, *arguments: str) -> dict[str, float]:
    """Measures in another process; {} if what it needs cannot be imported there."""
    environment = {**os.environ, "PYTHONPATH": str(CLONE / "examples" / "python")}
    if not Path(python).exists():
        return {}
    done = subprocess.run([python, __file__, *arguments], stdout=subprocess.PIPE, text=True, env=environment, timeout=3600)
    return json.loads(done.stdout) if done.returncode == 0 else {}


def in_process(path: Path) -> dict[str, float]:
    """MB/s of `mtflight get`, which tells its own."""
    from bench import get
    import tables
    with tables.open_file(path) as f:
        total = {d: f.get_node(f"/{d}/none").nrows * width for d, width in WIDTH.items()}
    return {f"{d} {name}": total[d] / get(path, 0, f"/{d}/{name}")["seconds"] / 1e6 for d in WIDTH for name in FILTERS}


def a_round(path: Path, multitables: str, location: str) -> dict[str, dict[str, float]]:
    """MB/s of every contender."""
    return {"mtflight": apart(sys.executable, "--streams", "mtflight", "--file", str(path)),
            "multitables": apart(multitables, "--streams", "multitables", "--file", str(path)),
            "received": apart(sys.executable, "--received", location, "--file", path.name),
            "in process": in_process(path)}


def row(rounds: list[dict], what: str, ours: tuple[str, str], theirs: tuple[str, str], other: str) -> None:
    """One line: a contender beside another one."""
    pairs = [(r[ours[0]][ours[1]], r[theirs[0]][theirs[1]]) for r in rounds if ours[1] in r[ours[0]] and theirs[1] in r[theirs[0]]]
    if not pairs:
        print(f"| {what} | - | {other} | - | - | |")
        return
    a, b, ratio = (statistics.median(v) for v in ([p[0] for p in pairs], [p[1] for p in pairs], [p[0] / p[1] for p in pairs]))
    aim = AIMS[what.split()[0], other]
    print(f"| {what} | {a:.0f} | {other} | {b:.0f} | {ratio:.2f} | {'' if ratio >= aim else f'below {aim}'} |")


def report(rounds: list[dict]) -> None:
    """The table of all contenders."""
    print("| what | MB/s | beside | MB/s | ratio | |\n|---|---:|---|---:|---:|---|")
    for key in rounds[0]["mtflight"]:
        row(rounds, key, ("mtflight", key), ("multitables", key), "multitables")
    for key in rounds[0]["in process"]:
        for what in ("staged", "ring"):
            row(rounds, f"{what} {key}", ("received", f"{what} {key}"), ("received", f"flight {key}"), "flight")
            row(rounds, f"{what} {key}", ("received", f"{what} {key}"), ("in process", key), "in process")


def compare(rows: int, count: int, multitables: str) -> None:
    """Makes the file, runs the rounds and prints the table."""
    from bench import MTFLIGHT, Server
    path = CLONE / ".bench" / f"streams-{rows}.h5"
    path.parent.mkdir(exist_ok=True)
    make(path, rows)
    path.read_bytes()  # into the page cache
    server = Server(str(MTFLIGHT), "serve", "--cache", "0", "--listen", "grpc://127.0.0.1:0", str(path))
    try:
        rounds = [a_round(path, multitables, server.location) for _ in range(count)]
    finally:
        server.stop()
    report(rounds)
    (path.parent / "streams.json").write_text(json.dumps(rounds, indent=1))


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--rows", type=int, default=int(os.environ.get("BENCH_STREAM_ROWS", 2_000_000)))
    p.add_argument("--rounds", type=int, default=int(os.environ.get("BENCH_REPEATS", 3)))
    p.add_argument("--multitables", default=str(CLONE / ".venv-multitables" / "bin" / "python"))
    p.add_argument("--streams", help=argparse.SUPPRESS)
    p.add_argument("--received", help=argparse.SUPPRESS)
    p.add_argument("--file", help=argparse.SUPPRESS)
    a = p.parse_args()
    if a.streams:
        print(json.dumps(streams(a.streams, a.file)))
    elif a.received:
        print(json.dumps(received(a.received, a.file)))
    else:
        compare(a.rows, a.rounds, a.multitables)


if __name__ == "__main__":
    main()
