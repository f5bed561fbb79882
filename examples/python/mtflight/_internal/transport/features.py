"""What a server can do. It is asked only once it has refused what it may be too old for."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..notices import warn

RELEASE, PROTOCOL = "0.1.0", 1
"""This package's release, and the protocol it speaks."""

REQUIRED_RELEASE = {  # release by member or action that the first servers of protocol 1 do not have; add what comes
    "offset": "0.1.0", "state": "0.1.0", "attributes": "0.1.0", "options.compression": "0.1.0", "options.file_column": "0.1.0",
    "options.partitions": "0.1.0", "options.schema": "0.1.0", "options.on_error": "0.1.0", "stream.to_block": "0.1.0",
}

_UNKNOWN = re.compile(r'unknown (member "([\w.]+)")|no (action "(\w+)")')


@dataclass(frozen=True)
class About:
    """A server's answer to the action `about`."""

    server: str  # its release, "" if unknown
    protocol: int
    features: frozenset[str]  # what it has beyond the protocol's first release


UNKNOWN_SERVER = About("", 1, frozenset())
"""A server that does not know the action."""


def parse(answer: Any) -> About:
    """What an answer says; what it lacks, or has of another type, is as of a server that does not know the action."""
    answer = answer if isinstance(answer, dict) else {}
    server, protocol, features = answer.get("server"), answer.get("protocol"), answer.get("features")
    return About(server if isinstance(server, str) else UNKNOWN_SERVER.server, protocol if isinstance(protocol, int) else UNKNOWN_SERVER.protocol,
                 frozenset(f for f in features if isinstance(f, str)) if isinstance(features, list) else UNKNOWN_SERVER.features)


def check_private(about: About, program: str) -> None:
    """Compares this package with the server that it started, which another installation may have brought. Warns of another
    release; RuntimeError if they do not speak the same protocol. Builds between releases compare as nothing."""
    remedy = f"{program}: install both from one wheel, or set MTFLIGHT_BIN to a server of {RELEASE}"
    if about.protocol != PROTOCOL:
        raise RuntimeError(f"the package speaks protocol {PROTOCOL}, its server {about.protocol}, which is {remedy}")
    released = re.fullmatch(r"v?(\d+\.\d+\.\d+)", about.server)
    if released and released[1] != RELEASE:
        warn(f"the package is mtflight {RELEASE}, its server {released[1]}, which is {remedy}", RuntimeWarning)


def explain_refusal(error: Exception, location: str, about: Callable[[], About]) -> Exception:
    """The error itself, or where the server is too old for what it refuses, one that says so."""
    found = _UNKNOWN.search(str(error))
    name = found and (found[2] or found[4])
    if not name or name not in REQUIRED_RELEASE:
        return error
    try:
        server = about()
    except Exception:  # noqa: BLE001, the program is to see why its own request failed
        return error
    if name in server.features:
        return error
    kind = NotImplementedError if isinstance(error, NotImplementedError) else ValueError
    return kind(f"the server at {location} ({server.server or 'of an unknown release'}, protocol {server.protocol}) does not know the "
                f"{found[1] or found[3]}: it needs mtflight {REQUIRED_RELEASE[name]} or later")
