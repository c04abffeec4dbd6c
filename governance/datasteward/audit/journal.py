"""A journal for those who read too often to wait for the log: each entry is in a file at once, and in the log soon after.

journal = Journal(directory, policies.hash)
journal.note("record.read", people, actor="job:thumbnails", now=now)  # survives the death of the process
carry(session, directory)  # from time to time: everything that was noted, in the caller's transaction, exactly once

The process that notes has a file of its own and holds a lock on it. How far a file was carried stands in the log itself,
in an entry of the act `audit.carried` whose actor is the file. A file whose process has ended goes when all of it is there.
What has to be in the log before it is seen, such as what members of staff look at, is not for a journal: see log.append.
"""

from __future__ import annotations

import errno
import fcntl
import os
import threading
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from datasteward.audit import chaining, log
from datasteward.audit.chaining import Unnumbered
from datasteward.audit.log import Fact
from datasteward.audit.models import AuditEntry
from datasteward.base import new_id

CARRIED = "audit.carried"
MOST = 1_000_000
"""How many bytes of a file are carried in one go."""

_to_json, _from_json = msgspec.json.encode, msgspec.json.Decoder(Unnumbered).decode


class Journal:
    """A file of this process in `directory`, which is on a disk of its own machine (see flock(2)). Threads may share it.

    Its entries name `policy`, the hash of the policy set under which data is read.
    """

    def __init__(self, directory: Path, policy: str) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = directory / f"{new_id()}.jsonl"
        self._file = os.open(path.with_suffix(".new"), os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_WRONLY, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        path.with_suffix(".new").rename(path)  # nobody finds it before it is locked
        self._lock, self._size, self._under = threading.Lock(), 0, {log.POLICY: policy}

    def note(self, act: str, subjects: Iterable[str | None], *, actor: str, now: datetime, **facts: Fact) -> None:
        """Notes the same entry for each of the data subjects.

        Raises AuditError as `log.append` does, and OSError when the disk is full: then nothing of it is noted.
        """
        entries = log.unnumbered(act, subjects, actor=actor, now=now, facts={**self._under, **facts})
        lines = b"".join(_to_json(entry) + b"\n" for entry in entries)
        with self._lock:
            written = 0
            try:
                written = os.write(self._file, lines)
            finally:
                if written != len(lines):
                    os.ftruncate(self._file, self._size)
            if written != len(lines):
                raise OSError(errno.ENOSPC, "The disk of the audit journal is full: make room, then try again.")
            self._size += written

    def close(self) -> None:
        """Lets go of the file; what is in it is carried and then the file goes."""
        os.close(self._file)


def carry(session: Session, directory: Path, *, now: datetime) -> int:
    """Puts what the journals hold into the log, in the caller's transaction; returns how many entries.

    Two at once do no harm: the second waits until the first has committed.
    """
    chaining.lock(session.connection())
    return sum(_carry(session, path, now) for path in sorted(directory.glob("*.jsonl")))


def _carry(session: Session, path: Path, now: datetime) -> int:
    actor, number = f"journal:{path.stem}", 0
    place = _carried(session, actor)
    with path.open("rb") as file:
        over = _let_go(file)
        file.seek(place)
        while lines := _whole(file.read(MOST)):
            entries = [_from_json(line) for line in lines.splitlines()]
            chaining.add(session.connection(), entries)
            place, number = place + len(lines), number + len(entries)
            file.seek(place)
    if number:
        log.append(session, CARRIED, actor=actor, now=now, bytes=place, entries=number)
    elif over:  # what was carried before is committed
        path.unlink()
    return number


def _carried(session: Session, actor: str) -> int:
    """How many bytes of the file are in the log."""
    query = select(AuditEntry).where(AuditEntry.act == CARRIED, AuditEntry.actor == actor)
    last = session.scalars(query.order_by(AuditEntry.number.desc()).limit(1)).one_or_none()
    return int(log.facts(last)["bytes"] or 0) if last else 0


def _let_go(file: BinaryIO) -> bool:
    """Whether the process that noted in the file has ended or closed it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _whole(text: bytes) -> bytes:
    """The lines that are whole: of a machine that broke down, the last may not be."""
    return text[: text.rfind(b"\n") + 1]
