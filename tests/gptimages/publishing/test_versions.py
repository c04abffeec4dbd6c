"""Publishing: everybody hears of it before, in the service and by mail; going on afterwards is recorded as what it is."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import msgspec
import pytest
from sqlalchemy import select

from datasteward.audit import log as audit
from datasteward.consent import restriction
from datasteward.keys import reveal
from gptimages.accounts import sessions
from gptimages.accounts.models import Account
from gptimages.errors import Conflict, InputError, NotFound
from gptimages.messaging.models import MailMessage, Notification
from gptimages.publishing import versions
from gptimages.publishing.models import Acceptance, PolicyNotice
from gptimages.queue import queue
from gptimages_jobs import policy_effect


def rows(here, model):
    """All rows of a table."""
    with here.db.read() as session:
        return list(session.scalars(select(model)))


def signed_in(here, account) -> str:
    """A session of the person; gives its secret."""
    with here.db.write() as session:
        return sessions.begin(session, here, account.id, now=here.clock())[0]


def test_everybody_is_told_before_it_takes_effect(here, person, publish, clock) -> None:
    """Each active person gets one notice and one mail that name the day and lead to the text, and no later than before it."""
    people = [person(f"Person{number}") for number in range(7)]
    row = publish(40)
    notices = rows(here, PolicyNotice)
    assert {notice.account_id for notice in notices} == {account.id for account in people}
    assert all(notice.told_at < row.effective_at for notice in notices)
    seen = rows(here, Notification)
    assert {(notice.link, row.version in notice.link) for notice in seen} == {(f"/policy/{row.version}", True)}
    assert len(seen) == len(people)
    mails = rows(here, MailMessage)
    assert {mail.account_id for mail in mails} == {account.id for account in people}
    with here.db.read() as session:
        mail = session.get_one(MailMessage, mails[0].id)
        body = reveal(here.vault, mail, "body", subject=mail.account_id) or ""
    assert f"/policy/{row.version}" in body
    assert "erase" in body
    policy_effect.run(here, "schedule")
    assert len(rows(here, Notification)) == len(people)


def test_who_has_data_only_stored_is_told_when_that_is_lifted(here, person, publish) -> None:
    """A restricted person is passed over; lifted before the day, they are told like everybody (GDPR Art. 18(1))."""
    ines, tomas = person("Ines"), person("Tomas")
    with here.db.write() as session:
        restriction.restrict(session, ines.id, "accuracy", by=ines.id, now=here.clock())
    row = publish(40)
    assert [notice.account_id for notice in rows(here, PolicyNotice)] == [tomas.id]
    with here.db.write() as session:
        restriction.lift(session, ines.id, by="tests", now=here.clock())
    policy_effect.run(here, row.version)
    assert {notice.account_id for notice in rows(here, PolicyNotice)} == {tomas.id, ines.id}


def test_who_comes_in_between_is_told_too(here, person, publish, clock) -> None:
    """Somebody who signs up after the publication and before the day is told by the next run."""
    person("Ada")
    row = publish(40)
    clock.move(days=10)
    late = person("Ben")
    policy_effect.run(here, "schedule")
    assert {notice.account_id for notice in rows(here, PolicyNotice)} >= {late.id}
    clock.now = row.effective_at + timedelta(hours=1)
    after = person("Cleo")
    policy_effect.run(here, "schedule")
    assert after.id not in {notice.account_id for notice in rows(here, PolicyNotice)}


def test_more_people_than_a_batch(here, person, publish, monkeypatch: pytest.MonkeyPatch) -> None:
    """Telling goes on batch by batch until nobody is left, and a kill between two tells nobody twice."""
    people = {person(f"Person{number}").id for number in range(9)}
    row = publish(40, tell=False)
    with here.db.write() as session:
        assert versions.tell(session, here, row, now=here.clock(), limit=4) == 4
    monkeypatch.setattr(versions.tell, "__kwdefaults__", {**versions.tell.__kwdefaults__, "limit": 2})
    policy_effect.run(here, row.version)
    told = [notice.account_id for notice in rows(here, PolicyNotice)]
    assert sorted(told) == sorted(people)
    assert len(rows(here, MailMessage)) == 9


def test_a_day_that_is_too_early_is_refused(here, text_for, clock) -> None:
    """People have as much time as policies/limits.yaml grants; the sentence names the first day that is late enough."""
    first = (clock() + here.policies.limits.policy_notice.span).date() + timedelta(days=1)
    with here.db.write() as session, pytest.raises(InputError, match=str(first)):
        versions.publish(session, here, text_for(first - timedelta(days=1)), by="legal", now=clock())
    with here.db.write() as session:
        later = versions.publish(session, here, text_for(first), by="legal", now=clock())
    assert later.published_by == "legal"


def test_a_published_text_is_never_changed(here, publish, clock) -> None:
    """The same date cannot be published again, with the same or another text."""
    row = publish(40)
    changed = msgspec.structs.replace(versions.text_of(row), title="Another title")
    with here.db.write() as session, pytest.raises(Conflict, match="never changed"):
        versions.publish(session, here, changed, by="legal", now=clock())


def test_publishing_promises_the_telling_and_is_in_the_log(here, publish) -> None:
    """In one transaction: the version, the job that tells, and the entry of who published it."""
    row = publish(40, tell=False)
    with here.db.read() as session:
        assert queue.newest(session, policy_effect.KIND, row.version) is not None
        (entry,) = audit.entries(session, acts=["policy.published"], limit=1)
    assert entry.actor == "legal-officer"
    assert audit.facts(entry)["version"] == row.version


def test_going_on_after_being_told_is_acceptance(here, person, publish, clock) -> None:
    """Who was told before the day and is seen after it has accepted, once, as `went on`, in the log too."""
    account = person()
    row = publish(40)
    clock.now = row.effective_at - timedelta(hours=1)
    secret = signed_in(here, account)
    assert rows(here, Acceptance) == []
    clock.now = row.effective_at + timedelta(hours=1)
    assert sessions.visitor(here, secret, clock()).account_id == account.id
    (accepted,) = rows(here, Acceptance)
    assert (accepted.account_id, accepted.version, accepted.how) == (account.id, row.version, "went on")
    assert accepted.accepted_at == clock()
    clock.move(hours=1)
    sessions.visitor(here, secret, clock())
    signed_in(here, account)
    assert len(rows(here, Acceptance)) == 1
    with here.db.read() as session:
        (entry,) = audit.entries(session, acts=["policy.accepted"])
    assert entry.subject_id == account.id


def test_signing_in_afterwards_is_going_on(here, person, publish, clock) -> None:
    """A sign-in after the day counts like any use."""
    account = person()
    row = publish(40)
    clock.now = row.effective_at + timedelta(days=3)
    signed_in(here, account)
    assert [(a.account_id, a.how) for a in rows(here, Acceptance)] == [(account.id, "went on")]


def test_who_was_not_told_has_accepted_nothing(here, person, publish, clock) -> None:
    """Without a notice before the day, going on is recorded as nothing at all."""
    account = person()
    row = publish(40, tell=False)
    clock.now = row.effective_at + timedelta(days=1)
    policy_effect.run(here, "schedule")
    signed_in(here, account)
    assert rows(here, Acceptance) == []


def test_who_is_leaving_does_not_go_on(here, person, publish, clock) -> None:
    """Somebody whose account is closing looks in to leave, and that is no acceptance."""
    account = person()
    row = publish(40)
    with here.db.write() as session:
        session.get_one(Account, account.id).state = "closing"
    clock.now = row.effective_at + timedelta(days=1)
    signed_in(here, account)
    assert rows(here, Acceptance) == []


def test_many_requests_at_once_accept_once(here, person, publish, clock) -> None:
    """Ten requests in the same moment record one acceptance, and none of them fails."""
    account = person()
    row = publish(40)
    clock.now = row.effective_at - timedelta(hours=1)
    secret = signed_in(here, account)
    clock.now = row.effective_at + timedelta(hours=1)
    with ThreadPoolExecutor(10) as pool:
        seen = list(pool.map(lambda _: sessions.visitor(here, secret, clock()).account_id, range(10)))
    assert set(seen) == {account.id}
    assert len(rows(here, Acceptance)) == 1


def test_old_versions_stay_readable_as_they_were(here, publish, clock) -> None:
    """Every published version has its own address for ever; the one in force follows the days."""
    row = publish(40)
    with here.db.read() as session:
        assert versions.in_force(session, clock()).version == "2026-09-01"
        assert versions.coming(session, clock()).version == row.version
    clock.now = row.effective_at
    with here.db.read() as session:
        assert versions.in_force(session, clock()).version == row.version
        assert versions.coming(session, clock()) is None
        assert versions.text_of(versions.version(session, "2026-09-01")) == here.policies.text("2026-09-01")
        assert [each.version for each in versions.published(session)] == [row.version, "2026-09-01"]
        assert versions.version(session, "2026-09-01").text_hash == here.policies.text("2026-09-01").hash
        with pytest.raises(NotFound, match="no version of the policy"):
            versions.version(session, "1999-01-01")


def test_reach_counts_what_is_there(here, person, publish, clock) -> None:
    """Legal's figures are the rows: how many were told, how many went on."""
    people = [person(f"Person{number}") for number in range(3)]
    row = publish(40)
    clock.now = row.effective_at + timedelta(days=1)
    signed_in(here, people[0])
    with here.db.read() as session:
        assert versions.reach(session, row) == (3, 1)


