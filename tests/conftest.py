"""What every test may ask for: an installation with the shipped policies, and a clock that can be set.

`here` is on SQLite. A test that has to hold on PostgreSQL too asks for `any_here`, which runs it once on each; a folder
does so for all its tests by a `here` of its own that returns `any_here`.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import msgspec
import pytest
from support.postgres import PostgresServer, server
from support.seaweed import Seaweed, running

from gptimages import schema
from gptimages.accounts import people, roles
from gptimages.accounts.models import Account
from gptimages.db import Database
from gptimages.installation import Installation, open_installation
from gptimages.settings import Settings

ROOT = Path(__file__).parents[1]
START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


class Clock:
    """A clock that stands until it is moved; calling it tells the time (UTC)."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> datetime:
        """Moves the clock on by a timedelta's arguments and tells the time."""
        self.now += timedelta(**by)
        return self.now


@pytest.fixture
def clock() -> Clock:
    """A clock at START."""
    return Clock()


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    """A copy of the shipped policies that a test may change."""
    return Path(shutil.copytree(ROOT / "policies", tmp_path / "policies"))


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """An empty database with all tables, made once by the migrations; tests begin with a copy of it."""
    path = tmp_path_factory.mktemp("migrated") / "gptimages.db"
    db = Database(f"sqlite:///{path}")
    schema.migrate(db)
    db.forget_deleted()
    db.close()
    return path.read_bytes()


@pytest.fixture
def settings(tmp_path: Path, migrated: bytes) -> Settings:
    """Settings of a demo installation in a directory of its own."""
    (tmp_path / "data").mkdir(mode=0o700)
    (tmp_path / "data" / "gptimages.db").write_bytes(migrated)
    return Settings(
        data=tmp_path / "data",
        policies=ROOT / "policies",
        demo=True,
        oidc_issuer="http://127.0.0.1:8001",
        oidc_client_id="gptimages-test",
        oidc_client_secret="a secret of the tests",
        scheduler=False,
    )


@pytest.fixture
def here(settings: Settings, clock: Clock) -> Iterator[Installation]:
    """An open installation on SQLite."""
    opened = open_installation(settings, clock)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server of this process; started by the first test that asks for it."""
    with server() as started:
        yield started


@pytest.fixture(scope="session")
def seaweed() -> Iterator[Seaweed]:
    """An S3 server of this process; started by the first test that asks for it."""
    with running() as started:
        yield started


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request: pytest.FixtureRequest) -> str:
    """Each kind of database; a test that asks for it runs once on every one."""
    return str(request.param)


@pytest.fixture
def new_database(backend: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[[], str]]:
    """Makes databases without tables, of each kind: `new_database()` returns the URL of another one each time."""
    if backend == "sqlite":
        numbers = count(1)
        yield lambda: f"sqlite:///{tmp_path / f'test{next(numbers)}.db'}"
        return
    postgres: PostgresServer = request.getfixturevalue("postgres")
    with ExitStack() as drops:

        def make() -> str:
            url = postgres.empty()
            drops.callback(postgres.drop, url)
            return url

        yield make


@pytest.fixture
def database_url(new_database: Callable[[], str]) -> str:
    """The URL of a database without tables, of each kind."""
    return new_database()


@pytest.fixture
def any_settings(backend: str, settings: Settings, request: pytest.FixtureRequest) -> Iterator[Settings]:
    """The settings of `here`, with database and key store on each kind of database."""
    if backend == "sqlite":
        yield settings
        return
    postgres: PostgresServer = request.getfixturevalue("postgres")
    database, key_store = postgres.database(), postgres.empty()
    yield msgspec.structs.replace(settings, database=database, key_store=key_store)
    postgres.drop(database)
    postgres.drop(key_store)


@pytest.fixture
def any_here(any_settings: Settings, clock: Clock) -> Iterator[Installation]:
    """An open installation, once on SQLite and once on PostgreSQL."""
    opened = open_installation(any_settings, clock)
    yield opened
    opened.close()


PersonFactory = Callable[..., Account]


@pytest.fixture
def person(here: Installation) -> PersonFactory:
    """Makes people: `person("Ines", roles=["operator"])` returns the account."""

    def make(name: str = "Ines Halvorsen", *, country: str = "NO", given: tuple[str, ...] = ()) -> Account:
        now = here.clock()
        with here.db.write() as session:
            mail = f"{name.split()[0].lower()}@people.example"
            account = people.create(session, here, name=name, email=mail, country=country, minimum_age=13, now=now)
            for role in given:
                roles.grant(session, here, account.id, role, by="tests", now=now)
        return account

    return make
