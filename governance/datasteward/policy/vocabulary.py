"""How the words of a policy set are said in vocabularies of others: policies/vocabulary.yaml."""

from __future__ import annotations

import msgspec


class Vocabulary(msgspec.Struct, frozen=True, kw_only=True):
    """vocabulary.yaml: terms of the Data Privacy Vocabulary, by category and by purpose, each with its prefix."""

    source: str
    categories: dict[str, str]
    purposes: dict[str, str]
