"""AnnData's files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Literal, overload

from ..needed import needed
from ..transport.source import Source
from .backed import BackedAnnData
from .nodes import node_at

if TYPE_CHECKING:
    import anndata


@overload
def read_anndata(source: str | os.PathLike[str], backed: Literal[True, "r"], *, group: str = ..., location: str | None = ...,
                 **login: Any) -> BackedAnnData: ...
@overload
def read_anndata(source: str | os.PathLike[str], backed: Literal[False] | None = ..., *, group: str = ...,
                 location: str | None = ..., **login: Any) -> anndata.AnnData: ...
def read_anndata(source: str | os.PathLike[str], backed: Literal[True, False, "r"] | None = None, *, group: str = "/",
                 location: str | None = None, **login: Any) -> BackedAnnData | anndata.AnnData:
    """The AnnData object of a file (.h5ad), or of a location (``grpc://host:8815/cells.h5ad``): AnnData's own, all of it in memory, which
    needs the package anndata, or with `backed` a `BackedAnnData`, which reads what is asked of it and needs pandas, and SciPy for sparse
    matrices. `group` is where it lies, in .h5mu files /mod/NAME. `login` are the options of `connect`.

    FileNotFoundError if there is no such file or group, ValueError if it is no AnnData object,
    NotImplementedError of files that AnnData wrote before 0.7."""
    if backed not in (None, False, True, "r"):
        raise ValueError(f"backed={backed!r}: files are only read, backed=True")
    needed("pandas", "mtflight.read_anndata")
    if not backed:
        needed("anndata", "mtflight.read_anndata without backed=True")
    node: Any = node_at(Source(source, location, login=tuple(login.items())), group)
    for axis in ("obs", "var"):
        if axis not in node:
            raise ValueError(f"{os.fspath(source)}: {node.path} is no AnnData object, it has no {axis}")
        if not node[axis].is_group:
            raise NotImplementedError(f"{os.fspath(source)}: AnnData before 0.7 wrote it: read it by anndata and write it again")
    cells = BackedAnnData(node)
    return cells if backed else cells.to_memory()
