"""How much faster several helper processes read plug-in filters than one: python docs/bench/plugins.py [MB].

Serves one file with zfp, sz3 and many small zfp chunks, once with one helper and once with two, and reads it from both
in turn, so that whatever else the machine does hits both. The least time of each counts; the bare reader is h5py in one
process. Beside them are CPU seconds per GB of client, server and two helpers, and how much of the cores these were: where it
is nearly all, more helpers are no faster. Environment: MTFLIGHT names the binary (bin/mtflight), ROUNDS the number of
turns (9).
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py
import hdf5plugin
import numpy as np
import pyarrow.flight as fl

BINARY = os.environ.get("MTFLIGHT", str(Path(__file__).resolve().parents[2] / "bin" / "mtflight"))
ROUNDS = int(os.environ.get("ROUNDS", 9))
DATASETS = ("zfp", "sz3", "small_zfp")


def write(path: Path, megabytes: int) -> None:
    wave = np.cumsum(np.random.default_rng(1).normal(size=(megabytes << 6, 64, 64)), axis=0).astype("f4")
    with h5py.File(path, "w") as f:
        f.create_dataset("zfp", data=wave, chunks=(64, 64, 64), **hdf5plugin.Zfp(accuracy=0.001))
        f.create_dataset("sz3", data=wave, chunks=(64, 64, 64), **hdf5plugin.SZ3(absolute=0.001))
        f.create_dataset("small_zfp", data=wave, chunks=(4, 16, 16), **hdf5plugin.Zfp(rate=16))


def serve(root: str, helpers: int) -> tuple[subprocess.Popen, fl.FlightClient]:
    server = subprocess.Popen([BINARY, "serve", "--cache", "0", "--listen", "grpc://127.0.0.1:0", "--helpers", str(helpers), "--log-level", "error", root],
                              stdout=subprocess.PIPE, text=True, env={**os.environ, "HDF5_PLUGIN_PATH": hdf5plugin.PLUGIN_PATH})
    for line in server.stdout:
        if found := re.search(r"on (grpc://\S+)", line):
            return server, fl.connect(found[1].rstrip(","))
    raise SystemExit("the server does not start")


def through(client: fl.FlightClient, name: str) -> float:
    began = time.perf_counter()
    for _ in client.do_get(fl.Ticket(json.dumps({"file": "f.h5", "dataset": f"/{name}"}))):
        pass
    return time.perf_counter() - began


def bare(path: Path, name: str) -> float:
    began = time.perf_counter()
    with h5py.File(path) as f:
        for i in range(0, len(f[name]), 64):
            f[name][i:i + 64]
    return time.perf_counter() - began


def seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def spent(server: int) -> np.ndarray:
    """CPU seconds until now of this process, the server, and its helpers together."""
    helpers = [int(pid) for task in Path(f"/proc/{server}/task").iterdir() for pid in (task / "children").read_text().split()]
    return np.array([seconds(os.getpid()), seconds(server), sum(map(seconds, helpers))])


def measured(served: tuple[subprocess.Popen, fl.FlightClient], name: str) -> tuple[float, np.ndarray]:
    before = spent(served[0].pid)
    took = through(served[1], name)
    return took, spent(served[0].pid) - before


def main() -> None:
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 64
    with tempfile.TemporaryDirectory() as root:
        path = Path(root) / "f.h5"
        write(path, megabytes)
        one, two = serve(root, 1), serve(root, 2)
        print(f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}, {megabytes} MiB each, least of {ROUNDS} turns; MB/s of decoded data")
        for name in DATASETS:
            for served in (one, two):  # helpers start that have the plug-in, and nothing else comes cold
                through(served[1], name)
            turns = [(measured(one, name), measured(two, name), bare(path, name)) for _ in range(ROUNDS)]
            a, b, h = (min(t) for t in zip(*((one[0], two[0], bare) for one, two, bare in turns)))
            cpu, size = np.mean([t[1][1] for t in turns], axis=0), (megabytes << 20) / 1e6
            busy = cpu.sum() / np.mean([t[1][0] for t in turns]) / os.cpu_count()
            print(f"{name:10} 1 helper {size / a:6.0f}   2 helpers {size / b:6.0f}   ratio {a / b:.2f}   h5py {size / h:6.0f}   "
                  f"CPU s/GB {' + '.join(f'{c / size * 1e3:.2f}' for c in cpu)} = {busy:.0%} of the cores", flush=True)
        for server, client in (one, two):
            client.close()
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
