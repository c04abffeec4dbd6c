"""What can be wrong with one rule of retention, or one method of making data anonymous, whatever the other files say."""

from __future__ import annotations

from collections.abc import Iterator

from datasteward.policy.model import Method, RetentionRule

_TAKES: dict[str, tuple[str, ...]] = {"fixed": ("value",), "truncate_ip": ("v4", "v6"), "coarse_time": ("to",)}
_MOST_BITS = {"v4": 24, "v6": 48}
"""The finest networks that a truncated address may name: one of /56 is often a single household's (RFC 6177)."""


def of_rule(rule: RetentionRule) -> Iterator[tuple[str, str]]:
    """What is wrong with a rule, to be read after its name, each with its remedy."""
    yield from _of_time(rule)
    yield from _of_deed(rule)
    if rule.table is not None and rule.also:
        yield "is for a table alone and lists further categories", "remove 'also': it governs all that the table holds"
    if any(not values for values in rule.only_if.values()):
        yield "has a condition that no record meets", "name in brackets the values that the column may hold"
    if (rule.on_erasure == "keep") != bool(rule.erasure_reason):
        yield "and its erasure_reason do not agree", "a record kept on erasure needs its reason, no other has one"


def _of_time(rule: RetentionRule) -> Iterator[tuple[str, str]]:
    if (rule.period is None) == (rule.until is None):
        yield "must have either a period or an 'until'", "write one of the two"
    if rule.period is not None and rule.clock is None:
        yield "has a period, but nothing that it runs from", "add 'clock: created' or another clock"
    if rule.until is not None and (rule.clock or rule.by_country):
        yield (
            "has a clock or countries, but no period that they would be for",
            "remove them, or write 'period' for 'until'",
        )
    if "{period}" not in rule.wording and rule.period is not None:
        yield "writes its period into its words", "write {period} there, so that the two cannot disagree"


def _of_deed(rule: RetentionRule) -> Iterator[tuple[str, str]]:
    if rule.until is not None and rule.action != "delete":
        yield f"says '{rule.action}', but waits for an event, which deletes", "give it a period, or remove the action"
    if (rule.action == "anonymise") != bool(rule.anonymise):
        yield "and its list 'anonymise' do not agree", "give action: anonymise and the categories to empty, or neither"
    if (rule.action == "archive") != bool(rule.generalise):
        yield "and its 'generalise' do not agree", "give action: archive and the columns that are kept, or neither"


def of_method(method: Method) -> Iterator[tuple[str, str, str]]:
    """What is wrong with a method: the field, the fault and its remedy.

    Sources: GDPR recital 26; WP216 (Opinion 05/2014) section 4, recalled, on hashes of what can be guessed.
    """
    if method.method == "hash":
        yield (
            "method",
            f"a hash of '{method.key}' is not anonymous, since whoever guesses the value finds it again "
            "(GDPR recital 26; WP216 section 4)",
            "write keyed_hash, whose key is destroyed, or empty",
        )
    takes = _TAKES.get(method.method, ())
    for field in ("value", "v4", "v6", "to"):
        given = getattr(method, field)
        if given is None and field in takes:
            yield "method", f"the method {method.method} of '{method.key}' needs '{field}'", f"add '{field}: …'"
        elif given is not None and field not in takes:
            yield field, f"the method {method.method} of '{method.key}' takes no '{field}'", "remove it"
        elif field in _MOST_BITS and given is not None and not 0 <= given <= _MOST_BITS[field]:
            most = _MOST_BITS[field]
            yield field, f"{given} bits of an address of '{method.key}' lead to a household", f"write 0 to {most}"
