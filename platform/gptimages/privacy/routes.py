"""The privacy centre: what is held and why, requests, the archive, leaving, choices, recipients."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import URLEncodedBody
from litestar.response import Redirect, Response, Stream
from litestar.status_codes import HTTP_200_OK, HTTP_303_SEE_OTHER, HTTP_400_BAD_REQUEST

from datasteward.retention import holds
from datasteward.rights import requests
from datasteward.rights.blocking import held_back
from datasteward.rights.holdings import holdings
from gptimages.accounts import people, sessions
from gptimages.errors import InputError
from gptimages.installation import Installation
from gptimages.privacy import archives, choices, leaving, overview, recipients
from gptimages.web.downloads import FileRequest, file_route, gives_bytes, send
from gptimages.web.permissions import PUBLIC, Permission, needs
from gptimages.web.rendering import Renderer
from gptimages.web.visitor import Visitor

Page = Response[Any]


class ConfirmForm(msgspec.Struct):
    """What the confirmation sends."""

    email: str = ""


class ChoiceForm(msgspec.Struct):
    """What one choice sends: which use, and whether it is allowed (`yes`, `no`)."""

    choice: str = ""
    allowed: str = ""


@get("/privacy", opt=needs(Permission.ACCOUNT_READ), sync_to_thread=True, include_in_schema=False)
def centre(
    here: NamedDependency[Installation], pages: NamedDependency[Renderer], visitor: NamedDependency[Visitor]
) -> Page:
    """What is held about the person, kind by kind."""
    with here.reading("law", visitor.id) as session:
        held = holdings(session, here.steward, visitor.id)
        context: dict[str, Any] = {
            "held": held,
            "sum": overview.total(held),
            "choices": choices.of(session, here, visitor.id, signal=visitor.signal),
            "archive": archives.newest(session, visitor.id),
            "asked": requests.history(session, visitor.id)[:3],
            "thumbs": overview.thumbnails(session, visitor.id),
        }
    return pages.page(
        "privacy/centre.html",
        visitor,
        acts=overview.acts,
        kept=overview.kept,
        state=overview.state,
        kinds=overview.KINDS,
        limits=here.policies.limits,
        **context,
    )


@get("/privacy/requests", opt=needs(Permission.ACCOUNT_READ), sync_to_thread=True, include_in_schema=False)
def asked(
    here: NamedDependency[Installation], pages: NamedDependency[Renderer], visitor: NamedDependency[Visitor]
) -> Page:
    """Everything that the person asked for, with the day by which it must be answered."""
    with here.reading("law", visitor.id) as session:
        found = requests.history(session, visitor.id)
    return pages.page("privacy/requests.html", visitor, asked=found, state=overview.state, kinds=overview.KINDS)


@get("/privacy/archive", opt=needs(Permission.ACCOUNT_EXPORT, fresh=True), sync_to_thread=True, include_in_schema=False)
def archive(
    here: NamedDependency[Installation], pages: NamedDependency[Renderer], visitor: NamedDependency[Visitor]
) -> Page:
    """Prepare the archive, see how far it is, fetch it."""
    with here.reading("law", visitor.id) as session:
        held = overview.total(holdings(session, here.steward, visitor.id))
        request = archives.newest(session, visitor.id)
    return pages.page("privacy/archive.html", visitor, request=request, sum=held, limits=here.policies.limits)


@post(
    "/privacy/archive", opt=needs(Permission.ACCOUNT_EXPORT, fresh=True), sync_to_thread=True, include_in_schema=False
)
def prepare(here: NamedDependency[Installation], visitor: NamedDependency[Visitor]) -> Redirect:
    """Asks for an archive."""
    with here.writing("law", visitor.id) as session:
        archives.ask(session, here, visitor.id, via=visitor.via, now=here.clock())
    return Redirect("/privacy/archive", status_code=HTTP_303_SEE_OTHER)


@file_route("/privacy/archive/file", opt=needs(Permission.ACCOUNT_EXPORT, fresh=True), include_in_schema=False)
def archive_file(
    request: FileRequest, here: NamedDependency[Installation], visitor: NamedDependency[Visitor]
) -> Stream:
    """The archive itself."""
    return send_archive(here, request, visitor)


def send_archive(here: Installation, asked: FileRequest, visitor: Visitor) -> Stream:
    """The archive of the visitor; the audit log says so whenever bytes of it go out.

    Raises what archives.standing and send raise.
    """
    missing = "This archive is not there any more: prepare a new one."
    with here.reading("law", visitor.id) as session:
        found, key = archives.standing(session, visitor.id, now=here.clock())
        name = archives.file_name(found)
    # The object store is asked outside of any transaction: a server that is silent keeps nobody from writing.
    answer = send(here, asked, visitor.id, key, "application/zip", missing=missing, name=name)
    if gives_bytes(asked, answer):
        with here.writing("law", visitor.id) as session:
            found, _ = archives.standing(session, visitor.id, now=here.clock())
            requests.downloaded(session, found, now=here.clock())
    return answer


@get("/privacy/erase", opt=needs(Permission.ACCOUNT_ERASE), sync_to_thread=True, include_in_schema=False)
def erase(
    here: NamedDependency[Installation], pages: NamedDependency[Renderer], visitor: NamedDependency[Visitor]
) -> Page:
    """What would go, in numbers, and what stays; while an erasure waits: until when, and the ways out."""
    with here.reading("law", visitor.id) as session:
        waiting = leaving.waiting(session, visitor.id)
        if waiting is not None:
            whole = holds.held(session, visitor.id)
            return pages.page("privacy/closing.html", visitor, request=waiting, state=overview.state, on_hold=whole)
        held = holdings(session, here.steward, visitor.id)
        last = archives.newest(session, visitor.id)
        on_hold = held_back(session, here.steward, visitor.id)
        answer_by = here.policies.request_clock(people.get(session, visitor.id).country).answer
    return pages.page(
        "privacy/erase.html",
        visitor,
        held=held,
        archive=last,
        on_hold=on_hold,
        answer_by=answer_by.words,
        limits=here.policies.limits,
        at=here.clock() + here.policies.limits.erasure_wait.span,
    )


@get(
    "/privacy/erase/confirm",
    opt=needs(Permission.ACCOUNT_ERASE, fresh=True),
    sync_to_thread=True,
    include_in_schema=False,
)
def confirm_page(
    here: NamedDependency[Installation], pages: NamedDependency[Renderer], visitor: NamedDependency[Visitor]
) -> Response[Any]:
    """The one question before it begins."""
    return _confirm(here, pages, visitor)


@post(
    "/privacy/erase/confirm",
    opt=needs(Permission.ACCOUNT_ERASE, fresh=True),
    sync_to_thread=True,
    include_in_schema=False,
)
def confirm(
    here: NamedDependency[Installation],
    pages: NamedDependency[Renderer],
    visitor: NamedDependency[Visitor],
    data: URLEncodedBody[ConfirmForm],
) -> Response[Any]:
    """Begins the wait; with another address than the account's it asks again."""
    try:
        with here.writing("law", visitor.id) as session:
            leaving.ask(
                session,
                here,
                visitor.id,
                email=data.email,
                keep_session=visitor.session_id,
                via=visitor.via,
                now=here.clock(),
            )
    except InputError as wrong:
        return _confirm(here, pages, visitor, told=data.email, wrong=str(wrong))
    return Redirect("/privacy/erase", status_code=HTTP_303_SEE_OTHER)


