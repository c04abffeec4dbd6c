"""A plan does what it says and no more, and nothing when something has moved beneath it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from support.audits import audited, carried_out, picture, state

from datasteward.errors import StalePlan
from datasteward.retention import holds, orphans
from datasteward.retention.orphans import Bare, Mending
from datasteward.retention.scope import Scope
from gptimages.installation import Installation
from gptimages.studio import pending
from gptimages.studio.keys import picture_key
from gptimages.studio.models import Image


def test_what_was_planned_and_no_more_is_done(here: Installation, ines: str) -> None:
    """A stray object that came after the plan stays for the next one."""
    here.objects.put(ines, "image/stray", [b"x"])
    plan = audited(here)
    here.objects.put(ines, "image/another", [b"x"])
    carried_out(here, plan)
    assert state(here)[2] == ["image/stray"]


def test_a_hold_keeps_a_row_without_its_object(here: Installation, ines: str) -> None:
    """It is counted, and stays until the hold is lifted; a hold that comes after the plan makes it stale."""
    here.objects.delete(picture_key("picture0"))
    plan = audited(here)
    assert len(plan.rows) == 1
    with here.db.write() as session:
        who, now = Scope(subject=ines), here.clock()
        holds.place(session, here.steward, who, "24-117", review_at=now + timedelta(days=9), by="staff", now=now)
    found = audited(here)
    assert (found.rows, found.held) == ((), 1)
    with pytest.raises(StalePlan, match="A row of this plan is gone, changed, held"):
        carried_out(here, plan)


def _replaced(here: Installation, person: str) -> None:
    here.objects.put(person, "image/stray", [b"another"])


def _claimed(here: Installation, _person: str) -> None:
    with here.db.write() as session:
        session.get_one(Image, "picture0").thumbnail = "image/stray"


def _destroyed(here: Installation, _person: str) -> None:
    here.objects.delete("image/stray")


def _restored(here: Installation, person: str) -> None:
    here.objects.put(person, picture_key("picture1"), [b"picture1"])


def _deleted(here: Installation, _person: str) -> None:
    with here.db.write() as session:
        session.delete(session.get_one(Image, "picture1"))


@pytest.mark.parametrize("meanwhile", [_replaced, _claimed, _destroyed, _restored, _deleted])
def test_a_stale_plan_changes_nothing(
    here: Installation, ines: str, meanwhile: Callable[[Installation, str], None]
) -> None:
    """Whatever moved beneath the plan, all of it is refused."""
    here.objects.put(ines, "image/stray", [b"x"])
    here.objects.delete(picture_key("picture1"))
    plan = audited(here)
    meanwhile(here, ines)
    before = state(here)
    with pytest.raises(StalePlan, match="make a new plan"):
        carried_out(here, plan)
    assert state(here) == before


def _announced(here: Installation, _person: str) -> None:
    with here.db.write() as session:
        pending.announce(session, ["image/stray"], now=here.clock())


def _announced_and_stored(here: Installation, person: str) -> None:
    _announced(here, person)
    _replaced(here, person)


def _stored_and_named(here: Installation, person: str) -> None:
    _announced_and_stored(here, person)
    with here.db.write() as session:
        assert pending.settle(session, ["image/stray"])
    _claimed(here, person)


def _held(here: Installation, person: str) -> None:
    now = here.clock()
    with here.db.write() as session:
        until = now + timedelta(days=9)
        holds.place(session, here.steward, Scope(subject=person), "24-117", review_at=until, by="staff", now=now)


@pytest.mark.parametrize("meanwhile", [_claimed, _announced, _announced_and_stored, _stored_and_named, _deleted, _held])
def test_what_comes_after_the_store_was_asked_is_seen(
    here: Installation, ines: str, meanwhile: Callable[[Installation, str], None]
) -> None:
    """Who wants an object has promised or named it, and the transaction sees that; and whatever becomes of the rows."""
    here.objects.put(ines, "image/stray", [b"x"])
    here.objects.delete(picture_key("picture1"))
    plan, before = audited(here), ()

    def between() -> None:
        nonlocal before
        meanwhile(here, ines)
        before = state(here)

    with pytest.raises(StalePlan, match="make a new plan"):
        carried_out(here, plan, between)
    assert state(here) == before


def test_more_than_a_statement_names_is_mended(here: Installation, ines: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some rows at a time, until none of the plan is left."""
    monkeypatch.setattr(orphans, "NAMED", 2)
    with here.db.write() as session:
        session.add_all(picture(here, ines, f"picture{number}", number) for number in range(3, 8))
    for number in range(1, 8):
        here.objects.delete(picture_key(f"picture{number}"))
    carried_out(here, audited(here))
    assert state(here)[0] == ["picture0"]


@pytest.mark.parametrize(
    "edit",
    [
        lambda plan: {"policy_hash": "0" * 64},
        lambda plan: {"database": "0" * 64},
        lambda plan: {"made_at": plan.made_at - timedelta(days=4)},
        lambda plan: {"made_at": plan.made_at + timedelta(days=1)},
        lambda plan: {"objects": (msgspec.structs.replace(plan.objects[0], key=picture_key("picture0")),)},
        lambda plan: {"rows": (Bare("image", "object", picture_key("picture0"), "delete"),)},
        lambda plan: {"rows": (Bare("account", "id", "everybody", "delete"),)},
    ],
)
def test_a_plan_of_another_place_or_time_or_edited_is_refused(
    here: Installation, ines: str, edit: Callable[[Mending], dict[str, Any]]
) -> None:
    """A file cannot name what an audit would not find."""
    here.objects.put(ines, "image/stray", [b"x"])
    plan = audited(here)
    before = state(here)
    with pytest.raises(StalePlan, match="make a new plan"):
        carried_out(here, msgspec.structs.replace(plan, **edit(plan)))
    assert state(here) == before


def test_a_plan_takes_no_more_than_a_run_may(here: Installation, ines: str) -> None:
    """The rest is told and waits for the next plan; a plan of more is refused, whoever wrote the rest into it."""
    for number in range(5):
        here.objects.put(ines, f"image/stray{number}", [b"x"])
    limits = here.policies.limits
    few = msgspec.structs.replace(
        limits, retention_most_per_run=msgspec.structs.replace(limits.retention_most_per_run, value=2)
    )
    policies = msgspec.structs.replace(here.policies, limits=few)
    steward = replace(here.steward, policies=policies)
    with here.db.write() as session:
        plan = orphans.audit(session, steward, now=here.clock())
        assert (len(plan.objects), plan.left) == (2, 3)
        whole = audited(here)
        with pytest.raises(StalePlan, match=r"more than policies/limits.yaml takes at once"):
            orphans.apply(session, steward, whole, orphans.ask(here.objects, whole), by="tests", now=here.clock())
    assert state(here)[2] == []
