"""A real S3 server for tests: SeaweedFS from its wheel, on loopback and free ports, in a directory of its own."""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from support.processes import end, wait_until_up, with_parent
from support.service import free_port

from datasteward.s3 import connect

REGION = "us-east-1"
IDENTITY = {"AWS_ACCESS_KEY_ID": "the-tests", "AWS_SECRET_ACCESS_KEY": "a secret of the tests"}
OFF = ("webdav=false", "admin.ui=false", "s3.port.iceberg=0", "s3.port.lance=0")
PLAIN, VERSIONED = "plain", "versioned"
PORTS = ("admin.port", "filer.port", "master.port", "s3.port", "volume.port")


class Seaweed:
    """A started server; `client()` is a boto3 client of it, PLAIN and VERSIONED are its buckets. `more` are options of it."""

    def __init__(self, *more: str) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="weed-"))
        self._made = 0
        ports = {name: free_port() for name in PORTS}
        self.endpoint = f"http://127.0.0.1:{ports['s3.port']}"
        given = [f"-{name}={port}" for name, port in ports.items()]
        given += [f"-{name}.grpc={free_port()}" for name in PORTS]
        atexit.register(self.stop)
        self._log = self.directory / "log"
        with self._log.open("wb") as out:
            self._process = subprocess.Popen(
                [
                    Path(sys.executable).with_name("weed"),
                    "mini",
                    f"-dir={self.directory}",
                    "-ip=127.0.0.1",
                    "-ip.bind=127.0.0.1",
                    f"-filer.localSocket={self.directory / 'filer.sock'}",
                    *given,
                    *(f"-{each}" for each in (*OFF, *more)),
                ],
                env={"PATH": os.defpath, "HOME": str(self.directory), **IDENTITY},
                cwd=self.directory,
                stdout=out,
                stderr=out,
                preexec_fn=with_parent(signal.SIGTERM),
            )
        try:
            wait_until_up(self._process, self._answers, "SeaweedFS", self._log)
        except BaseException:
            self.stop()
            raise

    def client(self) -> Any:
        """A client with the rights of the owner."""
        key, secret = IDENTITY.values()
        return connect(self.endpoint, REGION, aws_access_key_id=key, aws_secret_access_key=secret)

    def prefix(self) -> str:
        """A prefix that nobody has used: buckets are few, because each takes volumes of its own."""
        self._made += 1
        return f"test-{self._made}/objects"

    def stop(self) -> None:
        """Ends the server and removes what it wrote; once is enough, twice does no harm."""
        end(self._process, signal.SIGKILL)  # nothing of it is used again, and a full one takes long to end by itself
        shutil.rmtree(self.directory, ignore_errors=True)

    def _answers(self) -> bool:
        """Whether it has its buckets; it answers before it can store anything."""
        client = self.client()
        with contextlib.suppress(BotoCoreError, ClientError):
            for bucket in (PLAIN, VERSIONED):
                client.create_bucket(Bucket=bucket)
                client.put_object(Bucket=bucket, Key="a", Body=b"a")
            client.put_bucket_versioning(Bucket=VERSIONED, VersioningConfiguration={"Status": "Enabled"})
            return True
        return False


@contextlib.contextmanager
def running(*more: str) -> Iterator[Seaweed]:
    """A server as long as the block runs, with more options."""
    started = Seaweed(*more)
    try:
        yield started
    finally:
        started.stop()
