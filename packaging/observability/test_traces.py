"""What one request of a Python program does is one trace in a real collector of OpenTelemetry, from the program's span down to the reads of chunks."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

CLONE = Path(__file__).parents[2]
BINARY, COLLECTOR = CLONE / "bin" / "mtflight", CLONE / ".make" / "collector"
CONFIG = """yaml:
receivers: {{otlp: {{protocols: {{grpc: {{endpoint: "{}"}}}}}}}}
exporters: {{debug: {{verbosity: detailed}}}}
service:
  telemetry: {{metrics: {{level: none}}}}
  pipelines: {{traces: {{receivers: [otlp], exporters: [debug]}}}}
"""
sys.path.insert(0, str(CLONE / "examples" / "python"))

import mtflight  # noqa: E402


@pytest.fixture
def collector(tmp_path):
    """Where it listens, and the spans that it has got so far: their IDs with name, parent, trace and service."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{s.getsockname()[1]}"
    with open(tmp_path / "log", "w") as log:
        process = subprocess.Popen([COLLECTOR, "--config", CONFIG.format(address)], stdout=log, stderr=log)
    while "Everything is ready" not in (tmp_path / "log").read_text():
        assert process.poll() is None, (tmp_path / "log").read_text()
        time.sleep(0.05)
    yield address, lambda: spans((tmp_path / "log").read_text())
    process.terminate()
    assert process.wait(30) == 0


def spans(log: str) -> dict[str, tuple[str, str, str, str]]:
    found = {}
    for resource in log.split("ResourceSpans #")[1:]:
        (service,) = re.findall(r"-> service.name: Str\((.*)\)", resource)
        for span in resource.split("Span #")[1:]:
            told = dict(re.findall(r"^ +(Trace ID|Parent ID|ID|Name) +: ?(.*)$", span, re.MULTILINE))
            found[told["ID"]] = told["Name"], told["Parent ID"], told["Trace ID"], service
    return found


def test_one_request_of_python_down_to_its_chunks(collector):
    address, seen = collector
    provider = TracerProvider(resource=Resource({"service.name": "analysis"}))
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(f"http://{address}", insecure=True)))
    server = subprocess.Popen([BINARY, "serve", "--listen", "grpc://127.0.0.1:0", "--traces", f"http://{address}", CLONE / "testdata"],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        location = re.search(r"grpc://\S+", server.stdout.readline())[0]
        with mtflight.connect(location) as connection:
            table = connection.table("tables.h5", "/events")
            with provider.get_tracer("test").start_as_current_span("my analysis"):
                assert trace.get_current_span().is_recording()
                rows = table.where("id < 700").to_arrow()
            assert len(rows) == 700
            assert table.to_arrow().num_rows > 700  # of no trace of the program's
    finally:
        server.terminate()
        assert server.wait(30) == 0
        provider.shutdown()
    found = seen()
    (analysis,) = [i for i, (name, *_) in found.items() if name == "my analysis"]
    mine = {i: s for i, s in found.items() if s[2] == found[analysis][2]}
    assert {s[3] for s in mine.values()} == {"analysis", "mtflight"} and len(mine) < len(found)

    def way(span: str) -> list[str]:
        return [] if span not in mine else [*way(mine[span][1]), mine[span][0]]

    ways = {" > ".join(way(i)) for i in mine}
    print(*sorted(ways), sep="\n")
    assert all(w.startswith("my analysis") for w in ways)
    for end in ("plan", "read file", "decode chunks", "send"):
        assert any(re.fullmatch(f"my analysis > DoGet > .*{end}|my analysis > DoGet > {end}", w) for w in ways), (end, ways)
