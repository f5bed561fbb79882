"""What HTTP gives is what Flight gives, in every format; and no client takes a part of an answer for the whole.

MTFLIGHT_REQUESTS=500 draws so many requests instead of a few."""

from __future__ import annotations

import gzip
import io
import json
import os
import random
import re
import shutil
import signal
import subprocess
import urllib.error
import urllib.parse
import urllib.request

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.flight as fl
import pyarrow.parquet as pq
import pytest

from conftest import BINARY, TESTDATA, ticket

DRAWN = int(os.environ.get("MTFLIGHT_REQUESTS", "60"))


def site_of(server) -> str:
    """Where a server started with --http answers by it; its banner's second line says."""
    return re.search(r"by HTTP on (http\S+)", server.banner)[1]


@pytest.fixture(scope="module")
def server(start):
    return start(TESTDATA, args=("--http", "127.0.0.1:0"))


@pytest.fixture(scope="module")
def flights(server):
    """Datasets that can be read, with their schema and rows."""
    listed = server.listing(frames=True)
    return [(path, f.schema, f.total_records) for path, f in sorted(listed.items()) if f.endpoints and len(path) == 2]


def draw(rng: random.Random, flights) -> dict:
    (file, dataset), schema, rows = rng.choice(flights)
    request = {"file": file, "dataset": dataset}
    if rng.random() < 0.4:
        request["fields"] = rng.sample(schema.names, rng.randint(1, min(3, len(schema.names))))
    if rng.random() < 0.5:
        request |= {"start": rng.randint(-rows - 1, rows + 1), "stop": rng.randint(-rows - 1, rows + 1)}
    if rng.random() < 0.3:
        request["step"] = rng.choice([1, 2, 7, -1, -3])
    request["limit"] = rng.choice([0, 1, 10, 1000])
    if rng.random() < 0.3:
        request["offset"] = rng.randint(0, 5)
    numbers = [f.name for f in schema if pa.types.is_integer(f.type) and f.name.isidentifier()]
    if numbers and "start" not in request and "step" not in request and len(schema.names) > 1 and rng.random() < 0.5:
        request |= {"where": f"{rng.choice(numbers)} > cut", "vars": {"cut": rng.choice([0, 3, 1.5])}}
    if rng.random() < 0.3:
        request["options"] = {"strings": "binary"} if rng.random() < 0.5 else {"plain": True}
    return request


def query_of(request: dict) -> str:
    pairs = []
    for name, value in request.items():
        if isinstance(value, dict):
            pairs += [(f"{name}.{inner}", json.dumps(v) if not isinstance(v, str) else v) for inner, v in value.items()]
        else:
            pairs += [(name, v) for v in (value if isinstance(value, list) else [value])]
    return urllib.parse.urlencode(pairs)


def fetch(url: str, **headers) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as e:
        return e.code, e.read()


def by_flight(server, request):
    """The rows, or the error's words without the request's id."""
    try:
        return server.client().do_get(fl.Ticket(json.dumps(request))).read_all()
    except (fl.FlightError, pa.ArrowException, KeyError, NotImplementedError) as e:
        return str(e).split(" (request ")[0]


def merged(request: dict, **options) -> dict:
    return request | {"options": options | request.get("options", {})}


def by_command(request: dict, form: str) -> bytes:
    """What `mtflight get` writes of the file itself, which test_export.py holds to what readers of the format find."""
    command = [BINARY, "get", "--format", form, TESTDATA / request["file"], request["dataset"]]
    for name, value in request.items():
        if name in ("start", "stop", "step", "limit", "offset"):
            command.append(f"--{name}={value}")
    for name, value in request.get("options", {}).items():
        command.append(f"--{name}={json.dumps(value).strip(chr(34))}")
    return subprocess.run(command, check=True, capture_output=True).stdout


def test_rows_are_those_of_flight(server, flights):
    rng = random.Random(20261130)
    compared = refused = 0
    for number in range(DRAWN):
        request, form = draw(rng, flights), rng.choice(["arrow", "arrow&compression=lz4", "arrow&compression=zstd", "parquet", "jsonl"])
        asked = f"{number}: {form} {request}"
        status, body = fetch(f"{site_of(server)}/v1/data?{query_of(request)}&format={form}")
        alike = merged(request, plain=True) if form == "parquet" else merged(request, tensors="nested") if form == "jsonl" else request
        expected = by_flight(server, alike)
        if status != 200:
            refused += 1
            said = json.loads(body)["error"]["message"].split(" (request ")[0]
            assert isinstance(expected, str) and said in expected, asked
            continue
        compared += 1
        assert isinstance(expected, pa.Table), f"{asked}: {expected}"
        if form == "jsonl":
            check_json(body, expected, asked)
        elif form == "parquet":
            got = pq.read_table(io.BytesIO(body))
            assert got.num_rows == expected.num_rows and str(got.to_pydict()) == str(expected.to_pydict()), asked
        else:
            got = pa.ipc.open_stream(body).read_all()
            assert got.schema.equals(expected.schema, check_metadata=True) and str(got.to_pydict()) == str(expected.to_pydict()), asked
    assert compared > refused


