"""Connections to servers."""

from ._internal.arrow.connection import Connection, connect
from ._internal.errors import translated
from ._internal.transport.client import Exchange, Members
from ._internal.transport.features import About
from ._internal.transport.source import PrivateClient

__all__ = ["About", "Connection", "Exchange", "Members", "PrivateClient", "connect", "translated"]
