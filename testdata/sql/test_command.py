"""The command `mtflight sql`: files of this machine by a server of its own, formats, errors, several statements, a prompt on a terminal."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from door import CLONE, serve

TESTDATA = CLONE / "testdata"


def sql(*args, text=None, **more):
    return subprocess.run([CLONE / "bin/mtflight", "sql", *args], input=text, capture_output=True, text=True, check=False, timeout=120, **more)


def test_where_rows_are():
    statement, want = 'select id, good from "tables.h5"."/events" where id in (3, 4998) order by id', "id,good\n3,true\n4998,true\n"
    for place in (TESTDATA, TESTDATA / "tables.h5"):
        assert sql(statement, place, "--format", "csv").stdout == want
    with serve(TESTDATA) as (location, _):
        assert sql(statement, location, "--format", "csv").stdout == want
    assert sql("select count(*) n from events", TESTDATA / "tables.h5", "--format", "jsonl").stdout == '{"n": 5000}\n'


def test_formats(tmp_path):
    out = tmp_path / "x.parquet"
    assert sql('select id, energy from "/events" where id < 7', TESTDATA / "tables.h5", "-o", out).returncode == 0
    assert pq.read_table(out).column("id").to_pylist() == list(range(7))
    shown = sql("from events", TESTDATA / "tables.h5").stdout
    assert "first 20 rows (--rows 0 shows all)" in shown
    assert sql("select id from events", TESTDATA / "tables.h5", "--rows", "0").stdout.count("\n") == 5002
    assert "FILTER" in sql("explain select id from events where id > 3", TESTDATA / "tables.h5").stdout


@pytest.mark.parametrize(("args", "code", "says"), [
    (["selec 1", "tables.h5"], 2, "LINE 1: selec 1\n        ^"), (["select 1", "no.h5"], 3, "no.h5: no such file or folder"), (["from nothing", "tables.h5"], 3, "nothing"),
    (["select 1", "tables.h5", "--sql", "off"], 4, "--sql PATH"), (["select 1", "tables.h5", "--format", "xml"], 2, "xml"), ([], 2, "wrong number"),
])
def test_errors(args, code, says):
    done = sql(*args, cwd=TESTDATA)
    assert done.returncode == code and says in done.stderr and done.stdout == ""


def test_memory_of_one_statement():
    """It may take twice what --memory is, where one at a server gets a sixteenth, or 256 MiB."""
    statement = "select len(list(range)) n from range(20000000)"
    assert sql(statement, TESTDATA / "tables.h5", "--format", "csv", "--memory", "512MiB").stdout == "n\n20000000\n"
    assert "more memory" in sql(statement, TESTDATA / "tables.h5", "--format", "csv", "--memory", "128MiB").stderr


def test_leaves_nothing(tmp_path):
    assert sql("select 1", TESTDATA / "tables.h5", env={**os.environ, "TMPDIR": str(tmp_path)}).returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_engine_elsewhere(tmp_path):
    assert sql("select 1 one", "tables.h5", "--sql", "../bin/mtflight-sql", "--format", "csv", cwd=TESTDATA).stdout == "one\n1\n"


def test_statements_of_a_pipe():
    done = sql(TESTDATA / "tables.h5", text="select ';' a; -- no; statement\nselect 2 b", cwd=TESTDATA)
    assert re.findall(r"^(?:;|2)$", done.stdout, re.M) == [";", "2"]
    assert sql(TESTDATA / "tables.h5", "--format", "csv", text="select 1 a").stdout == "a\n1\n"
    assert "2 statements" in sql(TESTDATA / "tables.h5", "--format", "csv", text="select 1 a; select 2").stderr
    done = sql(TESTDATA / "tables.h5", text="select 1 a; selec; select 3 c")
    assert done.returncode == 2 and "c" not in done.stdout.split()


class Terminal:
    def __init__(self, state: Path):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(XDG_STATE_HOME=str(state), NO_COLOR="1", TERM="xterm")
            os.execv(CLONE / "bin/mtflight", ["mtflight", "sql", str(TESTDATA / "tables.h5")])

    def type(self, keys: str, until: str) -> str:
        os.write(self.fd, keys.encode())
        return self.shown(until)

    def shown(self, until: str) -> str:
        text, end = "", time.monotonic() + 60
        while until not in text:
            assert time.monotonic() < end, text
            if select.select([self.fd], [], [], 1)[0]:
                try:
                    text += os.read(self.fd, 1 << 16).decode()
                except OSError:  # the program has ended
                    break
        return text


def test_prompt(tmp_path):
    t = Terminal(tmp_path)
    t.shown("sql> ")
    assert "/events" in t.type('sel\tmax(id) top from "/ev\t', '/events" ')
    t.type("\r", "...> ")
    assert "4999" in t.type("where good;\r", "sql> ")
    assert "^\r\n" not in t.type("select 1;\r", "sql> ")
    assert "LINE 1: selec" in t.type("selec;\r", "sql> ")
    os.kill(t.pid, signal.SIGINT)  # as a Ctrl-C that comes when no statement runs and no key is awaited
    assert "7" in t.type("select 7 n;\r", "sql> ")
    assert "energy" in t.type('select e from "/events" where \t', "weight")
    t.type("\x03", "^C\r\nsql> ")
    t.type("select count(*) from range(1000000000000) r where hash(r) = 3;\r", "\n")
    shown = ""
    while "interrupted" not in shown:  # before it has begun a Ctrl-C is a key
        os.write(t.fd, b"\x03")
        time.sleep(0.2)
        shown += os.read(t.fd, 1 << 16).decode() if select.select([t.fd], [], [], 0)[0] else ""
    if not shown.endswith("sql> "):
        t.shown("sql> ")
    assert "r where hash(r) = 3;" in t.type("\x1b[A", "= 3;")
    t.type("\x03", "^C\r\nsql> ")
    t.type("\x04", "never shown")
    assert os.waitpid(t.pid, 0)[1] == 0
    os.close(t.fd)
    assert 'select max(id) top from "/events"' in (tmp_path / "mtflight/sql_history").read_text()
