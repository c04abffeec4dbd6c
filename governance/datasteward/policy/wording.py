"""The privacy text as a value: a version, its sections and sentences, each bound to the promise that it makes."""

from __future__ import annotations

from datetime import date
from hashlib import sha256

import msgspec


class Sentence(msgspec.Struct, frozen=True):
    """One sentence of the privacy text, its figures filled in, and the promise that it makes."""

    text: str
    promise: str


class Section(msgspec.Struct, frozen=True):
    """One of the numbered sections."""

    number: int
    title: str
    sentences: tuple[Sentence, ...]


class PolicyText(msgspec.Struct, frozen=True):
    """One version of the privacy text; `version` is its file name, the day on which it was meant to take effect."""

    version: str
    effective: date
    title: str
    summary: str
    material: bool
    sections: tuple[Section, ...]

    @property
    def promises(self) -> frozenset[str]:
        """The ids of the promises that it makes."""
        return frozenset(sentence.promise for section in self.sections for sentence in section.sentences)

    @property
    def hash(self) -> str:
        """SHA-256 (hex) of this text with its figures filled in: what a published version is known by."""
        return sha256(msgspec.json.encode(self)).hexdigest()
