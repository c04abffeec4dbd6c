"""`gptimages privacy`: what is held about you, the archive of it, leaving, and your choices."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click
import msgspec

from datasteward.rights.holdings import Holding, TableHolding
from gptimages.privacy.api import ChoiceChange, Leaving, RequestView
from gptimages.privacy.choices import Choice
from gptimages.web.templating import figure, plural, size, utc
from gptimages_cli.client import Service, check_place, service
from gptimages_cli.errors import CommandError, Refused
from gptimages_cli.tables import echo_table

HOLDINGS = "/api/v1/privacy/holdings"
ARCHIVE = "/api/v1/privacy/archive"
ERASURE = "/api/v1/privacy/erasure"
CHOICES = "/api/v1/privacy/choices"
LOOK_AGAIN = 1.0  # seconds between two looks at an archive that is being made
NOT_FOUND = 404
CONFLICT = 409
IN_THE_MAKING = ("asked", "waiting", "running")


@click.group()
def privacy() -> None:
    """See, take away, erase and decide about what is held about you."""


@privacy.command()
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def show(as_json: bool) -> None:
    """Show everything held about you: how much, what for, until when, and who received it."""
    with service() as to:
        held = to.ask("GET", HOLDINGS, list[Holding])
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(held)).decode())
        return
    filled = [holding for holding in held if holding.rows]
    rows = [(h.title, h.rows, h.files, _size(h.bytes), f"{h.oldest:%Y-%m-%d}" if h.oldest else "") for h in filled]
    total = sum(h.rows for h in filled), sum(h.files for h in filled), size(sum(h.bytes for h in filled))
    echo_table(("what", "records", "files", "bytes", "since"), rows, ("all", *total, ""))
    for holding in filled:
        who = ", ".join(f"{r.name} ({r.region}, {figure(r.times)} times)" for r in holding.received) or "nobody"
        click.echo(f"\n{holding.title}")
        click.echo(f"  what for  {'; '.join(holding.purposes)}")
        click.echo(f"  until     {'; '.join(holding.until)}")
        click.echo(f"  received  {who}")


@privacy.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def archive(file: Path) -> None:
    """Prepare an archive of everything held about you, wait for it, and save it as FILE, a ZIP."""
    check_place(file)
    with service() as to:
        state = _prepared(to)
        with click.progressbar(length=state.bytes or 0, label="Fetching it ", file=sys.stderr) as bar:
            saved = to.fetch(f"{ARCHIVE}/file", lambda _: file, lambda done, _: bar.update(done - bar.pos))
    click.echo(f"{saved.path}, {size(saved.bytes)}")


@privacy.command()
@click.option("--cancel", is_flag=True, help="Take back an erasure that waits.")
@click.option("--email", help="Your mail address, instead of being asked for it.")
def erase(cancel: bool, email: str | None) -> None:
    """Erase your account, after showing in numbers what goes and what stays."""
    with service() as to:
        if cancel:
            to.ask("DELETE", ERASURE, RequestView)
            click.echo("Taken back: your account stays.")
            return
        waiting = _waiting(to)
        if waiting is None:
            _preview(to.ask("GET", HOLDINGS, list[Holding]))
            told = email or click.prompt("\nTo erase all of it, type the mail address of the account")
            waiting = to.ask("POST", ERASURE, RequestView, body=Leaving(told))
    when = utc(waiting.run_after) if waiting.run_after else "soon"
    click.echo(f"Your account will be erased on {when}. To take it back: gptimages privacy erase --cancel")


@privacy.command()
@click.argument("purpose", required=False)
@click.argument("answer", required=False, type=click.Choice(["on", "off"]))
def choices(purpose: str | None, answer: str | None) -> None:
    """Show what your data is used for; with PURPOSE and on or off, decide about one use."""
    if purpose and not answer:
        raise click.UsageError("Say on or off after the use.")
    with service() as to:
        if purpose:
            change = ChoiceChange(purpose, allowed=answer == "on")
            found = to.ask("PUT", CHOICES, list[Choice], body=[change])
        else:
            found = to.ask("GET", CHOICES, list[Choice])
    rows = [(c.id, "on" if c.allowed else "off", _who_decides(c), c.since, c.name) for c in found]
    echo_table(("use", "is", "who decides", "since", "what for"), rows)
    if not purpose:
        click.echo("\nTo decide about one: gptimages privacy choices USE on|off")


def _prepared(to: Service) -> RequestView:
    """The archive once it is ready; one that is being made already is waited for. Raises Refused when it fails."""
    try:
        state = to.ask("POST", ARCHIVE, RequestView)
    except Refused as refused:
        if refused.status != CONFLICT:
            raise
        state = to.ask("GET", ARCHIVE, RequestView)
    steps = 100
    try:
        with click.progressbar(length=steps, label="Preparing it", file=sys.stderr) as bar:
            while state.state in IN_THE_MAKING:
                bar.update(steps * state.done // max(state.total, 1) - bar.pos)
                time.sleep(LOOK_AGAIN)
                state = to.ask("GET", ARCHIVE, RequestView)
            bar.update(steps - bar.pos)
    except KeyboardInterrupt:
        raise CommandError("It is prepared without you; the same command fetches it later.") from None
    if state.state != "ready":
        raise Refused(state.problem or "The archive could not be made: ask for it again.")
    return state


def _waiting(to: Service) -> RequestView | None:
    try:
        return to.ask("GET", ERASURE, RequestView)
    except Refused as refused:
        if refused.status == NOT_FOUND:
            return None
        raise


def _preview(held: list[Holding]) -> None:
    going = [table for holding in held for table in holding.leaving]
    staying = [table for holding in held for table in holding.staying]
    rows = [(t.name, t.rows, t.files, _size(t.bytes)) for t in going]
    echo_table(("goes", "records", "files", "bytes"), rows, ("all", *_sums(going)))
    if staying:
        click.echo("\nWhat stays, because the law says so:")
        for table in staying:
            click.echo(f"  {table.name}, {plural(table.rows, 'record')}: {table.why}")


def _sums(tables: list[TableHolding]) -> tuple[int, int, str]:
    return sum(t.rows for t in tables), sum(t.files for t in tables), size(sum(t.bytes for t in tables))


def _size(number: int) -> str:
    return size(number) if number else ""


def _who_decides(choice: Choice) -> str:
    return "nobody, it is needed" if choice.kind == "none" else "you"
