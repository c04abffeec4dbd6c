"""A restore whose ledger is in a bucket: it is replayed as from a directory, and nothing comes back while it is not there."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from support.backups import BILLED_TO, Saved, Town, nothing, read
from support.buckets import in_a_bucket
from support.seaweed import REGION, VERSIONED, Seaweed
from support.service import free_port

from datasteward import s3
from datasteward.disposal.models import KeyDisposal
from datasteward.errors import LedgerError
from datasteward.rights import requests
from gptimages import restoring
from gptimages.installation import Installation, open_installation
from gptimages.settings import Settings
from gptimages_jobs import disposal
from gptimages_jobs import erase as erase_job
from gptimages_jobs.errors import TryAgain


@pytest.fixture
def backend() -> str:
    """On one kind of database: the ledger is the same for both."""
    return "sqlite"


@pytest.fixture
def any_settings(settings: Settings, seaweed: Seaweed, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings of `here`, with the ledger in a bucket."""
    return in_a_bucket(settings, seaweed, monkeypatch, ledger=seaweed.prefix())


def test_who_was_erased_since_is_erased_again(
    erased: Town, saved: Saved, elsewhere: Settings, tmp_path: object
) -> None:
    """E11 with the ledger in a bucket; no directory was made for it."""
    done = restoring.restore(elsewhere, saved.service, saved.keys, told=nothing)
    assert (done.keys, done.people, done.waiting) == (1, 1, 0)
    there = open_installation(elsewhere, as_found=True)
    try:
        assert read(there, erased.ines) == [BILLED_TO]
        assert read(there, erased.lena) == ["lena@people.example", "the face of Lena"]
        assert [entry.subject for entry in there.ledger.since()] == [erased.ines]
    finally:
        there.close()
    assert not list(elsewhere.data.parent.glob("*ledger*"))


def away(settings: Settings, _seaweed: Seaweed, _patched: pytest.MonkeyPatch) -> Settings:
    """Nothing answers at its address."""
    return msgspec.structs.replace(settings, s3_endpoint=f"http://127.0.0.1:{free_port()}")


def no_bucket(settings: Settings, _seaweed: Seaweed, _patched: pytest.MonkeyPatch) -> Settings:
    """The bucket is not there."""
    return msgspec.structs.replace(settings, ledger="s3://absent/ledger")


def no_entries(settings: Settings, _seaweed: Seaweed, _patched: pytest.MonkeyPatch) -> Settings:
    """There is nothing under the prefix."""
    return msgspec.structs.replace(settings, ledger=f"{settings.ledger}/elsewhere")


def no_rights(settings: Settings, _seaweed: Seaweed, patched: pytest.MonkeyPatch) -> Settings:
    """The credentials are wrong."""
    patched.setenv("AWS_SECRET_ACCESS_KEY", "a guess")
    return settings


def cut(settings: Settings, seaweed: Seaweed, _patched: pytest.MonkeyPatch) -> Settings:
    """The first entry is hidden by a delete marker."""
    prefix = str(settings.ledger).removeprefix(f"s3://{VERSIONED}/")
    seaweed.client().delete_object(Bucket=VERSIONED, Key=f"{prefix}/0000000000.entry")
    return settings


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (away, "does not answer"),
        (no_bucket, "bucket of the erasure ledger does not exist"),
        (no_entries, "is not where it should be"),
        (no_rights, "check the credentials"),
        (cut, "are missing"),
    ],
)
def test_a_ledger_that_cannot_be_reached_stops_it(
    erased: Town,
    saved: Saved,
    elsewhere: Settings,
    seaweed: Seaweed,
    monkeypatch: pytest.MonkeyPatch,
    spoil: Callable[[Settings, Seaweed, pytest.MonkeyPatch], Settings],
    said: str,
) -> None:
    """One sentence, and nothing was restored; nor does the installation that is there open."""
    assert erased.here.ledger.head().number == 1
    monkeypatch.setattr(s3, "HURRIED_ATTEMPTS", 1)
    spoilt = spoil(elsewhere, seaweed, monkeypatch)
    with pytest.raises(LedgerError, match=said) as told:
        restoring.restore(spoilt, saved.service, saved.keys, told=nothing)
    assert len(str(told.value).splitlines()) == 1
    assert not elsewhere.restore_mark.exists()
    assert not (elsewhere.data / "gptimages.db").exists()
    same = msgspec.structs.replace(
        erased.here.settings, ledger=spoilt.ledger, s3_endpoint=spoilt.s3_endpoint, s3_region=REGION
    )
    with pytest.raises(LedgerError, match=said):
        open_installation(same, as_found=True)


def erased_by_request(here: Installation, subject: str) -> Callable[[], None]:
    """Asks for an erasure, and gives what carries it out."""
    with here.db.write() as session:
        made = requests.ask(session, here.policies, subject, "erasure", country="NO", now=here.clock())
    return lambda: erase_job.run(here, made.id)


def shredded_by_retention(here: Installation, subject: str) -> Callable[[], None]:
    """Promises the keys to destruction, and gives what carries it out."""
    with here.db.write() as session:
        session.add(KeyDisposal(subject_id=subject, since=here.clock(), done_at=None))
    return lambda: disposal.run(here, "tests")


@pytest.mark.parametrize("promise", [erased_by_request, shredded_by_retention])
def test_no_key_goes_while_the_ledger_is_away(
    here: Installation,
    town: Town,
    monkeypatch: pytest.MonkeyPatch,
    promise: Callable[[Installation, str], Callable[[], None]],
) -> None:
    """The job stops before it and is put back, and is carried out when the ledger is there again."""
    job = promise(here, town.ines)
    monkeypatch.setattr(s3, "HURRIED_ATTEMPTS", 1)
    with monkeypatch.context() as patched:
        gone = s3.connect(f"http://127.0.0.1:{free_port()}", REGION, hurried=True)
        patched.setattr(here.ledger._store, "_client", gone)
        with pytest.raises(TryAgain, match="does not answer"):
            job()
    assert here.vault.has(town.ines)
    assert here.ledger.head().number == 0
    job()
    assert not here.vault.has(town.ines)
    assert [entry.subject for entry in here.ledger.since()] == [town.ines]
