"""THIRD_PARTY_LICENSES is what `make licenses` writes today."""

from __future__ import annotations

import subprocess
import sys

from conftest import CLONE


def test_up_to_date():
    done = subprocess.run([sys.executable, CLONE / "packaging" / "licenses.py", "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_what_is_known_to_be_linked_is_named():
    text = (CLONE / "THIRD_PARTY_LICENSES").read_text()
    for name in ("google.golang.org/grpc v", "github.com/apache/arrow/go/v15 v", "hdf5 1.", "libzstd 1.", "libaec-dev 1.", "Go's runtime"):
        assert name in text, name
    assert "GNU AFFERO" not in text and "GNU LESSER" not in text
