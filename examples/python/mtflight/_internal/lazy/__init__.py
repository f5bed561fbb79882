"""Datasets as lazy scans of Polars, DuckDB, pandas and PyArrow, with what these filter and leave out asked of the server."""
