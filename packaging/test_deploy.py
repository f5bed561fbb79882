"""The files that others run mtflight by: Dockerfile, systemd unit, compose file, Kubernetes manifests; held to their own tools, and to each other."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import kubernetes_validate
import pytest
import yaml

PACKAGING = Path(__file__).resolve().parent
CLONE = PACKAGING.parent
BINARY = CLONE / "bin" / "mtflight"
COMPOSE_SCHEMA = "github.com/compose-spec/compose-go/v2@v2.16.2"
KUBERNETES = ["1.30", kubernetes_validate.latest_version()]  # the first that has the action sleep
MANIFESTS = [m for file in sorted((PACKAGING / "kubernetes").glob("*.yaml")) if file.stem != "kustomization" for m in yaml.safe_load_all(file.read_text())]
COMPOSE = yaml.safe_load((PACKAGING / "compose.yaml").read_text())["services"]
DOCKERFILE = (CLONE / "Dockerfile").read_text()


def manifest(kind: str) -> dict:
    (found,) = [m for m in MANIFESTS if m["kind"] == kind]
    return found


def pod() -> dict:
    return manifest("Deployment")["spec"]["template"]["spec"]


def flags() -> set[str]:
    return set(re.findall(r"^ +--([a-z-]+)", output(BINARY, "serve", "--help"), re.MULTILINE))


def output(*command, **options) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_dockerfile():
    assert output(Path(sys.executable).with_name("hadolint"), CLONE / "Dockerfile") == ""


def test_image_has_licences():
    assert re.search(r"usr/share/doc/mtflight LICENSE THIRD_PARTY_LICENSES", DOCKERFILE)
    assert re.search(r"usr/share/doc/mtflight-sql THIRD_PARTY_LICENSES", DOCKERFILE)
    assert re.search(r"usr/share/doc/mtflight/sbom\.cdx\.json", DOCKERFILE)


@pytest.fixture
def units(tmp_path) -> Path:
    """The units as `make install` puts them, of a binary that is there."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("NOT CHECKED: there is no systemd-analyze here to check the units with")
    for name in ("mtflight.service", "mtflight.socket"):
        text = (PACKAGING / "systemd" / name).read_text()
        (tmp_path / name).write_text(text.replace("/usr/local/bin/mtflight", str(BINARY)))
    return tmp_path


def test_units(units):
    """`verify` also says what it does not know, but succeeds then."""
    assert output("systemd-analyze", "verify", "--man=no", units / "mtflight.service", units / "mtflight.socket") == ""


def test_helpers_may_confine_themselves():
    """What processes for plug-ins and libhdf5 give up, they give up by these calls, which not every systemd counts to its groups."""
    allowed = re.search(r"^SystemCallFilter=(.*)", (PACKAGING / "systemd" / "mtflight.service").read_text(), re.M)[1].split()
    assert {"seccomp", "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"} <= set(allowed)


def test_mistakes_are_said_once(tmp_path):
    """systemd does not try again what another start does not mend."""
    (tmp_path / "open.key").touch(mode=0o600)
    (tmp_path / "open.key").chmod(0o666)
    unit = (PACKAGING / "systemd" / "mtflight.service").read_text()
    final = set(map(int, re.search(r"^RestartPreventExitStatus=(.*)", unit, re.M)[1].split()))
    for wrong in (["--config", tmp_path / "none"], ["--workers", "x", tmp_path], [tmp_path / "none"], ["--rules", tmp_path / "open.key", tmp_path]):
        assert subprocess.run([BINARY, "serve", *wrong], capture_output=True, check=False).returncode in final


def test_unit_is_hardened(units):
    """At most 2.0 of 10 are exposed: the network that it serves, and homes that it may read."""
    output("systemd-analyze", "security", "--offline=true", "--threshold=20", units / "mtflight.service")


def test_compose_file():
    module = json.loads(output("go", "mod", "download", "-json", COMPOSE_SCHEMA, cwd=CLONE))
    schema = json.loads((Path(module["Dir"]) / "schema" / "compose-spec.json").read_text())
    jsonschema.validate(yaml.safe_load((PACKAGING / "compose.yaml").read_text()), schema)


def test_compose_variables_are_known():
    names = {"MTFLIGHT_" + flag.upper().replace("-", "_") for flag in flags()}
    assert set(COMPOSE["mtflight"]["environment"]) <= names


