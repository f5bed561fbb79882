"""The tree of a file's groups and datasets, as text and as HTML."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html import escape

from ..transport.client import Members

_LINES = 200  # of datasets that are shown
_FILES = 50
_KINDS = {"f": "float", "i": "int", "u": "uint"}
_NUMBER = re.compile(r"^([fiu])(8|16|32|64)(le|be|)$")  # of a type's text form

Listing = Callable[[], Iterator[Members]]
Name = Callable[[str], str]


@dataclass
class _Group:
    groups: dict[str, _Group] = field(default_factory=dict)
    datasets: dict[str, Members] = field(default_factory=dict)

    def at(self, path: str) -> _Group:
        """The group of a path, made if it is not there."""
        group = self
        for part in path.split("/"):
            if part:
                group = group.groups.setdefault(part, _Group())
        return group


def text(name: str, listing: Listing, shown: Name) -> str:
    """The tree by indents. If the server does not answer, that."""
    try:
        lines = [name]
        for title, root, left in _files(listing, shown):
            lines += [f"  {title}"] if title else []
            lines += _text(root, "    " if title else "  ")
            lines += [f"  .. and {left} more"] if left else []
        return "\n".join(lines)
    except Exception as e:  # noqa: BLE001, a debugger asks too
        return f"<mtflight.Catalogue {name}: {type(e).__name__}: {e}>"


def html(name: str, listing: Listing, shown: Name) -> str:
    """The tree as lists that open and close."""
    try:
        files = []
        for title, root, left in _files(listing, shown):
            body = _html(root) + (f"<div>.. and {left} more</div>" if left else "")
            files.append(_details(title, body) if title else body)
        return f'<div class="mtflight"><div>{escape(name)}</div>{"".join(files)}</div>'
    except Exception as e:  # noqa: BLE001
        return f"<pre>{escape(f'{name}: {type(e).__name__}: {e}')}</pre>"


def _files(listing: Listing, shown: Name) -> Iterator[tuple[str, _Group, int]]:
    """For each file its title, if there are several, its tree, and how many datasets are left out of that."""
    left = _LINES
    for i, file in enumerate(listing()):
        if i == _FILES:
            yield "..", _Group(), 0
            return
        datasets = file.get("datasets", [])
        root = _Group()
        for dataset in datasets[:left]:
            group, _, last = dataset["path"].rpartition("/")
            root.at(group).datasets[last] = dataset
        yield _title(shown(file["file"]), file), root, max(0, len(datasets) - left)
        left = max(0, left - len(datasets))


def _title(name: str, file: Members) -> str:
    return ": ".join(part for part in (name, file.get("error")) if part)


def _text(group: _Group, indent: str) -> list[str]:
    width = max((len(name) for name in group.datasets), default=0)
    lines = [f"{indent}{name:<{width}}  {describe(dataset)}" for name, dataset in group.datasets.items()]
    for name, inner in group.groups.items():
        lines += [f"{indent}{name}/", *_text(inner, indent + "  ")]
    return lines


def _html(group: _Group) -> str:
    items = [f"<li><b>{escape(name)}</b> {escape(describe(dataset))}</li>" for name, dataset in group.datasets.items()]
    items += [f"<li>{_details(name + '/', _html(inner))}</li>" for name, inner in group.groups.items()]
    return f'<ul style="list-style:none">{"".join(items)}</ul>'


def _details(title: str, body: str) -> str:
    return f"<details open><summary>{escape(title)}</summary>{body}</details>"


def _numpy_name(number: re.Match[str]) -> str:
    return f"{_KINDS[number[1]]}{number[2]}{' (big endian)' if number[3] == 'be' else ''}"


def describe(dataset: Members) -> str:
    """Kind, shape and type of a dataset in a line, or why it is not served."""
    if dataset["kind"] == "unsupported":
        return f"not served: {dataset.get('reason', '')}"
    shape = dataset.get("shape")
    size = f"{dataset.get('rows')} rows" if shape is None or dataset["kind"] == "table" else " x ".join(map(str, shape)) or "one value"
    kind = _NUMBER.sub(_numpy_name, dataset.get("type") or "")
    return f"{dataset.get('frame') or dataset['kind']}, {size}" + (f", {kind}" if kind and len(kind) <= 40 else "")
