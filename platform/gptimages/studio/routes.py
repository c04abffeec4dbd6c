"""Pages of the studio: compose, watch a run, stop it, find it again under its own address."""

from __future__ import annotations

from typing import Any

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery, RawBody
from litestar.response import Redirect, Response, ServerSentEvent
from litestar.status_codes import HTTP_303_SEE_OTHER

from gptimages.activity import engagement
from gptimages.errors import InputError
from gptimages.forgetting import forget_deleted
from gptimages.installation import Installation
from gptimages.studio import asking, composer, events, files, form, runs, views
from gptimages.studio.facts import EngineFacts
from gptimages.studio.progress import Hub
from gptimages.studio.wish import Wish
from gptimages.web.errors import status_of
from gptimages.web.permissions import FETCHED, Permission, needs
from gptimages.web.rendering import Renderer
from gptimages.web.visitor import Visitor

CREATE = needs(Permission.IMAGE_CREATE)
READ = needs(Permission.IMAGE_READ)


@get("/studio", opt=CREATE, sync_to_thread=True, include_in_schema=False)
def studio(
    here: NamedDependency[Installation],
    pages: NamedDependency[Renderer],
    visitor: NamedDependency[Visitor],
    engine: NamedDependency[EngineFacts],
    hub: NamedDependency[Hub],
    like: FromQuery[str | None] = None,
) -> Response[Any]:
    """The composer, empty or filled with the words and settings of the run `like`, and the newest run beside it."""
    with here.reading("generate", visitor.id) as session:
        newest = runs.newest(session, visitor.id)
        model = runs.find(session, visitor.id, like) if like else None
        draft = composer.like(here, model) if model else composer.usual(session, visitor.id, engine)
        shown = views.view(session, here, hub, newest) if newest else None
        frame = composer.frame(session, here, engine, visitor.id)
    frame["improves"] = engagement.allowed(here, visitor.id)
    return pages.page("studio/studio.html", visitor, draft=draft, view=shown, like=like, **frame)


@post("/studio", opt=CREATE, sync_to_thread=True, include_in_schema=False)
def ask(
    here: NamedDependency[Installation],
    pages: NamedDependency[Renderer],
    visitor: NamedDependency[Visitor],
    engine: NamedDependency[EngineFacts],
    hub: NamedDependency[Hub],
    request: Request[Any, Any, Any],
    body: RawBody,
) -> Response[Any] | Redirect:
    """Begins a run and leads to it; what cannot be taken comes back as it was, with the sentence that says why."""
    wanted = Wish("")
    try:
        sent = form.read(body, request.headers.get("content-type", ""))
        wanted = form.wish(sent)
        run_id = asking.ask(here, engine, visitor.id, wanted, sent.files)
    except InputError as error:
        return _again(here, pages, visitor, engine, hub, wanted, error)
    if sent.fields.get("like"):
        engagement.record(here, visitor.id, "reuse", wanted.style, signal=visitor.signal, now=here.clock())
    return Redirect(f"/studio/runs/{run_id}", status_code=HTTP_303_SEE_OTHER)


@get("/studio/runs/{run_id:str}", opt=READ, sync_to_thread=True, include_in_schema=False)
def run_page(
    here: NamedDependency[Installation],
    pages: NamedDependency[Renderer],
    visitor: NamedDependency[Visitor],
    engine: NamedDependency[EngineFacts],
    hub: NamedDependency[Hub],
    run_id: FromPath[str],
) -> Response[Any]:
    """One run, with the composer filled with what was asked for."""
    with here.reading("generate", visitor.id) as session:
        run = runs.find(session, visitor.id, run_id)
        shown = views.view(session, here, hub, run)
        frame = composer.frame(session, here, engine, visitor.id)
    frame["improves"] = engagement.allowed(here, visitor.id)
    frame["refresh"] = shown.under_way
    draft = composer.like(here, run)
    return pages.page("studio/studio.html", visitor, draft=draft, view=shown, like=run.id, **frame)


@get("/studio/runs/{run_id:str}/events", opt=READ | FETCHED, include_in_schema=False)
async def run_events(
    here: NamedDependency[Installation],
    visitor: NamedDependency[Visitor],
    hub: NamedDependency[Hub],
    lines: NamedDependency[events.Lines],
    run_id: FromPath[str],
) -> ServerSentEvent:
    """How far a run is, as it goes on."""
    await events.check(here, visitor.id, run_id)
    lines.check(visitor.id)
    return ServerSentEvent(events.follow(here, hub, lines, visitor, run_id))


@get("/api/v1/runs/{run_id:str}/partial/{number:int}", opt=READ | FETCHED, sync_to_thread=True, include_in_schema=False)
def partial_picture(
    here: NamedDependency[Installation],
    visitor: NamedDependency[Visitor],
    hub: NamedDependency[Hub],
    run_id: FromPath[str],
    number: FromPath[int],
) -> Response[bytes]:
    """The newest unfinished picture of a run; `number` only tells browsers that it is another one than before."""
    with here.reading("generate", visitor.id) as session:
        runs.find(session, visitor.id, run_id)
    glimpse = hub.newest(run_id)
    if glimpse is None or glimpse.image is None or number > glimpse.number:
        raise NotFoundException
    return files.bytes_of(glimpse.image, glimpse.media_type)


@post("/studio/runs/{run_id:str}/stop", opt=CREATE, sync_to_thread=True, include_in_schema=False)
def stop(here: NamedDependency[Installation], visitor: NamedDependency[Visitor], run_id: FromPath[str]) -> Redirect:
    """Stops a run; what is finished is kept."""
    with here.writing("generate", visitor.id) as session:
        runs.stop(session, here, visitor.id, run_id, now=here.clock())
    forget_deleted(here)
    return Redirect(f"/studio/runs/{run_id}", status_code=HTTP_303_SEE_OTHER)


@post(
    "/studio/runs/{run_id:str}/forget", opt=needs(Permission.IMAGE_DELETE), sync_to_thread=True, include_in_schema=False
)
def forget_words(
    here: NamedDependency[Installation], visitor: NamedDependency[Visitor], run_id: FromPath[str]
) -> Redirect:
    """Destroys the words of a run; its pictures stay."""
    with here.writing("deliver", visitor.id) as session:
        runs.forget_words(session, here, visitor.id, run_id, now=here.clock())
    forget_deleted(here)
    return Redirect(f"/studio/runs/{run_id}", status_code=HTTP_303_SEE_OTHER)


def _again(
    here: Installation,
    pages: Renderer,
    visitor: Visitor,
    engine: EngineFacts,
    hub: Hub,
    wanted: Wish,
    error: InputError,
) -> Response[Any]:
    """The composer as it was sent, with the sentence."""
    with here.reading("generate", visitor.id) as session:
        newest = runs.newest(session, visitor.id)
        shown = views.view(session, here, hub, newest) if newest else None
        frame = composer.frame(session, here, engine, visitor.id)
    draft = composer.settled(wanted, engine)
    frame["improves"] = engagement.allowed(here, visitor.id)
    frame["problem"] = str(error)
    return pages.page(
        "studio/studio.html", visitor, status=status_of(error), draft=draft, view=shown, like=None, **frame
    )


ROUTES = [studio, ask, run_page, run_events, partial_picture, stop, forget_words]
