"""The command `gptimages`: what newcomers, operators, compliance, legal and people's programs type.

Each command is imported when it is asked for, so that a short one starts quickly and a production service never loads the
demo.
"""

from __future__ import annotations

import sys
from importlib import import_module

import click

from datasteward.errors import StewardError
from gptimages.errors import GptImagesError
from gptimages_cli.here import open_here
from gptimages_jobs.errors import JobError

COMMANDS = {
    "run": "serving:run",
    "serve": "serving:serve",
    "images": "images:images",
    "privacy": "privacy:privacy",
    "account": "account:account",
    "retention": "retention:retention",
    "hold": "governance:hold",
    "audit": "governance:audit",
    "report": "reporting:report",
    "policy": "policy:policy",
    "catalog": "catalog:catalog",
    "roles": "roles:roles",
    "keys": "keys:keys",
    "objects": "objects:objects",
    "backup": "backups:backup",
    "restore": "backups:restore",
    "demo": "demo:demo",
}
"""Where each command stands in this package, in the order of the help."""


class Group(click.Group):
    """A group of commands whose known errors are told as their sentence, without a traceback, with exit code 1."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's own signature
        """The names, in the order of COMMANDS."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command, imported now; None when there is none of this name."""
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name].split(":")
        found: click.Command = getattr(import_module(f"gptimages_cli.{module}"), name)
        return found

    def invoke(self, ctx: click.Context) -> object:
        """Runs the command that was asked for."""
        try:
            return super().invoke(ctx)
        except (GptImagesError, JobError, StewardError) as error:
            click.echo(str(error), err=True)
            sys.exit(1)


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "obj": open_here})
@click.version_option(package_name="gptimages")
def main() -> None:
    """GPT Images: images from words, and proof of what becomes of both.

    images, privacy and account speak to a running service: GPTIMAGES_URL says where it is (else
    http://127.0.0.1:8000), GPTIMAGES_TOKEN who you are. The others work on this machine's own installation, as
    its settings (GPTIMAGES_...) describe it.
    """


if __name__ == "__main__":
    main()
