"""The files under /.well-known: whom to tell of a weakness, and that Global Privacy Control is kept to."""

from __future__ import annotations

from datetime import UTC, timedelta

from litestar import get
from litestar.di import NamedDependency
from litestar.enums import MediaType
from litestar.response import Response

from gptimages.installation import Installation
from gptimages.web.permissions import PUBLIC

YEAR = timedelta(days=364)  # less than a year, as RFC 9116 section 2.5.5 recommends


@get("/.well-known/security.txt", opt=PUBLIC, sync_to_thread=True, include_in_schema=False)
def security(here: NamedDependency[Installation]) -> Response[str]:
    """Whom to tell of a weakness (RFC 9116)."""
    base = here.settings.public_url.rstrip("/")
    expires = (here.clock() + YEAR).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    lines = (
        f"Contact: {_address(here.policies.controller.contact)}",
        f"Expires: {expires}",
        "Preferred-Languages: en",
        f"Canonical: {base}/.well-known/security.txt",
    )
    return Response("\n".join(lines) + "\n", media_type=MediaType.TEXT)


@get("/.well-known/gpc.json", opt=PUBLIC, sync_to_thread=True, include_in_schema=False)
def global_privacy_control(here: NamedDependency[Installation]) -> dict[str, bool | str]:
    """That the signal Sec-GPC is kept to (Global Privacy Control): nothing is sold or shared, since the policy in force."""
    text = here.policies.text_in_force(here.clock().date())
    return {"gpc": True} | ({"lastUpdate": text.effective.isoformat()} if text else {})


def _address(contact: str) -> str:
    return contact if "://" in contact else f"mailto:{contact}"


ROUTES = [security, global_privacy_control]
