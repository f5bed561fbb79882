"""JDBC and ADBC: metadata, prepared statements with parameters, and a value of every type, also what they cannot show (docs/sql.md). JDBC needs Java 17 and mvn."""

from __future__ import annotations

import datetime
import math
import re
import shutil
import subprocess
from decimal import Decimal
from pathlib import Path

import adbc_driver_flightsql.dbapi as adbc
import pytest
from door import CLONE, ask, serve

HERE = Path(__file__).parent / "jdbc"
UTC = datetime.timezone.utc
# SQL, what ADBC gives in Python, what JDBC's getObject gives as text; None: neither says it, "error": it raises
TYPES = [
    ("1::tinyint", 1, "1"), ("-2::smallint", -2, "-2"), ("3::integer", 3, "3"), ("9007199254740993", 9007199254740993, "9007199254740993"),
    ("7::utinyint", 7, "7"), ("170141183460469231731687303715884105727::hugeint", Decimal(2**127 - 1), str(2**127 - 1)), ("1.5::float", 1.5, "1.5"), ("'inf'::double", math.inf, "Infinity"),
    ("'nan'::double", math.nan, "NaN"), ("12.34::decimal(9,2)", Decimal("12.34"), "12.34"), ("'zoë'", "zoë", "zoë"), ("from_hex('00ff')", b"\x00\xff", "00ff"), ("true", True, "true"), ("null", None, "null"),
    ("date '2024-02-29'", datetime.date(2024, 2, 29), "2024-02-29"), ("timestamp '2024-02-29 12:34:56.789012'", datetime.datetime(2024, 2, 29, 12, 34, 56, 789012), "2024-02-29 12:34:56.789012"),
    ("'2024-02-29 12:34:56.789'::timestamp_ms", datetime.datetime(2024, 2, 29, 12, 34, 56, 789000), "2024-02-29 12:34:56.789"),
    ("'2024-02-29 12:34:56'::timestamp_s", datetime.datetime(2024, 2, 29, 12, 34, 56), "2024-02-29 12:34:56.0"),
    ("time '12:34:56.789'", datetime.time(12, 34, 56, 789000), "12:34:56.789"), ("[1, 2, null]", [1, 2, None], "[1, 2, null]"), ("array_value(1.5::float, 2.5)", [1.5, 2.5], "[1.5, 2.5]"),
    ("{'a': 1, 'b': 'x'}", {"a": 1, "b": "x"}, '{"a":1,"b":"x"}'), ("map{'k': 1}", [("k", 1)], '{"k":1}'), ("'101'::bit::varchar", "101", "101"),
    ("uuid '00112233-4455-6677-8899-aabbccddeeff'", "00112233-4455-6677-8899-aabbccddeeff", "00112233-4455-6677-8899-aabbccddeeff"), ("'{\"a\": 1}'::json", '{"a": 1}', '{"a": 1}'),
    # what JDBC 18.3.0 does not show
    ("255::utinyint", 255, "-1"), ("4294967295::uinteger", 4294967295, "-1"), ("18446744073709551615::ubigint", 2**64 - 1, "-1"),
    ("timestamptz '2024-02-29 12:34:56.5+02'", datetime.datetime(2024, 2, 29, 10, 34, 56, 500000, UTC), "error"), ("time '12:34:56.789012'", datetime.time(12, 34, 56, 789012), "12:34:56.789"),
]


@pytest.fixture(scope="module")
def location():
    with serve(CLONE / "testdata") as (location, _):
        yield location


