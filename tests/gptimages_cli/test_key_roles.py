"""A service on PostgreSQL whose process opens the key store as a role that lists no keys, beside commands of its owner."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from click.testing import Result
from sqlalchemy import Connection, NullPool, create_engine
from support.postgres import PostgresServer
from support.service import Service

from datasteward.audit import log as audit
from datasteward.keys.roles import NOT_ITS_OWNER
from gptimages.installation import open_installation
from gptimages.settings import Settings
from gptimages_jobs import keys
from gptimages_jobs.errors import JobError

REFUSING = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'the disk is full'; END $$;
CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON steward_audit_entry DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (starts_with(NEW.act, 'keys.grant')) EXECUTE FUNCTION refuse();
"""
ALLOWED = "SELECT has_table_privilege('late', 'subject_key', 'SELECT')"


def _connected(url: str) -> Connection:
    """A connection on which each statement is a transaction of its own, and sees the rights as they are then."""
    return create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool).connect()


@dataclasses.dataclass
class Place:
    """A running service that uses keys as `web`, and the same settings with the URL of the key store's owner."""

    service: Service
    owner: Settings
    web: Settings


@pytest.fixture(scope="module")
def place(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The role can make no key store; the granting by the owner makes it, and then it is served."""
    directory = tmp_path_factory.mktemp("roles")
    database, owners = postgres.database(), postgres.owned("keeper")
    web = postgres.as_role(owners, "web")
    service = Service(directory / "data", directory / "log", database=database, key_store=web, demo="true")
    settings = Settings(
        data=directory / "data", database=database, demo=True, oidc_client_id="x", oidc_client_secret="x"
    )
    owner = msgspec.structs.replace(settings, key_store=owners)
    refused = service.command("keys", "status")
    assert "permission denied" in refused.stderr
    done = service.command("keys", "grant", "web", key_store=owners)
    assert done.returncode == 0, done.stderr
    service.start()
    yield Place(service, owner, msgspec.structs.replace(settings, key_store=web))
    service.stop()
    for url in (database, owners):
        postgres.drop(url)


def test_the_service_works_as_the_role(place: Place, tmp_path: Path) -> None:
    """It makes people and pictures; the role counts the keys that the owner counts."""
    token = place.service.command("demo", "token", "ines")
    assert token.returncode == 0, token.stderr
    given = {"url": place.service.url, "token": token.stdout.strip()}
    made = place.service.command("images", "make", "a lighthouse", "--save", str(tmp_path), **given)
    assert made.returncode == 0, made.stderr
    assert place.service.command("images", "list", **given).returncode == 0
    told = [
        place.service.command("keys", "status", key_store=each.key_store or "") for each in (place.web, place.owner)
    ]
    assert [each.returncode for each in told] == [0, 0], told
    assert told[0].stdout == told[1].stdout


def test_what_the_owner_alone_does_is_refused_in_a_sentence(place: Place, tmp_path: Path) -> None:
    """Changes, rights and backups of keys: exit code 1, and no directory of a backup that lacks everybody is left."""
    backup = tmp_path / "backup"
    for words in (
        ("keys", "rotate", "root"),
        ("keys", "rotate", "epoch"),
        ("keys", "rotate", "persons"),
        ("keys", "keep"),
        ("keys", "grant", "web"),
        ("backup", "--keys", str(backup)),
    ):
        done = place.service.command(*words)
        assert (done.returncode, done.stdout, done.stderr.splitlines()[-1:]) == (1, "", [NOT_ITS_OWNER]), words
    assert not backup.exists()


def test_the_owner_keeps_and_backs_up_keys_while_the_role_serves(place: Place, tmp_path: Path) -> None:
    """The commands with the owner's URL do what the service's own process cannot."""
    owner = place.owner.key_store or ""
    for words in (("keys", "keep"), ("keys", "rotate", "epoch"), ("backup", "--keys", str(tmp_path / "backup"))):
        done = place.service.command(*words, key_store=owner)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "backup" / "tables" / "subject_key").stat().st_size > 0


def test_the_nightly_job_looks_on_and_fails_only_when_the_owner_is_late(place: Place) -> None:
    """The service's own worker cannot keep the keys: operators hear of it when nobody else does."""
    with closing(open_installation(place.web, as_found=True)) as here:
        begun = here.vault.epoch_begun()
        keys.run(here, "tests")
        later = dataclasses.replace(here, clock=lambda: begun + timedelta(days=34))
        with pytest.raises(JobError, match="A change of keys is late, and this process may not do it"):
            keys.run(later, "tests")
        assert here.vault.epoch_begun() == begun


def test_a_granting_is_written_down(place: Place) -> None:
    """With the role, before it and after it; one that is not there is said, and nothing is written."""
    owner = place.owner.key_store or ""
    for role, said in (("nobody-knows", "There is no role nobody-knows"), ("two words", "There is no role two words")):
        done = place.service.command("keys", "grant", role, key_store=owner)
        assert (done.returncode, done.stdout) == (1, "")
        assert said in done.stderr
    with closing(open_installation(place.owner, as_found=True)) as here, here.db.read() as session:
        entries = audit.entries(session, acts=["keys.granting", "keys.granted"])
        told = [(entry.act, dict(audit.facts(entry))["role"]) for entry in entries]
    assert sorted(told) == [("keys.granted", "web"), ("keys.granting", "web")]


def test_no_right_is_given_that_the_log_does_not_tell(place: Place, postgres: PostgresServer) -> None:
    """A log that cannot be written at its commit keeps the rights from being given; that they are is told before and after."""
    owner = place.owner.key_store or ""
    postgres.as_role(owner, "late")
    with closing(_connected(place.owner.database)) as log, closing(_connected(owner)) as keys:
        log.exec_driver_sql(REFUSING)
        refused = place.service.command("keys", "grant", "late", key_store=owner)
        assert (refused.returncode, keys.exec_driver_sql(ALLOWED).scalar()) == (1, False)
        log.exec_driver_sql("DROP FUNCTION refuse CASCADE")
        done = place.service.command("keys", "grant", "late", key_store=owner)
        assert (done.returncode, keys.exec_driver_sql(ALLOWED).scalar()) == (0, True)
    with closing(open_installation(place.owner, as_found=True)) as here, here.db.read() as session:
        entries = audit.entries(session, acts=["keys.granting", "keys.granted"])
        told = [entry.act for entry in entries if dict(audit.facts(entry))["role"] == "late"]
    assert sorted(told) == ["keys.granted", "keys.granting"]


def test_a_file_has_one_owner(local: Callable[..., Result]) -> None:
    """On SQLite there is no role to grant anything to."""
    done = local("keys", "grant", "web")
    assert done.exit_code == 1
    assert "A key store in a file has one owner" in done.output
