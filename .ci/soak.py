"""make soak: a server under mixed load with faults, whose memory, descriptors, goroutines and helpers must not grow.

    python .ci/soak.py BINARY SECONDS OUT.json

Clients read whole, by slice and by condition, leave early, and ask damaged files; files are replaced and helpers killed meanwhile.
Memory is Pss_Anon and Pss_Shmem of the server and its helpers. The first twelfth of the time, at most ten minutes, is for getting warm; then
the means of the first and of the last such part are compared. Exit 1: something grew by more than 5 % and a little, the server failed, or
a value was wrong.
"""

import contextlib
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

import pyarrow as pa
import pyarrow.flight as fl

TESTDATA = Path(__file__).parent.parent / "testdata"
FILES = ["tables.h5", "arrays.h5", "latest.h5", "layouts.h5"]
LITTLE = {"memory": 16 << 20, "descriptors": 16, "goroutines": 16, "helpers": 2}


def children(pid: int) -> list[int]:
    return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()] + [
        int(p) for t in Path(f"/proc/{pid}/task").iterdir() if t.name != str(pid) for p in (t / "children").read_text().split()]


def pss(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return sum(int(kb) << 10 for kb in re.findall(r"^Pss_(?:Anon|Shmem): +(\d+)", text, re.M))


def same(a: pa.Table, b: pa.Table) -> bool:
    return a.equals(b) or a.schema.equals(b.schema) and repr(a.to_pylist()) == repr(b.to_pylist())  # NaN is not equal to itself


class Soak:
    def __init__(self, binary: str, folder: Path):
        self.root, self.done, self.errors, self.wrong, self.ended = folder, 0, 0, [], threading.Event()
        for name in FILES:
            shutil.copy(TESTDATA / name, folder / name)
        self.damage(random.Random(0))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.admin = f"127.0.0.1:{free.getsockname()[1]}"
        self.log = open(folder.parent / "log", "w+")
        self.process = subprocess.Popen([binary, "serve", "--listen", "grpc://127.0.0.1:0", "--admin", self.admin, "--memory", "256MB", "--log-level", "info", folder],
                                        stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.location = re.search(r"grpc://\S+:\d+", self.process.stdout.readline())[0]
        self.expected = {}
        client = fl.connect(self.location)
        for info in client.list_flights():
            file, dataset = (p.decode() for p in info.descriptor.path) if len(info.descriptor.path) == 2 else (None, None)
            if file in FILES and info.total_records > 0:
                self.expected[file, dataset] = self.get(client, file, dataset)

    def get(self, client, file, dataset, **request):
        return client.do_get(fl.Ticket(json.dumps({"file": file, "dataset": dataset, **request})), fl.FlightCallOptions(timeout=60)).read_all()

    def damage(self, rng):
        data = bytearray((TESTDATA / rng.choice(FILES)).read_bytes())
        for _ in range(4):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        (self.root / "new").write_bytes(data)
        (self.root / "new").rename(self.root / "damaged.h5")

    def load(self, seed: int):
        rng, client = random.Random(seed), fl.connect(self.location)
        while not self.ended.is_set():
            (file, dataset), want = rng.choice(list(self.expected.items()))
            try:
                match rng.randrange(5):
                    case 0 | 1:
                        self.hold(same(self.get(client, file, dataset), want), f"{file} {dataset}")
                    case 2:
                        start, stop = sorted(rng.randrange(want.num_rows + 1) for _ in range(2))
                        self.hold(same(self.get(client, file, dataset, start=start, stop=stop), want.slice(start, stop - start)), f"{file} {dataset} {start}:{stop}")
                    case 3:
                        reader = client.do_get(fl.Ticket(json.dumps({"file": file, "dataset": dataset, "batch_rows": 1 + want.num_rows // 50})))
                        reader.read_chunk()
                        reader.cancel()
                    case 4:
                        self.get(client, "damaged.h5", dataset)
            except (pa.ArrowException, fl.FlightError, StopIteration, KeyError):
                self.errors += 1
            self.done += 1

    def hold(self, right: bool, what: str):
        if not right:
            self.wrong.append(what)

    def faults(self):
        rng = random.Random(1)
        while not self.ended.wait(2):
            self.damage(rng)
            shutil.copy(TESTDATA / (name := rng.choice(FILES)), self.root / "new")
            (self.root / "new").rename(self.root / name)
            for pid in children(self.process.pid):
                with contextlib.suppress(ProcessLookupError):  # it ended meanwhile
                    os.kill(pid, signal.SIGKILL)

    def sample(self) -> dict:
        pid = self.process.pid
        helpers = children(pid)
        row = {"memory": pss(pid) + sum(map(pss, helpers)), "descriptors": len(os.listdir(f"/proc/{pid}/fd")), "helpers": len(helpers), "requests": self.done, "errors": self.errors}
        text = urllib.request.urlopen(f"http://{self.admin}/metrics", timeout=10).read().decode()
        row["goroutines"] = int(re.search(r"^go_goroutines (\d+)", text, re.M)[1])
        return row


def mean(rows, name):
    values = [r[name] for r in rows if name in r]
    return sum(values) / len(values) if values else 0


def main(binary: str, seconds: float, out: str) -> int:
    with tempfile.TemporaryDirectory() as folder:
        (root := Path(folder) / "root").mkdir()
        s = Soak(binary, root)
        threads = [threading.Thread(target=s.load, args=(k,)) for k in range(4)] + [threading.Thread(target=s.faults)]
        for t in threads:
            t.start()
        rows, begun, every = [], time.monotonic(), max(1.0, min(10.0, seconds / 100))
        while (at := time.monotonic() - begun) < seconds and s.process.poll() is None:
            rows.append({"at": round(at, 1), **s.sample()})
            time.sleep(every)
        s.ended.set()
        for t in threads:
            t.join()
        s.process.terminate()
        code = s.process.wait(60)
        part = min(600.0, seconds / 12)
        first = [r for r in rows if part <= r["at"] < 2 * part]
        last = [r for r in rows if r["at"] >= rows[-1]["at"] - part]
        grown = {n: [mean(first, n), mean(last, n)] for n in LITTLE if mean(last, n) > 1.05 * mean(first, n) + LITTLE[n]}
        rates = [(w[-1]["requests"] - w[0]["requests"]) / max(w[-1]["at"] - w[0]["at"], 1) for w in (first, last)]
        panics = len(re.findall("panic|fatal error", Path(s.log.name).read_text()))
        verdict = {"held": not grown and not s.wrong and not panics and code == 0, "grown": grown, "wrong": s.wrong[:20], "panics": panics, "exit": code,
                   "requests": s.done, "errors": s.errors, "requests_a_second": rates, "first": {n: mean(first, n) for n in LITTLE}, "last": {n: mean(last, n) for n in LITTLE}}
        Path(out).write_text(json.dumps({"verdict": verdict, "samples": rows}, indent=1))
        print(json.dumps(verdict, indent=1))
        return not verdict["held"]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], float(sys.argv[2]), sys.argv[3]))
