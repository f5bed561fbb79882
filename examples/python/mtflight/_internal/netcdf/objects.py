"""The groups and datasets of a file, as its server lists them."""

from __future__ import annotations

import posixpath
from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ..errors import NoSuchNodeError
from ..notices import warn
from ..transport.source import Source

_NO_VARIABLE = "This is a netCDF dimension but not a netCDF variable"
_NOT_THE_COORDINATE = "_nc4_non_coord_"  # netCDF's prefix of a variable that has a dimension's name and is not along it


@dataclass(frozen=True)
class Dataset:
    """A dataset that may be a dimension, a variable, or both."""

    path: str  # how it is asked for: by this link
    listed: dict[str, Any]  # what the action `list` says of it
    object: str  # the path by which the action `list` has it: the same for all links to it

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
    """A group with its datasets and the groups below it, in the order in which the file has them."""

    path: str
    parent: Group | None
    attributes: dict[str, Any]
    types: dict[str, str] = field(default_factory=dict)  # names of the types committed in it, by their text
    datasets: list[Dataset] = field(default_factory=list)
    children: list[Group] = field(default_factory=list)

    def walk(self) -> Iterator[Group]:
        """It and all groups below it, parents first."""
        yield self
        for child in self.children:
            yield from child.walk()

    def above(self) -> Iterator[Group]:
        """It and all groups above it, the root last."""
        group: Group | None = self
        while group:
            yield group
            group = group.parent

    def type_name(self, text: str) -> str | None:
        """The name of a committed type, here or above."""
        return self.types.get(text) or (self.parent.type_name(text) if self.parent else None)


def list_groups(source: Source) -> dict[str, Group]:
    """A file's groups by path. OSError of a file that cannot be read."""
    client, file = source.client, source.request("/")["file"]
    listed = client.list(file=_literally(file))
    if not listed:
        raise FileNotFoundError(f"{client.title(file)}: no such file on {client.location}: one file is opened, not those of a pattern")
    if "error" in listed[0]:
        raise client.unreadable(listed[0])
    return _Listed(source, file, listed[0]).tree()


def _literally(name: str) -> str:
    """A glob that matches just this name."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)


_MOST_REPEATED = 100_000  # groups and datasets that are there by further links
_DEEPEST = 1000


class _Listed:
    """A file's objects and which links of which group lead to them: a graph, of which `tree` makes what one sees from the root."""

    def __init__(self, source: Source, file: str, listed: dict[str, Any]):
        self._source, self._file = source, file
        self._groups = {g["path"]: g for g in listed["groups"] if not g.get("named_type")}
        self._datasets = {d["path"]: d for d in listed["datasets"] if d["path"] not in self._groups}
        self._types: dict[str, dict[str, str]] = defaultdict(dict)  # of each group, names by texts
        self._links: dict[str, dict[str, tuple[int, str]]] = defaultdict(dict)  # of each group, by name: order and object
        for found in listed["groups"]:
            if found.get("named_type"):
                self._types[posixpath.dirname(found["path"])].setdefault(found.get("type", ""), posixpath.basename(found["path"]))
        for found in (*self._groups.values(), *self._datasets.values()):
            self._link(found, found["path"])
        for link in sorted(listed["links"], key=lambda link: link["kind"] != "hard"):
            self._link(link, self._target(link))

    def _link(self, link: dict[str, Any], target: str) -> None:
        if target and link["path"] != "/":
            self._links[posixpath.dirname(link["path"])][posixpath.basename(link["path"])] = link.get("order", 0), target

    def _target(self, link: dict[str, Any]) -> str:
        """The object that a link leads to; "" if nowhere, or to a group of another file."""
        if link["kind"] == "hard":
            return link["target"]
        if link["kind"] == "soft" and (found := self._found(posixpath.join(posixpath.dirname(link["path"]), link["target"]))):
            return found
        try:
            told = self._source.client.action("describe", {"file": self._file, "dataset": link["path"]})
            self._datasets[link["path"]] = next(told)
        except (NoSuchNodeError, LookupError, OSError, ValueError, NotImplementedError):
            return ""
        return link["path"]

    def _found(self, path: str) -> str:
        """The object of a path by the links that are known; "" if there is none."""
        at = "/"
        for name in path.split("/"):
            if name not in ("", "."):
                at = self._links[at][name][1] if name in self._links.get(at, ()) else ""
        return at

    def tree(self) -> dict[str, Group]:
        """All groups by path. A link to a group above, or to its own, is left out: there would be no end."""
        root = Group("/", None, self._attributes("/"), self._types["/"])
        found, left, room = {}, deque([(root, ("/",))]), len(self._groups) + len(self._datasets) + _MOST_REPEATED
        while left:
            group, chain = left.popleft()
            found[group.path] = group
            for _, name, target in sorted((order, name, target) for name, (order, target) in self._links.get(chain[-1], {}).items()):
                path = posixpath.join(group.path, name)
                if target in self._datasets:
                    group.datasets.append(Dataset(path, self._datasets[target], target))
                elif target in self._groups and target not in chain:
                    group.children.append(Group(path, group, self._attributes(target), self._types[target]))
                    left.append((group.children[-1], (*chain, target)))
            room -= 1 + len(group.datasets)
            if room < 0 or len(chain) > _DEEPEST:
                warn(f"{self._file}: its links lead on and on: not all groups are there")
                break
        return dict(sorted(found.items(), key=lambda g: g[0].split("/")))

    def _attributes(self, path: str) -> dict[str, Any]:
        return self._groups.get(path, {}).get("attributes") or {}
