"""The studio's pages over HTTP: asking, watching, stopping, and the sentences for what cannot be taken."""

from __future__ import annotations

import json
import threading
from typing import Any

import httpx
import pytest
from support.engines import Gate, PlainEngine, encoded

from datasteward.disposal.disposal import destroy_objects
from gptimages.studio import runs
from gptimages.studio.engine import EngineRequest, Size
from gptimages.studio.models import Generation, ReferenceImage, StylePreference

WORDS = "The marsh at first frost, one heron in the shallows"


def compose(client: httpx.Client, *files: bytes, **fields: Any) -> httpx.Response:
    """Sends the composer's form as a browser does, an empty file field included."""
    sent = [("reference", ("a name.png", data)) for data in files] or [("reference", ("", b""))]
    data = {"prompt": WORDS, "style": "ink", "size": "96x64", "count": "1", "quality": "draft"} | fields
    return client.post("/studio", data=data, files=sent)


def run_id_of(answer: httpx.Response) -> str:
    """The run that an answer leads to."""
    assert answer.status_code == 303, answer.text
    return answer.headers["location"].removeprefix("/studio/runs/")


def sample(side: int = 64) -> bytes:
    """A small PNG."""
    return encoded(EngineRequest("a picture", Size(side, side), format="png"), 0)


