"""The package where there is no server: nothing of Unix is needed to import it, and what would start one says what to do."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap

import pytest

from conftest import CLONE, TESTDATA

PACKAGE = CLONE / "examples" / "python"
MODULES = sorted(".".join(p.relative_to(PACKAGE).with_suffix("").parts) for p in (PACKAGE / "mtflight").rglob("*.py"))

# What Python has on Unix alone, taken away once Python's own modules and pyarrow, which know other systems, have it.
ELSEWHERE = """
import multiprocessing.shared_memory, os, shutil, socket, subprocess, sys, tempfile
import numpy, pyarrow.flight
for name in ("fcntl", "grp", "pwd", "pty", "resource", "syslog", "termios", "tty"):
    sys.modules[name] = None
for name in ("fork", "forkpty", "getuid", "geteuid", "getgid", "register_at_fork", "memfd_create", "sched_getaffinity"):
    if hasattr(os, name):
        delattr(os, name)
del socket.AF_UNIX
"""


def elsewhere(tmp_path, text: str) -> str:
    """What a program prints on a host without Unix's modules and without a server, also beside the package."""
    shutil.copytree(PACKAGE / "mtflight", tmp_path / "site" / "mtflight")
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", ELSEWHERE + textwrap.dedent(text)], text=True, capture_output=True, timeout=300,
                          env={**os.environ, "PYTHONPATH": str(tmp_path / "site"), "MTFLIGHT_BIN": "", "PATH": ""})
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_module_imports(tmp_path):
    """Those of the extras may lack their library here, never a module of Unix."""
    imported = elsewhere(tmp_path, f"""
        import importlib
        for name in {MODULES!r}:
            try:
                importlib.import_module(name)
            except ModuleNotFoundError as e:
                assert e.name in ("anndata", "duckdb", "pandas", "polars", "torch", "xarray"), e
            print(name)
    """)
    assert imported.split() == MODULES and "mtflight.server" in MODULES


def test_what_is_blocked_would_be_seen(tmp_path):
    assert elsewhere(tmp_path, """
        for use in ("import fcntl", "from socket import AF_UNIX", "import os; os.getuid()"):
            try:
                exec(use)
            except (ImportError, AttributeError):
                print("seen")
    """).split() == ["seen"] * 3


def test_a_server_elsewhere_is_read(tmp_path, server):
    assert elsewhere(tmp_path, f"""
        import mtflight
        with mtflight.connect({server.location!r}) as connection:
            print(connection.table("tables.h5", "/events").to_arrow(["id"]).num_rows)
        print(mtflight.Reader("tables.h5", location={server.location!r}).get_dataset("/events").shape)
    """).split("\n")[:2] == ["5000", "(5000,)"]


@pytest.mark.parametrize(("platform", "told"), [("win32", "Linux only"), ("darwin", "Linux only"), ("linux", "install mtflight's wheel")])
def test_a_file_here_says_what_to_do(tmp_path, platform, told):
    said = elsewhere(tmp_path, f"""
        import mtflight
        sys.platform = {platform!r}
        try:
            mtflight.Reader({str(TESTDATA / "tables.h5")!r}).get_dataset("/events")
        except FileNotFoundError as e:
            print(e)
    """)
    assert told in said and 'mtflight.connect("grpc://HOST:8815")' in said


def test_a_module_as_command(tmp_path):
    command = [sys.executable, "-m", "mtflight", "version"]
    done = subprocess.run(command, cwd=PACKAGE, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.startswith("mtflight ")
    done = subprocess.run(command, cwd=PACKAGE, capture_output=True, text=True, env={**os.environ, "MTFLIGHT_BIN": str(tmp_path)})
    assert done.returncode != 0
