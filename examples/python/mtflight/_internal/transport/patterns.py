"""Patterns of this machine's files, as the private server has them, to which all files lie below /."""

from __future__ import annotations

import errno
import os
import re
from typing import NamedTuple

from .client import Client

_WILD = "*?["
_ESCAPED = re.compile(r"\\([*?[])")  # a backslash takes the meaning from the wildcard behind it


class Pattern(NamedTuple):
    """`glob` is what the names match, `folder` the start that all of them have."""

    glob: str
    folder: str


def glob_of(name: str) -> str:
    """A glob that a name alone matches."""
    return "".join(f"[{letter}]" if letter in _WILD else letter for letter in name)


def pattern_of(name: str) -> Pattern | None:
    """The pattern of names on a server that a text is, if it has a wildcard."""
    glob = _ESCAPED.sub(r"[\1]", name)
    parts = glob.split("/")
    fixed = next((i for i, part in enumerate(parts) if _is_wild(part)), None)
    if fixed is None:
        return None
    return Pattern(glob, "".join(f"{_literal(part)}/" for part in parts[:fixed]))


def local_pattern(name: str) -> Pattern | None:
    """The same of files of this machine, as the private server has it."""
    pattern = pattern_of(os.path.expanduser(name))
    if pattern is None:
        return None
    rest = "/".join(pattern.glob.split("/")[pattern.folder.count("/"):])
    folder = f"{os.path.realpath(pattern.folder or '.').strip('/')}/".lstrip("/")
    return Pattern(glob_of(folder) + rest, folder)


def check_matches(client: Client, pattern: Pattern, name: str) -> None:
    """FileNotFoundError if there is no file of a pattern, which the program knows by `name`."""
    if next(client.action("list", {"file": pattern.glob}), None) is None:
        raise FileNotFoundError(errno.ENOENT, "no HDF5 file matches: * is any run of characters, / too", name)


def _is_wild(part: str) -> bool:
    return any(letter in _WILD for letter in _literal(part, ""))


def _literal(part: str, instead: str = r"\1") -> str:
    """A part of a glob without the brackets around single wildcards."""
    return re.sub(r"\[([*?[])\]", instead, part)
