"""`gptimages policy`: checking the policy set, and publishing a version of the privacy policy."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import click
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from datasteward.catalog import checks
from datasteward.policy import PolicySet
from gptimages import opening
from gptimages.accounts.models import Account
from gptimages.errors import NotFound
from gptimages.installation import Installation, catalog, policy_directory
from gptimages.publishing import versions
from gptimages.publishing.models import PolicyVersion
from gptimages.settings import PREFIX, Settings
from gptimages.web.templating import plural
from gptimages_cli.here import BY, Open
from gptimages_cli.tables import Cell, echo_facts, echo_table


@click.group()
def policy() -> None:
    """Check the policy set, and publish versions of the privacy policy."""


@policy.command()
@click.argument("directory", required=False, type=click.Path(path_type=Path, file_okay=False))
def check(directory: Path | None) -> None:
    """Check the policy set in DIRECTORY (else GPTIMAGES_POLICIES, else the one that is shipped), and say every mistake."""
    named = directory or (Path(os.environ[PREFIX + "POLICIES"]) if os.environ.get(PREFIX + "POLICIES") else None)
    place = policy_directory(Settings(policies=named))
    loaded = opening.policies(place)
    checks.require(catalog(), loaded)
    _summary(place, loaded)


@policy.command("list")
@click.pass_obj
def list_versions(open_here: Open) -> None:
    """The published versions with whom they reached, and the texts that wait to be published."""
    with open_here() as here, here.db.read() as session:
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
        with here.db.write() as session:
            row = versions.publish(session, here, text, by=BY, now=here.clock())
    click.echo(f"Published; it takes effect on {row.effective_at:%Y-%m-%d}. The running service tells everybody.")


def _row(session: Session, row: PolicyVersion, current: PolicyVersion | None, now: datetime) -> tuple[Cell, ...]:
    state = "in force" if current is row else "coming" if row.effective_at > now else "past"
    return (row.version, state, row.effective_at, *versions.reach(session, row), row.title)


def _people(here: Installation) -> int:
    with here.db.read() as session:
        return session.scalar(select(func.count()).where(Account.state == "active")) or 0


def _summary(place: Path, loaded: PolicySet) -> None:
    echo_facts(
        [
            ("Policy set", str(place)),
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
