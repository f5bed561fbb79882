"""xarray's engine."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable
from typing import Any

from xarray import Dataset, DataTree
from xarray.backends import BackendEntrypoint
from xarray.backends.store import StoreBackendEntrypoint

from ..transport.credentials import taken
from ..transport.source import Source
from .arrays import shared_source
from .dimensions import Dimensions
from .objects import Group, list_groups
from .store import GroupStore


class MtflightBackendEntrypoint(BackendEntrypoint):
    """``xr.open_dataset(path_or_location, engine="mtflight")``: NetCDF4 and most other HDF5 files, read by mtflight.

    `filename_or_obj` is a file's name or the address of an object (``s3://..``, ``https://..``), which a private server of this process reads, or a location: ``grpc://HOST:PORT/run7.nc``.
    Nothing but metadata is read before it is used. The further options are xarray's, and those of `mtflight.connect` (in backend_kwargs, too).
    """

    __module__ = "mtflight.xarray"
    description = "Open netCDF (.nc, .nc4) and most HDF5 files, local or on a server, using mtflight in Xarray"
    supports_groups = True
    open_dataset_parameters = ("filename_or_obj", "mask_and_scale", "decode_times", "concat_characters", "decode_coords",
                               "drop_variables", "use_cftime", "decode_timedelta", "group")

    def guess_can_open(self, filename_or_obj: Any) -> bool:
        """Only locations: files are left to xarray's own engines unless ``engine="mtflight"`` is given."""
        return isinstance(filename_or_obj, str) and filename_or_obj.startswith(("grpc://", "grpc+tls://", "grpc+unix://"))

    def open_dataset(self, filename_or_obj: Any, *, mask_and_scale: Any = True, decode_times: Any = True,  # type: ignore[override]
                     concat_characters: Any = True, decode_coords: Any = True, drop_variables: str | Iterable[str] | None = None,
                     use_cftime: Any = None, decode_timedelta: Any = None, group: str | None = None, **login: Any) -> Dataset:
        """One group: the root, or the one named."""
        source, groups, wanted = _open(filename_or_obj, group, login)
        decoding = {"mask_and_scale": mask_and_scale, "decode_times": decode_times, "concat_characters": concat_characters,
                    "decode_coords": decode_coords, "use_cftime": use_cftime, "decode_timedelta": decode_timedelta}
        return _decoded(source, wanted, Dimensions(groups["/"]), drop_variables, decoding)

    def open_groups_as_dict(self, filename_or_obj: Any, *, drop_variables: str | Iterable[str] | None = None,  # type: ignore[override]
                            group: str | None = None, **decoding: Any) -> dict[str, Dataset]:
        """The group, or the root, and all groups below it, by path; that of the group itself is "." if one is named."""
        login, decoding = taken(decoding)
        source, groups, wanted = _open(filename_or_obj, group, login)
        dimensions = Dimensions(groups["/"])
        below = (wanted.path, ".") if group else ("/", "/")
        return {posixpath.relpath(g.path, below[0]) if group else g.path: _decoded(source, g, dimensions, drop_variables, decoding)
                for g in wanted.walk()}

    def open_datatree(self, filename_or_obj: Any, **options: Any) -> DataTree:  # type: ignore[override]
        """All groups as a tree; options as of `open_groups_as_dict`."""
        return DataTree.from_dict(self.open_groups_as_dict(filename_or_obj, **options))


def _open(file: Any, group: str | None, login: dict[str, Any]) -> tuple[Source, dict[str, Group], Group]:
    """The file and the group of that path. OSError if it is not there."""
    if not isinstance(file, (str, os.PathLike)):
        raise TypeError(f"engine 'mtflight' opens a file's name or a location, not {type(file).__name__}")
    source = shared_source(os.fspath(file), None, "/", tuple(login.items()))
    groups = list_groups(source)
    path = posixpath.normpath("/" + (group or "").strip("/"))
    if path not in groups:
        raise OSError(f"{source.title}: group not found: {path}; there are {', '.join(list(groups)[:20])}")
    return source, groups, groups[path]


def _decoded(source: Source, group: Group, dimensions: Dimensions, drop_variables: Any, decoding: dict[str, Any]) -> Dataset:
    drop = {drop_variables} if isinstance(drop_variables, str) else set(drop_variables or ())
    opened = StoreBackendEntrypoint().open_dataset(GroupStore(source, group, dimensions, drop), drop_variables=drop, **decoding)
    opened.set_close(None)  # there is nothing to close, and pickle would take the store with it
    return opened
