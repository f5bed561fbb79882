"""AnnData files: their tables, matrices and parts of them, as anndata and SciPy have them."""
