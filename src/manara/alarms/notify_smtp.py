"""E-mail: one message to one address through the mail server of the settings (RFC 5321, 6409, 8314; aiosmtplib).

The id of the notification is its Message-ID, so that a second delivery can be told from a second message. Every try has
one deadline for all of it: a server that drips is as good as one that is away. Plain text, and the same as HTML with
its direction, since many readers guess that of plain Arabic wrongly. Called by `notify_sender.py`.
"""

import asyncio
import html
import ssl
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime

import aiosmtplib

from manara.alarms.notify_actions import Letter
from manara.base.clock import Clock, to_datetime
from manara.settings import Notifications

RECEIPT_MAX = 400


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one try. `refused`: the message itself was refused, others by the same way may pass."""

    delivered: bool
    receipt: str = ""
    error: str = ""
    refused: bool = False


def compose(letter: Letter, from_address: str, at_us: int) -> EmailMessage:
    """The message as it goes over the wire."""
    message = EmailMessage(policy=SMTP_POLICY)
    sender = Address(addr_spec=from_address)
    message["From"] = Address("Manara", sender.username, sender.domain)
    message["To"] = Address(addr_spec=letter.address)
    message["Subject"] = letter.subject
    message["Date"] = format_datetime(to_datetime(at_us))
    message["Message-ID"] = f"<{letter.id}@{sender.domain}>"
    message["X-Manara-Id"] = letter.id
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday answers
    message["Content-Language"] = letter.language
    message.set_content(letter.body, charset="utf-8")
    direction = "rtl" if letter.language == "ar" else "ltr"
    lines = "".join(f"<p>{html.escape(line)}</p>" if line else "<br>" for line in letter.body.split("\n"))
    message.add_alternative(
        f'<!doctype html><html lang="{letter.language}" dir="{direction}"><body>{lines}</body></html>',
        subtype="html",
        charset="utf-8",
    )
    return message


class Email:
    """The channel `email`."""

    def __init__(self, settings: Notifications, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock

    async def deliver(self, letter: Letter) -> Outcome:
        """Hand one message to the mail server. Never raises for what a server or the way to it does."""
        settings = self._settings
        if not settings.smtp_host:
            return Outcome(False, error="no mail server is set (notifications.smtp_host)")
        try:
            message = compose(letter, settings.from_address, self._clock.wall_us())
            async with asyncio.timeout(settings.timeout_s):
                answer = await self._send(message, letter.address)
        except aiosmtplib.SMTPResponseException as error:
            # 5yz about this sender, this recipient or these data is about the message; a login is about the way
            of_message = isinstance(error, aiosmtplib.SMTPDataError | aiosmtplib.SMTPSenderRefused)
            return Outcome(False, error=f"{error.code} {error.message}"[:RECEIPT_MAX], refused=of_message)
        except aiosmtplib.SMTPRecipientsRefused as error:
            words = "; ".join(f"{one.code} {one.message}" for one in error.recipients)
            return Outcome(False, error=words[:RECEIPT_MAX], refused=True)
        except TimeoutError:
            return Outcome(False, error=f"the mail server did not answer within {settings.timeout_s:g} s")
        except (aiosmtplib.SMTPException, OSError, ssl.SSLError, ValueError) as error:
            return Outcome(False, error=f"{type(error).__name__}: {error}"[:RECEIPT_MAX])
        return Outcome(True, receipt=answer[:RECEIPT_MAX])

    async def _send(self, message: EmailMessage, address: str) -> str:
        """The server's answer to the data."""
        settings = self._settings
        client = aiosmtplib.SMTP(
            hostname=settings.smtp_host,
            port=settings.smtp_port,
            username=settings.smtp_account or None,
            password=settings.smtp_password.get_secret_value() or None,
            use_tls=settings.smtp_tls == "tls",
            start_tls=settings.smtp_tls == "starttls",
            tls_context=None if settings.smtp_tls == "none" else tls_context(settings),
            timeout=settings.timeout_s,
        )
        try:
            await client.connect()
            _, answer = await client.send_message(message, recipients=[address])
        finally:
            client.close()
        return answer


def tls_context(settings: Notifications) -> ssl.SSLContext:
    """Whom we believe: the machine's authorities, or the one of the settings. Raises `OSError` for an unusable file."""
    return ssl.create_default_context(cafile=str(settings.tls_authority) if settings.tls_authority else None)
