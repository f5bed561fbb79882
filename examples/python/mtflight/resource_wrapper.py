"""multitables.resource_wrapper: stand-ins for arrays, which end with their guard."""

from ._internal.resource_wrapper import ReleasedResourceError, ResourceWrapper, unwrap

__all__ = ["ReleasedResourceError", "ResourceWrapper", "unwrap"]
