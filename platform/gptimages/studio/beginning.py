"""What the first page says of a picture's traces: computed from the policies, so that it cannot differ from them."""

from __future__ import annotations

from datetime import date

import msgspec

from datasteward.policy import PolicySet
from datasteward.policy.text import Sentence
from gptimages.studio.facts import EngineFacts

TRACES = {
    "Your words": "user.content.private.prompt",
    "The pictures": "user.content.private.image",
    "Size and style": "user.content.preference",
    "When, and how long it took": "user.behavior.usage",
    "Your network address": "user.device.ip_address",
}
MAKING = ("generate",)
PROMISES = ("share.never-sold", "retain.content", "rights.erase")
"""Promises that the first page repeats, in the words of the text in force."""


class Trace(msgspec.Struct, frozen=True):
    """One thing that is written down: what for, until when, and who else receives it."""

    what: str
    purposes: str
    until: str
    recipients: str


def traces(policies: PolicySet, engine: EngineFacts) -> list[Trace]:
    """What is written down about a picture. Engines that are not in use receive nothing and are not named."""
    return [
        Trace(
            what,
            ", ".join(purpose.name.lower() for purpose in policies.purposes_of(key) if not purpose.covers_all),
            policies.retention_for(key).words,
            _recipients(policies, engine, key),
        )
        for what, key in TRACES.items()
    ]


def promised(policies: PolicySet, today: date) -> list[Sentence]:
    """The first sentence of the privacy text in force for each of PROMISES."""
    text = policies.text_in_force(today)
    said = [sentence for section in text.sections for sentence in section.sentences] if text else []
    found = [next((each for each in said if each.promise == promise), None) for promise in PROMISES]
    return [each for each in found if each is not None]


def _recipients(policies: PolicySet, engine: EngineFacts, key: str) -> str:
    names = [
        f"{each.name}, inside this service" if each.embedded else each.name
        for each in policies.recipients_of(key)
        if each.purposes != MAKING or each.id == engine.processor
    ]
    return "; ".join(names) or "nobody"
