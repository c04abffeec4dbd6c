"""Objects that another program has deleted plainly, in a bucket that keeps versions: an audit sees and mends what is left."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from conftest import Clock
from support.buckets import in_a_bucket
from support.seaweed import VERSIONED, Seaweed

from datasteward.errors import PlanError
from datasteward.retention import orphans
from datasteward.retention.orphans import Mending
from gptimages.accounts.models import Account
from gptimages.installation import Installation, open_installation
from gptimages.settings import Settings
from gptimages_jobs import disposal


@pytest.fixture
def prefix(seaweed: Seaweed) -> str:
    """Where the objects are in the bucket."""
    return seaweed.prefix()


@pytest.fixture
def here(
    settings: Settings, seaweed: Seaweed, prefix: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Installation]:
    """An installation with its objects in a bucket that keeps versions."""
    there = in_a_bucket(settings, seaweed, monkeypatch, objects=prefix)
    opened = open_installation(there, clock)
    yield opened
    opened.close()


@pytest.fixture
def ines(here: Installation, person: Callable[..., Account], clock: Clock) -> str:
    """The id of a person with an avatar; Lena has one too, and there is an object of nobody's row. It is ten years later."""
    people = {name: person(name).id for name in ("Ines", "Lena")}
    for subject in people.values():
        here.objects.put(subject, f"avatar/{subject}", [b"a face"])
        with here.db.write() as session:
            session.get_one(Account, subject).avatar = f"avatar/{subject}"
    here.objects.put(people["Ines"], "avatar/stray", [b"a face"])
    clock.move(days=3650)
    return people["Ines"]


def hide(seaweed: Seaweed, prefix: str, *keys: str) -> None:
    """What a plain DELETE of another program does: a marker comes before the object."""
    for key in keys:
        seaweed.client().delete_object(Bucket=VERSIONED, Key=f"{prefix}/{key}")


def left(seaweed: Seaweed, prefix: str) -> list[str]:
    """The keys of all bytes and markers that the bucket holds."""
    told = seaweed.client().list_object_versions(Bucket=VERSIONED, Prefix=prefix)
    kinds = ("Versions", "DeleteMarkers")
    return sorted(each["Key"].removeprefix(f"{prefix}/") for kind in kinds for each in told.get(kind, ()))


def audited(here: Installation) -> Mending:
    """What an audit finds now."""
    with here.db.read() as session:
        return orphans.audit(session, here.steward, now=here.clock())


def test_bytes_behind_a_marker_are_found_and_go_under_a_plan(
    here: Installation, seaweed: Seaweed, prefix: str, ines: str
) -> None:
    """The row's key is cleared and its bytes go, and those of nobody's row; what is sound stays."""
    hide(seaweed, prefix, f"avatar/{ines}", "avatar/stray")
    plan = audited(here)
    assert [each.key for each in plan.objects] == ["avatar/stray"]
    assert [row.key for row in plan.rows] == [f"avatar/{ines}"]
    assert (plan.sound, plan.hidden) == (1, 2)
    answers = orphans.ask(here.objects, plan)
    with here.db.write() as session:
        orphans.apply(session, here.steward, plan, answers, by="tests", now=here.clock())
    disposal.run(here, "tests")
    with here.db.read() as session:
        assert session.get_one(Account, ines).avatar is None
    [kept] = here.objects.keys()
    assert left(seaweed, prefix) == [kept]
    assert audited(here).rows == audited(here).objects == ()


def test_where_every_object_is_hidden_nothing_is_planned(
    here: Installation, seaweed: Seaweed, prefix: str, ines: str
) -> None:
    """Somebody's mistake, which taking the markers away undoes: no plan may destroy the bytes."""
    keys = list(here.objects.keys())
    assert f"avatar/{ines}" in keys
    hide(seaweed, prefix, *keys)
    with pytest.raises(PlanError, match="has none of the objects"):
        audited(here)
