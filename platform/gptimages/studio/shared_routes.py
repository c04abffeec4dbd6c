"""What anyone who has a link sees: one picture, and neither whose it is nor what it was asked with."""

from __future__ import annotations

from typing import Any

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Response, Stream

from gptimages.installation import Installation
from gptimages.studio import files, images, sharing
from gptimages.web.downloads import FileRequest, file_route
from gptimages.web.permissions import FETCHED, PUBLIC
from gptimages.web.rendering import Renderer
from gptimages.web.visitor import Visitor


@get("/shared/{secret:str}", opt=PUBLIC, sync_to_thread=True, include_in_schema=False)
def shared_page(
    here: NamedDependency[Installation],
    pages: NamedDependency[Renderer],
    visitor: NamedDependency[Visitor],
    secret: FromPath[str],
) -> Response[Any]:
    """The picture behind a link."""
    with here.writing("deliver", visitor.actor) as session:
        image = sharing.opened(session, secret, here.clock())
        is_preview = images.run_of(session, image).is_preview
        sharing.count_opening(session, secret)
    return pages.page("studio/shared.html", visitor, image=image, secret=secret, is_preview=is_preview)


@file_route("/shared/{secret:str}/file", opt=PUBLIC | FETCHED, include_in_schema=False)
def shared_file(
    request: FileRequest, here: NamedDependency[Installation], visitor: NamedDependency[Visitor], secret: FromPath[str]
) -> Stream:
    """The picture's bytes."""
    with here.reading("deliver", visitor.actor) as session:
        image = sharing.opened(session, secret, here.clock())
    return files.original(here, request, image)


ROUTES = [shared_page, shared_file]
