"""Old servers: what they refuse because it came later says which server is needed; what they are is asked once, and only then."""

from __future__ import annotations

import json
import re
import sys
import warnings
from collections import Counter

import pyarrow as pa
import pyarrow.flight as fl
import pytest

from conftest import CLONE

sys.path.insert(0, str(CLONE / "examples" / "python"))

import mtflight  # noqa: E402
from mtflight._internal.transport.features import PROTOCOL, RELEASE, About, check_private  # noqa: E402

OLD = {"file", "dataset", "fields", "where", "limit", "stream", "options"}
ROWS = pa.table({"a": [1, 2, 3]})


class Fake(fl.FlightServerBase):
    """A server that knows some members and actions, and answers `about` or, as old ones do, does not."""

    def __init__(self, about: object = None, members=()):
        super().__init__("grpc://127.0.0.1:0")
        self.about, self.members, self.asked = about, OLD | set(members), Counter()

    def _check(self, request: bytes) -> None:
        request = json.loads(request)
        options = {f"options.{name}" for name in request.get("options", {})}
        for name in [*request, *options]:
            if name not in self.members | {"options.plain"}:
                raise pa.ArrowInvalid(f'request: unknown member "{name}" (request 2a44a1dc0269)')

    def get_schema(self, context, descriptor):
        self.asked["schema"] += 1
        self._check(descriptor.command)
        return fl.SchemaResult(ROWS.schema)

    def get_flight_info(self, context, descriptor):
        self.asked["info"] += 1
        self._check(descriptor.command)
        return fl.FlightInfo(ROWS.schema, descriptor, [fl.FlightEndpoint(descriptor.command, [])], 3, ROWS.nbytes)

    def do_get(self, context, ticket):
        self.asked["get"] += 1
        self._check(ticket.ticket)
        return fl.GeneratorStream(ROWS.schema, ((b, b'{"block": 0, "row": 0, "rows": 3, "cycle": 0}') for b in ROWS.to_batches()))

    def do_action(self, context, action):
        self.asked[action.type] += 1
        if action.type != "about" or self.about is None:
            raise NotImplementedError(f'no action "{action.type}": there are list, describe')
        if isinstance(self.about, Exception):
            raise self.about
        return [json.dumps(self.about).encode()]


@pytest.fixture
def fake():
    """Starts fakes; gives each with a connection."""
    fakes, connections = [], []

    def run(*args, **options):
        fakes.append(Fake(*args, **options))
        connections.append(mtflight.connect(f"grpc://127.0.0.1:{fakes[-1].port}"))
        return fakes[-1], connections[-1]

    yield run
    for each in connections:
        each.close()
    for each in fakes:
        each.shutdown()


def test_nothing_is_asked_of_a_server_that_suffices(fake):
    server, connection = fake(members=["offset"])
    table = connection.table("x.h5", "/t")
    for _ in range(3):
        assert table.to_arrow(offset=1).num_rows == 3
    assert server.asked == {"info": 3, "get": 3}


@pytest.mark.parametrize(("about", "told"), [
    (None, "unknown release"),
    ({"server": "0.1.7", "protocol": 1, "features": ["attributes"]}, r"0\.1\.7"),
    ({"server": "0.1.7", "protocol": 1, "features": [], "news": {"of": "later"}}, r"0\.1\.7"),
    ({"server": "0.1.7"}, r"0\.1\.7"), ({}, "unknown release"), ([], "unknown release"), ({"server": 3, "features": 4, "protocol": "x"}, "unknown release"),
])
@pytest.mark.parametrize("ask", [
    lambda c: c.table("x.h5", "/t").to_arrow(offset=1), lambda c: c.table("x.h5", "/t").scan(offset=1),
    lambda c: c.do_get({"file": "x.h5", "dataset": "/t", "offset": 1}),
    lambda c: c.schema({"file": "x.h5", "dataset": "/t", "offset": 1}),
])
def test_a_member_that_came_later(fake, about, told, ask):
    server, connection = fake(about)
    for _ in range(3):
        with pytest.raises(ValueError, match=rf"{told}.*\"offset\".*needs mtflight 0\.1\.0 or later") as raised:
            ask(connection)
        assert connection.location in str(raised.value) and "unknown member" in str(raised.value.__cause__)
    assert server.asked["about"] == 1


def test_an_option_and_an_action_that_came_later(fake):
    server, connection = fake()
    with pytest.raises(ValueError, match=r"\"options.compression\".*needs mtflight"):
        connection.table("x.h5", "/t").to_arrow(options={"compression": "lz4"})
    with pytest.raises(NotImplementedError, match=r"action \"attributes\".*needs mtflight"):
        list(connection.action("attributes", {"file": "x.h5"}))
    assert server.asked["about"] == 1


def test_what_no_server_knows_is_a_mistake(fake):
    server, connection = fake()
    for wrong, message in (({"ofset": 1}, "unknown member \"ofset\""), ({"options": {"compresion": 1}}, "unknown member \"options.compresion\"")):
        with pytest.raises(ValueError, match=message) as raised:
            connection.table("x.h5", "/t").to_arrow(**wrong)
        assert "needs" not in str(raised.value)
    with pytest.raises(NotImplementedError, match="there are list"):
        list(connection.action("nope", {}))
    assert not server.asked["about"]


def test_a_server_that_has_the_feature_and_refuses_is_not_called_old(fake):
    server, connection = fake({"server": "0.3.0", "protocol": 1, "features": ["offset"]})
    with pytest.raises(ValueError, match='unknown member "offset"') as raised:
        connection.table("x.h5", "/t").to_arrow(offset=1)
    assert "needs" not in str(raised.value)


def test_an_answer_that_fails_is_asked_for_again(fake):
    server, connection = fake(pa.flight.FlightUnavailableError("busy"))
    for _ in range(2):
        with pytest.raises(ValueError, match='unknown member "offset"'):
            connection.table("x.h5", "/t").to_arrow(offset=1)
    assert server.asked["about"] == 2
    server.about = None
    with pytest.raises(ValueError, match="needs mtflight"):
        connection.table("x.h5", "/t").to_arrow(offset=1)


def test_about(fake, server):
    _, connection = fake({"server": "0.3.0", "protocol": 1, "features": ["offset", "attributes"]})
    about = connection.about()
    assert (about.server, about.protocol, about.features) == ("0.3.0", 1, {"offset", "attributes"}) and about is connection.about()
    _, connection = fake()
    assert (connection.about().protocol, connection.about().features) == (1, frozenset())
    with mtflight.connect(server.location) as connection:
        assert connection.about().protocol == 1


def test_the_private_server_is_compared():
    """The package warns of a server that another installation brought, and refuses one that it cannot speak to."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for same in (RELEASE, f"v{RELEASE}", "390bdf6", "v0.0.9-3-g390bdf6-dirty", ""):
            check_private(About(same, PROTOCOL, frozenset()), "/bin/mtflight")
    with pytest.warns(RuntimeWarning, match=rf"package is mtflight {re.escape(RELEASE)}, its server 9\.1\.0, which is /bin/mtflight: install"):
        check_private(About("9.1.0", PROTOCOL, frozenset()), "/bin/mtflight")
    with pytest.raises(RuntimeError, match=f"speaks protocol {PROTOCOL}, its server {PROTOCOL + 1}"):
        check_private(About(RELEASE, PROTOCOL + 1, frozenset()), "/bin/mtflight")


def test_release():
    found = re.search(r'^version = "(.*)"$', (CLONE / "examples" / "python" / "pyproject.toml").read_text(), re.MULTILINE)
    assert found[1] == RELEASE == mtflight.__version__
