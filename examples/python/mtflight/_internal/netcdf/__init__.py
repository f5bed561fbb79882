"""Files as NetCDF: groups, dimensions and variables, for xarray. The only room that imports xarray."""
