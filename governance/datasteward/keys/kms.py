"""A root key in AWS KMS: it never leaves the service, which wraps and unwraps the keys of epochs, one call a minute at most.

KMS writes the encryption context into its own log, so it holds opaque ids and nothing else.
Source: https://docs.aws.amazon.com/kms/latest/developerguide/encrypt_context.html
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ConnectTimeoutError, ReadTimeoutError

from datasteward.errors import DecryptionFailed, RootKeyError

MOST_BYTES = 6144
"""Bytes that KMS takes to decrypt at most. Source: https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html"""
CONNECT_SECONDS, READ_SECONDS, ATTEMPTS = 2, 3, 3

WHY = {
    "NotFoundException": "does not know the root key: it is deleted, or the ARN, region or account is another's",
    "KMSInvalidStateException": "has the root key down for deletion or not ready: cancel its deletion, or wait",
    "DisabledException": "has the root key disabled: enable it",
    "AccessDeniedException": "does not let this service use the root key: allow it kms:Encrypt and kms:Decrypt",
    "KeyUnavailableException": "cannot reach the root key now: try again",
    "ThrottlingException": "is asked too often: try again",
}
NOT_OURS = ("InvalidCiphertextException", "IncorrectKeyException")


class KmsRootKey:
    """A symmetric key of AWS KMS, by its ARN. Region and credentials are found as boto3 finds them.

    A call waits at most a few seconds and is tried a few times; then it is a RootKeyError with one sentence.
    """

    def __init__(self, arn: str, *, endpoint: str | None = None) -> None:
        parts = arn.split(":")
        if len(parts) < 6 or parts[2] != "kms" or not parts[3]:
            raise RootKeyError("A key of AWS KMS is named by its ARN: aws-kms:arn:aws:kms:REGION:ACCOUNT:key/ID.")
        config = Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        )
        self._arn = arn
        try:
            with _faults():
                self._client = boto3.client("kms", region_name=parts[3], endpoint_url=endpoint, config=config)
        except ValueError as error:
            raise RootKeyError(
                "The address of AWS KMS is none: unset AWS_ENDPOINT_URL_KMS and AWS_ENDPOINT_URL, or write https://host."
            ) from error

    @property
    def id(self) -> str:
        """The key's ARN."""
        return self._arn

    def wrap(self, plaintext: bytes, context: bytes) -> bytes:
        """The secret as KMS encrypts it. Raises RootKeyError."""
        with _faults():
            done = self._client.encrypt(KeyId=self._arn, Plaintext=plaintext, EncryptionContext=_told(context))
        return bytes(done["CiphertextBlob"])

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """The secret. Raises RootKeyError, or DecryptionFailed when this key did not wrap it for this context."""
        if not 1 <= len(wrapped) <= MOST_BYTES:
            raise DecryptionFailed("What is to be unwrapped is cut short, or is none of KMS.")
        with _faults():
            done = self._client.decrypt(KeyId=self._arn, CiphertextBlob=wrapped, EncryptionContext=_told(context))
        return bytes(done["Plaintext"])


def _told(context: bytes) -> dict[str, str]:
    return {"datasteward": base64.b64encode(context).decode()}


@contextmanager
def _faults() -> Iterator[None]:
    """Says what an error of the SDK means here."""
    try:
        yield
    except ClientError as error:
        code = _code(error.response)
        if code in NOT_OURS:
            raise DecryptionFailed("What is to be unwrapped was not wrapped by this root key for this use.") from error
        raise RootKeyError(
            f"AWS KMS {WHY.get(code, f'refuses ({code}): look the code up in its reference')}."
        ) from error
    except (ConnectTimeoutError, ReadTimeoutError) as error:
        raise RootKeyError("AWS KMS does not answer in time: check the network, or try again.") from error
    except BotoCoreError as error:
        name = type(error).__name__
        raise RootKeyError(f"AWS KMS cannot be used ({name}): check region, credentials and the network.") from error


def _code(response: Any) -> str:
    return str(response.get("Error", {}).get("Code", "unknown"))
