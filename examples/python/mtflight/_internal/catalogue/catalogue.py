"""The datasets of a file, or of the files of a folder or server, by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeVar

from ..arrow.table import Table
from ..errors import NoSuchNodeError
from ..transport.client import Client, Members
from ..transport.patterns import glob_of
from . import tree
from .joined import joined

_C = TypeVar("_C", bound="Catalogue")


class Catalogue(Mapping[str, Table]):
    """The datasets of one file by their paths ("/events"; data frames by their groups'), those that all files of a pattern have
    as one table each, or those of a folder's or server's files by both ("run7.h5/events"), as they are at the moment. It holds
    no data: safe for use by many threads, pickled as what it looks at. Used in a with statement, or after `close`, its tables end with it."""

    def __init__(self, client: Client, name: str, file: str | None, folder: str = "", many: bool = False):
        """Made by `open`. `name` is what it was opened by, `file` the one file's name on the server or, of `many`, their
        pattern, else None, and `folder` the start of the names of several, which is left out of theirs here."""
        self._client, self._name, self._file, self._folder, self._many = client, name, file, folder, many

    def __getitem__(self, name: str) -> Table:
        """A dataset, by name. A KeyError (NoSuchNodeError) if it is not there; one that cannot be served is, and says why
        once it is read."""
        if not isinstance(name, str):
            raise TypeError(f"datasets are asked for by name, not by {name!r}: list(..) names them")
        reason: Exception | None = None
        for file, path in self._meanings(name):
            table = Table(self._client, file, path)
            try:
                table.schema  # noqa: B018, asks for it
            except NotImplementedError:
                return table
            except FileNotFoundError as e:
                reason = reason or e
            else:
                return table
        raise NoSuchNodeError(f"{self._name}: there is no {name!r}: {reason or self._hint}") from reason

    def __contains__(self, name: object) -> bool:
        try:
            return isinstance(name, str) and bool(self[name])
        except KeyError:
            return False

    def __iter__(self) -> Iterator[str]:
        """The names, those of a folder as its files are read."""
        for file in self._listed():
            for dataset in file.get("datasets", []):
                yield self._shown(file["file"]) + dataset["path"]

    def __len__(self) -> int:
        return sum(1 for _ in self)

    __eq__ = object.__eq__  # Mapping's would read both catalogues
    __hash__ = object.__hash__

    @property
    def files(self) -> list[str]:
        """The names of a pattern's, folder's or server's files, also those that cannot be read."""
        return [self._shown(file["file"]) for file in self._each() if self._several]

    def file(self, name: str) -> Catalogue:
        """One of the files, as a catalogue of its own. FileNotFoundError if it is not there, OSError if it cannot be read."""
        self._client.attributes(self._folder + name)
        return Catalogue(self._client, name, self._folder + name)

    @property
    def attrs(self) -> Members:
        """The attributes of the file itself (its root group). ValueError of several files."""
        if self._file is None or self._many:
            raise ValueError(f"{self._name} has files, and those have attributes: .file(name).attrs")
        return self._client.attributes(self._file)

    def close(self) -> None:
        """Ends the connection. Tables of it, and streams that run, end with an error."""
        self._client.close()

    def _meanings(self, name: str) -> Iterator[tuple[str, str]]:
        """The files and datasets that a name may mean."""
        if self._file is not None:
            yield self._file, "/" + name.lstrip("/")
            return
        for at in (i for i, letter in enumerate(name) if letter == "/" and i > 0):
            yield self._folder + name[:at], name[at:]

    @property
    def _hint(self) -> str:
        return 'write a file and a dataset of it, as "run7.h5/events", or .file(name) for the file; .files names them'

    def _shown(self, file: str) -> str:
        """A file's name here; of the one file none."""
        return "" if file == self._file else file.removeprefix(self._folder)

    @property
    def _several(self) -> bool:
        return self._file is None or self._many

    def _listed(self) -> Iterator[Members]:
        """What the server tells of the files, of those of a pattern as if they were one."""
        return iter([joined(self._file, self._each())]) if self._file is not None and self._many else self._each()

    def _each(self) -> Iterator[Members]:
        criteria: Members = {"frames": True}
        if self._many:
            criteria["file"] = self._file
        elif self._file is not None:
            criteria["file"] = glob_of(self._file)
        elif self._folder:
            criteria["file"] = glob_of(self._folder) + "*"
        return self._client.action("list", criteria)

    def _ipython_key_completions_(self) -> list[str]:
        return list(self)

    def __enter__(self: _C) -> _C:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return tree.text(self._name, self._listed, self._shown)

    def _repr_html_(self) -> str:
        return tree.html(self._name, self._listed, self._shown)
