"""Network addresses without their last part, as text.

An IPv4 address that IPv6 carries (`::ffff:203.0.113.9`, RFC 4291 section 2.5.5.2) is an IPv4 address; a zone (`%eth0`,
RFC 4007) is dropped; what is no address becomes NULL, for nobody knows what it would give away.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, String, and_, case, cast, func, literal, not_, null
from sqlalchemy.dialects.postgresql import INET

from datasteward.anonymise.dialects import by_dialect

OCTET = "(0|[1-9][0-9]{0,2})"
PLAIN = rf"\A([0-9A-Fa-f:]+|([0-9A-Fa-f:]*:)?({OCTET}\.){{3}}{OCTET})\Z"
"""PostgreSQL would also read a length of the network, missing octets, and octets with a leading zero, which others take
for octal (RFC 6943 section 3.1.1).
"""
MAPPED = "::ffff:0:0/96"


def network(text: ColumnElement[Any], v4: int, v6: int) -> ColumnElement[Any]:
    """The first address of the network of `v4` or `v6` bits in which the address lies."""
    return by_dialect(
        String(),
        sqlite=func.datasteward_network(text, v4, v6),
        postgresql=_by_inet(text, v4, v6),
    )


def _by_inet(text: ColumnElement[Any], v4: int, v6: int) -> ColumnElement[Any]:
    bare = func.split_part(text, "%", 1, type_=String())
    valid = and_(bare.regexp_match(PLAIN), func.pg_input_is_valid(bare, "inet"))  # PostgreSQL 16
    address = cast(bare, INET)
    mapped = address.bool_op("<<=")(cast(literal(MAPPED, String()), INET))
    inside = cast(func.split_part(func.host(address), ":", 4), INET)
    return case(
        (not_(valid), null()),
        (func.family(address) == 4, _first(address, v4)),
        (mapped, _first(inside, v4)),
        else_=_first(address, v6),
    )


def _first(address: ColumnElement[Any], bits: int) -> ColumnElement[Any]:
    return func.host(func.network(func.set_masklen(address, bits)))
