"""What the files of a policy set must agree on: every name that one file uses is one that another explains.

Each check is a small function over the loaded set that notes findings; `check` runs them all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from datasteward.policy import crontab
from datasteward.policy.findings import Findings, Place, suggestion
from datasteward.policy.flaws import of_method, of_rule
from datasteward.policy.law import FiscalYearEnd
from datasteward.policy.limits import Amount, Span
from datasteward.policy.policyset import PolicySet, lineage

_PERMISSION = re.compile(r"(own|staff):[a-z]+(-[a-z]+)*:[a-z]+(-[a-z]+)*")
_COMMON_YEAR = 2001
_SHORT = datetime(_COMMON_YEAR, 2, 1, tzinfo=UTC)  # a month from here is the shortest
COUNTRY = re.compile(r"[A-Z]{2}")
_TERM = re.compile(r"(dpv|pd):[A-Z][A-Za-z]+")


def check(policies: PolicySet, findings: Findings) -> None:
    """Runs every check and notes what is wrong."""
    for one in _CHECKS:
        one(policies, findings)


def _promises(policies: PolicySet, findings: Findings) -> None:
    used: list[tuple[str, Place, str]] = [
        *(
            ("taxonomy.yaml", ("categories", c.key), c.promise)
            for c in policies.taxonomy.categories.values()
            if c.promise
        ),
        *(("purposes.yaml", ("purposes", p.id), p.promise) for p in policies.purposes.values()),
        *(("retention.yaml", ("rules", r.id), r.promise) for r in policies.retention.values()),
        *(("roles.yaml", ("roles", r.id), r.promise) for r in policies.role_file.roles.values()),
        *(("processors.yaml", ("processors", p.id), p.promise) for p in policies.processors.values()),
        *(("cookies.yaml", ("cookies", c.id), c.promise) for c in policies.cookies),
        *(
            ("controller.yaml", ("security_measures", m.id), m.promise)
            for m in policies.controller.security_measures.values()
        ),
        ("minors.yaml", (), policies.minors.promise),
    ]
    for name, place, promise in used:
        _known(findings, name, (*place, "promise"), "promise", promise, policies.promises)
    _known(findings, "minors.yaml", ("report_promise",), "promise", policies.minors.report_promise, policies.promises)


def _tree(policies: PolicySet, findings: Findings) -> None:
    categories, groups = policies.taxonomy.categories, policies.taxonomy.groups
    for key, category in categories.items():
        if category.group:
            _known(findings, "taxonomy.yaml", ("categories", key, "group"), "group", category.group, groups)
        elif category.personal and not category.abstract:
            findings.at("taxonomy.yaml", ("categories", key), f"'{key}' stands under no group", "add 'group: …'")
        for parent in lineage(key):
            if parent not in categories:
                remedy = f"add '{parent}' with 'abstract: true'"
                findings.at("taxonomy.yaml", ("categories", key), f"'{key}' has no parent '{parent}'", remedy)


def _categories(policies: PolicySet, findings: Findings) -> None:
    known = policies.taxonomy.categories
    for section, statements in (("encrypted", policies.encryption.encrypted), ("clear", policies.encryption.clear)):
        for key in statements:
            _known(findings, "encryption.yaml", (section, key), "category", key, known)
    for purpose in policies.purposes.values():
        _all_known(findings, "purposes.yaml", ("purposes", purpose.id, "categories"), purpose.categories, known)
    for processor in policies.processors.values():
        place: Place = ("processors", processor.id, "categories")
        _all_known(findings, "processors.yaml", place, processor.categories, known)
    for rule in policies.retention.values():
        place = ("rules", rule.id)
        _known(findings, "retention.yaml", (*place, "category"), "category", rule.category, known)
        _all_known(findings, "retention.yaml", (*place, "also"), rule.also, known)
        _all_known(findings, "retention.yaml", (*place, "anonymise"), rule.anonymise, known)


def _spoken_for(policies: PolicySet, findings: Findings) -> None:
    statements = {**policies.encryption.encrypted, **policies.encryption.clear}
    for key, category in policies.taxonomy.categories.items():
        place: Place = ("categories", key)
        if category.abstract:
            continue
        if not any(step in statements for step in lineage(key)):
            _unspoken(findings, place, f"no statement says whether '{key}' is encrypted", "encryption.yaml")
        if not policies.rules_for(key):
            _unspoken(findings, place, f"no rule says how long '{key}' is kept", "retention.yaml")
        # What keeps the law reaches everything, and says of nothing what it is collected for.
        if category.personal and all(purpose.covers_all for purpose in policies.purposes_of(key)):
            _unspoken(findings, place, f"no purpose says what '{key}' is used for", "purposes.yaml")


def _unspoken(findings: Findings, place: Place, what: str, name: str) -> None:
    findings.at("taxonomy.yaml", place, what, f"add it to {name}")


def _described(policies: PolicySet, findings: Findings) -> None:
    for key, category in policies.taxonomy.categories.items():
        place: Place = ("categories", key)
        if category.abstract:
            continue
        named = policies.identifiability(key)
        if category.personal and named is None:
            what = f"nothing says whether '{key}' names a person or leads to one"
            findings.at("taxonomy.yaml", place, what, "add 'identifiability: …' to it or to a category above it")
        if category.personal and policies.origin(key) is None:
            what = f"nothing says whether '{key}' is provided, observed or derived"
            findings.at("taxonomy.yaml", place, what, "add 'origin: …' to it or to a category above it")
        if named is not None and category.personal == (named == "anonymous"):
            what = f"'{key}' is {'personal' if category.personal else 'not personal'}, but {named}"
            remedy = "only what leads to nobody is anonymous (GDPR recital 26): change identifiability or personal"
            findings.at("taxonomy.yaml", (*place, "identifiability"), what, remedy)


def _encryption(policies: PolicySet, findings: Findings) -> None:
    for key in policies.encryption.encrypted.keys() & policies.encryption.clear.keys():
        place = ("clear", key)
        findings.at(
            "encryption.yaml", place, f"'{key}' stands under encrypted and under clear", "remove one of the two"
        )
    kept, overlap = policies.limits.key_backup_age.period, policies.encryption.schedule.overlap
    if overlap.after(_SHORT) < kept.after(_SHORT):
        what = (
            f"the overlap of epochs ends before a backup of the key store is {kept.words} old, which then opens nothing"
        )
        findings.at(
            "encryption.yaml",
            ("schedule", "overlap"),
            what,
            f"write {kept}, or a shorter key-backup-age in limits.yaml",
        )


def _retention(policies: PolicySet, findings: Findings) -> None:
    for rule in policies.retention.values():
        for what, remedy in of_rule(rule):
            findings.at("retention.yaml", ("rules", rule.id), f"the rule '{rule.id}' {what}", remedy)
        _countries(findings, "retention.yaml", ("rules", rule.id, "by_country"), rule.by_country)


def _anonymisation(policies: PolicySet, findings: Findings) -> None:
    name, anonymisation = "anonymisation.yaml", policies.anonymisation
    if anonymisation.k.value < 2:
        what = f"a group of {anonymisation.k.value} hides nobody"
        findings.at(name, ("k", "value"), what, "write 2 or more")
    for key, method in anonymisation.methods.items():
        _known(findings, name, ("methods", key), "category", key, policies.taxonomy.categories)
        for field, what, remedy in of_method(method):
            findings.at(name, ("methods", key, field), what, remedy)


def _purposes(policies: PolicySet, findings: Findings) -> None:
    for purpose in policies.purposes.values():
        if purpose.needs_consent != (purpose.legal_basis == "consent"):
            what = f"'{purpose.id}' and its legal basis disagree on whether consent is needed"
            findings.at("purposes.yaml", ("purposes", purpose.id), what, "change needs_consent or legal_basis")
        if purpose.legal_basis == "legitimate_interests" and not (purpose.interest and purpose.objectable):
            what = f"'{purpose.id}' rests on legitimate interests"
            remedy = "name the interest, and let people object (GDPR Art. 21(1))"
            findings.at("purposes.yaml", ("purposes", purpose.id), what, remedy)
    for processor in policies.processors.values():
        for i, purpose_id in enumerate(processor.purposes):
            place = ("processors", processor.id, "purposes", str(i))
            _known(findings, "processors.yaml", place, "purpose", purpose_id, policies.purposes)


def _roles(policies: PolicySet, findings: Findings) -> None:
    declared = policies.role_file.permissions
    for permission in declared:
        if not _PERMISSION.fullmatch(permission):
            what = f"'{permission}' is not shaped like a permission"
            findings.at(
                "roles.yaml", ("permissions", permission), what, "write scope:resource:action, as own:image:read"
            )
    for role in policies.role_file.roles.values():
        for i, permission in enumerate(role.permissions):
            _known(
                findings, "roles.yaml", ("roles", role.id, "permissions", str(i)), "permission", permission, declared
            )


def _law(policies: PolicySet, findings: Findings) -> None:
    law, minors = policies.jurisdictions, policies.minors
    _known(findings, "jurisdictions.yaml", ("elsewhere",), "request clock", law.elsewhere, law.requests)
    for clock in law.requests.values():
        _countries(findings, "jurisdictions.yaml", ("requests", clock.id, "countries"), clock.countries)
    for rule in law.consent_ages.values():
        _countries(findings, "jurisdictions.yaml", ("consent_ages", rule.id, "countries"), rule.countries)
    _countries(findings, "jurisdictions.yaml", ("tax_records",), law.tax_records)
    _countries(findings, "minors.yaml", ("by_country",), minors.by_country)
    _fiscal_year(law.fiscal_year_end, findings)
    _ages(policies, findings)
    strictest = max([minors.minimum, *(rule.age for rule in law.consent_ages.values())])
    if minors.unknown_country < strictest:
        what = f"somebody who does not say where they live could be younger than {strictest}, as one country asks"
        findings.at("minors.yaml", ("unknown_country",), what, f"write {strictest} or more")


def _ages(policies: PolicySet, findings: Findings) -> None:
    law, minors = policies.jurisdictions, policies.minors
    told: list[tuple[str, Place, int]] = [
        ("minors.yaml", ("minimum",), minors.minimum),
        ("minors.yaml", ("unknown_country",), minors.unknown_country),
        *(("minors.yaml", ("by_country", key, "age"), each.age) for key, each in minors.by_country.items()),
        *(("jurisdictions.yaml", ("consent_ages", key, "age"), each.age) for key, each in law.consent_ages.items()),
    ]
    for name, place, age in told:
        if age < 0:
            findings.at(name, place, f"nobody is {age} years old", "write the age in full years, 0 or more")


def _fiscal_year(end: FiscalYearEnd, findings: Findings) -> None:
    try:
        date(_COMMON_YEAR, end.month, end.day)
    except ValueError:
        what = f"the fiscal year ends on day {end.day} of month {end.month}, which not every year has"
        findings.at(
            "jurisdictions.yaml", ("fiscal_year_end",), what, "write a day that every year has: month 12, day 31"
        )


def _limits(policies: PolicySet, findings: Findings) -> None:
    for name in policies.limits.__struct_fields__:
        limit, key = getattr(policies.limits, name), name.replace("_", "-")
        if isinstance(limit, Amount) and limit.value < 1:
            findings.at("limits.yaml", (key, "value"), f"the limit '{key}' allows nothing", "write 1 or more")
        if isinstance(limit, Span) and (limit.period.years or limit.period.months):
            what = f"the limit '{key}' has no fixed length"
            findings.at("limits.yaml", (key, "period"), what, "write it in days, hours or minutes")
    _known(findings, "limits.yaml", ("first-plan",), "plan", policies.limits.first_plan, policies.limits.plans)


def _schedule(policies: PolicySet, findings: Findings) -> None:
    for job in policies.schedule:
        if flaw := crontab.flaw(job.cron):
            findings.at("schedule.yaml", ("jobs", job.id, "cron"), *flaw)
        try:
            ZoneInfo(job.timezone)
        except (ZoneInfoNotFoundError, ValueError):
            what = f"there is no time zone '{job.timezone}'"
            findings.at(
                "schedule.yaml", ("jobs", job.id, "timezone"), what, "write UTC, or a name such as Europe/Berlin"
            )


def _lookalikes(policies: PolicySet, findings: Findings) -> None:
    if policies.lookalikes.sample < 1:
        what = f"a sample of {policies.lookalikes.sample} looks at nothing"
        findings.at("lookalikes.yaml", ("sample",), what, "write 1 or more")
    for each in policies.lookalikes.contents.values():
        try:
            re.compile(each.pattern)
        except re.error:
            place = ("contents", each.id, "pattern")
            findings.at("lookalikes.yaml", place, f"the pattern of '{each.id}' is none", "write a regular expression")


def _vocabulary(policies: PolicySet, findings: Findings) -> None:
    vocabulary = policies.vocabulary
    for section, kind, words, known in (
        ("categories", "category", vocabulary.categories, policies.taxonomy.categories),
        ("purposes", "purpose", vocabulary.purposes, policies.purposes),
    ):
        for key, term in words.items():
            _known(findings, "vocabulary.yaml", (section, key), kind, key, known)
            if not _TERM.fullmatch(term):
                remedy = "write dpv: or pd: and the name of the term, as pd:EmailAddress"
                findings.at("vocabulary.yaml", (section, key), f"'{term}' is no term of the vocabulary", remedy)


def _known(findings: Findings, name: str, place: Place, kind: str, value: str, known: Iterable[str]) -> None:
    if value not in known:
        findings.at(name, place, f"unknown {kind} '{value}'", suggestion(value, known))


def _all_known(findings: Findings, name: str, place: Place, values: Iterable[str], known: Iterable[str]) -> None:
    for i, value in enumerate(values):
        _known(findings, name, (*place, str(i)), "category", value, known)


def _countries(findings: Findings, name: str, place: Place, countries: Iterable[str]) -> None:
    for i, country in enumerate(countries):
        if not COUNTRY.fullmatch(country):
            what = f"'{country}' is not a country"
            findings.at(name, (*place, str(i)), what, "write the two capitals of ISO 3166, as DE")


_CHECKS: tuple[Callable[[PolicySet, Findings], None], ...] = (
    _promises,
    _tree,
    _categories,
    _spoken_for,
    _described,
    _encryption,
    _retention,
    _anonymisation,
    _purposes,
    _roles,
    _law,
    _limits,
    _schedule,
    _lookalikes,
    _vocabulary,
)
