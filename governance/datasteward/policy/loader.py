"""Loads policies/: reads every file, compares them with each other, and says all mistakes at once.

    policies = load(Path("policies"))

Touches the directory alone. What a file may say stands in `model`, what must agree in `checks`.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from datasteward.policy.checks import check
from datasteward.policy.findings import Findings, suggestion
from datasteward.policy.law import Jurisdictions, Minors
from datasteward.policy.limits import Limits
from datasteward.policy.lookalikes import Lookalikes
from datasteward.policy.model import (
    Anonymisation,
    Controller,
    Cookie,
    Encryption,
    Processor,
    Promise,
    Purpose,
    RetentionRule,
    ScheduledJob,
    Taxonomy,
)
from datasteward.policy.policyset import PolicySet
from datasteward.policy.reading import read_text, read_yaml
from datasteward.policy.roles import RolesFile
from datasteward.policy.text import parse
from datasteward.policy.vocabulary import Vocabulary
from datasteward.policy.wording import PolicyText

T = TypeVar("T", bound=msgspec.Struct)


class _Promises(msgspec.Struct):
    promises: dict[str, Promise]


class _Purposes(msgspec.Struct):
    purposes: dict[str, Purpose]


class _Retention(msgspec.Struct):
    rules: dict[str, RetentionRule]


class _Processors(msgspec.Struct):
    processors: dict[str, Processor]


class _Schedule(msgspec.Struct):
    jobs: dict[str, ScheduledJob]


class _Cookies(msgspec.Struct):
    cookies: dict[str, Cookie]


FILES: dict[str, type[msgspec.Struct]] = {
    "promises.yaml": _Promises,
    "taxonomy.yaml": Taxonomy,
    "encryption.yaml": Encryption,
    "purposes.yaml": _Purposes,
    "retention.yaml": _Retention,
    "anonymisation.yaml": Anonymisation,
    "roles.yaml": RolesFile,
    "processors.yaml": _Processors,
    "jurisdictions.yaml": Jurisdictions,
    "minors.yaml": Minors,
    "schedule.yaml": _Schedule,
    "limits.yaml": Limits,
    "cookies.yaml": _Cookies,
    "controller.yaml": Controller,
    "lookalikes.yaml": Lookalikes,
    "vocabulary.yaml": Vocabulary,
}
"""Every file of a policy set, and what it is read into; the privacy texts in privacy/ come on top."""


def load(directory: Path) -> PolicySet:
    """The policy set in `directory`. Raises PolicyError with every mistake found, each with file, line and remedy.

    The same bytes in the same place are read once in a process.
    """
    try:
        return _loaded(directory, digest(directory))
    except OSError:  # a file that cannot be read is one of the findings
        return _read(directory)


@lru_cache(maxsize=4)
def _loaded(directory: Path, _digest: str) -> PolicySet:
    return _read(directory)


def _read(directory: Path) -> PolicySet:
    findings = Findings()
    sources = {name: read_text(directory / name, name, findings) for name in FILES}
    read = {
        name: read_yaml(source, FILES[name], name, findings) for name, source in sources.items() if source is not None
    }
    _strangers(directory, findings)
    findings.stop_if_any(directory)
    policies = _assembled(directory, read)
    check(policies, findings)
    texts = _texts(directory, policies, findings)
    findings.stop_if_any(directory)
    return msgspec.structs.replace(policies, texts=texts, lines=findings.lines)


def _strangers(directory: Path, findings: Findings) -> None:
    for path in sorted({*directory.glob("*.yaml"), *directory.glob("*.yml")}):
        if path.name not in FILES:
            findings.opened(path.name, path)
            findings.add(
                path.name, 1, "no policy file has this name", f"{suggestion(path.name, FILES)}, or move it away"
            )


def digest(directory: Path) -> str:
    """SHA-256 (hex) over the relative names and the bytes of the files that decide, in the order of their names."""
    whole = sha256()
    present = [directory / name for name in FILES if (directory / name).exists()]
    for path in sorted([*present, *directory.glob("privacy/*.md")]):
        content = path.read_bytes()
        whole.update(f"{path.relative_to(directory).as_posix()}\0{len(content)}\0".encode())
        whole.update(content)
    return whole.hexdigest()


def _assembled(directory: Path, read: dict[str, Any]) -> PolicySet:
    jurisdictions: Jurisdictions = read["jurisdictions.yaml"]
    return PolicySet(
        directory=directory,
        hash=digest(directory),
        promises=read["promises.yaml"].promises,
        taxonomy=read["taxonomy.yaml"],
        encryption=read["encryption.yaml"],
        purposes=read["purposes.yaml"].purposes,
        retention={name: _by_law(rule, jurisdictions) for name, rule in read["retention.yaml"].rules.items()},
        anonymisation=read["anonymisation.yaml"],
        role_file=read["roles.yaml"],
        processors=read["processors.yaml"].processors,
        jurisdictions=jurisdictions,
        minors=read["minors.yaml"],
        schedule=tuple(read["schedule.yaml"].jobs.values()),
        limits=read["limits.yaml"],
        cookies=tuple(read["cookies.yaml"].cookies.values()),
        controller=read["controller.yaml"],
        lookalikes=read["lookalikes.yaml"],
        vocabulary=read["vocabulary.yaml"],
    )


def _by_law(rule: RetentionRule, jurisdictions: Jurisdictions) -> RetentionRule:
    if rule.by_country_law is None:
        return rule
    law = {country: entry.invoices for country, entry in jurisdictions.tax_records.items()}
    return msgspec.structs.replace(rule, by_country={**law, **rule.by_country})


def _texts(directory: Path, policies: PolicySet, findings: Findings) -> dict[str, PolicyText]:
    paths = sorted((directory / "privacy").glob("*.md"))
    if not paths:
        findings.opened("privacy/", directory / "privacy")
        findings.add("privacy/", 1, "there is no privacy text", "add one, named by its day of effect: 2026-09-01.md")
    texts = {}
    for path in paths:
        source = read_text(path, f"privacy/{path.name}", findings)
        text = parse(source, version=path.stem, policies=policies, findings=findings) if source is not None else None
        if text is not None:
            texts[text.version] = text
    return texts
