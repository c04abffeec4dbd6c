"""`gptimages objects audit`: every object has a row and every row its object, or a plan says what becomes of them."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import Result
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from datasteward.audit import log
from datasteward.disposal.disposal import promise_object
from datasteward.disposal.models import ObjectDisposal
from datasteward.errors import PlanError, StalePlan
from datasteward.objects import LocalDirectory, Stored
from datasteward.retention import holds, orphans
from datasteward.retention.models import RetentionPlan
from datasteward.retention.orphans import Bare, Mending
from datasteward.retention.scope import Scope
from gptimages.accounts.models import Account
from gptimages.installation import Installation
from gptimages.queue import queue
from gptimages.studio import pending
from gptimages.studio.keys import picture_key, thumbnail_key
from gptimages.studio.models import Generation, Image

Type = Callable[..., Result]
LATER = datetime.now(UTC) + timedelta(days=2)
"""When everything that a test stores is old."""


@pytest.fixture
def here(any_here: Installation) -> Installation:
    """An installation, once on SQLite and once on PostgreSQL."""
    return any_here


@pytest.fixture
def ines(here: Installation, person: Callable[..., Account], clock: Any) -> str:
    """A person with three pictures, of which all objects are there; her id. It is two days later."""
    clock.now = LATER
    found = person().id
    with here.db.write() as session:
        run = Generation(id="run", account_id=found, style="none", width=1, height=1, count=3, created_at=LATER)
        for name, value in (("quality", "low"), ("background", "opaque"), ("format", "png"), ("moderation", "auto")):
            setattr(run, name, value)
        session.add(run)
        session.flush()
        for number in range(3):
            session.add(_picture(here, found, f"picture{number}", number))
    return found


def _picture(here: Installation, account: str, name: str, position: int) -> Image:
    for key in (picture_key(name), thumbnail_key(name)):
        here.objects.put(account, key, [name.encode()])
    kept = Image(id=name, account_id=account, generation_id="run", position=position, created_at=LATER)
    kept.object, kept.thumbnail, kept.media_type = picture_key(name), thumbnail_key(name), "image/png"
    kept.width, kept.height, kept.bytes = 1, 1, 8
    return kept


def audited(here: Installation) -> Mending:
    """What an audit finds now."""
    with here.db.read() as session:
        return orphans.audit(session, here.steward, now=here.clock())


def carried_out(here: Installation, plan: Mending, meanwhile: Callable[[], object] = lambda: None) -> None:
    """The plan, applied; `meanwhile` comes between the questions to the store and the transaction."""
    answers = orphans.ask(here.objects, plan)
    meanwhile()
    with here.db.write() as session:
        orphans.apply(session, here.steward, plan, answers, by="tests", now=here.clock())


def state(here: Installation) -> tuple[list[str], list[str], list[str]]:
    """Rows, objects and promises."""
    with here.db.read() as session:
        rows = list(session.scalars(select(Image.id).order_by(Image.id)))
        promised = list(session.scalars(select(ObjectDisposal.key).order_by(ObjectDisposal.key)))
    return rows, sorted(here.objects.keys()), promised


@pytest.mark.usefixtures("ines")
def test_nothing_is_wrong(here: Installation, local: Type) -> None:
    """Six objects with their rows, and nothing to mend: exit code 0, and nothing is changed."""
    before = state(here)
    done = local("objects", "audit")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.startswith("objects with their row ")
    assert done.stdout.splitlines()[0].endswith("  6")
    assert state(here) == before


def test_orphans_of_both_kinds_are_mended_as_planned(
    here: Installation, local: Type, ines: str, tmp_path: Path
) -> None:
    """The stray object and the row without its picture go, with its thumbnail; all else stays; a second audit is clean."""
    here.objects.put(ines, "image/stray", [b"x"])
    here.objects.delete(picture_key("picture1"))
    file = tmp_path / "plan.json"
    planned = local("objects", "audit", "--plan", str(file))
    assert planned.exit_code == 1
    assert f"To mend it: gptimages objects audit --apply {file}" in planned.stdout
    assert len(state(here)[0]) == 3
    done = local("objects", "audit", "--apply", str(file), "--yes")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.endswith("1 object and 1 row are mended.\n")
    kept = ["picture0", "picture2"]
    assert state(here) == (kept, sorted(make(name) for make in (picture_key, thumbnail_key) for name in kept), [])
    assert local("objects", "audit").exit_code == 0
    with here.db.read() as session:
        [entry] = [each for each in log.entries(session) if each.act == "objects.mended"]
        assert log.facts(entry) == {"objects": 1, "rows": 1}


@pytest.mark.usefixtures("ines")
def test_a_plan_is_a_new_file_for_its_owner_alone(local: Type, tmp_path: Path) -> None:
    """It names objects and rows; and a file that is there, a plan or anything else, stays as it is."""
    file = tmp_path / "plan.json"
    before = os.umask(0)
    try:
        assert local("objects", "audit", "--plan", str(file)).exit_code == 0
    finally:
        os.umask(before)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    other = tmp_path / "other"
    other.write_text("mine")
    (link := tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for there in (other, link):
        done = local("objects", "audit", "--plan", str(there))
        assert (done.exit_code, done.stdout) == (1, "")
        assert done.stderr == f"There is something at {there} already: name a file that does not exist yet.\n"
    assert other.read_text() == "mine"
    assert not (tmp_path / "nowhere").exists()
    assert (
        "name a file in a directory where you may write"
        in local("objects", "audit", "--plan", str(tmp_path / "no" / "file")).stderr
    )


def test_what_was_planned_and_no_more_is_done(here: Installation, ines: str) -> None:
    """A stray object that came after the plan stays for the next one."""
    here.objects.put(ines, "image/stray", [b"x"])
    plan = audited(here)
    here.objects.put(ines, "image/another", [b"x"])
    carried_out(here, plan)
    assert state(here)[2] == ["image/stray"]


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
def test_a_missing_thumbnail_costs_nobody_a_picture(here: Installation) -> None:
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


def test_nobody_is_kept_from_writing_while_the_store_is_asked(
    here: Installation, local: Type, ines: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many entries a plan has and however slow the store is: it is asked before the transaction."""
    here.objects.put(ines, "image/stray", [b"x"])
    here.objects.delete(picture_key("picture1"))
    local("objects", "audit", "--plan", str(tmp_path / "plan.json"))
    stat, asked = LocalDirectory.stat, []

    def slow(store: LocalDirectory, key: str) -> Stored:
        with here.db.write() as session:
            queue.promise(session, "mail", key, now=here.clock())
        asked.append(key)
        return stat(store, key)

    monkeypatch.setattr(LocalDirectory, "stat", slow)
    done = local("objects", "audit", "--apply", str(tmp_path / "plan.json"), "--yes")
    assert (done.exit_code, done.stderr) == (0, "")
    assert asked[:2] == ["image/stray", picture_key("picture1")]


