"""The jobs of rights: an archive cut off begins again, an erasure waits, is blocked, goes on; archives expire."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from zipfile import ZipFile

import pytest
from sqlalchemy import select
from support.killing import Killed

from datasteward.audit import log as audit
from datasteward.disposal.disposal import promise_object
from datasteward.disposal.models import ObjectDisposal
from datasteward.errors import ObjectMissing
from datasteward.retention import holds
from datasteward.retention.scope import Scope
from datasteward.rights import requests
from datasteward.rights.models import SubjectRequest
from gptimages.accounts.models import Account
from gptimages.installation import Installation
from gptimages.messaging.models import MailMessage
from gptimages.privacy import archives, leaving
from gptimages.queue.models import Job
from gptimages_jobs import archives as archives_job
from gptimages_jobs import erase, erasures, export
from gptimages_jobs.errors import TryAgain


def ask_archive(here: Installation, account: Account) -> str:
    """Asks for an archive."""
    with here.db.write() as session:
        return archives.ask(session, here, account.id, via="session", now=here.clock()).id


def ask_erasure(here: Installation, account: Account, email: str = "ines@people.example") -> str:
    """Asks for an erasure."""
    with here.db.write() as session:
        return leaving.ask(
            session, here, account.id, email=email, keep_session=None, via="session", now=here.clock()
        ).id


def request_of(here: Installation, request_id: str) -> SubjectRequest:
    """The request as it stands."""
    with here.db.read() as session:
        return requests.get(session, request_id)


def fetched(here: Installation, account: Account) -> bytes:
    """The archive as the person fetches it."""
    with here.db.read() as session:
        _, key = archives.standing(session, account.id, now=here.clock())
    return here.objects.read(account.id, key)


def test_an_archive_is_made_and_told(here: Installation, person: Any) -> None:
    """The archive is ready, as long as it says, opens only for its person, and a mail without a link tells of it."""
    ines = person()
    ref = ask_archive(here, ines)
    export.run(here, ref)
    request, made = request_of(here, ref), fetched(here, ines)
    assert (request.state, request.archive_bytes) == ("ready", len(made))
    assert request.archive_until == here.clock() + here.policies.limits.archive_kept.span
    with ZipFile(io.BytesIO(made)) as opened:
        assert json.loads(opened.read("data/account.json"))["rows"][0]["name"] == "Ines Halvorsen"
        files = json.loads(opened.read("manifest.json"))["files"]
        assert {f["path"] for f in files} == set(opened.namelist()) - {"manifest.json"}
    with here.db.read() as session:
        assert [mail.kind for mail in session.scalars(select(MailMessage))] == ["archive"]


@pytest.mark.parametrize("after", [1, 3, 10**6])
def test_killed_while_it_is_made_it_begins_again(
    here: Installation, person: Any, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    """Killed at whatever piece, or before it was noted down, nothing is reachable; the retry has the same manifest."""
    ines = person()
    ref = ask_archive(here, ines)
    whole = here.objects.put

    def cut(subject: str, key: str, chunks: Iterator[bytes]) -> int:
        def some() -> Iterator[bytes]:
            for number, chunk in enumerate(chunks):
                if number == after:
                    raise Killed
                yield chunk

        whole(subject, key, some())
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(type(here.objects), "put", lambda _self, *given: cut(*given))
        with pytest.raises(Killed):
            export.run(here, ref)
    assert request_of(here, ref).state == "running"
    with pytest.raises(Exception, match="no archive"):
        fetched(here, ines)
    export.run(here, ref)
    first = fetched(here, ines)
    with here.db.write() as session:
        session.get(SubjectRequest, ref, populate_existing=True).state = "running"
    export.run(here, ref)
    with ZipFile(io.BytesIO(first)) as one, ZipFile(io.BytesIO(fetched(here, ines))) as two:
        told = [json.loads(each.read("manifest.json")) for each in (one, two)]
    changed = ("notification", "mail_message", "job")  # the first retry told of itself
    for manifest in told:
        manifest["files"] = [f for f in manifest["files"] if not any(n in f["path"] for n in (*changed, "index"))]
        manifest["records"] = {k: v for k, v in manifest["records"].items() if k not in changed}
    assert told[0] == told[1]


def test_one_that_breaks_says_so(here: Installation, person: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the archive cannot be made the request says that it broke, and another can be asked for."""
    ines = person()
    ref = ask_archive(here, ines)

    def breaks(*_given: object) -> int:
        raise OSError("The disk is full of ines@people.example.")

    with monkeypatch.context() as patch:
        patch.setattr(type(here.objects), "put", breaks)
        with pytest.raises(OSError, match="full"):
            export.run(here, ref)
    assert (request_of(here, ref).state, request_of(here, ref).problem) == ("failed", export.BROKE)
    again = ask_archive(here, ines)
    export.run(here, again)
    assert request_of(here, again).state == "ready"


def test_an_archive_is_gone_when_its_time_is_over(here: Installation, person: Any, clock: Any) -> None:
    """After its days an archive cannot be fetched, and the job destroys its bytes."""
    ines = person()
    ref = ask_archive(here, ines)
    export.run(here, ref)
    clock.move(days=8)
    with pytest.raises(Exception, match="expired"):
        fetched(here, ines)
    archives_job.run(here, "schedule")
    assert request_of(here, ref).state == "done"
    with pytest.raises(ObjectMissing):
        here.objects.size(archives.archive_key(ref))


