"""The exception about memory that results are put into."""


class SharedMemoryError(Exception):
    """A result does not fit into its stage, or shared memory is full."""
