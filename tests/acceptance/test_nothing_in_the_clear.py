"""What lies on the disk after a picture was made: words, mail address and picture are nowhere in the clear (E1, L1)."""

from __future__ import annotations

import base64
import io
import time
from pathlib import Path

import pytest
from PIL import Image
from support.api import call, wait_until_done
from support.service import running

CANARY = "a heron nobody else would think of, kvitlyng"
MAIL = b"ines.halvorsen@example.org"
PICTURES = (b"\x89PNG\r\n", b"WEBPVP8", b"JFIF", b"IHDR")


def picture() -> str:
    """A small PNG, base64."""
    out = io.BytesIO()
    Image.effect_noise((64, 64), 90).convert("RGB").save(out, "PNG")
    return base64.b64encode(out.getvalue()).decode()


def everything_under(directory: Path) -> dict[str, bytes]:
    """Each file with its bytes: database, WAL, key store, objects, log."""
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


@pytest.fixture
def after_a_picture(tmp_path: Path) -> dict[str, bytes]:
    """All bytes on the disk while the service runs, after a picture with a reference was made and mail was written."""
    with running(tmp_path) as service:
        token = service.command("demo", "token", "ines").stdout.split()[-1]
        asked = {"prompt": CANARY, "quality": "draft", "count": 1, "references": [picture()]}
        run = call(service, token, "POST", "/api/v1/images", asked)["run"]
        assert wait_until_done(service, token, run["id"])["state"] == "done"
        published = service.command("policy", "publish", "2027-01-05", "--yes")
        assert published.returncode == 0, published.stderr
        time.sleep(3)
        return everything_under(tmp_path)


def test_nothing_in_the_clear(after_a_picture: dict[str, bytes]) -> None:
    """No file of the installation holds the words, the mail address or the header of a picture."""
    wanted = [CANARY.encode(), CANARY.encode("utf-16-le"), base64.b64encode(CANARY.encode())[:40], MAIL, *PICTURES]
    found = [(name, needle) for name, data in after_a_picture.items() for needle in wanted if needle in data]
    names = after_a_picture.keys()
    assert any(name.endswith("gptimages.db") for name in names)
    assert any("keys" in name for name in names)
    assert sum("objects/" in name for name in names) >= 3
    assert found == []
