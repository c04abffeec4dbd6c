"""Pages of support: a person's questions, reports by anybody, and the desk where staff read and answer them."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, URLEncodedBody
from litestar.response import Redirect, Response
from litestar.status_codes import HTTP_303_SEE_OTHER

from gptimages.installation import Installation
from gptimages.support import desk, removal
from gptimages.web.permissions import PUBLIC, Permission, needs
from gptimages.web.rendering import Renderer
from gptimages.web.visitor import Visitor


class QuestionForm(msgspec.Struct):
    """What the question form sends."""

    topic: str = ""
    text: str = ""


class ReportForm(msgspec.Struct):
    """What the report form sends."""

    kind: str = ""
    about: str = ""
    text: str = ""


class RemovalForm(msgspec.Struct):
    """What the form that proposes to remove an account sends."""

    account: str = ""


class AnswerForm(msgspec.Struct):
    """What the answer form sends."""

    text: str = ""


@get("/support", opt=needs(Permission.TICKET_CREATE), sync_to_thread=True, include_in_schema=False)
def support(
    here: NamedDependency[Installation], pages: NamedDependency[Renderer], visitor: NamedDependency[Visitor]
) -> Response[Any]:
    """The person's questions and the form for one more."""
    with here.reading("support", visitor.id) as session:
        questions = desk.questions_of(session, here, visitor.id)
    return pages.page("support/support.html", visitor, questions=questions, topics=desk.TOPICS)


@post("/support", opt=needs(Permission.TICKET_CREATE), sync_to_thread=True, include_in_schema=False)
def ask(
    here: NamedDependency[Installation], visitor: NamedDependency[Visitor], data: URLEncodedBody[QuestionForm]
) -> Redirect:
    """Files a question."""
    with here.writing("support", visitor.id) as session:
        desk.ask(session, here, visitor.id, data.topic, data.text, now=here.clock())
    return Redirect("/support", status_code=HTTP_303_SEE_OTHER)


@get("/report", opt=PUBLIC, sync_to_thread=True, include_in_schema=False)
def report_page(
    here: NamedDependency[Installation],
    pages: NamedDependency[Renderer],
    visitor: NamedDependency[Visitor],
    sent: FromQuery[bool] = False,
) -> Response[Any]:
    """The form on which anybody reports abuse or an under-age person."""
    most = here.policies.limits.report_place_characters.value
    return pages.page("support/report.html", visitor, kinds=desk.REPORTS, most=most, sent=sent)


@post("/report", opt=PUBLIC, sync_to_thread=True, include_in_schema=False)
def report(
    here: NamedDependency[Installation], visitor: NamedDependency[Visitor], data: URLEncodedBody[ReportForm]
) -> Redirect:
    """Files a report."""
    with here.writing("integrity", visitor.actor) as session:
        desk.report(session, here, visitor.account_id, data.kind, data.about, data.text, now=here.clock())
    return Redirect("/report?sent=true", status_code=HTTP_303_SEE_OTHER)


@get("/desk", opt=needs(Permission.TICKET_ANSWER), sync_to_thread=True, include_in_schema=False)
def tickets(
    here: NamedDependency[Installation], pages: NamedDependency[Renderer], visitor: NamedDependency[Visitor]
) -> Response[Any]:
    """The questions that wait, unopened."""
    with here.reading("support", visitor.id) as session:
        return pages.page("support/desk.html", visitor, tickets=desk.waiting(session), topics=desk.TOPICS)


@get("/desk/{ticket_id:str}", opt=needs(Permission.TICKET_ANSWER), sync_to_thread=True, include_in_schema=False)
def ticket(
    here: NamedDependency[Installation],
    pages: NamedDependency[Renderer],
    visitor: NamedDependency[Visitor],
    ticket_id: FromPath[str],
) -> Response[Any]:
    """One question, opened; the audit log says by whom."""
    with here.writing("support", visitor.id) as session:
        opened = desk.open_ticket(session, here, ticket_id, by=visitor.id, now=here.clock())
    return pages.page("support/ticket.html", visitor, question=opened)


