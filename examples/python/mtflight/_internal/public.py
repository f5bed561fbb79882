"""Names that stay when modules in here move."""

from __future__ import annotations

import types


def set_public_module(*modules: types.ModuleType) -> None:
    """Has the classes and functions of these modules' `__all__` name them as their own: in tracebacks, and in pickles,
    which other processes and later releases read by that name."""
    for module in modules:
        for name in module.__all__:
            exported = getattr(module, name)
            if isinstance(exported, (type, types.FunctionType)):
                exported.__module__ = module.__name__
