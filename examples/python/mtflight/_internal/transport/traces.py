"""The trace that a program is in, by OpenTelemetry, so that the server's part of it is found there."""

from __future__ import annotations

import contextvars
import functools
import sys
from collections.abc import Callable
from typing import Any


def carried(work: Callable[..., Any]) -> Callable[..., Any]:
    """`work` for one call by another thread, as part of this thread's trace: with its context variables."""
    return functools.partial(contextvars.copy_context().run, work)


def headers() -> list[tuple[bytes, bytes]]:
    """W3C's `traceparent` and `tracestate` of this thread's span; nothing of baggage, which is for the program's own services. Who
    traces has imported OpenTelemetry: it is not looked for."""
    if "opentelemetry.trace" not in sys.modules:
        return []
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # type: ignore[import-not-found,unused-ignore]

    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier)
    return [(name.encode(), value.encode()) for name, value in carrier.items()]
