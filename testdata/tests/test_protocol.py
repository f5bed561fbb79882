"""The examples of docs/protocol.md do what the document says, and the schemas of testdata have no metadata that it does not name.

An example is a fenced block of python, go or json, followed by one of text with what it gives: what a program prints, or
the rows of a JSON request as CSV. Blocks of Python run in one session, in their order.
"""

from __future__ import annotations

import contextlib
import io
import re
import subprocess

import pyarrow as pa
import pyarrow.csv
import pyarrow.flight as fl
import pytest
from conftest import CLONE, TESTDATA, ticket

DOCUMENT = (CLONE / "docs" / "protocol.md").read_text()
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```\n", re.M | re.S)
EXAMPLE = re.compile(r"^```(python|go|json)\n(.*?)^```\n```text\n(.*?)^```\n", re.M | re.S)
EXAMPLES = [m.groups() for m in EXAMPLE.finditer(DOCUMENT)]


def on(server, source: str) -> str:
    """An example for the server of this test."""
    return source.replace("grpc://127.0.0.1:8815", server.location).replace("127.0.0.1:8815", server.location.removeprefix("grpc://"))


def test_every_block_is_an_example():
    kinds = [m[1] for m in BLOCK.finditer(DOCUMENT)]
    assert len(kinds) == 2 * len(EXAMPLES)
    assert {language for language, _, _ in EXAMPLES} == {"python", "go", "json"}


def test_python(server):
    session: dict = {}
    for language, source, said in EXAMPLES:
        if language != "python":
            continue
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(on(server, source), "docs/protocol.md", "exec"), session)
        assert printed.getvalue() == said, source


@pytest.mark.parametrize("source, said", [e[1:] for e in EXAMPLES if e[0] == "json"])
def test_json(server, source, said):
    table = server.client().do_get(fl.Ticket(source)).read_all()
    lists = [i for i, field in enumerate(table.schema) if pa.types.is_nested(field.type)]
    for i in lists:  # CSV has none
        table = table.set_column(i, table.schema.names[i], pa.array([str(v) for v in table.column(i).to_pylist()]))
    written = io.BytesIO()
    pyarrow.csv.write_csv(table, written)
    assert written.getvalue().decode() == said


def test_go(server, tmp_path):
    [(source, said)] = [e[1:] for e in EXAMPLES if e[0] == "go"]
    (tmp_path / "main.go").write_text(on(server, source))
    ran = subprocess.run(["go", "run", tmp_path / "main.go"], cwd=CLONE, capture_output=True, text=True, timeout=300)
    assert ran.stdout == said, ran.stderr


def named(heading: str) -> set[str]:
    """What the first column of the table below a heading names."""
    section = DOCUMENT.split(f"\n### {heading}\n")[1].split("\n#")[0]
    return {name for row in re.findall(r"^\| (`.*?) \|", section, re.M) for name in re.findall(r"`([^`]+)`", row)}


def test_metadata(server):
    schema, fields = named("Schema metadata"), named("Field metadata")
    seen: set[str] = set()
    for key, flight in server.listing(frames=True).items():
        if not flight.endpoints:
            continue
        for members in ({}, {"stream": {}}, {"options": {"netcdf": True}}, {"options": {"layout": "rows"}}):
            descriptor = fl.FlightDescriptor.for_command(ticket(*key, **members).ticket)
            try:
                got = server.client().get_schema(descriptor).schema
            except pa.ArrowNotImplementedError:
                assert members == {"options": {"layout": "rows"}}, key
                continue
            seen |= set(map(bytes.decode, got.metadata))
            assert set(map(bytes.decode, got.metadata)) <= schema, key
            for field in got:
                assert set(map(bytes.decode, field.metadata or {})) <= fields, (key, field)
    assert seen == schema - {"files.skipped"}, f"not a schema of {TESTDATA} has the others"
