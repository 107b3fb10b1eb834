"""Servers that are down, slow, or talk garbage; kills in between. No alarm waits for them and no message is lost."""

import asyncio
import contextlib
import json
import socket
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from manara.alarms import notify, notify_actions, notify_routes
from manara.alarms.notify_sender import Notifier
from manara.store.database import Database
from manara.store.secret import SecretBox
from tests.alarms.duty_world import PROGRAM, DutyWorld
from tests.alarms.servers import OK, MailBox, WebHookServer, hook_server, mail_server
from tests.alarms.test_notify_delivery import add_route, log, notifier, once, settings
from tests.support.patience import LONG_S

BAGHDAD = ZoneInfo("Asia/Baghdad")


@pytest.fixture
def room(database: Database) -> DutyWorld:
    """A control room on a fake clock."""
    return DutyWorld(database)


@pytest.fixture
def box(tmp_path: Path) -> SecretBox:
    """Seals secrets."""
    return SecretBox.from_file(tmp_path / "key")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_mail_server_that_was_down_for_hours_gets_everything_once_in_order(room: DutyWorld, box: SecretBox) -> None:
    port = _free_port()

    async def run() -> MailBox:
        sender = notifier(room, box, settings(smtp_port=port))
        add_route(room, box)
        for number in range(5):
            room.raise_alarm("camera_loop", f"camera:c{number}")
            await once(sender)
            room.clock.advance(600)
        for _ in range(20):
            await once(sender)
            room.clock.advance(60)
        assert {entry["state"] for entry in log(room)} == {"waiting"}
        assert sender.counters.tries_failed <= 30  # one knock at a time, not one a message
        async with mail_server(port=port) as mail:
            room.clock.advance(60)
            for _ in range(3):
                await once(sender)
            return mail

    mail = asyncio.run(run())
    subjects = [str(message["Subject"]) for message in mail.messages]
    assert [next(n for n in range(5) if f"C{n}" in subject) for subject in subjects] == [0, 1, 2, 3, 4]
    assert {entry["state"] for entry in log(room)} == {"sent"}


def test_a_server_that_hangs_keeps_no_other_route_waiting(room: DutyWorld, box: SecretBox) -> None:
    async def run() -> tuple[int, int]:
        async with hook_server() as slow, hook_server() as quick:
            slow.hang = True
            add_route(room, box, name="slow", channel="webhook", address=slow.address)
            add_route(room, box, name="quick", channel="webhook", address=quick.address)
            room.raise_alarm("camera_loop")
            sender = notifier(room, box, settings(timeout_s=1))
            await sender.once()
            async with asyncio.timeout(LONG_S):
                while not quick.requests:
                    await asyncio.sleep(0.01)
            assert sender._busy  # the slow one is still at it
            room.raise_alarm("camera_loop")  # and alarms go on
            await sender.once()
            async with asyncio.timeout(LONG_S):
                while len(quick.requests) < 2:
                    await asyncio.sleep(0.01)
                    await sender.once()
            await sender.idle()
            return len(slow.requests), len(quick.requests)

    slow, quick = asyncio.run(run())
    assert quick == 2
    assert slow >= 1
    assert any("within 1 s" in entry["error"] for entry in log(room))


@pytest.mark.parametrize(
    "answer",
    [
        b"\x00\xff\xfe" * 1000,
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nshort",
        b"HTTP/1.1 404 Gone\r\nContent-Length: 0\r\n\r\n",
        b"",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 300_000,
    ],
)
def test_garbage_is_no_receipt(room: DutyWorld, box: SecretBox, answer: bytes) -> None:
    async def run() -> WebHookServer:
        async with hook_server() as hook:
            hook.answers = [answer, OK]
            add_route(room, box, channel="webhook", address=hook.address)
            room.raise_alarm("camera_loop")
            sender = notifier(room, box, settings(timeout_s=2))
            await once(sender)
            (entry,) = log(room)
            assert entry["state"] == "waiting"
            assert entry["error"]
            room.clock.advance(3600)
            await once(sender)
            return hook

    hook = asyncio.run(run())
    ids = {json.loads(body)["id"] for _, body in hook.requests}
    assert len(hook.requests) == 2
    assert len(ids) == 1  # the same one again
    assert log(room)[0]["state"] == "sent"