def _confirm(
    here: Installation, pages: Renderer, visitor: Visitor, *, told: str = "", wrong: str | None = None
) -> Response[Any]:
    with here.reading("law", visitor.id) as session:
        held = holdings(session, here.steward, visitor.id)
    going = [table for holding in held for table in holding.leaving]
    context: dict[str, Any] = {
        "going": sum(table.rows for table in going),
        "files": sum(table.files for table in going),
        "staying": sum(table.rows for holding in held for table in holding.staying),
        "at": here.clock() + here.policies.limits.erasure_wait.span,
        "told": told,
        "wrong": wrong,
    }
    status = HTTP_400_BAD_REQUEST if wrong else HTTP_200_OK
    return pages.page("privacy/confirm.html", visitor, status=status, **context)


@post("/privacy/erase/cancel", opt=needs(Permission.ACCOUNT_ERASE), sync_to_thread=True, include_in_schema=False)
def cancel(here: NamedDependency[Installation], visitor: NamedDependency[Visitor]) -> Redirect:
    """Takes the erasure back."""
    with here.writing("law", visitor.id) as session:
        leaving.cancel(session, here, visitor.id, now=here.clock())
    return Redirect("/privacy", status_code=HTTP_303_SEE_OTHER)


@post(
    "/privacy/erase/now", opt=needs(Permission.ACCOUNT_ERASE, fresh=True), sync_to_thread=True, include_in_schema=False
)
def erase_now(here: NamedDependency[Installation], visitor: NamedDependency[Visitor]) -> Redirect:
    """Does not wait: the erasure is carried out, and the person is signed out."""
    with here.writing("law", visitor.id) as session:
        leaving.hurry(session, visitor.id, now=here.clock())
        sessions.end_all(session, visitor.id, now=here.clock())
    name = sessions.cookie_name(here.settings)
    gone = Cookie(name, value="", max_age=0, secure=here.settings.secure, httponly=True)
    return Redirect("/erased", status_code=HTTP_303_SEE_OTHER, cookies=[gone])


