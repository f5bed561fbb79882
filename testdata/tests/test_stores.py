"""Files in object stores and behind HTTP through the Python package: `mtflight.open("s3://...")` reads what it reads of a local file."""

from __future__ import annotations

import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from conftest import CLONE, TESTDATA
from objects import Store

sys.path.insert(0, str(CLONE / "examples" / "python"))

import mtflight  # noqa: E402

LOCAL = mtflight.open(TESTDATA / "tables.h5")
WANT = LOCAL["/events"].to_arrow()
BYTES = LOCAL["/events"].to_numpy().tobytes()  # in which NaN is itself


@pytest.fixture(scope="module", autouse=True)
def no_settings():
    """Nothing of this machine's AWS: what a store of the tests is asked by, a test sets."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [n for n in os.environ if n.startswith("AWS_")]:
            patch.delenv(name)
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/none")
        patch.setenv("AWS_CONFIG_FILE", "/none")
        yield
    mtflight.server.stop()


@pytest.fixture(scope="module")
def store():
    store = Store()
    for key, name in (("lab/2024-1/events.h5", "tables.h5"), ("lab/2024-2/events.h5", "tables.h5"), ("lab/a b+ä%.h5", "arrays.h5"), ("climate.nc", "climate.nc")):
        store.objects[key] = (TESTDATA / name).read_bytes()
    store.objects["lab/notes.txt"] = b"no HDF5"
    yield store
    store.close()


@pytest.fixture
def private():
    """A store of a test's own, which it changes."""
    store = Store()
    store.objects["x.h5"] = (TESTDATA / "tables.h5").read_bytes()
    yield store
    store.close()


def addresses(store: Store) -> list[str]:
    return [store.s3("lab/2024-1/events.h5"), store.http("lab/2024-1/events.h5", "X-Amz-Signature=hush")]


@pytest.mark.parametrize("kind", [0, 1], ids=["s3", "http"])
def test_a_file_is_that_of_a_disk(store, kind):
    address = addresses(store)[kind]
    with mtflight.open(address) as file:
        events = file["/events"]
        assert list(file) == list(LOCAL) and file.attrs == LOCAL.attrs
        assert events.to_numpy().tobytes() == BYTES and events.where("id > 4990")["id"].tolist() == LOCAL["/events"].where("id > 4990")["id"].tolist()
        for text in (repr(file), file._repr_html_(), repr(events)):
            assert "lab/2024-1/events.h5" in text and "hush" not in text and "endpoint" not in text
        for copy in (pickle.loads(pickle.dumps(file))["/events"], pickle.loads(pickle.dumps(events))):
            assert copy[10:20]["id"].tolist() == WANT["id"][10:20].to_pylist()
        assert b"_internal" not in pickle.dumps(events)
    with pytest.raises(ValueError, match="is closed"):
        events.to_arrow()


def test_a_bucket_has_folders_and_patterns(store):
    with mtflight.open(store.s3("lab")) as folder, mtflight.open(store.s3("")) as bucket:
        assert sorted(folder.files) == ["2024-1/events.h5", "2024-2/events.h5", "a b+ä%.h5"]
        assert "climate.nc" in bucket.files or "data/climate.nc" in bucket.files
        assert folder["2024-2/events.h5/events"].num_rows == WANT.num_rows
        assert "s3://data/lab" in repr(folder) and "endpoint" not in repr(folder)
    assert list(mtflight.open(store.s3("lab/a b+ä%.h5"))) == list(mtflight.open(TESTDATA / "arrays.h5"))
    pattern = store.s3("").replace("/?", "/lab/2024-*/events.h5?")
    assert mtflight.open(pattern)["/events"].num_rows == mtflight.read(pattern, "/events").shape[0] == 2 * WANT.num_rows


def test_engines_and_readers_take_addresses(store):
    for address in addresses(store):
        assert mtflight.scan(address, "/events").collect().to_arrow().num_rows == WANT.num_rows
        assert mtflight.read(address, "/events", where="id > 4990")["id"].tolist() == LOCAL["/events"].where("id > 4990")["id"].tolist()
        assert sum(len(batch["id"]) for batch in mtflight.training.Batches(address, "/events", batch_size=512, uneven="keep")) == WANT.num_rows
        reader, stage = mtflight.Reader(address), mtflight.stage.Stage(1 << 20)
        with reader.request(reader.get_dataset("/events")["id"][5:15], stage).get_proxy() as got:
            assert np.array(got).tolist() == WANT["id"][5:15].to_pylist()
        reader.close(wait=True)
        assert sum(1 for _ in mtflight.Streamer(address).get_generator("/events")) == WANT.num_rows


def test_one_server_of_a_bucket(store):
    at = {mtflight.open(store.s3(key))["/events"]._client.location for key in ("lab/2024-1/events.h5", "lab/2024-2/events.h5")}
    assert len(at) == 1 and at != {LOCAL["/events"]._client.location}
    mtflight.server.stop()
    assert mtflight.open(store.s3("lab/2024-1/events.h5"))["/events"]._client.location not in at


def test_no_secret_is_on_a_command_line_or_in_an_environment(store, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "topsecret")
    before = set(children())
    file = mtflight.open(store.http("lab/2024-2/events.h5", "X-Amz-Signature=hush"))
    (pid,) = set(children()) - before
    assert "hush" not in Path(f"/proc/{pid}/cmdline").read_text() and "topsecret" not in Path(f"/proc/{pid}/cmdline").read_text()
    assert b"hush" not in subprocess.run(["cat", f"/proc/{pid}/environ"], capture_output=True).stdout  # root may
    assert file["/events"].num_rows == WANT.num_rows


