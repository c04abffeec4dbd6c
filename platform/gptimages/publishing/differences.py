"""What differs between two versions of the policy, sentence by sentence, in the order of the newer text."""

from __future__ import annotations

import difflib
from typing import Literal

import msgspec

from datasteward.policy.text import PolicyText, Sentence


class Difference(msgspec.Struct, frozen=True):
    """One sentence that was added, removed or changed; `parts` are its pieces with what became of each."""

    kind: Literal["added", "removed", "changed", "same"]
    promise: str
    parts: tuple[tuple[Literal["same", "ins", "del"], str], ...]


def compare(old: PolicyText, new: PolicyText) -> list[Difference]:
    """Every sentence of both texts, paired where one became the other."""
    before, after = _sentences(old), _sentences(new)
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    found: list[Difference] = []
    for kind, i, j, k, m in matcher.get_opcodes():
        if kind == "equal":
            found += [Difference("same", s.promise, (("same", s.text),)) for s in after[k:m]]
        else:
            found += _replaced(before[i:j], after[k:m])
    return found


def new_sentences(old: PolicyText, new: PolicyText) -> frozenset[str]:
    """The texts of the sentences that the older version did not have in these words."""
    known = {sentence.text for sentence in _sentences(old)}
    return frozenset(sentence.text for sentence in _sentences(new)) - known


def _sentences(text: PolicyText) -> list[Sentence]:
    return [sentence for section in text.sections for sentence in section.sentences]


def _replaced(before: list[Sentence], after: list[Sentence]) -> list[Difference]:
    found, left = [], list(before)
    for sentence in after:
        twin = next((old for old in left if old.promise == sentence.promise), None)
        if twin is None:
            found.append(Difference("added", sentence.promise, (("ins", sentence.text),)))
        else:
            left.remove(twin)
            found.append(Difference("changed", sentence.promise, _words(twin.text, sentence.text)))
    return found + [Difference("removed", old.promise, (("del", old.text),)) for old in left]


def _words(old: str, new: str) -> tuple[tuple[Literal["same", "ins", "del"], str], ...]:
    a, b = old.split(" "), new.split(" ")
    parts: list[tuple[Literal["same", "ins", "del"], str]] = []
    for kind, i, j, k, m in difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if kind == "equal":
            parts.append(("same", " ".join(a[i:j])))
            continue
        if i < j:
            parts.append(("del", " ".join(a[i:j])))
        if k < m:
            parts.append(("ins", " ".join(b[k:m])))
    return tuple(parts)
