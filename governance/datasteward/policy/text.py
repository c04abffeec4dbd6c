"""The privacy text: Markdown with front matter, one sentence a line, each bound to a promise by `{promise.id}`.

Figures are not written in it but taken from the policies: `{{ limits.erasure-wait.words }}`. So the text cannot promise
what the policies do not say. Reads text, knows no template engine; publishing a version is the service's part.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

import msgspec

from datasteward.policy.findings import Findings
from datasteward.policy.period import Period
from datasteward.policy.policyset import PolicySet
from datasteward.policy.reading import read_yaml
from datasteward.policy.wording import PolicyText, Section, Sentence

__all__ = ["PolicyText", "Section", "Sentence", "parse"]

SECTIONS = 12
_HEADING = re.compile(r"##\s+(\d+)\s+(.+)")
_SENTENCE = re.compile(r"(?:-\s+)?(?P<text>\S.*?)\s*\{(?P<promise>[a-z][a-z.\-]*)\}")
_PLACEHOLDER = re.compile(r"\{\{\s*([\w.\-]+)\s*\}\}")
_DIGITS = re.compile(r"\d+")


class FrontMatter(msgspec.Struct, frozen=True):
    """What stands between the two `---` lines. `material`: it changes something that matters to people."""

    effective: date
    title: str
    summary: str
    material: bool


def parse(source: str, *, version: str, policies: PolicySet, findings: Findings) -> PolicyText | None:
    """The privacy text of that version with its figures filled in, or None after noting what is wrong."""
    name = f"privacy/{version}.md"
    head, body, first = _split(source)
    if head is None:
        findings.add(
            name, 1, "the front matter is missing", "begin with '---', effective, title, material, summary, '---'"
        )
        return None
    matter = read_yaml(head, FrontMatter, name, findings, first_line=2)
    sections = _Body(name, policies, findings).sections(body, first)
    if matter is None:
        return None
    if version != matter.effective.isoformat():
        findings.at(
            name,
            ("effective",),
            f"the file is called {version}.md, but takes effect on {matter.effective}",
            "make them agree",
        )
    return PolicyText(version, matter.effective, matter.title, matter.summary, matter.material, sections)


def _split(source: str) -> tuple[str | None, list[str], int]:
    lines = source.splitlines()
    if not lines or lines[0].strip() != "---" or "---" not in lines[1:]:
        return None, [], 0
    end = lines.index("---", 1)
    return "\n".join(lines[1:end]), lines[end + 1 :], end + 2


class _Body:
    """Reads the lines below the front matter of one text."""

    def __init__(self, name: str, policies: PolicySet, findings: Findings) -> None:
        self.name = name
        self.policies = policies
        self.findings = findings

    def sections(self, lines: list[str], first_line: int) -> tuple[Section, ...]:
        found: list[tuple[int, str, list[Sentence]]] = []
        for number, line in enumerate((line.strip() for line in lines), first_line):
            if heading := _HEADING.fullmatch(line):
                found.append((self.next_number(heading[1], len(found) + 1, number), heading[2], []))
            elif line and not found:
                self.bad(number, "this line stands before the first section", "begin a section: '## 1 Title'")
            elif line and (sentence := self.sentence(line, number)):
                found[-1][2].append(sentence)
        if len(found) != SECTIONS:
            last = first_line + len(lines) - 1
            self.bad(last, f"there are {len(found)} sections", f"write {SECTIONS}, numbered '## 1 Title' and on")
        return tuple(Section(number, title, tuple(sentences)) for number, title, sentences in found)

    def next_number(self, written: str, expected: int, line: int) -> int:
        if int(written) != expected:
            self.bad(line, f"section {written} follows section {expected - 1}", f"number it {expected}")
        return expected

    def sentence(self, line: str, number: int) -> Sentence | None:
        found = _SENTENCE.fullmatch(line)
        if found is None:
            self.bad(
                number,
                "this sentence is bound to no promise",
                "end it with the promise's id in braces: {rights.access}",
            )
            return None
        if found["promise"] not in self.policies.promises:
            self.bad(number, f"unknown promise '{found['promise']}'", "use an id of promises.yaml")
        bare = _PLACEHOLDER.sub("", found["text"])
        if figure := _DIGITS.search(bare):
            self.bad(
                number,
                f"the figure {figure[0]} is written into the text",
                "take it from the policies: {{ limits.….words }}",
            )
        if "{" in bare or "}" in bare:
            self.bad(
                number,
                "a brace is left over",
                "write {{ file.entry.field }} for a figure, {promise.id} once at the end",
            )
        return Sentence(_PLACEHOLDER.sub(lambda match: self.figure(match[1], number), found["text"]), found["promise"])

    def figure(self, path: str, number: int) -> str:
        value = self.look_up(path)
        if value is None:
            self.bad(
                number,
                f"'{path}' leads to nothing in the policies",
                "name file, entry and field: limits.erasure-wait.words",
            )
            return "…"
        return value

    def look_up(self, path: str) -> str | None:
        at: Any = self.policies
        for step in path.split("."):
            at = _step(at, step)
        if isinstance(at, Period):
            return at.words
        is_figure = isinstance(at, (str, int)) and not isinstance(at, bool)
        return str(at) if is_figure else None

    def bad(self, line: int, what: str, remedy: str) -> None:
        self.findings.add(self.name, line, what, remedy)


def _step(at: Any, step: str) -> Any:
    if isinstance(at, Mapping):
        return at.get(step)
    if isinstance(at, tuple):
        return next((item for item in at if getattr(item, "id", None) == step), None)
    return None if step.startswith("_") else getattr(at, step.replace("-", "_"), None)
