"""The settings: each wrong one is one sentence that names the setting and says what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from gptimages.errors import SettingsError
from gptimages.settings import Settings, read

RIGHT = {"GPTIMAGES_OIDC_CLIENT_ID": "id", "GPTIMAGES_OIDC_CLIENT_SECRET": "secret"}


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"PORT": "eighty"}, "GPTIMAGES_PORT"),
        ({"PORT": "0"}, "GPTIMAGES_PORT"),
        ({"PORT": "65536"}, "GPTIMAGES_PORT"),
        ({"PORT": "-1"}, "GPTIMAGES_PORT"),
        ({"DEMO_PORT": "70000"}, "GPTIMAGES_DEMO_PORT"),
        ({"WORKERS": "two"}, "GPTIMAGES_WORKERS"),
        ({"ENGINE": "dalle"}, "GPTIMAGES_ENGINE"),
        ({"ENGINE": "openai"}, "GPTIMAGES_ENGINE_KEY"),
        ({"ENGINE_TIMEOUT": "long"}, "GPTIMAGES_ENGINE_TIMEOUT"),
        ({"MAIL": "pigeon"}, "GPTIMAGES_MAIL"),
        ({"MAIL": "smtp"}, "GPTIMAGES_SMTP_HOST"),
        ({"LOG_LEVEL": "loud"}, "GPTIMAGES_LOG_LEVEL"),
        ({"DEMO": "perhaps"}, "GPTIMAGES_DEMO"),
        ({"DEMO": "true", "HOST": "0.0.0.0"}, "GPTIMAGES_DEMO"),
        ({"DEMO": "true", "PUBLIC_URL": "https://images.example"}, "GPTIMAGES_DEMO"),
        ({"PUBLIC_URL": "images.example"}, "GPTIMAGES_PUBLIC_URL"),
        ({"PUBLIC_URL": "ftp://images.example"}, "GPTIMAGES_PUBLIC_URL"),
        ({"PUBLIC_URL": "http://images.example"}, "https"),
        ({"PUBLIC_URL": "https://images.example/app"}, "without a path"),
        ({"PUBLIC_URL": "https://"}, "GPTIMAGES_PUBLIC_URL"),
        ({"PROXIES": "10.0.0.1, the balancer"}, "GPTIMAGES_PROXIES"),
        ({"PROXIES": "10.0.0.1/8"}, "GPTIMAGES_PROXIES"),
        ({"COLOUR": "green"}, "GPTIMAGES_COLOUR"),
        ({"SETTINGS": "/no/such/file.toml"}, "/no/such/file.toml"),
        ({"DATABASE": "postgresql://x/y", "KEY_STORE": "postgresql://x/y"}, "GPTIMAGES_KEY_STORE"),
        ({"OIDC_CLIENT_ID": ""}, "GPTIMAGES_OIDC_CLIENT_ID"),
        ({"OIDC_CLIENT_SECRET": ""}, "GPTIMAGES_OIDC_CLIENT_SECRET"),
    ],
)
def test_a_wrong_setting_is_one_sentence(wrong: dict[str, str], named: str) -> None:
    """It names the setting, ends as a sentence does, and fits on one line."""
    with pytest.raises(SettingsError) as caught:
        read({**RIGHT, **{f"GPTIMAGES_{name}": value for name, value in wrong.items()}})
    said = str(caught.value)
    assert named in said
    assert said.endswith(".")
    assert "\n" not in said
    assert said[0].isupper()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("PORT = ", "not TOML"),
        ("PORT = 'x'", "GPTIMAGES_PORT"),
        ("NOTHING = 1", "GPTIMAGES_NOTHING"),
        ("[PORT]\na = 1", "GPTIMAGES_PORT"),
    ],
)
def test_a_wrong_file_is_one_sentence(tmp_path: Path, text: str, named: str) -> None:
    """What stands in the file is checked like the environment."""
    file = tmp_path / "settings.toml"
    file.write_text(text)
    with pytest.raises(SettingsError, match=named):
        read({**RIGHT, "GPTIMAGES_SETTINGS": str(file)})


def test_a_secret_is_in_no_sentence() -> None:
    """A wrong setting beside a secret does not bring the secret onto the screen."""
    secret = "sk-very-secret-0815"
    env = {**RIGHT, "GPTIMAGES_ENGINE_KEY": secret, "GPTIMAGES_SMTP_PASSWORD": secret, "GPTIMAGES_PORT": "0"}
    with pytest.raises(SettingsError) as caught:
        read(env)
    assert secret not in str(caught.value)


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    """The file gives what the environment does not; both in the names of the settings, whatever their case."""
    file = tmp_path / "settings.toml"
    file.write_text('PORT = 9000\nhost = "127.0.0.2"\nDATA = "here"\nSCHEDULER = false\n')
    found = read({**RIGHT, "GPTIMAGES_SETTINGS": str(file), "GPTIMAGES_PORT": "9001"})
    assert (found.port, found.host, found.data, found.scheduler) == (9001, "127.0.0.2", Path("here"), False)


def test_values_are_read_as_their_kind() -> None:
    """Numbers, truth values and paths come as text from the environment; an empty value counts as none."""
    env = {**RIGHT, "GPTIMAGES_WORKERS": "4", "GPTIMAGES_ENGINE_TIMEOUT": "12.5", "GPTIMAGES_DATABASE": ""}
    found = read(env)
    assert (found.workers, found.engine_timeout, found.database) == (4, 12.5, None)
    assert read({"GPTIMAGES_DEMO": "true"}).demo is True


def test_what_the_command_line_reads_is_none_of_ours() -> None:
    """The client's address and token live in the same family of names and are left alone."""
    read({**RIGHT, "GPTIMAGES_TOKEN": "gi_x", "GPTIMAGES_URL": "http://127.0.0.1:8000"})


def test_each_setting_says_what_it_means() -> None:
    """No setting without its meaning: each field of Settings is followed by a sentence."""
    lines = Path(__file__).parents[2].joinpath("platform/gptimages/settings.py").read_text().splitlines()
    for name in Settings.__struct_fields__:
        at = next(number for number, line in enumerate(lines) if line.startswith(f"    {name}:"))
        assert lines[at + 1].strip().startswith('"""'), name
        assert lines[at + 1].strip().endswith('."""'), name
