"""The operator's console: a plan from the click to its result, over real HTTP, and who may do what."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update
from support.consoles import Consoles

from datasteward.audit import log as audit
from datasteward.retention import holds, plans, states
from datasteward.retention.scope import Scope
from datasteward.rights import requests
from gptimages.accounts.models import WebSession
from gptimages.activity.models import UsageEvent
from gptimages.queue import queue


def left(consoles: Consoles) -> int:
    """How many usage events there are."""
    with consoles.here.db.read() as session:
        return session.scalar(select(func.count()).select_from(UsageEvent)) or 0


def test_a_plan_is_made_looked_at_and_run(consoles: Consoles) -> None:
    """The way through the pages: make, look, confirm in numbers, run in the background, see the result."""
    consoles.old_use(consoles.make("Ada Berg"), 3)
    operator = consoles.browser("operator")
    made = operator.post("/operations/retention")
    assert made.status_code == 303
    address = made.headers["location"]
    page = operator.get(address).text
    assert "This plan would take 3 things" in page
    assert "of 1 person" in page
    assert "Usage events" in page
    assert "Can it be undone?" in page
    assert "Take 3 things for good?" in operator.get(address + "/run").text
    assert left(consoles) == 3
    assert operator.post(address + "/run").headers["location"] == address
    assert "About to begin" in operator.get(address).text
    assert consoles.work() == 2
    page = operator.get(address).text
    assert "This plan took 3 things" in page
    assert left(consoles) == 0
    with consoles.here.db.read() as session:
        acts = [entry.act for entry in audit.entries(session)]
    assert acts[:3] == ["retention.applied", "retention.ordered", "retention.planned"]
    assert operator.post(address + "/run").status_code == 409
    assert "Carried out" in operator.get("/operations/retention").text
    assert "retention" in operator.get("/operations").text


def test_held_things_show_and_stay(consoles: Consoles) -> None:
    """A hold that compliance places shows in the operator's plan and survives its run."""
    ada = consoles.make("Ada Berg")
    consoles.old_use(ada, 2)
    consoles.old_use(consoles.make("Ben Dahl"), 1)
    officer = consoles.browser("compliance", name="Tom Officer")
    review = (consoles.here.clock() + timedelta(days=20)).date().isoformat()
    placed = officer.post("/compliance/holds", data={"account": ada.id, "file": "24-117", "review": review})
    assert placed.status_code == 303
    operator = consoles.browser("operator")
    address = operator.post("/operations/retention").headers["location"]
    assert "2 things that are due stay" in operator.get(address).text
    operator.post(address + "/run")
    consoles.work()
    assert left(consoles) == 2


def test_what_no_longer_holds_is_said(consoles: Consoles) -> None:
    """When more would go by now, ordering the plan is refused with a sentence; nothing goes."""
    ada = consoles.make("Ada Berg")
    consoles.old_use(ada, 1)
    operator = consoles.browser("operator")
    address = operator.post("/operations/retention").headers["location"]
    consoles.old_use(ada, 1)
    answer = operator.post(address + "/run")
    assert answer.status_code == 409
    assert "the plan names 1" in answer.text
    assert left(consoles) == 2


def test_a_run_that_was_cut_off_is_taken_up_by_the_schedule(consoles: Consoles) -> None:
    """The nightly job first ends what was left half-way, then plans and carries out what is due by now."""
    here = consoles.here
    consoles.old_use(consoles.make("Ada Berg"), 2)
    with here.db.write() as session:
        half = plans.make(session, here.steward, by="tests", now=here.clock())
        plans.row(session, half.id).state = states.RUNNING
        queue.promise(session, "retention", "schedule", now=here.clock())
    consoles.work()
    assert left(consoles) == 0
    with here.db.read() as session:
        assert [row.state for row in plans.newest(session)] == ["applied", "applied"]


@pytest.mark.parametrize("path", ["/operations", "/operations/retention", "/compliance/holds", "/compliance/audit"])
def test_an_end_user_sees_no_console(consoles: Consoles, path: str) -> None:
    """Without the role the pages are not open."""
    assert consoles.browser(name="End User").get(path).status_code == 403


def test_each_console_is_for_its_role(consoles: Consoles) -> None:
    """An operator places no hold, and compliance runs no plan."""
    operator, officer = consoles.browser("operator"), consoles.browser("compliance", name="Tom Officer")
    assert operator.post("/compliance/holds", data={}).status_code == 403
    assert officer.post("/operations/retention").status_code == 403
    assert officer.post("/operations/retention/any/run").status_code == 403


