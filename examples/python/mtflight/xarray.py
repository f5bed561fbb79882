"""xarray's engine "mtflight"."""

from ._internal.netcdf.backend import MtflightBackendEntrypoint

__all__ = ["MtflightBackendEntrypoint"]
