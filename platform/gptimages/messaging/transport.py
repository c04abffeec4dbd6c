"""How mail leaves: through a mail server, or not at all.

The transport sends one mail and says whether a failure may pass; when to try again is the outbox's business. Neighbours:
letter.py makes the mail, the job that empties the outbox is the caller. Errors never carry an address or the server's
words, which often quote one: hence `from None`.
"""

from __future__ import annotations

import contextlib
import ipaddress
import smtplib
import ssl
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Protocol

from gptimages.errors import MailFailed, SettingsError
from gptimages.messaging.letter import envelope, wire_bytes

UNREACHABLE = "The mail server cannot be reached; the mail waits."
NOT_TRUSTED = "The mail server's certificate cannot be trusted; the operator has to look into it."
NO_STARTTLS = "The mail server offers no encryption; the operator has to choose another."
LOGIN_REFUSED = "The mail server refused our name and password; the operator has to renew them."
LATER = "The mail server asks to try again later; the mail waits."
REFUSED = "The mail server refused this mail for good."


class MailTransport(Protocol):
    """Takes one mail. When `send` returns, the mail is somebody else's to deliver."""

    def send(self, message: EmailMessage) -> None:
        """Sends one mail. Raises MailFailed."""
        ...


class OutboxOnly:
    """Sends nothing: mail stays readable in the service's own outbox. For the demo."""

    def send(self, message: EmailMessage) -> None:
        """Does nothing."""


class SmtpTransport:
    """Sends through the mail server at `host` and `port`, one connection a mail.

    With `starttls` (the default) nothing is said before the connection is encrypted and the certificate verified, against
    `tls` or else the system's authorities. Without it, the server must be on this machine. `timeout_seconds` is for each
    step of the conversation. Raises SettingsError when it cannot be built as told.
    """

    def __init__(
        self,
        host: str,
        port: int,
        username: str | None = None,
        password: str | None = None,
        starttls: bool = True,
        *,
        timeout_seconds: float = 30.0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        if not starttls and not _is_own_machine(host):
            raise SettingsError("A mail server on another machine must be spoken to with STARTTLS; switch it on.")
        if (username is None) != (password is None):
            raise SettingsError("The mail server needs a name and a password, or neither; set both.")
        self._host = host
        self._port = port
        self._login = (username, password) if username is not None and password is not None else None
        self._tls = (tls or ssl.create_default_context()) if starttls else None
        self._timeout = timeout_seconds

    def send(self, message: EmailMessage) -> None:
        """See MailTransport.send."""
        sender, recipient = envelope(message)
        data = wire_bytes(message)
        with self._connected(sender.rpartition("@")[2]) as server, _delivery_errors():
            server.sendmail(sender, [recipient], data)

    @contextlib.contextmanager
    def _connected(self, own_name: str) -> Iterator[smtplib.SMTP]:
        with _connection_errors():
            # Without a name of our own, smtplib would tell the server this machine's.
            server = smtplib.SMTP(self._host, self._port, local_hostname=own_name, timeout=self._timeout)
        try:
            with _connection_errors():
                if self._tls is not None:
                    server.starttls(context=self._tls)
                if self._login is not None:
                    server.login(*self._login)
            yield server
            # The mail is taken: a failing farewell must not send it a second time.
            with contextlib.suppress(smtplib.SMTPException, OSError):
                server.quit()
        finally:
            server.close()


@contextlib.contextmanager
def _connection_errors() -> Iterator[None]:
    """What fails before the mail is offered is no fault of the mail: it waits."""
    try:
        yield
    except ssl.SSLError:
        raise MailFailed(NOT_TRUSTED, temporary=True) from None
    except smtplib.SMTPAuthenticationError:
        raise MailFailed(LOGIN_REFUSED, temporary=True) from None
    except smtplib.SMTPNotSupportedError:
        raise MailFailed(NO_STARTTLS, temporary=True) from None
    except (smtplib.SMTPException, OSError, UnicodeError):
        raise MailFailed(UNREACHABLE, temporary=True) from None


@contextlib.contextmanager
def _delivery_errors() -> Iterator[None]:
    """A reply of 500 to 599 is final, any other passes (RFC 5321, 4.2.1)."""
    try:
        yield
    except smtplib.SMTPRecipientsRefused as error:
        raise _by_code([code for code, _ in error.recipients.values()]) from None
    except smtplib.SMTPResponseException as error:
        raise _by_code([error.smtp_code]) from None
    except (smtplib.SMTPNotSupportedError, UnicodeError):
        raise MailFailed(REFUSED, temporary=False) from None
    except (smtplib.SMTPException, OSError):
        raise MailFailed(UNREACHABLE, temporary=True) from None


def _by_code(codes: list[int]) -> MailFailed:
    final = bool(codes) and all(500 <= code <= 599 for code in codes)
    return MailFailed(REFUSED if final else LATER, temporary=not final)


def _is_own_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
