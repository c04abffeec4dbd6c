"""The keys of the studio's objects, made from the ids of their rows, and the place of its sealed words."""

from __future__ import annotations

from datasteward.keys import Context
from gptimages.studio.models import Generation


def picture_key(image_id: str) -> str:
    """The key of the original of a picture."""
    return f"image/{image_id}"


def thumbnail_key(image_id: str) -> str:
    """The key of its smaller copy."""
    return f"thumbnail/{image_id}"


def reference_key(reference_id: str) -> str:
    """The key of a reference picture."""
    return f"reference/{reference_id}"


def prompt_place(account_id: str, generation_id: str) -> Context:
    """What a sealed prompt is bound to."""
    return Context(subject=account_id, table=Generation.__tablename__, column="prompt", row=generation_id)
