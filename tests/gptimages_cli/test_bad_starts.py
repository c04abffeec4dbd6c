"""A service that cannot start as it is: exit code 1, one sentence on standard error, and nothing of the data touched."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.serving import free_port

from datasteward.keys import FileRootKey
from gptimages.installation import open_installation
from gptimages.settings import Settings
from gptimages_cli.locking import DirectoryLock
from gptimages_cli.main import main

ROOT = Path(__file__).parents[2]
PRODUCTION = {"GPTIMAGES_OIDC_CLIENT_ID": "tests", "GPTIMAGES_OIDC_CLIENT_SECRET": "a secret of the tests"}


class Place:
    """A data directory and a policy set that a test may spoil."""

    def __init__(self, directory: Path) -> None:
        self.data = directory / "data"
        self.policies = directory / "policies"
        self.port = free_port()

    def start(self, *words: str, prefix: tuple[str, ...] = (), **more: str) -> subprocess.CompletedProcess[str]:
        """Starts `gptimages WORDS` (serve, unless told) as a production service on this place."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("GPTIMAGES_")}
        given = {
            "GPTIMAGES_DATA": str(self.data),
            "GPTIMAGES_POLICIES": str(self.policies),
            "GPTIMAGES_PORT": str(self.port),
            **PRODUCTION,
            **{f"GPTIMAGES_{name}": value for name, value in more.items()},
        }
        command = [*prefix, sys.executable, "-m", "gptimages_cli", *(words or ("serve",))]
        return subprocess.run(
            command, env=clean | given, capture_output=True, text=True, timeout=60, check=False, cwd=self.data.parent
        )

    def contents(self) -> dict[str, str]:
        """Every file of the data directory with the hash of its bytes."""
        return {
            str(path.relative_to(self.data)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(self.data.rglob("*"))
            if path.is_file()
        }


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A data directory of a production service and one of a demo, made once."""
    places = {}
    for kind, demo in (("service", False), ("demo", True)):
        data = tmp_path_factory.mktemp("made") / kind
        issuer = {"oidc_issuer": "http://127.0.0.1:8001"} if demo else {}
        settings = Settings(
            data=data, policies=ROOT / "policies", demo=demo, oidc_client_id="tests", oidc_client_secret="x", **issuer
        )
        open_installation(settings).close()
        places[kind] = data
    return places


@pytest.fixture
def place(made: dict[str, Path], tmp_path: Path) -> Place:
    """A place with a whole production installation."""
    shutil.copytree(made["service"], tmp_path / "data")
    shutil.copytree(made["service"].with_name("service-ledger"), tmp_path / "data-ledger")
    shutil.copytree(ROOT / "policies", tmp_path / "policies")
    return Place(tmp_path)


def refused(place: Place, said: str, *words: str, prefix: tuple[str, ...] = (), lines: int = 1, **more: str) -> None:
    """Asserts that the start is refused with one sentence that says `said`, and that no file was touched.

    Mistakes in policies have a line each below the sentence that counts them.
    """
    before = place.contents()
    done = place.start(*words, prefix=prefix, **more)
    assert done.returncode == 1, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == lines, done.stderr
    assert done.stderr.splitlines()[0].endswith(".")
    assert place.contents() == before


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"PROT": "8000"}, "There is no setting GPTIMAGES_PROT"),
        ({"DEMO": "true", "HOST": "0.0.0.0"}, "for loopback alone"),
        ({"OIDC_CLIENT_ID": ""}, "Nobody could sign in"),
        ({"HOST": "256.1.1.1"}, "no address 256.1.1.1"),
        ({"POLICIES": "nowhere"}, "There is no policy set"),
    ],
)
def test_server_with_wrong_settings(place: Place, more: dict[str, str], said: str) -> None:
    """A wrong setting stops the server's start."""
    refused(place, said, **more)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"PORT": "eighty"}, "GPTIMAGES_PORT cannot be used"),
        ({"PORT": "70000"}, "between 1 and 65535"),
        ({"DEMO_PORT": "0"}, "between 1 and 65535"),
        ({"PUBLIC_URL": "http://images.example"}, "has to begin with https"),
        ({"PUBLIC_URL": "images"}, "has to be an address"),
        ({"DEMO": "true", "PUBLIC_URL": "https://images.example"}, "for loopback alone"),
        ({"DEMO": "perhaps"}, "GPTIMAGES_DEMO cannot be used"),
        ({"ENGINE": "openai"}, "needs its key"),
        ({"ENGINE": "crayon"}, "GPTIMAGES_ENGINE cannot be used"),
        ({"MAIL": "smtp"}, "needs a server"),
        ({"SETTINGS": "nowhere.toml"}, "cannot be read"),
        ({"DATABASE": "sqlite://", "KEY_STORE": "sqlite://"}, "has to be apart"),
        ({"DATABASE": "nonsense"}, "GPTIMAGES_DATABASE is no database's address"),
        ({"DATABASE": "mysql://here/images"}, "GPTIMAGES_DATABASE is no database's address"),
        ({"KEY_STORE": "postgresql+psycopg://web@host:port/keys"}, "GPTIMAGES_KEY_STORE is no database's address"),
    ],
)
def test_wrong_settings(tmp_path: Path, more: dict[str, str], said: str) -> None:
    """Every command tells a wrong setting by its name, before it makes anything."""
    settings = {"GPTIMAGES_DATA": str(tmp_path / "data"), **PRODUCTION}
    settings |= {f"GPTIMAGES_{name}": value for name, value in more.items()}
    done = CliRunner().invoke(main, ["keys", "status"], env=settings)
    assert (done.exit_code, done.stdout) == (1, "")
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "data").exists()


