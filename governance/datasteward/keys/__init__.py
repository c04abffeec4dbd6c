"""Root keys, the key store apart from the data, each person's keys, and sealing with them.

    root = FileRootKey.load(path)
    vault = Vault(KeyStore("sqlite:////…/keys.db", root))
    seal(vault, generation, "prompt", text)
    reveal(vault, generation, "prompt")

What several people own is sealed once: share, seal_shared and reveal_shared (see datasteward.keys.shared).
It touches the key file and the key store, never the service's database.
"""

from datasteward.crypto import Box
from datasteward.keys.blind import blind
from datasteward.keys.bulk import reveal_all, seal_all
from datasteward.keys.context import Context
from datasteward.keys.database import is_empty
from datasteward.keys.directory import EpochDirectory, EpochPlace
from datasteward.keys.root import FileRootKey, RootKey
from datasteward.keys.roots import KMS, RootKeyFile, RootKeys, open_root
from datasteward.keys.sealing import context_for, reveal, seal
from datasteward.keys.shared import reveal_shared, seal_shared, share
from datasteward.keys.store import KeyStore
from datasteward.keys.tables import Use
from datasteward.keys.vault import Vault

__all__ = [
    "KMS",
    "Box",
    "Context",
    "EpochDirectory",
    "EpochPlace",
    "FileRootKey",
    "KeyStore",
    "RootKey",
    "RootKeyFile",
    "RootKeys",
    "Use",
    "Vault",
    "blind",
    "context_for",
    "is_empty",
    "open_root",
    "reveal",
    "reveal_all",
    "reveal_shared",
    "seal",
    "seal_all",
    "seal_shared",
    "share",
]