def test_prometheus_scrapes_the_admin_address():
    settings = yaml.safe_load((PACKAGING / "observability" / "prometheus.yml").read_text())
    assert settings["scrape_configs"][0]["static_configs"] == [{"targets": [COMPOSE["mtflight"]["environment"]["MTFLIGHT_ADMIN"]]}]
    assert COMPOSE["prometheus"]["network_mode"] == "service:mtflight"  # whose loopback address that is
    if not shutil.which("promtool"):
        pytest.skip("NOT CHECKED: there is no promtool here to check prometheus.yml with")
    output("promtool", "check", "config", PACKAGING / "observability" / "prometheus.yml")


@pytest.mark.parametrize("version", KUBERNETES)
@pytest.mark.parametrize("m", MANIFESTS, ids=lambda m: m["kind"])
def test_manifests(m, version):
    kubernetes_validate.validate(m, version, strict=True)


def test_manifests_select_the_pods():
    labels = manifest("Deployment")["spec"]["template"]["metadata"]["labels"]
    spec = {m["kind"]: m["spec"] for m in MANIFESTS if "spec" in m}
    assert spec["Deployment"]["selector"]["matchLabels"] == spec["Service"]["selector"] == labels
    assert spec["HorizontalPodAutoscaler"]["scaleTargetRef"]["name"] == manifest("Deployment")["metadata"]["name"]
    assert spec["PodDisruptionBudget"]["selector"]["matchLabels"] == spec["NetworkPolicy"]["podSelector"]["matchLabels"] == labels


def test_the_scaling_metrics_are_there():
    streams, memory = (metric["pods"]["metric"]["name"] for metric in manifest("HorizontalPodAutoscaler")["spec"]["metrics"])
    known = (CLONE / "docs" / "metrics.md").read_text()
    assert f"| `{streams}` | gauge | `kind` |" in known and f"| `{memory}` | gauge |" in known


@pytest.fixture(scope="session")
def kustomized() -> dict[tuple[str, str], dict]:
    """What `kubectl apply -k` would send, by kind and name."""
    if shutil.which("kubectl") is None:
        pytest.skip("there is no kubectl here")
    made = yaml.safe_load_all(output("kubectl", "kustomize", PACKAGING / "kubernetes"))
    return {(m["kind"], m["metadata"]["name"]): m for m in made}


@pytest.mark.parametrize("version", KUBERNETES)
def test_kustomization(kustomized, version):
    """Pods with names that stay, whose settings and rights are what they need to know each other."""
    for m in kustomized.values():
        kubernetes_validate.validate(m, version, strict=True)
    assert {kind for kind, _ in kustomized} == {m["kind"] for m in MANIFESTS} - {"Deployment"} | {"StatefulSet"}
    pods, service = kustomized["StatefulSet", "mtflight"]["spec"], kustomized["Service", "mtflight-peers"]
    assert pods["serviceName"] == service["metadata"]["name"] and service["spec"]["clusterIP"] == "None"
    assert service["spec"]["selector"] == pods["selector"]["matchLabels"] == pods["template"]["metadata"]["labels"]
    (container,) = pods["template"]["spec"]["containers"]
    given = {e["name"]: e["value"] for e in container["env"]}
    assert {name.removeprefix("MTFLIGHT_").lower().replace("_", "-") for name in given} <= flags()
    (port,) = service["spec"]["ports"]
    assert given["MTFLIGHT_PEERS"] == f"dns:///_{port['name']}._tcp.{pods['serviceName']}"
    mounts = {v["mountPath"] for v in container["volumeMounts"] if v["name"] in {c["metadata"]["name"] for c in pods["volumeClaimTemplates"]}}
    assert mounts == {given["MTFLIGHT_INDEX_DIR"]}
    assert kustomized["HorizontalPodAutoscaler", "mtflight"]["spec"]["scaleTargetRef"]["kind"] == "StatefulSet"
    policy = kustomized["NetworkPolicy", "mtflight"]["spec"]
    own = {"podSelector": {"matchLabels": service["spec"]["selector"]}}
    assert own in policy["ingress"][0]["from"] and policy["egress"][0]["to"] == [own] and policy["egress"][0]["ports"] == [{"port": "grpc"}]


