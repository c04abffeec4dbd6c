"""The picture that the provider shows of a person: fetched once at sign-up, rebuilt from its pixels, stored encrypted.

Its address comes from outside, so it must not lead our server into its own network: https only, no redirect, and every
address that the name stands for has to be a public one; the connection goes to the address that was checked. In demo mode
the demo provider's own origin is the exception. Nothing here ever stops a sign-in.
"""

from __future__ import annotations

import ipaddress
import socket
from datetime import datetime
from urllib.parse import urlsplit

import httpx2
import structlog

from datasteward.errors import StewardError
from datasteward.policy import Limits
from gptimages.accounts import outside
from gptimages.accounts.models import Account
from gptimages.errors import GptImagesError
from gptimages.installation import Installation
from gptimages.models import new_id
from gptimages.settings import Settings
from gptimages.studio import pending, uploads

WHOLE_SECONDS = 4.0  # a person waits meanwhile
HTTPS_PORT = 443
GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")

log = structlog.get_logger()


class NotFetched(GptImagesError):
    """The picture was not fetched; the account is fine without it."""


def adopt(here: Installation, account_id: str, address: str, now: datetime) -> None:
    """Makes the picture at `address` the person's avatar, or leaves them without one and says why in the log."""
    limits = here.policies.limits
    key = f"avatar/{new_id()}"
    try:
        picture = uploads.rebuild(fetch(here.settings, address, limits), limits=limits)
        with here.writing("deliver", account_id) as session:
            pending.announce(session, [key], now=now)
        here.objects.put(account_id, key, [picture.png])
    except (GptImagesError, StewardError) as error:
        log.info("avatar left out", error=type(error).__name__)
        return
    with here.writing("deliver", account_id) as session:
        account = session.get(Account, account_id)
        if account is not None and pending.settle(session, [key]):
            account.avatar = key


def fetch(settings: Settings, address: str, limits: Limits) -> bytes:
    """The bytes at the address. Raises NotFetched."""
    try:
        url = httpx2.URL(address)
        target, headers, extensions = _target(settings, url)
        with outside.client(limits.avatar_bytes.value, WHOLE_SECONDS) as client:
            answer = client.get(target, headers=headers, extensions=extensions)
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
        raise NotFetched(f"The picture could not be fetched ({type(error).__name__}).") from None
    if answer.status_code != httpx2.codes.OK:
        raise NotFetched("The picture could not be fetched: the server sent something else.")
    return answer.content


def _target(settings: Settings, url: httpx2.URL) -> tuple[httpx2.URL, dict[str, str], dict[str, str]]:
    """Where to connect, with the Host header and the name for TLS that belong to the address asked for."""
    issuer = urlsplit(settings.oidc_issuer)
    if settings.demo and (url.scheme, url.netloc.decode()) == (issuer.scheme, issuer.netloc):
        return url, {}, {}
    if url.scheme != "https" or url.port not in (None, HTTPS_PORT) or url.userinfo:
        raise NotFetched("The picture is not at an https address.")
    found = {info[4][0] for info in socket.getaddrinfo(url.host, HTTPS_PORT, type=socket.SOCK_STREAM)}
    if not found or not all(_public(str(address)) for address in found):
        raise NotFetched("The picture is not at a public address.")
    chosen = min(str(address) for address in found)
    return url.copy_with(host=chosen), {"host": url.host}, {"sni_hostname": url.host}


def _public(address: str) -> bool:
    """Whether an address is a public one; IPv6 that carries an IPv4 address inside could lead anywhere and is none."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address) and (ip not in GLOBAL_UNICAST or ip.sixtofour or ip.teredo):
        return False
    return ip.is_global and not ip.is_multicast
