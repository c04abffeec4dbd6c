"""What each file of policies/ says, as types: one structure per kind of entry, frozen, in the words of the files.

No decision stands here, only its shape; `reading` fills these from YAML, `checks` compares them, `policyset` answers
questions with them. Keys in YAML are the field names; limits.yaml has its own module, `limits`,
the law of countries `law`, and the privacy text `wording`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from datasteward.policy.period import Period


class Sourced(msgspec.Struct, frozen=True, kw_only=True):
    """What every entry has: the `source` of its rule. `recalled`: quoted from memory, counsel has yet to check it."""

    source: str
    recalled: bool = False


class Promise(msgspec.Struct, frozen=True, kw_only=True):
    """One promise of the service. `heading`: the number of the section of the privacy text where it belongs."""

    id: str
    text: str
    heading: int


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """A heading under which the privacy page shows categories."""

    id: str
    name: str
    description: str


Identifiability = Literal["identified", "pseudonymous", "anonymous"]
Origin = Literal["provided", "observed", "derived"]


class Category(Sourced, frozen=True, kw_only=True):
    """A kind of data. `abstract`: only a branch of the tree, no column has it. `group` is empty where nothing is shown.

    `identifiability`: whether it names a person, leads to one by way of other data (GDPR Art. 4(5)) or to nobody (recital
    26); `origin`: whether the person gave it, the service saw it, or it was made from other data (WP242 rev.01). Both hold
    for what lies below, until a longer key says otherwise.
    """

    key: str
    name: str
    description: str
    group: str = ""
    promise: str = ""
    abstract: bool = False
    personal: bool = True
    identifiability: Identifiability | None = None
    origin: Origin | None = None


class Taxonomy(msgspec.Struct, frozen=True):
    """taxonomy.yaml."""

    groups: dict[str, Group]
    categories: dict[str, Category]


class EncryptionStatement(Sourced, frozen=True, kw_only=True):
    """Why a category is encrypted, or may stand in the clear."""

    key: str
    why: str


class EncryptedStatement(EncryptionStatement, frozen=True, kw_only=True):
    """Why a category is encrypted, and under which of the person's keys.

    `keys`: those for content are shredded at once, those for records when the last row that the law has us keep has gone.
    """

    keys: Literal["content", "records"] = "content"


class KeySchedule(Sourced, frozen=True, kw_only=True):
    """When keys are changed. `epoch`: how long one key wraps the keysets of everybody, before those who live go under the next.

    `overlap`: how long the old epoch's key still stands after that, the time in which a new backup of the key store is to
    be made. `margin`: how late the job that does this may be, counted into the date of a certificate: begin and end wait
    for the hour of the job, which may fail once. `root`: how old the root key may be. `persons`: how old a person's keys.
    `per_second`: how many keysets a second are wrapped anew, at most.
    """

    epoch: Period
    overlap: Period
    margin: Period
    root: Period
    persons: Period
    per_second: int
    why: str

    def unreadable_in_backups(self, begun: datetime, now: datetime) -> datetime:
        """When what is shredded now is planned to be unreadable in every backup too, the present epoch having `begun` then."""
        return self.margin.after(self.overlap.after(max(self.epoch.after(begun), now)))


class Encryption(msgspec.Struct, frozen=True):
    """encryption.yaml: a statement holds for the category and all below it, until a longer key says otherwise."""

    schedule: KeySchedule
    encrypted: dict[str, EncryptedStatement]
    clear: dict[str, EncryptionStatement]


class Purpose(Sourced, frozen=True, kw_only=True):
    """What data is used for, and by which right (GDPR Art. 6). `words` finishes the sentence "We use it for …".

    `despite_restriction`: why it may also use data of people whose processing is restricted (GDPR Art. 18(2)).
    """

    id: str
    name: str
    words: str
    legal_basis: Literal["contract", "consent", "legal_obligation", "legitimate_interests"]
    categories: tuple[str, ...]
    promise: str
    objectable: bool = False
    needs_consent: bool = False
    interest: str | None = None
    despite_restriction: str | None = None

    @property
    def covers_all(self) -> bool:
        """Whether it covers all personal data alike, as keeping the law does: of none it says what it is collected for."""
        return any("." not in category for category in self.categories)


Clock = Literal["created", "last_used", "last_activity", "expires", "ended", "closed", "fiscal_year_end"]
Until = Literal["account_erased", "deleted_by_person", "service_needs"]
Coarseness = Literal["as_is", "hour", "day", "month", "year"]


class RetentionRule(Sourced, frozen=True, kw_only=True):
    """How long records of `category` are kept.

    Either a `period` runs from `clock`, or `until` names the event that ends it and nothing runs. `also` lists the
    categories of columns that such records hold; `table` makes it a rule for that table alone. `by_country` replaces the
    period for people of these countries, and is filled from jurisdictions.yaml when `by_country_law` names one of its
    tables. `only_if`: the rule takes only records whose columns hold one of these values. `anonymise` lists the categories
    whose columns are made anonymous, as anonymisation.yaml says; `generalise` the columns that an archive keeps, and how
    coarse they become. `words` may hold `{period}`.
    """

    id: str
    name: str
    category: str
    wording: str = msgspec.field(name="words")
    legal_basis: str
    promise: str
    also: tuple[str, ...] = ()
    clock: Clock | None = None
    period: Period | None = None
    until: Until | None = None
    by_country_law: Literal["tax_records"] | None = None
    by_country: dict[str, Period] = {}
    table: str | None = None
    only_if: dict[str, tuple[str, ...]] = {}
    action: Literal["delete", "anonymise", "archive", "shred"] = "delete"
    anonymise: tuple[str, ...] = ()
    generalise: dict[str, Coarseness] = {}
    on_erasure: Literal["delete", "keep"] = "delete"
    erasure_reason: str | None = None

    @property
    def words(self) -> str:
        """How long, as a person says it: "90 days after their last use", "until you delete it"."""
        return self.wording.replace("{period}", self.period.words if self.period else "")

    @property
    def removes(self) -> bool:
        """Whether the record itself goes; such a rule is carried out before one that changes the record."""
        return self.action in ("delete", "archive")

    def period_for(self, country: str | None) -> Period | None:
        """The period for a person of this country (ISO 3166, upper case); None when no period runs."""
        return self.by_country.get(country or "", self.period)


class Method(Sourced, frozen=True, kw_only=True):
    """How data of one category is made anonymous.

    `empty` leaves nothing; `fixed` puts `value` everywhere; `truncate_ip` keeps the first `v4` or `v6` bits of a network
    address; `coarse_time` keeps the hour, day, month or year; `keyed_hash` is an HMAC under a key that is destroyed with
    the run. `hash` can be written and is always refused: see checks.
    """

    key: str = ""
    method: Literal["empty", "fixed", "truncate_ip", "coarse_time", "keyed_hash", "hash"]
    why: str
    value: str | None = None
    v4: int | None = None
    v6: int | None = None
    to: Literal["hour", "day", "month", "year"] | None = None


class Crowd(Sourced, frozen=True, kw_only=True):
    """Of how many people (`value`) a group must have data before anything is told of it."""

    value: int
    unit: Literal["people"]
    why: str


class Anonymisation(msgspec.Struct, frozen=True, kw_only=True):
    """anonymisation.yaml: a method holds for the category and all below it, until a longer key says otherwise."""

    k: Crowd
    methods: dict[str, Method]


class Processor(Sourced, frozen=True, kw_only=True):
    """Someone who receives data for us. `embedded`: part of this installation, so that nothing leaves it.

    `receives` says in words what goes there; `mechanism` is the ground for a transfer (GDPR Chapter V).
    """

    id: str
    name: str
    role: str
    purposes: tuple[str, ...]
    categories: tuple[str, ...]
    receives: str
    region: str
    mechanism: Literal["none_needed", "adequacy", "standard_clauses"]
    safeguard: str
    contact: str
    promise: str
    embedded: bool = False


class ScheduledJob(Sourced, frozen=True, kw_only=True):
    """A job that runs on a clock: five-field `cron` in `timezone`; `words` say what it does."""

    id: str
    words: str
    cron: str
    timezone: str = "UTC"


class Cookie(Sourced, frozen=True, kw_only=True):
    """A cookie that the service sets. `kept` is empty when it goes with the browser window."""

    id: str
    name: str
    purpose: str
    necessary: bool
    promise: str
    kept: Period | None = None


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """Whom to write to."""

    name: str
    contact: str
    address: str = ""


class SecurityMeasure(Sourced, frozen=True, kw_only=True):
    """One technical or organisational measure (GDPR Art. 32)."""

    id: str
    words: str
    promise: str


class Controller(msgspec.Struct, frozen=True, kw_only=True):
    """controller.yaml: who answers for the data."""

    name: str
    address: str
    country: str
    contact: str
    invented: bool
    data_protection_officer: Contact
    supervisory_authority: Contact
    security_measures: dict[str, SecurityMeasure]
    source: str