def test_settings_file_that_is_not_toml(place: Place) -> None:
    """A settings file that cannot be understood is told."""
    file = place.data.parent / "settings.toml"
    file.write_text("PORT : 8000")
    refused(place, "is not TOML", SETTINGS=str(file))


def test_missing_policy_file(place: Place) -> None:
    """Without one of its files there is no policy set."""
    (place.policies / "retention.yaml").unlink()
    refused(place, "retention.yaml:", lines=2)


def test_corrupt_policy_file(place: Place) -> None:
    """A policy file that is no YAML is told with its place."""
    with (place.policies / "retention.yaml").open("a") as file:
        file.write("\n  : [ not yaml\n")
    refused(place, "retention.yaml:", lines=2)


def test_policy_file_of_random_bytes(place: Place) -> None:
    """A policy file that is no text is told too."""
    (place.policies / "roles.yaml").write_bytes(bytes(range(128, 256)))
    refused(place, "roles.yaml:1: this file is not text", lines=2)


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def test_occupied_port(place: Place, taken: int) -> None:
    """A taken port is told before anything is opened."""
    refused(place, f"The port {taken} of 127.0.0.1 is taken", PORT=str(taken))


def test_data_directory_in_use(place: Place) -> None:
    """A second server on the same data directory is refused."""
    held = DirectoryLock(place.data)
    held.take()
    try:
        refused(place, "Another server works on this data directory")
    finally:
        held.release()


def test_read_only_data_directory(place: Place) -> None:
    """A data directory that cannot be written is told; root is held to the rights of files for it."""
    caps = "-dac_override,-dac_read_search"
    prefix = ("setpriv", f"--bounding-set={caps}", f"--inh-caps={caps}") if os.geteuid() == 0 else ()
    place.data.chmod(0o500)
    try:
        refused(place, "cannot be written", prefix=prefix)
    finally:
        place.data.chmod(0o700)


def test_data_directory_that_is_a_file(place: Place) -> None:
    """A file where the data directory should be is told."""
    other = place.data.parent / "file"
    other.write_text("")
    refused(place, "cannot be made", DATA=str(other))


def test_newer_database(place: Place) -> None:
    """A database of a newer version is left alone."""
    with sqlite3.connect(place.data / "gptimages.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    refused(place, "newer version")


def _no_database(data: Path) -> None:
    (data / "gptimages.db").write_bytes(b"This is not a database. " * 400)


def _torn_database(data: Path) -> None:
    with (data / "gptimages.db").open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(4096)
        file.write(os.urandom(size - 4096))


def _no_key_store(data: Path) -> None:
    (data / "keys" / "keys.db").write_bytes(b"This is not a database. " * 400)


def _other_root_key(data: Path) -> None:
    (data / "keys" / "root.key").unlink()
    FileRootKey.create(data / "keys" / "root.key")


def _open_root_key(data: Path) -> None:
    (data / "keys" / "root.key").chmod(0o644)


def _no_root_key(data: Path) -> None:
    (data / "keys" / "root.key").unlink()


def _damaged_root_key(data: Path) -> None:
    text = (data / "keys" / "root.key").read_text()
    (data / "keys" / "root.key").write_text(text[:-8])


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_no_database, "damaged or is not a database"),
        (_torn_database, "damaged or is not a database"),
        (_no_key_store, "key store cannot be used"),
        (_other_root_key, "not the one that this key store was made with"),
        (_open_root_key, "set its mode to 0600"),
        (_no_root_key, "There is no root key file"),
        (_damaged_root_key, "cut short or damaged"),
    ],
)
def test_spoilt_files(place: Place, spoil: Callable[[Path], None], said: str) -> None:
    """A damaged or wrong file is told and left as it is, to be looked at."""
    spoil(place.data)
    refused(place, said)


@pytest.mark.parametrize("words", ["serve", "keys status", "backup copy", "backup --keys copy", "objects audit"])
def test_lost_key_store(place: Place, words: str) -> None:
    """Every command tells it, and none makes or backs up another one."""
    (place.data / "keys" / "keys.db").unlink()
    refused(place, "The key store is not where it was", *words.split())
    assert not (place.data.parent / "copy").exists()


def test_demo_database_as_production(place: Place, made: dict[str, Path]) -> None:
    """A demo's database is never opened by a production service."""
    for kind in ("", "-ledger"):
        shutil.rmtree(place.data.with_name(f"data{kind}"))
        shutil.copytree(made["demo"].with_name(f"demo{kind}"), place.data.with_name(f"data{kind}"))
    refused(place, "belongs to a demo")


@pytest.mark.parametrize("words", [("run",), ("serve",), ("demo", "--people", "3"), ("demo", "token", "ines")])
def test_production_database_as_demo(place: Place, words: tuple[str, ...]) -> None:
    """A production database is never opened by a demo, whatever the command."""
    refused(place, "belongs to a service with real people", *words, DEMO="true", DEMO_PORT=str(free_port()))
