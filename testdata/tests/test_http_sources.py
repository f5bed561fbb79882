"""What HTTP keeps of datasets that are made of several files: their ETag says nothing of those, and what they gave is nobody else's."""

from __future__ import annotations

import re
import subprocess
import urllib.error
import urllib.request
from email.message import Message

import h5py
import numpy as np
import pytest

from conftest import BINARY
from test_http import site_of

PARTS, ROWS = 40, 10


def write_part(folder, number: int, value: int) -> None:
    with h5py.File(folder / f"part{number:02}.h5", "w") as f:
        f["x"] = np.full(ROWS, value)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """all.h5, whose datasets have their elements in other files."""
    folder = tmp_path_factory.mktemp("sources")
    layout = h5py.VirtualLayout((PARTS * ROWS,), "i8")
    for number in range(PARTS):
        write_part(folder, number, number)
        layout[number * ROWS:(number + 1) * ROWS] = h5py.VirtualSource(f"part{number:02}.h5", "x", (ROWS,))
    with h5py.File(folder / "all.h5", "w") as f:
        f.create_virtual_dataset("joined", layout)
        f["own"] = np.arange(ROWS)
        f.create_dataset("raw", (ROWS,), "i8", external=[(str(folder / "values.raw"), 0, ROWS * 8)])
    np.arange(ROWS).tofile(folder / "values.raw")
    return folder


def ask(site: str, dataset: str, form: str, **headers) -> tuple[int, Message, bytes]:
    request = urllib.request.Request(f"{site}/v1/data?file=all.h5&dataset=/{dataset}&format={form}", headers={n.replace("_", "-"): v for n, v in headers.items()})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as e:
        return e.code, e.headers, e.read()


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_changed_sources_are_seen(start, folder, form):
    site = site_of(start(folder, args=("--http", "127.0.0.1:0")))
    first = {name: ask(site, name, form) for name in ("joined", "own", "raw")}
    assert {code for code, _, _ in first.values()} == {200}
    write_part(folder, PARTS - 1, 4711)
    np.arange(100, 100 + ROWS).tofile(folder / "values.raw")
    try:
        for name, (_, headers, body) in first.items():
            code, _, now = ask(site, name, form, If_None_Match=headers.get("ETag", '"none"'))
            assert (code, now != body) == ((304, True) if name == "own" else (200, True)), name
    finally:
        write_part(folder, PARTS - 1, PARTS - 1)
        np.arange(ROWS).tofile(folder / "values.raw")


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_what_others_asked_for_is_theirs(start, folder, tmp_path, form):
    """bob may not read the last source, which only reading all rows comes to."""
    tokens = {}
    for name in ("ann", "bob"):
        made = subprocess.run([BINARY, "token", "new", "--auth-tokens", tmp_path / "tokens", name], capture_output=True, text=True, check=True)
        tokens[name] = f"Bearer {made.stdout.strip()}"
    (tmp_path / "rules.yaml").write_text(f"rules: [{{for: [ann], files: ['*']}}, {{for: [bob], files: ['*'], except: [part{PARTS - 1:02}.h5]}}]\n")
    (tmp_path / "rules.yaml").chmod(0o600)
    server = start(folder, args=("--http", "127.0.0.1:0", "--auth-tokens", str(tmp_path / "tokens"), "--rules", str(tmp_path / "rules.yaml")))
    site = re.search(r"http\S+", server.process.stdout.readline())[0]
    code, headers, _ = ask(site, "joined", form, Authorization=tokens["ann"])
    assert code == 200
    for more in ({}, {"If_None_Match": headers.get("ETag", '"none"')}, {"Range": "bytes=0-3"}):
        code, _, body = ask(site, "joined", form, Authorization=tokens["bob"], **more)
        assert (code, b"no such file" in body) == (404, True), (more, body)


def test_parquet_of_sources_has_no_parts(start, folder):
    """Parts that are asked for one after the other would be of several states."""
    site = site_of(start(folder, args=("--http", "127.0.0.1:0")))
    code, headers, body = ask(site, "joined", "parquet", Range="bytes=-4")
    assert (code, headers["Accept-Ranges"], body[:4], body[-4:]) == (200, "none", b"PAR1", b"PAR1")
    code, _, body = ask(site, "own", "parquet", Range="bytes=-4")
    assert (code, body) == (206, b"PAR1")
