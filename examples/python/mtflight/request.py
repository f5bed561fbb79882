"""multitables.request: requests on their way, and the ways to get their results."""

from ._internal.requests.request import Request, RequestPool

__all__ = ["Request", "RequestPool"]
