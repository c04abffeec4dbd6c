"""Errors: our own say their sentence, all others say nothing of themselves, in the page and in the log."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator

import pytest
import structlog
from litestar import get, post
from litestar.params import FromQuery, URLEncodedBody
from sqlalchemy import text

import datasteward.errors
import gptimages.errors
from gptimages import logs
from gptimages.installation import Installation
from gptimages.web import errors
from gptimages.web.permissions import PUBLIC

PROMPT = "A heron for aunt Gudrun in Tromsø"
MAIL = "gudrun@people.example"


@get("/broken", opt=PUBLIC, sync_to_thread=True)
def broken(said: FromQuery[str] = "") -> None:
    """Breaks with what it was told in the text of its error."""
    raise ValueError(f"cannot draw {PROMPT} for {MAIL} {said}")


@post("/broken", opt=PUBLIC, sync_to_thread=True)
def broken_form(data: URLEncodedBody[dict[str, str]]) -> None:
    """Breaks likewise, in a chain of errors."""
    try:
        raise KeyError(data["prompt"])
    except KeyError as error:
        raise RuntimeError(data["mail"]) from error


def broken_database(here: Installation):
    """A route whose statement fails with personal data among its parameters."""

    @get("/broken-database", opt=PUBLIC, sync_to_thread=True)
    def handler() -> None:
        """Breaks in the database."""
        with here.db.write() as session:
            session.execute(text("INSERT INTO nowhere VALUES (:prompt)"), {"prompt": PROMPT})

    return handler


@pytest.fixture
def log_lines() -> Iterator[Callable[[], str]]:
    """What was logged since, in the form in which the service configures its log."""
    written, before = io.StringIO(), structlog.get_config()
    logs.configure("debug")
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(written), cache_logger_on_first_use=False)
    yield written.getvalue
    structlog.configure(**before)


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_an_unknown_error_shows_nothing_of_itself(serve, here, log_lines, accept: str) -> None:
    """A bug is told as our fault; its text, class, place and values stand in no answer and not in the log."""
    client = serve([broken, broken_form, broken_database(here)]).browser(accept=accept)
    answers = [
        client.get("/broken", params={"said": PROMPT}),
        client.post("/broken", data={"prompt": PROMPT, "mail": MAIL}),
        client.get("/broken-database"),
    ]
    logged = log_lines()
    for answer in answers:
        assert answer.status_code == 500
        assert errors.OURS in answer.text
        for secret in (PROMPT, "Gudrun", "Troms", MAIL, "ValueError", "RuntimeError", "Traceback", "nowhere", ".py"):
            assert secret not in answer.text
    for secret in (PROMPT, "gudrun", "Gudrun", "Troms", "people.example", "nowhere"):
        assert secret not in logged
    assert logged.count("request failed") == 3


@post("/broken-store", opt=PUBLIC, sync_to_thread=True)
def broken_store() -> None:
    """Breaks with a sentence that is for operators."""
    raise datasteward.errors.KeyStoreError("The key store at /srv/secret/keys.db cannot be read: mend its rights.")


def test_what_is_for_operators_is_not_told_to_visitors(serve, log_lines) -> None:
    """An error of our own that no visitor caused is logged by its class, and told as our fault without its sentence."""
    answer = serve([broken_store]).browser().post("/broken-store")
    assert (answer.status_code, errors.OURS in answer.text) == (500, True)
    assert "/srv/secret" not in answer.text
    (line,) = [json.loads(line) for line in log_lines().splitlines() if "request failed" in line]
    assert line["error"] == "KeyStoreError"
    assert "/srv/secret" not in log_lines()


def test_the_log_names_the_place(serve, log_lines) -> None:
    """One line of JSON with the class of the error and where it came from is enough to find a bug."""
    serve([broken]).browser().get("/broken")
    (line,) = [json.loads(line) for line in log_lines().splitlines() if "request failed" in line]
    assert line["error"] == "ValueError"
    assert any(place.startswith("test_errors.py:") and place.endswith(":broken") for place in line["places"])


def test_a_page_for_people_and_a_problem_for_programs(web) -> None:
    """The same error is a page where a page is wanted, and under /api or else a problem document (RFC 9457)."""
    page = web.browser().get("/no-such-page")
    assert page.headers["content-type"].startswith("text/html")
    assert "There is nothing" in page.text
    problem = web.browser().get("/api/v1/no-such-thing")
    assert problem.headers["content-type"] == "application/problem+json"
    assert problem.json().keys() == {"type", "title", "status", "detail"}


def every(module, root: type[Exception]) -> list[type[Exception]]:
    """Every error class of a package."""
    return [kind for kind in vars(module).values() if isinstance(kind, type) and issubclass(kind, root)]


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (gptimages.errors.InputError, 400),
        (gptimages.errors.LimitReached, 429),
        (gptimages.errors.SignInNeeded, 401),
        (gptimages.errors.NotAllowed, 403),
        (gptimages.errors.NotFound, 404),
        (gptimages.errors.Conflict, 409),
        (gptimages.errors.AccountClosing, 409),
        (gptimages.errors.StartError, 500),
        (datasteward.errors.ObjectMissing, 404),
        (datasteward.errors.KeyMissing, 404),
        (datasteward.errors.UploadEnded, 409),
        (datasteward.errors.HoldInTheWay, 409),
        (datasteward.errors.StalePlan, 409),
    ],
)
def test_each_error_has_its_status(kind: type[Exception], status: int) -> None:
    """The nearest class that has a status gives it."""
    assert errors.status_of(kind.__new__(kind)) == status


def test_no_error_of_ours_is_forgotten() -> None:
    """Every error class of the service and the toolkit comes to a status of HTTP."""
    ours = [
        *every(gptimages.errors, gptimages.errors.GptImagesError),
        *every(datasteward.errors, datasteward.errors.StewardError),
    ]
    assert {errors.status_of(kind.__new__(kind)) for kind in ours} <= {400, 401, 403, 404, 409, 429, 500, 503}


def test_what_a_person_sent_is_not_repeated(web, person) -> None:
    """A refusal of a form or an address does not echo what was in it."""
    client = web.signed_in(person())
    for answer in (
        client.get(f"/images/{MAIL}"),
        client.post("/support", data={"topic": MAIL, "text": PROMPT}),
        client.get("/history", params={"month": PROMPT}),
        client.post("/api/v1/images", json={"prompt": PROMPT, "size": MAIL}),
    ):
        assert MAIL not in answer.text
        assert "Gudrun" not in answer.text
