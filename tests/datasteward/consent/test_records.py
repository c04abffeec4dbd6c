"""Consents and objections: each answer a row and an audit entry, the latest counts, silence is neither."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from datasteward import tables
from datasteward.audit import log as audit
from datasteward.consent import records
from datasteward.errors import PurposeError
from datasteward.policy import PolicySet, load

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def consent_policies() -> PolicySet:
    """The shipped policies: `improve` needs a consent, `integrity` may be objected to, `generate` takes no answer."""
    return load(Path(__file__).parents[3] / "policies")


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """A session on the toolkit's tables."""
    engine = create_engine(f"sqlite:///{tmp_path / 'consent.db'}")
    tables.metadata.create_all(engine)
    with Session(engine) as opened:
        yield opened
    engine.dispose()


def test_silence_is_no_consent_and_no_objection(session: Session, consent_policies: PolicySet) -> None:
    """Who answered nothing has not consented and has not objected."""
    assert not records.allowed(session, consent_policies, "ines", "improve")
    assert records.allowed(session, consent_policies, "ines", "integrity")
    assert records.allowed(session, consent_policies, "ines", "generate")


def test_the_latest_answer_counts_even_in_the_same_instant(session: Session, consent_policies: PolicySet) -> None:
    """Given and withdrawn under a clock that stands, or goes back, the withdrawal stands."""
    for granted, now in ((True, NOW), (False, NOW), (True, NOW - timedelta(days=1)), (False, NOW - timedelta(days=2))):
        assert records.answer(session, "ines", "improve", "consent", granted, "test", consent_policies, now)
        assert records.allowed(session, consent_policies, "ines", "improve") is granted
    assert [row.granted for row in records.history(session, "ines")] == [False, True, False, True]


def test_an_objection_wins_over_a_consent(session: Session, consent_policies: PolicySet) -> None:
    """A purpose that needs a consent and was consented to is still refused by an objection."""
    records.answer(session, "ines", "improve", "consent", True, "test", consent_policies, NOW)
    records.answer(session, "ines", "improve", "objection", True, "test", consent_policies, NOW)
    assert not records.allowed(session, consent_policies, "ines", "improve")
    records.answer(session, "ines", "improve", "objection", False, "test", consent_policies, NOW)
    assert records.allowed(session, consent_policies, "ines", "improve")


def test_each_answer_is_audited_with_the_wording_seen(session: Session, consent_policies: PolicySet) -> None:
    """An answer leaves an audit entry and the hash of the policies; one that changes nothing leaves neither."""
    assert records.answer(session, "ines", "improve", "consent", False, "banner", consent_policies, NOW)
    assert not records.answer(session, "ines", "improve", "consent", False, "banner", consent_policies, NOW)
    assert not records.answer(session, "ines", "integrity", "objection", False, "banner", consent_policies, NOW)
    (entry,) = audit.entries(session, subject="ines")
    assert (entry.act, audit.facts(entry)) == ("consent.withdrawn", {"purpose": "improve", "how": "banner"})
    assert records.history(session, "ines")[0].wording == consent_policies.hash


def test_another_persons_answer_is_theirs(session: Session, consent_policies: PolicySet) -> None:
    """One person's consent allows nothing with another's data."""
    records.answer(session, "ines", "improve", "consent", True, "test", consent_policies, NOW)
    assert records.consents(session, "ines", "improve")
    assert not records.consents(session, "other", "improve")


@pytest.mark.parametrize(
    ("purpose", "kind"),
    [("generate", "consent"), ("generate", "objection"), ("integrity", "consent"), ("x", "consent")],
)
def test_answers_that_mean_nothing_are_refused(
    session: Session, consent_policies: PolicySet, purpose: str, kind: records.Kind
) -> None:
    """A purpose that asks for no consent, or rests on a contract, takes no such answer."""
    with pytest.raises(PurposeError):
        records.answer(session, "ines", purpose, kind, True, "test", consent_policies, NOW)
