"""The archive's index.html: everything in it as one page that opens from a folder, without network or script.

Pictures stand beside the words that belong to them; a long table shows its beginning and names the file with the rest.
The page comes in pieces, so that its size costs no memory. What stands in it is the caller's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from html import escape
from importlib import resources
from typing import Any

import msgspec

SHOWN_ROWS = 200
CELL = 600
LONG = 32


class Picture(msgspec.Struct, frozen=True):
    """One row that has files: their paths in the archive, the words that belong to it, and its other values by name.

    `size` is width and height in pixels where the row knows them, so that the page keeps the place free.
    """

    paths: Sequence[str]
    words: Sequence[str]
    facts: Sequence[tuple[str, Any]]
    size: tuple[int, int] | None = None


class Part(msgspec.Struct, frozen=True):
    """One table: its name for people, the file with all of it, how many rows, and its rows, told one way or the other.

    `pictures` for a table with files; else `rows`, each with a value for every name of `columns`.
    """

    title: str
    file: str
    number: int
    columns: Sequence[str] = ()
    rows: Iterable[Sequence[Any]] = ()
    pictures: Iterable[Picture] | None = None


class Section(msgspec.Struct, frozen=True):
    """One group of data, with what is known about all of it (`facts`: what for, until when, received by)."""

    title: str
    anchor: str
    facts: Sequence[tuple[str, str]]
    parts: Sequence[Part]


class Cover(msgspec.Struct, frozen=True):
    """The words at the top and the bottom of the page: paragraphs, each plain text."""

    title: str
    lede: str
    notes: Sequence[str]
    left_out: Sequence[tuple[str, str]]


def page(cover: Cover, sections: Sequence[Section]) -> Iterator[bytes]:
    """The page as UTF-8, piece by piece."""
    for piece in _pieces(cover, sections):
        yield piece.encode()


def _pieces(cover: Cover, sections: Sequence[Section]) -> Iterator[str]:
    style = (resources.files("datasteward.rights") / "index.css").read_text()
    yield (
        '<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(cover.title)}</title>\n<style>\n{style}</style></head>\n<body>\n<main>\n"
        f'<h1>{escape(cover.title)}</h1>\n<p class="lede">{escape(cover.lede)}</p>\n'
    )
    yield from (f'<p class="small">{escape(note)}</p>\n' for note in cover.notes)
    links = "".join(f'<li><a href="#{s.anchor}">{escape(s.title)}</a></li>' for s in sections)
    yield f'<nav aria-label="Contents"><ul>{links}</ul></nav>\n'
    for section in sections:
        yield from _section(section)
    yield from _left_out(cover.left_out)
    yield '</main>\n<footer class="small">The files and their checksums: <a href="manifest.json">manifest.json</a></footer>'
    yield "\n</body>\n</html>\n"


def _section(section: Section) -> Iterator[str]:
    yield f'<section>\n<h2 id="{section.anchor}">{escape(section.title)}</h2>\n{_facts(section.facts)}'
    for part in section.parts:
        if part.number == 0:
            continue
        link = f'<a href="{escape(part.file)}">{escape(part.file)}</a>'
        yield f"<h3>{escape(part.title)} <small>{part.number:,}, {link}</small></h3>\n"
        if part.pictures is not None:
            yield from _pictures(part.pictures)
        elif part.number == 1:
            yield from (_facts(list(zip(part.columns, row, strict=True))) for row in part.rows)
        else:
            yield from _table(part)
    yield "</section>\n"


def _pictures(pictures: Iterable[Picture]) -> Iterator[str]:
    yield '<ul class="prints">\n'
    for picture in pictures:
        words = "".join(f"<q>{escape(text)}</q>" for text in picture.words)
        alt = escape(picture.words[0][:200] if picture.words else "picture", quote=True)
        place = ' width="{}" height="{}"'.format(*picture.size) if picture.size else ""
        links = "".join(
            f'<a href="{escape(path)}"><img src="{escape(path)}"{place} alt="{alt}" loading="lazy"></a>'
            for path in picture.paths
        )
        yield f"<li><figure>{links}<figcaption>{words}{_facts(picture.facts)}</figcaption></figure></li>\n"
    yield "</ul>\n"


def _table(part: Part) -> Iterator[str]:
    heads = "".join(f'<th scope="col">{escape(name)}</th>' for name in part.columns)
    yield f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(part.title, quote=True)}">'
    yield f"<table><thead><tr>{heads}</tr></thead><tbody>\n"
    for number, row in enumerate(part.rows):
        if number == SHOWN_ROWS:
            break
        cells = "".join(_cell(value) for value in row)
        yield f"<tr>{cells}</tr>\n"
    yield "</tbody></table></div>\n"
    if part.number > SHOWN_ROWS:
        rest = part.number - SHOWN_ROWS
        yield f'<p class="small">And {rest:,} more in <a href="{escape(part.file)}">{escape(part.file)}</a>.</p>\n'


def _left_out(left_out: Sequence[tuple[str, str]]) -> Iterator[str]:
    if not left_out:
        return
    yield '<section>\n<h2 id="left-out">What is not in here, and why</h2>\n'
    yield _facts(left_out) + "</section>\n"


def _facts(facts: Sequence[tuple[str, Any]]) -> str:
    told = "".join(f"<dt>{escape(name)}</dt><dd>{_value(value)}</dd>" for name, value in facts if value is not None)
    return f"<dl>{told}</dl>\n" if told else ""


def _cell(value: Any) -> str:
    shown = _value(value)
    return f'<td class="long">{shown}</td>' if len(shown) > LONG else f"<td>{shown}</td>"


def _value(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, bytes):
        return "bytes; see the file"
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return escape(text if len(text) <= CELL else text[:CELL] + "…")
