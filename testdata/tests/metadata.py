"""Holds what the action `list` tells of files against libhdf5's reading (metadata_h5py.py), object by object.

Counts are of objects, links and attributes: equal, different (with both values), refused (by reason), and apart what
libhdf5 itself cannot read.
"""

from __future__ import annotations

import collections
import json
import math
import re
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import metadata_h5py
import numpy as np
import pyarrow as pa
import pyarrow.flight as fl

FAILURES = (pa.ArrowException, fl.FlightError, KeyError, NotImplementedError)
KINDS = {"groups": "object", "types": "object", "datasets": "object", "links": "link"}
SHOWN = 20
UNKNOWN = object()


class Witness:
    """Dumps files by a process of its own, since libhdf5 crashes, or never ends, over some damaged ones."""

    def __init__(self, library: str | None = None, seconds: float = 20):
        self.command = [sys.executable, metadata_h5py.__file__, "--many", *filter(None, [library])]
        self.seconds, self.process = seconds, None

    def dump(self, path: Path) -> dict:
        """The tree, or {"error": reason} if there is none."""
        if self.process is None or self.process.poll() is not None:
            self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.process.stdin.write(f"{path}\n")
        self.process.stdin.flush()
        late = threading.Timer(self.seconds, self.process.kill)
        late.start()
        line = self.process.stdout.readline()
        late.cancel()
        if line:
            return json.loads(line)
        self.process.wait()
        return {"error": "libhdf5 crashes or does not end"}

    def close(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()


@dataclass
class Judge:
    """Compares files and keeps count; client is asked for attributes that a list only tells the size of."""

    client: fl.FlightClient
    counts: collections.Counter = field(default_factory=collections.Counter)
    refused: collections.Counter = field(default_factory=collections.Counter)
    different: list[str] = field(default_factory=list)
    file: str = ""

    def compare(self, file: str, want: dict, got: dict | None) -> None:
        self.file = file
        if got is None or "error" in got:
            reason = "not listed" if got is None else got["error"]
            if "error" in want:
                self.counts["file: both refuse"] += 1
            elif got is None:
                self.differ("file", "", want, reason)
            else:
                self.refuse("file", reason)
            return
        if "error" in want:
            self.counts["file: only libhdf5 refuses"] += 1
            return
        self.counts["file: compared"] += 1
        self.objects(want, by_path(got))

    def objects(self, want: dict, got: dict) -> None:
        broken = {path: o["error"] for path, o in got["groups"].items() if o.get("error")}
        unsure = [path for kind in ("groups", "datasets") for path, o in want[kind].items() if "error" in o]
        for kind, what in KINDS.items():
            expected = {path: o for path, o in want[kind].items() if not hidden(path)}
            for path, o in expected.items():
                other = got[kind].get(path)
                if "error" in o or other is None and below(path, unsure):
                    self.counts[f"{what}: libhdf5 refuses"] += 1
                elif other is None:
                    above = below(path, broken)
                    self.refuse(what, broken[above]) if above else self.differ(what, path, o, "missing")
                elif kind == "links":
                    self.same(what, path, {"order": 0, **o}, {"order": 0, **{k: other.get(k, "") for k in (*o, *({"order"} & other.keys()))}})
                else:
                    self.object(path, kind, o, other)
            for path in got[kind].keys() - expected.keys():
                if not below(path, unsure):
                    self.differ(what, path, "absent", got[kind][path])

    def object(self, path: str, kind: str, want: dict, got: dict) -> None:
        if want.get("order") != got.get("order"):
            self.differ("object", path, f"order {want.get('order')}", f"order {got.get('order')}")
        if got.get("error"):
            self.refuse("object", got["error"])
        elif kind == "datasets" and want["shape"] is not None and got["shape"] is None:
            self.refuse("object", got.get("reason", "no reason"))
        else:
            self.same("object", path, want.get("shape"), got.get("shape"))
        self.attributes(path, want["attributes"], got["attributes"] or {})

    def attributes(self, path: str, want: dict, got: dict) -> None:
        whole = None if "" in want else refusal(got.get("", 0))
        large = [name for name, v in got.items() if is_size(v) and not is_size(want.get(name))]
        fetched = self.fetch(path, large)
        for name, value in want.items():
            if refusal(value) and refusal(got.get(name, 0)):
                self.counts["attribute: both refuse"] += 1
            elif refusal(value):
                self.counts["attribute: only libhdf5 refuses"] += 1
            elif name not in got:
                self.refuse("attribute", whole) if whole else self.differ("attribute", f"{path} @{name}", value, "missing")
            else:
                self.value(f"{path} @{name}", value, fetched.get(name, got[name]))
        for name in got.keys() - want.keys():
            if not (whole and name == "" or refusal(want.get("", 0))):
                self.differ("attribute", f"{path} @{name}", "absent", got[name])

    def value(self, where: str, want: Any, got: Any) -> None:
        if refusal(got) and not same(want, got):
            self.refuse("attribute", refusal(got))
        else:
            self.same("attribute", where, want, got)

    def fetch(self, path: str, names: list[str]) -> dict:
        if not names:
            return {}
        body = json.dumps({"file": self.file, "object": path, "names": names}).encode()
        try:
            found = list(self.client.do_action(fl.Action("attributes", body)))
        except FAILURES as e:
            return dict.fromkeys(names, {"unreadable": f"action attributes: {e}"})
        return parsed(found[0].body.to_pybytes())

    def same(self, what: str, where: str, want: Any, got: Any) -> None:
        if same(want, got):
            self.counts[f"{what}: equal"] += 1
        else:
            self.differ(what, where, want, got)

    def differ(self, what: str, where: str, want: Any, got: Any) -> None:
        self.counts[f"{what}: different"] += 1
        self.different.append(f"{self.file} {what} {where}: want {short(want)}, got {short(got)}")

    def refuse(self, what: str, reason: str) -> None:
        self.counts[f"{what}: refused"] += 1
        self.refused[f"{what}: {general(reason)}"] += 1

    def report(self) -> str:
        lines = [f"{n:8} {what}" for what, n in sorted(self.counts.items())]
        lines += [f"{n:8} refused {why}" for why, n in self.refused.most_common()]
        return "\n".join(lines + self.different[:SHOWN])

    def wrong(self, allowed: list[str]) -> list[str]:
        """What is different, and what is refused by a reason that is not allowed."""
        refused = [f"refused {n} times: {why}" for why, n in self.refused.most_common() if not any(re.search(a, why) for a in allowed)]
        return self.different[:SHOWN] + ([f".. and {len(self.different) - SHOWN} more"] if len(self.different) > SHOWN else []) + refused


def listing(client: fl.FlightClient, file: str = "") -> dict[str, dict]:
    """The trees of the files chosen by a glob, by name."""
    body = json.dumps({"file": file} if file else {}).encode()
    trees = (parsed(r.body.to_pybytes()) for r in client.do_action(fl.Action("list", body)))
    return {t["file"]: t for t in trees}


def parsed(text: bytes) -> dict:
    return json.loads(text, parse_int=lambda s: -0.0 if s == "-0" else int(s))


def by_path(tree: dict) -> dict:
    out: dict = {"groups": {}, "types": {}, "datasets": {}, "links": {o["path"]: o for o in tree["links"]}}
    for g in tree["groups"]:
        out["types" if g.get("named_type") else "groups"][g["path"]] = g
    for d in tree["datasets"]:
        if d["path"] not in out["groups"]:  # one that stands for what is missing of a group
            out["datasets"][d["path"]] = d
    return out


def below(path: str, roots) -> str | None:
    """The root that a path is below, or is."""
    return next((r for r in roots if (path + "/").startswith(r.rstrip("/") + "/")), None)


def hidden(path: str) -> bool:
    return "/_i_" in path or "/_p_" in path


def refusal(value: Any) -> str | None:
    """Why an attribute has no value."""
    if isinstance(value, dict) and len(value) == 1:
        reason = value.get("unreadable", value.get("error"))
        return reason if isinstance(reason, str) else None
    return None


def is_size(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {"bytes"}


def same(a: Any, b: Any) -> bool:
    """Equality of JSON: 1 is 1.0, but not true, and -0.0 is not 0.0."""
    match a, b:
        case (bool(), _) | (_, bool()):
            return a is b
        case (dict(), dict()):
            return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
        case (list(), list()):
            return len(a) == len(b) and all(map(same, a, b))
        case (int() | float(), int() | float()):
            return a == b and math.copysign(1, a) == math.copysign(1, b) or tied(a, b)
    return a == b


def tied(a: float, b: float) -> bool:
    """Two shortest decimals of one float32 may be equally near to it; Go takes the one, NumPy the other."""
    with np.errstate(over="ignore"):
        x, y = np.float32(a), np.float32(b)
    return bool(x == y and np.isfinite(x)) and abs(Decimal(repr(a)) - Decimal(float(x))) == abs(Decimal(repr(b)) - Decimal(float(x)))


def general(reason: str) -> str:
    """A reason without what is particular to one case."""
    return re.sub(r"0x[0-9a-f]+|\d+", "N", re.sub(r"\"[^\"]*\"", '".."', reason))[:200]


def short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) < 160 else text[:160] + ".."
