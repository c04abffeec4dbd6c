"""Restriction of processing: it stands until it is lifted, is written down, and closes what no purpose of law needs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

from datasteward import tables
from datasteward.audit import log as audit
from datasteward.consent import records, restriction
from datasteward.consent.models import Standing
from datasteward.policy import load

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
SHIPPED = load(Path(__file__).parents[3] / "policies")


@pytest.fixture
def session(database_url: str) -> Iterator[Session]:
    """A session on the toolkit's tables, on each kind of database."""
    engine = create_engine(database_url)
    tables.metadata.create_all(engine)
    with Session(engine) as opened:
        yield opened
    engine.dispose()


def test_a_restriction_stands_until_it_is_lifted(session: Session) -> None:
    """Made and lifted once each, with an audit entry each that says who and on which ground; again changes nothing."""
    assert not restriction.restricted(session, "ines")
    assert restriction.restrict(session, "ines", "accuracy", by="staff-1", now=NOW)
    assert not restriction.restrict(session, "ines", "claims", by="staff-2", now=NOW)
    assert restriction.restricted(session, "ines")
    assert not restriction.restricted(session, "other")
    assert restriction.lift(session, "ines", by="staff-2", now=NOW)
    assert not restriction.lift(session, "ines", by="staff-2", now=NOW)
    assert not restriction.restricted(session, "ines")
    told = [(entry.act, entry.actor, audit.facts(entry)) for entry in audit.entries(session, subject="ines")]
    assert told == [
        ("restriction.lifted", "staff-2", {}),
        ("restriction.made", "staff-1", {"ground": "accuracy"}),
    ]


def test_a_restricted_persons_data_is_for_the_law_and_what_they_ask(session: Session) -> None:
    """Whatever they consented to, no shipped purpose may use it but keeping the law and answering what they ask."""
    records.answer(session, "ines", "improve", "consent", True, "test", SHIPPED, NOW)
    restriction.restrict(session, "ines", "unlawful", by="staff", now=NOW)
    allowed = {name for name in SHIPPED.purposes if records.allowed(session, SHIPPED, "ines", name)}
    assert allowed == {"law", "support"}
    restriction.lift(session, "ines", by="staff", now=NOW)
    assert {name for name in SHIPPED.purposes if records.allowed(session, SHIPPED, "ines", name)} == set(
        SHIPPED.purposes
    )


def test_what_stands_is_the_last_answer(session: Session) -> None:
    """The table of what stands has one row for each consent and objection whose latest answer is yes, and none else."""
    answers: list[tuple[str, records.Kind, bool]] = [
        ("improve", "consent", True), ("improve", "objection", True), ("integrity", "objection", True),
        ("improve", "objection", False), ("integrity", "objection", True), ("improve", "consent", True),
    ]  # fmt: skip
    for purpose, kind, granted in answers:
        records.answer(session, "ines", purpose, kind, granted, "test", SHIPPED, NOW)
    stands = set(session.execute(select(Standing.purpose, Standing.kind)).all())
    assert stands == {("improve", "consent"), ("integrity", "objection")}
    latest = {(p, k) for p, k, _ in answers if (found := records.latest(session, "ines", p, k)) and found.granted}
    assert stands == latest
