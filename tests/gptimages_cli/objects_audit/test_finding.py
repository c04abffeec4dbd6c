"""What an audit finds, and what it leaves alone: copies, the young, the promised, archives, and another's store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete
from sqlalchemy.orm import Session
from support.audits import audited, carried_out

from datasteward.disposal.disposal import promise_object
from datasteward.errors import PlanError
from datasteward.retention.models import RetentionPlan
from datasteward.retention.orphans import Bare
from gptimages.accounts.models import Account
from gptimages.installation import Installation
from gptimages.studio.keys import thumbnail_key
from gptimages.studio.models import Image


def test_an_avatar_that_is_missing_is_cleared(here: Installation, ines: str) -> None:
    """Where a row may do without its object, the key goes and the row stays."""
    with here.db.write() as session:
        account(session, ines).avatar = "avatar/gone"
    plan = audited(here)
    assert plan.rows == (Bare("account", "avatar", "avatar/gone", "clear"),)
    carried_out(here, plan)
    with here.db.read() as session:
        assert account(session, ines).avatar is None


@pytest.mark.usefixtures("ines")
def test_a_missing_thumbnail_costs_nobody_apicture(here: Installation) -> None:
    """It is told, and nothing is to be done."""
    here.objects.delete(thumbnail_key("picture0"))
    plan = audited(here)
    assert (plan.rows, plan.copies) == ((), 1)


def test_the_young_and_the_promised_are_left_alone(here: Installation, ines: str, clock: Any) -> None:
    """An object on its way has no row yet; one that disposal has to destroy is no orphan."""
    here.objects.put(ines, "image/promised", [b"x"])
    with here.db.write() as session:
        promise_object(session, "image/promised", now=here.clock())
    here.objects.put(ines, "image/stray", [b"x"])
    assert [each.key for each in audited(here).objects] == ["image/stray"]
    clock.now = datetime.now(UTC) + timedelta(hours=23)
    plan = audited(here)
    assert (plan.objects, plan.young) == ((), 1)


def test_an_archive_of_retention_is_no_orphan(here: Installation, ines: str) -> None:
    """No row names it in a column: the plan that wrote it does, in its result."""
    here.objects.put(ines, "archive/plan/0.jsonl", [b"x"])
    here.objects.put(ines, "archive/other/0.jsonl", [b"x"])
    kept = {"key": "archive/plan/0.jsonl", "k": 5, "groups": 1, "suppressed": 0}
    done = {"taken": [1], "rows_by_item": [1], "deeds": {}, "archives": {"0": kept}}
    with here.db.write() as session:
        plan = RetentionPlan(id="plan", made_at=here.clock(), made_by="tests", policy_hash="", body={}, due=1)
        plan.result = done
        session.add(plan)
    assert [each.key for each in audited(here).objects] == ["archive/other/0.jsonl"]


def test_what_is_promised_or_archived_does_not_speak_for_a_store(here: Installation, ines: str) -> None:
    """Only objects that rows name show that it is their store: one that has to go anyway, or an archive, does not."""
    for key in list(here.objects.keys()):
        here.objects.delete(key)
    here.objects.put(ines, "image/promised", [b"x"])
    with here.db.write() as session:
        promise_object(session, "image/promised", now=here.clock())
    with pytest.raises(PlanError, match="none of the objects that 3 rows name"):
        audited(here)


def test_a_database_that_names_none_of_the_objects_plans_none_away(here: Installation, ines: str, clock: Any) -> None:
    """An empty or mistaken database on somebody's store: the old objects in it stay; young ones are but counted."""
    here.objects.put(ines, "image/stray", [b"x"])
    with here.db.write() as session:
        session.execute(delete(Image))
    with pytest.raises(PlanError, match=r"no row names any of the 7 objects in the store: .* delete them by hand"):
        audited(here)
    clock.now = datetime.now(UTC)
    plan = audited(here)
    assert (plan.objects, plan.young, plan.sound) == ((), 7, 0)


def test_a_service_with_nothing_at_all_is_sound(here: Installation) -> None:
    """Neither objects nor rows that name any: there is nothing to say and nothing to do."""
    plan = audited(here)
    assert (plan.objects, plan.rows, plan.sound) == ((), (), 0)


def account(session: Session, person: str) -> Account:
    """The person's row."""
    return session.get_one(Account, person)
