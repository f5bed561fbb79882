"""A stand-in for an array that can be taken away again."""

from __future__ import annotations

from typing import Any

import numpy as np


class ReleasedResourceError(Exception):
    """The array was used after its guard had ended."""


class ResourceWrapper:
    """Acts as the wrapped array until `release`; every later use raises ReleasedResourceError.

    NumPy takes it for the array (`np.sum(proxy)`, `proxy + 1`, `isinstance(proxy, np.ndarray)`); results are plain
    arrays, and such as are views (`proxy[2:]`) outlive the proxy: take a copy to keep data.
    """

    __slots__ = ("_array",)

    def __init__(self, array: np.ndarray):
        object.__setattr__(self, "_array", array)

    def release(self) -> None:
        """Drops the array."""
        object.__setattr__(self, "_array", None)

    @property
    def __wrapped__(self) -> np.ndarray:
        array = object.__getattribute__(self, "_array")
        if array is None:
            raise ReleasedResourceError("This resource has been released and is no longer accessible.")
        return array

    @property
    def __class__(self) -> type:  # type: ignore[override]
        return type(self.__wrapped__)

    def __getattr__(self, name: str) -> Any:
        if name in ("__array_interface__", "__array_struct__"):
            raise AttributeError(name)  # they know no fields: NumPy is to use __array__
        return getattr(self.__wrapped__, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.__wrapped__, name, value)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        array = self.__wrapped__
        if dtype is not None and np.dtype(dtype) != array.dtype:
            if copy is False:
                raise ValueError(f"an array of {array.dtype} is no {np.dtype(dtype)} without a copy")
            return array.astype(dtype)
        return array.copy() if copy else array

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        if "out" in options:
            options["out"] = tuple(unwrap(o) for o in options["out"])
        return getattr(ufunc, method)(*(unwrap(i) for i in inputs), **options)

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        return function(*_unwrap_all(args), **{k: _unwrap_all(v) for k, v in options.items()})


def unwrap(value: Any) -> Any:
    """The array of a proxy; anything else as it is."""
    return value.__wrapped__ if type(value) is ResourceWrapper else value


def _unwrap_all(value: Any) -> Any:
    if type(value) in (list, tuple):
        return type(value)(_unwrap_all(v) for v in value)
    return unwrap(value)


def _delegate(name: str) -> Any:
    def method(self: ResourceWrapper, *args: Any) -> Any:
        result = getattr(self.__wrapped__, name)(*(unwrap(a) for a in args))
        return self if result is self.__wrapped__ else result  # in-place operators

    method.__name__ = name
    return method


# Python looks special methods up in the type, so each that arrays have is given here.
_OWN = set(vars(ResourceWrapper)) | {"__new__", "__init__", "__getattribute__", "__init_subclass__", "__subclasshook__",
                                     "__class_getitem__", "__array_finalize__", "__array_prepare__", "__array_wrap__",
                                     "__array_interface__", "__array_struct__", "__array_priority__", "__doc__", "__del__",
                                     "__array_namespace__", "__buffer__", "__delattr__", "__hash__", "__getstate__"}
for _name in dir(np.ndarray):
    if _name.startswith("__") and _name not in _OWN and callable(getattr(np.ndarray, _name)):
        setattr(ResourceWrapper, _name, _delegate(_name))
