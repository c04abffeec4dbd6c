"""The shipped policies, and copies of them that a test may spoil."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from datasteward.policy import PolicyError, PolicySet, load

SHIPPED = Path(__file__).parents[3] / "policies"

Spoil = Callable[[str, str, str], None]


@pytest.fixture(scope="session")
def shipped_policies() -> PolicySet:
    """The policy set of this repository."""
    return load(SHIPPED)


@pytest.fixture
def policy_copy(tmp_path: Path) -> Path:
    """A copy of the shipped policies."""
    return Path(shutil.copytree(SHIPPED, tmp_path / "policies"))


@pytest.fixture
def spoil(policy_copy: Path) -> Spoil:
    """Replaces the first match of a pattern in one file of the copy; `^` and `$` match at each line."""

    def replace(name: str, pattern: str, new: str) -> None:
        path = policy_copy / name
        text, count = re.subn(pattern, new, path.read_text("utf-8"), count=1, flags=re.MULTILINE)
        assert count == 1, f"{name} does not hold {pattern!r}"
        path.write_text(text, "utf-8")

    return replace


@pytest.fixture
def complaint(policy_copy: Path) -> Callable[[], str]:
    """What loading the copy complains of, one finding a line."""

    def load_copy() -> str:
        with pytest.raises(PolicyError) as caught:
            load(policy_copy)
        return str(caught.value)

    return load_copy
