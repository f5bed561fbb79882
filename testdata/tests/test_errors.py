"""Bad requests, bad files and bad paths: one clear line of the right kind each, and the server goes on."""

from __future__ import annotations

import json
import shutil
import subprocess

import pyarrow as pa
import pyarrow.flight as fl
import pytest
from conftest import BINARY, TESTDATA, ticket

NOT_FOUND, INVALID, UNSUPPORTED = pa.ArrowKeyError, pa.ArrowInvalid, pa.ArrowNotImplementedError


@pytest.mark.parametrize("kind, says, request_", [
    (NOT_FOUND, "tables.h5", {"file": "tabels.h5", "dataset": "/events"}),
    (NOT_FOUND, "events", {"file": "tables.h5", "dataset": "/evnts"}),
    (NOT_FOUND, "energy", {"file": "tables.h5", "dataset": "/events", "fields": ["enrgy"]}),
    (NOT_FOUND, "passwd", {"file": "../../../../etc/passwd", "dataset": "/x"}),
    (NOT_FOUND, "passwd", {"file": "/etc/passwd", "dataset": "/x"}),
    (INVALID, "fild", {"file": "tables.h5", "dataset": "/events", "fild": 1}),
    (INVALID, "start", {"file": "tables.h5", "dataset": "/events", "start": "1"}),
    (INVALID, "step", {"file": "tables.h5", "dataset": "/events", "step": 0}),
    (INVALID, "dataset", {"file": "tables.h5"}),
    (INVALID, "fields", {"file": "tables.h5", "dataset": "/events", "fields": []}),
    (INVALID, "strings", {"file": "tables.h5", "dataset": "/events", "options": {"strings": "latin1"}}),
    (UNSUPPORTED, "32700", {"file": "refused.h5", "dataset": "/unknown_filter"}),
    (UNSUPPORTED, "wide_integer", {"file": "refused.h5", "dataset": "/wide_integer"}),
])
def test_requests(server, kind, says, request_):
    with pytest.raises(kind, match=says) as refused:
        server.client().do_get(fl.Ticket(json.dumps(request_))).read_all()
    assert "request " in str(refused.value), "the id that the log line carries"
    assert str(TESTDATA) not in str(refused.value)
    assert server.read("tables.h5", "/one").num_rows == 1


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"\xff", b'{"file": "a", "file": "b"}', b"{} x", b"[" * 5000])
def test_malformed_tickets(server, text):
    with pytest.raises(INVALID):
        server.client().do_get(fl.Ticket(text)).read_all()


@pytest.fixture(scope="module")
def broken(start, tmp_path_factory):
    """A server of files that are not what they seem, one good one among them."""
    root = tmp_path_factory.mktemp("broken")
    whole = (TESTDATA / "tables.h5").read_bytes()
    shutil.copy(TESTDATA / "tables.h5", root / "good.h5")
    (root / "text.h5").write_text("words, no data\n")
    (root / "empty.h5").touch()
    (root / "short.h5").write_bytes(whole[: len(whole) // 3])
    damaged = bytearray(whole)
    for at in range(120_000, 140_000):
        damaged[at] ^= 0x55
    (root / "damaged.h5").write_bytes(damaged)
    outside = tmp_path_factory.mktemp("outside")
    shutil.copy(TESTDATA / "types.h5", outside / "secret.h5")
    (root / "link.h5").symlink_to(outside / "secret.h5")
    (root / "folder").symlink_to(outside)
    return start(root)


@pytest.mark.parametrize("file", ["text.h5", "empty.h5", "short.h5"])
def test_files_that_are_not_hdf5(broken, file):
    with pytest.raises(Exception, match=file):
        broken.read(file, "/events")
    told = json.loads(broken.listing()[file,].app_metadata)
    assert told["kind"] == "unsupported" and told["reason"].startswith("DataLoss")
    assert broken.read("good.h5", "/events").num_rows == 5000


def test_damaged_chunk(broken):
    with pytest.raises(Exception, match="damaged.h5") as lost:
        broken.read("damaged.h5", "/events")
    assert "chunk" in str(lost.value)
    assert broken.read("good.h5", "/events").num_rows == 5000


@pytest.mark.parametrize("file", ["link.h5", "folder/secret.h5", "../outside/secret.h5", "good.h5/../../outside/secret.h5", ".", ""])
def test_nothing_outside_the_root(broken, file):
    with pytest.raises((NOT_FOUND, INVALID)):
        broken.read(file, "/bools")
    assert not [k for k in broken.listing() if "secret" in k[0]]


def test_external_link_out_of_the_root(server):
    with pytest.raises((NOT_FOUND, UNSUPPORTED)):
        server.read("links.h5", "/escape/x")


def test_second_server_on_the_port(server, mtflight):
    told = mtflight("serve", "--listen", server.location, TESTDATA, code=10).stderr
    assert "already in use" in told and len(told.splitlines()) == 1


def test_health_and_command_line(server, mtflight):
    assert mtflight("health", server.location).stdout == "SERVING\n"
    assert "/events" in mtflight("ls", server.location).stdout
    told = mtflight("get", server.location, "tables.h5", "/evnts", code=3).stderr
    assert "events" in told and len(told.splitlines()) == 1


def test_terminal_output_ends_when_its_reader_does(server):
    get = subprocess.Popen([BINARY, "get", server.location, "tables.h5", "/events", "--format", "csv"], stdout=subprocess.PIPE)
    get.stdout.readline()
    get.stdout.close()
    assert get.wait(10) != 0
    assert server.client().do_get(ticket("tables.h5", "/one")).read_all().num_rows == 1
