"""A real mail server and a real HTTP server for notifications, on loopback, that can be told to misbehave."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.smtp import SMTP


@dataclass
class MailBox:
    """What the mail server took."""

    port: int = 0
    messages: list[EmailMessage] = field(default_factory=list)
    answer: str = "250 2.0.0 queued as 7K2"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Keep a message, or refuse it."""
        del server, session
        if self.answer.startswith("250"):
            self.messages.append(message_from_bytes(envelope.content, policy=default))  # type: ignore[arg-type]
        return self.answer


@asynccontextmanager
async def mail_server(box: MailBox | None = None, port: int = 0) -> AsyncIterator[MailBox]:
    """A real SMTP server."""
    box = box or MailBox()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(box, enable_SMTPUTF8=True, loop=loop), "127.0.0.1", port)
    box.port = server.sockets[0].getsockname()[1]
    try:
        yield box
    finally:
        server.close()


@dataclass
class WebHookServer:
    """What a webhook's server was sent, and what it answers (whole, as it goes over the wire)."""

    port: int = 0
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answers: list[bytes] = field(default_factory=list)  # the last one is repeated
    hang: bool = False
    cut_before_answer: int = 0  # so many requests are taken and not answered

    @property
    def address(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}/hook?for=manara"


OK = b"HTTP/1.1 202 Accepted\r\nContent-Length: 5\r\n\r\ntaken"


@asynccontextmanager
async def hook_server(hook: WebHookServer | None = None, port: int = 0) -> AsyncIterator[WebHookServer]:
    """A real HTTP server of one page."""
    hook = hook or WebHookServer()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            headers = {}
            for line in head.split("\r\n")[1:]:
                name, _, value = line.partition(": ")
                headers[name.lower()] = value
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            hook.requests.append((headers, body))
            if hook.hang:
                await asyncio.sleep(60)
            if hook.cut_before_answer:
                hook.cut_before_answer -= 1
                return
            answer = hook.answers.pop(0) if len(hook.answers) > 1 else (hook.answers or [OK])[0]
            writer.write(answer)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    hook.port = server.sockets[0].getsockname()[1]
    try:
        yield hook
    finally:
        server.close()
