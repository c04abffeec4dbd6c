"""The erasure ledger: whose keys were destroyed, written down outside of every backup before they are destroyed.

    ledger = open_ledger(DirectoryOfEntries(path), key_file)
    enter(session, ledger, subject, "erasure", now=now)     # in the transaction that then destroys the key

A backup brings back what was erased after it was made; the ledger, replayed over it (`replay`), takes it away again.
"""

from datasteward.ledger.anchoring import behind, enter, returned
from datasteward.ledger.entries import Entry, Head, Why
from datasteward.ledger.ledger import Ledger, open_ledger
from datasteward.ledger.signing import LedgerKey
from datasteward.ledger.store import DirectoryOfEntries, EntryStore

__all__ = [
    "DirectoryOfEntries",
    "Entry",
    "EntryStore",
    "Head",
    "Ledger",
    "LedgerKey",
    "Why",
    "behind",
    "enter",
    "open_ledger",
    "returned",
]
