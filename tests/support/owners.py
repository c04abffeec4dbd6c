"""Files that belong to somebody else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

SOMEBODY = 54321


def give_away(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the file another user's; who may not do that becomes another user than the file's instead."""
    if os.geteuid() == 0:
        os.chown(path, SOMEBODY, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: SOMEBODY)
