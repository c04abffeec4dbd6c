"""One running installation: its settings, database, keys, objects, policies and catalog, opened together and checked.

Opening says in one sentence what is wrong with a directory, a key, a database or a policy set, before anything is served.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

import msgspec
from sqlalchemy.orm import Session

from datasteward import anonymise, tables
from datasteward.catalog import Catalog, checks
from datasteward.keys import Vault
from datasteward.ledger import Ledger
from datasteward.objects import EncryptedObjects
from datasteward.policy import PolicySet
from datasteward.purposes import Purposes
from datasteward.purposes.purposes import told
from datasteward.rights.erasure import check_kept
from datasteward.steward import Steward
from gptimages import all_models, opening, origin
from gptimages.db import Database
from gptimages.outside_tables import LOG_FIELDS, PREFIXES
from gptimages.settings import Settings

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The present, aware, UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Installation:
    """What every handler, job and command works with."""

    settings: Settings
    db: Database
    steward: Steward
    clock: Clock

    @property
    def policies(self) -> PolicySet:
        """The policy set in force."""
        return self.steward.policies

    @property
    def catalog(self) -> Catalog:
        """The catalog of the service's and the toolkit's tables."""
        return self.steward.catalog

    @property
    def vault(self) -> Vault:
        """Each person's keys."""
        return self.steward.vault

    @property
    def objects(self) -> EncryptedObjects:
        """The encrypted object store."""
        return self.steward.objects

    @property
    def ledger(self) -> Ledger:
        """The erasure ledger."""
        assert self.steward.ledger is not None  # noqa: S101 - open_installation has given it one
        return self.steward.ledger

    def reading(self, purpose: str, actor: str) -> AbstractContextManager[Session]:
        """A session for a purpose of policies/purposes.yaml that sees one state and writes nothing (see Database.read).

        `actor` is an opaque id or the name of a job. What the purpose does not cover raises PurposeError.
        """
        return self.db.read(self._purposes.engine(purpose), told(purpose, actor))

    def writing(self, purpose: str, actor: str) -> AbstractContextManager[Session]:
        """A session for a purpose whose work is committed when the block ends (see Database.write)."""
        return self.db.write(self._purposes.engine(purpose), told(purpose, actor))

    @property
    def _purposes(self) -> Purposes:
        assert self.steward.purposes is not None  # noqa: S101 - open_installation has given it one
        return self.steward.purposes

    def close(self) -> None:
        """Closes the database and the key store."""
        self.db.close()
        self.vault.close()


def policy_directory(settings: Settings) -> Path:
    """Where the policy set is: as set, else beside the checkout, else as installed with the package."""
    if settings.policies is not None:
        return settings.policies
    beside = Path(__file__).parents[2] / "policies"
    return beside if beside.is_dir() else Path(str(resources.files("gptimages") / "_policies"))


def catalog(*, faulty: bool = False) -> Catalog:
    """The catalog of all that is stored. Raises CatalogError when a column or table is not tagged, unless `faulty`."""
    metadatas = (all_models.metadata, tables.metadata)
    return Catalog(*metadatas, prefixes=PREFIXES, log_fields=LOG_FIELDS, faulty=faulty)


def open_installation(
    settings: Settings, clock: Clock = utc_now, *, as_found: bool = False, restoring: bool = False
) -> Installation:
    """Opens everything and brings the database up to date. Raises SettingsError, StartError or a StewardError.

    A server says by its settings whether it is a demo, and the database must agree; `as_found` is for an operator's
    commands, which take the database for what it is. Only the restore itself opens one that is not replayed (`restoring`).
    """
    policies = opening.policies(policy_directory(settings))
    found = catalog()
    checks.require(found, policies)
    anonymise.require(found, policies)
    opening.make_directory(settings.data)
    if not restoring:
        opening.require_restored(settings)
    with ExitStack() as opened:
        new = opening.is_new(settings)
        vault = opening.vault(settings, clock, found, policies, new=new)
        opened.callback(vault.close)
        if not restoring:
            opening.require_database(settings, vault)
        ledger = opening.ledger(settings, clock(), new=new)
        abandoned = clock() - policies.limits.object_young.span
        stored = opening.objects(settings, vault, abandoned=abandoned)
        steward = Steward(found, policies, vault, stored, ledger=ledger)
        check_kept(steward)
        db = opening.database(settings)
        opened.callback(db.close)
        steward = replace(steward, purposes=Purposes(db.engine, found, policies))
        if not restoring:
            with db.read() as session:
                opening.require_replayed(session, vault, ledger)
        if as_found:
            with db.read() as session:
                settings = msgspec.structs.replace(settings, demo=origin.is_demo(session))
        else:
            with db.write() as session:
                origin.settle(session, demo=settings.demo, now=clock())
        opened.pop_all()  # nothing was wrong: it stays open
        return Installation(settings, db, steward, clock)