def children() -> list[int]:
    return [int(pid) for c in Path("/proc/self/task").glob("*/children") for pid in c.read_text().split()]


@pytest.mark.parametrize(("make", "error"), [
    (lambda s: s.s3("lab/none.h5"), FileNotFoundError), (lambda s: s.http("lab/none.h5", "sig=hush"), FileNotFoundError), (lambda s: s.s3("none/"), FileNotFoundError),
    (lambda s: s.s3("none/*.h5").replace("%2A", "*"), FileNotFoundError), (lambda s: s.s3("lab/notes.txt"), OSError), (lambda s: "s3://data/x?regio=hush", ValueError),
    (lambda s: "s3://user:hush@data/x.h5", ValueError), (lambda s: "https://user:hush@127.0.0.1:1/x.h5", ValueError), (lambda s: "https://127.0.0.1:1/", ValueError),
    (lambda s: s.s3("x", anonymous="false"), PermissionError), (lambda s: "http://169.254.169.254/latest/x.h5?sig=hush", PermissionError)])
def test_what_cannot_be_opened(store, make, error):
    address = make(store)
    with pytest.raises(error) as said:
        mtflight.open(address)
    assert "hush" not in str(said.value) and "endpoint=" not in str(said.value), said.value


def test_a_missing_file_is_named(store):
    with pytest.raises(FileNotFoundError, match="^no such file s3://data/lab/none.h5$"):
        mtflight.open(store.s3("lab/none.h5"))
    with pytest.raises(TypeError, match="options are those of a connection, and s3://data/x.h5 is none"):
        mtflight.open(store.s3("x.h5"), token="")
    with pytest.raises(FileNotFoundError):
        mtflight.read(store.s3("lab/none.h5"), "/events")


def test_credentials_are_those_of_the_environment_now(private, monkeypatch):
    private.key_id = "GOOD"
    address = private.s3("x.h5", anonymous="false")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "topsecret")
    for key in ("BAD", "GOOD", "BAD"):
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", key)
        if key == "GOOD":
            assert mtflight.open(address)["/events"].num_rows == WANT.num_rows
            continue
        with pytest.raises(PermissionError, match=r"\(InvalidAccessKeyId\): check the credentials") as said:
            mtflight.open(address)
        assert "topsecret" not in str(said.value)


def test_a_bucket_that_cannot_be_listed_has_files(private):
    private.fail = lambda path, headers: 403 if path.strip("/") == "data" else None
    private.refuse = lambda request, status, code: Store.refuse(private, request, status, "AccessDenied")
    assert mtflight.open(private.s3("x.h5"))["/events"].num_rows == WANT.num_rows
    with pytest.raises(OSError, match="s3://data: PermissionDenied: the store answers 403"):
        mtflight.open(private.s3(""))


def test_a_replaced_object_is_an_error(private):
    events = mtflight.open(private.s3("x.h5"))["/events"]
    assert events.num_rows == WANT.num_rows
    private.objects["x.h5"] = bytes(reversed(private.objects["x.h5"]))
    with pytest.raises(OSError):
        events.to_arrow()
    del private.objects["x.h5"]
    with pytest.raises(FileNotFoundError):
        events.to_arrow()


def test_a_busy_store_is_asked_again(private):
    count = [0]

    def busy(path, headers):
        count[0] += 1
        return 503 if count[0] % 3 else None

    private.fail = busy
    assert mtflight.open(private.s3("x.h5"))["/events"].to_numpy().tobytes() == BYTES


def test_a_second_read_asks_only_whether_the_object_is_the_same(private, tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as f:
        f.create_dataset("x", data=np.random.default_rng(1).random(300_000), chunks=(20_000,), compression=1)  # more than what would come through shared memory
    private.objects["x.h5"] = (tmp_path / "x.h5").read_bytes()
    x = mtflight.open(private.s3("x.h5"))["/x"]
    first = x.to_arrow()
    private.requests.clear()
    assert x.to_arrow().equals(first)
    assert all(wanted == "bytes=0-0" for _, wanted in private.requests), private.requests


def test_the_page(store, monkeypatch):
    """Its sample, with the store of the tests in the place of others."""
    for key, name in (("era5/1990.nc", "climate.nc"), ("run7.h5", "tables.h5")):
        store.objects[key] = (TESTDATA / name).read_bytes()
    for name, value in (("ENDPOINT_URL", store.url), ("ACCESS_KEY_ID", "ID"), ("SECRET_ACCESS_KEY", "secret")):
        monkeypatch.setenv(f"AWS_{name}", value)
    (sample,) = re.findall(r"^```python\n(.*?)^```$", (CLONE / "docs" / "stores.md").read_text(), re.DOTALL | re.MULTILINE)
    for said, here in (("s3://climate/", "s3://data/"), ("s3://lab/", "s3://data/"), ("https://data.example/run7.h5", store.http("run7.h5"))):
        assert said in sample
        sample = sample.replace(said, here)
    names: dict = {}
    exec(sample, names)
    assert names["t2m"].tobytes() == mtflight.open(TESTDATA / "climate.nc")["/t2m"][:24].tobytes()
    assert list(names["run"]) == list(LOCAL) and names["frame"].collect()["id"].to_list() == WANT["id"].to_pylist()
