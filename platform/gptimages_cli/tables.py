"""Plain tables for the terminal: words on the left, figures on the right, one line a row."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import click

from gptimages.web.templating import figure, utc

Cell = str | int | datetime | None


def echo_table(head: Sequence[str], rows: Sequence[Sequence[Cell]], total: Sequence[Cell] | None = None) -> None:
    """Prints the rows under their heads; a column of numbers is right-aligned, a time is told in UTC."""
    shown = [[_text(cell) for cell in row] for row in (*rows, *([total] if total else []))]
    right = [any(isinstance(row[n], int) for row in rows) for n in range(len(head))]
    widths = [max(len(line[n]) for line in [list(head), *shown]) for n in range(len(head))]
    click.echo(_line(list(head), widths, right))
    rule = "─" * (sum(widths) + 2 * (len(widths) - 1))
    click.echo(rule)
    for number, line in enumerate(shown):
        if total and number == len(rows):
            click.echo(rule)
        click.echo(_line(line, widths, right))


def echo_facts(facts: Sequence[tuple[str, Cell]]) -> None:
    """Prints one fact a line, its name on the left."""
    width = max(len(name) for name, _ in facts)
    for name, cell in facts:
        click.echo(f"{name.ljust(width)}  {_text(cell)}".rstrip())


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    parts = [c.rjust(w) if r else c.ljust(w) for c, w, r in zip(cells, widths, right, strict=True)]
    return "  ".join(parts).rstrip()


def _text(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return utc(cell)
    return figure(cell) if isinstance(cell, int) else cell
