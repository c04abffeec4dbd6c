"""Whose request it is when proxies stand in front: the address that the outermost of our own proxies saw.

Only what a proxy named in the setting `proxies` wrote into X-Forwarded-For counts, read from its end: everything before
that was written by the visitor, who may write anything (MDN, X-Forwarded-For, "Selecting an IP address").
"""

from __future__ import annotations

import ipaddress

from litestar.types import Scope

from gptimages.settings import Network, networks

HEADER = b"x-forwarded-for"


class Proxies:
    """The proxies that an installation trusts, as addresses and networks parted by commas."""

    def __init__(self, trusted: str) -> None:
        self._trusted: tuple[Network, ...] = networks(trusted)

    def settle(self, scope: Scope) -> None:
        """Puts the visitor's own address into the scope of a request that came through our proxies."""
        client = scope["client"]
        if client is None or not self._ours(client[0]):
            return
        forwarded = b",".join(value for name, value in scope["headers"] if name.lower() == HEADER)
        for told in reversed(forwarded.decode("latin-1").split(",")):
            address = _plain(told)
            if address is None:
                return
            scope["client"] = (address, 0)
            if not self._ours(address):
                return

    def _ours(self, address: str) -> bool:
        plain = _plain(address)
        return plain is not None and any(ipaddress.ip_address(plain) in network for network in self._trusted)


def _plain(told: str) -> str | None:
    """An address in its one spelling, IPv4 not dressed as IPv6; None for anything else."""
    try:
        address = ipaddress.ip_address(told.strip())
    except ValueError:
        return None
    return str(getattr(address, "ipv4_mapped", None) or address)
