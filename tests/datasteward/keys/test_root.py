"""The root key file: made whole or not at all, and refused in a clear sentence when it is not as it should be."""

from __future__ import annotations

import os
import stat
import string
from pathlib import Path

import pytest
import tink
from support.owners import give_away
from tink import aead, secret_key_access

from datasteward.crypto import Key, Keyset, KeysetKind
from datasteward.errors import DecryptionFailed, RootKeyError
from datasteward.keys import FileRootKey, open_root

aead.register()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a root key file was just made."""
    FileRootKey.create(tmp_path / "root.key")
    return tmp_path / "root.key"


def test_a_new_key_is_for_its_owner_alone_and_is_read_again(tmp_path: Path) -> None:
    """The file has mode 0600 whatever the umask, stands alone in its directory, and gives the same key."""
    before = os.umask(0)
    try:
        made = FileRootKey.create(tmp_path / "root.key")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "root.key").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["root.key"]
    loaded = FileRootKey.load(tmp_path / "root.key")
    assert loaded.id == made.id
    assert loaded.unwrap(made.wrap(b"a keyset", b"ada"), b"ada") == b"a keyset"


def test_a_key_that_is_there_is_never_replaced(path: Path) -> None:
    """Creating twice is refused, and the first key stays."""
    before = path.read_bytes()
    with pytest.raises(RootKeyError, match="already"):
        FileRootKey.create(path)
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == ["root.key"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o610, 0o601, 0o644])
def test_a_key_that_others_can_use_is_refused(path: Path, mode: int) -> None:
    """Any right of group or others is refused, with the mode to set."""
    path.chmod(mode)
    with pytest.raises(RootKeyError, match="0600"):
        FileRootKey.load(path)


def test_a_key_of_another_user_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever owns the file can read and change it, whatever its mode; root can anyway."""
    give_away(path, monkeypatch)
    with pytest.raises(RootKeyError, match="root key file belongs to another user: make the service's user its owner"):
        FileRootKey.load(path)


@pytest.mark.parametrize("told", ["", ",", "root.key,", ".", "/"])
def test_a_setting_that_names_no_file_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch, told: str) -> None:
    """With what it may name."""
    monkeypatch.chdir(path.parent)
    with pytest.raises(RootKeyError, match="parted by commas"):
        open_root(told)


def test_a_missing_key_is_said(tmp_path: Path) -> None:
    """Without a file the sentence says so, and nothing is made."""
    with pytest.raises(RootKeyError, match="no root key file"):
        FileRootKey.load(tmp_path / "root.key")
    assert not list(tmp_path.iterdir())


def test_a_truncated_key_is_refused(path: Path) -> None:
    """Cut short anywhere but at its last newline, the file is refused."""
    whole = path.read_bytes()
    for end in range(len(whole) - 1):
        path.write_bytes(whole[:end])
        with pytest.raises(RootKeyError, match="cut short or damaged"):
            FileRootKey.load(path)


def test_a_changed_key_is_refused(path: Path) -> None:
    """One other character anywhere is noticed, even where it is good base64, and is not taken for another key."""
    whole = path.read_bytes()
    for at in range(len(whole) - 1):
        changed = b"A" if whole[at : at + 1] != b"A" else b"B"
        path.write_bytes(whole[:at] + changed + whole[at + 1 :])
        with pytest.raises(RootKeyError, match="cut short or damaged"):
            FileRootKey.load(path)


def test_the_unused_bits_of_the_base64_count_too(path: Path) -> None:
    """A last character that decodes to the same bytes is noticed as well: one key has one file."""
    FileRootKey.load(path)
    head, encoded = path.read_text().splitlines()
    alphabet = string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/"
    other = alphabet[alphabet.index(encoded[-2]) ^ 1]
    path.write_text(f"{head}\n{encoded[:-2]}{other}=\n")
    with pytest.raises(RootKeyError, match="cut short or damaged"):
        FileRootKey.load(path)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"datasteward root key 1\n", b"\0" * 5000])
def test_what_is_no_key_is_refused(path: Path, content: bytes) -> None:
    """Another file in its place is refused with the same sentence."""
    path.write_bytes(content)
    with pytest.raises(RootKeyError, match="cut short or damaged"):
        FileRootKey.load(path)


def test_a_directory_that_is_not_there_is_said(tmp_path: Path) -> None:
    """A key cannot be made where there is no directory; the sentence says what to check."""
    with pytest.raises(RootKeyError, match="check its directory"):
        FileRootKey.create(tmp_path / "absent" / "root.key")


def test_a_directory_in_its_place_is_said(tmp_path: Path) -> None:
    """A directory where the file should be is an error of the root key, not a stray OSError."""
    with pytest.raises(RootKeyError, match="cannot be read"):
        FileRootKey.load(tmp_path)


def test_the_error_shows_no_secret(path: Path) -> None:
    """A damaged file's content does not stand in the message."""
    secret = path.read_text().splitlines()[1]
    path.write_text(f"some other header\n{secret}\n")
    with pytest.raises(RootKeyError) as raised:
        FileRootKey.load(path)
    assert secret not in str(raised.value) + repr(raised.value.__context__)


def test_e2_what_is_wrapped_is_bound_to_its_context(root_key: FileRootKey) -> None:
    """Another context, and another root key, are refused."""
    wrapped = root_key.wrap(b"a keyset", b"ada")
    with pytest.raises(DecryptionFailed):
        root_key.unwrap(wrapped, b"ben")
    with pytest.raises(DecryptionFailed):
        FileRootKey(os.urandom(32)).unwrap(wrapped, b"ada")


def test_tink_unwraps_with_the_bytes_of_the_file(root_key: FileRootKey) -> None:
    """What the root key wraps has Tink's format, its id being the key id: no format of ours has to be trusted."""
    root = FileRootKey(bytes(range(32)))
    keyset = Keyset(KeysetKind.FIELDS, int(root.id, 16), (Key(int(root.id, 16), bytes(range(32))),))
    handle = tink.proto_keyset_format.parse(keyset.to_bytes(), secret_key_access.TOKEN)
    assert handle.primitive(aead.Aead).decrypt(root.wrap(b"a keyset", b"ada"), b"ada") == b"a keyset"


def test_a_key_of_another_length_is_refused() -> None:
    """Only 32 bytes are a root key."""
    with pytest.raises(RootKeyError, match="32 bytes"):
        FileRootKey(b"short")
