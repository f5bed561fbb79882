"""Random conditions of the kinds that numexpr does not know, each with its truth for every row worked out in whole numbers
and fractions: exact 64-bit unsigned integers, times and durations as text, names of enumerations, elements of lists, null."""

from __future__ import annotations

import operator
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import h5py
import numpy as np

OPS: dict[str, Callable] = {"==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
FLIPPED = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
KINDS = {"e": 1, "mu": 2, "tau lepton": 7}
DAY = datetime(2024, 2, 29, 12, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ROWS, CHUNK = 1200, 50
WHOLE = np.iinfo("u8").max
HIGH = 2**63 - 1  # h5py makes no enumeration of more

Term = tuple[str, list[bool]]


def exact(v) -> Fraction | None:
    """A number as a fraction; None for NaN, infinities beyond all else."""
    if v is None or v != v:
        return None
    if v in (float("inf"), float("-inf")):
        return Fraction(10**400 if v > 0 else -10**400)
    return Fraction(int(v) if isinstance(v, (np.integer, np.bool_)) else float(v) if isinstance(v, np.floating) else v)


def related(op: str, a: Fraction | None, b: Fraction | None) -> bool:
    return op == "!=" if a is None or b is None else OPS[op](a, b)


def ticks(values: np.ndarray, per_second: int) -> list[Fraction | None]:
    return [None if np.isnat(v) else Fraction(int(v.astype("i8")), per_second) for v in values]


def write(path: Path) -> None:
    """One table of h5py's, in order by chunks in some columns, so that statistics leave chunks out."""
    rng = np.random.default_rng(41)
    n = ROWS
    dtype = np.dtype([("row", "i4"), ("u", "u8"), ("sorted u", "u8"), ("i", "i8"), ("f", "f8"), ("when", "V8"), ("late", "V8"), ("took", "V8"),
                      ("kind", h5py.enum_dtype(KINDS, "i2")), ("big", h5py.enum_dtype({"low": 0, "high": HIGH}, "u8")), ("ok", "?"),
                      ("pos", "i4", (3,)), ("m", ">f4", (2, 3)), ("words", "S3", (2,)), ("flags", "?", (2,)), ("u`s", "u8", (2,))])
    a = np.zeros(n, dtype)
    a["row"] = np.arange(n)
    a["u"] = rng.choice(np.array([0, 1, 5, 2**53, 2**53 + 1, 2**63 - 1, 2**63, 2**63 + 1, WHOLE], "u8"), n)
    a["sorted u"] = np.sort(rng.integers(0, WHOLE, n, dtype="u8", endpoint=True))
    a["i"] = rng.choice(np.array([0, -1, 5, 2**53 + 1, 2**63 - 1, -2**63], "i8"), n)
    a["f"] = rng.choice([0, -0.5, 5, 2.0**53, 2.0**63, 2.0**64, np.nan, np.inf], n)
    base = int((DAY - EPOCH).total_seconds())
    times = {}
    for name, unit, values in (("when", "M8[ms]", base * 1000 + rng.integers(-1500, 1500, n)), ("took", "m8[us]", rng.integers(-10, 10, n) * 900_000_000),
                               ("late", "M8[s]", base + np.arange(n) * 60)):
        v = values.astype("i8").astype(unit)
        v[rng.random(n) < (0.1 if name != "late" else 0)] = "NaT"
        times[name], a[name] = v, v.view("V8")
    a["kind"], a["big"] = rng.choice([1, 2, 7, 3], n), rng.choice(np.array([0, HIGH, 4], "u8"), n)
    a["ok"] = rng.random(n) < 0.5
    a["pos"], a["m"] = rng.integers(0, 3, (n, 3)), rng.integers(-2, 3, (n, 2, 3)) + np.arange(n)[:, None, None] // 300
    a["words"], a["flags"] = rng.choice([b"a", b"bc", b""], (n, 2)), rng.random((n, 2)) < 0.5
    a["u`s"] = rng.choice(np.array([0, 2**63 + 1, WHOLE], "u8"), (n, 2))
    with h5py.File(path, "w") as f:
        named = np.dtype([(k, h5py.opaque_dtype(times[k].dtype) if k in times else dtype[k]) for k in dtype.names])
        for name, filters in (("raw", {}), ("zip", {"compression": 1, "shuffle": True})):
            f.create_dataset(name, data=a.astype(dtype).view(named), chunks=(CHUNK,), **filters)
        lists = f.create_dataset("lists", (n,), h5py.vlen_dtype("f4"), chunks=(CHUNK,))
        for row in range(n):
            lists[row] = rng.integers(-2, 3, rng.integers(0, 4))


class Drawn:
    """What the file holds, and conditions over it."""

    def __init__(self, path: Path, seed: str):
        self.rng = random.Random(seed)
        with h5py.File(path) as f:
            self.table, self.lists = f["raw"][:], list(f["lists"][:])
        self.n = len(self.table)
        self.times = {"when": ticks(self.table["when"], 1000), "late": ticks(self.table["late"], 1), "took": ticks(self.table["took"], 10**6)}

    def term(self) -> Term:
        name = self.rng.choice(["constant", "columns", "mask", "time", "duration", "enum", "element", "null", "truth"])
        return getattr(self, name)()

    def related(self, left: str, a: list, right: str, b: list | Fraction | None) -> Term:
        """left op right, or the other way."""
        op = self.rng.choice(list(OPS))
        b = b if isinstance(b, list) else [b] * self.n
        text = f"({left} {op} {right})" if self.rng.random() < 0.7 else f"({right} {FLIPPED[op]} {left})"
        return text, [related(op, x, y) for x, y in zip(a, b, strict=True)]

    def column(self, name: str) -> list:
        return [exact(v) for v in self.table[name]]

    def constant(self) -> Term:
        column = self.rng.choice(["u", "`sorted u`"])
        value = self.rng.choice([0, 5, -1, 2**53 + 1, 2**63 - 1, 2**63, WHOLE, WHOLE + 1, -10**30, 0.5, 2.0**63, 9.5e18, int(self.rng.choice(self.table["sorted u"]))])
        return self.related(column, self.column(column.strip("`")), repr(value), exact(value))

    def columns(self) -> Term:
        other = self.rng.choice(["i", "f", "`sorted u`"])
        return self.related("u", self.column("u"), other, self.column(other.strip("`")))

    def mask(self) -> Term:
        mask = self.rng.choice([1, 4, 2**63, WHOLE])
        op, apply = self.rng.choice([("&", operator.and_), ("|", operator.or_), ("^", operator.xor), ("%", operator.mod), ("//", operator.floordiv)])
        values = [Fraction(apply(int(v), mask)) for v in self.table["u"]]
        value = self.rng.choice([0, 1, 2**63])
        return self.related(f"(u {op} {mask})", values, str(value), Fraction(value))

    def time(self) -> Term:
        name = self.rng.choice(["when", "late"])
        at = DAY + timedelta(seconds=self.rng.choice([-1, 0, 1, 60, 600, 30_000, 10**9, -2 * 10**9]))
        fraction = self.rng.choice(["", ".5", ".001", ".0005", ",25", ".000000000001"])
        text = at.strftime("%Y-%m-%dT%H:%M:%S") + fraction
        value = Fraction(int((at - EPOCH).total_seconds())) + (Fraction("0." + fraction[1:]) if fraction else 0)
        if not fraction and self.rng.random() < 0.3:
            day = at.replace(hour=0, minute=0, second=0)
            text, value = at.strftime(self.rng.choice(["%Y-%m-%d", "%Y-%m-%d 00:00"])), Fraction(int((day - EPOCH).total_seconds()))
        return self.related(name, self.times[name], f"'{text}'", value)

    def duration(self) -> Term:
        text, value = self.rng.choice([("PT15M", 900), ("-PT15M", -900), ("PT0S", 0), ("PT0.0000001S", Fraction(1, 10**7)), ("P1DT2H", 93600),
                                       ("-PT1H30M", -5400), ("P2W", 1209600), ("PT899.9999995S", Fraction(8999999995, 10**7))])
        return self.related("took", self.times["took"], f"'{text}'", Fraction(value))

    def enum(self) -> Term:
        name, value = self.rng.choice(list(KINDS.items()))
        kind = self.table["kind"]
        return self.rng.choice([
            (f"(kind == '{name}')", list(kind == value)), (f"('{name}' != kind)", list(kind != value)),
            (f"(kind not in ('{name}', 3))", list((kind != value) & (kind != 3))), ("(big == 'high')", list(self.table["big"] == HIGH)),
            (f"(kind <= {value})", list(kind <= value)), ("(kind == chosen)", list(kind == 2)),
        ])

    def element(self) -> Term:
        i, j, k = self.rng.randrange(-3, 3), self.rng.randrange(-2, 2), self.rng.randrange(-3, 3)
        name, values = self.rng.choice([(f"pos[{i}]", self.table["pos"][:, i]), (f"m[{j}, {k}]", self.table["m"][:, j, k]),
                                        (f"m[{j}][{k}]", self.table["m"][:, j, k]), (f"`u``s`[{j}]", self.table["u`s"][:, j])])
        value = self.rng.choice([0, 1, 2, 2**63 + 1] if name[0] == "`" else [0, 1, 2])
        return self.related(name, [exact(v) for v in values], str(value), Fraction(value))

    def null(self) -> Term:
        name = self.rng.choice(["when", "took", "kind", "ok", "big"])
        missing = {"ok": [False] * self.n, "kind": list(self.table["kind"] == 3), "big": list(self.table["big"] == 4)}.get(name)
        missing = [t is None for t in self.times[name]] if missing is None else missing
        return self.rng.choice([(f"({name} is null)", missing), (f"({name} is not null)", [not m for m in missing]), (f"is_null({name})", missing)])

    def truth(self) -> Term:
        j = self.rng.randrange(-2, 2)
        return self.rng.choice([("ok", list(self.table["ok"])), (f"flags[{j}]", list(self.table["flags"][:, j])),
                                (f"(words[{j}] == 'bc')", list(self.table["words"][:, j] == b"bc")),
                                (f"startswith(words[{j}], 'b')", list(self.table["words"][:, j] == b"bc"))])

    def condition(self) -> Term:
        text, rows = self.term()
        while self.rng.random() < 0.5:
            more, its = self.term()
            if self.rng.random() < 0.6:
                text, rows = f"({text} & {more})", [a and b for a, b in zip(rows, its, strict=True)]
            else:
                text, rows = f"({text} or not {more})", [a or not b for a, b in zip(rows, its, strict=True)]
        return text, rows

    def of_lists(self) -> Term:
        """Over the lists of any length."""
        k = self.rng.randrange(-4, 4)
        values = [exact(v[k]) if -len(v) <= k < len(v) else None for v in self.lists]
        if self.rng.random() < 0.2:
            return f"lists[{k}] is null", [v is None for v in values]
        if self.rng.random() < 0.3:
            return self.related(f"(lists[{k}] + 1)", [None if v is None else v + 1 for v in values], "1", Fraction(1))
        return self.related(f"lists[{k}]", values, "0", Fraction(0))
