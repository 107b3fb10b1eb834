"""Notifications delivered to a real mail server and a real HTTP server."""

import asyncio
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import SecretStr

from manara.alarms import notify_actions, notify_routes
from manara.alarms.notify_sender import Notifier
from manara.alarms.notify_smtp import Email
from manara.alarms.notify_webhook import Webhook
from manara.settings import Notifications
from manara.store.secret import SecretBox
from tests.alarms.duty_world import PROGRAM, DutyWorld, names_of
from tests.alarms.servers import OK, MailBox, WebHookServer, hook_server, mail_server

BAGHDAD = ZoneInfo("Asia/Baghdad")
SECRET = "a-secret-of-the-hook"


def settings(**values: Any) -> Notifications:
    """Settings that reach this machine in the clear."""
    return Notifications(
        **{"smtp_host": "127.0.0.1", "smtp_tls": "none", "private_webhooks": True, "timeout_s": 5, **values}
    )


def notifier(room: DutyWorld, box: SecretBox, told: Notifications) -> Notifier:
    """A sender, as control has it."""
    channels = {"email": Email(told, room.clock), "webhook": Webhook(told, room.clock)}
    return Notifier(room.database, box, room.clock, channels, names_of, BAGHDAD)


def add_route(room: DutyWorld, box: SecretBox, **values: Any) -> str:
    """Add a route for everything."""
    base = {"name": "x", "channel": "email", "address": "duty@example.org", "priorities": ["critical", "high", "low"]}
    return str(notify_routes.add_route(room.database, box, PROGRAM, room.at, {**base, **values})["id"])


def log(room: DutyWorld) -> list[dict[str, Any]]:
    """The log, the oldest first."""
    with room.database.read() as session:
        return notify_actions.notifications(session)[::-1]


async def once(sender: Notifier) -> None:
    """One round of the sender, to its end."""
    await sender.once()
    await sender.idle()


@pytest.fixture
def box(tmp_path: Path) -> SecretBox:
    """Seals secrets."""
    return SecretBox.from_file(tmp_path / "key")


def test_an_e_mail_arrives_in_arabic_with_its_id_and_a_receipt(room: DutyWorld, box: SecretBox) -> None:
    async def run() -> MailBox:
        async with mail_server() as mail:
            add_route(room, box)
            room.raise_alarm("camera_covered", "camera:c7")
            sender = notifier(room, box, settings(smtp_port=mail.port))
            await once(sender)
            await once(sender)
            return mail

    mail = asyncio.run(run())
    (message,) = mail.messages
    (entry,) = log(room)
    assert message["Message-ID"] == f"<{entry['id']}@localhost>"
    assert message["To"] == "duty@example.org"
    assert "كاميرا مغطاة" in message["Subject"]
    plain = message.get_body(("plain",))
    page = message.get_body(("html",))
    assert plain is not None
    assert page is not None
    assert "C7" in plain.get_content()
    assert 'dir="rtl"' in page.get_content()
    assert entry["state"] == "sent"
    assert "queued as 7K2" in entry["receipt"]


def test_a_webhook_is_signed_over_its_very_bytes(room: DutyWorld, box: SecretBox) -> None:
    async def run() -> WebHookServer:
        async with hook_server() as hook:
            add_route(room, box, channel="webhook", address=hook.address, secret=SECRET, language="en")
            room.raise_alarm("camera_covered", "camera:c7")
            await once(notifier(room, box, settings()))
            return hook

    ((headers, body),) = asyncio.run(run()).requests
    (entry,) = log(room)
    stamp, _, digest = headers["x-manara-signature"].partition(",v1=")
    seconds = stamp.removeprefix("t=")
    assert digest == hmac.new(SECRET.encode(), f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    content = json.loads(body)
    assert content["id"] == headers["x-manara-id"] == entry["id"]
    assert content["alarm"]["kind"] == "camera_covered"
    assert "amera covered" in content["title"]
    assert entry["receipt"] == "HTTP 202 taken"


def test_redirects_are_not_followed(room: DutyWorld, box: SecretBox) -> None:
    async def run() -> tuple[int, int]:
        async with hook_server() as other, hook_server() as hook:
            hook.answers = [f"HTTP/1.1 307 Go\r\nLocation: {other.address}\r\nContent-Length: 0\r\n\r\n".encode()]
            add_route(room, box, channel="webhook", address=hook.address)
            room.raise_alarm("camera_covered")
            await once(notifier(room, box, settings()))
            return len(hook.requests), len(other.requests)

    assert asyncio.run(run()) == (1, 0)
    (entry,) = log(room)
    assert entry["state"] == "waiting"
    assert "redirect" in entry["error"]


def test_private_addresses_are_reached_only_where_the_settings_say_so(room: DutyWorld, box: SecretBox) -> None:
    async def run() -> int:
        async with hook_server() as hook:
            add_route(room, box, channel="webhook", address=hook.address)
            room.raise_alarm("camera_covered")
            await once(notifier(room, box, settings(private_webhooks=False)))
            return len(hook.requests)

    assert asyncio.run(run()) == 0
    assert "private_webhooks" in log(room)[0]["error"]


def test_the_mail_password_is_in_no_text_of_the_settings() -> None:
    assert "hunter2hunter2" not in repr(settings(smtp_password=SecretStr("hunter2hunter2")))


def test_a_test_message_goes_the_way_of_all_others(room: DutyWorld, box: SecretBox) -> None:
    async def run() -> WebHookServer:
        async with hook_server() as hook:
            route_id = add_route(room, box, channel="webhook", address=hook.address)
            notify_actions.write_test(room.database, PROGRAM, room.at, route_id)
            await once(notifier(room, box, settings()))
            return hook

    hook = asyncio.run(run())
    assert json.loads(hook.requests[0][1])["occasion"] == "test"
    assert hook.answers == []
    assert OK.startswith(b"HTTP/1.1 202")
