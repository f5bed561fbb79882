"""Python's clients of a server with TLS and logins: each way in, each wrong one, and what an advertised location is not told."""

from __future__ import annotations

import contextlib
import json
import logging
import multiprocessing
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.flight as fl
import pytest

from conftest import BINARY, CLONE, TESTDATA, ticket

sys.path.insert(0, str(CLONE / "examples" / "python"))

import mtflight  # noqa: E402
import mtflight.xarray  # noqa: E402
from mtflight.connection import Connection  # noqa: E402

PASSWORD = "pass word:ü"
HOSTS = ("localhost", "127.0.0.1")


@pytest.fixture(autouse=True)
def no_variable(monkeypatch):
    monkeypatch.delenv("MTFLIGHT_TOKEN", raising=False)


def run(*args, text: str = "") -> str:
    return subprocess.run([*map(str, args)], input=text, capture_output=True, text=True, check=True).stdout


def selfsigned(folder: Path, name: str) -> tuple[Path, Path]:
    """A certificate and its key."""
    pair = folder / f"{name}.pem", folder / f"{name}-key.pem"
    run(BINARY, "cert", "selfsigned", "--tls-cert", pair[0], "--tls-key", pair[1], *HOSTS)
    return pair


def authority(folder: Path, name: str) -> Path:
    """An authority's certificate, and client.pem and client-key.pem of its own."""
    ca, key, request = folder / f"{name}.pem", folder / f"{name}-key.pem", folder / f"{name}.csr"
    ec = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    run("openssl", "req", "-x509", *ec, "-keyout", key, "-out", ca, "-days", "1", "-subj", f"/CN={name}")
    run("openssl", "req", *ec, "-keyout", folder / f"{name}-client-key.pem", "-out", request, "-subj", "/CN=ann")
    (folder / "ext").write_text("subjectAltName=email:ann@lab.example\nextendedKeyUsage=clientAuth\n")
    run("openssl", "x509", "-req", "-in", request, "-CA", ca, "-CAkey", key, "-set_serial", "2", "-days", "1", "-extfile", folder / "ext",
        "-out", folder / f"{name}-client.pem")
    return ca


class Home:
    """A server with TLS, tokens and passwords."""

    def __init__(self, start, folder: Path):
        self.folder, (self.cert, self.key) = folder, selfsigned(folder, "home")
        self.token = run(BINARY, "token", "new", "--auth-tokens", folder / "tokens", "ann").strip()
        run(BINARY, "user", "add", "--auth-users", folder / "users", "bob", text=PASSWORD + "\n")
        self.args = ("--tls-cert", str(self.cert), "--tls-key", str(self.key))
        self.location = start(TESTDATA, listen="grpc+tls://127.0.0.1:0", args=(
            *self.args, "--auth-tokens", str(folder / "tokens"), "--auth-users", str(folder / "users"))).location
        self.login = {"tls_root_certs": str(self.cert), "token": self.token}


@pytest.fixture(scope="module")
def home(start, tmp_path_factory):
    return Home(start, tmp_path_factory.mktemp("security"))


def numbers(location: str, **options) -> np.ndarray:
    with mtflight.connect(location, **options) as connection:
        return connection.table("tables.h5", "/events").to_numpy(["id"])["id"]


@pytest.fixture(scope="module")
def right(server):
    return numbers(server.location)


def rows_of(reader: mtflight.Reader) -> np.ndarray:
    """The ids of a multitables Reader."""
    with contextlib.closing(reader):
        return reader.request(reader.get_dataset("/events").col("id"), mtflight.stage.Stage(1 << 20)).get()


class Says:
    """Sends a header."""

    def __init__(self, bearer):
        self.bearer = bearer

    def sending_headers(self):
        return {"authorization": f"Bearer {self.bearer}"}

    def received_headers(self, headers):
        pass

    def call_completed(self, error):
        pass


