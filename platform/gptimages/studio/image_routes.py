"""Pages of one picture: what is kept and until when, what happened to it, who can see it; and its bytes."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Redirect, Response, Stream
from litestar.status_codes import HTTP_303_SEE_OTHER

from gptimages.activity import engagement
from gptimages.installation import Installation
from gptimages.studio import files, images, runs, sharing, views
from gptimages.studio.facts import shape
from gptimages.web.downloads import FileRequest, file_route
from gptimages.web.permissions import FETCHED, Permission, needs
from gptimages.web.rendering import Renderer
from gptimages.web.visitor import Visitor

READ = needs(Permission.IMAGE_READ)
DELETE = needs(Permission.IMAGE_DELETE)
SHARE = needs(Permission.IMAGE_SHARE)
REFERENCES = "Pictures to start from"
KEPT = {
    "Pictures": "user.content.private.image",
    "Words": "user.content.private.prompt",
    REFERENCES: "user.content.private.reference",
    "When it was made": "user.behavior.usage",
}
"""What is kept with a picture, and the category whose retention rule says until when."""


class FavouriteForm(msgspec.Struct):
    """What a star sends: `favourite` is `on` or `off`; `back` is the page to go back to."""

    favourite: str = "on"
    back: str = ""


@get("/images/{image_id:str}", opt=READ, sync_to_thread=True, include_in_schema=False)
def image_page(
    here: NamedDependency[Installation],
    pages: NamedDependency[Renderer],
    visitor: NamedDependency[Visitor],
    image_id: FromPath[str],
) -> Response[Any]:
    """One picture and everything that is written down about it."""
    now = here.clock()
    with here.reading("deliver", visitor.id) as session:
        image = images.find(session, visitor.id, image_id)
        run = images.run_of(session, image)
        earlier, later = images.neighbours(session, image)
        kept = {name: here.policies.retention_for(key).words for name, key in KEPT.items()}
        context: dict[str, Any] = {
            "kept": kept if runs.started_from(session, run) else {k: v for k, v in kept.items() if k != REFERENCES},
            "words": runs.words(here, run),
            "favourite": images.is_favourite(session, image),
            "links": [(link, sharing.alive(link, now)) for link in sharing.links(session, image)],
            "toll": images.toll(session, visitor.id, [image.id]),
            "ended": run.state in runs.ENDED,
        }
    return pages.page(
        "studio/image.html",
        visitor,
        image=image,
        run=run,
        earlier=earlier,
        later=later,
        shape=shape(image.width, image.height),
        style=views.style_name(run.style),
        receiver=here.policies.processors.get(run.processor or ""),
        **context,
    )


@file_route("/images/{image_id:str}/file", opt=READ | FETCHED, include_in_schema=False)
def image_file(
    request: FileRequest,
    here: NamedDependency[Installation],
    visitor: NamedDependency[Visitor],
    image_id: FromPath[str],
) -> Stream:
    """The picture."""
    with here.reading("deliver", visitor.id) as session:
        image = images.find(session, visitor.id, image_id)
    return files.original(here, request, image)


@file_route("/images/{image_id:str}/thumbnail", opt=READ | FETCHED, include_in_schema=False)
def image_thumbnail(
    request: FileRequest,
    here: NamedDependency[Installation],
    visitor: NamedDependency[Visitor],
    image_id: FromPath[str],
) -> Stream:
    """The smaller copy of the picture."""
    with here.reading("deliver", visitor.id) as session:
        image = images.find(session, visitor.id, image_id)
    return files.small(here, request, image)


@file_route("/images/{image_id:str}/download", opt=READ, include_in_schema=False)
def download(
    request: FileRequest,
    here: NamedDependency[Installation],
    visitor: NamedDependency[Visitor],
    image_id: FromPath[str],
) -> Stream:
    """The picture, to be saved under a good name."""
    with here.reading("deliver", visitor.id) as session:
        image = images.find(session, visitor.id, image_id)
        run = images.run_of(session, image)
    engagement.record(here, visitor.id, "download", run.style, signal=visitor.signal, now=here.clock())
    name = files.file_name(image, runs.words(here, run))
    return files.original(here, request, image, name=name)


@post("/images/{image_id:str}/favourite", opt=READ, sync_to_thread=True, include_in_schema=False)
def favourite(
    here: NamedDependency[Installation],
    visitor: NamedDependency[Visitor],
    image_id: FromPath[str],
    data: URLEncodedBody[FavouriteForm],
) -> Redirect:
    """Marks a picture, or takes the mark off, and leads back."""
    with here.writing("deliver", visitor.id) as session:
        style = images.run_of(session, images.find(session, visitor.id, image_id)).style
        marked = data.favourite != "off" and images.mark(session, visitor.id, image_id, now=here.clock())
        if data.favourite == "off":
            images.unmark(session, here, visitor.id, image_id)
    if marked:
        engagement.record(here, visitor.id, "favourite", style, signal=visitor.signal, now=here.clock())
    back = data.back if data.back.startswith("/history") else f"/images/{image_id}"
    return Redirect(back, status_code=HTTP_303_SEE_OTHER)


@get("/images/{image_id:str}/delete", opt=DELETE, sync_to_thread=True, include_in_schema=False)
def delete_preview(
    here: NamedDependency[Installation],
    pages: NamedDependency[Renderer],
    visitor: NamedDependency[Visitor],
    image_id: FromPath[str],
) -> Response[Any]:
    """What deleting the picture takes, in numbers; nothing is deleted yet."""
    with here.reading("deliver", visitor.id) as session:
        image = images.find(session, visitor.id, image_id)
        toll = images.toll(session, visitor.id, [image.id])
    return pages.page("studio/delete.html", visitor, toll=toll, picked=[image.id], back=f"/images/{image.id}")


@get("/images/{image_id:str}/share", opt=SHARE, sync_to_thread=True, include_in_schema=False)
def share_page(
    here: NamedDependency[Installation],
    pages: NamedDependency[Renderer],
    visitor: NamedDependency[Visitor],
    image_id: FromPath[str],
) -> Response[Any]:
    """What a link to the picture shows and for how long, before one is made."""
    with here.reading("deliver", visitor.id) as session:
        image = images.find(session, visitor.id, image_id)
    return pages.page("studio/share.html", visitor, image=image, kept=here.policies.limits.share_link, address=None)


@post("/images/{image_id:str}/share", opt=SHARE, sync_to_thread=True, status_code=201, include_in_schema=False)
def share(
    here: NamedDependency[Installation],
    pages: NamedDependency[Renderer],
    visitor: NamedDependency[Visitor],
    image_id: FromPath[str],
) -> Response[Any]:
    """Makes a link and shows it this once."""
    with here.writing("deliver", visitor.id) as session:
        secret, link = sharing.share(session, here, visitor.id, image_id, now=here.clock())
        image = images.find(session, visitor.id, image_id)
        style = images.run_of(session, image).style
    engagement.record(here, visitor.id, "share", style, signal=visitor.signal, now=here.clock())
    address = f"{here.settings.public_url.rstrip('/')}/shared/{secret}"
    kept = here.policies.limits.share_link
    return pages.page("studio/share.html", visitor, status=201, image=image, kept=kept, address=address, link=link)


@post("/images/{image_id:str}/links/{link_id:str}/end", opt=SHARE, sync_to_thread=True, include_in_schema=False)
def end_link(
    here: NamedDependency[Installation],
    visitor: NamedDependency[Visitor],
    image_id: FromPath[str],
    link_id: FromPath[str],
) -> Redirect:
    """Ends a link at once."""
    with here.writing("deliver", visitor.id) as session:
        images.find(session, visitor.id, image_id)
        sharing.end(session, visitor.id, link_id, now=here.clock())
    return Redirect(f"/images/{image_id}", status_code=HTTP_303_SEE_OTHER)


ROUTES = [
    image_page,
    image_file,
    image_thumbnail,
    download,
    favourite,
    delete_preview,
    share_page,
    share,
    end_link,
]
