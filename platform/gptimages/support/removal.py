"""Removing an account that is too young: one member of staff proposes it, another orders it; nobody can alone.

Ordered, the account sleeps at once and is erased after the ordinary wait; its person is told and can keep it until then.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from datasteward.audit import log as audit
from gptimages.accounts.models import Account
from gptimages.errors import Conflict, NotFound
from gptimages.installation import Installation
from gptimages.privacy import leaving
from gptimages.support import desk
from gptimages.support.models import Report

KIND = "under-age"


def propose(session: Session, report_id: str, account_id: str, *, by: str, now: datetime) -> None:
    """Proposes to remove the account that the report is about. Raises NotFound, or Conflict for any other report."""
    report = _open(session, report_id)
    if report.kind != KIND:
        raise Conflict("Only an account that is too young can be removed by staff.")
    if session.get(Account, account_id) is None:
        raise NotFound("There is no account with this id: check it.")
    report.removal_of, report.removal_by = account_id, by
    audit.append(session, "removal.proposed", actor=by, subject=account_id, now=now, report=report.id)


def order(session: Session, here: Installation, report_id: str, *, by: str, now: datetime) -> None:
    """Orders what somebody else proposed, and closes the report.

    Raises NotFound, Conflict when nobody proposed it or the same person did, or RequestStateError when an erasure of the
    account waits already.
    """
    report = _open(session, report_id)
    account_id = report.removal_of
    if account_id is None:
        raise Conflict("There is nothing to order: nobody has proposed to remove an account.")
    if report.removal_by == by:
        raise Conflict("You proposed this: somebody else has to order it.")
    leaving.order(session, here, account_id, by=by, now=now)
    audit.append(session, "removal.ordered", actor=by, subject=account_id, now=now, report=report.id)
    desk.close_report(session, report_id, by=by, now=now)


def _open(session: Session, report_id: str) -> Report:
    report = desk.report_of(session, report_id)
    if report.state != "open":
        raise Conflict("This report is closed.")
    return report
