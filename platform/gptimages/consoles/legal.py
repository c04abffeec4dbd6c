"""Legal's console: versions of the policy with what differs, publishing one; the processors; disclosures to authorities."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect, Response
from litestar.status_codes import HTTP_303_SEE_OTHER
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from datasteward.errors import DisclosureRefused
from datasteward.policy.text import PolicyText
from datasteward.processors import disclosures
from gptimages.accounts.models import Account
from gptimages.errors import InputError, NotFound
from gptimages.installation import Installation
from gptimages.publishing import differences, versions
from gptimages.web.permissions import Permission, needs
from gptimages.web.rendering import Renderer
from gptimages.web.visitor import Visitor


class DisclosureForm(msgspec.Struct):
    """What the form about an authority sends."""

    subject: str = ""
    authority: str = ""
    ground: str = ""
    category: str = ""


@get("/legal", opt=needs(Permission.POLICY_PUBLISH), sync_to_thread=True, include_in_schema=False)
def overview(
    here: NamedDependency[Installation], pages: NamedDependency[Renderer], visitor: NamedDependency[Visitor]
) -> Response[Any]:
    """Published versions with whom they reached, and the texts of policies/privacy that are not published yet."""
    with here.reading("law", visitor.id) as session:
        rows = versions.published(session)
        known = {row.version for row in rows}
        return pages.page(
            "legal/overview.html",
            visitor,
            rows=[(row, *versions.reach(session, row)) for row in rows],
            drafts=[text for text in here.policies.texts.values() if text.version not in known],
            in_force=versions.in_force(session, here.clock()),
        )


@get("/legal/versions/{name:str}", opt=needs(Permission.POLICY_PUBLISH), sync_to_thread=True, include_in_schema=False)
def draft(
    here: NamedDependency[Installation],
    pages: NamedDependency[Renderer],
    visitor: NamedDependency[Visitor],
    name: FromPath[str],
) -> Response[Any]:
    """A text that is not published: what differs from the version in force, who will be told, and the button."""
    text = _draft(here, name)
    with here.reading("communicate", visitor.id) as session:
        current = versions.in_force(session, here.clock())
        compared = differences.compare(versions.text_of(current), text) if current else []
        first_day = here.clock() + here.policies.limits.policy_notice.span
        effective = datetime(text.effective.year, text.effective.month, text.effective.day, tzinfo=UTC)
        return pages.page(
            "legal/draft.html",
            visitor,
            text=text,
            current=current,
            differences=[d for d in compared if d.kind != "same"],
            same=sum(d.kind == "same" for d in compared),
            people=_active(session),
            first_day=first_day,
            in_time=current is None or effective >= first_day,
            notice=here.policies.limits.policy_notice.words,
        )


@post("/legal/versions/{name:str}", opt=needs(Permission.POLICY_PUBLISH), sync_to_thread=True, include_in_schema=False)
def publish(here: NamedDependency[Installation], visitor: NamedDependency[Visitor], name: FromPath[str]) -> Redirect:
    """Publishes it; everybody is told."""
    with here.writing("communicate", visitor.id) as session:
        versions.publish(session, here, _draft(here, name), by=visitor.id, now=here.clock())
    return Redirect("/legal", status_code=HTTP_303_SEE_OTHER)


@get("/legal/processors", opt=needs(Permission.PROCESSOR_READ), sync_to_thread=True, include_in_schema=False)
def processors(
    here: NamedDependency[Installation], pages: NamedDependency[Renderer], visitor: NamedDependency[Visitor]
) -> Response[Any]:
    """The register of recipients, with how often each received something."""
    with here.reading("law", visitor.id) as session:
        counts = disclosures.counts(session)
    return pages.page("legal/processors.html", visitor, processors=here.policies.processors, counts=counts)


@get("/legal/disclosures", opt=needs(Permission.DISCLOSURE_RECORD), sync_to_thread=True, include_in_schema=False)
def authorities(
    here: NamedDependency[Installation], pages: NamedDependency[Renderer], visitor: NamedDependency[Visitor]
) -> Response[Any]:
    """Disclosures to authorities, and the form that records one."""
    with here.reading("law", visitor.id) as session:
        found = disclosures.to_authorities(session)
    categories = [each for each in here.policies.taxonomy.categories.values() if each.personal]
    return pages.page("legal/disclosures.html", visitor, disclosures=found, categories=categories)


@post("/legal/disclosures", opt=needs(Permission.DISCLOSURE_RECORD), sync_to_thread=True, include_in_schema=False)
def disclose(
    here: NamedDependency[Installation], visitor: NamedDependency[Visitor], data: URLEncodedBody[DisclosureForm]
) -> Redirect:
    """Records a disclosure to an authority, with its ground (promise share.legal)."""
    with here.writing("law", visitor.id) as session:
        if session.get(Account, data.subject.strip()) is None:
            raise NotFound("There is no account with this id: check it.")
        try:
            disclosures.to_authority(
                session,
                here.policies,
                data.subject.strip(),
                authority=data.authority.strip(),
                ground=data.ground.strip(),
                categories=[data.category.strip()],
                by=visitor.id,
                now=here.clock(),
            )
        except DisclosureRefused as refused:
            raise InputError(str(refused)) from None
    return Redirect("/legal/disclosures", status_code=HTTP_303_SEE_OTHER)


def _draft(here: Installation, name: str) -> PolicyText:
    if name not in here.policies.texts:
        raise NotFound("There is no such text in policies/privacy: name the file after its date of effect.")
    return here.policies.texts[name]


def _active(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(Account).where(Account.state == "active")) or 0


ROUTES = [overview, draft, publish, processors, authorities, disclose]
