"""Compares mtflight with other readers, in one run: see docs/performance.md.

    make bench                    a table of 8M rows (512 MB) and an array of as many bytes, each with three filters
    BENCH_ROWS=500000 make bench  a quick look
    BENCH_REPEATS=5 make bench    more rounds

Each contender reads everything in a process of its own, in turn, round after round, with the files in the page cache.
The figures are MB/s (10^6 bytes of decoded data), the median of the rounds, of reading alone: starting a process and
opening the file are not counted for anybody. mtflight serve keeps no columns (--cache 0), or it would read nothing again.
mtflight get reads once, cold; the others twice, and the faster counts.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import statistics
import subprocess
import sys
from pathlib import Path

import data

CLONE = Path(__file__).resolve().parents[2]
BENCH = CLONE / ".bench"
HERE = Path(__file__).resolve().parent
ROWS = int(os.environ.get("BENCH_ROWS", 8_000_000))
REPEATS = int(os.environ.get("BENCH_REPEATS", 3))
UNITS = {"MB": 1, "GB": 1024}
MTFLIGHT = CLONE / "bin" / "mtflight"

ROUNDS = [  # contender, environment, what it is called in the table
    ("pytables", ".venv", "PyTables"),
    ("arrow", ".venv", "PyTables to Arrow"),
    ("h5py", ".venv", "h5py"),
    ("multitables", ".venv-multitables", "multitables, 2 processes"),
    ("hidefix", ".venv-hidefix", "hidefix, 2 threads"),
    ("get", None, "**mtflight get**, in process"),
    ("served", ".venv", "**mtflight serve** to pyarrow"),
    ("memory", ".venv", "pyarrow server from memory (limit)"),
    ("decode", ".venv-decoders", "decoder alone, 2 threads (limit)"),
]


def cpu(pid: int) -> float:
    """Seconds of CPU of a process and of its children, also those that have ended."""
    total = 0.0
    with contextlib.suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        total += sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
        for task in Path(f"/proc/{pid}/task").iterdir():
            total += sum(cpu(int(child)) for child in (task / "children").read_text().split())
    return total


class Server:
    """A server process; its location is the first thing like one that it prints."""

    def __init__(self, *command: str):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for line in self.process.stdout:
            if "grpc://" in line:
                self.location = "grpc://" + line.split("grpc://")[1].split()[0]
                break

    def stop(self) -> None:
        self.process.stdin.close()
        self.process.terminate()
        self.process.wait()


def contend(name: str, venv: str, *args: str) -> dict:
    python = CLONE / venv / "bin" / "python"
    if not python.exists():
        return {"left out": f"{venv} could not be made"}
    done = subprocess.run([python, HERE / "contenders.py", name, *args], capture_output=True, text=True)
    if done.returncode:
        print(done.stderr[-2000:], file=sys.stderr)
        return {"left out": "failed"}
    return json.loads(done.stdout.splitlines()[-1])


def get(file: Path, total: int, dataset: str = "/data") -> dict:
    done = subprocess.run([MTFLIGHT, "get", file, dataset, "--format", "none"], check=True, capture_output=True, text=True)
    size, rate = (float(number) * UNITS[unit] for number, unit in re.findall(r"([0-9.]+) ([MG]B)\b", done.stdout))
    return {"seconds": size / rate, "bytes": total}


def served(server: Server, name: str) -> dict:
    before = cpu(server.process.pid)
    out = contend("flight", ".venv", server.location, name)
    if "seconds" in out:
        out["cpu"] = (cpu(server.process.pid) - before) / (2 * out["bytes"] / 1e9)
    return out


def measure(kind: str, filters: str) -> dict[str, list[dict]]:
    """All contenders over one file, round after round."""
    file = data.make(BENCH, kind, filters, ROWS)
    total = ROWS * data.ROW.itemsize if kind == "table" else max(1, ROWS * 64 // 4096) * 4096
    file.read_bytes()  # into the page cache
    ours = Server(str(MTFLIGHT), "serve", "--cache", "0", "--listen", "grpc://127.0.0.1:0", str(BENCH))
    theirs = Server(str(CLONE / ".venv/bin/python"), str(HERE / "memory_server.py"), str(file))
    out: dict[str, list[dict]] = {name: [] for name, _, _ in ROUNDS}
    try:
        for _ in range(REPEATS):
            for name, venv, _ in ROUNDS:
                out[name].append(turn(name, venv, file, total, ours, theirs))
    finally:
        ours.stop()
        theirs.stop()
    return out


def turn(name, venv, file, total, ours, theirs) -> dict:
    if name == "get":
        return get(file, total)
    if name == "served":
        return served(ours, file.name)
    if name == "memory":
        return served(theirs, "")
    return contend(name, venv, str(file))


def rate(results: list[dict]) -> float | None:
    rates = [r["bytes"] / r["seconds"] / 1e6 for r in results if "seconds" in r]
    return statistics.median(rates) if rates else None


def report(cells: dict[tuple[str, str], dict[str, list[dict]]]) -> None:
    print("\n| MB/s |", " | ".join(f"{k} {f}" for k, f in cells), "|")
    print("|---|" + "--:|" * len(cells))
    for name, _, title in ROUNDS:
        rates = [rate(results[name]) for results in cells.values()]
        print(f"| {title} |", " | ".join(f"{r:.0f}" if r else "-" for r in rates), "|")
    for name, title in (("served", "mtflight serve"), ("memory", "pyarrow server")):
        used = [statistics.median(r["cpu"] for r in results[name] if "cpu" in r) for results in cells.values()]
        print(f"| CPU s/GB, {title} |", " | ".join(f"{u:.2f}" for u in used), "|")
    print()
    ratio(cells, "get", "arrow", "in process, times PyTables to Arrow")
    ratio(cells, "get", "hidefix", "in process, times hidefix")
    ratio(cells, "get", "decode", "in process, times the decoder alone")
    ratio(cells, "served", "memory", "served, times pyarrow's server from memory")


def ratio(cells, ours: str, theirs: str, title: str) -> None:
    """Medians of the ratios within a round, so that a slow spell of the machine falls on both."""
    parts = []
    for (kind, filters), results in cells.items():
        pairs = [o["bytes"] / o["seconds"] / (t["bytes"] / t["seconds"])
                 for o, t in zip(results[ours], results[theirs]) if "seconds" in o and "seconds" in t]
        if pairs:
            parts.append(f"{kind} {filters} {statistics.median(pairs):.2f}")
    print(f"{title}: " + ", ".join(parts))


def main() -> None:
    BENCH.mkdir(exist_ok=True)
    cells = {}
    for kind in data.KINDS:
        for filters in data.READ:
            cells[kind, filters] = measure(kind, filters)
            file = data.path(BENCH, kind, filters, ROWS)
            print(f"{kind} {filters}: {file.stat().st_size / 1e6:.0f} MB in the file", file=sys.stderr)
    report(cells)
    (BENCH / "results.json").write_text(json.dumps({f"{k} {f}": r for (k, f), r in cells.items()}, indent=1))


if __name__ == "__main__":
    main()
