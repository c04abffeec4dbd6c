"""Links under which anyone who has them sees one picture, until they end; the link itself is stored nowhere."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from datasteward.audit import log as audit
from gptimages.accounts.secrets import hash_of, new_secret
from gptimages.errors import NotFound
from gptimages.installation import Installation
from gptimages.models import new_id
from gptimages.studio import images
from gptimages.studio.models import Image, ShareLink


def share(
    session: Session, here: Installation, account_id: str, image_id: str, *, now: datetime
) -> tuple[str, ShareLink]:
    """Makes a link to the person's picture; returns its secret, to be shown once, and its row. Raises NotFound."""
    image = images.find(session, account_id, image_id)
    secret = new_secret()
    link = ShareLink(
        id=new_id(),
        account_id=account_id,
        image_id=image.id,
        token_hash=hash_of(secret),
        created_at=now,
        expires_at=now + here.policies.limits.share_link.span,
    )
    session.add(link)
    session.flush()
    facts = {"image": image.id, "link": link.id}
    audit.append(session, "image.shared", actor=account_id, subject=account_id, now=now, **facts)
    return secret, link


def end(session: Session, account_id: str, link_id: str, *, now: datetime) -> ShareLink:
    """Ends a link of the person at once. Raises NotFound."""
    link = session.get(ShareLink, link_id)
    if link is None or link.account_id != account_id:
        raise NotFound("There is no such link of yours.")
    if link.ended_at is None:
        link.ended_at = now
        link.expires_at = min(link.expires_at, now)  # the retention rule runs from here
        audit.append(session, "share.ended", actor=account_id, subject=account_id, now=now, link=link.id)
    return link


def end_all(session: Session, account_id: str, *, now: datetime) -> None:
    """Ends every link of the person."""
    query = select(ShareLink.id).where(ShareLink.account_id == account_id, ShareLink.ended_at.is_(None))
    for link_id in session.scalars(query).all():
        end(session, account_id, link_id, now=now)


def links(session: Session, image: Image) -> list[ShareLink]:
    """Every link to the picture, the newest first."""
    query = select(ShareLink).where(ShareLink.image_id == image.id).order_by(ShareLink.created_at.desc())
    return list(session.scalars(query))


def alive(link: ShareLink, now: datetime) -> bool:
    """Whether the link opens."""
    return link.ended_at is None and link.expires_at > now


def opened(session: Session, secret: str, now: datetime) -> Image:
    """The picture behind a link. Raises NotFound when there is no such link or it has ended."""
    query = (
        select(ShareLink, Image)
        .join(Image, Image.id == ShareLink.image_id)
        .where(ShareLink.token_hash == hash_of(secret))
    )
    found = session.execute(query).one_or_none()
    if found is None or not alive(found[0], now):
        raise NotFound("This link has ended, or there never was one: ask the person who gave it to you.")
    image: Image = found[1]
    return image


def count_opening(session: Session, secret: str) -> None:
    """Counts that a link was opened; who opened it is not asked."""
    query = update(ShareLink).where(ShareLink.token_hash == hash_of(secret)).values(opened=ShareLink.opened + 1)
    session.execute(query)
