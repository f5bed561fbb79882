"""Datasets as Arrow's tables and record batches."""
