"""`gptimages images`: making pictures, and everything that the studio and the history do with them."""

from __future__ import annotations

import base64
import sys
import time
from pathlib import Path

import click
import msgspec

from gptimages.errors import InputError
from gptimages.studio.api import Asked, Chosen, Picture, PictureList, RunAnswer, SharedLink, Sought
from gptimages.studio.engine import MEDIA_TYPES
from gptimages.studio.facts import BACKGROUNDS, FORMATS, QUALITIES
from gptimages.studio.images import Toll
from gptimages.studio.styles import STYLES
from gptimages.web.templating import plural, size, utc
from gptimages_cli.client import Service, check_place, service
from gptimages_cli.errors import CommandError, Refused
from gptimages_cli.tables import echo_facts, echo_table

IMAGES = "/api/v1/images"
RUNS = "/api/v1/runs"
UNDER_WAY = ("queued", "running")
LOOK_AGAIN = 0.6  # seconds between two looks at a run: fewer than policies/limits.yaml allows in a minute
STEPS = 100
SUFFIXES = {media_type: suffix for suffix, media_type in MEDIA_TYPES.items()}
SHOWN_WORDS = 48

file_to_read = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.group()
def images() -> None:
    """Make pictures, find them again, save, share and delete them."""


@images.command()
@click.argument("prompt")
@click.option("--style", default="none", show_default=True, type=click.Choice([style.id for style in STYLES]))
@click.option("--size", "shape", metavar="WxH", help="Such as 1536x1024; else the engine's usual size.")
@click.option("--count", default=1, show_default=True, help="How many pictures.")
@click.option("--quality", default="fine", show_default=True, type=click.Choice(QUALITIES))
@click.option("--background", default="auto", show_default=True, type=click.Choice(BACKGROUNDS))
@click.option(
    "--reference", "references", multiple=True, type=file_to_read, help="A picture to start from; repeatable."
)
@click.option("--mask", type=file_to_read, help="What may change of the picture to start from: its transparent part.")
@click.option("--format", "suffix", default="webp", show_default=True, type=click.Choice(FORMATS))
@click.option("--seed", type=int, help="The same number makes the same picture again, where the engine can.")
@click.option("--forget", is_flag=True, help="Do not keep the words once the pictures are made.")
@click.option(
    "--save", "directory", default=".", show_default=True, type=click.Path(path_type=Path, file_okay=False),
    help="Where to save the pictures.",
)  # fmt: skip
def make(
    prompt: str, style: str, shape: str | None, count: int, quality: str, background: str, references: tuple[Path, ...],
    mask: Path | None, suffix: str, seed: int | None, forget: bool, directory: Path,
) -> None:  # fmt: skip
    """Make pictures from PROMPT, wait for them and save them. A PROMPT of - is read from standard input."""
    width, height = _shape(shape)
    wanted = Asked(
        prompt=sys.stdin.read() if prompt == "-" else prompt,
        style=style,
        width=width,
        height=height,
        count=count,
        quality=quality,
        background=background,
        format=suffix,
        keep_prompt=not forget,
        seed=seed,
        references=[_encoded(path) for path in references],
        mask=_encoded(mask) if mask else None,
    )
    _make_directory(directory)
    with service() as to:
        answer = _follow(to, to.ask("POST", IMAGES, RunAnswer, body=wanted))
        for image_id in answer.images:
            click.echo(str(_save(to, image_id, directory)))
    if answer.run.state != "done":
        raise Refused(answer.run.problem or f"The run has ended as {answer.run.state}: ask again.")


@images.command()
@click.argument("run_id", metavar="RUN")
def stop(run_id: str) -> None:
    """Stop RUN; the pictures that are finished stay."""
    with service() as to:
        answer = to.ask("POST", f"{RUNS}/{run_id}/stop", RunAnswer)
    click.echo(f"The run is {answer.run.state}; {plural(len(answer.images), 'picture')} of it stay.")


@images.command("list")
@click.option("--search", default="", help="Only pictures in whose words all of these occur.")
@click.option("--style", default="", help="Only this style.")
@click.option("--favourites", is_flag=True, help="Only favourites.")
@click.option("--limit", default=50, show_default=True, help="At most so many, the newest first.")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
def list_images(search: str, style: str, favourites: bool, limit: int, as_json: bool) -> None:
    """List your pictures, the newest first."""
    wanted = Sought(words=search, style=style, favourites=favourites)
    with service() as to:
        found, more = _pictures(to, wanted, limit)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found)).decode())
        return
    if not found:
        looked = search or style or favourites
        click.echo("No picture fits." if looked else 'No picture yet: gptimages images make "a harbour at dawn"')
        return
    rows = [(p.id, p.created_at, p.style, f"{p.width}x{p.height}", _star(p), _shortened(p.prompt)) for p in found]
    echo_table(("picture", "made", "style", "size", "", "words"), rows)
    if more:
        click.echo("\nThere are more: --limit shows them.")


@images.command()
@click.argument("image_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def show(image_id: str, as_json: bool) -> None:
    """Show what is known about the picture ID."""
    with service() as to:
        found = to.ask("GET", f"{IMAGES}/{image_id}", Picture)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found)).decode())
        return
    echo_facts(
        [
            ("Picture", found.id),
            ("Words", found.prompt or "destroyed"),
            ("Style", found.style),
            ("Size", f"{found.width} x {found.height} pixels, {size(found.bytes)}"),
            ("Made", utc(found.created_at)),
            ("By", "drawn as a preview, without a model" if found.is_preview else "a model"),
            ("Favourite", "yes" if found.favourite else "no"),
            ("Run", found.run),
        ]
    )


