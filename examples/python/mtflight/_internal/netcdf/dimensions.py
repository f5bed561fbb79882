"""Which dimensions there are and which of them a variable has, as netCDF-C finds them in HDF5: by dimension scales, by the
hidden attributes of multi-dimensional coordinates, and by size where an axis has none (phony dimensions)."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from .objects import Dataset, Group


@dataclass
class Dimension:
    """A dimension of a group and those below it. `size` grows with the variables along an unlimited one."""

    name: str
    size: int
    unlimited: bool
    number: int


class Dimensions:
    """The dimensions of a file."""

    def __init__(self, root: Group):
        self._of_group: dict[str, list[Dimension]] = {}
        self._of_scale: dict[str, Dimension] = {}  # by path
        self._by_object: dict[str, list[tuple[str, Dimension]]] = defaultdict(list)  # with the groups that they are of
        self._by_number: dict[int, list[tuple[str, Dimension]]] = defaultdict(list)
        self._of_variable: dict[str, list[Dimension]] = {}
        self._next = 0
        for group in root.walk():
            self._add_scales(group)
        self._assign(root)
        for group in root.walk():
            self._grow(group)

    def of_group(self, group: Group) -> list[Dimension]:
        """Those that are defined in the group; of several with one number the last."""
        return list({d.number: d for d in self._of_group[group.path]}.values())

    def of_variable(self, variable: Dataset) -> list[Dimension]:
        """One for each axis."""
        return self._of_variable[variable.path]

    def _add_scales(self, group: Group) -> None:
        self._of_group[group.path] = []
        for scale in group.datasets:
            if scale.is_scale:
                size, unlimited = (scale.shape[0], scale.unlimited[0]) if scale.shape else (1, False)
                made = self._add(group, scale.link, size, unlimited, scale.attributes.get("_Netcdf4Dimid"))
                self._of_scale[scale.path] = made
                self._by_object[scale.object].append((group.path, made))

    def _add(self, group: Group, name: str, size: int, unlimited: bool, number: Any = None) -> Dimension:
        number = _first(number)
        made = Dimension(name, size, unlimited, self._next if number is None else number)
        self._next = max(self._next, made.number + 1)
        self._of_group[group.path].append(made)
        self._by_number[made.number].append((group.path, made))
        return made

    def _assign(self, group: Group) -> None:
        """Finds the dimensions of each variable; groups below come first, as they number phony dimensions first."""
        for child in group.children:
            self._assign(child)
        for variable in group.datasets:
            if variable.is_variable or variable.is_scale:
                self._of_variable[variable.path] = self._find(group, variable)

    def _find(self, group: Group, variable: Dataset) -> list[Dimension]:
        named = self._named(group, variable)
        found: list[Dimension] = []
        for axis, (size, unlimited) in enumerate(zip(variable.shape, variable.unlimited, strict=True)):
            known = named[axis] if axis < len(named) else None
            found.append(known or self._phony(group, size, unlimited, found))
        return found

    def _named(self, group: Group, variable: Dataset) -> list[Dimension | None]:
        """By axis, the dimension that the file says it has."""
        numbers = variable.attributes.get("_Netcdf4Coordinates")
        if isinstance(numbers, list) and len(numbers) == len(variable.shape) and all(n in self._by_number for n in numbers):
            return [_nearest(group, self._by_number[n][::-1]) for n in numbers]  # of several of a number the last one, as in netCDF-C
        if variable.is_scale:
            return [self._of_scale[variable.path]]
        scales = variable.attributes.get("DIMENSION_LIST")
        if not isinstance(scales, list):
            return []
        # of several scales of an axis the last one counts, as in netCDF-C
        return [_nearest(group, self._by_object.get(_path(axis[-1]), [])) if axis else None for axis in scales]

    def _phony(self, group: Group, size: int, unlimited: bool, used: list[Dimension]) -> Dimension:
        """A dimension of the group that has this size and no other axis of the variable, or a new one."""
        for dimension in self._of_group[group.path]:
            if (dimension.size, dimension.unlimited) == (size, unlimited) and all(dimension is not u for u in used):
                return dimension
        return self._add(group, f"phony_dim_{self._next}", size, unlimited)

    def _grow(self, group: Group) -> None:
        for variable in group.datasets:
            for dimension, size in zip(self._of_variable.get(variable.path, ()), variable.shape):
                if dimension.unlimited:
                    dimension.size = max(dimension.size, size)


def _nearest(group: Group, found: list[tuple[str, Dimension]]) -> Dimension | None:
    """The first that is of the group, or of the lowest above it; the first one if none is."""
    for above in group.above():
        for path, dimension in found:
            if path == above.path:
                return dimension
    return found[0][1] if found else None


def _first(number: Any) -> int | None:
    """An attribute's integer, which some writers make a list of one."""
    number = number[0] if isinstance(number, list) and number else number
    return number if isinstance(number, int) and number >= 0 else None


def _path(reference: Any) -> str:
    path = reference.get("ref") if isinstance(reference, dict) else None
    return posixpath.normpath(path) if path else ""