def test_the_api_makes_shows_and_applies_a_plan(consoles: Consoles) -> None:
    """The same acts as JSON."""
    consoles.old_use(consoles.make("Ada Berg"), 4)
    operator = consoles.browser("operator")
    made = operator.post("/api/v1/retention/plans")
    assert made.status_code == 201
    plan = made.json()
    assert (plan["state"], plan["due"], plan["rows"]) == ("open", 4, 4)
    address = f"/api/v1/retention/plans/{plan['plan']['id']}"
    assert operator.post(address + "/apply").status_code == 202
    consoles.work()
    told = operator.get(address).json()
    assert (told["state"], told["result"]["deeds"]) == ("applied", {"deleted": {"usage_event": 4}})
    assert [each["plan"]["id"] for each in operator.get("/api/v1/retention/plans").json()] == [plan["plan"]["id"]]
    assert operator.get("/api/v1/retention/plans/none").status_code == 404
    assert operator.post("/api/v1/retention/plans/none/apply").status_code == 404
    again = operator.post(address + "/apply")
    assert again.status_code == 409
    assert "carried out before" in again.json()["detail"]


def test_a_plan_above_the_cap_is_let_pass_by_one_and_run_by_another(capped: Consoles) -> None:
    """The operator who made it cannot run it; compliance approves it on its page; then the operator runs it."""
    capped.old_use(capped.make("Ada Berg"), 3)
    operator, officer = capped.browser("operator"), capped.browser("compliance", name="Tom Officer")
    address = operator.post("/operations/retention").headers["location"]
    plan_id = address.rpartition("/")[2]
    assert "It waits for a second person" in operator.get(address).text
    refused = operator.post(address + "/run")
    assert refused.status_code == 409
    assert "somebody else has to approve it first" in refused.text
    assert f"/compliance/retention/{plan_id}" in officer.get("/compliance").text
    page = officer.get(f"/compliance/retention/{plan_id}").text
    assert "Let 3 things go for good?" in page
    assert "Let it pass" in page
    assert operator.post(f"/compliance/retention/{plan_id}").status_code == 403
    assert officer.post(f"/compliance/retention/{plan_id}").status_code == 303
    assert "The plan may be carried out" in officer.get(f"/compliance/retention/{plan_id}").text
    assert f"/compliance/retention/{plan_id}" not in officer.get("/compliance").text
    assert operator.post(address + "/run").status_code == 303
    capped.work()
    assert left(capped) == 0
    assert "Approved" in operator.get(address).text
    assert "The plan was carried out" in officer.get(f"/compliance/retention/{plan_id}").text
    assert operator.get(address + "/certificate").json()["approved_by"] is not None


def test_nobody_is_both_persons(capped: Consoles) -> None:
    """Somebody with both roles approves no plan of their own, and runs none that they approved."""
    capped.old_use(capped.make("Ada Berg"), 3)
    both, operator = capped.browser("operator", "compliance", name="Bo Both"), capped.browser("operator")
    own = both.post("/operations/retention").headers["location"].rpartition("/")[2]
    answer = both.post(f"/compliance/retention/{own}")
    assert answer.status_code == 409
    assert "Who made a plan does not approve it" in answer.text
    other = operator.post("/operations/retention").headers["location"]
    assert both.post(f"/compliance/retention/{other.rpartition('/')[2]}").status_code == 303
    answer = both.post(other + "/run")
    assert answer.status_code == 409
    assert "Who approved this plan does not carry it out" in answer.text
    assert left(capped) == 3


def test_the_api_tells_of_the_second_person_and_gives_the_certificate(capped: Consoles) -> None:
    """As JSON: why a plan waits, who may approve it, who did, and after the run its certificate."""
    capped.old_use(capped.make("Ada Berg"), 3)
    operator, officer = capped.browser("operator"), capped.browser("compliance", name="Tom Officer")
    made = operator.post("/api/v1/retention/plans").json()
    assert "somebody else has to approve it first" in made["needs_approval"]
    assert made["approved_by"] is None
    address = f"/api/v1/retention/plans/{made['plan']['id']}"
    assert operator.post(address + "/apply").status_code == 409
    assert operator.post(address + "/approve").status_code == 403
    assert operator.get(address + "/certificate").status_code == 404
    assert officer.post("/api/v1/retention/plans/none/approve").status_code == 404
    approved = officer.post(address + "/approve")
    assert approved.status_code == 200
    assert approved.json()["needs_approval"] is None
    assert approved.json()["approved_by"] is not None
    assert operator.post(address + "/apply").status_code == 202
    assert officer.post(address + "/approve").status_code == 409
    capped.work()
    certificate = operator.get(address + "/certificate").json()
    assert certificate["plan"] == made["plan"]["id"]
    assert certificate["approved_by"] == approved.json()["approved_by"]
    assert [(line["table"], line["rows"], line["left"]) for line in certificate["lines"]] == [("usage_event", 3, 0)]


