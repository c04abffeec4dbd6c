"""The policy set, loaded and checked: everything that policies/ says, and the questions that code asks it.

Categories are looked up by the longest key that is the category itself or lies above it. It is frozen, and every plan,
report and audit entry that rests on it names its `hash`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import TypeVar

import msgspec

from datasteward.policy.findings import Place, UnknownPolicyItem, suggestion
from datasteward.policy.law import Jurisdictions, Minors, RequestClock
from datasteward.policy.limits import Limits
from datasteward.policy.lookalikes import Lookalikes
from datasteward.policy.model import (
    Anonymisation,
    Category,
    Controller,
    Cookie,
    Encryption,
    Identifiability,
    Method,
    Origin,
    Processor,
    Promise,
    Purpose,
    RetentionRule,
    ScheduledJob,
    Taxonomy,
)
from datasteward.policy.roles import Role, RolesFile
from datasteward.policy.vocabulary import Vocabulary
from datasteward.policy.wording import PolicyText

T = TypeVar("T")
_EMPTY = Method(method="empty", why="Nothing else is said of it.", source="GDPR recital 26")


class PolicySet(msgspec.Struct, frozen=True, kw_only=True):
    """All policies. Mappings are keyed by id (by category in `taxonomy` and `encryption`) and keep the files' order.

    `hash` is the SHA-256 (hex) over names and bytes of all files; `texts` maps versions to privacy texts, oldest first;
    `lines` tells where each value was written.
    """

    directory: Path
    hash: str
    promises: Mapping[str, Promise]
    taxonomy: Taxonomy
    encryption: Encryption
    purposes: Mapping[str, Purpose]
    retention: Mapping[str, RetentionRule]
    anonymisation: Anonymisation
    role_file: RolesFile
    processors: Mapping[str, Processor]
    jurisdictions: Jurisdictions
    minors: Minors
    schedule: tuple[ScheduledJob, ...]
    limits: Limits
    cookies: tuple[Cookie, ...]
    controller: Controller
    lookalikes: Lookalikes
    vocabulary: Vocabulary
    texts: Mapping[str, PolicyText] = {}
    lines: Mapping[tuple[str, Place], int] = {}

    @property
    def roles(self) -> Mapping[str, Role]:
        """The roles by id."""
        return self.role_file.roles

    def category(self, key: str) -> Category:
        """The category of this very key. Raises UnknownPolicyItem when taxonomy.yaml does not name it."""
        return _named(self.taxonomy.categories, key, "taxonomy.yaml")

    def encrypted(self, key: str) -> bool:
        """Whether data of this category is ciphertext at rest. Raises UnknownPolicyItem when nothing is said of it."""
        statements = {**self.encryption.clear, **self.encryption.encrypted}
        nearest = _nearest(statements, key)
        if nearest is None:
            raise UnknownPolicyItem(f"Nothing is said about encrypting {key}: add it to encryption.yaml.")
        return nearest in self.encryption.encrypted

    def for_records(self, key: str) -> bool:
        """Whether data of this category is encrypted under the keys that outlive an erasure with the rows the law keeps."""
        statements = {**self.encryption.clear, **self.encryption.encrypted}
        found = self.encryption.encrypted.get(_nearest(statements, key) or "")
        return found is not None and found.keys == "records"

    def rules_for(self, key: str, *, table: str | None = None) -> tuple[RetentionRule, ...]:
        """The retention rules that govern records of this category in this table, or columns; empty when there is none.

        The one precedence: a rule for the table itself wins over every other; then the rules whose `category` is nearest;
        at the same distance a rule's own `category` wins over one that only lists it under `also`.
        """
        if table is not None and (own := tuple(rule for rule in self.retention.values() if rule.table == table)):
            return own
        general = [rule for rule in self.retention.values() if rule.table is None]
        for step in lineage(key):
            own = tuple(rule for rule in general if rule.category == step)
            if found := own or tuple(rule for rule in general if step in rule.also):
                return found
        return ()

    def retention_for(self, key: str) -> RetentionRule:
        """The retention rule that governs this category, the first in retention.yaml when several do.

        Raises UnknownPolicyItem when none does.
        """
        found = self.rules_for(key)
        if not found:
            raise UnknownPolicyItem(f"No rule says how long {key} is kept: add one to retention.yaml.")
        return found[0]

    def identifiability(self, key: str) -> Identifiability | None:
        """Whether data of this category names a person, leads to one, or to nobody; None where nothing is said."""
        return next((c.identifiability for c in self._above(key) if c.identifiability), None)

    def origin(self, key: str) -> Origin | None:
        """Whether data of this category was provided, observed or derived; None where nothing is said."""
        return next((c.origin for c in self._above(key) if c.origin), None)

    def anonymised_by(self, key: str) -> Method:
        """How data of this category is made anonymous: it is emptied where anonymisation.yaml says nothing."""
        nearest = _nearest(self.anonymisation.methods, key)
        return self.anonymisation.methods[nearest] if nearest else _EMPTY

    def line(self, file: str, place: Place) -> int:
        """The line on which an entry was written: its own, or that of the nearest thing around it that is known."""
        steps = (place[:length] for length in range(len(place), -1, -1))
        return next((self.lines[file, step] for step in steps if (file, step) in self.lines), 1)

    def where(self, file: str, place: Place) -> str:
        """Where an entry was written, as `purposes.yaml:57`."""
        return f"{file}:{self.line(file, place)}"

    def _above(self, key: str) -> Iterator[Category]:
        known = self.taxonomy.categories
        return (known[step] for step in lineage(key) if step in known)

    def purposes_of(self, key: str) -> tuple[Purpose, ...]:
        """What data of this category is used for."""
        return tuple(purpose for purpose in self.purposes.values() if covers(purpose.categories, key))

    def recipients_of(self, key: str) -> tuple[Processor, ...]:
        """Who receives data of this category, parts of this installation (`embedded`) included."""
        return tuple(processor for processor in self.processors.values() if covers(processor.categories, key))

    def permissions(self, roles: Iterable[str]) -> frozenset[str]:
        """Everything that someone with these roles may do; a role that the policies no longer name gives nothing."""
        known = self.role_file.roles
        return frozenset(one for role in roles if role in known for one in known[role].permissions)

    def minimum_age(self, country: str | None) -> int:
        """How old, in years, someone in this country (ISO 3166) must be; None or empty: they do not say where."""
        if not country:
            return self.minors.unknown_country
        own = self.minors.by_country.get(country)
        law = (rule.age for rule in self.jurisdictions.consent_ages.values() if country in rule.countries)
        return max(self.minors.minimum, own.age if own else 0, *law)

    def request_clock(self, country: str | None) -> RequestClock:
        """The rule on answering requests from this country."""
        clocks = self.jurisdictions.requests
        found = (clock for clock in clocks.values() if country in clock.countries)
        return next(found, clocks[self.jurisdictions.elsewhere])

    def answer_by(self, country: str | None, received: datetime) -> datetime:
        """When a request received at that moment has to be answered at the latest.

        A last day that is no working day is not moved to the next one: the service promises the earlier day.
        """
        return self.request_clock(country).answer.period.after(received)

    def text(self, version: str) -> PolicyText:
        """The privacy text of that version. Raises UnknownPolicyItem."""
        return _named(self.texts, version, "privacy/")

    def text_in_force(self, on: date) -> PolicyText | None:
        """The newest privacy text whose day of effect is not after `on`; None when there is none yet."""
        begun = [text for text in self.texts.values() if text.effective <= on]
        return max(begun, key=lambda text: text.effective, default=None)

    def under(self, group: str) -> tuple[Category, ...]:
        """The categories that the privacy page shows under this group."""
        return tuple(category for category in self.taxonomy.categories.values() if category.group == group)


def lineage(key: str) -> Iterator[str]:
    """The key itself, then everything above it: user.contact.email, user.contact, user."""
    parts = key.split(".")
    return (".".join(parts[:length]) for length in range(len(parts), 0, -1))


def covers(categories: Iterable[str], key: str) -> bool:
    """Whether one of the categories is this one or lies above it."""
    listed = frozenset(categories)
    return any(step in listed for step in lineage(key))


def _nearest(known: Mapping[str, object], key: str) -> str | None:
    return next((step for step in lineage(key) if step in known), None)


def _named(known: Mapping[str, T], key: str, where: str) -> T:
    try:
        return known[key]
    except KeyError:
        raise UnknownPolicyItem(f"{where} does not name '{key}': {suggestion(key, known)}.") from None
