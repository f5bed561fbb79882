"""Writes matrices.h5 and hostile.h5: python make.py. Needs anndata==0.12.6 with pandas<3, and scipy."""

import gzip

import anndata
import h5py
import numpy as np
import scipy.sparse as sp


def drawn(rng: np.random.Generator, rows: int, columns: int, density: float, dtype: str) -> sp.csr_matrix:
    """A matrix with empty rows and columns, and one row that is full."""
    m = sp.random(rows, columns, density, "csr", random_state=rng).tolil()
    if rows > 3:
        m[1:3] = 0
        m[rows // 2] = 1 + rng.random(columns)
    m = m.tocsr()
    m.data = (m.data * 100).astype(dtype)
    return m


def write_matrices() -> None:
    rng = np.random.default_rng(16)
    with h5py.File("matrices.h5", "w") as f:
        for dtype in ("float32", "float64", "int32", "int64", "uint16", "bool"):
            m = drawn(rng, 61, 17, 0.2, dtype)
            for name, kept in (("csr", m), ("csc", m.tocsc())):
                path = f"{name}_{dtype}"
                anndata.io.write_elem(f, path, kept, dataset_kwargs={"chunks": (50,), "compression": "gzip"} if dtype != "int64" else {})
                f[f"dense/{path}"] = kept.toarray().astype("u1" if dtype == "bool" else dtype)
        f["numbers"] = np.arange(61)
        for name, shape in (("empty_rows", (0, 5)), ("empty_columns", (4, 0)), ("zeros", (4, 5))):
            anndata.io.write_elem(f, name, sp.csr_matrix(shape, dtype="float32"))
            f[f"dense/{name}"] = np.zeros(shape, "f4")
        wide = f.create_group("wide")  # pointers and indices of other types; AnnData before 0.7
        m = drawn(rng, 9, 300, 0.1, "float32")
        wide.attrs["h5sparse_format"], wide.attrs["h5sparse_shape"] = "csr", m.shape
        for part, dtype in (("data", "f4"), ("indices", "u2"), ("indptr", "u8")):
            wide[part] = getattr(m, part).astype(dtype)
        f["dense/wide"] = m.toarray()
        big = drawn(rng, 300, 500, 0.3, "float32")
        big.data = big.data // 20
        anndata.io.write_elem(f, "big", big, dataset_kwargs={"compression": "gzip", "compression_opts": 9})
        f["dense/big"] = big.toarray()
        coarse = f.create_group("coarse")  # one chunk of each
        coarse.attrs["encoding-type"], coarse.attrs["shape"] = "csr_matrix", big.shape
        for part in ("data", "indices", "indptr"):
            values = getattr(big, part)
            coarse.create_dataset(part, data=values, chunks=values.shape, compression="gzip", compression_opts=9)
        f["dense/coarse"] = big.toarray()


# What a file may say that is wrong: pointers, indices, values, shape.
HOSTILE = {
    "down": ([0, 3, 2, 4], [0, 1, 2, 3], [1, 2, 3, 4], [3, 4]),
    "beyond": ([0, 1, 2, 5], [0, 1, 2, 3], [1, 2, 3, 4], [3, 4]),
    "far": ([0, 1, 2, 2**62], [0, 1, 2, 3], [1, 2, 3, 4], [3, 4]),
    "negative": ([-1, 1, 2, 4], [0, 1, 2, 3], [1, 2, 3, 4], [3, 4]),
    "index": ([0, 1, 2, 4], [0, 1, 2, 4], [1, 2, 3, 4], [3, 4]),
    "index_negative": ([0, 1, 2, 4], [0, -1, 2, 3], [1, 2, 3, 4], [3, 4]),
    "rows": ([0, 1, 2, 4], [0, 1, 2, 3], [1, 2, 3, 4], [4, 4]),
    "values": ([0, 1, 2, 4], [0, 1, 2, 3], [1, 2, 3], [3, 4]),
    "shape": ([0, 1, 2, 4], [0, 1, 2, 3], [1, 2, 3, 4], [3, 4, 5]),
    "shape_negative": ([0, 1, 2, 4], [0, 1, 2, 3], [1, 2, 3, 4], [3, -4]),
    "no_shape": ([0, 1, 2, 4], [0, 1, 2, 3], [1, 2, 3, 4], None),
    "float_pointers": (np.array([0.0, 1, 2, 4]), [0, 1, 2, 3], [1, 2, 3, 4], [3, 4]),
    "square": ([0, 1, 2, 4], np.zeros((4, 1), "i4"), [1, 2, 3, 4], [3, 4]),
    "texts": ([0, 1, 2, 4], [0, 1, 2, 3], np.array(["a", "b", "c", "d"], object), [3, 4]),
    "no_data": ([0, 1, 2, 4], [0, 1, 2, 3], None, [3, 4]),
    "huge": ([0, 1, 2, 4], [0, 1, 2, 3], [1, 2, 3, 4], [2**62, 4]),
}


def write_hostile() -> None:
    with h5py.File("hostile.h5", "w") as f:
        for name, (indptr, indices, data, shape) in HOSTILE.items():
            g = f.create_group(name)
            g.attrs["encoding-type"], g.attrs["encoding-version"] = "csr_matrix", "0.1.0"
            if shape is not None:
                g.attrs["shape"] = shape
            for part, values in (("indptr", indptr), ("indices", indices), ("data", data)):
                if values is not None:
                    g[part] = values
        g = f.create_group("void")  # declares more than there is
        g.attrs["encoding-type"], g.attrs["shape"] = "csr_matrix", [2**40, 4]
        g.create_dataset("indptr", (2**40 + 1,), "i8", chunks=(1024,))
        g.create_dataset("indices", (2**50,), "i8", chunks=(1024,))
        g.create_dataset("data", (2**50,), "f8", chunks=(1024,))
        g = f.create_group("all")  # one row of more values than any batch may have
        g.attrs["encoding-type"], g.attrs["shape"] = "csr_matrix", [1, 2**50]
        g["indptr"] = [0, 2**50]
        g.create_dataset("indices", (2**50,), "i8", chunks=(1024,))
        g.create_dataset("data", (2**50,), "f8", chunks=(1024,))


write_matrices()
write_hostile()
for name in ("matrices.h5", "hostile.h5"):
    with open(name, "rb") as plain, gzip.GzipFile(name + ".gz", "wb", mtime=0) as packed:
        packed.write(plain.read())
