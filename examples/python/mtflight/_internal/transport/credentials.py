"""What a program gives to trust a server and to be trusted by it: authorities, a certificate, a token, or a name and password."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import pyarrow.flight as fl

NAMES = ("tls_root_certs", "cert_chain", "private_key", "token", "user", "password")
_CONNECTION = (*NAMES, "override_hostname", "disable_server_verification", "middleware", "write_size_limit_bytes", "generic_options")
_VARIABLE = "MTFLIGHT_TOKEN"
_RENEWED = 1800  # seconds, of the hour that a bearer of the handshake lasts

Login = tuple[tuple[str, Any], ...]
"""Options of a connection as they were given, which can be a key."""


def taken(given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The options of a connection among others, and the others."""
    return {n: v for n, v in given.items() if n in _CONNECTION}, {n: v for n, v in given.items() if n not in _CONNECTION}


class Credentials:
    """How a program connects to its server, and to those that this one sends it to. Safe for use by many threads. No text of it has
    a secret."""

    def __init__(self, home: str, options: Mapping[str, Any]):
        """`home` is the location that the program names. ValueError of what does not go together, OSError of a file that is not there."""
        self.home = home
        self._options = {n: v for n, v in options.items() if n not in NAMES}
        self._tls = {n: _pem(n, options[n]) for n in NAMES[:3] if options.get(n) is not None}
        self._user, self._password = options.get("user"), options.get("password")
        self._token = _bearer(options.get("token"), self._user)
        self._home: fl.FlightClient | None = None
        self._lock, self._until = threading.Lock(), 0.0
        self._check()

    def _check(self) -> None:
        if self._tls and not _is_tls(self.home):
            raise ValueError(f"{self.home} is without TLS, and {', '.join(self._tls)} for it: write grpc+tls://HOST:PORT")
        for one, other in (("cert_chain", "private_key"), ("private_key", "cert_chain")):
            if one in self._tls and other not in self._tls:
                raise ValueError(f"{one}= goes together with {other}=")
        if (self._user is None) != (self._password is None):
            raise ValueError("user= and password= go together")

    def trusts(self, location: str) -> bool:
        """Whether what the program logs in by may be sent to a location that the server names: by TLS or, where
        the home is not asked by TLS either, to the same host."""
        secret = self._token or self._user is not None or self._options.get("middleware")
        return not secret or location == self.home or _is_tls(location) or not _is_tls(self.home) and _host(location) == _host(self.home)

    def connect(self, location: str) -> fl.FlightClient:
        """A client of the home, or of a location that is trusted."""
        flight = fl.connect(location, **self._options, **(self._tls if _is_tls(location) else {}))
        if location == self.home and self._home is None:
            self._home = flight
        return flight

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Those of a call. By name and password it logs in, at the home only; where that fails raises pyarrow's errors."""
        if self._user is not None:
            with self._lock:
                if time.monotonic() > self._until:
                    _, bearer = self._home.authenticate_basic_token(self._user, self._password)  # type: ignore[union-attr]
                    self._token, self._until = bearer.decode().partition(" ")[2], time.monotonic() + _RENEWED
        return [(b"authorization", f"Bearer {self._token}".encode())] if self._token else []

    def refused(self) -> None:
        """Has the next call log in anew: the server has another key."""
        self._until = 0.0


def _pem(name: str, given: bytes | str | os.PathLike[str]) -> bytes:
    """What is in PEM, or in the file of that path."""
    if isinstance(given, (str, os.PathLike)):
        if "-----BEGIN" in os.fspath(given):
            return os.fspath(given).encode()
        with open(given, "rb") as file:
            given = file.read()
    if b"-----BEGIN" not in given:
        raise ValueError(f"{name}= is no PEM, nor the path of a file that is")
    return given


def _bearer(token: str | os.PathLike[str] | None, user: str | None) -> str:
    """The token that is given, or is in the file of a Path, or in the variable; "" is none."""
    if user is not None:
        if token is not None:
            raise ValueError("log in by token=, or by user= and password=, not by both")
        return ""
    if isinstance(token, os.PathLike):
        with open(token) as file:
            token = file.read()
    text = (os.environ.get(_VARIABLE, "") if token is None else token).strip()
    if not re.fullmatch(r"[!-~]*", text):
        raise ValueError(f"the token of {_VARIABLE if token is None else 'token='} has characters that no token has")
    return text


def _is_tls(location: str) -> bool:
    return location.startswith("grpc+tls:")


def _host(location: str) -> str:
    """The host of a location; that of a Unix socket is its path."""
    try:
        parts = urlsplit(location)
        return f"{parts.scheme}:{parts.path}" if parts.scheme in ("grpc+unix", "unix") else parts.hostname or location
    except ValueError:
        return location