def check_json(body: bytes, expected: pa.Table, asked: str) -> None:
    """Values of types that JSON has; others are texts, which test_export.py knows."""
    lines = [json.loads(line) for line in body.splitlines()]
    assert len(lines) == expected.num_rows, asked
    for name, column in zip(expected.column_names, expected.columns):
        if expected.column_names.count(name) > 1:
            continue
        if pa.types.is_integer(column.type) or pa.types.is_boolean(column.type) or pa.types.is_string(column.type):
            assert [line[name] for line in lines] == column.to_pylist(), asked
        elif pa.types.is_floating(column.type):
            finite = [v if v is not None and np.isfinite(v) else None for v in column.to_pylist()]
            assert [None if line[name] is None else column.type.to_pandas_dtype()(line[name]) for line in lines] == \
                [None if v is None else column.type.to_pandas_dtype()(v) for v in finite], asked


def test_texts_are_those_of_get(server, flights):
    rng = random.Random(7)
    compared = 0
    for number in range(max(DRAWN // 4, 10)):
        request, form = draw(rng, flights), rng.choice(["csv", "json"])
        for member in ("where", "vars", "fields"):
            request.pop(member, None)
        status, body = fetch(f"{site_of(server)}/v1/data?{query_of(request)}&format={form}")
        if status != 200:
            continue
        compared += 1
        assert body == by_command(request, form), f"{number}: {form} {request}"
    assert compared > 3


def test_posted_requests_and_smaller_answers(server):
    rows = [5, 3, 4000, 3]
    request = urllib.request.Request(site_of(server) + "/v1/data", json.dumps({"file": "tables.h5", "dataset": "/events", "coordinates": rows, "fields": ["id"]}).encode())
    with urllib.request.urlopen(request) as answer:
        assert pa.ipc.open_stream(answer).read_all()["id"].to_pylist() == rows
    query = "file=tables.h5&dataset=/events&format=csv"
    plain = fetch(f"{site_of(server)}/v1/data?{query}")[1]
    status, smaller = fetch(f"{site_of(server)}/v1/data?{query}", **{"Accept-Encoding": "gzip"})
    assert status == 200 and gzip.decompress(smaller) == plain and len(smaller) < len(plain) / 2


@pytest.fixture
def large(tmp_path, start):
    """A server of rows that take a while, and where it answers."""
    with h5py.File(tmp_path / "large.h5", "w") as f:
        f["rows"] = np.arange(24 << 20, dtype="<f8")
    return start(tmp_path, args=("--http", "127.0.0.1:0"))


def read_by_urllib(url, killed):
    with urllib.request.urlopen(url) as answer:
        answer.read(1 << 20)
        killed()
        while answer.read(1 << 20):
            pass


def read_by_pyarrow(url, killed):
    with urllib.request.urlopen(url) as answer:
        reader = pa.ipc.open_stream(answer)
        reader.read_next_batch()
        killed()
        reader.read_all()


def read_by_curl(url, killed):
    process = subprocess.Popen(["curl", "-sS", url], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.read(1 << 20)
    killed()
    process.communicate()
    if process.returncode:
        raise OSError(process.returncode)


def read_by_node(url, killed):
    code = "const a = await fetch(process.argv[1]); for await (const part of a.body) { process.stdout.write('x') }"
    process = subprocess.Popen(["node", "--input-type=module", "-e", code, url], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.read(1)
    killed()
    process.communicate()
    if process.returncode:
        raise OSError(process.returncode)


ARROW = "arrow&batch_rows=65536"


@pytest.mark.parametrize("read, form", [(read_by_pyarrow, ARROW), *((read, form) for read in (read_by_urllib, read_by_curl, read_by_node) for form in (ARROW, "csv"))])
def test_a_server_that_dies_gives_no_whole_answer(large, read, form):
    if read is read_by_node and not shutil.which("node"):
        pytest.skip("there is no node here")
    with pytest.raises(Exception):  # each client's own
        read(f"{site_of(large)}/v1/data?file=large.h5&dataset=/rows&format={form}", large.process.kill)
    assert large.process.wait(60) == -signal.SIGKILL  # and not before it was there