@images.command()
@click.argument("image_id", metavar="ID")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def save(image_id: str, file: Path) -> None:
    """Save the picture ID as FILE."""
    check_place(file)
    with service() as to:
        saved = to.fetch(f"{IMAGES}/{image_id}/file", lambda _: file)
    click.echo(f"{saved.path}, {size(saved.bytes)}")


@images.command()
@click.argument("image_id", metavar="ID")
@click.option("--off", is_flag=True, help="Take the mark off.")
def favourite(image_id: str, off: bool) -> None:
    """Make the picture ID a favourite."""
    with service() as to:
        to.tell("DELETE" if off else "PUT", f"{IMAGES}/{image_id}/favourite")
    click.echo("No favourite any more." if off else "A favourite.")


@images.command()
@click.argument("image_ids", metavar="ID...", nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
def delete(image_ids: tuple[str, ...], yes: bool) -> None:
    """Delete pictures for good, with their bytes, after showing what goes."""
    ids = list(image_ids)
    with service() as to:
        toll = to.ask("POST", f"{IMAGES}/delete", Toll, body=Chosen(ids, preview=True))
        if not toll.pictures:
            raise CommandError("None of these is a picture of yours: gptimages images list shows them.")
        click.echo(f"This deletes {_told(toll)}.")
        if not yes:
            click.confirm("Delete for good?", abort=True)
        gone = to.ask("POST", f"{IMAGES}/delete", Toll, body=Chosen(ids))
    click.echo(f"Deleted: {plural(gone.pictures, 'picture')}, {size(gone.bytes)}.")


@images.command()
@click.argument("image_id", metavar="ID")
def share(image_id: str) -> None:
    """Make a link under which anyone who has it sees the picture ID."""
    with service() as to:
        link = to.ask("POST", f"{IMAGES}/{image_id}/share", SharedLink)
    click.echo(link.address)
    click.echo(f"It is told this once, and ends {utc(link.expires_at)}.", err=True)
    click.echo(f"To end it before: gptimages images unshare {link.id}", err=True)


@images.command()
@click.argument("link_id", metavar="LINK")
def unshare(link_id: str) -> None:
    """End LINK at once; share told its id."""
    with service() as to:
        to.tell("DELETE", f"/api/v1/shares/{link_id}")
    click.echo("The link has ended.")


def _follow(to: Service, answer: RunAnswer) -> RunAnswer:
    """Waits until the run has ended, with a bar on standard error. Ctrl+C leaves it running."""
    run_id = answer.run.id
    try:
        with click.progressbar(length=STEPS * answer.run.count, label="Making it", file=sys.stderr) as bar:
            while answer.run.state in UNDER_WAY:
                run = answer.run
                bar.update(max(0, STEPS * run.made + STEPS * run.step // max(run.steps, 1) - bar.pos))
                time.sleep(LOOK_AGAIN)
                answer = to.ask("GET", f"{RUNS}/{run_id}", RunAnswer)
            if answer.run.state == "done":
                bar.update(bar.length - bar.pos if bar.length else 0)
    except KeyboardInterrupt:
        raise CommandError(f"The run goes on without you; to stop it: gptimages images stop {run_id}") from None
    return answer


def _pictures(to: Service, wanted: Sought, limit: int) -> tuple[list[Picture], bool]:
    found: list[Picture] = []
    while True:
        page = to.ask("POST", f"{IMAGES}/search", PictureList, body=wanted)
        found += page.images
        if page.more is None or len(found) >= limit:
            return found[:limit], page.more is not None or len(found) > limit
        wanted = msgspec.structs.replace(wanted, before=page.more)


def _save(to: Service, image_id: str, directory: Path) -> Path:
    def place(media_type: str) -> Path:
        return directory / f"{image_id}.{SUFFIXES.get(media_type, 'bin')}"

    return to.fetch(f"{IMAGES}/{image_id}/file", place).path


def _make_directory(directory: Path) -> None:
    """Made before anything is asked for, so that no picture is made that cannot be saved."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(f"The directory {directory} cannot be made ({error.strerror}): choose another.") from None


def _shape(shape: str | None) -> tuple[int | None, int | None]:
    if shape is None:
        return None, None
    width, _, height = shape.lower().partition("x")
    if not width.isdecimal() or not height.isdecimal():
        raise InputError("A size is width x height in pixels, such as 1536x1024.")
    return int(width), int(height)


def _encoded(path: Path) -> str:
    try:
        return base64.b64encode(path.read_bytes()).decode()
    except OSError as error:
        raise CommandError(f"The picture {path} cannot be read ({error.strerror}): check its rights.") from None


def _told(toll: Toll) -> str:
    parts = [f"{plural(toll.pictures, 'picture')} ({size(toll.bytes)})"]
    for number, one, many in (
        (toll.words, "description", "descriptions"),
        (toll.references, "picture to start from", "pictures to start from"),
        (toll.favourites, "favourite", "favourites"),
        (toll.links, "link", "links"),
    ):
        if number:
            parts.append(str(plural(number, one, many)))
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def _star(picture: Picture) -> str:
    return "★" if picture.favourite else ""


def _shortened(words: str | None) -> str:
    line = " ".join((words or "(words destroyed)").split())
    return line if len(line) <= SHOWN_WORDS else line[: SHOWN_WORDS - 1] + "…"
