"""Stops what still runs at the program's end, before its private server."""

from __future__ import annotations

import atexit
import os
import weakref
from typing import Protocol

from . import server  # noqa: F401, its hook must run after this one


class Stoppable(Protocol):
    """Something with threads."""

    def stop(self) -> None: ...


_live: weakref.WeakSet[Stoppable] = weakref.WeakSet()


def stop_at_exit(thing: Stoppable) -> None:
    """Has `thing` stopped at the latest when the program ends."""
    _live.add(thing)


@atexit.register
def _stop_all() -> None:
    for thing in list(_live):
        thing.stop()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_live.clear)  # their threads are the parent's
