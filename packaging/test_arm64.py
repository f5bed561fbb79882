"""The wheel of `make wheel ARCH=arm64`: what it needs, and reading with it in an emulator (Debian's qemu-user-static and libc6-arm64-cross)."""

from __future__ import annotations

import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest
import tables

CLONE = Path(__file__).resolve().parents[1]
EMULATOR, LIBRARIES = "qemu-aarch64-static", Path("/usr/aarch64-linux-gnu")


@pytest.fixture(scope="module")
def wheel() -> Path:
    found = list(CLONE.glob("dist/*-manylinux_2_28_aarch64.whl"))
    if not found:
        pytest.skip("NOT CHECKED: there is no wheel for arm64: make wheel ARCH=arm64")
    return found[0]


@pytest.fixture(scope="module")
def binary(wheel, tmp_path_factory) -> Path:
    with zipfile.ZipFile(wheel) as z:
        (name,) = [n for n in z.namelist() if n.endswith(".data/scripts/mtflight")]
        path = Path(z.extract(name, tmp_path_factory.mktemp("arm64")))
    path.chmod(0o755)
    return path


def test_tag(wheel):
    done = subprocess.run([CLONE / ".venv-wheel" / "bin" / "auditwheel", "show", wheel], capture_output=True, text=True, check=True)
    assert 'following platform tag: "manylinux_2_28_aarch64"' in " ".join(done.stdout.split())


def test_needs_only_the_c_library(binary):
    done = subprocess.run(["readelf", "-dW", binary], capture_output=True, text=True, check=True)
    assert set(re.findall(r"\(NEEDED\).*\[(.*)\]", done.stdout)) <= {"libc.so.6", "libdl.so.2", "libm.so.6", "libpthread.so.0", "libresolv.so.2", "librt.so.1"}


def test_reads_in_an_emulator(binary, tmp_path):
    if not shutil.which(EMULATOR) or not LIBRARIES.exists():
        pytest.skip("NOT CHECKED: reading needs an emulator: apt-get install qemu-user-static libc6-arm64-cross")
    out, file = tmp_path / "out.npy", CLONE / "testdata" / "tables.h5"
    subprocess.run([EMULATOR, "-L", LIBRARIES, binary, "get", file, "/blosc", "--fields", "id,energy,pos", "-o", out], check=True, timeout=300)
    got = np.load(out)
    with tables.open_file(file) as f:
        rows = f.root.blosc[:]
    assert len(got) and all(np.array_equal(got[name], rows[name]) for name in ("id", "energy", "pos"))
