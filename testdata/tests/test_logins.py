"""Clients in each language log in to one server by each way: TLS and a certificate, a token, a name and password, a provider of OpenID Connect
that signs here."""

from __future__ import annotations

import base64
import functools
import json
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pyarrow.flight as fl
import pytest

import languages
from conftest import BINARY, CLONE, TESTDATA, ticket
from test_languages import JAVA, RUST, prepared

REQUEST = json.loads(ticket("tables.h5", "/events", where="id < 40", fields=["id", "energy"]).ticket)
PASSWORD = "pass word:ü"
SAMPLE = {"java": JAVA, "rust": RUST, "go": BINARY, "pyarrow": CLONE}


def run(*command, text: str = "", **options) -> str:
    return subprocess.run([*map(str, command)], input=text, capture_output=True, text=True, check=True, **options).stdout


def b64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


class Issuer:
    """A provider that signs by RS256, with OpenSSL."""

    def __init__(self, folder: Path):
        self.key = folder / "issuer.key"
        run("openssl", "genrsa", "-out", self.key, "2048")
        modulus = bytes.fromhex(run("openssl", "rsa", "-in", self.key, "-noout", "-modulus").strip().partition("=")[2])
        keys = {"keys": [{"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "1", "n": b64(modulus), "e": "AQAB"}]}
        issuer = self

        class Answers(BaseHTTPRequestHandler):
            def do_GET(self):  # noqa: N802, its name
                told = keys if self.path == "/keys" else {"issuer": issuer.url, "jwks_uri": f"{issuer.url}/keys", "authorization_endpoint": issuer.url,
                                                          "token_endpoint": issuer.url}
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(told).encode())

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def token(self, **claims) -> str:
        body = {"iss": self.url, "sub": "7f3a", "aud": "mtflight", "iat": int(time.time()), "exp": int(time.time()) + 3600, **claims}
        text = ".".join(b64(json.dumps(part).encode()) for part in ({"alg": "RS256", "kid": "1"}, body))
        signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.key], input=text.encode(), capture_output=True, check=True).stdout
        return f"{text}.{b64(signature)}"


class Castle:
    """A server with every way in."""

    def __init__(self, start, folder: Path):
        self.cert, self.folder, self.issuer = folder / "cert.pem", folder, Issuer(folder)
        run(BINARY, "cert", "selfsigned", "--tls-cert", self.cert, "--tls-key", folder / "key.pem", "localhost", "127.0.0.1")
        self.token = run(BINARY, "token", "new", "--auth-tokens", folder / "tokens", "ann").strip()
        run(BINARY, "user", "add", "--auth-users", folder / "users", "bob", text=PASSWORD + "\n")
        ec = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
        run("openssl", "req", "-x509", *ec, "-keyout", folder / "ca.key", "-out", folder / "ca.pem", "-days", "1", "-subj", "/CN=ca")
        run("openssl", "req", *ec, "-keyout", folder / "ann.key", "-out", folder / "ann.csr", "-subj", "/CN=ann")
        (folder / "ext").write_text("subjectAltName=email:ann@lab.example\nextendedKeyUsage=clientAuth\n")
        run("openssl", "x509", "-req", "-in", folder / "ann.csr", "-CA", folder / "ca.pem", "-CAkey", folder / "ca.key", "-set_serial", "2", "-days", "1",
            "-extfile", folder / "ext", "-out", folder / "ann.pem")
        self.location = start(TESTDATA, listen="grpc+tls://127.0.0.1:0", args=(
            "--tls-cert", str(self.cert), "--tls-key", str(folder / "key.pem"), "--tls-client-ca", str(folder / "ca.pem"), "--auth-tokens", str(folder / "tokens"),
            "--auth-users", str(folder / "users"), "--oidc-issuer", self.issuer.url, "--oidc-audience", "mtflight")).location

    @functools.cached_property
    def ways(self) -> dict[str, dict[str, str]]:
        """Variables of the samples, by the way to log in; each token is signed once."""
        return {"certificate": {"TLS_CERT": str(self.folder / "ann.pem"), "TLS_KEY": str(self.folder / "ann.key")},
                "token": {"MTFLIGHT_TOKEN": self.token}, "password": {"MTFLIGHT_LOGIN": f"bob:{PASSWORD}"},
                "provider": {"MTFLIGHT_TOKEN": self.issuer.token()}, "nothing": {}, "wrong token": {"MTFLIGHT_TOKEN": "mtf_" + "A" * 43},
                "for others": {"MTFLIGHT_TOKEN": self.issuer.token(aud="other")}, "expired": {"MTFLIGHT_TOKEN": self.issuer.token(exp=int(time.time()) - 60)},
                "wrong password": {"MTFLIGHT_LOGIN": "bob:wrong word"}}


