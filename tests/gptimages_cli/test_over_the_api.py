"""images, privacy and account: typed by a person, answered by a real service."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from click.testing import Result
from PIL import Image
from support.service import Service, free_port

from gptimages_cli import client
from gptimages_cli.errors import CommandError

Type = Callable[..., Result]
MAIL = "ines.halvorsen@example.org"


def make(typed: Type, directory: Path, prompt: str = "a harbour at dawn", *more: str) -> Path:
    """A picture made by the command, as it was saved."""
    done = typed("images", "make", prompt, "--quality", "draft", "--save", str(directory), *more)
    assert done.exit_code == 0, done.output
    return Path(done.stdout.strip().splitlines()[-1])


def size_of(path: Path) -> tuple[int, int]:
    """Width and height of a picture, in pixels."""
    with Image.open(path) as picture:
        return picture.size


def test_make_saves_the_pictures(typed: Type, tmp_path: Path) -> None:
    """`images make` waits, saves each picture for the owner alone, and prints where."""
    done = typed("images", "make", "two boats", "--count", "2", "--quality", "draft", "--save", str(tmp_path / "new"))
    paths = [Path(line) for line in done.stdout.splitlines()]
    assert done.exit_code == 0
    assert len(paths) == 2
    assert [size_of(path) for path in paths] == [(1536, 1024)] * 2
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in paths)
    assert sorted(tmp_path.joinpath("new").iterdir()) == sorted(paths)


def test_make_takes_a_picture_to_start_from_and_words_from_standard_input(typed: Type, tmp_path: Path) -> None:
    """References are sent along, and words need not stand in the shell's history."""
    first = make(typed, tmp_path)
    done = typed(
        "images", "make", "-", "--reference", str(first), "--format", "png", "--size", "1024x1024", "--quality", "draft",
        "--style", "ink", "--seed", "7", "--forget", "--save", str(tmp_path), given="the same by night",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    second = Path(done.stdout.strip())
    assert second.suffix == ".png"
    assert size_of(second) == (1024, 1024)
    assert "destroyed" in typed("images", "show", second.stem).stdout


def test_list_show_and_search(typed: Type, tmp_path: Path) -> None:
    """A picture is found again by its words, and told as a table or as JSON."""
    picture = make(typed, tmp_path, "an unmistakable lighthouse").stem
    assert picture in typed("images", "list").stdout
    found = json.loads(typed("images", "list", "--search", "unmistakable", "--json").stdout)
    assert [each["id"] for each in found] == [picture]
    assert "No picture fits." in typed("images", "list", "--search", "nowhere to be found").stdout
    assert "unmistakable lighthouse" in typed("images", "show", picture).stdout


def test_favourites(typed: Type, tmp_path: Path) -> None:
    """A favourite is listed as one until the mark is taken off."""
    picture = make(typed, tmp_path).stem
    assert typed("images", "favourite", picture).exit_code == 0
    assert picture in typed("images", "list", "--favourites").stdout
    assert typed("images", "favourite", picture, "--off").exit_code == 0
    assert picture not in typed("images", "list", "--favourites").stdout


def test_delete_shows_what_goes_and_asks_once(typed: Type, tmp_path: Path) -> None:
    """Nothing is deleted unless the person says yes, and then the picture is gone."""
    picture = make(typed, tmp_path).stem
    asked = typed("images", "delete", picture, given="n\n")
    assert "This deletes 1 picture" in asked.stdout
    assert asked.exit_code == 1
    assert typed("images", "show", picture).exit_code == 0
    assert "Deleted: 1 picture" in typed("images", "delete", picture, "--yes").stdout
    gone = typed("images", "show", picture)
    assert gone.exit_code == 1
    assert gone.stderr == "There is no such picture of yours.\n"


def test_share_and_unshare(typed: Type, tmp_path: Path) -> None:
    """A link opens the picture to anyone until it is ended."""
    picture = make(typed, tmp_path).stem
    done = typed("images", "share", picture)
    address, link = done.stdout.strip(), done.stderr.split()[-1]
    assert httpx.get(address).status_code == 200
    assert typed("images", "unshare", link).exit_code == 0
    assert httpx.get(address).status_code == 404


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("images", "make", ""), "Say what should be in the picture"),
        (("images", "make", "x" * 40_000), "has 40,000 characters"),
        (("images", "make", "x", "--size", "7x7"), "does not make pictures of this size"),
        (("images", "make", "x", "--size", "large"), "A size is width x height"),
        (("images", "make", "x", "--count", "99"), "1 to 4 pictures"),
        (("images", "make", "x", "--reference", __file__), "not a picture we can read"),
        (("images", "show", "nothing"), "no such picture"),
        (("images", "delete", "nothing", "--yes"), "None of these is a picture of yours"),
        (("images", "save", "nothing", "/nowhere/at/all.png"), "There is no directory"),
        (("images", "stop", "nothing"), "no such run"),
        (("privacy", "choices", "nothing", "on"), "nothing"),
        (("privacy", "erase", "--cancel"), "No erasure"),
        (("privacy", "erase", "--email", "else@example.org"), "not the address of the account"),
        (("account", "rename", ""), "A name has 1 to"),
        (("account", "tokens", "--end", "nothing"), "no such token"),
    ],
)
def test_what_the_service_refuses_is_one_sentence(
    typed: Type, words: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refusal is the service's own sentence on standard error, with exit code 1."""
    monkeypatch.chdir(tmp_path)
    done = typed(*words)
    assert done.exit_code == 1
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_privacy_shows_and_saves_everything(typed: Type, tmp_path: Path) -> None:
    """What is held is told in numbers, and the archive holds it."""
    make(typed, tmp_path)
    assert "Your pictures" in typed("privacy", "show").stdout
    done = typed("privacy", "archive", str(tmp_path / "mine.zip"))
    assert done.exit_code == 0, done.output
    with zipfile.ZipFile(tmp_path / "mine.zip") as archive:
        assert archive.testzip() is None
        assert {"index.html", "manifest.json"} <= set(archive.namelist())


def test_choices(typed: Type) -> None:
    """A use is switched on and off."""
    assert "promotional-mail  on" in typed("privacy", "choices", "promotional-mail", "on").stdout
    assert "promotional-mail  off" in typed("privacy", "choices", "promotional-mail", "off").stdout


def test_erasure_is_previewed_asked_for_and_taken_back(typed: Type) -> None:
    """The account waits to be erased once its address was typed, and stays when that is taken back."""
    asked = typed("privacy", "erase", given=MAIL + "\n")
    assert asked.exit_code == 0, asked.output
    assert "Your account" in asked.stdout
    assert "will be erased on" in asked.stdout
    try:
        assert typed("images", "make", "x").exit_code == 1
    finally:
        assert "your account stays" in typed("privacy", "erase", "--cancel").stdout


def test_account(typed: Type) -> None:
    """The profile is shown and the name corrected; sessions and tokens are told without secrets."""
    assert "Ines Other" in typed("account", "rename", "Ines Other").stdout
    assert MAIL in typed("account", "show").stdout
    assert typed("account", "sessions").exit_code == 0
    assert "command line" in typed("account", "tokens").stdout


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"GPTIMAGES_TOKEN": ""}, "Make a token at"),
        ({"GPTIMAGES_TOKEN": "gi_wrong"}, "does not know this token"),
        ({"GPTIMAGES_TOKEN": "gi_\nwrong"}, "is no token"),
        ({"GPTIMAGES_URL": f"http://127.0.0.1:{free_port()}"}, "start the service with gptimages run"),
        ({"GPTIMAGES_URL": "http://images.example"}, "has to begin with https"),
        ({"GPTIMAGES_URL": "images.example"}, "has to be an address"),
        ({"GPTIMAGES_URL": "http://127.0.0.1:99999"}, "has to be an address"),
    ],
)
def test_who_and_where(typed: Type, more: dict[str, str], said: str) -> None:
    """A wrong address or token is told in a sentence that says what to do; no token leaves in the clear."""
    done = typed("account", "show", **more)
    assert done.exit_code == 1
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_token_without_the_scope_is_refused(service: Service, token: str, typed: Type) -> None:
    """The sentence speaks of the token, not of roles that an administrator could give."""
    answer = httpx.get(f"{service.url}/api/v1/retention/plans", headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 403
    assert answer.json()["detail"].startswith("This token does not allow this")


def test_something_else_that_answers(service: Service, typed: Type) -> None:
    """A server that is not ours is told as that, whatever it answers."""
    other = f"http://127.0.0.1:{service.demo_port}"
    assert "does not speak this API" in typed("account", "show", GPTIMAGES_URL=other).stderr


def _leaves(kind: type[Exception]) -> list[type[Exception]]:
    return [kind, *(leaf for each in kind.__subclasses__() for leaf in _leaves(each))]


@pytest.mark.parametrize("kind", [*_leaves(httpx.HTTPError), httpx.InvalidURL], ids=lambda kind: kind.__name__)
def test_every_failure_of_a_connection_is_a_sentence(kind: type[Exception]) -> None:
    """No exception of the HTTP library comes through."""
    error = kind.__new__(kind)
    with pytest.raises(CommandError) as told, client._faults("http://127.0.0.1:8000"):
        raise error
    assert str(told.value).endswith(".")
