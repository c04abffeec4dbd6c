"""`gptimages objects`: whether every object has its row and every row its object, and mending it where not."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from datasteward.retention import orphans
from datasteward.retention.orphans import Mending, Progress
from gptimages.errors import InputError
from gptimages.web.templating import figure, plural, size
from gptimages_cli.here import BY, Open
from gptimages_cli.new_files import require_new, write_new
from gptimages_cli.tables import echo_facts
from gptimages_jobs import disposal
from gptimages_jobs.errors import TryAgain

SHOWN = 10_000
FILE = click.Path(path_type=Path, dir_okay=False)


@click.group()
def objects() -> None:
    """The object store: pictures, pictures to start from, archives."""


@objects.command()
@click.option("--plan", "out", type=FILE, help="Write what would be mended to this new file.")
@click.option("--apply", "given", type=FILE, help="Do what this plan says: exactly that, and nothing else.")
@click.option("--yes", is_flag=True, help="Do not ask before --apply.")
@click.pass_obj
def audit(open_here: Open, out: Path | None, given: Path | None, yes: bool) -> None:
    """Compare every object with every row; without --apply nothing is changed.

    Exit code 1 when something is to be mended. Objects younger than policies/limits.yaml says are left alone.
    """
    if out and given:
        raise InputError("A plan is made, looked at and then carried out: give --plan or --apply, not both.")
    if given:
        _apply(open_here, given, yes=yes)
        return
    if out:
        require_new(out)
    with open_here() as here, here.db.read() as session:
        made = orphans.audit(session, here.steward, now=here.clock(), progress=_progress())
    if out:
        write_new(out, orphans.to_file(made))
    _show(made)
    if made.objects or made.rows:
        click.echo(f"\nTo mend it: gptimages objects audit {f'--apply {out}' if out else '--plan FILE'}")
        sys.exit(1)


def _apply(open_here: Open, path: Path, *, yes: bool) -> None:
    plan = _read(path)
    if not yes:
        _show(plan)
        click.confirm("\nMend this for good?", abort=True)
    with open_here() as here:
        with here.db.read() as session:
            orphans.check(session, here.steward, plan, now=here.clock())
        progress = _progress()
        answers = orphans.ask(here.objects, plan, progress=progress)
        with here.db.write() as session:
            orphans.apply(session, here.steward, plan, answers, by=BY, now=here.clock(), progress=progress)
        try:
            disposal.run(here, "objects-audit")
        except TryAgain as later:
            click.echo(str(later), err=True)
    gone, rows = plural(len(plan.objects), "object", "objects"), plural(len(plan.rows), "row", "rows")
    click.echo(f"{gone} and {rows} are mended.")


def _show(plan: Mending) -> None:
    deeds = [row.deed for row in plan.rows]
    stored = size(sum(each.size for each in plan.objects))
    echo_facts(
        [
            ("objects with their row", plan.sound),
            ("objects without a row", f"{figure(len(plan.objects))} ({stored}): they go"),
            ("  too young to tell", plan.young),
            ("rows without their object", f"{figure(deeds.count('delete'))}: they go, with what hangs on them"),
            ("  where it may be missing", f"{figure(deeds.count('clear'))}: the key is cleared"),
            ("  kept by a legal hold", plan.held),
            ("behind a delete marker", f"{figure(plan.hidden)}: taking the marker away brings them back"),
            ("rows without a copy", f"{figure(plan.copies)}: they stay, the original is there"),
            ("left for the next plan", plan.left),
        ]
    )


def _progress() -> Progress:
    """Says how far it is, on standard error; how much there is nobody knows before."""
    looked = 0

    def tell(more: int) -> None:
        nonlocal looked
        looked += more
        if looked % SHOWN == 0:
            click.echo(f"{figure(looked)} objects and rows compared …", err=True)

    return tell


def _read(path: Path) -> Mending:
    try:
        return orphans.from_json(path.read_bytes())
    except OSError:
        raise InputError(f"The plan {path} cannot be read: name the file that --plan wrote.") from None