def test_the_job_of_archives_leaves_nothing_in_the_outbox(here: Installation) -> None:
    """However much else stands in it."""
    with here.db.write() as session:
        for number in range(60):
            promise_object(session, f"archive/{number}", now=here.clock())
    archives_job.run(here, "schedule")
    with here.db.read() as session:
        assert session.scalars(select(ObjectDisposal)).all() == []


def test_an_erasure_waits_and_then_takes_everything(here: Installation, person: Any, clock: Any) -> None:
    """Before its time nothing happens; after it the account, its key and its objects are gone."""
    ines, other = person(), person("Tomás Okafor")
    archive, ref = ask_archive(here, ines), ask_erasure(here, ines)
    export.run(here, archive)
    erase.run(here, ref)
    assert request_of(here, ref).state == "waiting"
    clock.move(days=8)
    erasures.run(here, "schedule")
    erase.run(here, ref)
    assert request_of(here, ref).state == "done"
    assert not here.vault.has(ines.id)
    assert here.vault.has(other.id)
    assert list(here.objects.keys("archive/")) == []
    with here.db.read() as session:
        assert session.get(Account, ines.id) is None
        assert session.get(Account, other.id) is not None
        assert audit.verify(session).broken_at is None
    export.run(here, archive)  # delivered once more, late
    erase.run(here, ref)


@pytest.mark.parametrize("killed", [True, False])
def test_an_archive_that_an_erasure_overtakes_leaves_nothing(
    here: Installation, person: Any, clock: Any, monkeypatch: pytest.MonkeyPatch, killed: bool
) -> None:
    """Erased after its bytes were stored and before they were noted down, with or without a kill, the object goes."""
    ines = person()
    archive, ref = ask_archive(here, ines), ask_erasure(here, ines)
    clock.move(days=8)
    whole = type(here.objects).put

    def overtaken(objects: Any, subject: str, key: str, chunks: Iterator[bytes]) -> int:
        size = whole(objects, subject, key, chunks)
        if killed:
            raise Killed
        erase.run(here, ref)
        return size

    with monkeypatch.context() as patch:
        patch.setattr(type(here.objects), "put", overtaken)
        patch.setattr(type(here.db), "forget_deleted", lambda _self: True)  # the export is a reader in its way
        if killed:
            with pytest.raises(Killed):
                export.run(here, archive)
        else:
            export.run(here, archive)
    erase.run(here, ref)
    archives_job.run(here, "schedule")
    assert request_of(here, ref).state == "done"
    assert list(here.objects.keys("archive/")) == []


@pytest.mark.parametrize("state", ["asked", "running"])
def test_an_erasure_closes_what_else_was_asked(here: Installation, person: Any, clock: Any, state: str) -> None:
    """A request that the erasure leaves unanswered is closed with it, so that its row has an end."""
    ines = person()
    archive, ref = ask_archive(here, ines), ask_erasure(here, ines)
    with here.db.write() as session:
        requests.get(session, archive).state = state
    clock.move(days=8)
    erase.run(here, ref)
    assert (request_of(here, archive).state, request_of(here, archive).closed_at) == ("failed", clock())
    export.run(here, archive)


def test_an_erasure_that_was_taken_back_does_nothing(here: Installation, person: Any, clock: Any) -> None:
    """The job of a cancelled erasure comes and finds nothing to do."""
    ines = person()
    ref = ask_erasure(here, ines)
    with here.db.write() as session:
        leaving.cancel(session, here, ines.id, now=here.clock())
    clock.move(days=8)
    erasures.run(here, "schedule")
    erase.run(here, ref)
    with here.db.read() as session:
        assert session.get(Account, ines.id).state == "active"
    assert here.vault.has(ines.id)


def test_a_hold_stops_it_until_it_is_lifted(here: Installation, person: Any, clock: Any) -> None:
    """D4: under a hold the request is blocked and the clock promises nothing; lifted, the next tick carries it out."""
    ines = person()
    ref = ask_erasure(here, ines)
    clock.move(days=8)
    with here.db.write() as session:
        hold = holds.place(
            session,
            here.steward,
            Scope(subject=ines.id),
            "24-117",
            review_at=clock() + timedelta(days=30),
            by="legal",
            now=clock(),
        )
    erase.run(here, ref)
    assert request_of(here, ref).state == "blocked"
    assert _promised(here, ref) == 1
    erasures.run(here, "schedule")
    assert _promised(here, ref) == 1
    with here.db.write() as session:
        for job in session.scalars(select(Job).where(Job.ref == ref)):
            job.state = "done"
        holds.lift(session, hold.id, by="legal", now=clock())
    for _ in range(2):
        erasures.run(here, "schedule")
    assert _promised(here, ref) == 2
    erase.run(here, ref)
    assert request_of(here, ref).state == "done"


def test_a_reader_in_the_way_is_waited_for(here: Installation, person: Any, clock: Any, monkeypatch: Any) -> None:
    """While the database's log cannot be emptied there is no certificate; the next try gives it."""
    ines = person()
    ref = ask_erasure(here, ines)
    clock.move(days=8)
    with monkeypatch.context() as patch:
        patch.setattr(type(here.db), "forget_deleted", lambda _self: False)
        with pytest.raises(TryAgain):
            erase.run(here, ref)
    assert request_of(here, ref).state == "running"
    erase.run(here, ref)
    assert request_of(here, ref).state == "done"


def _promised(here: Installation, ref: str) -> int:
    with here.db.read() as session:
        return len(session.scalars(select(Job.id).where(Job.kind == "erase", Job.ref == ref)).all())
