"""Writes THIRD_PARTY_LICENSES: the licences of all that is linked into bin/mtflight of the wheel and the image: Go's modules, from
the module cache, Go itself, what the page has of npm's packages (packaging/page), and the C libraries, whose texts lie in packaging/licenses (packaging/libraries compares them
with the sources). With --check it writes nothing and fails where the file is not up to date. With --sql it is about the SQL engine, whose modules are another module's, with DuckDB."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

CLONE = Path(__file__).resolve().parents[1]
ENGINE = CLONE / "cmd" / "mtflight-sql"
LEGAL = re.compile(r"(licen[cs]e|copying|notice|patents)([.-].*)?", re.IGNORECASE)
RULE = "=" * 100


def go(*args: str, folder: Path = CLONE) -> str:
    return subprocess.run(["go", *args], cwd=folder, check=True, capture_output=True, text=True).stdout


def legal_texts(folder: Path) -> list[str]:
    """The licences and notices of a folder itself, in the order of their names."""
    return [p.read_text(errors="replace").strip() for p in sorted(folder.iterdir()) if p.is_file() and LEGAL.fullmatch(p.name)]


def modules(folder: Path = CLONE, *of: str) -> dict[str, list[str]]:
    """The texts of each module of which packages are linked, and of these packages' folders, by its name and version."""
    listed = go("list", "-deps", "-f", "{{with .Module}}{{if and .Version (not .Replace)}}{{.Path}} {{.Version}}\t{{.Dir}}\t{{$.Dir}}{{end}}{{end}}", *of, folder=folder)
    found: dict[str, list[str]] = {}
    for name, root, package in sorted(line.split("\t") for line in listed.splitlines() if line):
        inside = [p for p in [Path(package), *Path(package).parents] if p.is_relative_to(root)]
        texts = found.setdefault(name, [])
        texts += [text for folder in reversed(inside) for text in legal_texts(folder) if text not in texts]
    if bare := [name for name, texts in found.items() if not texts]:
        raise SystemExit(f"licenses: no licence found in {', '.join(bare)}")
    return found


def libraries() -> dict[str, list[str]]:
    """The texts of each C library, by its name and version."""
    found = {}
    for line in (CLONE / "packaging" / "sources.txt").read_text().splitlines():
        if not line.startswith("#"):
            name, version, *_, licences = line.split()
            paths = [CLONE / "packaging" / "licenses" / f"{name}.{Path(p).name}" for p in licences.split(",")]
            found[f"{name} {version}"] = [p.read_text(errors="replace").strip() for p in paths]
    found["compiler-rt of Zig"] = [(CLONE / "packaging" / "licenses" / "zig.LICENSE").read_text().strip()]
    return found


def page() -> dict[str, list[str]]:
    """The texts of each package that the page has parts of, as packaging/page/build.mjs found them."""
    return json.loads((CLONE / "packaging" / "page" / "licenses.json").read_text())


def document(binary: str, parts: dict[str, list[str]]) -> str:
    """All texts, each once, below the names of what it is for."""
    owners: dict[str, list[str]] = {}
    for name, texts in {"Go's runtime and standard library": legal_texts(Path(go("env", "GOROOT").strip())), **parts}.items():
        for text in texts:
            owners.setdefault(text, []).append(name)
    head = [f"What the {binary} binary holds besides mtflight itself, and under which licences. `make licenses` writes this file."]
    return "\n\n".join(head + [f"{RULE}\n{chr(10).join(names)}\n{RULE}\n\n{text}" for text, names in owners.items()]) + "\n"


def main() -> None:
    if "--sql" in sys.argv:
        duckdb = {"DuckDB's sources": [(CLONE / "packaging" / "licenses" / "duckdb.txt").read_text().strip()]}
        target, text = ENGINE / "THIRD_PARTY_LICENSES", document("mtflight-sql", {**modules(ENGINE, "-tags", "duckdb_arrow", "."), **duckdb})
    else:
        target, text = CLONE / "THIRD_PARTY_LICENSES", document("mtflight", {**modules(CLONE, "./cmd/mtflight"), **libraries(), **page()})
    if "--check" not in sys.argv:
        target.write_text(text)
    elif not target.exists() or target.read_text() != text:
        raise SystemExit(f"licenses: {target.relative_to(CLONE)} is not up to date: run make licenses")


if __name__ == "__main__":
    main()
