"""The command line as a user meets it: formats that NumPy, pandas and pyarrow read back, terminals, messages, the banner."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios

import h5py
import numpy as np
import pandas as pd
import pyarrow.json
import pytest

from conftest import BINARY, TESTDATA
from test_export import columns


@pytest.fixture(scope="module")
def numbers(tmp_path_factory):
    """A file with an array of one, two and three axes of every type that NumPy has, and structs of them."""
    path = tmp_path_factory.mktemp("cli") / "numbers.h5"
    rng = np.random.default_rng(16)
    table = {name: c for name, c in columns(rng).items() if name != "text"}
    with h5py.File(path, "w") as f:
        for name, c in table.items():
            stored = c.astype(h5py.opaque_dtype(c.dtype)) if c.dtype.kind in "mM" else c
            f[name] = stored
            f.create_dataset(f"two/{name}", data=stored.reshape(60, 5), chunks=(7, 3))
            f.create_dataset(f"three/{name}", data=stored.reshape(5, 10, 6), chunks=(2, 10, 6))
        inner = np.dtype([("x", "<f4"), ("n", "<i2", (3,)), ("z", "<c8")])
        rows = np.zeros(50, [("id", "<i8"), ("pos", inner), ("m", "<f8", (2, 2)), ("ok", "?")])
        for name in ("id", "m", "ok"):
            rows[name] = rng.integers(0, 2 if name == "ok" else 99, rows[name].shape)
        rows["pos"]["x"], rows["pos"]["n"], rows["pos"]["z"] = rng.normal(size=50), rng.integers(-9, 9, (50, 3)), 1 + 2j
        f.create_dataset("rows", data=rows, chunks=(7,))
        f["scalar"] = 4.5
    return path


def test_npy_is_what_h5py_reads(numbers, mtflight, tmp_path):
    out = tmp_path / "x.npy"
    names = []
    with h5py.File(numbers) as f:
        f.visititems(lambda name, node: names.append(name) if isinstance(node, h5py.Dataset) else None)
        assert len(names) > 60
        for name in names:
            mtflight("get", numbers, "/" + name, "-o", out)
            got, want = np.load(out), f[name][()]
            assert got.shape == want.shape and got.dtype.newbyteorder("=") == np.asarray(want).dtype, name
            assert got.tobytes() == np.asarray(want).tobytes() or np.array_equal(got, want, equal_nan=True), name
        for text in ("5", "::7, 1:3", "-1, [0, 2]", "..., 2"):
            mtflight("get", numbers, "/two/f8", "--select", text, "-o", out)
            np.testing.assert_array_equal(np.load(out), f["two/f8"][()][eval(f"np.s_[{text}]")])
        mtflight("get", numbers, "/rows", "--where", "id > 40", "--fields", "id,ok", "-o", out)
        want = f["rows"][()]
        np.testing.assert_array_equal(np.load(out), want[want["id"] > 40][["id", "ok"]])


def test_json_is_read_back(mtflight, tmp_path):
    request = ["get", TESTDATA / "tables.h5", "/events", "--fields", "id,energy,weight,name,good,hits", "--limit", 500]
    whole, lines = tmp_path / "x.json", tmp_path / "x.jsonl"
    mtflight(*request, "-o", whole)
    mtflight(*request, "-o", lines)
    mtflight(*request, "-o", tmp_path / "x.parquet")
    want = pd.read_parquet(tmp_path / "x.parquet")
    assert want["weight"].isna().any(), "NaN, which JSON does not have, is null"
    for got in (pd.read_json(whole, dtype=False), pd.read_json(lines, lines=True, dtype=False), pyarrow.json.read_json(lines).to_pandas()):
        assert list(got.columns) == list(want.columns)
        for name in ("id", "name", "good"):
            assert got[name].tolist() == want[name].tolist()
        for name in ("energy", "weight"):
            np.testing.assert_array_equal(got[name].to_numpy("f4"), want[name].to_numpy("f4"))
        assert [list(v) for v in got["hits"]] == [list(v) for v in want["hits"]]
    assert json.loads(mtflight(*request, "--format", "json").stdout) == json.loads(whole.read_text())


def on_terminal(columns: int, *args: object, env: dict | None = None) -> str:
    """What a terminal of so many columns shows."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen([BINARY, *map(str, args)], stdin=slave, stdout=slave, stderr=slave, env=os.environ | {"TERM": "xterm"} | (env or {}))
    os.close(slave)
    out = b""
    try:
        while part := os.read(master, 1 << 16):
            out += part
    except OSError:  # the other end is closed
        pass
    os.close(master)
    assert process.wait(30) == 0, out
    return out.decode().replace("\r\n", "\n")


