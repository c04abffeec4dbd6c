"""`gptimages hold` and `gptimages audit`: legal holds, and the log of what was done."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime

import click

from datasteward.audit import log
from datasteward.audit.models import AuditEntry
from datasteward.retention import holds
from datasteward.retention.scope import Scope, keys
from gptimages.accounts.models import Account
from gptimages.consoles.oversight import about
from gptimages.errors import NotFound
from gptimages.web.templating import plural, utc
from gptimages_cli.here import BY, Open
from gptimages_cli.tables import echo_table

DAY = click.DateTime(["%Y-%m-%d"])


@click.group()
def hold() -> None:
    """Legal holds: what keeps data from being disposed of."""


@hold.command()
@click.option("--account", help="What belongs to this account.")
@click.option("--table", help="The rows of this table.")
@click.option("--row", "rows", multiple=True, help="Only this row of it, by its id; may be given again.")
@click.option("--category", help="Data of this category, such as user.content, or below it.")
@click.option("--since", type=DAY, help="What was made on this day (UTC) or later.")
@click.option("--before", type=DAY, help="What was made before this day (UTC).")
@click.option("--file", required=True, help="Number of the file in which the reason stands; never in the log.")
@click.option("--review", type=DAY, required=True, help="The day on which it is looked at again.")
@click.pass_obj
def place(
    open_here: Open,
    account: str | None,
    table: str | None,
    rows: tuple[str, ...],
    category: str | None,
    since: datetime | None,
    before: datetime | None,
    file: str,
    review: datetime,
) -> None:
    """Hold what meets all that is given: at least one of account, table, category, since and before."""
    scope = Scope(
        subject=account, table=table, rows=keys(rows), category=category, since=_utc(since), before=_utc(before)
    )
    with open_here() as here, here.writing("law", BY) as session:
        if account is not None and session.get(Account, account) is None:
            raise NotFound("There is no such account: check the id.")
        until = review.replace(tzinfo=UTC)
        made = holds.place(session, here.steward, scope, file, review_at=until, by=BY, now=here.clock())
    click.echo(f"Held, under {made.id}, to be looked at again by {utc(made.review_at)}.")


@hold.command()
@click.argument("hold_id", metavar="HOLD")
@click.pass_obj
def lift(open_here: Open, hold_id: str) -> None:
    """Lift HOLD; what it kept back is due again."""
    with open_here() as here, here.writing("law", BY) as session:
        holds.lift(session, hold_id, by=BY, now=here.clock())
    click.echo("Lifted. What was due goes with the next plan.")


@hold.command("list")
@click.pass_obj
def list_holds(open_here: Open) -> None:
    """The holds in force, the one to be looked at next first."""
    with open_here() as here, here.reading("law", BY) as session:
        late = {each.id for each in holds.overdue(session, here.clock())}
        rows = [
            (each.id, about(each), each.placed_at, each.review_at, "overdue" if each.id in late else "")
            for each in holds.active(session)
        ]
    if rows:
        echo_table(("hold", "on", "placed", "look again by", ""), rows)
    else:
        click.echo("No hold is in force.")


@click.group()
def audit() -> None:
    """The log of what was done."""


@audit.command()
@click.option("--limit", default=20, show_default=True, help="How many, the newest first.")
@click.option("--subject", help="Only what concerns this account.")
@click.option("--act", "acts", multiple=True, help="Only this act, such as retention.applied; may be given again.")
@click.pass_obj
def show(open_here: Open, limit: int, subject: str | None, acts: tuple[str, ...]) -> None:
    """The newest entries."""
    with open_here() as here, here.reading("law", BY) as session:
        found = log.entries(session, subject=subject, acts=acts, limit=limit)
        rows = [(e.number, e.at, e.act, e.actor, e.subject_id, _facts(e)) for e in found]
    if rows:
        echo_table(("no", "at", "act", "by", "about", "facts"), rows)
    else:
        click.echo("There is no such entry.")


@audit.command()
@click.pass_obj
def verify(open_here: Open) -> None:
    """Recompute every hash; exit code 1 when the log was changed."""
    with open_here() as here, here.reading("law", BY) as session:
        found = log.verify(session)
    if found.broken_at is not None:
        click.echo(f"The log was changed: it holds up to entry {found.broken_at}, which does not verify.", err=True)
        sys.exit(1)
    click.echo(f"{plural(found.entries, 'entry', 'entries')}, unchanged from the first to the last.")


def _utc(day: datetime | None) -> datetime | None:
    return day and day.replace(tzinfo=UTC)


def _facts(entry: AuditEntry) -> str:
    found = log.facts(entry)
    if log.POLICY in found:
        found[log.POLICY] = str(found[log.POLICY])[:8]  # as much as tells it from the others
    return " ".join(f"{key}={json.dumps(value).strip(chr(34))}" for key, value in found.items())
