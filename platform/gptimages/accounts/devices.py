"""The device of a sign-in: network address and browser, sealed, and in words that its owner recognises."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy.orm import Session

from datasteward.keys import Context
from gptimages.accounts.models import WebSession
from gptimages.activity.models import DeviceRecord
from gptimages.installation import Installation
from gptimages.models import new_id

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


def record(session: Session, here: Installation, account_id: str, device: Device, now: datetime) -> str:
    """Writes the device of a sign-in down, to protect the account, and returns the id of its row."""
    row_id = new_id()
    row = DeviceRecord(id=row_id, account_id=account_id, created_at=now, last_seen_at=now)
    if device.ip_address:
        row.ip_address = here.vault.seal(_place(account_id, row_id, "ip_address"), device.ip_address)
    if device.user_agent:
        row.user_agent = here.vault.seal(_place(account_id, row_id, "user_agent"), device.user_agent[:LONGEST_AGENT])
    session.add(row)
    session.flush()
    return row_id


def of_session(session: Session, here: Installation, row: WebSession) -> Device:
    """The device that a session was begun on; empty when its record is gone by its retention rule."""
    found = session.get(DeviceRecord, row.device_id) if row.device_id else None
    if found is None:
        return Device(None, None)
    ip, agent = found.ip_address, found.user_agent
    return Device(
        here.vault.reveal_text(_place(row.account_id, found.id, "ip_address"), ip) if ip else None,
        here.vault.reveal_text(_place(row.account_id, found.id, "user_agent"), agent) if agent else None,
    )


def words(user_agent: str | None) -> str:
    """A browser's self-description as `Firefox on Linux`."""
    if not user_agent:
        return "A device no longer recorded"
    browser = next((name for sign, name in BROWSERS if sign in user_agent), "Another browser")
    system = next((name for sign, name in SYSTEMS if sign in user_agent), None)
    return f"{browser} on {system}" if system else browser


def _place(account_id: str, row_id: str, column: str) -> Context:
    return Context(subject=account_id, table=DeviceRecord.__tablename__, column=column, row=row_id)
