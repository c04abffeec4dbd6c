"""An installation that keeps its objects, or its ledger, on a real S3 server; and a bucket whose server hangs."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import pytest
from support.seaweed import IDENTITY, REGION, VERSIONED, Seaweed

from datasteward import s3
from datasteward.objects.s3 import S3Bucket
from gptimages.settings import Settings


def in_a_bucket(settings: Settings, seaweed: Seaweed, monkeypatch: pytest.MonkeyPatch, **prefixes: str) -> Settings:
    """The settings with `objects` or `ledger` under these prefixes of the bucket that keeps versions."""
    for name, value in IDENTITY.items():
        monkeypatch.setenv(name, value)
    kept: dict[str, Any] = {what: f"s3://{VERSIONED}/{prefix}" for what, prefix in prefixes.items()}
    return msgspec.structs.replace(settings, s3_endpoint=seaweed.endpoint, s3_region=REGION, **kept)


@contextmanager
def silent(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Bucket]:
    """A store on a server that accepts and never answers, as long as the block runs; it is given up soon."""
    key, secret = IDENTITY.values()
    with socket.create_server(("127.0.0.1", 0)) as server, monkeypatch.context() as patch:
        for name, value in (("ATTEMPTS", 1), ("READ_SECONDS", 0.2)):
            patch.setattr(s3, name, value)
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        yield S3Bucket(s3.connect(address, REGION, aws_access_key_id=key, aws_secret_access_key=secret), VERSIONED)
