"""How much faster several helper processes read plug-in filters than one: python docs/bench/plugins.py [MB].

Serves one file with zfp, sz3 and many small zfp chunks, once with one helper and once with two, and reads it from both
in turn, so that whatever else the machine does hits both. The least time of each counts; the bare reader is h5py in one
process. Environment: MTFLIGHT names the binary (bin/mtflight), ROUNDS the number of turns (9).
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
    server = subprocess.Popen([BINARY, "serve", "--listen", "grpc://127.0.0.1:0", "--helpers", str(helpers), "--log-level", "error", root],
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


def main() -> None:
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 64
    with tempfile.TemporaryDirectory() as root:
        path = Path(root) / "f.h5"
        write(path, megabytes)
        one, two = serve(root, 1), serve(root, 2)
        print(f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}, {megabytes} MiB each, least of {ROUNDS} turns; MB/s of decoded data")
        for name in DATASETS:
            times = [(through(one[1], name), through(two[1], name), bare(path, name)) for _ in range(ROUNDS + 1)][1:]
            a, b, h = (min(t) for t in zip(*times))
            size = (megabytes << 20) / 1e6
            print(f"{name:10} 1 helper {size / a:6.0f}   2 helpers {size / b:6.0f}   ratio {a / b:.2f}   h5py {size / h:6.0f}")
        for server, client in (one, two):
            client.close()
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