WAYS = {
    "connect": numbers,
    "open": lambda at, **o: mtflight.open(f"{at}/tables.h5", **o)["/events"]["id"],
    "pickled": lambda at, **o: pickle.loads(pickle.dumps(mtflight.connect(at, **o).table("tables.h5", "/events")))["id"],
    "parallel": lambda at, **o: mtflight.connect(at, **o).table("tables.h5", "/events").to_numpy(["id"], parallel=2)["id"],
    "exchange": lambda at, **o: mtflight.connect(at, **o).table("tables.h5", "/events").to_numpy(["id"], coordinates=np.arange(100_000) % 50)["id"][:50],
    "read": lambda at, **o: mtflight.read(f"{at}/tables.h5", "/events", ["id"], **o)["id"].to_numpy(),
    "scan": lambda at, **o: mtflight.scan(f"{at}/tables.h5", "/events", **o).collect()["id"].to_numpy(),
    "dataset": lambda at, **o: mtflight.duckdb.dataset("tables.h5", "/events", location=at, **o).to_table(columns=["id"])["id"].to_numpy(),
    "Streamer": lambda at, **o: np.array([row["id"] for row in pickle.loads(pickle.dumps(mtflight.Streamer(f"{at}/tables.h5", **o)))
                                          .get_generator("/events", ordered=True)]),
    "Reader": lambda at, **o: rows_of(pickle.loads(pickle.dumps(mtflight.Reader(f"{at}/tables.h5", **o)))),
    "Batches": lambda at, **o: np.concatenate([b["id"] for b in pickle.loads(pickle.dumps(
        mtflight.training.Batches(f"{at}/tables.h5", "/events", ["id"], batch_size=100, uneven="keep", **o)))]),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_logs_in(home, right, way):
    read = WAYS[way](home.location, **home.login)
    assert np.array_equal(read[:len(right)], right[:len(read)]) and len(read) in (50, len(right))
    with pytest.raises(PermissionError, match="log in first: .*token= or the variable MTFLIGHT_TOKEN"):
        WAYS[way](home.location, tls_root_certs=str(home.cert))


def test_xarray_and_anndata_log_in(home):
    import xarray
    engine = mtflight.xarray.MtflightBackendEntrypoint
    with xarray.open_dataset(f"{home.location}/arrays.h5", engine=engine, backend_kwargs=home.login) as opened:
        variables = pickle.loads(pickle.dumps(dict(opened.variables)))
        with xarray.open_dataset(TESTDATA / "arrays.h5", engine=engine) as local:
            same = [np.array_equal(v.values, local.variables[name].values) for name, v in variables.items() if v.dtype.kind in "iuf"]
            assert len(same) == 3 and all(same)
    assert len(xarray.open_datatree(f"{home.location}/arrays.h5", engine=engine, **home.login).groups) > 0
    with pytest.raises(PermissionError, match="log in first"):
        xarray.open_dataset(f"{home.location}/arrays.h5", engine=engine, tls_root_certs=str(home.cert))
    with pytest.raises(ValueError, match="no AnnData object"):
        mtflight.read_anndata(f"{home.location}/tables.h5", True, **home.login)
    with pytest.raises(PermissionError, match="log in first"):
        mtflight.read_anndata(f"{home.location}/tables.h5", True, tls_root_certs=str(home.cert))


def test_each_form_of_what_is_given(home, right, monkeypatch):
    pem, file = home.cert.read_bytes(), home.folder / "ann.token"
    file.write_text(home.token + "\n")
    for roots in (pem, pem.decode(), str(home.cert), home.cert):
        assert np.array_equal(numbers(home.location, tls_root_certs=roots, token=file), right)
    login = {"user": "bob", "password": PASSWORD, "tls_root_certs": pem}
    assert np.array_equal(numbers(home.location, **login), right)
    monkeypatch.setenv("MTFLIGHT_TOKEN", home.token)
    assert np.array_equal(numbers(home.location, tls_root_certs=pem), right)
    assert np.array_equal(numbers(home.location, tls_root_certs=pem, user="bob", password=PASSWORD), right)
    with pytest.raises(PermissionError, match="log in first"):
        numbers(home.location, tls_root_certs=pem, token="")


def test_spawned_worker_logs_in(home, right):
    """What a worker of torch's loader, dask or joblib does."""
    table = mtflight.connect(home.location, **home.login).table("tables.h5", "/events")
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert np.array_equal(pool.apply(table.to_numpy, (["id"],))["id"], right)


def test_pickles_hold_what_was_given(home, monkeypatch):
    monkeypatch.setenv("MTFLIGHT_TOKEN", "of-the-environment")
    held = pickle.dumps(mtflight.connect(home.location, tls_root_certs=home.cert))
    assert b"of-the-environment" not in held and b"BEGIN" not in held
    assert home.token.encode() in pickle.dumps(mtflight.connect(home.location, **home.login).table("a", "/b"))


def test_handshake_by_pyarrow(home, right):
    with fl.connect(home.location, tls_root_certs=home.cert.read_bytes()) as client:
        login = fl.FlightCallOptions(headers=[client.authenticate_basic_token("bob", PASSWORD)])
        assert client.do_get(ticket("tables.h5", "/events"), login).read_all().num_rows == len(right)
        with pytest.raises(fl.FlightUnauthenticatedError, match="name or password are wrong"):
            client.authenticate_basic_token("bob", "x")


def test_logs_in_again_once_the_bearer_is_refused(start, home, tmp_path, right):
    """A server that has restarted has another key."""
    arguments = {"listen": f"grpc+unix://{tmp_path}/s", "args": ("--auth-users", str(home.folder / "users"))}
    first = start(TESTDATA, **arguments)
    with mtflight.connect(first.location, user="bob", password=PASSWORD) as connection:
        table = connection.table("tables.h5", "/events")
        assert len(table) == len(right)
        first.stop()
        start(TESTDATA, **arguments)
        with contextlib.suppress(PermissionError, ConnectionError):
            table.stats()
        assert np.array_equal(table.to_numpy(["id"])["id"], right)


def test_mutual_tls(start, tmp_path, right, home):
    ca, other = authority(tmp_path, "lab"), authority(tmp_path, "else")
    server = start(TESTDATA, listen="grpc+tls://127.0.0.1:0", args=(*home.args, "--tls-client-ca", str(ca)))
    roots = {"tls_root_certs": home.cert}

    def pair(name):
        return {"cert_chain": tmp_path / f"{name}-client.pem", "private_key": str(tmp_path / f"{name}-client-key.pem")}

    assert np.array_equal(numbers(server.location, **roots, **pair("lab")), right)
    assert np.array_equal(rows_of(mtflight.Reader("tables.h5", location=server.location, **roots, **pair("lab"))), right)
    for given, says in (({}, "log in first: by a client's certificate"), (pair("else"), "its authority is not among the server's")):
        with pytest.raises(PermissionError, match=says):
            numbers(server.location, **roots, **given)
    with pytest.raises(ConnectionError, match="the key is not that of the certificate"):
        numbers(server.location, **roots, **{**pair("lab"), "private_key": pair("else")["private_key"]})
    assert other


def test_wrong_authority_and_token(home, server, tmp_path):
    other, _ = selfsigned(tmp_path, "other")
    for roots in ({"tls_root_certs": other}, {}):
        with pytest.raises(ConnectionError, match="certificate is not trusted .*self-signed.*: tls_root_certs= takes"):
            mtflight.open(home.location, token=home.token, **roots)
    with pytest.raises(ConnectionError, match="of another host name|not trusted .*mismatch"):
        mtflight.open(home.location, **home.login, override_hostname="data.lab.example")
    with pytest.raises(ConnectionError, match="is without TLS: write grpc://"):
        mtflight.open(server.location.replace("grpc:", "grpc+tls:"), **home.login)
    for given, says in (({"token": "guessed-wrong"}, "the bearer is not accepted"), ({"user": "bob", "password": "guessed-wrong"}, "name or password are wrong"),
                        ({"user": "nobody", "password": "guessed-wrong"}, "name or password are wrong")):
        with pytest.raises(PermissionError, match=says) as refused:
            mtflight.open(home.location, tls_root_certs=home.cert, **given)
        assert "guessed" not in str(refused.value) + repr(refused.value.__context__)
    with pytest.raises(NotImplementedError, match="there are no passwords here"):
        numbers(server.location, user="bob", password="x")


@pytest.mark.parametrize(("options", "kind", "says"), [
    ({"tls_root_certs": b"x"}, ValueError, "tls_root_certs= is no PEM"),
    ({"tls_root_certs": "/nowhere/ca.pem"}, FileNotFoundError, "/nowhere/ca.pem"),
    ({"cert_chain": b"-----BEGIN"}, ValueError, "cert_chain= goes together with private_key="),
    ({"private_key": b"-----BEGIN"}, ValueError, "private_key= goes together with cert_chain="),
    ({"user": "ann"}, ValueError, "user= and password= go together"),
    ({"token": "s3cret", "user": "ann", "password": "s3cret"}, ValueError, "by token=, or by user= and password="),
    ({"token": "s3cret\r\nx: y"}, ValueError, "characters that no token has"),
    ({"tokn": "s3cret"}, TypeError, "tokn"),
])
def test_what_is_given_wrong(options, kind, says):
    calls = [mtflight.connect, lambda at, **o: mtflight.scan(f"{at}/a.h5", "/b", **o)]
    for call in calls:
        with pytest.raises(kind, match=says) as error:
            call("grpc+tls://127.0.0.1:1", **options)
        assert "s3cret" not in str(error.value)


def test_nothing_is_dropped(home):
    """TLS that a location has not, and logins of local files."""
    with pytest.raises(ValueError, match="is without TLS, and tls_root_certs for it"):
        mtflight.connect("grpc://127.0.0.1:1", tls_root_certs=home.cert)
    file, login = TESTDATA / "tables.h5", {"token": "s3cret"}
    for call in (mtflight.open, mtflight.Reader, mtflight.Streamer, lambda f, **o: mtflight.read(f, "/events", **o),
                 lambda f, **o: mtflight.scan(f, "/events", **o), lambda f, **o: mtflight.duckdb.dataset(f, "/events", **o), lambda f, **o: mtflight.read_anndata(f, True, **o),
                 lambda f, **o: len(mtflight.training.Batches(f, "/events", batch_size=3, **o))):
        with pytest.raises(TypeError, match="token: options are those of a connection, and .*tables.h5 is none"):
            call(file, **login)
    with pytest.raises(TypeError, match="leave dataset=, location=, token= out"):
        mtflight.scan(mtflight.open(file)["/events"], **login)


def test_the_private_server_is_not_told(monkeypatch):
    monkeypatch.setenv("MTFLIGHT_TOKEN", "no token\n at all")
    assert len(rows_of(mtflight.Reader(TESTDATA / "tables.h5"))) > 3
    assert mtflight.open(TESTDATA / "tables.h5")["/events"][:3]["id"].shape == (3,)


class Seen(fl.ServerMiddlewareFactory):
    """Notes what calls log in by."""

    def __init__(self):
        self.bearers = []

    def start_call(self, info, headers):
        self.bearers.append((info.method, *headers.get("authorization", [])))


class Basic(Seen):
    """Changes a name and a password for a bearer."""

    def start_call(self, info, headers):
        super().start_call(info, headers)
        return Says("b3arer") if info.method == fl.FlightMethod.HANDSHAKE else None


class Handshake(fl.ServerAuthHandler):
    """Lets Basic answer."""

    def authenticate(self, outgoing, incoming):
        pass

    def is_valid(self, token):
        return ""


class Hostile(fl.FlightServerBase):
    """Sends whoever asks to other locations."""

    SCHEMA = pa.schema([("id", "int64")])

    def __init__(self, advertised=(), seen=None, **options):
        self.seen, self.advertised = seen or Seen(), advertised
        super().__init__(options.pop("location", "grpc://127.0.0.1:0"), middleware={"seen": self.seen}, **options)

    def get_flight_info(self, context, descriptor):
        endpoint = fl.FlightEndpoint(json.dumps({"file": "a", "dataset": "/b"}), list(self.advertised))
        return fl.FlightInfo(self.SCHEMA, descriptor, [endpoint, endpoint], 2, 16)

    def do_get(self, context, ticket):
        batch = pa.record_batch({"id": [1]}, self.SCHEMA)
        return fl.GeneratorStream(self.SCHEMA, iter([(batch, b'{"block": 0, "rows": 1}')]))

    def gets(self):
        return [given for method, *given in self.seen.bearers if method == fl.FlightMethod.DO_GET]


@pytest.mark.parametrize(("host", "goes"), [("127.0.0.1", True), ("localhost", False)])
@pytest.mark.parametrize("login", ["token", "variable", "middleware"])
def test_bearer_stays(host, goes, login, monkeypatch):
    """A location of another host is asked nothing; the rows come from whom the program named."""

    class Header(fl.ClientMiddlewareFactory):
        def start_call(self, info):
            return Says("s3cret")

    if login == "variable":
        monkeypatch.setenv("MTFLIGHT_TOKEN", "s3cret")
    options = {"token": {"token": "s3cret"}, "variable": {}, "middleware": {"middleware": [Header()]}}[login]
    with Hostile() as other, Hostile([f"grpc://{host}:{other.port}"]) as named, \
            mtflight.connect(f"grpc://127.0.0.1:{named.port}", **options) as connection:
        read = connection.table("a", "/b").to_arrow(parallel=2, retries=0)
        assert read.num_rows == 2
        asked, idle = (other, named) if goes else (named, other)
        assert asked.gets() == [["Bearer s3cret"]] * 2
        assert idle.gets() == [] and (goes or other.seen.bearers == [])


def test_bearer_goes_by_tls(home):
    """Also to another host: one whose certificate is of the authorities that the program trusts."""
    pair = [(home.cert.read_bytes(), home.key.read_bytes())]
    with Hostile(location="grpc+tls://127.0.0.1:0", tls_certificates=pair) as other, Hostile([f"grpc+tls://localhost:{other.port}"],
            location="grpc+tls://127.0.0.1:0", tls_certificates=pair) as named, \
            mtflight.connect(f"grpc+tls://127.0.0.1:{named.port}", tls_root_certs=home.cert, token="s3cret") as connection:
        assert connection.table("a", "/b").to_arrow(parallel=2, retries=0).num_rows == 2
        assert other.gets() == [["Bearer s3cret"]] * 2


def test_bearer_stays_within_tls(home):
    """A server that is asked by TLS cannot have the bearer sent in the clear, not to itself either."""
    pair = [(home.cert.read_bytes(), home.key.read_bytes())]
    with Hostile() as other, Hostile([f"grpc://127.0.0.1:{other.port}"], location="grpc+tls://127.0.0.1:0", tls_certificates=pair) as named, \
            mtflight.connect(f"grpc+tls://127.0.0.1:{named.port}", tls_root_certs=home.cert, token="s3cret") as connection:
        assert connection.table("a", "/b").to_arrow(parallel=2, retries=0).num_rows == 2
        assert other.seen.bearers == [] and named.gets() == [["Bearer s3cret"]] * 2


def test_a_password_stays_at_home():
    """Other servers are given the bearer that it was changed for."""

    basic, others = Basic(), Seen()
    with Hostile(seen=others) as other, Hostile([f"grpc://127.0.0.1:{other.port}"], basic, auth_handler=Handshake()) as named, \
            mtflight.connect(f"grpc://127.0.0.1:{named.port}", user="ann", password="s3cret") as connection:
        assert connection.table("a", "/b").to_arrow(parallel=2, retries=0).num_rows == 2
    assert [given.split()[0] for _, given in basic.bearers] == ["Basic", *["Bearer"] * (len(basic.bearers) - 1)]
    assert others.bearers == [(fl.FlightMethod.DO_GET, "Bearer b3arer")] * 2


def test_secrets_are_not_shown(home, caplog):
    caplog.set_level(logging.DEBUG)
    login = {**home.login, "token": "s3cret"}
    connection = mtflight.connect(home.location, **login)
    batches = mtflight.training.Batches(f"{home.location}/tables.h5", "/events", batch_size=9, **login)
    shown = [repr(thing) + str(thing) for thing in (connection, connection._credentials, connection.table("a", "/b"), batches, batches._rank.recipe,
                                                    mtflight.Reader(f"{home.location}/a", **login), mtflight.Streamer(f"{home.location}/a", **login))]
    with pytest.raises(PermissionError) as refused:
        connection.list()
    assert isinstance(connection, Connection)
    assert "s3cret" not in "".join(shown) + str(refused.value) + caplog.text
