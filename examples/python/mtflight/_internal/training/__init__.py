"""Batches of rows for training: shuffled by epoch, shared by ranks and workers, resumed."""
