"""The wheels of `make wheel`: what they hold and need, and reading with them from environments that have nothing else."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import pytest

CLONE = Path(__file__).resolve().parents[1]
TESTDATA = CLONE / "testdata"
LINUX = f"dist/*-manylinux_2_28_{platform.machine()}.whl"
OLDEST_GLIBC = (2, 28)
SYSTEM = {f"{name}.so.{n}" for name, n in (("libc", 6), ("libdl", 2), ("libm", 6), ("libpthread", 0), ("libresolv", 2), ("librt", 1))}  # glibc


def only(pattern: str) -> Path:
    (found,) = CLONE.glob(pattern)
    return found


def output(*command, **options) -> str:
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=500, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def linux() -> Path:
    return only(LINUX)


@pytest.fixture(scope="module")
def anywhere() -> Path:
    return only("dist/any/*.whl")


@pytest.fixture(scope="module")
def binary(linux, tmp_path_factory) -> Path:
    """The server as it lies in the wheel."""
    with zipfile.ZipFile(linux) as z:
        (name,) = [n for n in z.namelist() if n.endswith(".data/scripts/mtflight")]
        assert z.getinfo(name).external_attr >> 16 & 0o111 == 0o111
        return Path(z.extract(name, tmp_path_factory.mktemp("binary")))


@pytest.fixture(scope="module")
def environment(linux, tmp_path_factory) -> Path:
    """bin of a new environment with the wheel, and h5py and hdf5plugin to compare with."""
    folder = tmp_path_factory.mktemp("environment")
    output(sys.executable, "-m", "venv", folder)
    output(folder / "bin" / "pip", "install", "-q", "--disable-pip-version-check", "-c", TESTDATA / "requirements.txt", linux, "h5py", "hdf5plugin")
    return folder / "bin"


def clean(**more: str) -> dict[str, str]:
    """An environment in which neither this clone nor an installed server is found."""
    return {"PATH": "/usr/bin:/bin", "HOME": os.environ.get("HOME", "/"), **more}


def run(environment: Path, text: str, folder: Path, **more: str) -> str:
    return output(environment / "python", "-c", textwrap.dedent(text), cwd=folder, env=clean(**more))


def test_needs_only_the_c_library(binary):
    assert set(re.findall(r"\(NEEDED\).*\[(.*)\]", output("readelf", "-dW", binary))) <= SYSTEM
    assert not re.search(r"RPATH|RUNPATH", output("readelf", "-dW", binary))


def test_newest_symbol_is_old_enough(binary):
    versions = {tuple(map(int, v.split("."))) for v in re.findall(r"GLIBC_([0-9.]+)", output("readelf", "-VW", binary))}
    assert versions and max(versions)[:2] <= OLDEST_GLIBC


def test_auditwheel(linux):
    """The tag tells what it needs."""
    told = " ".join(output(CLONE / ".venv-wheel" / "bin" / "auditwheel", "show", linux).split())
    fits = re.search(r'consistent with the following platform tag: "manylinux_(\d+)_(\d+)_\w+"', told)
    assert fits and tuple(map(int, fits.groups())) <= OLDEST_GLIBC, told
    assert f"-py3-none-manylinux_{OLDEST_GLIBC[0]}_{OLDEST_GLIBC[1]}_" in linux.name


def test_plug_ins_find_libhdf5(binary):
    """Its functions are exported, the codecs inside are not: plug-ins bring their own."""
    exported = set(re.findall(r"(?:FUNC|OBJECT) +GLOBAL +DEFAULT +\d+ (\w+)", output("readelf", "--dyn-syms", "-W", binary)))
    assert {"H5Zregister", "H5Epush2", "H5Pget_filter_by_id2", "H5Tget_size", "H5allocate_memory", "H5free_memory"} <= exported
    assert not [name for name in exported if re.match(r"ZSTD_|BZ2_|libdeflate_|blosc_|inflate", name)]


@pytest.mark.parametrize("pattern", [LINUX, "dist/any/*.whl"])
def test_metadata(pattern):
    with zipfile.ZipFile(only(pattern)) as z:
        (name,) = [n for n in z.namelist() if n.endswith(".dist-info/METADATA")]
        metadata, names = z.read(name).decode(), "\n".join(z.namelist())
    for line in ("License-Expression: Apache-2.0", "License-File: LICENSE", "Project-URL: Source, https", "Requires-Dist: pyarrow>=15",
                 "Description-Content-Type: text/markdown"):
        assert re.search(f"^{line}", metadata, re.MULTILINE), line
    assert "An Arrow Flight service" in metadata and "mtflight/py.typed" in names
    assert ("licenses/THIRD_PARTY_LICENSES" in names) == ("License-File: THIRD_PARTY_LICENSES" in metadata) == ("scripts/mtflight" in names)
    assert ("scripts/mtflight" in names) == (pattern == LINUX)


def test_sbom(linux):
    """It names the modules and libraries that THIRD_PARTY_LICENSES has."""
    with zipfile.ZipFile(linux) as z:
        (name,) = [n for n in z.namelist() if n.endswith(".dist-info/sboms/mtflight.cdx.json")]
        parts = {(c["name"].rsplit("/", 1)[-1], c["version"]) for c in json.loads(z.read(name))["components"]}
    assert {("hdf5", "1.14.5"), ("libaec", "1.0.6"), ("grpc", re.search(r"google.golang.org/grpc (v\S+)", (CLONE / "go.mod").read_text())[1])} <= parts


def test_commands(environment):
    version = re.search(r"-(\d[^-]*)-py3", only(LINUX).name)[1]
    for command in ([environment / "mtflight"], [environment / "python", "-m", "mtflight"]):
        assert output(*command, "version", env=clean()).split()[:2] == ["mtflight", version]
    assert "/events" in output(environment / "mtflight", "ls", TESTDATA / "tables.h5", env=clean())


def test_package_starts_its_own_server(environment, tmp_path):
    """Also where another mtflight comes first on PATH."""
    stranger = tmp_path / "mtflight"
    stranger.write_text("#!/bin/sh\nexit 3\n")
    stranger.chmod(0o755)
    told = json.loads(run(environment, f"""
        import json, warnings
        warnings.simplefilter("error", RuntimeWarning)
        import mtflight, mtflight.server
        shape = mtflight.Reader({str(TESTDATA / "tables.h5")!r}).get_dataset("/events").shape
        with mtflight.connect(mtflight.server.location()) as connection:
            print(json.dumps([shape, mtflight.server.binary(), connection.about().server, mtflight.__version__]))
    """, tmp_path, PATH=f"{tmp_path}:/usr/bin:/bin"))
    assert told == [[5000], str(environment / "mtflight"), told[3], told[3]]


def test_hdf5plugin(environment, tmp_path):
    """Filters that the server has only by plug-ins, which need libhdf5's functions of the process that loads them."""
    assert run(environment, """
        import os, h5py, hdf5plugin, numpy as np
        wave = np.cumsum(np.random.default_rng(3).normal(size=(37, 53, 11)), axis=0).astype("f4")
        with h5py.File("f.h5", "w") as f:
            for name, options in (("zfp", hdf5plugin.Zfp(reversible=True)), ("sz3", hdf5plugin.SZ3(absolute=0.01)), ("sperr", hdf5plugin.Sperr(rate=16))):
                f.create_dataset(name, data=wave[:, :, 0] if name == "sperr" else wave, chunks=(16, 16) if name == "sperr" else (8, 16, 11), **options)
        os.environ["HDF5_PLUGIN_PATH"] = hdf5plugin.PLUGIN_PATH
        import mtflight
        with h5py.File("f.h5") as f:
            for name in f:
                d = mtflight.Reader("f.h5").get_dataset(f"/{name}")
                got = mtflight.Streamer("f.h5").get_generator(f"/{name}")
                assert np.array_equal(np.stack(list(got)), f[name][:]), name
                print(name, d.shape)
    """, tmp_path).split("\n")[:-1] == ["sperr (37, 53)", "sz3 (37, 53, 11)", "zfp (37, 53, 11)"]


def test_client_only(anywhere, environment, tmp_path):
    """It reads from a server, and has none."""
    site = tmp_path / "site"
    output(sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps", "--target", site, anywhere)
    done = subprocess.run([sys.executable, "-m", "mtflight", "version"], env=clean(PYTHONPATH=str(site)), cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1 and "client only" in done.stderr
    server = subprocess.Popen([environment / "mtflight", "serve", "--exit-with-stdin", "--listen", f"grpc+unix://{tmp_path}/s", TESTDATA],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=clean())
    server.stdout.readline()
    text = f"import mtflight; print(mtflight.connect('grpc+unix://{tmp_path}/s').table('tables.h5', '/events').num_rows)"
    assert output(sys.executable, "-c", text, env=clean(PYTHONPATH=str(site)), cwd=tmp_path) == "5000\n"
    server.communicate(timeout=30)
