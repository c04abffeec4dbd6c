"""The encrypted object store: pictures and archives, each under its person's key, on any plain store of bytes."""

from datasteward.objects.encrypted import EncryptedObjects
from datasteward.objects.local import LocalDirectory
from datasteward.objects.store import ObjectStore, check_key

__all__ = ["EncryptedObjects", "LocalDirectory", "ObjectStore", "check_key"]
