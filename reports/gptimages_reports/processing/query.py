"""The record of processing (GDPR Art. 30(1)), computed from catalog, policies and database; nothing in it is typed in.

An activity is a purpose of policies/purposes.yaml. Its data are the columns of the live catalog whose category the purpose
covers, with how many records there are now and of how many people; recipients, time limits and safeguards follow from
the other policies.
"""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import func, select, true, union
from sqlalchemy.orm import Session

from datasteward.catalog import Catalog, within
from datasteward.policy import PolicySet, Processor, Purpose
from datasteward.processors import disclosures
from datasteward.steward import Steward
from gptimages.accounts.models import Account

MOST_RULES = 3
IDENTIFIER = "user.unique_id"
"""Stands in nearly every table to say whose a row is: that a table has it does not make it part of an activity."""

Holding = dict[str, set[str]]
AS_ITS_RECORD = "as long as the record that it stands in"


class Data(msgspec.Struct, frozen=True):
    """One category of data in an activity: how many records hold it, how long, and whether it is encrypted."""

    category: str
    name: str
    records: int
    kept: str
    encrypted: bool


class Recipient(msgspec.Struct, frozen=True):
    """Somebody who receives data for an activity, and how often they did."""

    name: str
    role: str
    region: str
    safeguard: str
    receives: str
    disclosures: int


class Activity(msgspec.Struct, frozen=True):
    """One processing activity: its purpose, ground, data and recipients; `people` are those of whom it has a record."""

    id: str
    name: str
    purpose: str
    legal_basis: str
    source: str
    people: int
    data: tuple[Data, ...]
    recipients: tuple[Recipient, ...]


class Party(msgspec.Struct, frozen=True):
    """The controller, its data protection officer or its authority."""

    name: str
    contact: str


class ProcessingRecord(msgspec.Struct, frozen=True):
    """The whole record, as of one moment and one policy set; `people` are all who have an account."""

    made_at: datetime
    policy_hash: str
    controller: Party
    officer: Party
    authority: Party
    people: int
    activities: tuple[Activity, ...]
    measures: tuple[str, ...]


def processing_record(session: Session, steward: Steward, now: datetime) -> ProcessingRecord:
    """The record of processing at this moment."""
    policies = steward.policies
    rows = {t.name: session.scalar(select(func.count()).select_from(t)) or 0 for t in steward.catalog.personal()}
    told = disclosures.counts(session)
    owner = policies.controller
    return ProcessingRecord(
        made_at=now,
        policy_hash=policies.hash,
        controller=Party(owner.name, f"{owner.address}, {owner.contact}"),
        officer=Party(owner.data_protection_officer.name, owner.data_protection_officer.contact),
        authority=Party(owner.supervisory_authority.name, owner.supervisory_authority.contact),
        people=session.scalar(select(func.count()).select_from(Account)) or 0,
        activities=tuple(_activity(session, steward, purpose, rows, told) for purpose in policies.purposes.values()),
        measures=tuple(measure.words for measure in owner.security_measures.values()),
    )


def _activity(
    session: Session, steward: Steward, purpose: Purpose, rows: dict[str, int], told: dict[str, int]
) -> Activity:
    holding = _holding(steward.catalog, steward.policies, purpose)
    return Activity(
        id=purpose.id,
        name=purpose.name,
        purpose=purpose.words,
        legal_basis=purpose.legal_basis.replace("_", " "),
        source=purpose.source,
        people=_people(session, steward.catalog, holding),
        data=_data(steward.catalog, steward.policies, holding, rows),
        recipients=_recipients(steward.policies, purpose, told),
    )


def _holding(catalog: Catalog, policies: PolicySet, purpose: Purpose) -> Holding:
    """The personal categories of an activity, each with the tables that hold it."""
    holding: Holding = {}
    for table in catalog.personal():
        for column in table.columns:
            category = catalog.tag(column).category
            if policies.category(category).personal and any(within(category, of) for of in purpose.categories):
                holding.setdefault(category, set()).add(table.name)
    return holding


def _people(session: Session, catalog: Catalog, holding: Holding) -> int:
    """How many people have a record in any of the tables, each counted once."""
    names = sorted(set().union(*(tables for category, tables in holding.items() if category != IDENTIFIER)))
    if not names:
        return 0
    each = [catalog.subjects(table, true()) for table in map(catalog.table, names)]
    return session.scalar(select(func.count(union(*each).subquery().c.subject.distinct()))) or 0


def _data(catalog: Catalog, policies: PolicySet, holding: Holding, rows: dict[str, int]) -> tuple[Data, ...]:
    return tuple(
        Data(
            category=category,
            name=policies.category(category).name,
            records=sum(rows[table] for table in tables),
            kept=_kept(catalog, policies, tables),
            encrypted=policies.encrypted(category),
        )
        for category, tables in sorted(holding.items())
    )


def _kept(catalog: Catalog, policies: PolicySet, tables: set[str]) -> str:
    rules = {policies.retention_for(catalog.record(catalog.table(name)).category).words for name in tables}
    return "; ".join(sorted(rules)) if len(rules) <= MOST_RULES else AS_ITS_RECORD


def _recipients(policies: PolicySet, purpose: Purpose, told: dict[str, int]) -> tuple[Recipient, ...]:
    return tuple(
        _recipient(processor, told.get(name, 0))
        for name, processor in policies.processors.items()
        if purpose.id in processor.purposes and not processor.embedded
    )


def _recipient(processor: Processor, times: int) -> Recipient:
    return Recipient(processor.name, processor.role, processor.region, processor.safeguard, processor.receives, times)
