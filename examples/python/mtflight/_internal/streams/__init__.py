"""Sequential access: blocks of rows, through shared memory or over the connection."""
