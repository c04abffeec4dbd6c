"""All tables of the toolkit on one metadata: what a service migrates beside its own and gives to its catalog."""

from datasteward.audit.models import AuditEntry
from datasteward.base import StewardBase
from datasteward.consent.models import ConsentRecord, Standing
from datasteward.disposal.models import KeyDisposal, ObjectDisposal
from datasteward.exceptional.models import ExceptionalAccess
from datasteward.processors.models import Disclosure
from datasteward.retention.models import LegalHold, RetentionPlan
from datasteward.rights.models import SubjectRequest

metadata = StewardBase.metadata

__all__ = [
    "AuditEntry",
    "ConsentRecord",
    "Disclosure",
    "ExceptionalAccess",
    "KeyDisposal",
    "LegalHold",
    "ObjectDisposal",
    "RetentionPlan",
    "Standing",
    "SubjectRequest",
    "metadata",
]
