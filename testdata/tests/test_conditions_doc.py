"""The examples of docs/conditions.md: its file is written, its conditions are asked, its functions are those there are."""

from __future__ import annotations

import re

import pyarrow as pa
import pytest
from conftest import CLONE, ticket

TEXT = (CLONE / "docs" / "conditions.md").read_text()
VARS = {"cut": 2, "species": "mu", "day": "2024-01-02"}


def cells(line: str) -> list[str]:
    return [c.strip().replace("\\`", "`") for c in re.split(r"(?<!\\)\|(?=(?:[^`]|`[^`]*`|`` .*? ``)*$)", line.strip()[1:-1])]


def examples() -> list[tuple[str, str, str]]:
    """Section, condition, what is said of it."""
    out, section = [], ""
    for line in TEXT[TEXT.index("## Examples"):].splitlines():
        if line.startswith(("Conditions over", "Over", "What is refused")):
            section = line.split()[0]
        if section and line.startswith("| `"):
            condition, says = cells(line)
            out.append((section, condition.strip("`").strip() if not condition.startswith("`` ") else condition[3:-3], says))
    return out


@pytest.fixture(scope="module")
def client(start, tmp_path_factory):
    root = tmp_path_factory.mktemp("doc")
    source = re.search(r"```python\n(.*?)```", TEXT, re.DOTALL)[1].replace('"example.h5"', repr(str(root / "example.h5")))
    exec(compile(source, "conditions.md", "exec"), {})  # noqa: S102 (our own document)
    return start(root).client()


@pytest.mark.parametrize("section,condition,says", examples())
def test_examples(client, section, condition, says):
    def ask(dataset: str, **members) -> pa.Table:
        return client.do_get(ticket("example.h5", dataset, where=condition, vars=VARS, **members)).read_all()

    if section == "What":
        with pytest.raises(pa.ArrowInvalid) as e:
            ask("/t")
        assert says in str(e.value)
        assert ("names in scope: cut, day, species, id, u" in str(e.value)) == says.startswith("no column or variable")
    elif section == "Over":
        lists = [[], [5], [5, 7], [0, 0, 9]]
        assert ask("/tags")["tags"].to_pylist() == [lists[int(i)] for i in says.split()]
    else:
        assert ask("/t", fields=["id"])["id"].to_pylist() == [int(i) for i in says.split()]


def test_there_are_enough_examples():
    assert len(examples()) > 45 and {s for s, _, _ in examples()} == {"Conditions", "Over", "What"}


def test_functions_are_all_named(client):
    """The error of an unknown one that is near to all of them is not at hand: the compiler's own table is read."""
    table = re.search(r"var functions = map\[string\]int\{(.*?)\}", (CLONE / "reader" / "where" / "check.go").read_text(), re.DOTALL)[1]
    section = TEXT[TEXT.index("## Functions"):TEXT.index("## Examples")]
    named = set(re.findall(r"[a-z_0-9]+", " ".join(re.findall(r"`([^`]*)`", section))))
    assert set(re.findall(r'"(\w+)"', table)) <= named
