"""`gptimages retention`: what would go and why, and carrying it out."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from datasteward.retention import certificate, plans
from datasteward.retention import explain as explaining
from datasteward.retention.checking import needs_approval
from datasteward.retention.explain import Explanation
from datasteward.retention.plan import Plan, from_json, to_file, to_json
from datasteward.retention.result import outcome
from gptimages.errors import InputError, NotFound
from gptimages.installation import Installation
from gptimages.web.templating import figure, size, utc
from gptimages_cli.here import BY, Open
from gptimages_cli.new_files import require_new, write_new
from gptimages_cli.tables import echo_table
from gptimages_jobs import disposal
from gptimages_jobs.errors import TryAgain
from gptimages_jobs.retention import carry_out


@click.group()
def retention() -> None:
    """What the policies would dispose of, and disposing of it."""


@retention.command("plan")
@click.option(
    "--explain", nargs=2, metavar="TABLE ID", help="Say which rule decides about one row and why; makes no plan."
)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the plan to this new file as well.")
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON.")
@click.pass_obj
def make_plan(open_here: Open, explain: tuple[str, str] | None, out: Path | None, as_json: bool) -> None:
    """Make a plan: by rule, what would go now and why. Changes nothing."""
    if out:
        require_new(out)
    with open_here() as here:
        if explain:
            with here.reading("law", BY) as session:
                _explain(explaining.explain(session, here.steward, *explain, now=here.clock()))
            return
        with here.writing("law", BY) as session:
            made = plans.make(session, here.steward, by=BY, now=here.clock())
        if out:
            write_new(out, to_file(made))
        if as_json:
            click.echo(to_json(made))
        else:
            _show(made)
            if why := needs_approval(here.steward, made):
                click.echo(f"\n{why} It is found under /compliance/retention/{made.id}.")
            elif made.rows:
                click.echo(f"\nTo carry it out: gptimages retention apply {out or made.id}")


@retention.command()
@click.argument("plan")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def apply(open_here: Open, plan: str, yes: bool) -> None:
    """Carry out PLAN, the id of a plan or its file: exactly that, and nothing else."""
    with open_here() as here:
        given = _read(here, plan)
        if not yes:
            _show(given)
            click.confirm(f"\nDestroy {figure(given.rows)} rows for good?", abort=True)
        with click.progressbar(length=given.rows, label="Carrying it out", file=sys.stderr) as bar:
            done = carry_out(here, given, by=BY, progress=lambda rows, _: bar.update(rows - bar.pos))
        try:
            disposal.run(here, given.id)
        except TryAgain as later:
            click.echo(str(later), err=True)
    rows = [(table, number, deed) for deed, counts in done.deeds.items() for table, number in counts.items()]
    if rows:
        echo_table(("table", "rows", "what"), rows)
    stayed = given.rows - done.rows
    why = f" {figure(stayed)} are gone already, or a hold keeps them by now." if stayed else ""
    click.echo(f"{figure(done.rows)} of {figure(given.rows)} rows are done.{why}")


@retention.command("plans")
@click.option("--limit", default=20, show_default=True, help="How many, the newest first.")
@click.pass_obj
def list_plans(open_here: Open, limit: int) -> None:
    """The plans that were made, with what became of them."""
    with open_here() as here, here.reading("law", BY) as session:
        stored = plans.newest(session, limit=limit)
        rows = []
        for row in stored:
            plan, done = plans.load(row), outcome(row)
            rows.append((row.id, row.made_at, row.state, plan.due, plan.held, plan.rows, done.rows if done else None))
    if rows:
        echo_table(("plan", "made", "state", "due", "held", "rows", "done"), rows)
    else:
        click.echo("No plan was made yet: gptimages retention plan makes one.")


@retention.command("certificate")
@click.argument("plan")
@click.pass_obj
def show_certificate(open_here: Open, plan: str) -> None:
    """Print the certificate of PLAN, a plan that was carried out, as JSON."""
    with open_here() as here, here.reading("law", BY) as session:
        made = certificate.of(plans.row(session, plan))
    if made is None:
        raise NotFound("This plan has not been carried out: there is no certificate yet.")
    click.echo(certificate.to_json(made))


def _explain(found: Explanation) -> None:
    click.echo(f"{found.verdict}\n\n{found.precedence}")
    for rule in found.rules:
        click.echo(f"\n{rule.why} ({rule.where})")
        began = utc(rule.started) if rule.started else "has not started"
        click.echo(f"  clock: {began}; due when it started before {utc(rule.cutoff)}: {'yes' if rule.due else 'no'}")
        if not rule.applies:
            click.echo("  the row does not meet the rule's conditions (only_if)")
        elif rule.due and not rule.left:
            click.echo("  nothing is left to do")
    for each in found.with_rows:
        click.echo(f"\nIt goes with what it hangs on: {each}.")
    if found.held:
        click.echo("\nA legal hold keeps it.")


def _show(plan: Plan) -> None:
    items = [item for item in plan.items if item.due]
    rows = [
        (i.name, i.table, i.kept, i.action, i.due, i.held, i.goes, sum(i.along.values()), size(i.bytes), _day(i.oldest))
        for i in sorted(items, key=lambda i: -i.due)
    ]
    total = ("all", "", "", "", plan.due, plan.held, plan.goes, plan.along.total(), size(plan.bytes), "")
    click.echo(f"Plan {plan.id}, as of {utc(plan.made_at)}, policies {plan.policy_hash[:12]}\n")
    if not rows:
        click.echo("Nothing is due.")
        return
    echo_table(("rule", "table", "kept", "action", "due", "held", "goes", "with it", "about", "oldest"), rows, total)
    click.echo("")
    for item in items:
        before = ", ".join(f"{country or 'elsewhere'} {utc(at)}" for country, at in sorted(item.cutoffs.items()))
        click.echo(
            f"{item.why}\n  {item.clock} before {utc(item.cutoffs[''])}"
            if len(item.cutoffs) == 1
            else f"{item.why}\n  {item.clock} before: {before}"
        )


def _day(at: object) -> str:
    return f"{at:%Y-%m-%d}" if at is not None else ""


def _read(here: Installation, plan: str) -> Plan:
    path = Path(plan)
    if path.is_file():
        try:
            return from_json(path.read_bytes())
        except OSError:
            raise InputError(f"The file {path} cannot be read: check its rights.") from None
    with here.reading("law", BY) as session:
        found = plans.find(session, plan)
    if found is None:
        raise InputError("There is no such plan and no such file: gptimages retention plans lists the plans.")
    return plans.load(found)
