"""The pages of the privacy policy: the version in force, any version by its date, and what differs from the one before."""

from __future__ import annotations

from typing import Any

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Response
from sqlalchemy.orm import Session

from datasteward.policy.text import PolicyText
from gptimages.errors import NotFound
from gptimages.installation import Installation
from gptimages.publishing import differences, versions
from gptimages.publishing.models import PolicyVersion
from gptimages.web.permissions import PUBLIC
from gptimages.web.rendering import Renderer
from gptimages.web.visitor import Visitor


@get("/policy", opt=PUBLIC, sync_to_thread=True, include_in_schema=False)
def current(
    here: NamedDependency[Installation], pages: NamedDependency[Renderer], visitor: NamedDependency[Visitor]
) -> Response[Any]:
    """The version in force."""
    with here.reading("communicate", visitor.actor) as session:
        row = versions.in_force(session, here.clock()) or versions.coming(session, here.clock())
        if row is None:
            raise NotFound("No version of the privacy policy is published yet; legal publishes it.")
        return pages.page("policy/policy.html", visitor, **_view(session, here, row))


@get("/policy/{name:str}", opt=PUBLIC, sync_to_thread=True, include_in_schema=False)
def by_date(
    here: NamedDependency[Installation],
    pages: NamedDependency[Renderer],
    visitor: NamedDependency[Visitor],
    name: FromPath[str],
) -> Response[Any]:
    """The version of that date, as it was published."""
    with here.reading("communicate", visitor.actor) as session:
        return pages.page("policy/policy.html", visitor, **_view(session, here, versions.version(session, name)))


def _view(session: Session, here: Installation, row: PolicyVersion) -> dict[str, Any]:
    text, all_versions = versions.text_of(row), versions.published(session)
    older = [other for other in all_versions if other.effective_at < row.effective_at]
    before = versions.text_of(older[0]) if older else None
    now = here.clock()
    in_force = versions.in_force(session, now)
    return {
        "row": row,
        "text": text,
        "before": older[0] if older else None,
        "new": differences.new_sentences(before, text) if before else frozenset(),
        "versions": all_versions,
        "in_force": in_force,
        "coming": versions.coming(session, now),
        "sentences": _count(text),
        "promises": len({sentence.promise for section in text.sections for sentence in section.sentences}),
    }


def _count(text: PolicyText) -> int:
    return sum(len(section.sentences) for section in text.sections)


ROUTES = [current, by_date]
