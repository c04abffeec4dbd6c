"""Making a person's archive against zipping the same files with the standard library."""

from __future__ import annotations

import io
import os
import tempfile
import time
import zipfile
from datetime import UTC, datetime
from pathlib import Path

from datasteward.rights.export import Export
from gptimages.accounts import people
from gptimages.installation import Installation, open_installation
from gptimages.models import new_id
from gptimages.settings import Settings
from gptimages.studio.keys import prompt_place
from gptimages.studio.models import Generation, Image

from .measuring import Row, compared, timed

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
PICTURES, BYTES = 200, 400_000


def export_zip(full: bool) -> Row:
    """The archive of somebody with 200 pictures, decrypted and hashed, against zipfile over the same plaintext: seconds."""
    with tempfile.TemporaryDirectory() as name:
        settings = Settings(data=Path(name) / "data", policies=ROOT / "policies", demo=True)
        here = open_installation(settings, lambda: NOW)
        account_id = _fill(here, PICTURES * (5 if full else 1))
        files = _files(_archive(here, account_id))
        target = Path(name) / "out.zip"
        mine, its = timed(lambda: _ours(here, account_id, target), lambda: _other(files, target), rounds=5)
        here.close()
    return compared("export-zip", mine, its, "s", ("<=", 1.5))


def _fill(here: Installation, pictures: int) -> str:
    with here.db.write() as session:
        account = people.create(
            session, here, name="Ines", email="ines@people.example", country="NO", minimum_age=13, now=NOW
        )
        for _ in range(pictures // 4):
            run = _run(here, account.id)
            session.add(run)
            session.flush()
            for position in range(4):
                session.add(_picture(here, account.id, run.id, position))
    return account.id


def _run(here: Installation, account_id: str) -> Generation:
    run_id = new_id()
    words = "The marsh at first frost, one heron in the shallows, seen from the dyke in the morning light"
    return Generation(
        id=run_id, account_id=account_id, prompt=here.vault.seal(prompt_place(account_id, run_id), words),
        keep_prompt=True, style="none", width=1536, height=1024, count=4, quality="high", background="opaque",
        format="webp", moderation="auto", seed=7, state="done", created_at=NOW, finished_at=NOW,
    )  # fmt: skip


def _picture(here: Installation, account_id: str, run_id: str, position: int) -> Image:
    image_id = new_id()
    key, small = f"images/{image_id}", f"images/{image_id}-thumbnail"
    head = b"\x89PNG\r\n\x1a\n"  # the rest is noise, as little to be packed as a picture is
    here.objects.put(account_id, key, [head + os.urandom(BYTES)])
    here.objects.put(account_id, small, [head + os.urandom(BYTES // 20)])
    return Image(
        id=image_id, account_id=account_id, generation_id=run_id, position=position, object=key, thumbnail=small,
        media_type="image/webp", width=1536, height=1024, bytes=BYTES, created_at=NOW,
    )  # fmt: skip


def _archive(here: Installation, account_id: str) -> bytes:
    out = io.BytesIO()
    with here.db.read() as session:
        for chunk in _export(here, session, account_id).chunks():
            out.write(chunk)
    return out.getvalue()


def _export(here: Installation, session: object, account_id: str) -> Export:
    return Export(
        session,  # type: ignore[arg-type]
        here.steward,
        account_id,
        service="GPT Images",
        request="none",
        asked_at=NOW,
    )


def _files(archive: bytes) -> list[tuple[str, bytes, int]]:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return [(info.filename, opened.read(info), info.compress_type) for info in opened.infolist()]


def _ours(here: Installation, account_id: str, target: Path) -> float:
    target.unlink(missing_ok=True)
    begun = time.perf_counter()
    with target.open("wb") as out, here.db.read() as session:
        for chunk in _export(here, session, account_id).chunks():
            out.write(chunk)
    return time.perf_counter() - begun


def _other(files: list[tuple[str, bytes, int]], target: Path) -> float:
    target.unlink(missing_ok=True)
    begun = time.perf_counter()
    with zipfile.ZipFile(target, "w") as out:
        for name, data, packing in files:
            out.writestr(name, data, packing)
    return time.perf_counter() - begun
