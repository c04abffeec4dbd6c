"""The layout of the repository: names that would hide others are not there."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_the_folder_platform_hides_no_module() -> None:
    """`import platform` is the standard library's: the folder of that name is no package."""
    assert not (ROOT / "platform" / "__init__.py").exists()


def test_tests_are_no_packages() -> None:
    """No folder of tests is a package or is called `platform`, so that none is imported in the place of what it tests."""
    assert not (ROOT / "tests" / "platform").exists()
    assert list((ROOT / "tests").rglob("__init__.py")) == []


@pytest.mark.parametrize("root", ["platform", "governance", "jobs", "reports"])
def test_a_source_root_is_no_package(root: str) -> None:
    """A source root holds packages and is none itself."""
    assert not (ROOT / root / "__init__.py").exists()
    assert list((ROOT / root).glob("*/__init__.py"))
