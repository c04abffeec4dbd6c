"""Every model of the service, imported so that its metadata is whole; used by the installation and by migrations."""

from gptimages.accounts.models import Account, ApiToken, Identity, RoleGrant, SignInAttempt, WebSession
from gptimages.activity.models import DeviceRecord, EngagementEvent, UsageEvent
from gptimages.billing.models import Customer, Subscription, Transaction
from gptimages.messaging.models import CommunicationPreference, MailMessage, Notification
from gptimages.models import Base
from gptimages.origin import Origin
from gptimages.publishing.models import Acceptance, PolicyNotice, PolicyVersion
from gptimages.queue.models import Job
from gptimages.studio.models import (
    Favourite,
    Generation,
    GenerationReference,
    Image,
    ReferenceImage,
    ShareLink,
    StylePreference,
)
from gptimages.support.models import Report, SupportTicket

metadata = Base.metadata

__all__ = [
    "Acceptance",
    "Account",
    "ApiToken",
    "CommunicationPreference",
    "Customer",
    "DeviceRecord",
    "EngagementEvent",
    "Favourite",
    "Generation",
    "GenerationReference",
    "Identity",
    "Image",
    "Job",
    "MailMessage",
    "Notification",
    "Origin",
    "PolicyNotice",
    "PolicyVersion",
    "ReferenceImage",
    "Report",
    "RoleGrant",
    "ShareLink",
    "SignInAttempt",
    "StylePreference",
    "Subscription",
    "SupportTicket",
    "Transaction",
    "UsageEvent",
    "WebSession",
    "metadata",
]
