"""How `gptimages run` fills in what the environment does not say."""

from __future__ import annotations

import pytest

from gptimages_cli import serving


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """An environment of the test's own."""
    made: dict[str, str] = {}
    monkeypatch.setattr(serving.os, "environ", made)
    return made


def test_the_demo_stands_where_it_is_served(environment: dict[str, str]) -> None:
    """The address follows the port, unless the environment names an address; one without our prefix is not ours."""
    environment |= {"GPTIMAGES_PORT": "8123", "PUBLIC_URL": "https://somebody.example"}
    assert serving.demo_settings().public_url == "http://127.0.0.1:8123"
    environment["GPTIMAGES_PUBLIC_URL"] = "http://localhost:8123"
    assert serving.demo_settings().public_url == "http://localhost:8123"
