"""The description of answers by HTTP is valid, and what it describes is answered so: by openapi-spec-validator and schemathesis."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from openapi_spec_validator import validate

CLONE = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def site():
    command = [CLONE / "bin" / "mtflight", "serve", "--listen", "grpc://127.0.0.1:0", "--http", "127.0.0.1:0", "--log-level", "error", CLONE / "testdata"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        banner = process.stdout.readline() + process.stdout.readline()
        yield re.search(r"by HTTP on (http\S+)", banner)[1]
        process.terminate()


def test_description_is_valid(site):
    validate(json.load(urllib.request.urlopen(site + "/v1/openapi.json")))


def test_answers_are_as_described(site, tmp_path):  # where it keeps what it found
    checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
    command = [Path(sys.executable).with_name("schemathesis"), "run", site + "/v1/openapi.json", "--max-examples", "40", "--checks", checks]
    run = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert run.returncode == 0, run.stdout