def test_every_coming_version_is_told_of_in_time(here, person, publish, clock) -> None:
    """Of two versions that take effect on following days everybody hears at once, of each as early as the policy says."""
    account = person()
    rows_ = [publish(35), publish(36)]
    notices = {notice.version: notice for notice in rows(here, PolicyNotice)}
    assert set(notices) == {row.version for row in rows_}
    for row in rows_:
        assert row.effective_at - notices[row.version].told_at >= here.policies.limits.policy_notice.span
    clock.now = rows_[1].effective_at + timedelta(hours=1)
    signed_in(here, account)
    assert [accepted.version for accepted in rows(here, Acceptance)] == [rows_[1].version]


def test_who_was_told_late_has_the_whole_time(here, person, publish, clock) -> None:
    """Somebody told ten days before the day has accepted only by going on when the policy's time of notice is over."""
    row = publish(40)
    clock.now = row.effective_at - timedelta(days=10)
    account = person("Ben")
    policy_effect.run(here, "schedule")
    told = clock.now
    clock.now = row.effective_at + timedelta(hours=1)
    signed_in(here, account)
    assert rows(here, Acceptance) == []
    clock.now = told + here.policies.limits.policy_notice.span
    signed_in(here, account)
    assert [accepted.version for accepted in rows(here, Acceptance)] == [row.version]
