"""Compares options.compression with none over a slow network, in one run: see docs/performance.md.

    python docs/bench/slow.py                  a zlib table of 8M rows (512 MB) at 1 Gbit/s
    BENCH_MBITS=100 python docs/bench/slow.py  at another rate
    BENCH_REPEATS=5 python docs/bench/slow.py  more rounds

mtflight serves, keeping no columns, to pyarrow in this process; between them a proxy in a process of its own passes on no more than the rate.
The figures are MB/s of Arrow data that the client has got, each kind in turn, round after round, with the file in the page cache.
"""

from __future__ import annotations

import json
import multiprocessing as mp
import os
import socket
import statistics
import threading
import time
from multiprocessing.connection import Connection

import bench
import data
import pyarrow.flight as fl

MBITS = float(os.environ.get("BENCH_MBITS", 1000))
PIECE = 64 << 10
KINDS = (None, "lz4", "zstd")


def passed(source: socket.socket, to: socket.socket, rate: float) -> None:
    """Passes bytes on, no more of them a second than the rate; what 20 ms have room for may come at once."""
    room, due = bytearray(PIECE), time.perf_counter()
    while n := source.recv_into(room):
        to.sendall(memoryview(room)[:n])
        due = max(due, time.perf_counter() - 0.02) + n / rate
        if (ahead := due - time.perf_counter()) > 0:
            time.sleep(ahead)
    to.shutdown(socket.SHUT_WR)


def proxy(port: int, rate: float, tell: Connection) -> None:
    """A proxy to a port of this machine, which tells its own."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        tell.send(door.getsockname()[1])
        while True:
            client, _ = door.accept()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
            server = socket.create_connection(("127.0.0.1", port))
            for ends in ((client, server), (server, client)):
                threading.Thread(target=passed, args=(*ends, rate), daemon=True).start()


def get(client: fl.FlightClient, file: str, compression: str | None) -> tuple[int, float]:
    """Bytes of the table and seconds it took."""
    options = {"options": {"compression": compression}} if compression else {}
    began = time.perf_counter()
    table = client.do_get(fl.Ticket(json.dumps({"file": file, "dataset": "/data", **options}))).read_all()
    return table.nbytes, time.perf_counter() - began


def main() -> None:
    bench.BENCH.mkdir(exist_ok=True)
    file = data.make(bench.BENCH, "table", "zlib-1", bench.ROWS)
    file.read_bytes()
    ours = bench.Server(str(bench.MTFLIGHT), "serve", "--listen", "grpc://127.0.0.1:0", "--cache", "0", str(file))
    hear, tell = mp.Pipe(duplex=False)
    between = mp.Process(target=proxy, args=(int(ours.location.rsplit(":", 1)[1]), MBITS * 1e6 / 8, tell), daemon=True)
    between.start()
    rates: dict[str | None, list[tuple[float, float]]] = {k: [] for k in KINDS}
    try:
        client = fl.connect(f"grpc://127.0.0.1:{hear.recv()}")
        for _ in range(bench.REPEATS):
            for kind in KINDS:
                before = bench.cpu(ours.process.pid)
                size, took = get(client, file.name, kind)
                rates[kind].append((size / took / 1e6, (bench.cpu(ours.process.pid) - before) * 1e9 / size))
    finally:
        between.terminate()
        ours.stop()
    print(f"\n{os.cpu_count()} CPUs, {bench.ROWS} rows, {MBITS:.0f} Mbit/s, load {os.getloadavg()[0]:.0f}\n")
    print("| compression | MB/s | by none's | server CPU, s per GB |\n|---|--:|--:|--:|")
    for kind, all_ in rates.items():
        ratio = statistics.median(a[0] / b[0] for a, b in zip(all_, rates[None], strict=True))
        print(f"| {kind or 'none'} | {statistics.median(a[0] for a in all_):.0f} | {ratio:.2f} | {statistics.median(a[1] for a in all_):.2f} |")


if __name__ == "__main__":
    main()