def test_more_than_a_statement_names_is_mended(here: Installation, ines: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some rows at a time, until none of the plan is left."""
    monkeypatch.setattr(orphans, "NAMED", 2)
    with here.db.write() as session:
        session.add_all(_picture(here, ines, f"picture{number}", number) for number in range(3, 8))
    for number in range(1, 8):
        here.objects.delete(picture_key(f"picture{number}"))
    carried_out(here, audited(here))
    assert state(here)[0] == ["picture0"]


def test_a_plan_that_would_be_refused_anyway_asks_the_store_nothing(
    here: Installation, local: Type, ines: str, tmp_path: Path, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is too old, of another place or of too much."""
    here.objects.put(ines, "image/stray", [b"x"])
    local("objects", "audit", "--plan", str(tmp_path / "plan.json"))
    clock.move(days=30)
    monkeypatch.delattr(LocalDirectory, "stat")
    done = local("objects", "audit", "--apply", str(tmp_path / "plan.json"), "--yes")
    assert done.exit_code == 1
    assert "older than policies/limits.yaml allows" in done.stderr


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


def test_a_file_that_is_no_plan_is_said(local: Type, tmp_path: Path) -> None:
    """Not there, not a plan, or both asked at once: each in a sentence."""
    (tmp_path / "other.json").write_text(json.dumps({"made_at": "today"}))
    for words, said in (
        (("--apply", str(tmp_path / "absent")), "cannot be read"),
        (("--apply", str(tmp_path / "other.json")), "not a plan of an audit"),
        (("--plan", "a", "--apply", "b"), "not both"),
    ):
        done = local("objects", "audit", *words)
        assert (done.exit_code, said in done.stderr) == (1, True)


@pytest.mark.usefixtures("ines")
def test_an_empty_store_is_not_taken_for_the_truth(here: Installation, local: Type) -> None:
    """When not one object that rows name is there, it is the wrong store: no plan takes every picture's row."""
    for key in list(here.objects.keys()):
        here.objects.delete(key)
    done = local("objects", "audit")
    assert done.exit_code == 1
    assert "this is not their store, or it has to be restored" in done.stderr


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


def account(session: Session, person: str) -> Account:
    """The person's row."""
    return session.get_one(Account, person)
