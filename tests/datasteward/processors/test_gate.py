"""The processor gate lets out what the register says, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasteward.errors import DisclosureRefused
from datasteward.policy import PolicySet, Processor, load
from datasteward.processors.gate import Gate

SHIPPED = Path(__file__).parents[3] / "policies"
PROMPT = "user.content.private.prompt"
ENTRY = Processor(
    id="engine",
    name="An engine",
    role="makes the images",
    purposes=("generate",),
    categories=(PROMPT, "user.content.private.reference", "user.device"),
    receives="the words and the reference pictures",
    region="EU",
    mechanism="none_needed",
    safeguard="a contract",
    contact="dpo@engine.example",
    promise="share.engine",
    source="GDPR 28",
)


def gate(*entries: Processor) -> Gate:
    """A gate with these entries in its register; the rest of the policies plays no part."""
    others: dict[str, Any] = dict.fromkeys(field.name for field in msgspec.structs.fields(PolicySet))
    return Gate(PolicySet(**{**others, "processors": {entry.id: entry for entry in entries}}))


@pytest.mark.parametrize("categories", [(PROMPT,), (PROMPT, "user.content.private.reference"), {PROMPT}])
def test_registered_data_may_leave(categories: Any) -> None:
    """What stands in the recipient's entry goes through, alone or together."""
    gate(ENTRY).check("engine", categories, "generate")


def test_an_entry_covers_what_lies_below_it() -> None:
    """An entry for a branch of the taxonomy stands for its leaves."""
    gate(ENTRY).check("engine", ["user.device.ip_address"], "generate")


@pytest.mark.parametrize(
    ("recipient", "categories", "purpose", "what"),
    [
        ("analytics", [PROMPT], "generate", "not a registered recipient"),
        ("", [PROMPT], "generate", "not a registered recipient"),
        ("Engine", [PROMPT], "generate", "not a registered recipient"),
        ("engine", [PROMPT], "improve", "not among its purposes"),
        ("engine", [PROMPT], "", "not among its purposes"),
        ("engine", [], "generate", "have to be named"),
        ("engine", [PROMPT, "user.contact.email"], "generate", "does not cover user.contact.email"),
        ("engine", ["user.content.private"], "generate", "does not cover user.content.private"),
        ("engine", ["user.devices"], "generate", "does not cover user.devices"),
        ("engine", ["user"], "generate", "does not cover user"),
        ("engine", [""], "generate", "does not cover"),
    ],
)
def test_everything_else_stays(recipient: str, categories: list[str], purpose: str, what: str) -> None:
    """An unknown recipient, another purpose, a category beyond the entry or none at all: one sentence, nothing leaves."""
    with pytest.raises(DisclosureRefused, match=what):
        gate(ENTRY).check(recipient, categories, purpose)


def test_every_category_beyond_the_entry_is_named() -> None:
    """The sentence names all that would have to be registered, in order, so that one reading is enough."""
    with pytest.raises(DisclosureRefused, match=r"cover user\.contact\.email, user\.name\.$"):
        gate(ENTRY).check("engine", ["user.name", PROMPT, "user.contact.email"], "generate")


def test_empty_register_lets_nothing_out() -> None:
    """Without entries there are no recipients."""
    with pytest.raises(DisclosureRefused):
        gate().check("engine", [PROMPT], "generate")


KEYS = st.lists(st.sampled_from(["user", "content", "private", "prompt", "device"]), min_size=1, max_size=5).map(
    ".".join
)


@given(registered=st.sets(KEYS, max_size=4), asked=st.sets(KEYS, min_size=1, max_size=4))
def test_nothing_passes_that_no_entry_covers(registered: set[str], asked: set[str]) -> None:
    """What passes is, key by key, a registered category or lies below one; what does not pass has a key that is neither."""
    covered = all(any(f"{key}.".startswith(f"{entry}.") for entry in registered) for key in asked)
    keeper = gate(msgspec.structs.replace(ENTRY, categories=tuple(registered)))
    if covered:
        keeper.check("engine", asked, "generate")
    else:
        with pytest.raises(DisclosureRefused):
            keeper.check("engine", asked, "generate")


def test_shipped_register_keeps_people_from_the_engine() -> None:
    """No shipped recipient that makes images may be told who asks: neither name, address, account nor device."""
    policies = load(SHIPPED)
    makers = [entry for entry in policies.processors.values() if PROMPT in entry.categories and not entry.embedded]
    assert makers
    for entry in makers:
        for category in ("user.name", "user.contact.email", "user.unique_id", "user.account", "user.device.ip_address"):
            with pytest.raises(DisclosureRefused):
                Gate(policies).check(entry.id, [category], entry.purposes[0])