@pytest.fixture(scope="module")
def jdbc(location, tmp_path_factory):
    """Answers lines by JDBC."""
    if not (shutil.which("mvn") and shutil.which("java")):
        pytest.skip("there is no mvn or java")
    path = tmp_path_factory.mktemp("jdbc") / "classpath"
    subprocess.run(["mvn", "-q", "-B", "-f", HERE / "pom.xml", "dependency:build-classpath", f"-Dmdep.outputFile={path}"], check=True, timeout=600)
    url = location.replace("grpc://", "jdbc:arrow-flight-sql://") + "/?useEncryption=false"

    def answers(*lines: str) -> list[list[str]]:
        command = ["java", "--add-opens=java.base/java.nio=ALL-UNNAMED", "-Duser.timezone=UTC", "-cp", path.read_text().strip(), HERE / "Ask.java", url]
        done = subprocess.run(command, input="\n".join(lines) + "\n", capture_output=True, text=True, check=True, timeout=600)
        return [one.strip("\n").split("\n") for one in done.stdout.split("\n\n")[: len(lines)]]

    return answers


def test_adbc_types(location):
    table = ask(location, "select " + ", ".join(f"{sql} v{i}" for i, (sql, _, _) in enumerate(TYPES)))
    for (sql, want, _), got in zip(TYPES, table.to_pylist()[0].values()):
        assert got == want or got != got and want != want, sql


def test_adbc_metadata(location):
    with adbc.connect(location, autocommit=True) as c:
        assert c.adbc_get_info()["vendor_name"] == "mtflight"
        assert c.adbc_get_table_schema("/events", db_schema_filter="tables.h5").names[:2] == ["id", "t"]
        objects = c.adbc_get_objects(depth="tables", db_schema_filter="tables.h5").read_all().to_pylist()
        assert "/events" in [t["table_name"] for t in objects[0]["catalog_db_schemas"][0]["db_schema_tables"]]


def test_adbc_parameters(location):
    at = datetime.datetime(2024, 2, 29, 12, 34, 56, 789012)
    for value in (at, datetime.date(2024, 2, 29), 7, 2.5, "it's", b"\x00\xff", True, None):
        assert ask(location, "select ? v", (value,)).to_pylist() == [{"v": value}]
    assert ask(location, "select ?::timestamp v", (at,)).to_pylist() == [{"v": at}]
    assert ask(location, 'select count(*) n from "tables.h5"."/events" where id < ? and good = ?', (10, True)).num_rows == 1


def test_jdbc_types(jdbc):
    for (sql, _, want), got in zip(TYPES, jdbc(*(f"select {sql} v" for sql, _, _ in TYPES))):
        assert got[0].split("\t")[0] == want, sql


def test_jdbc_metadata(jdbc):
    about, tables, columns = jdbc("about", "tables", "columns /events")
    assert about == ["mtflight\ttrue\tfalse"]
    assert "mtflight\ttables.h5\t/events\tTABLE" in tables
    assert columns[:2] == ["id\t-5\tBIGINT\t1\t1", "t\t8\tDOUBLE\t1\t2"] and len(columns) == 12


def test_jdbc_parameters(jdbc, location):
    got = jdbc('select id, name from "tables.h5"."/events" where id = ? and good = ?\ti:7\tb:true', "select ? || 'x'\ts:it's", "select ?::blob\tx:00ff", "select ?::timestamp\tt:2024-01-01 00:00:00.5",
               "select 1 where ?::bigint is null\tn:", "select ?::double\td:2.5", "selec", 'select id from "tables.h5"."/events" where id = ?\ts:abc')
    assert got[:6] == [["7\telectron"], ["it'sx"], ["00ff"], ["2024-01-01 00:00:00.5"], ["1"], ["2.5"]]
    assert [one[0].split("\t")[0] for one in got[6:]] == ["error", "error"]
    assert ask(location, 'select id, name from "tables.h5"."/events" where id = 7 and good').to_pylist() == [{"id": 7, "name": "electron"}]


def test_document():
    """The sample of docs/sql.md as it is printed, but for the port."""
    (sample,) = re.findall(r"^```python\n(.*?)^```$", (CLONE / "docs" / "sql.md").read_text(), re.DOTALL | re.MULTILINE)
    with serve(CLONE / "testdata") as (location, _):
        names: dict = {}
        exec(sample.replace("grpc://127.0.0.1:8815", location).replace("    frame = polars", "    counted = polars"), names)
    assert names["frame"]["id"].tolist() == list(range(10)) and names["counted"].item() == 10
