"""The table of names in docs/from-multitables.md: every one that multitables documents, with its arguments, is in mtflight."""

from __future__ import annotations

import ast
import inspect
import re
import sys

import pytest

from conftest import CLONE

sys.path.insert(0, str(CLONE / "examples" / "python"))

import mtflight  # noqa: E402
import mtflight.dataset  # noqa: E402
import mtflight.request  # noqa: E402

# The index of multitables' documentation.
INDEX = """RequestPool.add dataset.ArrayDataset Reader.close Streamer.Queue.close dataset.TableDataset.col request.Request.get
Streamer.Queue.get Reader.get_dataset request.Request.get_direct Streamer.get_generator request.Request.get_proxy
Streamer.get_queue Streamer.get_remainder request.Request.get_unsafe Streamer.Queue.iter RequestPool.next
QueueClosedException dataset.ArrayDataset.read dataset.TableDataset.read dataset.VLArrayDataset.read
dataset.TableDataset.read_coordinates dataset.TableDataset.read_sorted Reader request.Request Reader.request RequestPool
SharedMemoryError Reader.stop Streamer Streamer.Queue SubprocessException dataset.TableDataset dataset.VLArrayDataset
dataset.TableDataset.where QueueClosed dataset.TableDataset.create_stage dataset.TableDataset.create_stage_pool
Streamer.Queue.block_size""".split()

LINES = re.findall(r"^\| `([\w.]+)(\(.*?\))?` \| `([\w.]+)` \|",
                   (CLONE / "docs" / "from-multitables.md").read_text().split("## Every documented name")[1], re.MULTILINE)
ATTRIBUTES = {"block_size", "dtype", "shape"}  # of instances


def found(name: str):
    owner = mtflight
    for part in name.split("."):
        owner = getattr(owner, part)
    return owner


def test_every_name_of_the_index_has_a_line():
    assert sorted(set(INDEX) - {name for name, _, _ in LINES}) == []


@pytest.mark.parametrize(("name", "signature", "ours"), LINES, ids=[line[0] for line in LINES])
def test_name(name, signature, ours):
    assert ours == name
    if name.rsplit(".", 1)[-1] in ATTRIBUTES:
        owner = found(name.rsplit(".", 1)[0])
        assert any(f"self.{name.rsplit('.', 1)[-1]}" in inspect.getsource(c.__init__) for c in owner.__mro__[:-1])
        return
    thing = found(name)
    if not signature:
        return
    theirs = ast.parse(f"def f{signature}: pass").body[0].args
    defaults = [ast.literal_eval(d) for d in theirs.defaults]
    wanted = [(a.arg, d) for a, d in zip(theirs.args, [inspect.Parameter.empty] * (len(theirs.args) - len(defaults)) + defaults)]
    have = [p for p in inspect.signature(thing).parameters.values() if p.name != "self"]
    if theirs.kwarg:
        assert have.pop().kind is inspect.Parameter.VAR_KEYWORD
    assert [(p.name, p.default) for p in have] == wanted


def test_a_changed_default_would_be_seen():
    with pytest.raises(AssertionError):
        test_name("Reader.close", "(wait=True)", "Reader.close")
    with pytest.raises(AttributeError):
        test_name("Reader.nope", "()", "Reader.nope")
