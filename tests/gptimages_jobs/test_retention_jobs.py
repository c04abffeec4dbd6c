"""The jobs that carry out retention and destroy objects, done by the real worker on each kind of database."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest
from sqlalchemy import event, func, select
from support.buckets import silent

from datasteward.base import new_id
from datasteward.disposal.disposal import promise_object
from datasteward.disposal.models import ObjectDisposal
from datasteward.errors import ObjectStoreError
from datasteward.objects import EncryptedObjects
from datasteward.retention import plans, states
from gptimages.accounts import people
from gptimages.activity.models import UsageEvent
from gptimages.installation import Installation
from gptimages.queue import queue
from gptimages.queue.models import Job
from gptimages_jobs import disposal, retention
from gptimages_jobs.errors import JobError, TryAgain
from gptimages_jobs.scheduler import REF
from gptimages_jobs.worker import Worker


def old_use(here: Installation, events: int) -> None:
    """Usage events of long ago, of somebody."""
    now = here.clock()
    with here.db.write() as session:
        ada = people.create(
            session, here, name="Ada Berg", email="ada@people.example", country="NO", minimum_age=13, now=now
        )
        session.flush()
        at = now - timedelta(days=500)
        session.add_all(UsageEvent(id=new_id(), account_id=ada.id, kind="run", created_at=at) for _ in range(events))


def work(here: Installation) -> int:
    """Does what waits."""
    return Worker(here, {"retention": retention.run, "disposal": disposal.run}).run_due()


def promise(here: Installation, kind: str, ref: str) -> None:
    """Promises a job."""
    with here.db.write() as session:
        queue.promise(session, kind, ref, now=here.clock())


def state(here: Installation, kind: str) -> tuple[str, str | None]:
    """The state and the problem of the newest job of that kind."""
    with here.db.read() as session:
        job = session.scalars(select(Job).where(Job.kind == kind).order_by(Job.created_at.desc()).limit(1)).one()
    return job.state, job.problem


def test_a_store_that_does_not_answer_is_asked_before_anybody_is_kept_from_writing(
    any_here: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Disposal asks it once outside its transaction and tries again later: no attempt is even counted."""
    with any_here.db.write() as session:
        promise_object(session, "image/a", now=any_here.clock())
    with silent(monkeypatch) as bucket:
        silence = EncryptedObjects(bucket, any_here.vault)
        there = replace(any_here, steward=replace(any_here.steward, objects=silence))
        with pytest.raises(TryAgain, match="does not answer"):
            disposal.run(there, "tests")
    with any_here.db.read() as session:
        assert session.scalars(select(ObjectDisposal.attempts)).all() == [0]


def test_the_schedule_plans_and_carries_out(any_here: Installation) -> None:
    """One job of the schedule makes a plan, applies it and has the objects destroyed."""
    old_use(any_here, 5)
    promise(any_here, "retention", REF)
    assert work(any_here) == 2
    assert state(any_here, "retention") == state(any_here, "disposal") == ("done", None)
    with any_here.db.read() as session:
        assert session.scalar(select(func.count()).select_from(UsageEvent)) == 0
        (row,) = plans.newest(session)
    assert (row.state, row.made_by, row.applied_by) == ("applied", "retention", "retention")


def test_each_night_interrupted_uploads_go(here: Installation) -> None:
    """What a killed process left in the object store does not wait for the next start."""
    here.vault.create("ada")
    here.objects.put("ada", "image/kept", [b"x"])
    left = here.settings.data / "objects" / "00" / f"{'0' * 32}+part"
    left.write_bytes(b"half a picture")
    promise(here, "retention", REF)
    work(here)
    assert not left.exists()
    assert list(here.objects.keys()) == ["image/kept"]


def test_a_plan_above_the_cap_stays_open_and_the_job_says_so(any_here: Installation) -> None:
    """What would take more than a run may is left for a person, with the sentence beside the job."""
    old_use(any_here, 3)
    policies = any_here.policies
    most = msgspec.structs.replace(policies.limits.retention_most_per_run, value=2)
    limits = msgspec.structs.replace(policies.limits, retention_most_per_run=most)
    steward = replace(any_here.steward, policies=msgspec.structs.replace(policies, limits=limits))
    capped = replace(any_here, steward=steward)
    promise(capped, "retention", REF)
    work(capped)
    told, problem = state(capped, "retention")
    assert told == "failed"
    assert problem is not None
    assert "somebody else has to approve it first" in problem
    with capped.db.read() as session:
        (row,) = plans.newest(session)
        assert session.scalar(select(func.count()).select_from(UsageEvent)) == 3
    assert row.state == "open"


