"""What the public modules re-export. Packages from low to high; each imports only those before it.

* modules beside this one: exceptions, signals, stages, and what NumPy and Arrow may take for an array
* `transport`: a server's process, the connection to it, and rows as they come over it
* `arrow`: datasets as Arrow's tables and record batches
* `lazy`: datasets as lazy scans of Polars, DuckDB, pandas and PyArrow
* `catalogue`: files, folders and servers, and their datasets by name
* `datasets`: what a dataset is, the proxies of it, and the operations that indexing them makes
* `requests`: random access (multitables' Reader)
* `streams`: sequential access in blocks (multitables' Streamer)
* `training`: shuffled batches, shared by ranks and workers (torch, NumPy, JAX)
* `netcdf`: groups, dimensions and variables of a file (xarray's engine)
"""