@pytest.fixture(scope="module")
def castle(start, tmp_path_factory):
    return Castle(start, tmp_path_factory.mktemp("castle"))


def asked(language: str, castle: Castle, way: dict[str, str]) -> str:
    """What a client prints; CalledProcessError or pyarrow's error where it is refused."""
    environment = {"PATH": "/usr/bin:/bin", "TLS_CA": str(castle.cert), "LANG": "C.UTF-8", **way}
    if language == "java":
        classes = f"{JAVA.parent / 'classes'}:{JAVA.read_text().strip()}"
        return run("java", "--add-opens=java.base/java.nio=ALL-UNNAMED", "-cp", classes, "Rows", castle.location, json.dumps(REQUEST), env=environment)
    if language == "rust":
        return run(RUST, castle.location.replace("grpc+tls:", "https:"), json.dumps(REQUEST), env=environment)
    if language == "go":
        certificate = ["--tls-cert", way["TLS_CERT"], "--tls-key", way["TLS_KEY"]] if "TLS_CERT" in way else []
        return run(BINARY, "get", castle.location, "tables.h5", "/events", "--where", "id < 40", "--fields", "id,energy", "--format", "jsonl", "--tls-ca", castle.cert,
                   *certificate, env=environment)
    return by_pyarrow(castle, way)


def by_pyarrow(castle: Castle, way: dict[str, str]) -> str:
    pair = {"cert_chain": Path(way["TLS_CERT"]).read_bytes(), "private_key": Path(way["TLS_KEY"]).read_bytes()} if "TLS_CERT" in way else {}
    with fl.connect(castle.location, tls_root_certs=castle.cert.read_bytes(), **pair) as client:
        headers = [(b"authorization", f"Bearer {way['MTFLIGHT_TOKEN']}".encode())] if "MTFLIGHT_TOKEN" in way else []
        if "MTFLIGHT_LOGIN" in way:
            headers = [client.authenticate_basic_token(*way["MTFLIGHT_LOGIN"].split(":", 1))]
        rows = client.do_get(fl.Ticket(json.dumps(REQUEST)), fl.FlightCallOptions(headers=headers)).read_all()
    return "\n".join(json.dumps(row) for row in rows.to_pylist())


# The command takes no password: Go's tests of the server log in by one.
GOOD = [(language, way) for language in SAMPLE for way in ("certificate", "token", "password", "provider") if (language, way) != ("go", "password")]
BAD = [(language, way) for language in SAMPLE for way in ("nothing", "wrong token", "for others", "expired", "wrong password") if (language, way) != ("go", "wrong password")]


@pytest.mark.parametrize(("language", "way"), GOOD)
def test_ways_in(castle, server, language, way):
    prepared(SAMPLE[language], f"test-{language}")
    table = server.client().do_get(fl.Ticket(json.dumps(REQUEST))).read_all()
    languages.check(table, asked(language, castle, castle.ways[way]))


@pytest.mark.parametrize(("language", "way"), BAD)
def test_ways_that_are_none(castle, language, way):
    prepared(SAMPLE[language], f"test-{language}")
    with pytest.raises((subprocess.CalledProcessError, fl.FlightUnauthenticatedError)) as refused:
        asked(language, castle, castle.ways[way])
    said = getattr(refused.value, "stderr", None) or str(refused.value)
    assert any(why in said for why in ("log in first", "not accepted", "has expired", "name or password are wrong")), said
