"""Objects in a local directory: atomic, durable, and clear about what is wrong."""

from __future__ import annotations

import gc
import os
import resource
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datasteward.errors import ObjectMissing, ObjectStoreError
from datasteward.objects import LocalDirectory, check_key, local

KEYS = st.from_regex(r"[a-z0-9_-][a-z0-9._-]{0,8}(/[a-z0-9_-][a-z0-9._-]{0,8}){0,3}", fullmatch=True)


NOW = datetime(2026, 11, 23, tzinfo=UTC)


def keys(directory: LocalDirectory, prefix: str = "") -> Iterator[str]:
    """The keys that are listed."""
    return (each.key for each in directory.list(prefix))


def files(root: Path) -> list[str]:
    """The names of all files below a directory."""
    return sorted(path.name for path in root.rglob("*") if path.is_file())


@given(key=KEYS, chunks=st.lists(st.binary(max_size=200), max_size=5))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_put_is_got(directory: LocalDirectory, key: str, chunks: list[bytes]) -> None:
    """Any chunks under any valid key come back; size, listing and deletion agree."""
    whole = b"".join(chunks)
    assert directory.put(key, chunks) == len(whole) == directory.stat(key).size
    assert b"".join(directory.get(key)) == whole
    assert list(keys(directory)) == list(keys(directory, key)) == [key]
    assert directory.delete(key)
    assert not directory.delete(key)
    assert list(keys(directory)) == []


def test_names_that_lie_within_one_another_do_not_meet(tmp_path: Path, directory: LocalDirectory) -> None:
    """A key that is the beginning of another is an object of its own; listing goes by prefix; files fan out."""
    names = {"a", "a/b", "a/b/c", "a-b", "a.b", *(f"images/{number}" for number in range(60))}
    for name in names:
        directory.put(name, [name.encode()])
    assert set(keys(directory)) == names
    assert set(keys(directory, "a/b")) == {"a/b", "a/b/c"}
    assert all(b"".join(directory.get(name)) == name.encode() for name in names)
    used = {path.parent for path in (tmp_path / "objects").rglob("*") if path.is_file()}
    assert len(used) > 20


