"""Compares rows by HTTP with rows by Flight, of one server, in turn, until the client has the whole table.

    python docs/bench/doors.py                  a table of 8M rows (512 MB), unfiltered and zlib
    python docs/bench/doors.py FILE DATASET     of another
    BENCH_REPEATS=9                            more pairs

Both over 127.0.0.1 to pyarrow: Flight to its own client; HTTP by http.client and an IPC reader, and by curl into nothing, which is what the server sends.
The server has --cache 0, so that nothing is answered from decoded columns; files are in the page cache.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pyarrow as pa
import pyarrow.flight as fl

CLONE = Path(__file__).parents[2]
REPEATS = int(os.environ.get("BENCH_REPEATS", "7"))


class Server:
    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen([CLONE / "bin/mtflight", "serve", "--cache", "0", "--listen", "grpc://127.0.0.1:0", "--http", "127.0.0.1:0", folder],
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        text = ""
        while not (flight := re.search(r"grpc://127.0.0.1:\d+", text)) or not (site := re.search(r"by HTTP on (\S+)", text)):
            text += self.process.stdout.readline()
        self.client, self.site = fl.connect(flight[0]), site[1]

    def spent(self) -> float:
        """Seconds of CPU of the server so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(") ")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def by_flight(server: Server, request: dict) -> int:
    return sum(part.data.nbytes for part in server.client.do_get(fl.Ticket(json.dumps(request))))


def by_http(server: Server, request: dict) -> int:
    to = http.client.HTTPConnection(urlsplit(server.site).netloc, blocksize=1 << 20)
    to.request("GET", f"/v1/data?{urlencode(request)}")
    return sum(batch.nbytes for batch in pa.ipc.open_stream(to.getresponse()))


def by_curl(server: Server, request: dict) -> None:
    subprocess.run(["curl", "-sf", "-o", "/dev/null", f"{server.site}/v1/data?{urlencode(request)}"], check=True)


WAYS = {"Flight": by_flight, "HTTP": by_http, "curl": by_curl}


def main() -> None:
    if len(sys.argv) == 3:
        files = {sys.argv[2]: Path(sys.argv[1]).resolve()}
    else:
        import bench
        import data
        files = {f"/data, {kind}": data.make(bench.BENCH, "table", kind, bench.ROWS) for kind in ("none", "zlib-1")}
    for name, file in files.items():
        compare(name, file)


def compare(name: str, file: Path) -> None:
    server = Server(file.parent)
    request = {"file": file.name, "dataset": name.split(",")[0]}
    size = by_flight(server, request)
    took: dict[str, list[tuple[float, float]]] = {way: [] for way in WAYS}
    for _ in range(REPEATS):
        for way, read in WAYS.items():
            start, spent = time.perf_counter(), server.spent()
            got = read(server, request)
            took[way].append((time.perf_counter() - start, server.spent() - spent))
            assert got in (None, size)
    for way, all in took.items():
        ratios = [f[0] / one[0] for f, one in zip(took["Flight"], all)]
        print(f"{name:16} {way:7} {size / 1e6 / statistics.median(t for t, _ in all):7.0f} MB/s  server {statistics.median(c for _, c in all):.2f} s of CPU  "
              f"{statistics.median(ratios):.2f} [{min(ratios):.2f}, {max(ratios):.2f}] of Flight's rate  load {os.getloadavg()[0]:.0f}")
    server.process.terminate()


if __name__ == "__main__":
    main()