def events(client: httpx.Client, run_id: str) -> list[tuple[str, dict[str, Any]]]:
    """Every event of a run to its end."""
    found, name = [], ""
    with client.stream("GET", f"/studio/runs/{run_id}/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        for line in stream.iter_lines():
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                found.append((name, json.loads(line.removeprefix("data: "))))
    return found


def test_from_words_to_a_picture(studio: Any) -> None:
    """Words sent by the form become a run with its own page, and the picture stands on it."""
    client = studio.signed_in(studio.make())
    assert "Your pictures appear here" in client.get("/studio").text
    run_id = run_id_of(compose(client, keep="yes"))
    waiting = client.get(f"/studio/runs/{run_id}")
    assert "Waiting for its turn" in waiting.text
    assert '<noscript><meta http-equiv="refresh"' in waiting.text
    studio.work()
    done = client.get(f"/studio/runs/{run_id}").text
    assert "1 of 1 picture" in done
    assert "http-equiv" not in done
    assert "Preview: drawn by arithmetic, no model made it" in done
    assert WORDS in done
    with studio.here.db.read() as session:
        run = session.get_one(Generation, run_id)
        assert (run.style, run.width, run.height, run.count, run.quality) == ("ink", 96, 64, 1, "draft")
        kept = session.query(StylePreference).one()
        assert (kept.style, kept.width) == ("ink", 96)


def test_choices_are_offered_again_and_a_run_can_be_taken_up(studio: Any) -> None:
    """The next visit offers the last choices without words; "more like this" brings the words back, too."""
    client = studio.signed_in(studio.make())
    run_id = run_id_of(compose(client))
    fresh = client.get("/studio").text
    assert 'value="ink" checked' in fresh
    assert WORDS not in fresh.split("</form>")[0]
    assert WORDS in client.get(f"/studio?like={run_id}").text.split("</form>")[0]


MISTAKES: list[tuple[dict[str, str], str]] = [
    ({"prompt": "   "}, "Say what should be in the picture"),
    ({"prompt": "x" * 40_000}, "Your description has 40,000 characters: shorten it to at most 4,000."),
    ({"prompt": "zero \x00 byte"}, "a character that is no text"),
    ({"style": "oil"}, "There is no such style"),
    ({"size": "123x45"}, "does not make pictures of this size: choose one of 96x64, 64x64."),
    ({"size": "huge"}, "does not make pictures of this size"),
    ({"count": "400"}, "You can ask for 1 to 4 pictures at a time."),
    ({"count": "-1"}, "You can ask for 1 to 4 pictures at a time."),
    ({"quality": "best"}, "There is no such quality: choose one of draft, fine."),
    ({"background": "transparent", "format": "jpeg"}, "JPEG has no transparency"),
    ({"format": "gif"}, "There is no such file format"),
]


def test_what_cannot_be_taken_is_said_and_nothing_is_lost(studio: Any) -> None:
    """Each mistake is one sentence on the composer, which still holds what was written; no run is begun."""
    client = studio.signed_in(studio.make())
    for fields, sentence in MISTAKES:
        answer = compose(client, **fields)
        assert answer.status_code == 400, sentence
        assert sentence in answer.text
        assert 'role="alert"' in answer.text
        assert fields.get("prompt", WORDS).strip() in answer.text
    with studio.here.db.read() as session:
        assert session.query(Generation).count() == 0


def test_uploads_that_are_no_pictures(studio: Any) -> None:
    """A text called .png, half a picture and too large a file are each refused in a sentence."""
    client = studio.signed_in(studio.make())
    for data, sentence in (
        (b"This is a text.", "This file is not a picture we can read: send PNG, JPEG or WebP."),
        (sample()[:60], "damaged or cut short"),
        (bytes(21_000_000), "This file is too large: send a picture of at most 20 MB."),
    ):
        answer = compose(client, data)
        assert answer.status_code == 400
        assert sentence in answer.text


def test_fifty_megabytes(studio: Any) -> None:
    """A request of 50 MB is turned away for its size, in a sentence."""
    answer = compose(studio.signed_in(studio.make()), bytes(50_000_000))
    assert answer.status_code == 413
    assert "too large" in answer.text


def test_a_form_that_is_none(studio: Any) -> None:
    """A body that is no form is answered with a sentence, not with a fault."""
    client = studio.signed_in(studio.make())
    for kind in ("multipart/form-data; boundary=x", "multipart/form-data", "text/plain"):
        answer = client.post("/studio", content=b"nonsense", headers={"content-type": kind})
        assert answer.status_code == 400
        assert "could not be read" in answer.text or "Say what" in answer.text


def test_too_many_pictures_to_start_from(studio: Any) -> None:
    """One more reference than the limit is refused, and nothing of them is stored."""
    answer = compose(studio.signed_in(studio.make()), *[sample()] * 17)
    assert "at most 16 pictures" in answer.text
    assert list(studio.here.objects.keys()) == []


def test_references_of_a_refused_run_leave_nothing(studio: Any) -> None:
    """When the limit of runs refuses a run whose pictures were stored already, their bytes are destroyed."""
    account = studio.make()
    client = studio.signed_in(account)
    for _ in range(4):
        run_id_of(compose(client))
    answer = compose(client, sample())
    assert answer.status_code == 429
    assert "You have 4 runs under way" in answer.text
    with studio.here.db.write() as session:
        destroy_objects(session, studio.here.objects)
    assert list(studio.here.objects.keys()) == []


def test_two_requests_at_once_cannot_both_be_the_last(studio: Any) -> None:
    """Of eight requests sent at the same time, as many become runs as the limit allows."""
    account = studio.make()
    answers: list[int] = []

    def send() -> None:
        with studio.signed_in(account) as client:
            answers.append(compose(client).status_code)

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [303] * 4 + [429] * 4


def test_the_plan_counts_what_was_made_and_what_is_promised(studio: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the month's pictures are used up, promised ones included, no run is begun."""
    account = studio.make()
    client = studio.signed_in(account)
    monkeypatch.setattr(runs, "allowance", lambda *_: (498, 500))
    answer = compose(client, count="4")
    assert answer.status_code == 429
    assert "500 pictures a month and 2 of them are left" in answer.text


def test_references_are_kept_with_the_run(studio: Any) -> None:
    """Pictures to start from are rebuilt, stored and reach the engine."""
    client = studio.signed_in(studio.make())
    compose(client, sample(), sample(32))
    studio.work()
    assert [Size(*_size(data)) for data in studio.engine.requests[0].references] == [Size(64, 64), Size(32, 32)]
    with studio.here.db.read() as session:
        assert session.query(ReferenceImage).count() == 2


def _size(png: bytes) -> tuple[int, int]:
    return int.from_bytes(png[16:20]), int.from_bytes(png[20:24])


def test_progress_is_told_while_it_happens(studio: Any) -> None:
    """Events tell the steps, show unfinished pictures, count those that are made, and end with the run."""
    gate = Gate(at=1)
    studio.engine = PlainEngine(gate)
    client = studio.signed_in(studio.make())
    run_id = run_id_of(compose(client, count="2"))
    work = threading.Thread(target=studio.work)
    work.start()
    assert gate.reached.wait(10)
    answer = client.get(f"/api/v1/runs/{run_id}").json()
    partial = answer["run"]["partial"]
    assert (answer["run"]["state"], answer["run"]["made"], len(answer["images"])) == ("running", 1, 1)
    unfinished = client.get(partial)
    assert unfinished.headers["content-type"] == "image/webp"
    assert unfinished.headers["cache-control"] == "private, no-store"
    assert unfinished.content.startswith(b"RIFF")
    assert studio.signed_in(studio.make("Another One")).get(partial).status_code == 404
    threading.Timer(1.0, gate.open.set).start()
    told = events(client, run_id)
    work.join()
    assert told[0][0] == "run"
    assert told[0][1]["partial"] == partial
    assert (told[-1][0], told[-1][1]["state"], told[-1][1]["made"]) == ("end", "done", 2)
    assert client.get(partial).status_code == 404


def test_a_run_under_way_can_be_stopped_from_its_page(studio: Any) -> None:
    """Stopping keeps what is finished; the page says who stopped it."""
    gate = Gate(at=1)
    studio.engine = PlainEngine(gate)
    client = studio.signed_in(studio.make())
    run_id = run_id_of(compose(client, count="3"))
    work = threading.Thread(target=studio.work)
    work.start()
    assert gate.reached.wait(10)
    assert client.post(f"/studio/runs/{run_id}/stop").status_code == 303
    gate.open.set()
    work.join()
    page = client.get(f"/studio/runs/{run_id}").text
    assert "Stopped by you" in page
    assert "1 of 3 pictures" in page


def test_words_can_be_destroyed_alone(studio: Any) -> None:
    """The words of a finished run can be destroyed; its pictures stay and say so."""
    client = studio.signed_in(studio.make())
    run_id = run_id_of(compose(client))
    assert client.post(f"/studio/runs/{run_id}/forget").status_code == 409
    studio.work()
    assert client.post(f"/studio/runs/{run_id}/forget").status_code == 303
    page = client.get(f"/studio/runs/{run_id}").text
    assert WORDS not in page
    assert "your words are destroyed" in page


def test_an_account_that_is_being_closed_makes_nothing(studio: Any) -> None:
    """While an erasure waits, no run is begun."""
    account = studio.make()
    client = studio.signed_in(account)
    with studio.here.db.write() as session:
        session.merge(account).state = "closing"
    assert compose(client).status_code in (403, 409)


def test_nobody_is_asked_to_sign_in(studio: Any) -> None:
    """Without a session the studio leads to the sign-in; a program gets a problem document."""
    with httpx.Client(base_url=studio.base, headers={"accept": "text/html"}) as client:
        assert client.get("/studio").headers["location"].startswith("/sign-in")
    assert httpx.get(f"{studio.base}/api/v1/images").status_code == 401


def test_another_site_cannot_ask(studio: Any) -> None:
    """A form that another site sends with the person's cookie is refused."""
    client = studio.signed_in(studio.make())
    client.headers["origin"] = "https://elsewhere.example"
    assert compose(client).status_code == 403
