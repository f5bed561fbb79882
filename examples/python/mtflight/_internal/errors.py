"""Exceptions, and the translation of Flight errors into those that PyTables and multitables raise, with the server's message."""

from __future__ import annotations

import contextlib
import json
import re
import sys
from collections.abc import Iterator, Mapping

import pyarrow as pa
import pyarrow.flight  # noqa: F401, pa.flight

from .notices import warn


class NoSuchNodeError(AttributeError, KeyError):
    """The file has no dataset of that name: a KeyError as of a dict and of h5py, and where PyTables is imported its own
    NoSuchNodeError too."""

    __str__ = Exception.__str__  # KeyError's is the repr of the message


class InvalidIndexError(IndexError, TypeError):
    """What was given is no index of the dataset. multitables raised IndexError for it, and newer PyTables raise TypeError."""


class ResourceExhausted(RuntimeError):
    """The server's budget of memory or requests is used up, also after waiting."""


class SharedMemoryError(Exception):
    """A result does not fit into its stage, or shared memory is full."""


class FilesLeftOut(UserWarning):
    """Files of a pattern that cannot be read are not in the result, as options={"on_error": "skip"} asks for."""


def warn_left_out(metadata: Mapping[bytes, bytes] | None) -> None:
    """Warns of the files that a schema's metadata names as left out."""
    if left := json.loads((metadata or {}).get(b"files.skipped", b"[]")):
        named = ", ".join(f"{one['file']} ({reason_of(one['file'], one['reason'])})" for one in left[:10])
        more = f", and {len(left) - 10} more" if len(left) > 10 else ""
        warn(f"{len(left)} file{'s' * (len(left) > 1)} left out, which cannot be read: {named}{more}", FilesLeftOut)


def reason_of(file: str, reason: str) -> str:
    """Why a file cannot be read, of what a listing says: without the code and the file's name before it."""
    return reason.partition(": ")[2].removeprefix(f"{file}: ")


def too_small(size: int, needed: int) -> SharedMemoryError:
    """The exception of a stage that the result does not fit into."""
    return SharedMemoryError(f"Stage is smaller than requested array: {size} < {needed}")


_MESSAGE = re.compile(r"(?:Flight|gRPC) returned (.+?) error, with message: (.*?)"
                      r"(?: \(request [0-9a-f]+\))?(?:\. gRPC client debug context.*|\. Client context.*)?(?:\. Detail: [\w ]+)?$", re.DOTALL)

_KINDS: dict[str, type[Exception]] = {
    "invalid argument": ValueError,
    "precondition failed": ValueError,
    "failed precondition": ValueError,
    "out-of-range": IndexError,
    "unimplemented": NotImplementedError,
    "unavailable": ConnectionError,
    "resource exhausted": ResourceExhausted,
    "unauthenticated": PermissionError,
    "permission denied": PermissionError,
    "unauthorized": PermissionError,
    "timeout": TimeoutError,
    "deadline-exceeded": TimeoutError,
}


_REASONS = [  # what gRPC says of TLS and our server of logins, and what that means
    (r".*certificate verify failed(?:: (.+))?", r"the server's certificate is not trusted (\1): tls_root_certs= takes the PEM file of its authority"),
    (r".*(?:is not in peer certificate|[Hh]ostname mismatch|IP address mismatch).*", "the server's certificate is of another host name than the location's"),
    (r".*wrong version number.*", "the server is without TLS: write grpc://HOST:PORT"),
    (r".*empty address list", "tls_root_certs=, cert_chain= or private_key= cannot be used: the key is not that of the certificate, or they are damaged"),
    (r"(log in first: .+)", r"\1 (token= or the variable MTFLIGHT_TOKEN, user= and password=, cert_chain= and private_key=)"),
]


def _explained(message: str) -> str:
    """A message in the words of a program that connects."""
    for pattern, words in _REASONS:
        if found := re.fullmatch(pattern, message, re.DOTALL):
            return found.expand(words)
    return message


def translate(error: Exception) -> Exception:
    """The exception to raise for what pyarrow raised: IndexError, ValueError, FileNotFoundError, KeyError,
    NoSuchNodeError, NotImplementedError, ResourceExhausted, PermissionError, ConnectionError, else OSError."""
    if not isinstance(error, (pa.ArrowException, OSError)):
        return error
    found = _MESSAGE.search(str(error))
    if not found:
        return ConnectionError(str(error)) if _is_lost(error) else error
    kind, message = found[1], _explained(found[2])
    if kind == "not found":
        return _not_found(message)
    if kind in _KINDS:
        return _KINDS[kind](message)
    return ConnectionError(message) if _is_lost(error) else OSError(message)


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Raises what `translate` makes of a Flight error."""
    try:
        yield
    except (pa.ArrowException, OSError) as e:
        error = translate(e)
        if error is e:
            raise
        raise error from None  # what Flight wrapped it in says no more


def is_lost(error: Exception) -> bool:
    """Whether a translated exception says that the connection is gone, so that asking again may help."""
    return isinstance(error, (ConnectionError, TimeoutError))


def _is_lost(error: Exception) -> bool:
    return isinstance(error, pa.flight.FlightUnavailableError) or "failed to connect" in str(error)


def _not_found(message: str) -> Exception:
    if "no such file" in message:
        return FileNotFoundError(message)
    if "no column" in message or "no such attribute" in message:
        return KeyError(message)
    return _no_such_node()(message)


def _no_such_node() -> type[Exception]:
    """NoSuchNodeError, also of PyTables' type where the program has it, so that its except clauses match."""
    theirs = getattr(sys.modules.get("tables"), "NoSuchNodeError", None)
    if theirs is None:
        return NoSuchNodeError
    return type("NoSuchNodeError", (NoSuchNodeError, theirs), {"__module__": NoSuchNodeError.__module__})
