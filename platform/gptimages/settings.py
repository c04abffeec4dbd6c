"""Every setting of the service: one typed place, each with its meaning.

A setting is read from the environment (`GPTIMAGES_PUBLIC_URL=…`) or, where that says nothing, from the file named by
GPTIMAGES_SETTINGS (`PUBLIC_URL = "…"` in TOML). What a policy decides is not here but in policies/.
"""

from __future__ import annotations

import ipaddress
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from gptimages.errors import SettingsError

PREFIX = "GPTIMAGES_"
BUCKET = "s3://"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The settings; see each field's comment. `read` makes them, and says every mistake in a sentence."""

    data: Path = Path("data")
    """Directory of the embedded defaults: database, objects, keys. Made at the first start, readable by its owner alone."""
    policies: Path | None = None
    """The policy set; else `policies/` beside the checkout, else the one that was installed with the package."""
    public_url: str = "http://127.0.0.1:8000"
    """Where people reach the service. https, or http on loopback; cookies and redirects are made for it."""
    host: str = "127.0.0.1"
    """The address to listen on."""
    port: int = 8000
    """The port to listen on."""
    proxies: str = ""
    """Proxies in front, such as `127.0.0.1,10.0.0.0/8`, each of which adds the address that it saw to X-Forwarded-For."""
    database: str | None = None
    """SQLAlchemy URL of the database (`postgresql+psycopg://…`); else SQLite in the data directory."""
    key_store: str | None = None
    """SQLAlchemy URL of the key store, as a role of `keys grant`; else SQLite in `keys/` of the data. Never the database's."""
    root_key: str | None = None
    """File of the root key, mode 0600, or `aws-kms:ARN`; several, the new one first; else `keys/root.key` of the data."""
    epochs: str | None = None
    """Directories, parted by commas, that each hold the keys of epochs, which no backup may; else `keys/epochs` of the data."""
    objects: str | None = None
    """The bucket of the pictures, `s3://bucket/prefix`; else `objects/` of the data directory. Credentials: as boto3 does."""
    objects_encryption: Literal["AES256", "aws:kms", "none"] = "AES256"
    """What the S3 server encrypts with, on top of our own encryption; `none` leaves it to the bucket."""
    ledger: str | None = None
    """Directory of the erasure ledger on a disk of its own, or `s3://bucket/prefix` with Object Lock; else beside the data."""
    ledger_key: Path | None = None
    """File of the key that signs the ledger, mode 0600; else `keys/ledger.key` of the data."""
    s3_endpoint: str | None = None
    """Address of an S3 server that is not Amazon's, for pictures and ledger."""
    s3_region: str | None = None
    """Region of the buckets."""
    engine: Literal["preview", "openai"] = "preview"
    """Which engine makes the pictures."""
    engine_url: str | None = None
    """Base URL of the Images API, for an engine that is not OpenAI's own."""
    engine_key: str | None = None
    """The engine's API key."""
    engine_model: str = "gpt-image-1"
    """The model that is asked for."""
    engine_timeout: float = 180.0
    """How long to wait for the engine, in seconds."""
    oidc_issuer: str = "https://accounts.google.com"
    """The OpenID provider that vouches for people."""
    oidc_client_id: str | None = None
    """Our name at the provider."""
    oidc_client_secret: str | None = None
    """Our secret at the provider."""
    oidc_name: str = "Google"
    """What the sign-in button calls the provider."""
    demo: bool = False
    """Demo mode: the demo provider signs people in and invented people may be made. Only on loopback."""
    demo_port: int = 8001
    """The port of the demo provider."""
    mail: Literal["outbox", "smtp"] = "outbox"
    """`outbox` leaves mail in the service, where each person sees their own; `smtp` sends it."""
    mail_from: str = "GPT Images <no-reply@gptimages.example>"
    """The sender of our mail."""
    smtp_host: str | None = None
    """The mail server."""
    smtp_port: int = 587
    """The mail server's port; STARTTLS is used."""
    smtp_user: str | None = None
    """Our name at the mail server."""
    smtp_password: str | None = None
    """Our password at the mail server."""
    workers: int = 2
    """How many jobs run at once in this process."""
    scheduler: bool = True
    """Whether this process runs what policies/schedule.yaml says."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """How much is logged, as JSON lines on standard error."""

    @property
    def ledger_directory(self) -> Path | None:
        """Where the ledger is: never in the data directory, which is put back as a whole. None when it is in a bucket."""
        if self.ledger is None:
            data = self.data.resolve()
            return data.with_name(f"{data.name}-ledger")
        return None if self.ledger.startswith(BUCKET) else Path(self.ledger)

    @property
    def restore_mark(self) -> Path:
        """The file that is there while a restore has begun and not ended."""
        return self.data / "restoring"

    @property
    def ledger_key_file(self) -> Path:
        """The file of the key that signs the ledger."""
        return self.ledger_key or self.data / "keys" / "ledger.key"

    @property
    def secure(self) -> bool:
        """Whether people reach the service over https."""
        return self.public_url.startswith("https:")

    @property
    def redirect_uri(self) -> str:
        """Where the provider sends people back to."""
        return self.public_url.rstrip("/") + "/sign-in/callback"


def read(environment: Mapping[str, str] | None = None, *, serving: bool = True) -> Settings:
    """The settings of this process. Raises SettingsError with a sentence that names the setting and the remedy.

    `serving=False` is for commands that open the installation and let nobody sign in: they need no identity provider.
    """
    env = os.environ if environment is None else environment
    values = _from_file(env.get(PREFIX + "SETTINGS"))
    values |= {
        key[len(PREFIX) :].lower(): value
        for key, value in env.items()
        if key.startswith(PREFIX) and key not in (PREFIX + "SETTINGS", PREFIX + "TOKEN", PREFIX + "URL") and value
    }
    settings = _convert(values)
    _check(settings)
    _check_databases(settings)
    _check_places(settings)
    if serving:
        _check_sign_in(settings)
    return settings


def _from_file(name: str | None) -> dict[str, Any]:
    if not name:
        return {}
    try:
        found = tomllib.loads(Path(name).read_text())
    except OSError:
        raise SettingsError(f"The settings file {name} cannot be read: create it, or unset {PREFIX}SETTINGS.") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"The settings file {name} is not TOML ({error}): mend it.") from None
    return {key.lower(): value for key, value in found.items()}


def _convert(values: dict[str, Any]) -> Settings:
    known = set(Settings.__struct_fields__)
    for name in values:
        if name not in known:
            raise SettingsError(f"There is no setting {PREFIX}{name.upper()}: correct its name or remove it.")
    for name, value in values.items():
        field = {name: value}
        try:
            msgspec.convert(field, Settings, strict=False, dec_hook=_path)
        except msgspec.ValidationError as error:
            reason = str(error).split(" - at")[0]
            raise SettingsError(f"The setting {PREFIX}{name.upper()} cannot be used: {reason}.") from None
    return msgspec.convert(values, Settings, strict=False, dec_hook=_path)


def networks(told: str) -> tuple[Network, ...]:
    """The addresses and networks of `told`, parted by commas. Raises SettingsError."""
    try:
        return tuple(ipaddress.ip_network(each.strip()) for each in told.split(",") if each.strip())
    except ValueError:
        raise SettingsError(
            f"{PREFIX}PROXIES has to be addresses or networks parted by commas, such as 127.0.0.1,10.0.0.0/8."
        ) from None


def _path(kind: type, value: object) -> object:
    return kind(value) if kind is Path and isinstance(value, str) else value


def _check(settings: Settings) -> None:
    url = urlsplit(settings.public_url)
    if url.scheme not in ("http", "https") or not url.hostname or url.path.strip("/"):
        raise SettingsError(f"{PREFIX}PUBLIC_URL has to be an address such as https://images.example, without a path.")
    if url.scheme == "http" and url.hostname not in LOOPBACK:
        raise SettingsError(f"{PREFIX}PUBLIC_URL has to begin with https: plain http is for loopback alone.")
    if not 0 < settings.port < 65536 or not 0 < settings.demo_port < 65536:
        raise SettingsError(f"{PREFIX}PORT and {PREFIX}DEMO_PORT have to be between 1 and 65535.")
    networks(settings.proxies)
    if settings.demo and (url.hostname not in LOOPBACK or settings.host not in LOOPBACK):
        raise SettingsError(f"{PREFIX}DEMO is for loopback alone: unset it, or listen on 127.0.0.1.")
    if settings.engine == "openai" and not settings.engine_key:
        raise SettingsError(f"The engine openai needs its key: set {PREFIX}ENGINE_KEY.")
    if settings.mail == "smtp" and not settings.smtp_host:
        raise SettingsError(f"Mail by smtp needs a server: set {PREFIX}SMTP_HOST.")


def _check_places(settings: Settings) -> None:
    buckets = [each for each in (settings.objects, settings.ledger) if each is not None and each.startswith(BUCKET)]
    if not buckets and (settings.s3_endpoint or settings.s3_region):
        raise SettingsError(
            f"An endpoint or region of S3 needs a bucket: set {PREFIX}OBJECTS or {PREFIX}LEDGER to s3://bucket/prefix."
        )
    if settings.objects is not None and not settings.objects.startswith(BUCKET):
        raise SettingsError(f"{PREFIX}OBJECTS has to be s3://bucket/prefix; unset it for the data directory.")
    if settings.database is not None and settings.database == settings.key_store:
        raise SettingsError(f"{PREFIX}KEY_STORE has to be apart from {PREFIX}DATABASE: give it a database of its own.")
    directory = settings.ledger_directory
    if directory is not None and "://" in str(settings.ledger):
        raise SettingsError(f"{PREFIX}LEDGER has to be a directory or s3://bucket/prefix.")
    if directory is not None and directory.resolve().is_relative_to(settings.data.resolve()):
        raise SettingsError(f"{PREFIX}LEDGER has to be apart from {PREFIX}DATA: give it a directory of its own.")
    if len(buckets) > 1 and _overlap(*buckets):
        raise SettingsError(f"{PREFIX}LEDGER has to be apart from {PREFIX}OBJECTS: give it a bucket of its own.")


def _check_databases(settings: Settings) -> None:
    for name, url in (("DATABASE", settings.database), ("KEY_STORE", settings.key_store)):
        try:
            if url is not None:
                make_url(url).get_dialect().import_dbapi()
        except (ArgumentError, ImportError, ValueError):  # a port that is no number
            raise SettingsError(
                f"{PREFIX}{name} is no database's address: write it like postgresql+psycopg://user@host/name."
            ) from None


def _overlap(one: str, other: str) -> bool:
    """Whether one address in a bucket lies within the other: what goes through all of one would go through both."""
    first, second = (each.rstrip("/") + "/" for each in (one, other))
    return first.startswith(second) or second.startswith(first)


def _check_sign_in(settings: Settings) -> None:
    if not settings.demo and (settings.oidc_client_id is None or settings.oidc_client_secret is None):
        raise SettingsError(
            f"Nobody could sign in: set {PREFIX}OIDC_CLIENT_ID and {PREFIX}OIDC_CLIENT_SECRET, or {PREFIX}DEMO=true."
        )
