"""What looks like personal data: patterns keep the rules of what they find, and take nothing else for it."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from datasteward.errors import PolicyError
from datasteward.policy import load
from datasteward.policy.lookalikes import ContentLookalike

CONTENTS = load(Path(__file__).parents[3] / "policies").lookalikes.contents
OURS = st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=26, max_size=26)


def iban(body: str) -> str:
    """A British bank account with the check digits that belong to it."""
    digits = "".join(str(int(each, 36)) for each in f"{body}GB00")
    return f"GB{98 - int(digits) % 97:02}{body}"


@given(st.text("ABCDEFGH", min_size=4, max_size=4), st.text("0123456789", min_size=14, max_size=14))
def test_a_bank_account_is_known_by_its_check_digits(bank: str, number: str) -> None:
    """Every one is found; with another check digit it is none."""
    right = iban(bank + number)
    assert CONTENTS["iban"].fits(f"paid from {right}.")
    wrong = right[:3] + str((int(right[3]) + 1) % 10) + right[4:]
    assert not CONTENTS["iban"].fits(wrong)


@given(st.ip_addresses())
def test_network_addresses_are_found(address: IPv4Address | IPv6Address) -> None:
    """In their canonical form, alone and inside a sentence; this machine's own leads to nobody."""
    assume(not (address.is_loopback or address.is_unspecified))
    kind = CONTENTS[f"ipv{address.version}"]
    assert kind.fits(str(address))
    assert kind.fits(f"seen from {address}, twice")
    assert not CONTENTS["ipv4"].fits("127.0.0.1")


@given(OURS)
def test_an_opaque_id_looks_like_nothing(made: str) -> None:
    """The service's own ids are in most columns and must not be taken for something else."""
    assert not any(kind.fits(value) for kind in CONTENTS.values() for value in (made, f"image/{made}"))


@given(st.datetimes(), st.from_regex(r"[0-9a-f]{64}", fullmatch=True))
def test_times_and_hashes_look_like_nothing(moment: object, digest: str) -> None:
    """Working data is full of them."""
    assert not any(
        kind.fits(value) for kind in CONTENTS.values() for value in (str(moment), digest, f"sha256:{digest}")
    )


def test_a_pattern_that_is_none_is_told(policies: Path) -> None:
    """With the line on which it stands."""
    place = policies / "lookalikes.yaml"
    place.write_text(place.read_text().replace("pattern: '(?<!", "pattern: '((?<!"))
    with pytest.raises(PolicyError, match=r"lookalikes\.yaml:\d+: the pattern of 'email' is none"):
        load(policies)


def test_a_term_that_no_vocabulary_has_is_told(policies: Path) -> None:
    """A category that is unknown, and a term without its prefix."""
    place = policies / "vocabulary.yaml"
    place.write_text(place.read_text().replace("pd:Name", "Name").replace("user.contact.email:", "user.contact.emial:"))
    with pytest.raises(PolicyError) as found:
        load(policies)
    assert "unknown category 'user.contact.emial'" in str(found.value)
    assert "'Name' is no term of the vocabulary" in str(found.value)


def test_a_check_is_part_of_the_pattern() -> None:
    """Without its check a pattern takes whatever is shaped so."""
    loose = ContentLookalike(id="x", what="x", pattern=CONTENTS["iban"].pattern, category="x", source="x")
    assert loose.fits("GB00WEST12345698765432")
    assert not CONTENTS["iban"].fits("GB00WEST12345698765432")
