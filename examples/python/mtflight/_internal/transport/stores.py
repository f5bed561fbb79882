"""Addresses of files in object stores and behind HTTP, and what the private server of each store calls them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

_SCHEMES = ("s3", "https", "http")


def is_address(name: str) -> bool:
    """Whether it is the address of a store, not a path, nor a server's location."""
    scheme, found, _ = name.partition("://")
    return bool(found) and scheme in _SCHEMES


@dataclass(frozen=True)
class Store:
    """A bucket, or one file behind HTTP. `address` may hold a secret, which no text of the store has; `title` is the same without,
    and `name` what the server has instead of that."""

    address: str
    title: str
    name: str

    @property
    def root(self) -> str:
        """What the server is told to serve."""
        return f"{self.name}={self.address}"

    def titled(self, text: str) -> str:
        """A name of the server's, or a message that begins with one, by the address that people know."""
        return re.sub(rf'^(no such file "?|){re.escape(self.name)}(?![^/: "])', lambda found: found[1] + self.title, text)

    def __repr__(self) -> str:
        return f"Store({self.title!r})"


def split_address(address: str) -> tuple[Store, str]:
    """The store of an address, and what its server calls the file, folder or pattern."""
    before, question, query = address.partition("?")
    scheme, _, rest = before.partition("://")
    host, _, path = rest.partition("/")
    shown = f"{scheme}://{host.rpartition('@')[2]}"
    if scheme == "s3":
        bucket, key = host.rpartition("@")[2], unquote(path).strip("/")
        return Store(f"s3://{host}{question}{query}", shown, bucket), f"{bucket}/{key}".rstrip("/")
    name = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in unquote(path).rpartition("/")[2]) or "file"
    return Store(address, f"{shown}/{path}", name), name


def shown_address(name: str) -> str:
    """A file's name as it was given, of an address without what may be a secret."""
    if not is_address(name):
        return name
    scheme, _, rest = name.partition("?")[0].partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"
