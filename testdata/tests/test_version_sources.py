"""Files that other files' rows lie in: what a ticket was issued for is what comes, or the stream ends as Aborted, naming what changed."""

from __future__ import annotations

import json
import os
import time

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.flight as fl
import pytest

from conftest import until

ROWS = 3000


def put(path, values, **more):
    with h5py.File(path, "w") as f:
        f.create_dataset("d", data=values, **more)
    os.utime(path, (1e9, 1e9))


def layout_of(*parts):
    layout = h5py.VirtualLayout((sum(n for *_, n in parts),), "i8")
    at = 0
    for name, dataset, n in parts:
        layout[at : at + n] = h5py.VirtualSource(name, dataset, shape=(n,))
        at += n
    return layout


@pytest.fixture
def folder(tmp_path):
    """What lies in several files, the parts of which are a, b and c, each of 1000 rows."""
    for k, name in enumerate("abc"):
        put(tmp_path / f"{name}.h5", np.arange(1000 * k, 1000 * k + 1000), chunks=(100,), compression=1)
    with h5py.File(tmp_path / "v.h5", "w") as f:
        f.create_virtual_dataset("all", layout_of(("a.h5", "d", 1000), ("b.h5", "d", 1000), ("c.h5", "d", 1000)), fillvalue=-1)
        f.create_virtual_dataset("first", layout_of(("a.h5", "d", 1000), ("late.h5", "d", 1000)), fillvalue=-1)
        external = [(f"{name}.raw", 0, 8000) for name in "abc"]
        f.create_dataset("raw", (ROWS,), "i8", external=external)
        f["link"] = h5py.ExternalLink("a.h5", "/d")
        f.create_virtual_dataset("through", layout_of(("v.h5", "link", 1000)))
        f.create_virtual_dataset("raws", layout_of((".", "raw", ROWS)))
    with h5py.File(tmp_path / "nested.h5", "w") as f:
        f.create_virtual_dataset("all", layout_of(("v.h5", "all", ROWS)))
    for k, name in enumerate("abc"):
        np.arange(1000 * k, 1000 * k + 1000).tofile(tmp_path / f"{name}.raw")
        os.utime(tmp_path / f"{name}.raw", (1e9, 1e9))
    return tmp_path


def replaced(path):
    """Another file under the name, of the same size and times."""
    path.with_name("new").write_bytes(path.read_bytes().translate(bytes(range(255, -1, -1))) if path.suffix == ".raw" else b"")
    if path.suffix == ".h5":
        put(path.with_name("new"), np.arange(500_000, 501_000), chunks=(100,), compression=1)
    os.utime(path.with_name("new"), (1e9, 1e9))
    path.with_name("new").rename(path)


def rewritten(path):
    """Other bytes in the same file, with its old times."""
    other = path.with_name("other")
    other.write_bytes(path.read_bytes())
    replaced(other.rename(path.with_name("of" + path.suffix)))
    with open(path, "r+b") as f:
        f.write(path.with_name("of" + path.suffix).read_bytes())
        f.truncate()
    os.utime(path, (1e9, 1e9))


def endpoints(client, file, dataset, n=3):
    command = json.dumps({"file": file, "dataset": dataset, "options": {"endpoints": n}})
    return [e.ticket for e in client.get_flight_info(fl.FlightDescriptor.for_command(command)).endpoints]


def rows(client, ticket):
    return client.do_get(ticket).read_all().column(0).to_pylist()


CASES = [("v.h5", "/all", "b.h5"), ("nested.h5", "/all", "b.h5"), ("v.h5", "/raw", "b.raw"), ("v.h5", "/raws", "b.raw"), ("v.h5", "/link", "a.h5"), ("v.h5", "/through", "a.h5")]


@pytest.mark.parametrize("change", [replaced, rewritten, os.remove])
@pytest.mark.parametrize("file, dataset, changes", CASES, ids=lambda x: str(x).strip("/"))
def test_changed_since_the_ticket(start, folder, file, dataset, changes, change):
    server = start(folder)
    client = fl.connect(server.location)
    all_of = endpoints(client, file, dataset, 1)[0]
    parts = endpoints(client, file, dataset)
    whole = rows(client, all_of)
    assert whole == list(range(len(whole))) and [x for t in parts for x in rows(client, t)] == whole
    change(folder / changes)
    for ticket in [all_of] if len(parts) == 1 else [all_of, parts[1]]:
        with pytest.raises((pa.ArrowException, KeyError)) as e:
            rows(client, ticket)
        named = changes if change is not os.remove or dataset != "/through" else "virtual source link"
        assert named in str(e.value) and ("aborted" in str(e.value) or change is os.remove), e.value


def test_source_that_comes_later(start, folder):
    server = start(folder)
    client = fl.connect(server.location)
    _, two = endpoints(client, "v.h5", "/first", 2)
    assert rows(client, two) == [-1] * 1000
    put(folder / "late.h5", np.arange(1000))
    with pytest.raises(pa.ArrowException, match="late.h5: it is not the file that the ticket was issued for"):
        rows(client, two)
    by_hand = fl.Ticket(json.dumps({"file": "v.h5", "dataset": "/first", "start": 1000}))
    assert rows(client, by_hand) == list(range(1000))


@pytest.mark.parametrize("dataset, change", [("/link", replaced), ("/through", replaced), ("/link", rewritten)])
def test_what_a_link_leads_to_is_looked_at_again(start, folder, dataset, change):
    """Without a state: what was kept of the file that it led to before is not read again."""
    until(lambda: time.time() > os.stat(folder / "a.h5").st_ctime + 2.5)  # younger ones are not kept
    client = fl.connect(start(folder).location)
    ticket = fl.Ticket(json.dumps({"file": "v.h5", "dataset": dataset, "stop": 1000}))
    for _ in range(2):
        assert rows(client, ticket) == list(range(1000))
    change(folder / "a.h5")
    assert rows(client, ticket) == list(range(500_000, 501_000))


def test_raw_file_changes_under_the_stream(start, folder):
    """Without a state, too: rows of two versions never come as one stream's."""
    n = 8_000_000
    np.arange(n).tofile(folder / "long.raw")
    with h5py.File(folder / "long.h5", "w") as f:
        f.create_dataset("d", (n,), "i8", external=[("long.raw", 0, 8 * n)])
    client = fl.connect(start(folder).location)
    got = []
    with pytest.raises(pa.ArrowException, match="long.raw changed while it was read"):
        for number, chunk in enumerate(client.do_get(fl.Ticket(json.dumps({"file": "long.h5", "dataset": "/d", "batch_bytes": 1 << 19})))):
            got.append(chunk.data.column(0).to_numpy())
            if number == 1:
                with open(folder / "long.raw", "r+b") as f:
                    f.write(np.zeros(n, "i8").tobytes())
    assert np.array_equal(np.concatenate(got), np.arange(sum(map(len, got))))
