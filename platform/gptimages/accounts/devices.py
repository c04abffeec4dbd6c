"""The device of a sign-in: network address and browser, sealed, and in words that its owner recognises.

Devices are opened for `integrity` alone, where who objects to that use is not there.
"""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from datasteward.consent import records as consent
from datasteward.disposal.disposal import dispose
from datasteward.keys import reveal, seal
from datasteward.retention import holds
from datasteward.retention.held import Held, free
from gptimages.accounts.models import Account, WebSession
from gptimages.activity.models import DeviceRecord
from gptimages.installation import Installation
from gptimages.models import new_id

PURPOSE = "integrity"
LONGEST_AGENT = 400  # characters; longer ones tell nothing more
BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


class Device(msgspec.Struct, frozen=True):
    """What a request tells of its device."""

    ip_address: str | None
    user_agent: str | None

    def __repr__(self) -> str:
        return "<Device>"


def record(
    session: Session, here: Installation, account_id: str, session_id: str, device: Device, *, now: datetime
) -> None:
    """Writes down on which device a session was begun, to protect the account.

    The session is one for `integrity`: nothing is written for somebody who is not there.
    """
    if session.scalar(select(Account.id).where(Account.id == account_id)) is None:
        return
    row_id = new_id()
    row = DeviceRecord(id=row_id, account_id=account_id, created_at=now, last_seen_at=now)
    if device.ip_address:
        seal(here.vault, row, "ip_address", device.ip_address, subject=account_id)
    if device.user_agent:
        seal(here.vault, row, "user_agent", device.user_agent[:LONGEST_AGENT], subject=account_id)
    session.add(row)
    session.flush()
    session.execute(update(WebSession).where(WebSession.id == session_id).values(device_id=row_id))


def forget_objected(session: Session, here: Installation, account_id: str, now: datetime) -> None:
    """Deletes the devices of somebody who objects to their being written down, but for those that a legal hold keeps."""
    if not consent.objects(session, account_id, PURPOSE) or not holds.guard_at_once(session):
        return
    table = here.catalog.table(DeviceRecord.__tablename__)
    mine = here.catalog.belonging_to(table, account_id)
    for some in free(session, table, mine, Held(session, here.catalog).keeps(table)):
        dispose(session, here.catalog, table, some, now=now)


def of_session(session: Session, here: Installation, row: WebSession) -> Device:
    """The device that a session was begun on; empty when its record is gone by its retention rule."""
    found = session.get(DeviceRecord, row.device_id) if row.device_id else None
    if found is None:
        return Device(None, None)
    return Device(*(reveal(here.vault, found, each, subject=row.account_id) for each in ("ip_address", "user_agent")))


def words(user_agent: str | None) -> str:
    """A browser's self-description as `Firefox on Linux`."""
    if not user_agent:
        return "A device no longer recorded"
    browser = next((name for sign, name in BROWSERS if sign in user_agent), "Another browser")
    system = next((name for sign, name in SYSTEMS if sign in user_agent), None)
    return f"{browser} on {system}" if system else browser
