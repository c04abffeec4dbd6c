"""What Python does for SQLite: truncating a network address, and HMAC-SHA-256 with a prepared key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha256
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any


def network(text: object, v4: int, v6: int) -> str | None:
    """The first address of the network in which the address lies, of `v4` or `v6` bits; None for what is no address."""
    try:
        address: IPv4Address | IPv6Address = ip_address(str(text).partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    bits = v4 if mapped or isinstance(address, IPv4Address) else v6
    return str(ip_network(f"{mapped or address}/{bits}", strict=False).network_address)


def hmac(inner: bytes, outer: bytes, text: object) -> str | None:
    """HMAC-SHA-256 (RFC 2104) in hexadecimal; `inner` and `outer` are the key, padded and masked."""
    if text is None:
        return None
    return sha256(outer + sha256(inner + str(text).encode()).digest()).hexdigest()


BY_NAME: Mapping[str, tuple[int, Callable[..., Any]]] = {
    "datasteward_network": (3, network),
    "datasteward_hmac": (3, hmac),
}
"""By the name in SQL: how many arguments, and the function."""
