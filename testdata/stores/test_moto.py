"""Files in a server of S3 that is not ours, which checks signatures."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from bucket import Bucket

CLONE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(CLONE / "examples" / "python"))
os.environ.setdefault("MTFLIGHT_BIN", str(CLONE / "bin" / "mtflight"))

import mtflight  # noqa: E402

FILES = sorted(p for p in (CLONE / "testdata").iterdir() if p.suffix in (".h5", ".nc", ".h5ad"))
ROWS = 4_000_000


@pytest.fixture(scope="module")
def bucket(tmp_path_factory):
    bucket = Bucket()
    for path in FILES:
        bucket.put(f"files/{path.name}", path.read_bytes())
    yield bucket
    mtflight.server.stop()
    bucket.close()


@pytest.fixture
def signed(bucket, monkeypatch):
    for name in [n for n in os.environ if n.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in bucket.variables().items():
        monkeypatch.setenv(name, value)
    return bucket


@pytest.fixture(scope="module")
def long(tmp_path_factory):
    """A file of a table that many requests read."""
    path = tmp_path_factory.mktemp("long") / "long.h5"
    with h5py.File(path, "w") as f:
        f.create_dataset("x", data=np.arange(ROWS), chunks=(50_000,))
    return path.read_bytes()


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_each_dataset_is_that_of_the_disk(signed, path):
    """Or refused, since libhdf5 would have to be asked."""
    near, far = mtflight.open(path), mtflight.open(f"s3://data/files/{path.name}")
    assert far.attrs == near.attrs and list(far) == list(near)
    same = refused = 0
    for name in near:
        try:
            want = near[name].to_arrow()
        except Exception as e:  # noqa: BLE001, whatever it is
            with pytest.raises(type(e)):
                far[name].to_arrow()
            refused += 1
            continue
        got = far[name].to_arrow()
        assert got.schema.equals(want.schema) and encoded(got) == encoded(want), name
        same += 1
    assert same or refused


def encoded(table) -> str:
    """In which NaN is itself."""
    return repr(table.to_pydict())


def test_a_prefix_is_a_folder(signed):
    assert sorted(mtflight.open("s3://data/files").files) == [p.name for p in FILES]
    with pytest.raises(FileNotFoundError):
        mtflight.open("s3://data/none")
    with pytest.raises((FileNotFoundError, PermissionError)):
        mtflight.open("s3://other/x.h5")


@pytest.mark.parametrize(("name", "value", "code"), [("AWS_SECRET_ACCESS_KEY", "wrong", "SignatureDoesNotMatch"), ("AWS_ACCESS_KEY_ID", "AKIAWRONG", "InvalidAccessKeyId"),
                                                     ("AWS_SECRET_ACCESS_KEY", "", "there are no credentials"), ("AWS_SESSION_TOKEN", "expired", "InvalidToken.: check the credentials")])
def test_wrong_credentials_are_refused(signed, monkeypatch, name, value, code):
    secret = signed.secret
    monkeypatch.setenv(name, value)
    with pytest.raises(PermissionError, match=code) as said:
        mtflight.open("s3://data/files/tables.h5")
    assert secret not in str(said.value) and "wrong" not in str(said.value)


@pytest.mark.parametrize("become", ["replaced", "deleted"])
def test_an_object_that_changes_under_a_stream(signed, long, become):
    key = f"{become}.h5"
    signed.put(key, long)
    x = mtflight.open(f"s3://data/{key}")["/x"]
    reader = x._client.do_get({"file": f"data/{key}", "dataset": "/x", "stream": {"block_rows": 50_000, "read_ahead": 1}})
    seen = reader.read_chunk().data.num_rows
    if become == "deleted":
        signed.s3.delete_object(Bucket="data", Key=key)
    else:
        signed.put(key, long[:-8] + bytes(8))
    with pytest.raises(Exception, match="changed while it was read|replaced while it was read") as said, x._client.translated():
        for chunk in reader:
            seen += chunk.data.num_rows
    assert seen < ROWS and isinstance(said.value, OSError)


def test_a_key_that_ends_under_a_stream(signed, long, monkeypatch):
    signed.put("expired.h5", long)
    user = signed.iam
    user.create_user(UserName="short")
    user.put_user_policy(UserName="short", PolicyName="all", PolicyDocument='{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}')
    key = user.create_access_key(UserName="short")["AccessKey"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
    x = mtflight.open("s3://data/expired.h5")["/x"]
    reader = x._client.do_get({"file": "data/expired.h5", "dataset": "/x", "stream": {"block_rows": 50_000, "read_ahead": 1}})
    reader.read_chunk()
    user.delete_access_key(UserName="short", AccessKeyId=key["AccessKeyId"])
    with pytest.raises(ConnectionError, match="InvalidAccessKeyId") as said, x._client.translated():
        for _ in reader:
            pass
    assert key["SecretAccessKey"] not in str(said.value)
