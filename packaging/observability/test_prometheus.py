"""A real Prometheus scrapes a server under load; every expression of the dashboard and of the alerts is asked of it, and must give
series, but those of what does not happen here. promtool tests the alerts. `make observability` runs it."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from pathlib import Path

import pyarrow.flight as fl
import pytest

HERE = Path(__file__).parent
CLONE = HERE.parents[1]
BINARY = CLONE / "bin" / "mtflight"
METRICS = set(re.findall(r"^\| `(mtflight_\w+)`", (CLONE / "docs" / "metrics.md").read_text(), re.M))
DASHBOARD = json.loads((HERE / "grafana.json").read_text())
RULES = (HERE / "alerts.yml").read_text()
QUIET = ("helpers_died", 'code!="OK"', "chunk_cache")  # nothing fails here, and no chunk is wanted in part


def expressions() -> dict[str, str]:
    found = {}
    for row in DASHBOARD["panels"]:
        for panel in [row, *row.get("panels", [])]:
            for target in panel.get("targets", []):
                found[f"{panel['title']}: {target['legendFormat']}"] = target["expr"].replace("$job", "mtflight").replace(
                    "$instance", ".*").replace("$__rate_interval", "10s")
    return found


def alerts() -> list[str]:
    return re.findall(r"^ +expr: (.*)$", RULES, re.M)


def test_only_metrics_that_there_are():
    text = " ".join([*expressions().values(), *alerts()])
    used = {re.sub(r"_(bucket|sum|count)$", "", name) for name in re.findall(r"mtflight_\w+", text)}
    assert used and used <= METRICS


def test_alerts():
    if shutil.which("promtool") is None:
        pytest.skip("no promtool: apt-get install prometheus")
    for command in (["check", "rules", "alerts.yml"], ["test", "rules", "alerts_test.yml"]):
        subprocess.run(["promtool", *command], cwd=HERE, check=True)


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def by_loopback(folder: Path, port: int) -> tuple[list, dict]:
    """Flags of a server, and how Prometheus scrapes it."""
    return ["--admin", f"127.0.0.1:{port}"], {}


def by_login(folder: Path, port: int) -> tuple[list, dict]:
    """By TLS, as an operator of the rules."""
    cert, key, tokens, rules, token = (folder / name for name in ("cert.pem", "key.pem", "tokens", "rules.yaml", "prometheus.token"))
    subprocess.run([BINARY, "cert", "selfsigned", "--tls-cert", cert, "--tls-key", key], check=True, stdout=subprocess.DEVNULL)
    token.write_bytes(subprocess.run([BINARY, "token", "new", "--auth-tokens", tokens, "prometheus"], check=True, capture_output=True).stdout)
    token.chmod(0o600)
    rules.write_text('operators: [prometheus]\nrules: [{for: ["*"], files: ["*"]}]\n')
    flags = ["--admin", f"https://127.0.0.1:{port}", "--tls-cert", cert, "--tls-key", key, "--auth-tokens", tokens, "--rules", rules]
    return flags, {"scheme": "https", "tls_config": {"ca_file": str(cert)}, "authorization": {"credentials_file": str(token)}}


@pytest.fixture(params=[by_loopback, by_login], ids=lambda f: f.__name__)
def prometheus(request, tmp_path):
    """Gives a query of a Prometheus that scrapes a server which is being read."""
    if shutil.which("prometheus") is None:
        pytest.skip("no prometheus: apt-get install prometheus")
    admin, port = free_port(), free_port()
    listen = f"grpc+unix://{tmp_path}/s"
    flags, scrape = request.param(tmp_path, admin)
    token = tmp_path / "prometheus.token"
    job = {"job_name": "mtflight", "static_configs": [{"targets": [f"127.0.0.1:{admin}"]}], **scrape}
    (tmp_path / "p.yml").write_text(json.dumps({"global": {"scrape_interval": "1s"}, "scrape_configs": [job]}))
    server = subprocess.Popen([BINARY, "serve", "--listen", listen, *flags, CLONE / "testdata"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    server.stdout.readline()
    watcher = subprocess.Popen(["prometheus", f"--config.file={tmp_path}/p.yml", f"--storage.tsdb.path={tmp_path}/db",
                                f"--web.listen-address=127.0.0.1:{port}"], stderr=subprocess.DEVNULL)
    login = f"--token {token}" if token.exists() else ""
    load = subprocess.Popen(["/bin/sh", "-c", f"while :; do {BINARY} get {listen} tables.h5 /events {login} -o {tmp_path}/o.arrow; done"],
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    held = fl.connect(listen).do_get(fl.Ticket(json.dumps({"file": "tables.h5", "dataset": "/events", "stream": {"cyclic": True}})),
                                     fl.FlightCallOptions(headers=[(b"authorization", b"Bearer " + token.read_bytes().strip())] if token.exists() else []))
    held.read_chunk()  # and no more, so that it runs

    def query(expression: str) -> list:
        url = f"http://127.0.0.1:{port}/api/v1/query?" + urllib.parse.urlencode({"query": expression})
        with urllib.request.urlopen(url) as answer:
            return json.load(answer)["data"]["result"]

    try:
        for _ in range(120):
            time.sleep(0.5)
            try:
                if query('count_over_time(up{job="mtflight"}[1m]) >= 8'):
                    break
            except OSError:
                pass
        yield query
    finally:
        held.cancel()
        for process in (load, watcher, server):
            process.terminate()
            process.wait()


def test_a_real_prometheus_answers_every_expression(prometheus):
    assert prometheus('up{job="mtflight"}')[0]["value"][1] == "1"
    for name, expression in expressions().items():
        found = prometheus(expression)
        assert found or any(q in expression for q in QUIET), (name, expression)
    for expression in alerts():
        assert prometheus(expression) == [], expression  # and none fires