@post("/desk/{ticket_id:str}", opt=needs(Permission.TICKET_ANSWER), sync_to_thread=True, include_in_schema=False)
def answer(
    here: NamedDependency[Installation],
    visitor: NamedDependency[Visitor],
    ticket_id: FromPath[str],
    data: URLEncodedBody[AnswerForm],
) -> Redirect:
    """Answers a question."""
    with here.writing("support", visitor.id) as session:
        desk.answer(session, here, ticket_id, data.text, by=visitor.id, now=here.clock())
    return Redirect("/desk", status_code=HTTP_303_SEE_OTHER)


@get("/desk/reports", opt=needs(Permission.ABUSE_DECIDE), sync_to_thread=True, include_in_schema=False)
def reports(
    here: NamedDependency[Installation], pages: NamedDependency[Renderer], visitor: NamedDependency[Visitor]
) -> Response[Any]:
    """The reports that wait, unopened."""
    with here.reading("law", visitor.id) as session:
        return pages.page("support/reports.html", visitor, reports=desk.open_reports(session), kinds=desk.REPORTS)


@get("/desk/reports/{report_id:str}", opt=needs(Permission.ABUSE_DECIDE), sync_to_thread=True, include_in_schema=False)
def opened_report(
    here: NamedDependency[Installation],
    pages: NamedDependency[Renderer],
    visitor: NamedDependency[Visitor],
    report_id: FromPath[str],
) -> Response[Any]:
    """One report, opened; the audit log says by whom."""
    with here.writing("law", visitor.id) as session:
        opened = desk.open_report(session, here, report_id, by=visitor.id, now=here.clock())
    return pages.page("support/opened_report.html", visitor, report=opened, kinds=desk.REPORTS)


@post("/desk/reports/{report_id:str}", opt=needs(Permission.ABUSE_DECIDE), sync_to_thread=True, include_in_schema=False)
def close_report(
    here: NamedDependency[Installation], visitor: NamedDependency[Visitor], report_id: FromPath[str]
) -> Redirect:
    """Closes a report."""
    with here.writing("law", visitor.id) as session:
        desk.close_report(session, report_id, by=visitor.id, now=here.clock())
    return Redirect("/desk/reports", status_code=HTTP_303_SEE_OTHER)


@post(
    "/desk/reports/{report_id:str}/removal",
    opt=needs(Permission.ABUSE_DECIDE, fresh=True),
    sync_to_thread=True,
    include_in_schema=False,
)
def propose_removal(
    here: NamedDependency[Installation],
    visitor: NamedDependency[Visitor],
    report_id: FromPath[str],
    data: URLEncodedBody[RemovalForm],
) -> Redirect:
    """Proposes to remove an account that is too young."""
    with here.writing("law", visitor.id) as session:
        removal.propose(session, report_id, data.account.strip(), by=visitor.id, now=here.clock())
    return Redirect(f"/desk/reports/{report_id}", status_code=HTTP_303_SEE_OTHER)


@post(
    "/desk/reports/{report_id:str}/removal/order",
    opt=needs(Permission.ABUSE_DECIDE, fresh=True),
    sync_to_thread=True,
    include_in_schema=False,
)
def order_removal(
    here: NamedDependency[Installation], visitor: NamedDependency[Visitor], report_id: FromPath[str]
) -> Redirect:
    """Orders the removal that somebody else proposed."""
    with here.writing("law", visitor.id) as session:
        removal.order(session, here, report_id, by=visitor.id, now=here.clock())
    return Redirect("/desk/reports", status_code=HTTP_303_SEE_OTHER)


ROUTES = [
    support,
    ask,
    report_page,
    report,
    tickets,
    ticket,
    answer,
    reports,
    opened_report,
    close_report,
    propose_removal,
    order_removal,
]
