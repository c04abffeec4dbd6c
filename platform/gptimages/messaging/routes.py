"""The page of notices: what the service told the person, in the service and by mail."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.response import Redirect, Response
from litestar.status_codes import HTTP_303_SEE_OTHER
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from datasteward.keys import reveal
from gptimages.installation import Installation
from gptimages.messaging.models import MailMessage, Notification
from gptimages.web.permissions import Permission, needs
from gptimages.web.rendering import Renderer
from gptimages.web.visitor import Visitor

SHOWN = 100


class Letter(msgspec.Struct, frozen=True):
    """A mail as its addressee reads it."""

    subject: str
    body: str
    state: str
    at: Any


@get("/notices", opt=needs(Permission.NOTICE_READ), sync_to_thread=True, include_in_schema=False)
def notices(
    here: NamedDependency[Installation], pages: NamedDependency[Renderer], visitor: NamedDependency[Visitor]
) -> Response[Any]:
    """The newest notices and mails."""
    with here.reading(_purpose(visitor), visitor.id) as session:
        mine = Notification.account_id == visitor.id
        found = session.scalars(select(Notification).where(mine).order_by(Notification.created_at.desc()).limit(SHOWN))
        return pages.page(
            "messaging/notices.html", visitor, notices=list(found), letters=letters(session, here, visitor.id)
        )


@post("/notices/read", opt=needs(Permission.NOTICE_READ), sync_to_thread=True, include_in_schema=False)
def read_all(here: NamedDependency[Installation], visitor: NamedDependency[Visitor]) -> Redirect:
    """Marks every notice as read."""
    with here.writing(_purpose(visitor), visitor.id) as session:
        unread = (Notification.account_id == visitor.id) & Notification.read_at.is_(None)
        session.execute(update(Notification).where(unread).values(read_at=here.clock()))
    return Redirect("/notices", status_code=HTTP_303_SEE_OTHER)


def _purpose(visitor: Visitor) -> str:
    """Whose data is only stored still reads what they were told: they ask for it (GDPR Art. 15, 18(2))."""
    return "law" if visitor.restricted else "communicate"


def letters(session: Session, here: Installation, account_id: str) -> list[Letter]:
    """The newest mails to the person, opened with their key."""
    query = select(MailMessage).where(MailMessage.account_id == account_id).order_by(MailMessage.created_at.desc())
    return [
        Letter(
            reveal(here.vault, mail, "subject", subject=account_id) or "",
            reveal(here.vault, mail, "body", subject=account_id) or "",
            mail.state,
            mail.created_at,
        )
        for mail in session.scalars(query.limit(SHOWN))
    ]


ROUTES = [notices, read_all]