@get("/erased", opt=PUBLIC, sync_to_thread=True, include_in_schema=False)
def erased(pages: NamedDependency[Renderer], visitor: NamedDependency[Visitor]) -> Page:
    """The last page: nothing of anybody is on it."""
    return pages.page("privacy/erased.html", visitor)


@get("/privacy/choices", opt=needs(Permission.CHOICE_CHANGE), sync_to_thread=True, include_in_schema=False)
def choose_page(
    here: NamedDependency[Installation],
    pages: NamedDependency[Renderer],
    visitor: NamedDependency[Visitor],
) -> Page:
    """Consents, objections, mail and cookies."""
    with here.reading("law", visitor.id) as session:
        found = choices.of(session, here, visitor.id, signal=visitor.signal)
    return pages.page("privacy/choices.html", visitor, choices=found, cookies=here.policies.cookies)


@post("/privacy/choices", opt=needs(Permission.CHOICE_CHANGE), sync_to_thread=True, include_in_schema=False)
def choose(
    here: NamedDependency[Installation], visitor: NamedDependency[Visitor], data: URLEncodedBody[ChoiceForm]
) -> Redirect:
    """Takes one choice."""
    if data.allowed not in ("yes", "no"):
        raise InputError("Say yes or no to this use.")
    with here.writing("law", visitor.id) as session:
        allowed = data.allowed == "yes"
        choices.choose(session, here, visitor.id, data.choice, allowed, signal=visitor.signal, now=here.clock())
    return Redirect(f"/privacy/choices#{data.choice}", status_code=HTTP_303_SEE_OTHER)


@get("/privacy/recipients", opt=needs(Permission.ACCOUNT_READ), sync_to_thread=True, include_in_schema=False)
def received(
    here: NamedDependency[Installation], pages: NamedDependency[Renderer], visitor: NamedDependency[Visitor]
) -> Page:
    """Who receives data, and how often they received the person's."""
    with here.reading("law", visitor.id) as session:
        found = recipients.of(session, here, visitor.id)
    return pages.page("privacy/recipients.html", visitor, recipients=found)


ROUTES = [
    centre,
    asked,
    archive,
    prepare,
    archive_file,
    erase,
    confirm_page,
    confirm,
    cancel,
    erase_now,
    erased,
    choose_page,
    choose,
    received,
]
