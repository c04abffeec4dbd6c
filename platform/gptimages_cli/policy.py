"""`gptimages policy`: checking, testing and comparing policy sets, and publishing a version of the privacy policy."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import click
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from datasteward import anonymise
from datasteward.catalog import checks
from datasteward.errors import StewardError
from datasteward.policy import PolicyError, PolicySet, compare
from datasteward.policy.examples import verify as hold_examples
from datasteward.policy.schema import schemas
from datasteward.retention.differences import consequences
from gptimages import opening
from gptimages.accounts.models import Account
from gptimages.errors import GptImagesError, NotFound
from gptimages.installation import Installation, catalog, policy_directory
from gptimages.publishing import versions
from gptimages.publishing.models import PolicyVersion
from gptimages.settings import PREFIX, Settings, read
from gptimages.web.templating import plural
from gptimages_cli.errors import CommandError
from gptimages_cli.here import BY, Open
from gptimages_cli.tables import Cell, echo_facts, echo_table
from gptimages_jobs import schedule

_SET = click.Path(path_type=Path, file_okay=False)
_DIRECTORY = click.argument("directory", required=False, type=_SET)


@click.group()
def policy() -> None:
    """Check, test and compare policy sets, and publish versions of the privacy policy.

    A policy set is a directory; the one in force is that of GPTIMAGES_POLICIES, else the one that is shipped.
    """


@policy.command()
@_DIRECTORY
def check(directory: Path | None) -> None:
    """Check the policy set in DIRECTORY (else GPTIMAGES_POLICIES, else the one that is shipped), and say every mistake."""
    loaded = _load(directory)
    tagged = catalog()
    checks.require(tagged, loaded)
    anonymise.require(tagged, loaded)
    schedule.require(loaded)
    _summary(loaded)
    for each in anonymise.weaknesses(tagged, loaded):
        click.echo(f"To weigh: {each}")


@policy.command()
@_DIRECTORY
def verify(directory: Path | None) -> None:
    """Hold the examples in DIRECTORY/tests against the policies in DIRECTORY (else those in force), and say what does not hold.

    An example is a record, a time, and what has to be due then; every rule of retention that has a period needs one.
    """
    loaded = _load(directory)
    found = hold_examples(loaded)
    if found.findings:
        wrong = plural(len(found.findings), "thing does", "things do")
        raise PolicyError(f"{wrong} not hold in {loaded.directory}.", found.findings)
    click.echo(
        f"{plural(found.count, 'example holds', 'examples hold')}, and every rule with a period is shown by one."
    )


@policy.command()
@click.argument("directories", nargs=-1, metavar="[OLD] NEW", type=_SET)
@click.pass_obj
def diff(open_here: Open, directories: tuple[Path, ...]) -> None:
    """Say what changes from the policy set in OLD (else the one in force) to the one in NEW, entry by entry.

    Where there is an installation, also what that means for its data: how much of how many people would go tonight, or stay.
    """
    if len(directories) not in (1, 2):
        raise click.UsageError("Name one policy set, to compare with the one in force, or two.")
    old, new = _load(directories[0] if len(directories) == 2 else None), _load(directories[-1])
    show_changes(old, new)
    show_consequences(open_here, old, new)


def show_changes(old: PolicySet, new: PolicySet) -> None:
    """Prints every difference of two policy sets, one a line."""
    changes = compare(old, new)
    click.echo(f"From {old.directory} ({old.hash[:12]}) to {new.directory} ({new.hash[:12]})")
    for change in changes:
        click.echo(str(change))
    click.echo(f"{plural(len(changes), 'change', 'changes')}." if changes else "Both say the same.")


def show_consequences(open_here: Open, old: PolicySet, new: PolicySet) -> None:
    """Prints what the change means for the data of this installation, one kind of disposal a line; makes no installation."""
    with ExitStack() as opened:
        try:
            opening.database_as_it_is(read(serving=False)).close()
            here = opened.enter_context(open_here())
        except (GptImagesError, StewardError) as error:
            click.echo(f"What that means for data was not counted. {error}")
            return
        with here.reading("law", BY) as session:
            was, will = (replace(here.steward, policies=policies) for policies in (old, new))
            found = consequences(session, was, will, now=here.clock())
    for each in found:
        click.echo(str(each))
    if not found:
        click.echo("Of the data that is there, nothing more and nothing less would go tonight.")


@policy.command("schema")
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="Where to; else schema/ of the set in force."
)
def write_schema(out: Path | None) -> None:
    """Write the JSON Schemas by which an editor helps with the policy files."""
    place, texts = out or _place(None) / "schema", schemas()
    try:
        place.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (place / name).write_text(text, "utf-8")
    except OSError as error:
        raise CommandError(f"Nothing can be written to {place}: name another place with --out.") from error
    click.echo(f"{plural(len(texts), 'schema', 'schemas')} written to {place}.")


@policy.command("list")
@click.pass_obj
def list_versions(open_here: Open) -> None:
    """The published versions with whom they reached, and the texts that wait to be published."""
    with open_here() as here, here.reading("law", BY) as session:
        current = versions.in_force(session, here.clock())
        published = versions.published(session)
        rows = [_row(session, row, current, here.clock()) for row in published]
        known = {row.version for row in published}
        drafts = [text for text in here.policies.texts.values() if text.version not in known]
        rows += [(text.version, "draft", None, None, None, text.title) for text in drafts]
    echo_table(("version", "state", "takes effect", "told", "accepted", "title"), rows)


@policy.command()
@click.argument("version")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def publish(open_here: Open, version: str, yes: bool) -> None:
    """Publish VERSION of policies/privacy; everybody is told before it takes effect."""
    with open_here() as here:
        text = here.policies.texts.get(version)
        if text is None:
            raise NotFound("There is no text of this version in policies/privacy: gptimages policy list names them.")
        if not yes:
            click.echo(f"{text.title}, from {text.effective}: {text.summary}")
            click.confirm(f"Publish it, and tell {plural(_people(here), 'person', 'people')}?", abort=True)
        with here.writing("communicate", BY) as session:
            row = versions.publish(session, here, text, by=BY, now=here.clock())
    click.echo(f"Published; it takes effect on {row.effective_at:%Y-%m-%d}. The running service tells everybody.")


def _row(session: Session, row: PolicyVersion, current: PolicyVersion | None, now: datetime) -> tuple[Cell, ...]:
    state = "in force" if current is row else "coming" if row.effective_at > now else "past"
    return (row.version, state, row.effective_at, *versions.reach(session, row), row.title)


def _people(here: Installation) -> int:
    with here.reading("communicate", BY) as session:
        return session.scalar(select(func.count()).where(Account.state == "active")) or 0


def _load(directory: Path | None) -> PolicySet:
    return opening.policies(_place(directory))


def _place(directory: Path | None) -> Path:
    set_here = os.environ.get(PREFIX + "POLICIES")
    return policy_directory(Settings(policies=directory or (Path(set_here) if set_here else None)))


def _summary(loaded: PolicySet) -> None:
    echo_facts(
        [
            ("Policy set", str(loaded.directory)),
            ("Fingerprint", loaded.hash),
            ("Promises", len(loaded.promises)),
            ("Categories", len(loaded.taxonomy.categories)),
            ("Purposes", len(loaded.purposes)),
            ("Retention rules", len(loaded.retention)),
            ("Recipients", len(loaded.processors)),
            ("Roles", len(loaded.roles)),
            ("Texts", ", ".join(loaded.texts)),
        ]
    )
    click.echo("Everything agrees, with each other and with the tables.")
