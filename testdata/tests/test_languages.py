"""The samples in other languages print what pyarrow reads. `make test-js`, `test-java` and `test-rust` prepare them."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

import languages
from conftest import BINARY, CLONE, ticket

EXAMPLES = CLONE / "examples"
JS, JAVA = EXAMPLES / "js" / "node_modules", EXAMPLES / "java" / "target" / "classpath"
RUST = Path(os.environ.get("CARGO_TARGET_DIR", EXAMPLES / "rust" / "target")) / "release" / "rows"


@pytest.fixture(scope="module")
def made(start, tmp_path_factory):
    folder = tmp_path_factory.mktemp("languages")
    languages.write(folder)
    return folder, start(folder)


def run(command: list, **options) -> str:
    done = subprocess.run(command, capture_output=True, timeout=300, **options)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def prepared(path, target: str) -> None:
    if not path.exists():
        pytest.skip(f"`make {target}` prepares it")


@pytest.fixture(params=languages.REQUESTS, ids=lambda r: f"{r[0]} {list(r[1])}")
def asked(request, made):
    """A request, and the table that pyarrow reads by it."""
    dataset, members, kinds = request.param
    table = made[1].client().do_get(ticket("all.h5", dataset, **members)).read_all()
    assert set(kinds.split()) <= languages.kinds(table.schema) and table.num_rows > 30
    return json.dumps({"file": "all.h5", "dataset": dataset, **members}), table


def test_java(made, asked):
    prepared(JAVA, "test-java")
    classes = f"{JAVA.parent / 'classes'}:{JAVA.read_text().strip()}"
    languages.check(asked[1], run(["java", "--add-opens=java.base/java.nio=ALL-UNNAMED", "-cp", classes, "Rows", made[1].location, asked[0]]))


FLAGS = [("/all", [], {}), ("/all", ["--where", "u > 2**63", "--fields", "u,species"], {"where": "u > 2**63", "fields": ["u", "species"]}), ("/frame", [], {}),
         ("/level", ["--netcdf"], {"options": {"netcdf": True}}), ("/wide", ["--batch-rows", "40"], {})]


@pytest.mark.parametrize("dataset,flags,members", FLAGS, ids=lambda v: str(v))
def test_js(made, tmp_path, dataset, flags, members):
    """A file, and a stream."""
    prepared(JS, "test-js")
    table = made[1].client().do_get(ticket("all.h5", dataset, **members)).read_all()
    get = [BINARY, "get", made[0] / "all.h5", dataset, *flags]
    run([*get, "-o", tmp_path / "rows.arrow"])
    stream = subprocess.run([*get, "--format", "arrows"], capture_output=True, check=True).stdout
    for printed in (run(["node", EXAMPLES / "js" / "rows.mjs", tmp_path / "rows.arrow"]), run(["node", EXAMPLES / "js" / "rows.mjs"], input=stream)):
        languages.check(table, printed)


def test_rust(made, asked):
    prepared(RUST, "test-rust")
    languages.check(asked[1], run([RUST, made[1].location.replace("grpc:", "http:"), asked[0]]), nan=None)
