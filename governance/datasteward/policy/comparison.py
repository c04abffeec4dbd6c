"""What a change of policies says: every entry of two policy sets that was added, removed or changed, in words.

What it means for the data that is there is counted by retention, not here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from datasteward.policy.findings import Place
from datasteward.policy.period import Period
from datasteward.policy.policyset import PolicySet
from datasteward.policy.wording import PolicyText

_NO_POLICY = ("directory", "hash", "lines")
_FILES = {"role_file": "roles.yaml"}
Kind = Literal["added", "removed", "changed"]
_KINDS: dict[tuple[bool, bool], Kind] = {(True, False): "added", (False, True): "removed"}


PROMISED = "Certificates given before promise earlier dates: they hold only if the epoch they speak of is ended by hand in time."
_IN_CERTIFICATES = ("epoch", "overlap", "margin")
_ANY_DAY = datetime(2026, 1, 1, tzinfo=UTC)


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One difference: the `entry` and the `field` of it, empty where the whole entry came or went.

    `where` is file and line, in the new set, or in the old one of what was removed; `was` and `now` are the values in
    words, empty where there is none. `warning` is a sentence on what it breaks, mostly empty.
    """

    where: str
    entry: str
    field: str
    kind: Kind
    was: str = ""
    now: str = ""
    warning: str = ""

    def __str__(self) -> str:
        what = " ".join(part for part in (self.entry, self.field) if part)
        if self.kind == "changed":
            said = f"{self.where}: {what}: {self.was} → {self.now}"
            return f"{said}. {self.warning}" if self.warning else said
        value = self.now or self.was
        return f"{self.where}: {what} {self.kind}{': ' if value else ''}{value}"


def compare(old: PolicySet, new: PolicySet) -> list[Change]:
    """Every difference, file by file in the order of `PolicySet`; empty when both say the same."""
    was, now = files(old), files(new)
    return [change for file in now for change in _Comparison(old, new, file).between(was[file], now[file], (), 0)]


def files(policies: PolicySet) -> dict[str, Any]:
    """What a policy set says, by the file in which it says it; privacy texts stand under `privacy/`."""
    fields = [field for field in policies.__struct_fields__ if field not in (*_NO_POLICY, "texts")]
    said = {_FILES.get(field, f"{field}.yaml"): _keyed(getattr(policies, field)) for field in fields}
    return {**said, "privacy/": {version: _sentences(text) for version, text in policies.texts.items()}}


class _Comparison:
    """Goes through one file of both sets side by side."""

    def __init__(self, old: PolicySet, new: PolicySet, file: str) -> None:
        self.old = old
        self.new = new
        self.file = file

    def between(self, was: Any, now: Any, place: Place, depth: int) -> Iterator[Change]:
        """The differences of two values at `place`; its first `depth` steps are the entry's, the others lead to the field."""
        if was == now:
            return
        before, after = _parts(was), _parts(now)
        if before is None or after is None:
            yield from self.changed(place, depth, was, now)
            return
        for key in [*before, *(key for key in after if key not in before)]:
            old, new = before.get(key), after.get(key)
            section = isinstance(old, Mapping) and isinstance(new, Mapping)
            inner = depth or (0 if section else len(place) + 1)
            yield from self.between(old, new, (*place, key), inner)

    def changed(self, place: Place, depth: int, was: Any, now: Any) -> Iterator[Change]:
        """One change; of lists, what left them and what joined them."""
        if isinstance(was, tuple) and isinstance(now, tuple) and set(was) != set(now):
            gone, came = (tuple(one for one in a if one not in b) for a, b in ((was, now), (now, was)))
            if gone:
                yield self.change(place, depth, gone, None)
            if came:
                yield self.change(place, depth, None, came)
        else:
            yield self.change(place, depth, was, now)

    def change(self, place: Place, depth: int, was: Any, now: Any) -> Change:
        kind = _KINDS.get((was is None, now is None), "changed")
        return Change(
            where=self.where(self.old if kind == "removed" else self.new, place),
            entry=" ".join(place[:depth]),
            field=".".join(place[depth:]),
            kind=kind,
            was=_words(was),
            now=_words(now),
            warning=PROMISED if self.breaks_certificates(place, was, now) else "",
        )

    def breaks_certificates(self, place: Place, was: Any, now: Any) -> bool:
        """Whether the keys of the erased would stand longer than certificates say that were given under the old schedule."""
        if self.file != "encryption.yaml" or place[0] != "schedule" or place[-1] not in _IN_CERTIFICATES:
            return False
        return bool(now.after(_ANY_DAY) > was.after(_ANY_DAY))

    def where(self, policies: PolicySet, place: Place) -> str:
        """The file and line of a place; what is keyed at the top of a PolicySet stands under a heading in its file."""
        if self.file == "privacy/":
            return f"privacy/{place[0]}.md:1"
        tops = [top for file, top in policies.lines if file == self.file and len(top) == 1]
        heading = tops[0] if len(tops) == 1 and place[:1] != tops[0] else ()
        return policies.where(self.file, (*heading, *place))


def _keyed(value: Any) -> Any:
    """Structures in a list, by their ids."""
    return {one.id: one for one in value} if isinstance(value, tuple) else value


def _sentences(text: PolicyText) -> dict[str, Any]:
    sections = {section.title: tuple(sentence.text for sentence in section.sentences) for section in text.sections}
    return {"title": text.title, "summary": text.summary, "material": text.material, **sections}


def _parts(value: Any) -> Mapping[str, Any] | None:
    """What a value consists of, by the names that the files use; None for one that is compared as a whole."""
    if isinstance(value, Mapping):
        return value
    if not isinstance(value, msgspec.Struct) or isinstance(value, Period):
        return None
    return dict(zip(value.__struct_encode_fields__, msgspec.structs.astuple(value), strict=True))


def _words(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case tuple() | list():
            return ", ".join(_words(one) for one in value) or "nothing"
        case Period():
            return value.words
        case Mapping() | msgspec.Struct():
            return ""
        case _:
            return str(value)
