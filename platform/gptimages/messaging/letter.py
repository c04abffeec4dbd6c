"""Builds one mail and the bytes that go over the wire; nothing in a subject or an address can become a header.

Pure functions. The standard library refuses bare line breaks but, in some releases, unfolds an encoded word such as
`=?utf-8?q?a=0Ab?=` into one; so encoded words are refused too, and the finished bytes are read again before they leave.
"""

from __future__ import annotations

import re
from datetime import datetime
from email import policy
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from email.utils import format_datetime, parseaddr

from gptimages.errors import MailFailed

_WIRE = policy.SMTP.clone(cte_type="7bit")
# Line breaks and controls, surrogates, and encoded words: what a header cannot hold, or could unfold into more.
_UNFIT = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]|=\?")
_ADDRESS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*"
)
NOT_SENDABLE = "This mail was not sent, since its subject or an address is not one that a mail can have."


def letter(*, sender: str, recipient: str, subject: str, body: str, now: datetime, reference: str) -> EmailMessage:
    """A plain-text mail from `sender` ("Name <address>") to the one address `recipient`.

    `reference` is an opaque id: sent twice, the mail is recognised as the same by its Message-ID (RFC 5322, 3.6.4).
    An address is a dot-atom at a domain in ASCII (RFC 5321, 4.1.2, without quoted names and address literals).
    Raises MailFailed, not temporary, for a line break or control character in the subject, or an unusable address.
    """
    name, address = parseaddr(sender)
    if _UNFIT.search(subject) or _UNFIT.search(name) or not re.fullmatch(r"[A-Za-z0-9-]+", reference):
        raise MailFailed(NOT_SENDABLE, temporary=False)
    from_ = _address(address, name)
    message = EmailMessage(policy=policy.SMTP)
    try:
        message["From"] = from_
        message["To"] = _address(recipient)
        message["Subject"] = subject
        message["Date"] = format_datetime(now)
        message["Message-ID"] = f"<{reference}@{from_.domain}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(body)
    except (MessageError, ValueError, LookupError):
        raise MailFailed(NOT_SENDABLE, temporary=False) from None
    return message


def wire_bytes(message: EmailMessage) -> bytes:
    """The mail as it goes over the wire. Raises MailFailed when its headers would come out as others than were set."""
    try:
        data = message.as_bytes(policy=_WIRE)
    except (MessageError, ValueError, LookupError, TypeError, AttributeError):
        raise MailFailed(NOT_SENDABLE, temporary=False) from None
    head = data.partition(b"\r\n\r\n")[0]
    seen = [name.lower() for name in BytesHeaderParser(policy=policy.compat32).parsebytes(head + b"\r\n\r\n")]
    if seen != [name.lower() for name in message] or re.search(rb"\r(?!\n)|(?<!\r)\n", head):
        raise MailFailed(NOT_SENDABLE, temporary=False)
    return data


def envelope(message: EmailMessage) -> tuple[str, str]:
    """Sender and recipient of the envelope. Raises MailFailed unless there is exactly one of each, and no copies."""
    try:
        senders = [str(address.addr_spec) for address in message["From"].addresses]
        recipients = [str(address.addr_spec) for address in message["To"].addresses]
    except AttributeError:  # no such header, or a message under the old policy
        raise MailFailed(NOT_SENDABLE, temporary=False) from None
    if len(senders) != 1 or len(recipients) != 1 or message["Cc"] or message["Bcc"]:
        raise MailFailed(NOT_SENDABLE, temporary=False)
    return _address(senders[0]).addr_spec, _address(recipients[0]).addr_spec


def _address(address: str, name: str = "") -> Address:
    # The library's own parser stumbles over some texts and takes others that no server does.
    if not _ADDRESS.fullmatch(address) or _UNFIT.search(address):
        raise MailFailed(NOT_SENDABLE, temporary=False)
    local, _, domain = address.rpartition("@")
    return Address(display_name=name, username=local, domain=domain)
