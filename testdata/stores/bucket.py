"""S3 as moto has it, with signatures that are checked.

    python bucket.py DIR COMMAND ..   puts the files below DIR into the bucket "data" and runs a command that may read them
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import boto3
from botocore.config import Config

_SETTINGS = 3  # requests that nobody needs to sign: they make the user whose key signs the others


class Bucket:
    """The bucket "data" of a server of moto's, and a user who may do everything. Ends with `close`."""

    def __init__(self):
        self.process = subprocess.Popen([Path(sys.executable).parent / "moto_server", "-H", "127.0.0.1", "-p", "0"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                        env={**os.environ, "INITIAL_NO_AUTH_ACTION_COUNT": str(_SETTINGS), "PYTHONUNBUFFERED": "1"})
        self.url = self._listening()
        self.iam = self.client("iam", "anybody", "anything")
        self.iam.create_user(UserName="reader")
        self.iam.put_user_policy(UserName="reader", PolicyName="all", PolicyDocument='{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}')
        key = self.iam.create_access_key(UserName="reader")["AccessKey"]
        self.key, self.secret = key["AccessKeyId"], key["SecretAccessKey"]
        self.iam = self.client("iam", self.key, self.secret)
        self.s3 = self.client("s3", self.key, self.secret)
        self.s3.create_bucket(Bucket="data")

    def _listening(self) -> str:
        for line in self.process.stderr:
            if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                # Its log would fill the pipe.
                self.drain = subprocess.Popen(["cat"], stdin=self.process.stderr, stdout=subprocess.DEVNULL)
                return found[0]
        raise RuntimeError("moto does not start")

    def client(self, service: str, key: str, secret: str):
        return boto3.client(service, endpoint_url=self.url, region_name="us-east-1", aws_access_key_id=key, aws_secret_access_key=secret,
                            config=Config(s3={"addressing_style": "path"}))

    def put(self, key: str, content: bytes) -> None:
        self.s3.put_object(Bucket="data", Key=key, Body=content)

    def variables(self) -> dict[str, str]:
        """What a program needs to know to read."""
        return {"AWS_ENDPOINT_URL": self.url, "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": self.key, "AWS_SECRET_ACCESS_KEY": self.secret,
                "AWS_EC2_METADATA_DISABLED": "true", "AWS_SHARED_CREDENTIALS_FILE": "/none", "AWS_CONFIG_FILE": "/none"}

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.drain.wait()


def main(folder: str, *command: str) -> int:
    bucket = Bucket()
    try:
        for path in sorted(Path(folder).rglob("*")):
            if path.is_file():
                bucket.put(str(path.relative_to(folder)), path.read_bytes())
        return subprocess.run(command, env={**os.environ, **bucket.variables()}).returncode
    finally:
        bucket.close()


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
