"""sbom.py BINARY VERSION [ROOT]: a CycloneDX bill of what mtflight or mtflight-sql is linked from: Go's modules, as it tells them itself, and the C libraries of
sources.txt; and of the Debian packages in ROOT, a root file system as packaging/rootfs fills one. Written to standard output."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

SOURCES = Path(__file__).with_name("sources.txt")
TOOLS = Path(__file__).with_name("requirements.txt")


def part(purl: PackageURL, **more) -> Component:
    name = "/".join(filter(None, [purl.namespace if purl.type == "golang" else None, purl.name]))
    return Component(type=ComponentType.LIBRARY, name=name, version=purl.version, purl=purl, bom_ref=str(purl), **more)


def module(path: str, version: str) -> PackageURL:
    namespace, _, name = path.rpartition("/")
    return PackageURL("golang", namespace, name, version)


def of_go(binary: Path, version: str) -> tuple[PackageURL, list[Component]]:
    """The binary's own module and those in it, the standard library among them."""
    told = subprocess.run(["go", "version", "-m", binary], check=True, capture_output=True, text=True).stdout
    toolchain = re.match(r".*: go(\S+)", told)[1]
    path = re.search(r"^\tmod\t(\S+)", told, re.MULTILINE)[1]
    found = [module(*line) for line in re.findall(r"^\tdep\t(\S+)\t(\S+)", told, re.MULTILINE)]
    return module(path, version), [part(p) for p in [PackageURL("golang", None, "std", toolchain), *found]]


def of_c(machine: str) -> list[Component]:
    """The C libraries, by their source's hash, and the compiler's own."""
    found = [part(PackageURL("pypi", None, "ziglang", re.search(r"^ziglang==(.*)$", TOOLS.read_text(), re.MULTILINE)[1]))]
    for line in SOURCES.read_text().splitlines():
        if not line.startswith("#"):
            name, version, _, file, sha, _ = line.split()
            if not file.endswith(".deb") or file.endswith(f"_{machine}.deb"):
                purl = PackageURL("generic", None, name.removesuffix("-dev"), version, {"checksum": f"sha256:{sha}"})
                found.append(part(purl, hashes=[HashType(alg=HashAlgorithm.SHA_256, content=sha)]))
    return found


def of_debian(root: Path) -> list[Component]:
    found = []
    for file in sorted((root / "var/lib/dpkg/status.d").iterdir()):
        told = dict(re.findall(r"^(\w+): (.*)$", file.read_text(), re.MULTILINE))
        found.append(part(PackageURL("deb", "debian", told["Package"], told["Version"], {"arch": told["Architecture"]})))
    return found


def architecture(binary: Path) -> str:
    return {0x3E: "amd64", 0xB7: "arm64"}[int.from_bytes(binary.read_bytes()[18:20], "little")]  # e_machine of ELF


def main(binary: Path, version: str, *roots: Path) -> None:
    own, modules = of_go(binary, version)
    linked = of_c(architecture(binary)) if binary.name == "mtflight" else []  # the SQL engine has DuckDB's, whose modules they come in
    bom = Bom(components=modules + linked + [c for root in roots for c in of_debian(root)])
    bom.metadata.component = Component(type=ComponentType.APPLICATION, name=binary.name, version=own.version, purl=own, bom_ref=str(own))
    bom.register_dependency(bom.metadata.component, bom.components)
    text = JsonV1Dot6(bom).output_as_string(indent=1)
    if wrong := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        raise SystemExit(f"sbom: {wrong}")
    print(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], *map(Path, sys.argv[3:]))
