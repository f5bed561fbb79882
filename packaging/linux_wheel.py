"""linux_wheel.py WHEEL BINARY LICENSES SBOM FOLDER [ARCH]: the wheel of any platform with the program as its script and with the licences
and the bill of what is in that, as a Linux wheel for amd64 or arm64 in FOLDER, in place of earlier ones for that. Without ARCH it is one for
this machine and for what systems auditwheel finds that it fits."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from platform import machine

PLATFORMS = {"amd64": "manylinux_2_28_x86_64", "arm64": "manylinux_2_28_aarch64"}


def main(wheel: Path, binary: Path, licenses: Path, sbom: Path, folder: Path, platform: str) -> None:
    with tempfile.TemporaryDirectory() as work:
        subprocess.run([sys.executable, "-m", "wheel", "unpack", "-d", work, wheel], check=True, stdout=subprocess.DEVNULL)
        (root,) = Path(work).iterdir()
        scripts = root / f"{root.name}.data" / "scripts"
        scripts.mkdir(parents=True)
        shutil.copy2(binary, scripts / binary.name)
        info = root / f"{root.name}.dist-info"
        shutil.copy(licenses, info / "licenses")
        (info / "sboms").mkdir()  # PEP 770
        shutil.copy(sbom, info / "sboms" / f"{binary.name}.cdx.json")
        change(info / "METADATA", "License-File: LICENSE\n", f"License-File: LICENSE\nLicense-File: {licenses.name}\n")
        change(info / "WHEEL", "Root-Is-Purelib: true", "Root-Is-Purelib: false")
        change(info / "WHEEL", "Tag: py3-none-any", f"Tag: py3-none-{platform}")
        for earlier in folder.glob(f"{root.name.split('-')[0]}-*-{platform}.whl"):
            earlier.unlink()
        subprocess.run([sys.executable, "-m", "wheel", "pack", "-d", folder, root], check=True, stdout=subprocess.DEVNULL)


def change(file: Path, what: str, to: str) -> None:
    """Replaces what must be there once."""
    text = file.read_text()
    assert text.count(what) == 1, (file, what)
    file.write_text(text.replace(what, to))


def fitting(folder: Path, name: str) -> None:
    """Names the wheel of this machine by the oldest systems that it fits."""
    (wheel,) = folder.glob(f"{name}-*-linux_{machine()}.whl")
    told = " ".join(subprocess.run([Path(sys.executable).with_name("auditwheel"), "show", wheel], check=True, capture_output=True, text=True).stdout.split())
    tag = re.search(r'platform tag: "(\w+)"', told)[1]
    subprocess.run([sys.executable, "-m", "wheel", "tags", "--remove", "--platform-tag", tag, wheel], check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    paths = list(map(Path, sys.argv[1:6]))
    if len(sys.argv) > 6:
        main(*paths, PLATFORMS[sys.argv[6]])
    else:
        main(*paths, f"linux_{machine()}")
        fitting(paths[4], paths[0].name.split("-")[0])
