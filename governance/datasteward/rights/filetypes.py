"""Which file it is, by its first bytes: what is handed over carries the right ending, whatever was once claimed of it."""

from __future__ import annotations

PICTURES = ((b"\x89PNG\r\n\x1a\n", ".png"), (b"\xff\xd8\xff", ".jpg"), (b"GIF8", ".gif"))
OTHERS = ((b"PK\x03\x04", ".zip"), (b"%PDF-", ".pdf"))


def ending(start: bytes) -> str:
    """The file name ending for contents that begin with `start`; `.bin` for what is not known here."""
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return ".webp"
    if start[4:12] in (b"ftypavif", b"ftypavis"):
        return ".avif"
    return next((name for magic, name in PICTURES + OTHERS if start.startswith(magic)), ".bin")


def is_picture(start: bytes) -> bool:
    """Whether contents that begin with `start` are a picture that a browser shows."""
    return ending(start) in {".webp", ".avif", *(name for _, name in PICTURES)}
