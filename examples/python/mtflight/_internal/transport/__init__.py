"""A server's process, the connection to it, and rows as they come over it."""
