"""`gptimages roles`: who of staff may do what, given and taken back by whoever runs the installation."""

from __future__ import annotations

import click

from gptimages.accounts import roles as domain
from gptimages.accounts import staff
from gptimages.web.templating import utc
from gptimages_cli.here import BY, Open
from gptimages_cli.tables import echo_table


@click.group()
def roles() -> None:
    """Give and take back the roles of staff."""


@roles.command()
@click.argument("account")
@click.argument("role")
@click.pass_obj
def grant(open_here: Open, account: str, role: str) -> None:
    """Give ACCOUNT a ROLE. The id of an account stands on its own page, and in gptimages account show."""
    with open_here() as here:
        with here.writing("deliver", BY) as session:
            domain.grant(session, here, account, role, by=BY, now=here.clock())
        click.echo(f"Given. {here.policies.roles[role].name}: {here.policies.roles[role].words}")


@roles.command()
@click.argument("account")
@click.argument("role")
@click.pass_obj
def end(open_here: Open, account: str, role: str) -> None:
    """Take a ROLE back from ACCOUNT."""
    with open_here() as here, here.writing("deliver", BY) as session:
        domain.end(session, account, role, by=BY, now=here.clock())
    click.echo("Taken back; it holds from the next request on.")


@roles.command("list")
@click.pass_obj
def list_roles(open_here: Open) -> None:
    """Who has which role, and which roles there are."""
    with open_here() as here, here.reading("deliver", BY) as session:
        rows = [(p.id, g.role, utc(g.since), g.granted_by) for p in staff.with_roles(session) for g in p.grants]
        known = [(key, role.words) for key, role in here.policies.roles.items() if key != domain.EVERYBODY]
    if rows:
        echo_table(("account", "role", "since", "given by"), rows)
    else:
        click.echo("Nobody has a role of staff yet: gptimages roles grant ACCOUNT ROLE")
    click.echo("")
    echo_table(("role", "what it is for"), known)
