"""`gptimages demo`: invented people and a year of their activity, for a demo database and no other."""

from __future__ import annotations

import sys
from collections.abc import Callable

import click

from gptimages import logs
from gptimages.accounts import signing_in, tokens
from gptimages.installation import Installation, open_installation
from gptimages.web.templating import plural
from gptimages_cli.errors import CommandError
from gptimages_cli.here import BY
from gptimages_cli.serving import demo_settings

DEFAULT_PEOPLE = 200


@click.group(invoke_without_command=True)
@click.option("--people", "number", default=DEFAULT_PEOPLE, show_default=True, type=click.IntRange(1, 100_000))
@click.pass_context
def demo(context: click.Context, number: int) -> None:
    """Fill the demo's database with invented people and a year of their activity."""
    if context.invoked_subcommand is not None:
        return
    from gptimages_demo import data, setting_up

    here = _open()
    try:
        setting_up.set_up(here)
        data.fill(here, number, _told())
    finally:
        here.close()
    click.echo(f"There are {plural(number, 'invented person', 'invented people')} more. To look at them: gptimages run")


@demo.command()
@click.argument("person")
def token(person: str) -> None:
    """Print an API token of the demo's PERSON, such as ines: export GPTIMAGES_TOKEN=$(gptimages demo token ines)"""
    from gptimages_demo.people import DEMO_PEOPLE
    from gptimages_demo.setting_up import set_up

    wanted = person.casefold()
    found = [
        p for p in DEMO_PEOPLE if wanted in (p.subject, p.subject.removeprefix("demo-"), p.name.casefold(), p.email)
    ]
    if not found:
        names = ", ".join(p.subject.removeprefix("demo-") for p in DEMO_PEOPLE)
        raise CommandError(f"There is no such person in the demo: name one of {names}.")
    here = _open()
    try:
        set_up(here)
        with here.writing("deliver", BY) as session:
            account = signing_in.find(session, here.settings.oidc_issuer, found[0].subject)
            assert account is not None  # noqa: S101 - set_up has just seen to it
            scopes = ["images", "privacy", *(["staff"] if found[0].roles else [])]
            secret, _ = tokens.create(session, here, account.id, "command line", scopes, now=here.clock())
    finally:
        here.close()
    click.echo(secret)


def _open() -> Installation:
    settings = demo_settings()
    logs.configure("warning")
    return open_installation(settings)


def _told() -> Callable[[str, int, int], None]:
    """Shows progress on standard error: one line that is drawn over on a terminal, one line for each kind of work else."""
    told: set[str] = set()

    def tell(what: str, done: int, of: int) -> None:
        if sys.stderr.isatty():
            click.echo(f"\r  {done:>6} of {of} {what}" + ("\n" if done >= of else ""), nl=False, err=True)
        elif done >= of and what not in told:
            told.add(what)
            click.echo(f"  {of} {what}", err=True)

    return tell
