"""What an engine asks for, as a table and the members of its request."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from ..arrow.parts import Part, planned
from ..arrow.query import check_finite
from ..arrow.table import Table
from ..transport.client import Members


def parts_of(table: Table, number: int | None, members: Members) -> tuple[pa.Schema, list[Part]]:
    """The schema and the parts of what is left of a table. ValueError of what has no end, and of a number that is none."""
    if number is not None and number < 1:
        raise ValueError(f"partitions must be at least 1, not {number}")
    request: dict[str, Any] = table._request(None, None, None, members)
    check_finite(request.get("stream"))
    if not isinstance(request.get("coordinates", []), list):
        raise ValueError("coordinates of more rows than a ticket holds cannot be handed to workers: read them by to_arrow")
    return planned(table._client, request, number)
