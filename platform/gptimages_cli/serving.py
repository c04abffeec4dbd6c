"""`gptimages serve` and `gptimages run`: checks first, in sentences, then the server until it is stopped."""

from __future__ import annotations

import errno
import os
import secrets
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click
from granian import Granian
from granian.constants import Interfaces

from gptimages.errors import StartError
from gptimages.installation import open_installation
from gptimages.settings import PREFIX, Settings, read
from gptimages_cli.client import DEFAULT_URL, TOKEN, URL
from gptimages_cli.locking import DirectoryLock

TARGET = "gptimages_cli.composition:application"
STOP_SECONDS = 15


@click.command()
def serve() -> None:
    """Serve the installation that the settings describe."""
    settings = read()
    check(settings)
    _serve(settings)


@click.command()
def run() -> None:
    """Serve the demo: everything embedded, invented people, pictures drawn without a model."""
    from gptimages_demo import provider, setting_up

    settings = demo_settings()
    check(settings)
    _check_port(settings.host, settings.demo_port, "DEMO_PORT")
    here = open_installation(settings)
    setting_up.set_up(here)
    here.close()
    with provider.running(settings):
        _announce(settings)
        _serve(settings)


def check(settings: Settings) -> None:
    """Opens everything once and lets it go: what is wrong is said here, before the server is started.

    Raises SettingsError, StartError or a StewardError.
    """
    _check_port(settings.host, settings.port, "PORT")
    here = open_installation(settings)
    here.close()
    with _held(settings):
        pass


def demo_settings() -> Settings:
    """The settings of the demo: what the environment does not say is as the demo needs it. Raises SettingsError."""
    port = os.environ.get(PREFIX + "DEMO_PORT", "8001")
    for name, value in {
        "DEMO": "true",
        "OIDC_ISSUER": f"http://127.0.0.1:{port}",
        "OIDC_NAME": "the demo provider",
        "OIDC_CLIENT_ID": "gptimages-demo",
        "OIDC_CLIENT_SECRET": secrets.token_urlsafe(24),
    }.items():
        os.environ.setdefault(PREFIX + name, value)
    if served := os.environ.get(PREFIX + "PORT"):
        os.environ.setdefault(PREFIX + "PUBLIC_URL", f"http://127.0.0.1:{served}")
    return read()


def _serve(settings: Settings) -> None:
    server = Granian(
        TARGET,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        factory=True,
        workers=1,  # one process holds the worker and the scheduler; its threads share the load
        log_enabled=False,
        workers_kill_timeout=STOP_SECONDS,
    )
    server.serve()


def _announce(settings: Settings) -> None:
    from gptimages_demo.people import DEMO_PEOPLE

    click.echo(f"\nGPT Images is at {settings.public_url}\n\nSign in there as one of these invented people:")
    for person in DEMO_PEOPLE:
        roles = ", ".join(person.roles) or "end user"
        click.echo(f"  {person.name:<22} {roles}")
    click.echo("  somebody new           to see the age question and an empty account")
    command, elsewhere = _command(), "" if settings.public_url == DEFAULT_URL else f" {URL}={settings.public_url}"
    click.echo("\nOr work from another terminal:")
    click.echo(f"  export{elsewhere} {TOKEN}=$({command} demo token ines)")
    click.echo(f'  {command} images make "a harbour at dawn"')
    click.echo(f"\nThe data lies in {settings.data}. Stop with Ctrl+C.\n")


def _command() -> str:
    """What to type for this command: as it was typed now."""
    return sys.argv[0] if sys.argv[0].endswith("gptimages") else "gptimages"


@contextmanager
def _held(settings: Settings) -> Iterator[None]:
    lock = DirectoryLock(settings.data)
    lock.take()
    try:
        yield
    finally:
        lock.release()


def _check_port(host: str, port: int, setting: str) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except PermissionError:
            raise StartError(
                f"The port {port} may not be opened by this user: set {PREFIX}{setting} to one above 1023."
            ) from None
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise StartError(
                    f"The port {port} of {host} is taken: stop what listens there, or set {PREFIX}{setting}."
                ) from None
            raise StartError(f"This machine has no address {host} to listen on: correct {PREFIX}HOST.") from None
