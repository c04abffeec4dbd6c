"""What a job may see: data that a person has closed to its purpose is left as it is, and taken up when it is open again."""

from __future__ import annotations

from email.message import EmailMessage

import pytest
from sqlalchemy import select
from support.engines import PlainEngine

from datasteward.consent import records as consent
from datasteward.consent import restriction
from datasteward.errors import PurposeError
from datasteward.policy import PolicySet
from gptimages.accounts.models import Account
from gptimages.installation import Installation
from gptimages.messaging.models import MailMessage
from gptimages.messaging.outbox import write_mail
from gptimages.queue.models import Job
from gptimages.studio import asking
from gptimages.studio.facts import EngineFacts
from gptimages.studio.models import Generation, Image
from gptimages.studio.progress import Hub
from gptimages.studio.wish import Wish
from gptimages_jobs.generate import STORED_SECONDS, Generate
from gptimages_jobs.mail import Mail
from gptimages_jobs.worker import Worker


@pytest.fixture
def here(any_here: Installation) -> Installation:
    """Both databases."""
    return any_here


class Post:
    """A transport that keeps what was sent, by its subject."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    def send(self, message: EmailMessage) -> None:
        """Keeps it."""
        self.sent.append(message["subject"])


def restrict(here: Installation, account: Account) -> None:
    """The person's data is only stored from now on."""
    with here.db.write() as session:
        restriction.restrict(session, account.id, "accuracy", by=account.id, now=here.clock())


def lift(here: Installation, account: Account) -> None:
    """The person's data may be used again."""
    with here.db.write() as session:
        restriction.lift(session, account.id, by="tests", now=here.clock())


def write(here: Installation, account: Account, kind: str) -> None:
    """A mail of that kind, whose subject is the kind."""
    with here.db.write() as session:
        write_mail(session, here, account.id, kind=kind, subject=kind, body="Words.", now=here.clock())


def state(here: Installation, kind: str) -> tuple[str, int]:
    """How the mail of that kind stands, and how often it was begun."""
    with here.db.read() as session:
        mail = session.scalars(select(MailMessage).where(MailMessage.kind == kind)).one()
        return mail.state, mail.attempts


def test_mail_to_a_restricted_person_waits_and_is_not_given_up(here, person, clock) -> None:
    """It is not begun, however often the job runs; other people's goes, and when the restriction is lifted theirs too."""
    ines, post = person("Ines"), Post()
    write(here, ines, "policy")
    write(here, person("Tomas"), "sign-in")
    restrict(here, ines)
    for _ in range(here.policies.limits.mail_attempts.value + 2):
        Mail(post).run(here, "schedule")
        clock.move(days=1)
    assert post.sent == ["sign-in"]
    assert state(here, "policy") == ("waiting", 0)
    lift(here, ines)
    Mail(post).run(here, "schedule")
    assert post.sent == ["sign-in", "policy"]


@pytest.mark.parametrize("kind", ["archive", "erasure", "support"])
def test_what_a_restricted_person_asked_for_is_told_by_mail(here, person, kind: str) -> None:
    """Mail about the person's own request or question goes out despite the restriction (GDPR Art. 12(3), 18(2))."""
    ines, post = person(), Post()
    write(here, ines, kind)
    restrict(here, ines)
    Mail(post).run(here, "schedule")
    assert post.sent == [kind]


def ask(here: Installation, account: Account) -> str:
    """A run that was asked for."""
    return asking.ask(here, EngineFacts.of(PlainEngine()), account.id, Wish("One heron", count=1), ())


def test_a_run_of_a_restricted_person_waits_for_the_restriction_to_be_lifted(here, person, clock) -> None:
    """No word of it reaches the engine meanwhile, its job does not fail, and afterwards its picture is made."""
    ines, engine = person(), PlainEngine()
    run_id = ask(here, ines)
    restrict(here, ines)
    works = Worker(here, {"generate": Generate(engine, Hub()).run})
    assert works.run_due() == 1
    assert engine.requests == []
    with here.db.read() as session:
        assert session.get_one(Generation, run_id).state == "queued"
        assert [job.state for job in session.scalars(select(Job).where(Job.kind == "generate"))] == ["queued"]
    lift(here, ines)
    clock.move(seconds=STORED_SECONDS + 1)
    assert works.run_due() == 1
    with here.db.read() as session:
        assert session.get_one(Generation, run_id).state == "done"


def test_a_run_whose_person_restricts_it_half_way_waits_too(here, person) -> None:
    """A restriction that comes in while the engine works: the picture is not written down, and the job is put back."""
    ines = person()
    engine = PlainEngine(lambda _: restrict(here, ines))
    run_id = ask(here, ines)
    assert Worker(here, {"generate": Generate(engine, Hub()).run}).run_due() == 1
    with here.db.read() as session:
        assert session.scalars(select(Image)).all() == []
        assert session.get_one(Generation, run_id).state == "running"
        (job,) = session.scalars(select(Job).where(Job.kind == "generate"))
    assert job.state == "queued"


def test_history_of_a_restricted_person_is_not_there_to_run_the_service(here, person) -> None:
    """A session of `deliver` has the runs of others and none of theirs; one of `law` has both."""
    ines, tomas = person("Ines"), person("Tomas")
    for account in (ines, tomas):
        ask(here, account)
    restrict(here, ines)
    with here.reading("deliver", "tests") as session:
        assert set(session.scalars(select(Generation.account_id))) == {tomas.id}
    with here.reading("law", "tests") as session:
        assert set(session.scalars(select(Generation.account_id))) == {ines.id, tomas.id}


def test_no_objection_stops_an_answer(here, person) -> None:
    """Whatever a person objects to, a session of `support` and one of `law` still have them."""
    ines = person()
    with here.db.write() as session:
        for purpose in objectable(here.policies):
            consent.answer(session, ines.id, purpose, "objection", True, "tests", here.policies, here.clock())
    for purpose in ("support", "law"):
        with here.reading(purpose, "tests") as session:
            assert session.scalar(select(Account.id)) == ines.id


def objectable(policies: PolicySet) -> list[str]:
    """What a person may object to."""
    return [purpose.id for purpose in policies.purposes.values() if purpose.objectable]


def test_a_job_for_mail_sees_no_pictures_and_one_for_pictures_no_address(here) -> None:
    """What a purpose does not cover is refused to its job, not merely unused."""
    with here.reading("communicate", "tests") as session, pytest.raises(PurposeError, match=r"user\.content"):
        session.scalars(select(Generation)).all()
    with here.reading("generate", "tests") as session, pytest.raises(PurposeError, match=r"user\.contact\.email"):
        session.scalars(select(Account.email)).all()
