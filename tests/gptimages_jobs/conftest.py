"""Fixtures of the jobs' tests. The Images API of the tests stands in engines/images_api.py."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

_SOURCE = Path(__file__).parent / "engines" / "images_api.py"


@pytest.fixture(scope="session")
def images_api_module() -> ModuleType:
    """The module images_api: the server and the behaviours it can be told to show."""
    if "images_api" not in sys.modules:
        spec = importlib.util.spec_from_file_location("images_api", _SOURCE)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules["images_api"] = module  # data classes look their module up by name
        spec.loader.exec_module(module)
    return sys.modules["images_api"]


@pytest.fixture
def images_api(images_api_module: ModuleType) -> Iterator[Any]:
    """A running server that speaks the Images API."""
    with images_api_module.ImagesApi() as api:
        yield api
