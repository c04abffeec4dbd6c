"""The JSON API of the privacy centre: what is held, the archive, leaving, choices."""

from __future__ import annotations

from datetime import datetime

import msgspec
from litestar import delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import JSONBody
from litestar.response import Stream
from litestar.status_codes import HTTP_200_OK, HTTP_202_ACCEPTED
from litestar.types import ControllerRouterHandler

from datasteward.rights.holdings import Holding, holdings
from datasteward.rights.models import SubjectRequest
from gptimages.errors import NotFound
from gptimages.installation import Installation
from gptimages.privacy import archives, choices, leaving
from gptimages.privacy.choices import Choice
from gptimages.privacy.routes import send_archive
from gptimages.web.downloads import FileRequest, file_route
from gptimages.web.permissions import Permission, needs
from gptimages.web.visitor import Visitor

TAG = "Privacy"


class RequestView(msgspec.Struct, frozen=True):
    """A request under the law: its state, when it was asked, by when it must be answered (UTC), and how far it is.

    `run_after`: when an erasure is carried out. `bytes` and `until`: size and end of an archive that is ready.
    """

    id: str
    kind: str
    state: str
    asked_at: datetime
    answer_by: datetime
    run_after: datetime | None
    done: int
    total: int
    problem: str | None
    bytes: int | None
    until: datetime | None


class Leaving(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The erasure of the account: its mail address, typed so that it is surely meant."""

    email: str


class ChoiceChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One choice: the id of the use (`promotional-mail` for mail), and whether it is allowed."""

    id: str
    allowed: bool


@get("/api/v1/privacy/holdings", opt=needs(Permission.ACCOUNT_READ), sync_to_thread=True, tags=[TAG])
def list_holdings(here: NamedDependency[Installation], visitor: NamedDependency[Visitor]) -> list[Holding]:
    """What is held about you: how much of each kind, what for, until when, who received it, what an erasure leaves."""
    with here.reading("law", visitor.id) as session:
        return holdings(session, here.steward, visitor.id)


@post(
    "/api/v1/privacy/archive",
    opt=needs(Permission.ACCOUNT_EXPORT, fresh=True, by_token=True),
    sync_to_thread=True,
    status_code=HTTP_202_ACCEPTED,
    tags=[TAG],
)
def ask_archive(here: NamedDependency[Installation], visitor: NamedDependency[Visitor]) -> RequestView:
    """Asks for an archive of everything held about you; ask for its state until it is `ready`."""
    with here.writing("law", visitor.id) as session:
        return _view(archives.ask(session, here, visitor.id, via=visitor.via, now=here.clock()))


@get("/api/v1/privacy/archive", opt=needs(Permission.ACCOUNT_EXPORT), sync_to_thread=True, tags=[TAG])
def archive_state(here: NamedDependency[Installation], visitor: NamedDependency[Visitor]) -> RequestView:
    """How far your newest archive is."""
    with here.reading("law", visitor.id) as session:
        found = archives.newest(session, visitor.id)
    if found is None:
        raise NotFound("You have not asked for an archive: POST to this address.")
    return _view(found)


@file_route("/api/v1/privacy/archive/file", opt=needs(Permission.ACCOUNT_EXPORT, fresh=True, by_token=True), tags=[TAG])
def archive_content(
    request: FileRequest, here: NamedDependency[Installation], visitor: NamedDependency[Visitor]
) -> Stream:
    """The archive itself, a ZIP file, while it stands."""
    return send_archive(here, request, visitor)


@post(
    "/api/v1/privacy/erasure",
    opt=needs(Permission.ACCOUNT_ERASE, fresh=True, by_token=True),
    sync_to_thread=True,
    status_code=HTTP_202_ACCEPTED,
    tags=[TAG],
)
def ask_erasure(
    here: NamedDependency[Installation], visitor: NamedDependency[Visitor], data: JSONBody[Leaving]
) -> RequestView:
    """Asks for the erasure of your account. It waits until `run_after`; until then it can be taken back."""
    with here.writing("law", visitor.id) as session:
        return _view(
            leaving.ask(
                session,
                here,
                visitor.id,
                email=data.email,
                keep_session=visitor.session_id,
                keep_token=visitor.token_id,
                via=visitor.via,
                now=here.clock(),
            )
        )


@get("/api/v1/privacy/erasure", opt=needs(Permission.ACCOUNT_ERASE), sync_to_thread=True, tags=[TAG])
def erasure_state(here: NamedDependency[Installation], visitor: NamedDependency[Visitor]) -> RequestView:
    """The erasure that waits."""
    with here.reading("law", visitor.id) as session:
        found = leaving.waiting(session, visitor.id)
    if found is None:
        raise NotFound("No erasure of your account is waiting.")
    return _view(found)


@delete(
    "/api/v1/privacy/erasure",
    opt=needs(Permission.ACCOUNT_ERASE),
    sync_to_thread=True,
    status_code=HTTP_200_OK,
    tags=[TAG],
)
def cancel_erasure(here: NamedDependency[Installation], visitor: NamedDependency[Visitor]) -> RequestView:
    """Takes the erasure back. Taken back in a browser, a token that asked for it is ended."""
    with here.writing("law", visitor.id) as session:
        found = leaving.cancel(session, here, visitor.id, keep_token=visitor.token_id, now=here.clock())
    return _view(found)


@get("/api/v1/privacy/choices", opt=needs(Permission.CHOICE_CHANGE), sync_to_thread=True, tags=[TAG])
def list_choices(here: NamedDependency[Installation], visitor: NamedDependency[Visitor]) -> list[Choice]:
    """The uses of your data, which of them you may choose, and what you chose."""
    with here.reading("law", visitor.id) as session:
        return choices.of(session, here, visitor.id, signal=visitor.signal)


@put("/api/v1/privacy/choices", opt=needs(Permission.CHOICE_CHANGE), sync_to_thread=True, tags=[TAG])
def change_choices(
    here: NamedDependency[Installation], visitor: NamedDependency[Visitor], data: JSONBody[list[ChoiceChange]]
) -> list[Choice]:
    """Takes your choices; what is not named stays as it is."""
    with here.writing("law", visitor.id) as session:
        for change in data:
            choices.choose(
                session, here, visitor.id, change.id, change.allowed, signal=visitor.signal, now=here.clock()
            )
        return choices.of(session, here, visitor.id, signal=visitor.signal)


def _view(request: SubjectRequest) -> RequestView:
    return RequestView(
        id=request.id,
        kind=request.kind,
        state=request.state,
        asked_at=request.asked_at,
        answer_by=request.answer_by,
        run_after=request.run_after if request.kind == "erasure" else None,
        done=request.done,
        total=request.total,
        problem=request.problem,
        bytes=request.archive_bytes,
        until=request.archive_until,
    )


API: list[ControllerRouterHandler] = [
    list_holdings,
    ask_archive,
    archive_state,
    archive_content,
    ask_erasure,
    erasure_state,
    cancel_erasure,
    list_choices,
    change_choices,
]
