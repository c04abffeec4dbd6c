"""The ownership graph as a picture: an SVG that stands alone, in light and dark, without a script, in one column per step.

The data subject stands at the left; what belongs to it one step to the right, beside it what hangs on that. Dashed lines
and boxes are people who appear in a row that is not theirs. Below stand the tables that are nobody's, each with its reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from datasteward.catalog import graph
from datasteward.catalog.catalog import Catalog
from datasteward.catalog.graph import Node

WIDE, HIGH, ACROSS, DOWN, MARGIN, HEAD = 272, 76, 56, 12, 24, 100
"""Pixels: a box, the space between two in a row and in a column, the margin, and where the first row begins."""

STYLE = """
  svg { --wall: #f4f5f3; --sheet: #fff; --ink: #161a18; --ink-2: #474e4a; --edge: #7c837f; --accent: #0a6550; --wash: #dfeee8 }
  @media (prefers-color-scheme: dark) {
    svg { --wall: #121413; --sheet: #1a1d1b; --ink: #eceeec; --ink-2: #b4bab6; --edge: #747b77;
          --accent: #72d3b5; --wash: #15302a }
  }
  .wall { fill: var(--wall) }
  .box { fill: var(--sheet); stroke: var(--edge) }
  .subject .box { fill: var(--wash); stroke: var(--accent); stroke-width: 2 }
  .seen .box, .seen .way { stroke-dasharray: 5 4 }
  .way { fill: none; stroke: var(--edge); stroke-width: 1.5 }
  text { font: 13px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; fill: var(--ink-2) }
  .name { font: 600 14px ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: var(--ink) }
  .how { fill: var(--accent) }
  .title { font: 26px "Iowan Old Style", Charter, "Noto Serif", Cambria, Georgia, serif; fill: var(--ink) }
  .head { font-size: 17px; fill: var(--ink) }
"""


def svg(catalog: Catalog) -> str:
    """The picture as a document; wide enough for its steps, as high as its rows."""
    drawn: list[str] = []
    row, steps = 0, 1
    for root in graph.trees(catalog):
        lines, row, depth = _tree(root, 0, row)
        drawn, steps = [*drawn, *lines], max(steps, depth)
    nobody, bottom = _nobodys(catalog, _y(row) + MARGIN)
    width, height = max(MARGIN * 2 + steps * WIDE + (steps - 1) * ACROSS, 600), bottom + MARGIN
    return "\n".join([*_opening(width, height), *drawn, *nobody, "</svg>\n"])


def _opening(width: int, height: int) -> Iterator[str]:
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    yield f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="group" aria-labelledby="title" lang="en">'
    yield '<title id="title">Whose each row is</title>'
    yield f"<style>{STYLE}</style>"
    yield f'<rect class="wall" width="{width}" height="{height}"/>'
    yield _text(MARGIN, 52, "Whose each row is", "title")
    yield _text(MARGIN, 78, "From the data subject to what is theirs. Dashed: seen, not owned.")


def _tree(node: Node, step: int, row: int) -> tuple[list[str], int, int]:
    """The boxes and lines of a node and all under it, the row after them, and how many steps they take."""
    lines = [_box(node, step, row)]
    below, deepest = row, step + 1
    for child in node.under:
        inner, after, depth = _tree(child, step + 1, below)
        lines += [_way(child, step, row, below), *inner]
        below, deepest = after, max(deepest, depth)
    return lines, max(below, row + 1), deepest


def _box(node: Node, step: int, row: int) -> str:
    x, y = _x(step), _y(row)
    kind = "subject" if node.road is None else "owned" if node.road.owns else "seen"
    said = node.words or "the data subject"
    return (
        f'<g class="{kind}" role="img"><title>{_line(f"{node.name}: {said}; {node.category}")}</title>'
        f'<rect class="box" x="{x}" y="{y}" width="{WIDE}" height="{HIGH}" rx="6"/>'
        f"{_text(x + 14, y + 24, _short(node.name, 30), 'name')}"
        f"{_text(x + 14, y + 43, _short(node.category))}{_text(x + 14, y + 62, _short(said), 'how')}</g>"
    )


def _way(child: Node, step: int, row: int, below: int) -> str:
    """From the right edge of the upper box along a trunk to the left edge of the lower one."""
    start, end = _x(step) + WIDE, _x(step + 1)
    trunk, top, foot = start + ACROSS // 2, _y(row) + HIGH // 2, _y(below) + HIGH // 2
    seen = child.road is not None and not child.road.owns
    path = f"M{start} {top}H{trunk}V{foot}H{end}"
    return f'<g class="{"seen" if seen else "owned"}"><path class="way" d="{path}"/></g>'


def _nobodys(catalog: Catalog, top: int) -> tuple[list[str], int]:
    told = graph.nobodys(catalog)
    lines = [_text(MARGIN, top + 8, "Nobody's", "head")] if told else []
    for i, (name, reason) in enumerate(told):
        y = top + 40 + i * 44
        lines += [_text(MARGIN, y, name, "name"), _text(MARGIN, y + 18, reason)]
    return lines, top + 24 + len(told) * 44


def _text(x: int, y: int, words: str, kind: str = "") -> str:
    return f'<text class="{kind or "plain"}" x="{x}" y="{y}">{escape(words)}</text>'


def _short(words: str, longest: int = 34) -> str:
    return words if len(words) <= longest else f"{words[: longest - 1].rstrip()}…"


def _line(words: str) -> str:
    return escape(" ".join(words.split()))


def _x(step: int) -> int:
    return MARGIN + step * (WIDE + ACROSS)


def _y(row: int) -> int:
    return HEAD + row * (HIGH + DOWN)
