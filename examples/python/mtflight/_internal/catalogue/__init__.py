"""What there is in files, folders and servers, and its datasets by name."""
