"""TPC-H: its eight tables, drawn by a seed, as PyTables' in one HDF5 file and as Parquet, and its 22 queries over them. Money is int64 of cents, discount and tax are
hundredths, days int32 since 1970. Orders come by date, as what is recorded does.

As a program: times of the queries side by side, and what the server decoded for each."""

from __future__ import annotations

import argparse
import datetime
import re
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import tables

NATIONS = """ALGERIA 0,ARGENTINA 1,BRAZIL 1,CANADA 1,EGYPT 4,ETHIOPIA 0,FRANCE 3,GERMANY 3,INDIA 2,INDONESIA 2,IRAN 4,IRAQ 4,JAPAN 2,JORDAN 4,KENYA 0,MOROCCO 0,MOZAMBIQUE 0,PERU 1,CHINA 2,
ROMANIA 3,SAUDI ARABIA 4,VIETNAM 2,RUSSIA 3,UNITED KINGDOM 3,UNITED STATES 1""".replace("\n", "").split(",")
COLOURS = "almond antique aquamarine azure beige bisque black blanched blue forest frosted gainsboro ghost gold green grey honeydew hot indian ivory khaki lace".split()
WORDS = "carefully final deposits special packages requests sleep quickly pending accounts Customer theodolites Complaints express ideas furiously".split()


def day(text: str) -> int:
    return (datetime.date.fromisoformat(text) - datetime.date(1970, 1, 1)).days


