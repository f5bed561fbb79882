"""What a dataset is, the proxies of it, and the operations that indexing them makes."""