def test_opening_a_hold_is_written_down(consoles: Consoles) -> None:
    """The file is read on the hold's own page, and that it was opened is in the log, with whose it is."""
    ada = consoles.make("Ada Berg")
    with consoles.here.db.write() as session:
        later = consoles.here.clock() + timedelta(days=9)
        here, scope = consoles.here, Scope(subject=ada.id)
        hold = holds.place(session, here.steward, scope, "secret-7", review_at=later, by="tests", now=here.clock())
    officer = consoles.browser("compliance", name="Tom Officer")
    assert "secret-7" not in officer.get("/compliance/holds").text
    assert "secret-7" in officer.get(f"/compliance/holds/{hold.id}").text
    with consoles.here.db.read() as session:
        (entry,) = audit.entries(session, acts=["hold.viewed"])
    assert entry.subject_id == ada.id
    assert officer.post(f"/compliance/holds/{hold.id}/lift").status_code == 303
    assert officer.post(f"/compliance/holds/{hold.id}/lift").status_code == 409
    assert officer.get("/compliance/holds/none").status_code == 404


def test_lifting_a_hold_wants_a_fresh_sign_in(consoles: Consoles, clock: Any) -> None:
    """It lets go what cannot be had back: whoever signed in long ago signs in again first."""
    officer = consoles.browser("compliance", name="Tom Officer")
    clock.now += consoles.here.policies.limits.session_fresh.span + timedelta(minutes=1)
    with consoles.here.db.write() as session:
        session.execute(update(WebSession).values(last_seen_at=clock()))
    assert "again=1" in officer.get("/compliance/holds/any/lift").headers["location"]
    assert officer.post("/compliance/holds/any/lift").status_code == 401


def test_a_plan_that_is_not_there_is_not_found(consoles: Consoles) -> None:
    """On its page and as its certificate."""
    operator = consoles.browser("operator", name="Ola Operator")
    for page in ("none", "none/certificate"):
        assert operator.get(f"/operations/retention/{page}").status_code == 404


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"table": "usage_event", "since": "2026-01-01", "before": "2026-06-01"}, "usage_event"),
        ({"category": "user.behavior"}, "user.behavior"),
        ({"since": "2020-01-01"}, "1 January 2020"),
    ],
)
def test_an_officer_says_what_is_held(consoles: Consoles, asked: dict[str, str], told: str) -> None:
    """A table, a category, a time range: the list and the hold's own page say what is held, and nothing else is empty."""
    officer = consoles.browser("compliance", name="Tom Officer")
    form = {"file": "24-117", "review": "2030-01-01", "account": "", "table": "", "rows": ""} | asked
    assert officer.post("/compliance/holds", data=form).status_code == 303
    assert told in officer.get("/compliance/holds").text
    with consoles.here.db.read() as session:
        (hold,) = holds.active(session)
    assert hold.subject_id is None
    assert told in officer.get(f"/compliance/holds/{hold.id}").text
    assert officer.get("/api/v1/holds").json()[0]["table"] == asked.get("table")


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"account": "nobody"}, 404),
        ({"file": " "}, 400),
        ({"review": "soon"}, 400),
        ({"review": "2020-01-01"}, 400),
        ({"table": "none"}, 400),
        ({"account": ""}, 400),
        ({"since": "1 May"}, 400),
    ],
)
def test_a_bad_hold_is_refused(consoles: Consoles, change: dict[str, str], status: int) -> None:
    """An unknown account, no file, no day or a day in the past: each a sentence, and no hold."""
    form = {"account": consoles.make("Ada Berg").id, "file": "24-117", "review": "2030-01-01"} | change
    assert consoles.browser("compliance", name="Tom Officer").post("/compliance/holds", data=form).status_code == status
    with consoles.here.db.read() as session:
        assert holds.active(session) == []


def test_the_log_is_shown_narrowed_and_verified(consoles: Consoles) -> None:
    """The audit page shows entries by act and recomputes the chain when asked."""
    officer = consoles.browser("compliance", name="Tom Officer")
    assert "session.begun" in officer.get("/compliance/audit").text
    assert "No such entry" in officer.get("/compliance/audit?act=no.such").text
    assert "unchanged" in officer.get("/compliance/audit?verify=true").text


def test_requests_stand_with_their_clocks(consoles: Consoles) -> None:
    """An erasure that somebody asked for stands among the open requests, and opening it is written down."""
    ada, here = consoles.make("Ada Berg"), consoles.here
    with here.db.write() as session:
        asked = requests.ask(session, here.policies, ada.id, "erasure", country="NO", now=here.clock())
    officer = consoles.browser("compliance", name="Tom Officer")
    page = officer.get("/compliance/requests").text
    assert "1 request is open" in page
    assert "GDPR Art. 17" in page
    assert "left" in officer.get(f"/compliance/requests/{asked.id}").text
    with here.db.read() as session:
        (entry,) = audit.entries(session, acts=["request.viewed"])
    assert entry.subject_id == ada.id
    assert officer.get("/compliance/requests/none").status_code == 404
