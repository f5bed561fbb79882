"""Makes the states of one file that grows: 100, 250 and 600 rows of 0, 1, 2, .. in /x."""

import shutil
from pathlib import Path

import h5py
import numpy as np

here = Path(__file__).parent
growing = here / "growing.h5"
with h5py.File(growing, "w", libver="latest") as f:
    f.create_dataset("x", (0,), maxshape=(None,), chunks=(64,), dtype="i4", compression="gzip", shuffle=True)
for k, rows in enumerate((100, 250, 600)):
    with h5py.File(growing, "a", libver="latest") as f:
        first = len(f["x"])
        f["x"].resize((rows,))
        f["x"][first:] = np.arange(first, rows)
    shutil.copy(growing, here / f"state{k}.h5")
growing.unlink()
