"""Write the fixtures: files of variable-length data, gzipped, and values.json.gz with where and what it is.

    python make.py    needs h5py and numpy; h5py 3.16 with HDF5 2.0 wrote those beside it
"""

import gzip
import json
import os
import random

import h5py
import numpy as np

random.seed(7)
HERE = os.path.dirname(os.path.abspath(__file__))


def values():
    """Byte strings of all lengths around the alignment, some none, one beyond a collection of 4096 bytes."""
    out = [bytes((n + i) % 256 for i in range(n)) for n in list(range(20)) + [100, 5000, 0, 1]]
    return out + [b"x" * random.randrange(64) for _ in range(400)] + [b"z" * 40000, b"end"]


def write(name, file, **options):
    vals = values()
    fcpl = h5py.h5p.create(h5py.h5p.FILE_CREATE)
    if "sizes" in options:
        fcpl.set_sizes(*options["sizes"])
    if "userblock" in options:
        fcpl.set_userblock(options["userblock"])
    fapl = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    fapl.set_libver_bounds(*options.get("libver", (h5py.h5f.LIBVER_EARLIEST, h5py.h5f.LIBVER_LATEST)))
    with h5py.File(h5py.h5f.create(file.encode(), h5py.h5f.ACC_TRUNC, fcpl, fapl)) as f:
        ds = f.create_dataset("v", len(vals), dtype=h5py.vlen_dtype(np.uint8))
        for i, v in enumerate(vals):
            ds[i] = np.frombuffer(v, np.uint8)
        where = {"name": name, "addr": h5py.h5o.get_info(ds.id).addr, "values": [v.hex() for v in vals]}
    with open(file, "rb") as f, gzip.GzipFile(os.path.join(HERE, name + ".h5.gz"), "wb", 9, mtime=0) as z:
        z.write(f.read())
    os.remove(file)
    return where


latest = (h5py.h5f.LIBVER_LATEST, h5py.h5f.LIBVER_LATEST)
lines = [
    write("plain", "tmp.h5"),
    write("latest", "tmp.h5", libver=latest),
    write("userblock", "tmp.h5", userblock=512),
    write("narrow", "tmp.h5", sizes=(4, 4)),
]
with gzip.GzipFile(os.path.join(HERE, "values.json.gz"), "wb", 9, mtime=0) as z:
    for line in lines:
        z.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")