def test_the_user_is_the_image_s():
    (user,) = re.findall(r"^USER (\d+):(\d+)$", DOCKERFILE, re.MULTILINE)
    security = pod()["securityContext"]
    assert tuple(map(int, user)) == (security["runAsUser"], security["runAsGroup"])
    assert f"mtflight:x:{user[0]}:{user[1]}:" in (PACKAGING / "rootfs").read_text()


def test_time_to_end_is_longer_than_the_drain():
    config = yaml.safe_load(manifest("ConfigMap")["data"]["mtflight.yaml"])
    (container,) = pod()["containers"]
    drain, sleep = int(config["drain"].removesuffix("s")), container["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pod()["terminationGracePeriodSeconds"] >= drain + sleep + 5
    assert int(re.search(r"TimeoutStopSec=(\d+)", (PACKAGING / "systemd" / "mtflight.service").read_text())[1]) > 20  # the default of --drain


@pytest.mark.parametrize("text", [(PACKAGING / "image" / "mtflight.yaml").read_text(), manifest("ConfigMap")["data"]["mtflight.yaml"]], ids=["image", "kubernetes"])
def test_settings_are_known(text):
    """Files that they name are not here, so the names alone are compared."""
    assert set(yaml.safe_load(text)) <= flags()


def test_image_needs_tls_or_insecure(tmp_path):
    """In one line, which says how."""
    settings = yaml.safe_load((PACKAGING / "image" / "mtflight.yaml").read_text())
    settings |= {"root": str(tmp_path), "listen": ["grpc://0.0.0.0:0", f"grpc+unix://{tmp_path}/s"]}
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(settings))
    done = subprocess.run([BINARY, "serve", "--config", tmp_path / "c.yaml"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and done.stdout == ""
    assert re.fullmatch(r"mtflight: .*serve --listen grpc\+tls://.*--tls-cert.*--tls-key.*--auth-tokens.*docker run \.\. serve --insecure\)\n", done.stderr)


def test_settings_of_kubernetes_serve(tmp_path):
    """With secrets in the layout of kubelet, links to a directory that is replaced: whoever has a token is let in, others are not."""
    secret = tmp_path / "..1"
    secret.mkdir()
    for name in ("tls.crt", "tls.key", "tokens"):
        (tmp_path / name).symlink_to(f"..data/{name}")
    (tmp_path / "..data").symlink_to("..1")
    output(BINARY, "cert", "selfsigned", "--tls-cert", secret / "tls.crt", "--tls-key", secret / "tls.key", "localhost")
    (tmp_path / "token").write_text(output(BINARY, "token", "new", "--auth-tokens", secret / "tokens", "ann").splitlines()[-1])
    for file in (*secret.iterdir(), tmp_path / "token"):
        file.chmod(0o440)
    text = manifest("ConfigMap")["data"]["mtflight.yaml"].replace("/secrets/tls/", f"{tmp_path}/").replace("/secrets/tokens/", f"{tmp_path}/")
    settings = yaml.safe_load(text) | {"root": str(CLONE / "testdata"), "memory": "1GB"}
    socket = settings["listen"][1] = f"grpc+unix://{tmp_path}/s"
    settings["listen"][0] = settings["listen"][0].replace("8815", "0")
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(settings))
    server = subprocess.Popen([BINARY, "serve", "--config", tmp_path / "c.yaml"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        location = re.search(r"grpc\+tls://\S+(?=,)", server.stdout.readline())[0].replace("127.0.0.1", "localhost")
        assert output(BINARY, "health", socket) == "SERVING\n"
        ask = [BINARY, "ls", location, "--tls-ca", tmp_path / "tls.crt"]
        assert "tables.h5" in output(*ask, "--token", tmp_path / "token")
        refused = subprocess.run(ask, capture_output=True, text=True, timeout=60)
        assert refused.returncode and "log in first" in refused.stderr
    finally:
        server.terminate()
        assert server.wait(60) == 0


def test_probes_ask_where_it_listens():
    socket = "grpc+unix:///dev/shm/mtflight.sock"
    (container,) = pod()["containers"]
    for probe in ("startupProbe", "readinessProbe"):
        assert container[probe]["exec"]["command"] == ["mtflight", "health", socket]
    assert f'CMD ["mtflight", "health", "{socket}"]' in DOCKERFILE
    for text in ((PACKAGING / "image" / "mtflight.yaml").read_text(), manifest("ConfigMap")["data"]["mtflight.yaml"]):
        assert socket in yaml.safe_load(text)["listen"]
