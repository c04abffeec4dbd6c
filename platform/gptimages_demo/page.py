"""The demo provider's one page: who would you like to be? Without JavaScript, in both schemes, with a policy of its own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar.enums import MediaType
from litestar.response import Response

from gptimages_demo.people import DEMO_PEOPLE

FOLDER = Path(__file__).parent
STYLE = FOLDER / "style.css"

_templates = Environment(loader=FileSystemLoader(FOLDER / "templates"), autoescape=True, undefined=StrictUndefined)


def choose(asked: Mapping[str, str], redirect_uri: str) -> Response[str]:
    """The page of people; `asked` are the parameters of the request, to be sent along with the choice."""
    template = _templates.get_template("choose.html")
    return _page(template.render(asked=asked, people=DEMO_PEOPLE), 200, redirect_uri)


def sorry(sentence: str) -> Response[str]:
    """A page that says why the request cannot be answered."""
    return _page(_templates.get_template("sorry.html").render(sentence=sentence), 400, None)


def _page(html: str, status: int, leads_to: str | None) -> Response[str]:
    url = urlsplit(leads_to or "")
    also = f" {url.scheme}://{url.netloc}" if leads_to else ""
    policy = (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
        f"form-action 'self'{also}"
    )
    headers = {"content-security-policy": policy, "cache-control": "no-store", "referrer-policy": "same-origin"}
    return Response(html, media_type=MediaType.HTML, status_code=status, headers=headers)
