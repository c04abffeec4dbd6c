"""Pages: templates with the frame that every page has (who is signed in, unread notices), and filters for people's eyes.

Templates stand beside the code of their noun, under `templates/` of the web folder; they autoescape everything.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from litestar.enums import MediaType
from litestar.response import Response
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from datasteward.keys import reveal
from gptimages.accounts.models import Account
from gptimages.installation import Installation
from gptimages.messaging.models import Notification
from gptimages.publishing import versions
from gptimages.web import templating
from gptimages.web.visitor import Visitor


class Frame(msgspec.Struct, frozen=True):
    """What the frame around a page shows: the person's name and initials, unread notices, and the policy's dates."""

    name: str = ""
    initials: str = ""
    unread: int = 0
    policy_version: str | None = None
    policy_day: str = ""
    coming_version: str | None = None


class Renderer:
    """Draws pages of one installation. `extra` are template directories of other packages (reports, consoles)."""

    def __init__(self, here: Installation, *extra: Path) -> None:
        self.here = here
        self.environment = templating.environment(*extra)

    def page(self, template: str, visitor: Visitor, *, status: int = 200, **context: Any) -> Response[str]:
        """The page `template` for this visitor; `context` is what the template shows."""
        html = self.environment.get_template(template).render(
            visitor=visitor, frame=self._frame(visitor), settings=self.here.settings, now=self.here.clock(), **context
        )
        return Response(html, media_type=MediaType.HTML, status_code=status)

    def _frame(self, visitor: Visitor) -> Frame:
        with self.here.reading("deliver", visitor.actor) as session:
            return frame(session, self.here, visitor)


def frame(session: Session, here: Installation, visitor: Visitor) -> Frame:
    """The frame of a page for this visitor."""
    now = here.clock()
    current, coming = versions.in_force(session, now), versions.coming(session, now)
    dated = Frame(
        policy_version=current.version if current else None,
        policy_day=f"{current.effective_at.day} {current.effective_at:%B %Y}" if current else "",
        coming_version=coming.version if coming else None,
    )
    account = session.get(Account, visitor.account_id) if visitor.account_id else None
    if account is None:
        return dated
    name = reveal(here.vault, account, "name", subject=account.id) or ""
    unread = select(func.count()).where(Notification.account_id == account.id, Notification.read_at.is_(None))
    known = {"name": name, "initials": initials(name), "unread": session.scalar(unread) or 0}
    return msgspec.structs.replace(dated, **known)


def initials(name: str) -> str:
    """The first letters of the first and the last word of a name, in capitals."""
    words = name.split()
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()
