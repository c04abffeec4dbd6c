"""The command `gptimages`: what newcomers, operators, compliance, legal and people's programs type."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from datasteward.errors import StewardError
from gptimages import logs
from gptimages.errors import GptImagesError
from gptimages.installation import Installation, open_installation
from gptimages.settings import read
from gptimages_cli import serving


class Group(click.Group):
    """A group of commands whose known errors are told as their sentence, without a traceback, with exit code 1."""

    def invoke(self, ctx: click.Context) -> object:
        """Runs the command that was asked for."""
        try:
            return super().invoke(ctx)
        except (GptImagesError, StewardError) as error:
            click.echo(str(error), err=True)
            sys.exit(1)


@contextmanager
def open_here() -> Iterator[Installation]:
    """The installation that the settings describe, closed at the end of the block."""
    settings = read()
    logs.configure(settings.log_level)
    here = open_installation(settings)
    try:
        yield here
    finally:
        here.close()


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "obj": open_here})
@click.version_option(package_name="gptimages")
def main() -> None:
    """GPT Images: images from words, and proof of what becomes of both."""


COMMANDS: tuple[click.Command, ...] = (serving.run, serving.serve)

for command in COMMANDS:
    main.add_command(command)
