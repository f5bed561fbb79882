"""Datasets for engines whose workers read the parts of a request by themselves: Dask, Ray, Spark."""
