"""Limits come from policies/limits.yaml alone: another figure there is another limit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from gptimages.accounts import tokens
from gptimages.accounts.models import Account
from gptimages.errors import InputError
from gptimages.installation import Installation
from gptimages.settings import Settings
from gptimages.support import desk


@pytest.fixture
def settings(settings: Settings, policies: Path) -> Settings:
    """Settings with policies whose limits are small."""
    limits = policies / "limits.yaml"
    told = limits.read_text()
    for before, after in (
        ("report-place-characters: {value: 500,", "report-place-characters: {value: 5,"),
        ("token-name-characters: {value: 60,", "token-name-characters: {value: 7,"),
    ):
        assert before in told
        told = told.replace(before, after)
    limits.write_text(told)
    return msgspec.structs.replace(settings, policies=policies)


def test_a_tokens_name_is_as_long_as_the_limits_say(here: Installation, person: Callable[..., Account]) -> None:
    """A name that fits is taken; one more character is not, and the sentence says how many there may be."""
    ines = person()
    with here.db.write() as session:
        tokens.create(session, here, ines.id, "seven c", ["images"], now=here.clock())
        with pytest.raises(InputError, match="1 to 7 characters"):
            tokens.create(session, here, ines.id, "eight ch", ["images"], now=here.clock())


def test_where_something_is_is_never_cut_short(here: Installation) -> None:
    """A place that is too long is refused with a sentence, not shortened without one."""
    with here.db.write() as session:
        filed = desk.report(session, here, None, "abuse", "right", "It is not kind.", now=here.clock())
        assert desk.open_report(session, here, filed.id, by="staff", now=here.clock()).about == "right"
        with pytest.raises(InputError, match="at most 5 characters"):
            desk.report(session, here, None, "abuse", "too far", "It is not kind.", now=here.clock())