@pytest.mark.parametrize("width", [80, 160])
def test_tables_fit_the_terminal(width):
    for args in (["ls", TESTDATA / "arrays.h5"], ["get", TESTDATA / "tables.h5", "/events"], ["get", TESTDATA / "arrays.h5", "/wave/zlib"],
                 ["stats", TESTDATA / "tables.h5", "/events"]):
        lines = on_terminal(width, *args, env={"NO_COLOR": "1"}).splitlines()
        assert 60 < max(map(len, lines)) <= width, args
        coloured = on_terminal(width, *args, env={"NO_COLOR": ""})
        assert "\x1b[" in coloured
        assert re.sub(r"\x1b\[\d*m", "", coloured).splitlines() == lines


@pytest.mark.parametrize("code, says, args", [
    (3, "no such file", ["ls", "/no/such.h5"]),
    (3, 'no such dataset "/evnts" (near: "/events")', ["stats", TESTDATA / "tables.h5", "/evnts"]),
    (3, "no such", ["describe", TESTDATA / "tables.h5", "/nothing"]),
    (2, "name one: ", ["get", TESTDATA / "tables.h5"]),
    (2, "select", ["get", TESTDATA / "arrays.h5", "/cube", "--select", "1,,2"]),
    (7, "select", ["get", TESTDATA / "arrays.h5", "/cube", "--select", "99"]),
    (2, "select", ["get", TESTDATA / "arrays.h5", "/cube", "--select", "a"]),
    (3, "its directory is not there", ["get", TESTDATA / "tables.h5", "/events", "-o", "/no/such/x.npy"]),
    (4, "NumPy", ["get", TESTDATA / "tables.h5", "/events", "-o", "x.npy"]),
    (6, "choose a directory that you may write to", ["man", "/proc/nothing"]),
])
def test_bad_input_is_one_line(mtflight, code, says, args):
    told = mtflight(*args, code=code)
    assert says in told.stderr and told.stderr.count("\n") == 1 and told.stdout == ""
    assert not re.search(r"\b(h5file|chunkindex|catalog|client|h5type|vds|gheap|convert|flight): ", told.stderr)


def test_paths_are_named_from_the_root(mtflight, tmp_path):
    """An external link's target may be written without the slash that a path starts with."""
    with h5py.File(tmp_path / "there.h5", "w") as f:
        f["group/data"] = np.arange(3)
    with h5py.File(tmp_path / "here.h5", "w") as f:
        for name, target in {"good": "group/data", "wrong": "group/dat", "none": "grup"}.items():
            f[name] = h5py.ExternalLink("there.h5", target)
    assert "3 rows" in mtflight("get", tmp_path / "here.h5", "/good").stdout
    assert 'no such dataset "/group/dat" (near: "/group/data")' in mtflight("get", tmp_path / "here.h5", "/wrong", code=3).stderr
    assert 'no such dataset "/grup" (near: "/group")' in mtflight("get", tmp_path / "here.h5", "/none", code=3).stderr


def test_no_package_is_named_in_reasons(mtflight, tmp_path):
    whole = (TESTDATA / "types.h5").read_bytes()
    rng = np.random.default_rng(1)
    for i in range(30):
        damaged = bytearray(whole)
        for at in rng.integers(0, len(whole), 40):
            damaged[at] ^= 0xFF
        (tmp_path / f"{i}.h5").write_bytes(damaged)
    listed = mtflight("ls", "--json", tmp_path).stdout
    assert '"reason"' in listed or '"error"' in listed
    assert not re.search(r'[" ](h5file|chunkindex|catalog|client|h5type|vds|gheap|convert|flight): ', listed)


def test_the_banner_runs(tmp_path):
    with h5py.File(tmp_path / "only.h5", "w") as f:
        f["image"] = np.arange(600).reshape(60, 10)
    server = subprocess.Popen([BINARY, "serve", "--listen", "grpc://127.0.0.1:0", tmp_path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        code, line = [], server.stdout.readline()
        while not code or line.strip():
            line = server.stdout.readline()
            if line.startswith("    "):
                code.append(line.strip())
        ran = subprocess.run([sys.executable, "-c", "\n".join(code).replace("print(", "print((").replace("read_all())", "read_all()).num_rows)")],
                             capture_output=True, text=True, timeout=1200)
        assert ran.stdout == "10\n", ran.stderr
    finally:
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=120)
