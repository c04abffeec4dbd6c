"""What looks like personal data: the words of names and the patterns of contents in policies/lookalikes.yaml."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import ip_address
from typing import Literal

import msgspec

from datasteward.policy.model import Sourced


class NameLookalike(Sourced, frozen=True, kw_only=True):
    """Words that a column's name has when it holds such data (`what`); `_` stands between the parts of a word."""

    id: str
    what: str
    words: tuple[str, ...]
    category: str

    def word_in(self, name: str) -> str:
        """The longest of the words that is a part of the name, as `agent` is of `user_agent` and `userAgent`; else empty."""
        parts = f"_{re.sub(r'(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+', '_', name).lower()}_"
        return max((word for word in self.words if f"_{word}_" in parts), key=len, default="")


class ContentLookalike(Sourced, frozen=True, kw_only=True):
    """A `pattern` of such data in a value; `check` names a rule that what the pattern finds has to keep as well."""

    id: str
    what: str
    pattern: str
    category: str
    check: Literal["iban", "ip"] | None = None

    def fits(self, value: str) -> bool:
        """Whether the value holds such data."""
        keeps = _KEEPS[self.check]
        return any(keeps(found.group()) for found in re.finditer(self.pattern, value))


class Lookalikes(msgspec.Struct, frozen=True, kw_only=True):
    """lookalikes.yaml; `sample` is the number of values of each column that are looked at."""

    sample: int
    names: dict[str, NameLookalike]
    contents: dict[str, ContentLookalike]


def _is_ip(text: str) -> bool:
    try:
        address = ip_address(text)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_unspecified)


def _is_iban(text: str) -> bool:
    """The check digits of ISO 13616: with the first four characters at its end and letters as 10 to 35, it is 1 mod 97."""
    plain = text.replace(" ", "")
    return int("".join(str(int(each, 36)) for each in plain[4:] + plain[:4])) % 97 == 1


_KEEPS: dict[str | None, Callable[[str], bool]] = {None: bool, "ip": _is_ip, "iban": _is_iban}
