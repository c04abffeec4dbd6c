"""The identity provider as we know it: its metadata and its keys, fetched over HTTP and kept for an hour.

OpenID Connect Discovery 1.0; the issuer is pinned to the setting. Keys are fetched once more when a token names one that
is not among them. One Provider serves all threads of an app.
"""

from __future__ import annotations

import threading
import time
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx2
import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import Key, KeySet, RSAKey

from gptimages.accounts import outside
from gptimages.accounts.errors import ProviderUnavailable
from gptimages.settings import LOOPBACK, Settings

KEEP_SECONDS = 3600.0
GOOGLE = "https://accounts.google.com"
GOOGLE_PROMPTS = frozenset({"none", "consent", "select_account"})
CORE_PROMPTS = frozenset({"none", "login"})
DISCOVERY = "/.well-known/openid-configuration"

T = TypeVar("T")


class Metadata(msgspec.Struct, frozen=True):
    """What we use of a provider's metadata (Discovery 1.0 section 3, RFC 8414, RFC 9207, Prompt Create 1.0)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    authorization_response_iss_parameter_supported: bool = False
    code_challenge_methods_supported: list[str] | None = None
    prompt_values_supported: list[str] | None = None
    token_endpoint_auth_methods_supported: list[str] = msgspec.field(default_factory=lambda: ["client_secret_basic"])

    @property
    def client_authentication(self) -> str:
        """How we prove to be the client: by HTTP Basic, or in the body where the provider wants only that."""
        basic = "client_secret_basic"
        return basic if basic in self.token_endpoint_auth_methods_supported else "client_secret_post"

    @property
    def prompts(self) -> frozenset[str]:
        """The values of `prompt` that the provider takes; others it may refuse.

        As it lists them; else those that OpenID Connect Core 1.0 section 15.1 asks of everybody, or what Google documents.
        """
        if self.prompt_values_supported is not None:
            return frozenset(self.prompt_values_supported)
        return GOOGLE_PROMPTS if self.issuer == GOOGLE else CORE_PROMPTS


class _Keys(msgspec.Struct, frozen=True):
    keys: list[dict[str, Any]]


class Provider:
    """The provider that the settings name. Its methods raise ProviderUnavailable with a sentence for the person."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.name = settings.oidc_name
        self._lock = threading.Lock()
        self._metadata: tuple[float, Metadata] | None = None
        self._keys: tuple[float, KeySet] | None = None

    def metadata(self) -> Metadata:
        """The metadata, from the provider or from less than an hour ago."""
        with self._lock:
            if self._metadata is None or self._metadata[0] < time.monotonic():
                found = self._fetch(self.settings.oidc_issuer.rstrip("/") + DISCOVERY, Metadata)
                self._check(found)
                self._metadata = (time.monotonic() + KEEP_SECONDS, found)
            return self._metadata[1]

    def keys(self, key_id: str | None) -> KeySet:
        """The provider's RSA signing keys; fetched anew when `key_id` is not among those we know."""
        address = self.metadata().jwks_uri
        with self._lock:
            if self._keys is None or self._keys[0] < time.monotonic() or not _holds(self._keys[1], key_id):
                found = self._fetch(address, _Keys)
                self._keys = (time.monotonic() + KEEP_SECONDS, KeySet(_signing_keys(found.keys)))
            return self._keys[1]

    def unavailable(self, why: str) -> ProviderUnavailable:
        """The error to raise when the provider does not answer as it should; `why` is a word for the log."""
        return ProviderUnavailable(
            f"Signing in with {self.name} does not work at the moment, and that is not your fault: "
            "try again in a few minutes.",
            why=why,
        )

    def _fetch(self, address: str, kind: type[T]) -> T:
        try:
            with outside.client() as client:
                answer = client.get(address, headers={"accept": "application/json"})
            answer.raise_for_status()
            return msgspec.json.decode(answer.content, type=kind)
        except (httpx2.HTTPError, httpx2.InvalidURL, msgspec.DecodeError) as error:
            raise self.unavailable(type(error).__name__) from None

    def _check(self, found: Metadata) -> None:
        if found.issuer != self.settings.oidc_issuer:
            raise self.unavailable("issuer-differs")
        methods = found.code_challenge_methods_supported
        if methods is not None and "S256" not in methods:
            raise self.unavailable("no-s256")
        for address in (found.authorization_endpoint, found.token_endpoint, found.jwks_uri):
            url = urlsplit(address)
            if url.scheme != "https" and not (url.scheme == "http" and url.hostname in LOOPBACK):
                raise self.unavailable("not-https")


def _holds(keys: KeySet, key_id: str | None) -> bool:
    return key_id is None or any(key.kid == key_id for key in keys)


def _signing_keys(keys: list[dict[str, Any]]) -> list[Key]:
    """The RSA keys that may sign; whatever else a key set holds is none of ours (a symmetric key least of all)."""
    found: list[Key] = []
    for key in keys:
        if key.get("kty") == "RSA" and key.get("use", "sig") == "sig" and key.get("alg", "RS256") == "RS256":
            try:
                found.append(RSAKey.import_key({name: key[name] for name in ("kty", "n", "e", "kid") if name in key}))
            except (JoseError, ValueError, TypeError):
                continue
    return found