def test_a_job_that_is_done_twice_does_nothing_the_second_time(any_here: Installation) -> None:
    """A plan that was carried out is not carried out again by a job that was delivered twice."""
    old_use(any_here, 2)
    with any_here.db.write() as session:
        made = plans.make(session, any_here.steward, by="tests", now=any_here.clock())
    for _ in range(2):
        promise(any_here, "retention", made.id)
    work(any_here)
    with any_here.db.read() as session:
        jobs = session.scalars(select(Job).where(Job.kind == "retention")).all()
        assert plans.row(session, made.id).state == "applied"
    assert [job.state for job in jobs] == ["done", "done"]


def test_a_refused_run_does_not_keep_the_night_from_its_own(any_here: Installation) -> None:
    """A plan that was cut off and does not hold any more fails the job, after the new plan was carried out."""
    old_use(any_here, 2)
    with any_here.db.write() as session:
        made = plans.make(session, any_here.steward, by="tests", now=any_here.clock())
        stored = plans.row(session, made.id)
        stored.state, stored.body = states.RUNNING, {**stored.body, "policy_hash": "another"}
    promise(any_here, "retention", REF)
    work(any_here)
    told, problem = state(any_here, "retention")
    assert (told, problem and "policies have changed" in problem) == ("failed", True)
    with any_here.db.read() as session:
        assert session.scalar(select(func.count()).select_from(UsageEvent)) == 0
        assert {row.state for row in plans.newest(session)} == {"applied", "refused"}


def test_objects_that_cannot_be_destroyed_are_tried_again(any_here: Installation) -> None:
    """While the store fails the job is put back; when it is back, the outbox empties."""

    class Failing(EncryptedObjects):
        def delete(self, key: str) -> bool:
            raise ObjectStoreError("The object store fails.")

    with any_here.db.write() as session:
        promise_object(session, "nobody/picture", now=any_here.clock())
    failing = Failing(any_here.objects.stored, any_here.vault)
    away = replace(any_here, steward=replace(any_here.steward, objects=failing))
    promise(away, "disposal", "tests")
    work(away)
    told, problem = state(away, "disposal")
    assert told == "queued"
    assert problem == "Some objects could not be destroyed yet; it is tried again."
    any_here.clock.move(minutes=6)  # type: ignore[attr-defined]
    work(any_here)
    assert state(any_here, "disposal")[0] == "done"
    with any_here.db.read() as session:
        assert session.scalar(select(func.count()).select_from(ObjectDisposal)) == 0


def test_jobs_that_ended_long_ago_go(any_here: Installation, clock) -> None:
    """Done and failed jobs go when the period of policies/retention.yaml is over; what waits or ended later stays."""

    def fail(_here: Installation, _ref: str) -> None:
        raise JobError("It broke.")

    worker = Worker(any_here, {"good": lambda _here, _ref: None, "bad": fail})
    for kind in ("good", "bad", "unknown"):
        promise(any_here, kind, "old")
    assert worker.run_due() == 2
    period = any_here.policies.retention_for("system.operations.job").period
    assert period is not None
    clock.now = period.after(clock.now) - timedelta(minutes=1)
    promise(any_here, "good", "new")
    assert worker.run_due() == 1
    promise(any_here, "retention", REF)
    work(any_here)
    assert left(any_here) == {("bad", "old"), ("good", "old"), ("good", "new"), ("unknown", "old")}
    clock.move(minutes=2)
    promise(any_here, "retention", REF)
    work(any_here)
    assert left(any_here) == {("good", "new"), ("unknown", "old")}


def left(here: Installation) -> set[tuple[str, str]]:
    """Kind and row of every job but those of retention itself."""
    with here.db.read() as session:
        rows = session.execute(select(Job.kind, Job.ref).where(Job.kind.not_in(("retention", "disposal")))).all()
    return {(kind, ref) for kind, ref in rows}


def test_a_disposal_with_nothing_to_destroy_leaves_the_key_store_alone(here: Installation) -> None:
    """Tidying up after destroyed keys takes time and memory, and there are many disposals: one for each picture."""
    said: list[str] = []
    event.listen(here.vault._store.engine, "before_cursor_execute", lambda *given: said.append(given[2]))
    here.vault.create("ada")
    with here.db.write() as session:
        promise_object(session, "image/a", now=here.clock())
    disposal.run(here, "tests")
    assert not any("VACUUM" in each for each in said)
    assert said
