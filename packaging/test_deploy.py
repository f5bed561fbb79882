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
MANIFESTS = list(yaml.safe_load_all((PACKAGING / "kubernetes" / "mtflight.yaml").read_text()))
DOCKERFILE = (CLONE / "Dockerfile").read_text()


def manifest(kind: str) -> dict:
    (found,) = [m for m in MANIFESTS if m["kind"] == kind]
    return found


def pod() -> dict:
    return manifest("Deployment")["spec"]["template"]["spec"]


def output(*command, **options) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_dockerfile():
    assert output(Path(sys.executable).with_name("hadolint"), CLONE / "Dockerfile") == ""


def test_image_has_licences():
    assert re.search(r"usr/share/doc/mtflight LICENSE THIRD_PARTY_LICENSES", DOCKERFILE)
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


def test_unit_is_hardened(units):
    """At most 2.0 of 10 are exposed: the network that it serves, and homes that it may read."""
    output("systemd-analyze", "security", "--offline=true", "--threshold=20", units / "mtflight.service")


def test_compose_file():
    module = json.loads(output("go", "mod", "download", "-json", COMPOSE_SCHEMA, cwd=CLONE))
    schema = json.loads((Path(module["Dir"]) / "schema" / "compose-spec.json").read_text())
    jsonschema.validate(yaml.safe_load((PACKAGING / "compose.yaml").read_text()), schema)


@pytest.mark.parametrize("version", KUBERNETES)
@pytest.mark.parametrize("m", MANIFESTS, ids=lambda m: m["kind"])
def test_manifests(m, version):
    kubernetes_validate.validate(m, version, strict=True)


def test_manifests_select_the_pods():
    labels = manifest("Deployment")["spec"]["template"]["metadata"]["labels"]
    spec = {m["kind"]: m["spec"] for m in MANIFESTS if "spec" in m}
    assert spec["Deployment"]["selector"]["matchLabels"] == spec["Service"]["selector"] == labels
    assert spec["PodDisruptionBudget"]["selector"]["matchLabels"] == spec["NetworkPolicy"]["podSelector"]["matchLabels"] == labels


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
    known = set(re.findall(r"^ +--([a-z-]+)", output(BINARY, "serve", "--help"), re.MULTILINE))
    assert set(yaml.safe_load(text)) <= known


def test_probes_ask_where_it_listens():
    socket = "grpc+unix:///dev/shm/mtflight.sock"
    (container,) = pod()["containers"]
    for probe in ("startupProbe", "readinessProbe"):
        assert container[probe]["exec"]["command"] == ["mtflight", "health", socket]
    assert f'CMD ["mtflight", "health", "{socket}"]' in DOCKERFILE
    for text in ((PACKAGING / "image" / "mtflight.yaml").read_text(), manifest("ConfigMap")["data"]["mtflight.yaml"]):
        assert socket in yaml.safe_load(text)["listen"]
