"""What the played devices say, and when: everything in turn, what matters at once, over the protocol of each.

A device tells all its values every `poll_s`, and a switch thrown, a door opened or a fibre cut within a second. Those
that are asked (Modbus, SNMP) have their values laid out by `asked.py`. Values go out as `Post`s to a `Speaker`; one
that cannot be reached loses them, as a box without memory would, and it is counted. Called by `played.py`.
"""

import asyncio
import json
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

import aiomqtt
import httpx

from manara.simulate.directory import Directory
from manara.simulate.estate import DeviceState, Estate, Told

log = logging.getLogger(__name__)
PUSH_TIMEOUT_S = 8.0  # longer than control waits for health (5 s): its answer must be heard
PROMPT = frozenset(
    {"grid_present", "battery_present", "cabinet_door_open", "switch_up", "port_up", "link_up"}
)  # told at once when they change
_TOLD_EVERY = 50  # failures


LOST = (OSError, httpx.HTTPError, aiomqtt.MqttError)


@dataclass(frozen=True, slots=True)
class Post:
    """Values of one device that go out together, subjects in ids."""

    device: str
    at_us: int
    told: tuple[Told, ...]


class Speaker(Protocol):
    """A way out."""

    async def say(self, post: Post) -> None:
        """Send. Raises one of `LOST` when it cannot."""

    async def close(self) -> None:
        """Hang up."""


@dataclass(slots=True)
class _Said:
    due_s: float
    prompt: dict[tuple[str, str], float] = field(default_factory=dict)
    heard: bool = True


class Voices:
    """Decides what every device that tells by itself has to say now."""

    def __init__(self, estate: Estate, directory: Directory) -> None:
        self._estate = estate
        self._directory = directory
        telling = [device for device in estate.devices.values() if device.row["protocol"] in ("push", "mqtt")]
        # Spread over the round, so that they do not all speak in one breath.
        self._said = {
            device.code: _Said(index * float(device.row["poll_s"]) / max(1, len(telling)))
            for index, device in enumerate(telling)
        }

    def due(self) -> Iterable[Post]:
        """What is to be sent now; call it once a second."""
        passed_s = self._estate.passed_s
        for code, said in self._said.items():
            device = self._estate.devices[code]
            heard = self._estate.speaks(device)
            gasp = said.heard and not heard and not device.dead
            said.heard = heard
            if not heard and not gasp:
                said.due_s = passed_s
                continue
            told = self._estate.readings(device)
            prompt = {(subject, quantity): value for subject, quantity, value in told if quantity in PROMPT}
            if gasp or passed_s >= said.due_s:
                said.due_s = max(said.due_s + float(device.row["poll_s"]), passed_s + 1)
            else:
                told = [one for one in told if one[1] in PROMPT and said.prompt.get(one[:2]) not in (None, one[2])]
            said.prompt = prompt
            if told and (not gasp or self._gasps(device)):
                yield self._post(device, told)

    def _gasps(self, device: DeviceState) -> bool:
        """Whether its last words come through: power went, and its own way out has a moment's charge."""
        return not self._estate.sites[device.site].power.powered

    def _post(self, device: DeviceState, told: list[Told]) -> Post:
        named = ((self._directory.subject(subject), quantity, value) for subject, quantity, value in told)
        return Post(device.code, self._estate.now_us, tuple(one for one in named if one[0]))


class Pusher:
    """HTTP push, `POST /api/telemetry`, as any box with a token does it."""

    def __init__(self, base_url: str, tokens: dict[str, str]) -> None:
        self._tokens = tokens
        self.rejected = 0
        self._client = httpx.AsyncClient(base_url=base_url, timeout=PUSH_TIMEOUT_S, verify=False)  # noqa: S501 loopback

    async def say(self, post: Post) -> None:
        """Push one post. Raises `httpx.HTTPError`."""
        token = self._tokens.get(post.device)
        if token is None:
            return
        body = json.dumps({"readings": as_readings(post)}).encode()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "X-Manara": "1"}
        answer = await self._client.post("/api/telemetry", content=body, headers=headers)
        answer.raise_for_status()
        rejected = answer.json().get("rejected")
        if rejected:
            self.rejected += len(rejected)
            worst = post.told[rejected[0]["index"]]
            log.info("readings were not believed", extra={"device": post.device, "first": worst, "why": rejected[0]})

    async def close(self) -> None:
        """Close its connections."""
        await self._client.aclose()


class Publisher:
    """MQTT to Manara's own broker, each device on a connection and with the token of its own:
    `site/<device>/readings`.
    """

    def __init__(self, host: str, port: int, tokens: dict[str, str]) -> None:
        self._host, self._port, self._tokens = host, port, tokens
        self._clients: dict[str, aiomqtt.Client] = {}
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def say(self, post: Post) -> None:
        """Publish one post, on a connection that is made where there is none. Raises `aiomqtt.MqttError`."""
        code = post.device
        token = self._tokens.get(code)
        if token is None:
            return
        async with self._turns[code]:
            try:
                if code not in self._clients:
                    client = aiomqtt.Client(
                        self._host, self._port, username=code, password=token, timeout=PUSH_TIMEOUT_S
                    )
                    await client.__aenter__()
                    self._clients[code] = client
                body = json.dumps({"readings": as_readings(post)}).encode()
                await self._clients[code].publish(f"site/{code}/readings", body, qos=1)
            except aiomqtt.MqttError:
                await self._drop(code)
                raise

    async def _drop(self, code: str) -> None:
        client = self._clients.pop(code, None)
        if client is not None:
            try:
                await client.__aexit__(None, None, None)
            except aiomqtt.MqttError as error:
                log.debug("a broken connection was dropped", extra={"reason": str(error)})

    async def close(self) -> None:
        """Close the connections."""
        for code in list(self._clients):
            async with self._turns[code]:
                await self._drop(code)


def as_readings(post: Post) -> list[dict[str, object]]:
    """The readings of a push."""
    return [
        {"subject": subject, "quantity": quantity, "value": value, "at_us": post.at_us}
        for subject, quantity, value in post.told
    ]


class Failures:
    """Counts what could not be sent, and says so now and then."""

    def __init__(self, say: Callable[..., None] = log.warning) -> None:
        self.count = 0
        self._say = say

    def add(self, device: str, error: Exception) -> None:
        """One post was lost."""
        self.count += 1
        if self.count % _TOLD_EVERY == 1:
            self._say("telemetry was lost", extra={"device": device, "lost": self.count, "reason": repr(error)[:200]})
