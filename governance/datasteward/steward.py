"""What governance works with, bundled: what the data is, what the policies say, keys and objects, and the ledger."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from datasteward.catalog import Catalog
from datasteward.errors import PurposeError
from datasteward.keys import Vault
from datasteward.ledger.ledger import Ledger
from datasteward.objects import EncryptedObjects
from datasteward.policy import PolicySet
from datasteward.purposes import Purposes


@dataclass(frozen=True, slots=True)
class Steward:
    """What retention, rights, reports and audit are given; made once by the service.

    `purposes` opens its database. In `ledger` the destruction of keys is written down before they are destroyed; a service
    that is ever restored from a backup has one.
    """

    catalog: Catalog
    policies: PolicySet
    vault: Vault
    objects: EncryptedObjects
    purposes: Purposes | None = None
    ledger: Ledger | None = None

    def session(self, *, purpose: str, actor: str) -> Session:
        """A session that sees what the purpose may see (see Purposes.session)."""
        if self.purposes is None:
            raise PurposeError("This steward was made without a database: give it Purposes(engine, catalog, policies).")
        return self.purposes.session(purpose, actor=actor)
