"""What there is in many files that are one table for each of their datasets."""

from __future__ import annotations

import functools
from collections.abc import Iterable

from ..transport.client import Members


def joined(name: str, files: Iterable[Members]) -> Members:
    """Of what a server lists of files, one such listing: the datasets that all of them have, with the rows of all. A file that cannot be
    read is told as its error; it ends whatever is read."""
    readable: list[Members] = []
    broken: list[Members] = []
    for file in files:
        (broken if "error" in file else readable).append(file)
    each = [{d["path"]: d for d in file["datasets"]} for file in readable]
    everywhere = [path for path in each[0] if all(path in other for other in each)] if each else []
    whole: Members = {"file": name, "datasets": [functools.reduce(_both, (other[path] for other in each)) for path in everywhere]}
    if broken:
        whole["error"] = f"{broken[0]['file']}: {broken[0]['error']}"
    return whole


def _both(a: Members, b: Members) -> Members:
    """Two datasets, one behind the other; what they do not agree in is left out."""
    for one in (a, b):
        if one["kind"] == "unsupported":
            return one
    both = {key: value for key, value in a.items() if b.get(key) == value} | {"kind": a["kind"], "rows": None, "shape": a.get("shape")}
    if None not in (a.get("rows"), b.get("rows")):
        both["rows"] = a["rows"] + b["rows"]
    if a.get("shape") and b.get("shape"):
        both["shape"] = [a["shape"][0] + b["shape"][0], *a["shape"][1:]]
    return both
