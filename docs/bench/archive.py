"""What docs/archive.md counts, on this machine: an archive of FILES files of CHUNKS chunks each, its index, and three servers of it.

    python docs/bench/archive.py FOLDER [FILES] [CHUNKS]        1000 and 1000 are the page's; FOLDER is made and left
"""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pyarrow.flight as fl

BINARY = Path(__file__).resolve().parents[2] / "bin" / "mtflight"


def make(folder: Path, files: int, chunks: int) -> None:
    """Copies of one file, each with its own time."""
    rows = np.zeros(16 * chunks, [("id", "i8"), ("x", "f8")])
    rows["id"], rows["x"] = np.arange(len(rows)), np.random.default_rng(9).random(len(rows))
    with h5py.File(folder.parent / "one.h5", "w") as f:
        f.create_dataset("events", data=rows, chunks=(16,), compression=1)
    for i in range(files):
        to = folder / f"year={2000 + i % 20}" / f"run{i:06}.h5"
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder.parent / "one.h5", to)


def timed(what: str, call):
    """Tells how long a call takes."""
    start = time.monotonic()
    result = call()
    print(f"{what}: {time.monotonic() - start:.2f} s")
    return result


def size(folder: Path) -> int:
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())


def index(folder: Path, kept: Path, *flags: str) -> None:
    subprocess.run([BINARY, "index", "--index-dir", kept, *flags, folder], check=True, capture_output=True)


def serve(folder: Path, kept: Path, ports: list[int]) -> list[subprocess.Popen]:
    peers = [flag for port in ports for flag in ("--peers", f"grpc://127.0.0.1:{port}")]
    servers = []
    for port in ports:
        servers.append(subprocess.Popen([BINARY, "serve", "--listen", f"grpc://127.0.0.1:{port}", *peers, "--index-dir", kept, "--log-level", "error",
                                         "--memory", "512MB", folder], stdout=subprocess.PIPE, text=True))
        servers[-1].stdout.readline()
    return servers


def info(client: fl.FlightClient, **request) -> fl.FlightInfo:
    return client.get_flight_info(fl.FlightDescriptor.for_command(json.dumps(request)))


def firsts(endpoints) -> dict[str, int]:
    """How many endpoints begin with each server."""
    found: dict[str, int] = {}
    for e in endpoints:
        found[e.locations[0].uri.decode()] = found.get(e.locations[0].uri.decode(), 0) + 1
    return dict(sorted(found.items()))


def resident(server: subprocess.Popen) -> float:
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{server.pid}/status").read_text())[1]) / 1024


def main(folder: Path, files: int, chunks: int) -> None:
    data, kept = folder / "data", folder / "index"
    data.mkdir(parents=True)
    make(data, files, chunks)
    print(f"{files} files of {chunks} chunks, {size(data) / files / chunks:.0f} bytes a chunk")
    timed("index", lambda: index(data, kept))
    print(f"  {size(kept) / files / chunks:.1f} bytes a chunk, {size(kept) / files:.0f} a file")
    before = size(kept)
    timed("index --stats", lambda: index(data, kept, "--stats"))
    print(f"  {(size(kept) - before) / files / chunks / 2:.1f} bytes a chunk and column more")
    timed("index --stats again", lambda: index(data, kept, "--stats"))
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
    ports = [s.getsockname()[1] for s in held]
    for s in held:
        s.close()
    servers = serve(data, kept, ports)
    try:
        clients = [fl.connect(f"grpc://127.0.0.1:{port}") for port in ports]
        while len(info(clients[0], file="year=2000/run000000.h5", dataset="/events").endpoints[0].locations) < 3:
            time.sleep(0.1)
        flights = timed("listing", lambda: list(clients[0].list_flights()))
        print(f"  {len(flights)} datasets; first servers of files {firsts(f.endpoints[0] for f in flights)}")
        timed("listing again", lambda: list(clients[0].list_flights()))
        whole = timed("GetFlightInfo of all as one table, 300 endpoints", lambda: info(clients[1], file="*.h5", dataset="/events", options={"endpoints": 300}))
        print(f"  {whole.total_records} rows, {sum(len(e.ticket.ticket) for e in whole.endpoints) / files:.0f} bytes of tickets a file; first servers {firsts(whole.endpoints)}")
        again = timed("again, at another server", lambda: info(clients[2], file="*.h5", dataset="/events", options={"endpoints": 300}))
        assert [e.locations for e in again.endpoints] == [e.locations for e in whole.endpoints], "servers differ"
        one = timed("one year of twenty, by its folder", lambda: info(clients[0], file="year=2003/*.h5", dataset="/events"))
        print(f"  {one.total_records} rows")
        print(f"resident: {', '.join(f'{resident(s):.0f}' for s in servers)} MB")
    finally:
        for s in servers:
            s.terminate()
        for s in servers:
            s.wait(60)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:] or (1000, 1000)))
