"""Certificate, tokens and rules are replaced while streams run: the streams go on, whole and in order, and calls to come are judged anew."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.flight as fl
import pytest

from conftest import BINARY, TESTDATA, ticket
from test_security import HOSTS, run

STREAMS = 3
RULES = "rules:\n- {for: [ann], files: ['*'], except: [%s]}\n"
RUBBISH = {"cert.pem": b"rubbish", "tokens": b"ann sha256:00\n", "rules.yaml": b"rules:\n- {fro: [ann]}\n"}


class Endless(threading.Thread):
    """Reads a table round and round."""

    def __init__(self, client: fl.FlightClient, login: fl.FlightCallOptions, ids: list[int]):
        super().__init__(daemon=True)
        self.ids, self.rows, self.error = ids, 0, None
        self.reader = client.do_get(ticket("tables.h5", "/events", fields=["id"], stream={"cyclic": True, "ordered": True, "block_rows": 20}), login)
        self.ended = threading.Event()

    def run(self):
        try:
            while not self.ended.is_set():
                got = self.reader.read_chunk().data.column(0).to_pylist()
                start = self.rows % len(self.ids)
                assert got == (self.ids * 2)[start:start + len(got)]
                self.rows += len(got)
                time.sleep(0.002)
        except Exception as e:  # noqa: BLE001, told by the test
            self.error = e

    def stop(self):
        self.ended.set()
        self.join(120)
        self.reader.cancel()

    def goes_on(self):
        """Waits for more rows than are on their way."""
        wanted, until = self.rows + 400, time.monotonic() + 120
        while self.rows < wanted and self.error is None and time.monotonic() < until:
            time.sleep(0.01)
        assert self.error is None and self.rows >= wanted, (self.error, self.rows, wanted)


class Files:
    """What a server was started with, and may be started with next."""

    def __init__(self, folder: Path):
        self.folder, self.at = folder, folder / "now"
        self.at.mkdir()

    def made(self, number: int) -> dict[str, bytes]:
        """Other files, of which the rules deny every second time; and the token."""
        new = self.folder / str(number)
        new.mkdir()
        run(BINARY, "cert", "selfsigned", "--tls-cert", new / "cert.pem", "--tls-key", new / "key.pem", *HOSTS)
        self.token = run(BINARY, "token", "new", "--auth-tokens", new / "tokens", "ann").strip()
        (new / "rules.yaml").write_text(RULES % ("tables.h5" if number % 2 else ""))
        return {f.name: f.read_bytes() for f in new.iterdir()}

    def put(self, contents: dict[str, bytes], renamed: bool) -> None:
        for name, content in contents.items():
            target = self.at / (f"{name}.new" if renamed else name)
            target.write_bytes(content)
            target.chmod(0o600)
            if renamed:
                os.replace(target, self.at / name)

    def ask(self, location: str, roots: bytes, token: str) -> pa.Table:
        """The table, by a connection of its own."""
        with fl.connect(location, tls_root_certs=roots) as client:
            return client.do_get(ticket("tables.h5", "/events"), bearer(token)).read_all()


def bearer(token: str) -> fl.FlightCallOptions:
    return fl.FlightCallOptions(headers=[(b"authorization", f"Bearer {token}".encode())])


def awaited(check):
    """Waits until a check holds."""
    until = time.monotonic() + 120
    while True:
        try:
            return check()
        except (fl.FlightError, pa.ArrowException, AssertionError):
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


def test_streams_go_on(start, server, tmp_path):
    files = Files(tmp_path)
    now = files.made(0)
    files.put(now, renamed=False)
    s = start(TESTDATA, listen="grpc+tls://127.0.0.1:0", args=("--tls-cert", str(files.at / "cert.pem"), "--tls-key", str(files.at / "key.pem"),
                                                             "--auth-tokens", str(files.at / "tokens"), "--rules", str(files.at / "rules.yaml")))
    ids = server.read("tables.h5", "/events", fields=["id"]).column(0).to_pylist()
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(fl.connect(s.location, tls_root_certs=now["cert.pem"])) for _ in range(STREAMS)]
        streams = [Endless(c, bearer(files.token), ids) for c in clients]
        for stream in streams:
            stack.callback(stream.stop)
            stream.start()
        for number in range(1, 5):
            old, old_token, now = now, files.token, files.made(number)
            files.put(now, renamed=number > 2)
            awaited(lambda: check(files, s.location, now["cert.pem"], denied=bool(number % 2)))
            with pytest.raises(fl.FlightUnavailableError, match="certificate verify failed"):
                files.ask(s.location, old["cert.pem"], files.token)
            with pytest.raises(fl.FlightUnauthenticatedError):
                files.ask(s.location, now["cert.pem"], old_token)
            for stream in streams:
                stream.goes_on()
        for times, (name, content) in enumerate(RUBBISH.items(), 1):
            files.put({name: content}, renamed=False)
            awaited(lambda: told(s.log.read_text().count("not read again"), times))  # noqa: B023
            check(files, s.location, now["cert.pem"], denied=False)
            files.put({name: now[name]}, renamed=True)
        for stream in streams:
            stream.goes_on()


def check(files: Files, location: str, roots: bytes, denied: bool) -> None:
    try:
        files.ask(location, roots, files.token)
    except pa.ArrowKeyError as e:  # NotFound
        assert denied and "no such file" in str(e)
    else:
        assert not denied


def told(times: int, wanted: int) -> None:
    assert times >= wanted
