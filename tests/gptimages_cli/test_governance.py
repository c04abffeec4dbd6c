"""Retention, holds and the audit log from the command line, on a real installation."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import Result
from sqlalchemy import func, select, text

from datasteward.retention.plan import from_json
from gptimages.accounts.models import Account
from gptimages.activity.models import UsageEvent
from gptimages.installation import Installation
from gptimages.models import new_id

Type = Callable[..., Result]


@pytest.fixture
def ada(here: Installation, person: Callable[..., Account]) -> Account:
    """A person with three usage events that are due."""
    account = person("Ada Berg")
    with here.db.write() as session:
        at = here.clock() - timedelta(days=500)
        session.add_all(UsageEvent(id=new_id(), account_id=account.id, kind="run", created_at=at) for _ in range(3))
    return account


def left(here: Installation) -> int:
    """How many usage events there are."""
    with here.db.read() as session:
        return session.scalar(select(func.count()).select_from(UsageEvent)) or 0


@pytest.mark.usefixtures("ada")
def test_a_plan_is_shown_written_and_carried_out(here: Installation, local: Type, tmp_path: Path) -> None:
    """`plan` says what would go and why and changes nothing; `apply` asks, does it, and refuses a second time."""
    file = tmp_path / "plan.json"
    made = local("retention", "plan", "--out", str(file))
    assert made.exit_code == 0, made.output
    assert "Usage events: kept 13 months after it was made, then deleted" in made.output
    assert from_json(file.read_bytes()).rows == left(here) == 3
    assert local("retention", "apply", str(file), given="n\n").exit_code == 1
    assert left(here) == 3
    done = local("retention", "apply", str(file), given="y\n")
    assert done.exit_code == 0, done.output
    assert "3 of 3 rows are done." in done.stdout
    assert left(here) == 0
    again = local("retention", "apply", str(file), "--yes")
    assert again.exit_code == 1
    assert "carried out before" in again.stderr
    assert "applied" in local("retention", "plans").stdout


@pytest.mark.usefixtures("ada")
def test_an_edited_plan_file_is_refused(here: Installation, local: Type, tmp_path: Path) -> None:
    """A file in which one figure was changed is not the plan that was made, and the plan itself stays open."""
    file = tmp_path / "plan.json"
    local("retention", "plan", "--out", str(file))
    edited = tmp_path / "edited.json"
    edited.write_bytes(file.read_bytes().replace(b'"goes": 3', b'"goes": 4'))
    refused = local("retention", "apply", str(edited), "--yes")
    assert refused.exit_code == 1
    assert "changed after it was made" in refused.stderr
    assert left(here) == 3
    assert local("retention", "apply", str(file), "--yes").exit_code == 0


def test_what_is_no_plan_is_told_with_a_sentence(local: Type, tmp_path: Path) -> None:
    """An unknown id, a file of something else, a place that cannot be written."""
    assert "no such plan" in local("retention", "apply", "none", "--yes").stderr
    other = tmp_path / "other.json"
    other.write_text("[]")
    assert "not a retention plan" in local("retention", "apply", str(other), "--yes").stderr
    assert "cannot be written" in local("retention", "plan", "--out", str(tmp_path / "no" / "plan.json")).stderr


def test_a_plan_is_written_to_a_new_file_for_its_owner_alone(local: Type, tmp_path: Path) -> None:
    """It names rows: what is there is not overwritten, and nobody else of the machine reads it."""
    out = tmp_path / "plan.json"
    assert local("retention", "plan", "--out", str(out)).exit_code == 0
    assert out.stat().st_mode & 0o777 == 0o600
    before = out.read_bytes()
    again = local("retention", "plan", "--out", str(out))
    assert (again.exit_code, again.stdout) == (1, "")
    assert "name a file that does not exist yet" in again.stderr
    assert out.read_bytes() == before


def test_nothing_due_and_no_plan_yet(local: Type) -> None:
    """An empty installation says so."""
    assert "No plan was made yet" in local("retention", "plans").stdout
    assert "Nothing is due." in local("retention", "plan").stdout
    told = json.loads(local("retention", "plan", "--json").stdout)
    assert all(item["due"] == 0 for item in told["items"])


def test_a_hold_is_placed_listed_and_lifted(here: Installation, local: Type, ada: Account) -> None:
    """A held person's rows stay; lifted, they go. The file is not printed, nor written to the log."""
    placed = local("hold", "place", "--account", ada.id, "--file", "secret-7", "--review", "2027-03-01")
    assert placed.exit_code == 0, placed.output
    hold_id = placed.stdout.split("under ")[1].split(",")[0]
    assert hold_id in local("hold", "list").stdout
    assert "Nothing is due" not in local("retention", "plan").stdout
    plan = json.loads(local("retention", "plan", "--json").stdout)
    assert sum(item["goes"] for item in plan["items"]) == 0
    assert local("hold", "lift", hold_id).exit_code == 0
    assert "lifted before" in local("hold", "lift", hold_id).stderr
    assert "No hold is in force" in local("hold", "list").stdout
    shown = local("audit", "show", "--subject", ada.id).stdout
    assert "hold.placed" in shown
    assert "hold.lifted" in shown
    assert "secret" not in shown
    assert left(here) == 3


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"account": "nobody"}, "no such account"),
        ({"review": "2020-01-01"}, "a day in the future"),
        ({"file": " "}, "number of the file"),
    ],
)
def test_a_bad_hold_is_told_with_a_sentence(local: Type, ada: Account, change: dict[str, str], sentence: str) -> None:
    """An unknown account, a day in the past, no file."""
    given = {"account": ada.id, "file": "24-117", "review": "2027-03-01"} | change
    done = local("hold", "place", "--account", given["account"], "--file", given["file"], "--review", given["review"])
    assert done.exit_code == 1
    assert sentence in done.stderr


def test_a_hold_on_rows_a_category_and_a_time(here: Installation, local: Type, ada: Account) -> None:
    """What is given together is held together, and told in the list; without anything, or an end, there is no hold."""
    with here.db.read() as session:
        ids = sorted(session.scalars(select(UsageEvent.id).where(UsageEvent.account_id == ada.id)))
    ends = ("--file", "24-117", "--review", "2027-03-01")
    rows = ("--table", "usage_event", "--row", ids[0], "--row", ids[1], "--since", "2020-01-01")
    assert local("hold", "place", *rows, *ends).exit_code == 0
    assert "2 of usage_event, since 2020-01-01" in local("hold", "list").stdout
    plan = json.loads(local("retention", "plan", "--json").stdout)
    assert sum(item["held"] for item in plan["items"]) == 2
    assert "Say what is held" in local("hold", "place", *ends).stderr
    assert "--review" in local("hold", "place", "--category", "user.behavior", "--file", "24-117").stderr
    assert "no such category" in local("hold", "place", "--category", "user.none", *ends).stderr


@pytest.mark.usefixtures("ada")
def test_a_changed_log_does_not_verify(here: Installation, local: Type) -> None:
    """`audit verify` says that all is well, and exits with 1 and the place when it is not."""
    whole = local("audit", "verify")
    assert whole.exit_code == 0
    assert "unchanged" in whole.stdout
    with here.db.write() as session:
        session.execute(text("UPDATE steward_audit_entry SET actor = 'somebody' WHERE number = 0"))
    broken = local("audit", "verify")
    assert broken.exit_code == 1
    assert "holds up to entry 0" in broken.stderr
