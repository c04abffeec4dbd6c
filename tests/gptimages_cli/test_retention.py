"""`gptimages retention`: why one row goes or stays, and the certificate of a plan that was carried out."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from click.testing import Result
from sqlalchemy import func, select

from datasteward.retention import certificate, holds, plans
from datasteward.retention.models import RetentionPlan
from datasteward.retention.scope import Scope
from gptimages.accounts.models import Account
from gptimages.activity.models import UsageEvent
from gptimages.installation import Installation

Type = Callable[..., Result]


@pytest.fixture
def ines(here: Installation, person: Callable[..., Account]) -> str:
    """A person with a usage event that is due and one that is not; her id."""
    found = person("Ines Berg").id
    with here.db.write() as session:
        for name, days in (("old", 500), ("young", 5)):
            at = here.clock() - timedelta(days=days)
            session.add(UsageEvent(id=name, account_id=found, kind="run", created_at=at))
    return found


@pytest.mark.usefixtures("ines")
def test_a_row_is_explained_and_no_plan_is_made(here: Installation, local: Type) -> None:
    """The verdict first, then why this rule governs the row, the rule with its line, and the clock."""
    old = local("retention", "plan", "--explain", "usage_event", "old")
    assert (old.exit_code, old.stderr) == (0, "")
    assert old.stdout.startswith(
        "It goes with the next plan, by usage-events.\n\nThe rule is for user.behavior.usage itself"
    )
    place = here.policies.where("retention.yaml", ("rules", "usage-events"))
    assert (
        f"Usage events: kept 13 months after it was made, then deleted (GDPR Art. 6(1)(b); GDPR Art. 5(1)(e)). ({place})"
        in old.stdout
    )
    assert "due when it started before 2025-10-23" in old.stdout
    assert old.stdout.splitlines()[-1].endswith(": yes")
    young = local("retention", "plan", "--explain", "usage_event", "young")
    assert young.stdout.startswith("It stays: no rule is due on it now.\n")
    assert young.stdout.splitlines()[-1].endswith(": no")
    with here.db.read() as session:
        assert session.scalar(select(func.count()).select_from(RetentionPlan)) == 0


def test_a_hold_on_the_row_is_told(here: Installation, local: Type, ines: str) -> None:
    """Beside the rule by which it is due."""
    with here.db.write() as session:
        who, now = Scope(subject=ines), here.clock()
        holds.place(session, here.steward, who, "24-117", review_at=now + timedelta(days=9), by="staff", now=now)
    told = local("retention", "plan", "--explain", "usage_event", "old").stdout
    assert told.startswith("It is due by usage-events, and a legal hold keeps it.\n")
    assert told.endswith("\nA legal hold keeps it.\n")


@pytest.mark.parametrize(
    ("table", "key", "sentence"), [("usage_event", "none", "no such row"), ("no_table", "1", "no_table")]
)
def test_a_row_that_there_is_not_is_told(local: Type, table: str, key: str, sentence: str) -> None:
    """In a sentence, with exit code 1."""
    done = local("retention", "plan", "--explain", table, key)
    assert (done.exit_code, done.stdout) == (1, "")
    assert sentence in done.stderr


@pytest.mark.usefixtures("ines")
def test_the_certificate_of_a_plan_is_printed(here: Installation, local: Type) -> None:
    """As the JSON whose digest stands in the audit log; before the plan is carried out there is none."""
    plan = json.loads(local("retention", "plan", "--json").stdout)["id"]
    early = local("retention", "certificate", plan)
    assert (early.exit_code, early.stdout) == (1, "")
    assert "not been carried out: there is no certificate yet" in early.stderr
    assert local("retention", "apply", plan, "--yes").exit_code == 0
    done = local("retention", "certificate", plan)
    assert done.exit_code == 0
    with here.db.read() as session:
        stored = certificate.of(plans.row(session, plan))
    assert stored is not None
    assert done.stdout_bytes == certificate.to_json(stored) + b"\n"
    assert [(line["table"], line["rows"], line["left"]) for line in json.loads(done.stdout)["lines"]] == [
        ("usage_event", 1, 0)
    ]


def test_the_certificate_of_no_plan_is_refused(local: Type) -> None:
    """With what to do instead."""
    done = local("retention", "certificate", "none")
    assert done.exit_code == 1
    assert "not made from this database" in done.stderr
