"""A real service on loopback for the commands that speak to one, and a way to type commands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from click.testing import CliRunner, Result
from support.service import Service, running

from gptimages.installation import Installation
from gptimages_cli.main import main

Type = Callable[..., Result]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """`gptimages run` in a process of its own."""
    with running(tmp_path_factory.mktemp("service")) as started:
        yield started


@pytest.fixture(scope="module")
def token(service: Service) -> str:
    """A token of the demo's end user, as `gptimages demo token ines` prints it."""
    done = service.command("demo", "token", "ines")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def typed(service: Service, token: str) -> Type:
    """Types a command to the service: `typed("images", "list")`."""
    environment = {"GPTIMAGES_URL": service.url, "GPTIMAGES_TOKEN": token}

    def type_(*words: str, given: str | None = None, **more: str) -> Result:
        return CliRunner().invoke(main, list(words), input=given, env=environment | more)

    return type_


@pytest.fixture
def local(here: Installation) -> Type:
    """Types a command that works on the installation `here`."""

    @contextmanager
    def open_here() -> Iterator[Installation]:
        yield here

    def type_(*words: str, given: str | None = None) -> Result:
        return CliRunner().invoke(main, list(words), input=given, obj=open_here)

    return type_
