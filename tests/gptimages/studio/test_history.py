"""History, pictures and sharing over HTTP: finding, marking, deleting; and that nobody reaches what is another's."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select
from support.engines import encoded

from datasteward.audit import log as audit
from datasteward.disposal.disposal import destroy_objects
from datasteward.retention import holds
from datasteward.retention.scope import Scope
from gptimages.installation import Installation
from gptimages.queue.models import Job
from gptimages.studio import history, images, runs
from gptimages.studio.engine import EngineRequest, Size
from gptimages.studio.models import Favourite, Generation, Image, ReferenceImage, ShareLink
from gptimages_jobs import retention


@pytest.fixture
def here(any_here: Installation) -> Installation:
    """On both databases."""
    return any_here


def made(studio: Any, account: Any, *prompts: str, **wanted: Any) -> list[str]:
    """Makes a picture for each prompt, a minute apart, and gives their ids."""
    found = []
    for prompt in prompts:
        run_id = studio.ask(account, prompt, **wanted)
        studio.work()
        with studio.here.db.read() as session:
            found += [image.id for image in runs.pictures(session, session.get_one(Generation, run_id))]
        studio.here.clock.move(minutes=1)
    return found


def shown(page: httpx.Response) -> list[str]:
    """The ids of the pictures on a page of the history."""
    assert page.status_code == 200, page.text
    return re.findall(r'name="pick" value="([a-z0-9]+)" aria', page.text)


def count(studio: Any, model: Any) -> int:
    """How many rows there are."""
    with studio.here.db.read() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def clean_up(studio: Any) -> set[str]:
    """Destroys what was promised to disposal, and gives the keys of what is left."""
    with studio.here.db.write() as session:
        destroy_objects(session, studio.here.objects)
    return set(studio.here.objects.keys())


@pytest.fixture
def ines(studio: Any) -> Any:
    """A person with a browser."""
    account = studio.make()
    return account, studio.signed_in(account)


def test_an_empty_history_says_how_to_begin(ines: Any) -> None:
    """Without pictures the history says what will be here and leads to the studio."""
    assert "No pictures yet" in ines[1].get("/history").text


def test_months_filters_and_search(studio: Any, ines: Any) -> None:
    """Pictures stand newest first under their months; filters and words find theirs, and no words stand in an address."""
    account, client = ines
    heron, dunes = made(studio, account, "One HERON in the marsh", "Dunes before dark", style="ink")
    studio.here.clock.move(days=20)
    client = studio.signed_in(account)
    late = made(studio, account, "A heron once more", style="gouache")[0]
    page = client.get("/history")
    assert shown(page) == [late, dunes, heron]
    assert page.text.index(">December 2026</h2>") < page.text.index(">November 2026</h2>")
    assert "3 pictures since" in page.text
    assert shown(client.get("/history?style=ink")) == [dunes, heron]
    assert shown(client.post("/history", data={"q": "heron"})) == [late, heron]
    assert shown(client.post("/history", data={"q": "Marsh heron"})) == [heron]
    assert "None of your words match" in client.post("/history", data={"q": "whale"}).text
    client.post(f"/images/{dunes}/favourite", data={"favourite": "on"})
    assert shown(client.get("/history?show=favourites")) == [dunes]
    client.post(f"/images/{heron}/share")
    assert shown(client.get("/history?show=shared")) == [heron]


def test_pages(studio: Any, ines: Any) -> None:
    """Each page holds as many as asked for and names where to go on, until there are none; each picture comes once."""
    account, client = ines
    whole = made(studio, account, *[f"picture {number}" for number in range(5)])
    pages, before = [], None
    while True:
        with studio.here.db.read() as session:
            wanted, now = history.Filter(), studio.here.clock()
            page = history.page(session, studio.here, account.id, wanted, now=now, before=before, size=2)
        pages.append([card.id for card in page.cards])
        before = page.more
        if before is None:
            break
    assert pages == [[whole[4], whole[3]], [whole[2], whole[1]], [whole[0]]]
    assert shown(client.get("/history", params={"before": whole[2]})) == [whole[1], whole[0]]


def test_a_favourite_is_marked_and_unmarked(studio: Any, ines: Any) -> None:
    """The star is a form: on, once more on, off; it leads back to where it stood."""
    account, client = ines
    image = made(studio, account, "One heron")[0]
    for _ in range(2):
        answer = client.post(f"/images/{image}/favourite", data={"favourite": "on", "back": "/history?show=favourites"})
        assert answer.headers["location"] == "/history?show=favourites"
    assert count(studio, Favourite) == 1
    answer = client.post(f"/images/{image}/favourite", data={"favourite": "off", "back": "https://elsewhere.example"})
    assert answer.headers["location"] == f"/images/{image}"
    assert count(studio, Favourite) == 0


def test_the_picture_is_served_to_its_owner_alone(studio: Any, ines: Any) -> None:
    """Bytes come decrypted, with a fixed type, unstorable on the way, and for a download under a safe name."""
    account, client = ines
    image = made(studio, account, 'One "heron"; in\r\nthe märsh/../etc')[0]
    file = client.get(f"/images/{image}/file")
    assert file.content.startswith(b"RIFF")
    assert file.headers["content-type"] == "image/webp"
    assert file.headers["cache-control"] == "private, no-store"
    assert file.headers["x-content-type-options"] == "nosniff"
    assert client.get(f"/images/{image}/thumbnail").content.startswith(b"RIFF")
    saved = client.get(f"/images/{image}/download")
    assert saved.headers["content-disposition"] == f'attachment; filename="one-heron-in-the-m-rsh-etc-{image[:6]}.webp"'
    assert saved.content == file.content


def test_the_picture_page_says_what_is_kept(studio: Any, ines: Any) -> None:
    """Words, settings, what is kept until when, what happened, who can see it, and its neighbours."""
    account, client = ines
    first, second, third = made(studio, account, "first heron", "second heron", "third heron", style="ink")
    page = client.get(f"/images/{second}").text
    for said in ("second heron", "Ink", "96 × 64", "until you delete them", "13 months after each", "You asked for it"):
        assert said in page
    assert f'href="/images/{first}" rel="prev"' in page
    assert f'href="/images/{third}" rel="next"' in page
    assert "nobody, unless you share it" in page
    assert "Preview: drawn by arithmetic, no model made it" in page


def test_deleting_deletes_the_bytes(studio: Any, ines: Any) -> None:
    """Deletion is shown in figures first; then rows, words and bytes go, and the others stay."""
    account, client = ines
    going, staying = made(studio, account, "A secret whale", "One heron")
    client.post(f"/images/{going}/favourite", data={"favourite": "on"})
    client.post(f"/images/{going}/share")
    preview = client.get(f"/images/{going}/delete")
    assert "Delete 1 picture?" in preview.text
    for said in ("description", "mark as favourite", "link: it stops opening"):
        assert said in preview.text
    assert count(studio, Image) == 2
    with studio.here.db.read() as session:
        run = images.run_of(session, session.get_one(Image, going))
        assert run.prompt is not None
        sealed = run.prompt.ciphertext
    answer = client.post("/history/delete/confirmed", data={"pick": [going]})
    assert answer.headers["location"] == "/history"
    assert (count(studio, Image), count(studio, Generation), count(studio, Favourite)) == (1, 1, 0)
    assert count(studio, ShareLink) == 0
    with studio.here.db.read() as session:
        kept = session.get_one(Image, staying)
        assert session.scalars(select(Job).where(Job.kind == "disposal")).one().state == "queued"
        entry = audit.entries(session, acts=["image.deleted"])[0]
    policy = studio.here.policies.hash
    assert audit.facts(entry) == {"pictures": 1, "references": 0, "runs": 1, "policy": policy}
    assert clean_up(studio) == {kept.object, kept.thumbnail}
    database = b"".join(path.read_bytes() for path in studio.here.settings.data.glob("gptimages.db*"))
    assert sealed not in database
    assert client.get(f"/images/{going}").status_code == 404


def test_a_run_keeps_its_words_until_its_last_picture_goes(studio: Any, ines: Any) -> None:
    """Of a run of three pictures the words stay while one is left; its references go with it, too, unless used elsewhere."""
    _, client = ines
    sent = encoded(EngineRequest("a picture", Size(64, 64), format="png"), 0)
    answer = client.post(
        "/studio", data={"prompt": "Three herons", "count": "3"}, files=[("reference", ("x.png", sent))]
    )
    assert answer.status_code == 303
    studio.work()
    three = shown(client.get("/history"))
    client.post("/history/delete/confirmed", data={"pick": three[:2]})
    assert (count(studio, Image), count(studio, Generation), count(studio, ReferenceImage)) == (1, 1, 1)
    assert "picture you started from" in client.get(f"/images/{three[2]}/delete").text
    client.post("/history/delete/confirmed", data={"pick": three[2:]})
    assert (count(studio, Image), count(studio, Generation), count(studio, ReferenceImage)) == (0, 0, 0)
    assert clean_up(studio) == set()


def test_several_at_once_and_a_whole_month(studio: Any, ines: Any) -> None:
    """Ticked pictures and a whole month are previewed as one figure; only what the preview named is deleted."""
    account, client = ines
    november = made(studio, account, "one", "two", "three")
    studio.here.clock.move(days=20)
    client = studio.signed_in(account)
    december = made(studio, account, "four", "five")
    preview = client.post("/history/delete", data={"pick": [december[0]], "month": ["2026-11"]})
    assert preview.status_code == 200
    assert "Delete 4 pictures?" in preview.text
    named = re.findall(r'name="pick" value="([a-z0-9]+)"', preview.text)
    assert set(named) == {*november, december[0]}
    assert client.post("/history/delete", data={}).status_code == 400
    assert client.post("/history/delete", data={"month": "soon"}).status_code == 400
    client.post("/history/favourite", data={"month": ["2026-12"]})
    assert count(studio, Favourite) == 2
    client.post("/history/delete/confirmed", data={"pick": named})
    assert shown(client.get("/history")) == [december[1]]


def test_runs_without_a_picture_can_be_found_and_deleted(studio: Any, ines: Any) -> None:
    """Words that never became a picture are listed in the history and go with their run; other runs stay."""
    account, client = ines
    kept = made(studio, account, "One heron")
    run_id = studio.ask(account, "A whale that nobody drew")
    client.post(f"/studio/runs/{run_id}/stop")
    assert "1 run ended without a picture" in client.get("/history").text
    assert "A whale that nobody drew" in client.get("/history/unmade").text
    assert client.post("/history/unmade").status_code == 303
    assert "Every run has its pictures" in client.get("/history/unmade").text
    assert client.get(f"/studio/runs/{run_id}").status_code == 404
    assert shown(client.get("/history")) == kept


def test_a_run_is_deleted_whole(studio: Any, ines: Any) -> None:
    """A run that has ended goes with its pictures and their bytes; one under way has to be stopped first."""
    account, client = ines
    run_id = studio.ask(account, "One heron", count=2)
    assert client.delete(f"/api/v1/runs/{run_id}").status_code == 409
    studio.work()
    assert client.delete(f"/api/v1/runs/{run_id}").status_code == 204
    assert (count(studio, Image), count(studio, Generation)) == (0, 0)
    assert clean_up(studio) == set()


def test_a_legal_hold_keeps_pictures_and_words(studio: Any, ines: Any) -> None:
    """While a hold is in force, neither a picture nor its words can be deleted, and the answer says why."""
    account, client = ines
    image = made(studio, account, "One heron")[0]
    assert client.put(f"/api/v1/images/{image}/favourite").status_code == 204
    with studio.here.db.write() as session:
        now = studio.here.clock()
        holds.place(
            session,
            studio.here.steward,
            Scope(subject=account.id),
            "24-117",
            review_at=now.replace(year=2028),
            by="tests",
            now=now,
        )
    answer = client.post("/history/delete/confirmed", data={"pick": [image]})
    assert answer.status_code == 409
    assert "legal hold" in answer.text
    assert client.delete(f"/api/v1/images/{image}").status_code == 409
    assert client.delete(f"/api/v1/images/{image}/favourite").status_code == 409
    assert client.post(f"/images/{image}/favourite", data={"favourite": "off"}).status_code == 409
    assert (count(studio, Image), count(studio, Favourite)) == (1, 1)


def test_a_run_that_ends_under_a_hold_keeps_its_words_until_it_is_lifted(studio: Any, ines: Any) -> None:
    """Words that were not to be kept are kept back by a hold when the run ends, and go with retention once it is lifted."""
    account, _ = ines
    here, now = studio.here, studio.here.clock()
    with here.db.write() as session:
        hold = holds.place(
            session,
            studio.here.steward,
            Scope(subject=account.id),
            "24-117",
            review_at=now.replace(year=2028),
            by="tests",
            now=now,
        )
    run_id = studio.ask(account, "One heron", keep_prompt=False)
    with here.db.write() as session:
        runs.stop(session, here, account.id, run_id, now=now)

    def words() -> str | None:
        retention.run(here, "schedule")
        with here.db.read() as session:
            return runs.words(here, runs.find(session, account.id, run_id))

    assert words() == "One heron"
    with here.db.write() as session:
        holds.lift(session, hold.id, by="tests", now=now)
    assert words() is None


def test_a_shared_picture_opens_for_anyone_until_it_ends(studio: Any, ines: Any) -> None:
    """The link shows the picture and nothing of the person; it ends at once when told to, and by itself after its time."""
    account, client = ines
    image = made(studio, account, "One secret heron")[0]
    addresses = []
    for _ in range(2):
        answer = client.post(f"/images/{image}/share")
        assert answer.status_code == 201
        addresses.append(re.search(r'value="(http://[^"]+/shared/[^"]+)"', answer.text)[1])  # type: ignore[index]
    with httpx.Client(headers={"accept": "text/html"}) as anyone:
        page = anyone.get(addresses[0])
        assert page.status_code == 200
        assert "secret heron" not in page.text
        assert "Ines" not in page.text
        assert anyone.get(addresses[0] + "/file").content.startswith(b"RIFF")
        with studio.here.db.read() as session:
            links = sharing_links(session, image)
        assert [link.opened for link in links] in ([1, 0], [0, 1])
        secret = addresses[0].rsplit("/", 1)[1]
        assert all(secret not in (link.token_hash, link.id) for link in links)
        for link in links:
            if link.opened:
                client.post(f"/images/{image}/links/{link.id}/end")
        assert anyone.get(addresses[0]).status_code == 404
        assert anyone.get(addresses[0] + "/file").status_code == 404
        assert anyone.get(addresses[1]).status_code == 200
        studio.here.clock.now += studio.here.policies.limits.share_link.span
        assert anyone.get(addresses[1]).status_code == 404
        assert anyone.get(f"{studio.base}/shared/guess").status_code == 404


def sharing_links(session: Any, image_id: str) -> list[ShareLink]:
    """The links to a picture."""
    return list(session.scalars(select(ShareLink).where(ShareLink.image_id == image_id)))


def test_nobody_reaches_what_is_anothers(studio: Any, ines: Any) -> None:
    """Every route about a run or a picture answers another person as if it did not exist, and changes nothing."""
    account, client = ines
    image = made(studio, account, "One heron")[0]
    client.post(f"/images/{image}/share")
    with studio.here.db.read() as session:
        run, link = session.get_one(Image, image).generation_id, sharing_links(session, image)[0].id
    other = studio.signed_in(studio.make("Somebody Else"))
    tried = [
        ("GET", f"/studio?like={run}"),
        ("GET", f"/studio/runs/{run}"),
        ("GET", f"/studio/runs/{run}/events"),
        ("GET", f"/api/v1/runs/{run}/partial/1"),
        ("POST", f"/studio/runs/{run}/stop"),
        ("POST", f"/studio/runs/{run}/forget"),
        ("GET", f"/images/{image}"),
        ("GET", f"/images/{image}/file"),
        ("GET", f"/images/{image}/thumbnail"),
        ("GET", f"/images/{image}/download"),
        ("POST", f"/images/{image}/favourite"),
        ("GET", f"/images/{image}/delete"),
        ("GET", f"/images/{image}/share"),
        ("POST", f"/images/{image}/share"),
        ("POST", f"/images/{image}/links/{link}/end"),
        ("GET", f"/api/v1/runs/{run}"),
        ("DELETE", f"/api/v1/runs/{run}"),
        ("POST", f"/api/v1/runs/{run}/stop"),
        ("GET", f"/api/v1/images/{image}"),
        ("GET", f"/api/v1/images/{image}/file"),
        ("PUT", f"/api/v1/images/{image}/favourite"),
        ("DELETE", f"/api/v1/images/{image}/favourite"),
        ("DELETE", f"/api/v1/images/{image}"),
        ("POST", f"/api/v1/images/{image}/share"),
        ("DELETE", f"/api/v1/shares/{link}"),
    ]
    form = {"content-type": "application/x-www-form-urlencoded"}
    for method, path in tried:
        answer = other.request(method, path, headers=form if method == "POST" else {})
        assert answer.status_code == 404, f"{method} {path}: {answer.status_code}"
    for path, body in (("/history/delete", {"pick": [image]}), ("/history/favourite", {"pick": [image]})):
        assert other.post(path, data=body).status_code in (400, 404)
    other.post("/history/delete/confirmed", data={"pick": [image]})
    assert other.post("/api/v1/images/delete", json={"ids": [image]}).json()["pictures"] == 0
    assert shown(client.get("/history")) == [image]
    assert shown(client.post("/history", data={"before": "unknown"})) == [image]
    with studio.here.db.read() as session:
        assert session.get_one(ShareLink, link).ended_at is None
        assert session.get_one(Generation, run).prompt is not None
    covered = {(method, re.sub(f"{image}|{run}|{link}", "ID", path.split("?")[0])) for method, path in tried}
    assert routes_about_one(studio) <= covered


def routes_about_one(studio: Any) -> set[tuple[str, str]]:
    """Every route of the studio whose path names a run, a picture or a link."""
    from gptimages.studio import api, history_routes, image_routes, routes

    every = [*routes.ROUTES, *history_routes.ROUTES, *image_routes.ROUTES, *api.API]
    return {
        (method, re.sub(r"\{number:int\}", "1", re.sub(r"\{\w+_id:str\}", "ID", path)))
        for handler in every
        for path in handler.paths
        for method in handler.http_methods
        if "_id:" in path and method not in ("HEAD", "OPTIONS")
    }