def rows(scale: float, seed: int = 22) -> dict[str, np.ndarray]:
    """The tables as structured arrays."""
    rng = np.random.default_rng(seed)
    suppliers, parts, customers, orders = (max(least, int(n * scale)) for n, least in ((10_000, 100), (200_000, 200), (150_000, 150), (1_500_000, 1500)))

    def one_of(of, n: int) -> np.ndarray:
        return rng.choice(np.array(of, "S"), n)

    def words(n: int, of=WORDS, many: int = 5) -> np.ndarray:
        text = one_of(of, n)
        for _ in range(many - 1):
            text = np.char.add(np.char.add(text, b" "), one_of(of, n))
        return text

    def named(of: str, n: int) -> np.ndarray:
        return np.char.mod(f"{of}#%09d", np.arange(1, n + 1)).astype("S")

    def phones(nation: np.ndarray) -> np.ndarray:
        return np.char.add(np.char.mod("%d-", nation + 10), np.char.mod("%07d", rng.integers(0, 10**7, len(nation)))).astype("S")

    def table(**columns) -> np.ndarray:
        columns = {name: np.asarray(c) for name, c in columns.items()}
        out = np.zeros(len(next(iter(columns.values()))), [(name, c.dtype) for name, c in columns.items()])
        for name, c in columns.items():
            out[name] = c
        return out

    def keys(n: int, first: int = 1) -> np.ndarray:
        return np.arange(first, n + first, dtype="i4")

    def cents(lo: int, hi: int, n: int) -> np.ndarray:
        return rng.integers(lo, hi, n)

    supplier_nation, customer_nation = rng.integers(0, 25, suppliers, "i4"), rng.integers(0, 25, customers, "i4")
    price = 90_000 + np.arange(1, parts + 1) // 10 % 20_001 + 100 * (np.arange(1, parts + 1) % 1000)
    part_of = np.repeat(keys(parts), 4)
    supplier_of = ((part_of + np.tile(np.arange(4), parts) * (suppliers // 4 + (part_of - 1) // suppliers)) % suppliers + 1).astype("i4")
    ordered = np.sort(rng.integers(day("1992-01-01"), day("1998-08-03"), orders)).astype("i4")
    lines = rng.integers(1, 8, orders)
    order, n = np.repeat(np.arange(orders), lines), int(lines.sum())
    which = rng.integers(0, len(part_of), n)
    shipped = (ordered[order] + rng.integers(1, 122, n)).astype("i4")
    received = (shipped + rng.integers(1, 31, n)).astype("i4")
    quantity, today = rng.integers(1, 51, n), day("1995-06-17")
    buyers = keys(customers)[np.arange(customers) % 3 != 2]
    return {
        "region": table(r_regionkey=keys(5, 0), r_name=np.array(["AFRICA", "AMERICA", "ASIA", "EUROPE", "MIDDLE EAST"], "S")),
        "nation": table(n_nationkey=keys(25, 0), n_name=np.array([n[:-2] for n in NATIONS], "S"), n_regionkey=np.array([int(n[-1]) for n in NATIONS], "i4")),
        "supplier": table(s_suppkey=keys(suppliers), s_name=named("Supplier", suppliers), s_address=words(suppliers, many=2), s_nationkey=supplier_nation, s_phone=phones(supplier_nation),
                          s_acctbal=cents(-99_999, 999_999, suppliers), s_comment=words(suppliers)),
        "part": table(p_partkey=keys(parts), p_name=words(parts, COLOURS), p_mfgr=one_of([f"Manufacturer#{k}" for k in range(1, 6)], parts), p_brand=one_of([f"Brand#{a}{b}" for a in range(1, 6) for b in range(1, 6)], parts),
                      p_type=one_of([f"{a} {b} {c}" for a in "STANDARD SMALL MEDIUM LARGE ECONOMY PROMO".split() for b in "ANODIZED BURNISHED PLATED POLISHED BRUSHED".split() for c in "TIN NICKEL BRASS STEEL COPPER".split()], parts),
                      p_size=rng.integers(1, 51, parts, "i4"), p_container=one_of([f"{a} {b}" for a in "SM LG MED JUMBO WRAP".split() for b in "CASE BOX BAG JAR PKG PACK CAN DRUM".split()], parts), p_retailprice=price),
        "partsupp": table(ps_partkey=part_of, ps_suppkey=supplier_of, ps_availqty=rng.integers(1, 10_000, len(part_of), "i4"), ps_supplycost=cents(100, 100_001, len(part_of))),
        "customer": table(c_custkey=keys(customers), c_name=named("Customer", customers), c_address=words(customers, many=2), c_nationkey=customer_nation, c_phone=phones(customer_nation), c_acctbal=cents(-99_999, 999_999, customers),
                          c_mktsegment=one_of("AUTOMOBILE BUILDING FURNITURE MACHINERY HOUSEHOLD".split(), customers), c_comment=words(customers)),
        "orders": table(o_orderkey=np.arange(1, orders + 1), o_custkey=rng.choice(buyers, orders), o_orderstatus=one_of(["F", "O", "P"], orders), o_totalprice=cents(90_000, 50_000_000, orders),
                        o_orderdate=ordered, o_orderpriority=one_of(["1-URGENT", "2-HIGH", "3-MEDIUM", "4-NOT SPECIFIED", "5-LOW"], orders), o_clerk=one_of([f"Clerk#{k:09}" for k in range(1, 101)], orders), o_shippriority=np.zeros(orders, "i4"),
                        o_comment=words(orders)),
        "lineitem": table(l_orderkey=order + 1, l_partkey=part_of[which], l_suppkey=supplier_of[which], l_linenumber=(np.arange(n) - np.repeat(np.cumsum(lines) - lines, lines) + 1).astype("i4"), l_quantity=quantity,
                          l_extendedprice=quantity * price[part_of[which] - 1], l_discount=cents(0, 11, n), l_tax=cents(0, 9, n), l_returnflag=np.where(received > today, b"N", rng.choice(np.array(["R", "A"], "S"), n)),
                          l_linestatus=np.where(shipped > today, b"O", b"F"), l_shipdate=shipped, l_commitdate=(ordered[order] + rng.integers(30, 91, n)).astype("i4"), l_receiptdate=received,
                          l_shipinstruct=one_of(["DELIVER IN PERSON", "COLLECT COD", "NONE", "TAKE BACK RETURN"], n), l_shipmode=one_of(["REG AIR", "AIR", "RAIL", "SHIP", "TRUCK", "MAIL", "FOB"], n)),
    }


def write(folder: Path, beside: Path, scale: float) -> None:
    """tpch.h5 in a folder, and Parquet beside it."""
    with tables.open_file(folder / "tpch.h5", "w") as f:
        for name, some in rows(scale).items():
            f.create_table("/", name, obj=some, filters=tables.Filters(1, "zlib"), expectedrows=len(some))
            arrow = pa.table({c: pa.array(some[c].astype(str) if some[c].dtype.kind == "S" else some[c]) for c in some.dtype.names})
            pq.write_table(arrow, beside / f"{name}.parquet", compression="snappy")


def queries() -> dict[int, str]:
    """By number, with days as integers. Where TPC-H leaves the order of rows open, all columns decide."""
    text = (Path(__file__).parent / "tpch.sql").read_text()
    text = re.sub(r"date '(\d{4}-\d\d-\d\d)'", lambda m: str(day(m[1])), text)
    parts = re.split(r"^-- (\d+)\n", text, flags=re.M)[1:]
    return {int(n): sql.strip().rstrip(";") for n, sql in zip(parts[::2], parts[1::2])}


def main() -> None:
    from door import ask, decoded, peer_of, serve

    parser = argparse.ArgumentParser()
    parser.add_argument("--scale", type=float, default=0.1)
    parser.add_argument("--times", type=int, default=3)
    a = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as beside:
        write(Path(folder), Path(beside), a.scale)
        peer = peer_of(Path(beside))
        with serve(Path(folder), "--cache", "0", "--admin", f"unix://{beside}/admin") as (location, _):
            print("query  mtflight  DuckDB  ratio  decoded MB")
            for number, sql in queries().items():
                took, before = {"us": [], "peer": []}, decoded(Path(beside) / "admin")
                for _ in range(a.times):
                    for who, one in (("us", lambda: ask(location, sql)), ("peer", lambda: peer.execute(sql).to_arrow_table())):
                        begun = time.perf_counter()
                        one()
                        took[who].append(time.perf_counter() - begun)
                us, them = min(took["us"]), min(took["peer"])
                print(f"{number:5}  {us:7.3f}  {them:7.3f}  {us / them:5.1f}  {(decoded(Path(beside) / 'admin') - before) / a.times / 1e6:8.1f}")


if __name__ == "__main__":
    main()
