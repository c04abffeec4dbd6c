"""A bucket of AWS, or of any server that speaks S3's protocol: a client, an address, requests, and what their errors mean.

Who keeps something in a bucket says what it is called and which errors it has: the objects and the erasure ledger do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
from urllib3.exceptions import HTTPError

from datasteward.errors import ObjectStoreError, StewardError

CONNECT_SECONDS = 5
ATTEMPTS, READ_SECONDS = 4, 30
HURRIED_ATTEMPTS, HURRIED_READ_SECONDS = 2, 5

URL = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(?P<prefix>[a-z0-9._/-]*))?")

FORBIDDEN = ("403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken")
FULL = ("507", "QuotaExceeded", "InsufficientStorage", "XMinioStorageFull")


@dataclass(frozen=True)
class Kept:
    """What is kept in a bucket: its name in sentences, the class of its errors, and codes that mean more to it.

    `away` is the class of the error when the server does not answer, where that is another.
    """

    name: str
    error: type[StewardError]
    codes: Mapping[str, tuple[type[StewardError], str]]
    away: type[StewardError] | None = None

    @property
    def no_bucket(self) -> StewardError:
        """Says that there is no such bucket."""
        return self.error(f"The bucket of the {self.name} does not exist: create it, or correct the address.")

    def address(self, url: str) -> tuple[str, str]:
        """Bucket and prefix of `s3://bucket/prefix`. Raises when that is no such address."""
        found = URL.fullmatch(url)
        if found is None:
            raise self.error(f"The address of the {self.name} is s3://bucket or s3://bucket/prefix: this one is not.")
        return found["bucket"], found["prefix"] or ""

    @contextmanager
    def faults(self) -> Iterator[None]:
        """Says what an error of the client or the server means here."""
        try:
            yield
        except ClientError as error:
            raise self._meaning(str(error.response.get("Error", {}).get("Code", "unknown"))) from error
        except NoCredentialsError as error:
            raise self.error(f"There are no credentials for the {self.name}: give them as boto3 reads them.") from error
        except (BotoCoreError, Boto3Error, HTTPError) as error:
            raise (self.away or self.error)(
                f"The {self.name} does not answer ({type(error).__name__}): "
                "check its address and its server, then try again."
            ) from error

    def _meaning(self, code: str) -> StewardError:
        if code in self.codes:
            kind, sentence = self.codes[code]
            return kind(sentence)
        if code == "NoSuchBucket":
            return self.no_bucket
        if code in FORBIDDEN:
            return self.error(f"The {self.name} refuses this: check the credentials and their rights to the bucket.")
        if code in FULL:
            return self.error(f"The {self.name} is full: make room, then do it again.")
        return self.error(
            f"The {self.name} fails ({code}): check its server and the room on its disks, then do it again."
        )


def connect(endpoint: str | None, region: str | None, *, hurried: bool = False, **identity: str) -> Any:
    """A client of an S3 server: of AWS, unless an endpoint is given. Who asks is found as boto3 does, unless it is given.

    A server that does not answer is given up after four attempts of 5 seconds to connect and 30 to read; after two of 5
    when it is `hurried`, for small requests while others wait. Raises ObjectStoreError when the endpoint is no address.
    """
    config = Config(
        signature_version="s3v4",
        connect_timeout=CONNECT_SECONDS,
        read_timeout=HURRIED_READ_SECONDS if hurried else READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": HURRIED_ATTEMPTS if hurried else ATTEMPTS},
        s3={"addressing_style": "path" if endpoint else "auto"},
    )
    try:
        return boto3.session.Session().client(
            "s3", endpoint_url=endpoint, region_name=region or "us-east-1", config=config, **identity
        )
    except ValueError as error:
        raise ObjectStoreError("The address of the S3 server is none: write it as https://host:port.") from error
    except BotoCoreError as error:
        raise ObjectStoreError(
            f"There is no client of the S3 server ({type(error).__name__}): check the settings that boto3 reads."
        ) from error


class Bucket:
    """Requests to a bucket, under a prefix of its keys. May be shared by threads."""

    def __init__(self, client: Any, bucket: str, prefix: str, kept: Kept) -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._kept = kept

    def _ask(self, operation: str, **said: Any) -> dict[str, Any]:
        with self._kept.faults():
            answer: dict[str, Any] = getattr(self._client, operation)(Bucket=self._bucket, **said)
        return answer

    def _pages(self, operation: str, prefix: str) -> Iterator[dict[str, Any]]:
        pages = iter(self._client.get_paginator(operation).paginate(Bucket=self._bucket, Prefix=prefix))
        while True:
            with self._kept.faults():
                page = next(pages, None)
            if page is None:
                return
            yield page
