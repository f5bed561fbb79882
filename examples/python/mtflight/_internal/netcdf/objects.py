"""The groups and datasets of a file, as its server lists them."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ..errors import NoSuchNodeError
from ..transport.source import Source

_NO_VARIABLE = "This is a netCDF dimension but not a netCDF variable"
_NOT_THE_COORDINATE = "_nc4_non_coord_"  # netCDF's prefix of a variable that has a dimension's name and is not along it


@dataclass(frozen=True)
class Dataset:
    """A dataset that may be a dimension, a variable, or both."""

    path: str  # how it is asked for
    listed: dict[str, Any]  # what the action `list` says of it

    @property
    def link(self) -> str:
        """Its name in its group."""
        return posixpath.basename(self.path)

    @property
    def name(self) -> str:
        """The variable's name."""
        return self.link.removeprefix(_NOT_THE_COORDINATE)

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.listed.get("shape") or ())

    @property
    def unlimited(self) -> tuple[bool, ...]:
        """By axis, whether it can grow without end."""
        return tuple(n == -1 for n in self.listed.get("max_shape") or self.shape)

    @property
    def type(self) -> str:
        """The HDF5 type as text; "" if it could not be read."""
        return self.listed.get("type") or ""

    @property
    def attributes(self) -> dict[str, Any]:
        """As JSON has them; large ones are {"bytes": n}."""
        return self.listed.get("attributes") or {}

    @property
    def is_scale(self) -> bool:
        """Whether it is a dimension."""
        return self.attributes.get("CLASS") == "DIMENSION_SCALE"

    @property
    def is_variable(self) -> bool:
        return not str(self.attributes.get("NAME", "")).startswith(_NO_VARIABLE)


@dataclass
class Group:
    """A group with its datasets, in the order of their names, and the groups below it."""

    path: str
    parent: Group | None
    attributes: dict[str, Any]
    datasets: list[Dataset] = field(default_factory=list)
    children: list[Group] = field(default_factory=list)
    types: dict[str, str] = field(default_factory=dict)  # names of the types committed in it, by their text

    def walk(self) -> Iterator[Group]:
        """It and all groups below it, parents first."""
        yield self
        for child in self.children:
            yield from child.walk()

    def type_name(self, text: str) -> str | None:
        """The name of a committed type, here or above."""
        return self.types.get(text) or (self.parent.type_name(text) if self.parent else None)


def list_groups(source: Source) -> dict[str, Group]:
    """A file's groups by path. OSError of a file that cannot be read."""
    client, file = source.client, source.request("/")["file"]
    listed = client.list(file=_literally(file))
    if not listed:
        raise FileNotFoundError(f"{client.title(file)}: no such file on {client.location}")
    if "error" in listed[0]:
        raise OSError(f"{client.title(file)}: {listed[0]['error']}")
    groups = _tree(listed[0]["groups"])
    for dataset in [Dataset(d["path"], d) for d in listed[0]["datasets"]] + _linked(source, file, listed[0]["links"]):
        if owner := groups.get(posixpath.dirname(dataset.path)):
            owner.datasets.append(dataset)
    for group in groups.values():
        group.datasets.sort(key=lambda d: d.link)
    return groups


def _literally(name: str) -> str:
    """A glob that matches just this name."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)


def _tree(listed: list[dict[str, Any]]) -> dict[str, Group]:
    groups: dict[str, Group] = {}
    for entry in sorted(listed, key=lambda e: e["path"].split("/")):
        path = entry["path"]
        parent = groups.get(posixpath.dirname(path)) if path != "/" else None
        if entry.get("named_type"):
            if parent:
                parent.types.setdefault(entry.get("type", ""), posixpath.basename(path))
            continue
        groups[path] = Group(path, parent, entry.get("attributes") or {})
        if parent:
            parent.children.append(groups[path])
    return groups


def _linked(source: Source, file: str, links: list[dict[str, Any]]) -> list[Dataset]:
    """Datasets that soft and external links lead to; links that lead to groups or nowhere are left out."""
    found = []
    for link in links:
        try:
            found.append(Dataset(link["path"], next(source.client.action("describe", {"file": file, "dataset": link["path"]}))))
        except (NoSuchNodeError, LookupError, OSError, ValueError, NotImplementedError):
            continue
    return found
