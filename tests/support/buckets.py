"""An installation that keeps its objects, or its ledger, on a real S3 server."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from support.seaweed import IDENTITY, REGION, VERSIONED, Seaweed

from gptimages.settings import Settings


def in_a_bucket(settings: Settings, seaweed: Seaweed, monkeypatch: pytest.MonkeyPatch, **prefixes: str) -> Settings:
    """The settings with `objects` or `ledger` under these prefixes of the bucket that keeps versions."""
    for name, value in IDENTITY.items():
        monkeypatch.setenv(name, value)
    kept: dict[str, Any] = {what: f"s3://{VERSIONED}/{prefix}" for what, prefix in prefixes.items()}
    return msgspec.structs.replace(settings, s3_endpoint=seaweed.endpoint, s3_region=REGION, **kept)
