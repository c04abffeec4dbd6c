"""The encrypted object store: pictures and archives, each under its person's key, on any plain store of bytes."""

from datasteward.objects.encrypted import EncryptedObjects, Look
from datasteward.objects.local import LocalDirectory
from datasteward.objects.store import ObjectStore, Stored, check_key

__all__ = ["EncryptedObjects", "LocalDirectory", "Look", "ObjectStore", "Stored", "check_key"]