BAD_KEYS = (
    *("", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", ".a", "a/.b"),
    *("A", "é", "a b", "a~b", "a+part", "a\n", "a\0b", "a\\b", "a" * 201),
)


@pytest.mark.parametrize("key", BAD_KEYS)
def test_a_bad_key_is_refused_everywhere(directory: LocalDirectory, key: str) -> None:
    """No key leads out of the directory, to a hidden file or to an unfinished one, whichever way it comes in."""
    for use in (check_key, directory.get, directory.delete, directory.stat, lambda key: directory.put(key, [b""])):
        with pytest.raises(ObjectStoreError, match="An object key has"):
            use(key)


def test_a_missing_object_is_said_at_the_call(directory: LocalDirectory) -> None:
    """Not at the first chunk, when a response may have begun."""
    for use in (directory.get, directory.stat):
        with pytest.raises(ObjectMissing, match="deleted or never stored"):
            use("absent")


def test_what_a_writer_sees_fail_changes_nothing(tmp_path: Path, directory: LocalDirectory) -> None:
    """When the chunks raise, the error goes through as it is, the object before stays, and no leftover remains."""
    directory.put("a", [b"before"])

    def failing() -> Iterator[bytes]:
        yield b"half"
        raise OSError(5, "the upload broke off")

    with pytest.raises(OSError, match="the upload broke off"):
        directory.put("a", failing())
    with pytest.raises(OSError, match="the upload broke off"):
        directory.put("b", failing())
    assert b"".join(directory.get("a")) == b"before"
    assert files(tmp_path / "objects") == ["a"]


def test_nothing_is_reachable_before_the_last_chunk(directory: LocalDirectory) -> None:
    """While a write goes on, the key is absent from reading, size and listing."""

    def chunks() -> Iterator[bytes]:
        yield b"first"
        assert list(keys(directory)) == []
        with pytest.raises(ObjectMissing):
            directory.get("a")
        yield b"last"

    assert directory.put("a", chunks()) == 9


def test_an_open_object_is_read_to_its_end(directory: LocalDirectory) -> None:
    """Replaced or deleted meanwhile, what is being read stays what it was."""
    old = os.urandom(200_000)
    directory.put("a", [old])
    reading = directory.get("a")
    first = next(reading)
    directory.put("a", [b"new"])
    directory.delete("a")
    assert first + b"".join(reading) == old


def test_files_are_for_their_owner_alone(tmp_path: Path, directory: LocalDirectory) -> None:
    """Neither directories nor files can be used by others, whatever the umask."""
    before = os.umask(0)
    try:
        LocalDirectory(tmp_path / "fresh").put("a", [b"x"])
    finally:
        os.umask(before)
    for path in [tmp_path / "fresh", *(tmp_path / "fresh").rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0


def test_an_object_nobody_reads_is_closed(directory: LocalDirectory) -> None:
    """Reading that is given up leaves no open file and no warning."""
    directory.put("a", [bytes(200_000)])
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    for _ in range(5):
        next(directory.get("a"))
        directory.get("a")
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_an_object_whose_range_cannot_be_read_is_closed(
    directory: LocalDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that fails at its first bytes is told, and leaves no file open for as long as the error is looked at."""
    directory.put("a", [b"x"])
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208

    def fails(*_: object) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "pread", fails)
    with pytest.raises(ObjectStoreError, match="check its disk") as raised:
        directory.get_range("a", 0, 1)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
    assert raised.value.__cause__ is not None


def test_a_full_disk_is_said_and_nothing_is_half_written(tmp_path: Path, directory: LocalDirectory) -> None:
    """When the file cannot grow any more, the object before stays and no leftover remains."""
    directory.put("a", [b"before"])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(ObjectStoreError, match="full: make room"):
            directory.put("a", [bytes(60_000)] * 10)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert b"".join(directory.get("a")) == b"before"
    assert files(tmp_path / "objects") == ["a"]


def test_a_read_only_directory_is_said(tmp_path: Path, directory: LocalDirectory) -> None:
    """Without the right to write, the sentence says what to check, and what is there can still be read."""
    directory.put("a", [b"before"])
    fan = next(path.parent for path in (tmp_path / "objects").rglob("a") if path.is_file())
    fan.chmod(0o500)
    with unprivileged(tmp_path), pytest.raises(ObjectStoreError, match="check the rights"):
        directory.put("a", [b"after"])
    fan.chmod(0o700)
    assert b"".join(directory.get("a")) == b"before"
    assert files(tmp_path / "objects") == ["a"]


class unprivileged:  # noqa: N801 - reads as a phrase
    """Acts as a user for whom rights count: root is refused nothing. The directory is given to that user."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def __enter__(self) -> None:
        if os.geteuid() == 0:
            for path in [self._directory, *self._directory.rglob("*")]:
                os.chown(path, 65534, 65534)
            self._parents = [path for path in self._directory.parents if not path.stat().st_mode & 0o001]
            for path in self._parents:
                path.chmod(path.stat().st_mode | 0o001)
            os.seteuid(65534)

    def __exit__(self, *_: object) -> None:
        if os.getuid() == 0:
            os.seteuid(0)
            for path in self._parents:
                path.chmod(path.stat().st_mode & ~0o001)


def test_a_directory_that_has_gone_is_no_missing_object(tmp_path: Path, directory: LocalDirectory) -> None:
    """A write into a store that was removed says that the store fails."""
    shutil.rmtree(tmp_path / "objects")
    with pytest.raises(ObjectStoreError, match="check its disk") as raised:
        directory.put("a", [b""])
    assert not isinstance(raised.value, ObjectMissing)


def test_a_file_in_the_place_of_the_directory_is_said(tmp_path: Path) -> None:
    """A store cannot be opened where there is a file."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ObjectStoreError, match="check its disk"):
        LocalDirectory(tmp_path / "file")


KILLED = """
import os, signal, sys
from pathlib import Path
from datasteward.objects import LocalDirectory

def chunks():
    yield b"half of it"
    os.kill(os.getpid(), signal.SIGKILL)

LocalDirectory(Path(sys.argv[1])).put("a", chunks())
"""


def test_sweep_removes_what_a_killed_process_left(tmp_path: Path, directory: LocalDirectory) -> None:
    """M2: a writer killed in the middle leaves one unfinished file, no object; the sweep takes it away."""
    directory.put("kept", [b"x"])
    died = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "objects")], check=False)
    assert died.returncode == -signal.SIGKILL
    assert len(files(tmp_path / "objects")) == 2
    assert list(keys(directory)) == ["kept"]
    assert directory.sweep(NOW) == 1
    assert directory.sweep(NOW) == 0
    assert files(tmp_path / "objects") == ["kept"]


def test_sweep_leaves_a_write_that_goes_on(directory: LocalDirectory) -> None:
    """A sweep in the middle of a write, from another store on the same directory too, does not touch it."""

    def chunks() -> Iterator[bytes]:
        yield b"first"
        assert directory.sweep(NOW) == 0
        assert LocalDirectory(directory._root).sweep(NOW) == 0
        yield b"last"

    directory.put("a", chunks())
    assert b"".join(directory.get("a")) == b"firstlast"


def test_file_and_directory_are_on_disk_before_it_returns(
    directory: LocalDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Order matters: the file is flushed, then renamed, then its directory is flushed; a deletion is flushed too."""
    seen: list[str] = []
    fsync, rename = os.fsync, Path.rename

    def watch_fsync(descriptor: int) -> None:
        seen.append("directory" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        fsync(descriptor)

    def watch_rename(path: Path, target: Path) -> Path:
        seen.append("rename")
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", watch_fsync)
    monkeypatch.setattr(Path, "rename", watch_rename)
    directory.put("a", [b"x"])
    directory.delete("a")
    assert seen == ["file", "rename", "directory", "directory"]


def test_a_deletion_that_did_not_reach_the_disk_is_done_again(
    directory: LocalDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until its directory is flushed it is refused, however often, though the file is gone; a loss of power would bring
    the object back."""
    directory.put("a", [b"x"])
    failing = [OSError(5, "Input/output error")] * 2
    flushed: list[Path] = []

    def flush(path: Path) -> None:
        if failing:
            raise failing.pop()
        flushed.append(path)

    monkeypatch.setattr(local, "sync_directory", flush)
    for _ in range(2):
        with pytest.raises(ObjectStoreError, match="check its disk"):
            directory.delete("a")
    assert not directory.delete("a")
    assert len(flushed) == 1


def test_a_write_under_way_outlives_a_deletion(directory: LocalDirectory) -> None:
    """Deleting takes what is there: who writes looks afterwards whether somebody has deleted meanwhile."""

    def chunks() -> Iterator[bytes]:
        yield b"first"
        assert not directory.delete("a")
        yield b"last"

    directory.put("a", chunks())
    assert list(keys(directory)) == ["a"]


def test_many_threads_put_and_read_one_key(directory: LocalDirectory) -> None:
    """Whatever a reader gets is one writer's object, whole."""

    def write_and_read(number: int) -> bool:
        directory.put("a", [bytes([number])] * 1000)
        got = b"".join(directory.get("a"))
        return len(got) == 1000 and len(set(got)) == 1

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(write_and_read, range(64)))
    assert directory.sweep(NOW) == 0


def test_an_unfinished_name_is_no_key() -> None:
    """The mark of unfinished files has a character that no key may have."""
    with pytest.raises(ObjectStoreError):
        check_key("0123" + local.UNFINISHED)
