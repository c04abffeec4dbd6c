"""Mail leaves over a real SMTP conversation, encrypted and verified, and every failure says whether it may pass."""

from __future__ import annotations

import contextlib
import datetime as dt
import ipaddress
import logging
import socket
import ssl
import traceback
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from gptimages.errors import MailFailed, SettingsError
from gptimages.messaging.letter import envelope, letter, wire_bytes
from gptimages.messaging.transport import MailTransport, OutboxOnly, SmtpTransport

NOW = dt.datetime(2026, 11, 23, 12, 0, tzinfo=dt.UTC)
RECIPIENT = "canary.person@people.example"


class Postbox:
    """Takes mail, or answers as told: `replies` maps RCPT or DATA to a reply line."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []
        self.encrypted: list[bool] = []
        self.greeted_as: list[str] = []
        self.replies: dict[str, str] = {}

    async def handle_RCPT(  # noqa: N802 - the name that aiosmtpd calls
        self, server: SMTP, session: Session, envelope: Envelope, to: str, options: list[str]
    ) -> str:
        """Notes the recipient, or refuses it."""
        if "RCPT" in self.replies:
            return f"{self.replies['RCPT']} {to}"
        envelope.rcpt_tos.append(to)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - the name that aiosmtpd calls
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Keeps the mail, or refuses it."""
        self.envelopes.append(envelope)
        self.encrypted.append(session.ssl is not None)
        self.greeted_as.append(str(session.host_name))
        return self.replies.get("DATA", "250 OK")

    async def handle_QUIT(  # noqa: N802 - the name that aiosmtpd calls
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Says goodbye, or fails at it."""
        return self.replies.get("QUIT", "221 Bye")


def mail(subject: str = "Your archive is ready", **changes: str) -> EmailMessage:
    """A mail to one person."""
    told = {"sender": "GPT Images <no-reply@gptimages.example>", "recipient": RECIPIENT, "body": "Good day.\n"}
    return letter(subject=subject, now=NOW, reference="01mail", **{**told, **changes})


@pytest.fixture
def postbox() -> Postbox:
    """Where the mail of a test arrives."""
    return Postbox()


@contextlib.contextmanager
def serving(postbox: Postbox, **options: Any) -> Iterator[int]:
    """A mail server on a free port of this machine."""
    controller = Controller(postbox, hostname="127.0.0.1", port=free_port(), **options)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def certificate(folder: Path, *, valid: bool = True) -> Path:
    """A key and a self-signed certificate for 127.0.0.1 in one file; expired unless `valid`."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail server of a test")])
    today = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - dt.timedelta(days=3))
        .not_valid_after(today + dt.timedelta(days=1 if valid else -1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    unlocked = serialization.NoEncryption()
    pkcs8 = serialization.PrivateFormat.PKCS8
    key_bytes = key.private_bytes(serialization.Encoding.PEM, pkcs8, unlocked)
    path.write_bytes(key_bytes + made.public_bytes(serialization.Encoding.PEM))
    return path


def server_context(path: Path) -> ssl.SSLContext:
    """What the server speaks TLS with."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path)
    return context


def failure_of(transport: MailTransport, message: EmailMessage) -> MailFailed:
    """What sending ends with; nothing of the addressee may stand in it."""
    with pytest.raises(MailFailed) as caught:
        transport.send(message)
    assert "canary" not in "".join(traceback.format_exception(caught.value))
    return caught.value


def test_mail_arrives(postbox: Postbox) -> None:
    """A mail arrives whole: envelope, headers and body, with our domain as the greeting, not this machine's name."""
    with serving(postbox) as port:
        SmtpTransport("127.0.0.1", port, starttls=False).send(mail("Grüße aus dem Archiv", body="Größe: 3\n.\nEnde\n"))
    (taken,) = postbox.envelopes
    assert (taken.mail_from, taken.rcpt_tos) == ("no-reply@gptimages.example", [RECIPIENT])
    assert isinstance(taken.content, bytes)
    assert taken.content.isascii()
    arrived = message_from_bytes(taken.content, policy=policy.default)
    assert arrived["Subject"] == "Grüße aus dem Archiv"
    assert arrived["Message-ID"] == "<01mail@gptimages.example>"
    assert arrived["Date"].datetime == NOW
    assert arrived.get_content() == "Größe: 3\n.\nEnde\n"
    assert postbox.greeted_as == ["gptimages.example"]


def test_starttls_and_login(postbox: Postbox, tmp_path: Path) -> None:
    """With STARTTLS the certificate is verified, then we log in, and the mail goes over the encrypted connection."""
    path = certificate(tmp_path)
    said: list[tuple[bytes, bytes]] = []

    def authenticate(server: SMTP, session: Session, env: Envelope, mechanism: str, login: Any) -> AuthResult:
        said.append((login.login, login.password))
        return AuthResult(success=login.password == b"right", handled=False)

    options = {"tls_context": server_context(path), "require_starttls": True, "auth_required": True}
    trusted = ssl.create_default_context(cafile=path)
    with serving(postbox, **options, authenticator=authenticate) as port:
        SmtpTransport("127.0.0.1", port, "us", "right", tls=trusted).send(mail())
        failure = failure_of(SmtpTransport("127.0.0.1", port, "us", "wrong", tls=trusted), mail())
    assert failure.temporary
    assert "name and password" in str(failure)
    assert postbox.encrypted == [True]
    assert (b"us", b"right") in said


@pytest.mark.parametrize("trouble", ["unknown authority", "expired", "another host"])
def test_untrusted_certificate(postbox: Postbox, tmp_path: Path, trouble: str) -> None:
    """A certificate that is unknown, expired or another host's ends the conversation before anything is said."""
    path = certificate(tmp_path, valid=trouble != "expired")
    tls = None if trouble == "unknown authority" else ssl.create_default_context(cafile=path)
    host = "localhost" if trouble == "another host" else "127.0.0.1"
    with serving(postbox, tls_context=server_context(path)) as port:
        failure = failure_of(SmtpTransport(host, port, "us", "right", tls=tls), mail())
    assert failure.temporary
    assert "certificate" in str(failure)
    assert postbox.envelopes == []


def test_server_without_starttls_gets_nothing(postbox: Postbox) -> None:
    """A server that offers no encryption, or has it stripped by somebody between, gets neither password nor mail."""
    with serving(postbox) as port:
        failure = failure_of(SmtpTransport("127.0.0.1", port, "us", "right"), mail())
    assert failure.temporary
    assert "no encryption" in str(failure)
    assert postbox.envelopes == []


@pytest.mark.parametrize("step", ["RCPT", "DATA"])
@pytest.mark.parametrize(("code", "temporary"), [("450", True), ("452", True), ("550", False), ("554", False)])
def test_refusals_are_final_or_pass(postbox: Postbox, step: str, code: str, temporary: bool) -> None:
    """Replies from 500 are final, those below 500 pass; neither shows the address."""
    postbox.replies[step] = f"{code} no mail for {RECIPIENT}"
    with serving(postbox) as port:
        assert failure_of(SmtpTransport("127.0.0.1", port, starttls=False), mail()).temporary is temporary


def test_failing_farewell_is_no_failure(postbox: Postbox) -> None:
    """A mail that was taken is sent, even when the server fails at goodbye: it must not be sent twice."""
    postbox.replies["QUIT"] = "421 out of sorts"
    with serving(postbox) as port:
        SmtpTransport("127.0.0.1", port, starttls=False).send(mail())
    assert len(postbox.envelopes) == 1


def test_nobody_there() -> None:
    """A closed port passes."""
    assert failure_of(SmtpTransport("127.0.0.1", free_port(), starttls=False), mail()).temporary


def test_silent_server() -> None:
    """A server that takes the call and says nothing is given up after the time set."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        transport = SmtpTransport("127.0.0.1", port, starttls=False, timeout_seconds=0.2)
        assert failure_of(transport, mail()).temporary


def test_nothing_personal_is_logged(postbox: Postbox, caplog: pytest.LogCaptureFixture) -> None:
    """Sending logs nothing of ours; the test server's own talk is left aside."""
    caplog.set_level(logging.DEBUG)
    with serving(postbox) as port:
        SmtpTransport("127.0.0.1", port, starttls=False).send(mail())
    assert [record for record in caplog.records if not record.name.startswith(("mail.", "asyncio"))] == []


@pytest.mark.parametrize(
    "build",
    [
        lambda: SmtpTransport("mail.example.org", 25, starttls=False),
        lambda: SmtpTransport("mail.example.org", 587, "us"),
    ],
    ids=["in the clear over a network", "name without password"],
)
def test_wrong_settings_are_a_sentence(build: Callable[[], SmtpTransport]) -> None:
    """A transport that would speak in the clear, or has half a login, is not built."""
    with pytest.raises(SettingsError, match=r"\.$"):
        build()


def test_outbox_only_accepts_everything() -> None:
    """The demo's transport takes each mail and sends nothing."""
    OutboxOnly().send(mail())


ENCODED = "=?utf-8?q?hello=0D=0ABcc=3A_other=40people=2Eexample?="


@pytest.mark.parametrize("subject", ["a\nBcc: other@people.example", "a\rb", "a\r\n\r\nbody", "a\x00b", "a\u2028b"])
def test_line_breaks_in_a_subject_are_refused(subject: str) -> None:
    """A subject with a line break or a control character is no mail, for good."""
    with pytest.raises(MailFailed) as caught:
        mail(subject)
    assert not caught.value.temporary


@pytest.mark.parametrize(
    "recipient",
    ["a@people.example, b@people.example", "a@people.example\nBcc: b@x", "nobody", "", "<a@people.example>", "a b@x.y"],
)
def test_recipient_is_one_address(recipient: str) -> None:
    """What is not exactly one address is no recipient."""
    with pytest.raises(MailFailed) as caught:
        mail(recipient=recipient)
    assert not caught.value.temporary


def test_encoded_line_break_adds_no_header(postbox: Postbox) -> None:
    """A line break hidden in an encoded word is refused, in our own letters and in any message that is sent."""
    with pytest.raises(MailFailed):
        mail(ENCODED)
    message = EmailMessage(policy=policy.SMTP)
    message["From"], message["To"], message["Subject"] = "us@gptimages.example", RECIPIENT, "as set"
    message.set_content("text")
    message.replace_header("Subject", ENCODED)
    if b"\r\nBcc:" not in message.as_bytes():
        pytest.skip("this release of the standard library keeps the line break inside")
    with serving(postbox) as port:
        assert not failure_of(SmtpTransport("127.0.0.1", port, starttls=False), message).temporary
    assert postbox.envelopes == []


@pytest.mark.parametrize("header", ["Cc", "Bcc"])
def test_copies_are_refused(postbox: Postbox, header: str) -> None:
    """A mail with copies to others does not leave."""
    message = mail()
    message[header] = "other@people.example"
    with serving(postbox) as port:
        assert not failure_of(SmtpTransport("127.0.0.1", port, starttls=False), message).temporary
    assert postbox.envelopes == []


PIECES = [
    "=?utf-8?q?",
    "=0D=0A",
    "=?utf-8?b?DQpCY2M6IHg=?=",
    "?=",
    "Bcc: x@y.z",
    '"',
    "<",
    ">",
    "@",
    "[",
    "(",
    ":",
    ",",
    "é",
]
HOSTILE = st.lists(st.sampled_from([*PIECES, "a", ".", " ", "\\", "x" * 70]), max_size=12).map("".join)


@given(subject=st.text(max_size=120) | HOSTILE, recipient=st.text(max_size=30) | st.emails() | HOSTILE)
def test_no_text_becomes_a_header(subject: str, recipient: str) -> None:
    """Whatever stands in subject and address, the headers on the wire are those that were set, or there is no mail."""
    try:
        message = mail(subject, recipient=recipient)
        data = wire_bytes(message)
        sender, to = envelope(message)
    except MailFailed:
        return
    assert not any(character in sender + to for character in "\r\n <>")
    assert message_from_bytes(data).keys() == message.keys()
    assert message_from_bytes(data).get_payload(decode=True) == b"Good day.\r\n"
