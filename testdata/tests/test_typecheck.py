"""The calls that type checkers see (`make typecheck`) are all that is public."""

from __future__ import annotations

import ast
import inspect
import sys

from conftest import CLONE, TESTDATA

sys.path.insert(0, str(CLONE / "examples" / "python"))

import mtflight  # noqa: E402

CALLS = ast.parse((TESTDATA / "types" / "calls.py").read_text())
NAMES = {node.attr for node in ast.walk(CALLS) if isinstance(node, ast.Attribute)}


def test_every_public_name_is_called():
    assert set(mtflight.__all__) <= NAMES
    for kind in (mtflight.Catalogue, mtflight.Table, mtflight.Reader, mtflight.Streamer, mtflight.training.Batches):
        own = {name for name, thing in vars(kind).items() if not name.startswith("_") and (callable(thing) or isinstance(thing, property))}
        assert own - {"Queue"} <= NAMES, kind


def test_every_method_says_what_it_returns():
    for kind in (mtflight.Catalogue, mtflight.Table, mtflight.training.Batches):
        for name, thing in vars(kind).items():
            function = thing.fget if isinstance(thing, property) else thing
            if inspect.isfunction(function) and not name.startswith("_"):
                assert inspect.signature(function).return_annotation is not inspect.Signature.empty, name