def test_a_message_that_is_refused_by_itself_lets_others_pass(room: DutyWorld, box: SecretBox) -> None:
    async def run() -> None:
        async with hook_server() as hook:
            hook.answers = [b"HTTP/1.1 422 No\r\nContent-Length: 0\r\n\r\n", OK]
            add_route(room, box, channel="webhook", address=hook.address)
            room.raise_alarm("camera_loop", "camera:c1")
            room.clock.advance(0.001)
            room.raise_alarm("camera_loop", "camera:c2")
            await once(notifier(room, box, settings()))

    asyncio.run(run())
    assert sorted(entry["state"] for entry in log(room)) == ["sent", "waiting"]


def test_killed_between_the_answer_and_the_note_it_is_sent_again_with_the_same_id(
    room: DutyWorld, box: SecretBox
) -> None:
    async def run() -> WebHookServer:
        async with hook_server() as hook:
            add_route(room, box, channel="webhook", address=hook.address)
            room.raise_alarm("camera_loop")
            first = notifier(room, box, settings())
            hook.cut_before_answer = 1  # the other side has it; we never learn
            await once(first)
            room.clock.advance(60)
            await once(notifier(room, box, settings()))  # a control process that knows only the rows
            return hook

    hook = asyncio.run(run())
    ids = [json.loads(body)["id"] for _, body in hook.requests]
    assert len(ids) == 2
    assert len(set(ids)) == 1
    assert log(room)[0]["state"] == "sent"


def test_a_sender_that_is_stopped_in_the_middle_leaves_the_message_waiting(room: DutyWorld, box: SecretBox) -> None:
    async def run() -> None:
        async with hook_server() as hook:
            hook.hang = True
            add_route(room, box, channel="webhook", address=hook.address)
            room.raise_alarm("camera_loop")
            running = asyncio.create_task(notifier(room, box, settings(timeout_s=60)).run())
            async with asyncio.timeout(LONG_S):
                while not hook.requests:
                    await asyncio.sleep(0.01)
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running

    asyncio.run(run())
    assert log(room)[0]["state"] == "waiting"


def test_after_a_day_a_message_is_given_up_and_can_be_sent_again_by_hand(room: DutyWorld, box: SecretBox) -> None:
    async def run() -> None:
        port = _free_port()
        sender = notifier(room, box, settings(smtp_port=port))
        add_route(room, box)
        room.raise_alarm("camera_loop")
        await once(sender)
        room.clock.advance(notify.GIVE_UP_US / 1_000_000)
        await once(sender)
        (entry,) = log(room)
        assert entry["state"] == "failed"
        assert sender.counters.given_up == 1
        async with mail_server(port=port) as mail:
            notify_actions.send_again(room.database, PROGRAM, room.at, entry["id"])
            await once(sender)
            assert len(mail.messages) == 1

    asyncio.run(run())
    assert log(room)[0]["state"] == "sent"


def test_a_mail_server_that_refuses_or_drips_is_told_in_the_log(room: DutyWorld, box: SecretBox) -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del reader
        with contextlib.suppress(ConnectionError):
            while True:
                writer.write(b"2")
                await writer.drain()
                await asyncio.sleep(0.05)

    async def run() -> None:
        add_route(room, box)
        room.raise_alarm("camera_loop")
        async with mail_server() as mail:
            mail.answer = "554 5.7.1 not from you"
            await once(notifier(room, box, settings(smtp_port=mail.port)))
        (entry,) = log(room)
        assert "554" in entry["error"]
        dripping = await asyncio.start_server(drip, "127.0.0.1", 0)
        room.clock.advance(3600)
        await once(notifier(room, box, settings(smtp_port=dripping.sockets[0].getsockname()[1], timeout_s=1)))
        dripping.close()

    asyncio.run(run())
    (entry,) = log(room)
    assert "within 1 s" in entry["error"]
    assert entry["attempts"] == 2


def test_a_route_that_is_switched_off_withdraws_what_waits(room: DutyWorld, box: SecretBox) -> None:
    async def run() -> Notifier:
        sender = notifier(room, box, settings(smtp_port=_free_port()))
        route_id = add_route(room, box)
        room.raise_alarm("camera_loop")
        await once(sender)
        notify_routes.change_route(room.database, box, PROGRAM, room.at, route_id, {"enabled": False})
        room.clock.advance(3600)
        await once(sender)
        return sender

    sender = asyncio.run(run())
    assert sender.counters.tries_failed == 1
    assert (log(room)[0]["state"], log(room)[0]["cause"]) == ("withdrawn", "route_off")
