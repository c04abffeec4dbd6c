"""The four things that governance works with, bundled: what the data is, what the policies say, keys and objects."""

from __future__ import annotations

from dataclasses import dataclass

from datasteward.catalog import Catalog
from datasteward.keys import Vault
from datasteward.objects import EncryptedObjects
from datasteward.policy import PolicySet


@dataclass(frozen=True, slots=True)
class Steward:
    """What retention, rights, reports and audit are given; made once by the service."""

    catalog: Catalog
    policies: PolicySet
    vault: Vault
    objects: EncryptedObjects
