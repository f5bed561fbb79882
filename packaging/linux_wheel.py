"""linux_wheel.py WHEEL BINARY LICENSES SBOM FOLDER ARCH: the wheel of any platform with the server as its script and with the licences
and the bill of what is in that, as a Linux wheel for amd64 or arm64 in FOLDER, in place of earlier ones for that."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PLATFORMS = {"amd64": "manylinux_2_28_x86_64", "arm64": "manylinux_2_28_aarch64"}


def main(wheel: Path, binary: Path, licenses: Path, sbom: Path, folder: Path, arch: str) -> None:
    with tempfile.TemporaryDirectory() as work:
        subprocess.run([sys.executable, "-m", "wheel", "unpack", "-d", work, wheel], check=True, stdout=subprocess.DEVNULL)
        (root,) = Path(work).iterdir()
        scripts = root / f"{root.name}.data" / "scripts"
        scripts.mkdir(parents=True)
        shutil.copy2(binary, scripts / "mtflight")
        info = root / f"{root.name}.dist-info"
        shutil.copy(licenses, info / "licenses")
        (info / "sboms").mkdir()  # PEP 770
        shutil.copy(sbom, info / "sboms" / "mtflight.cdx.json")
        change(info / "METADATA", "License-File: LICENSE\n", f"License-File: LICENSE\nLicense-File: {licenses.name}\n")
        change(info / "WHEEL", "Root-Is-Purelib: true", "Root-Is-Purelib: false")
        change(info / "WHEEL", "Tag: py3-none-any", f"Tag: py3-none-{PLATFORMS[arch]}")
        for earlier in folder.glob(f"*-{PLATFORMS[arch]}.whl"):
            earlier.unlink()
        subprocess.run([sys.executable, "-m", "wheel", "pack", "-d", folder, root], check=True, stdout=subprocess.DEVNULL)


def change(file: Path, what: str, to: str) -> None:
    """Replaces what must be there once."""
    text = file.read_text()
    assert text.count(what) == 1, (file, what)
    file.write_text(text.replace(what, to))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:-1]), sys.argv[-1])
