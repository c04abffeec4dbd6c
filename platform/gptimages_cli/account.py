"""`gptimages account`: your profile, where you are signed in, and your tokens."""

from __future__ import annotations

import click

from gptimages.accounts.api import ProfileChange
from gptimages.accounts.overview import Profile, SessionView, TokenView
from gptimages.web.templating import figure, utc
from gptimages_cli.client import service
from gptimages_cli.tables import echo_facts, echo_table

ME = "/api/v1/me"
SESSIONS = "/api/v1/sessions"
TOKENS = "/api/v1/tokens"


@click.group()
def account() -> None:
    """Your profile, where you are signed in, and your tokens."""


@account.command()
def show() -> None:
    """Show your profile."""
    with service() as to:
        _show(to.ask("GET", ME, Profile))


@account.command()
@click.argument("name")
def rename(name: str) -> None:
    """Correct your display name to NAME."""
    with service() as to:
        _show(to.ask("PATCH", ME, Profile, body=ProfileChange(name)))


@account.command()
@click.option("--end", "ended", metavar="ID", help="Sign this one out.")
def sessions(ended: str | None) -> None:
    """Show where you are signed in."""
    with service() as to:
        if ended:
            to.tell("DELETE", f"{SESSIONS}/{ended}")
        found = to.ask("GET", SESSIONS, list[SessionView])
    if found:
        rows = [(s.id, s.device, s.address or "", s.since, s.last_used) for s in found]
        echo_table(("session", "browser", "address", "since", "last used"), rows)
    else:
        click.echo("You are signed in nowhere but with this token.")


@account.command()
@click.option("--end", "ended", metavar="ID", help="End this one.")
def tokens(ended: str | None) -> None:
    """Show your tokens; new ones are made on the account page, where you are signed in yourself."""
    with service() as to:
        if ended:
            to.tell("DELETE", f"{TOKENS}/{ended}")
        found = to.ask("GET", TOKENS, list[TokenView])
    if found:
        rows = [(t.id, t.label, " ".join(t.scopes), t.last_used, t.expires) for t in found]
        echo_table(("token", "name", "may do", "last used", "ends"), rows)
    else:
        click.echo("You have no token.")


def _show(profile: Profile) -> None:
    echo_facts(
        [
            ("Name", profile.name),
            ("Mail", profile.email),
            ("Country", profile.country),
            ("Roles", ", ".join(profile.roles) or "none of staff"),
            ("Plan", profile.plan_name),
            ("Pictures", f"{figure(profile.pictures_this_month)} of {figure(profile.pictures_per_month)} this month"),
            ("Since", utc(profile.since)),
            ("Id", profile.id),
        ]
    )
