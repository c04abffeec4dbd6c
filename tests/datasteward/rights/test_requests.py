"""The state machine of requests: what may follow what, the legal clock, one open request of a kind."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import MetaData, select

from datasteward.audit import log as audit
from datasteward.base import new_id
from datasteward.disposal.models import ObjectDisposal
from datasteward.errors import RequestStateError
from datasteward.rights import requests
from datasteward.rights.models import SubjectRequest


@pytest.fixture
def service(world: Any) -> Any:
    """The toolkit's own tables alone."""
    return world(MetaData())


def ask(service: Any, session: Any, kind: Any = "export", **more: Any) -> SubjectRequest:
    """A request of somebody in Norway."""
    told = {"country": "NO", "now": service.clock(), **more}
    return requests.ask(session, service.steward.policies, told.pop("subject", "ines"), kind, **told)


def test_the_answer_is_due_a_calendar_month_later(service: Any) -> None:
    """Asked on 31 January, the last day is 28 February: the period is one of calendar months (GDPR 12(3))."""
    with service.write() as session:
        asked = ask(service, session, now=datetime(2026, 1, 31, 10, tzinfo=UTC))
    assert asked.answer_by == datetime(2026, 2, 28, 10, tzinfo=UTC)


def test_only_one_request_of_a_kind_is_open(service: Any) -> None:
    """A second archive is refused while one is made, an erasure is not, and nobody else is kept back."""
    with service.write() as session:
        ask(service, session)
        ask(service, session, "erasure")
        ask(service, session, subject="other")
    with pytest.raises(RequestStateError, match="being prepared already"), service.write() as session:
        ask(service, session)
    with service.write() as session:
        assert len(audit.entries(session, acts=["rights.export.asked"])) == 2


def test_only_the_moves_that_are_listed_are_made(service: Any) -> None:
    """From every state, exactly the listed states follow."""
    now = service.clock()
    acts = {
        "running": lambda s, r: requests.begin(s, r),
        "blocked": lambda s, r: requests.block(s, r, now=now),
        "cancelled": lambda s, r: requests.cancel(s, r, actor="ines", now=now),
        "failed": lambda s, r: requests.fail(s, r, "It broke.", now=now),
        "done": lambda s, r: requests.finish(s, r, now=now, result={}),
        "ready": lambda s, r: requests.make_ready(s, r, archive="a/b", size=1, until=now, now=now, result={}),
    }
    with service.write() as session:
        for before, after in itertools.product(requests.MOVES, acts):
            if (before, after) == ("blocked", "blocked"):
                continue  # said once and for all, see block
            request = ask(service, session, subject=new_id())
            request.state = before
            if after in requests.MOVES[before]:
                acts[after](session, request)
                assert request.state == after
            else:
                with pytest.raises(RequestStateError):
                    acts[after](session, request)


def test_what_broke_is_closed_until_it_is_run_again(service: Any) -> None:
    """A failed request has an end from which its period runs; taken up again it is open."""
    now = service.clock()
    with service.write() as session:
        request = ask(service, session)
        requests.fail(session, request, "It broke.", now=now)
        assert request.closed_at == now
        requests.begin(session, request)
        assert request.closed_at is None


def test_an_archive_expires_and_its_bytes_go_into_the_outbox(service: Any) -> None:
    """Until its time an archive can be fetched; after it never, and the object is promised to be destroyed."""
    now = service.clock()
    with service.write() as session:
        request = ask(service, session)
        requests.begin(session, request)
        requests.make_ready(
            session, request, archive="archive/x", size=9, until=now + timedelta(days=7), now=now, result={}
        )
        assert requests.archive_of(request, now=now + timedelta(days=6)) == "archive/x"
        requests.downloaded(session, request, now=now + timedelta(days=6))
        with pytest.raises(RequestStateError, match="expired"):
            requests.archive_of(request, now=now + timedelta(days=7))
        assert requests.expired(session, now + timedelta(days=6)) == []
        for over in requests.expired(session, now + timedelta(days=7)):
            requests.expire(session, over, now=now)
        assert session.scalars(select(ObjectDisposal.key)).all() == ["archive/x"]
        assert (request.state, request.archive) == ("done", None)
        acts = [entry.act.rsplit(".", 1)[1] for entry in audit.entries(session)]
    assert acts == ["expired", "downloaded", "ready", "asked"]


def test_due_are_erasures_whose_wait_is_over(service: Any) -> None:
    """Waiting, cut-off and blocked erasures whose time has come are due; cancelled and future ones are not."""
    now, made = service.clock(), {}
    with service.write() as session:
        for state in requests.MOVES:
            made[state] = ask(service, session, "erasure", subject=new_id())
            made[state].state = state
        ask(service, session, "erasure", subject=new_id(), run_after=now + timedelta(days=1))
        session.flush()
        assert {request.state for request in requests.due(session, now)} == {"waiting", "running", "blocked"}


def test_hurrying_only_helps_what_waits(service: Any) -> None:
    """An erasure that waits is carried out now when asked; one that runs cannot be hurried."""
    now = service.clock()
    with service.write() as session:
        request = ask(service, session, "erasure", run_after=now + timedelta(days=7))
        requests.hurry(session, request, now=now)
        assert requests.due(session, now) == [request]
        requests.begin(session, request)
        with pytest.raises(RequestStateError):
            requests.hurry(session, request, now=now)
