"""The groups and datasets of a file, as its server lists them."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from typing import Any

from ..arrow.table import Table
from ..transport.source import Source


@dataclass
class Node:
    """A group or dataset, with what AnnData says of it. It holds no values."""

    source: Source
    path: str
    attributes: dict[str, Any]
    is_group: bool
    children: dict[str, Node] = field(default_factory=dict)  # of a group, by name

    @property
    def encoding(self) -> str:
        """AnnData's encoding-type; of files before 0.8 what it would be."""
        told = self.attributes.get("encoding-type")
        if told:
            return str(told)
        if not self.is_group:
            return "array"
        older = self.attributes.get("h5sparse_format")
        return f"{older}_matrix" if older else "dict"

    @property
    def table(self) -> Table:
        """It, to be read."""
        return Table(self.source.client, self.source.request(self.path)["file"], self.path)

    def __getitem__(self, name: str) -> Node:
        return self.children[name]

    def __contains__(self, name: str) -> bool:
        return name in self.children


def node_at(source: Source, group: str) -> Node:
    """The group of that path. FileNotFoundError if there is none, OSError of a file that cannot be read."""
    file = source.request("/")["file"]
    listed = source.client.list(file="".join(f"[{c}]" if c in "*?[" else c for c in file))
    if not listed:
        raise FileNotFoundError(f"{source.client.title(file)}: no such file on {source.client.location}: one file is opened, not those of a pattern")
    if "error" in listed[0]:
        raise source.client.unreadable(listed[0])
    nodes = {g["path"]: Node(source, g["path"], g.get("attributes") or {}, True) for g in listed[0]["groups"] if not g.get("named_type")}
    nodes.update({d["path"]: Node(source, d["path"], d.get("attributes") or {}, False) for d in listed[0]["datasets"]})
    for path, node in nodes.items():
        if path != "/" and (parent := nodes.get(posixpath.dirname(path))):
            parent.children[posixpath.basename(path)] = node
    wanted = posixpath.normpath("/" + group.strip("/"))
    if wanted not in nodes or not nodes[wanted].is_group:
        raise FileNotFoundError(f"{source.client.title(file)}: there is no group {wanted} in it")
    return nodes[wanted]
