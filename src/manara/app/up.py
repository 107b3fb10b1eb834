"""`manara up`: the whole of Manara on this machine under one supervisor. Builds the list of roles; works for none."""

import asyncio
import logging
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from manara.app.data import open_state, prepare
from manara.app.folders import Folders, OnlyOne, journal_address
from manara.app.stopping import stop_on_signals
from manara.app.supervisor import Role, Supervisor
from manara.app.vision import processes as vision_processes
from manara.base.clock import SystemClock
from manara.base.errors import ManaraError, SettingsError, Unavailable
from manara.messages import RoleRestarted
from manara.network.tables import Camera
from manara.settings import Settings
from manara.store.journal_nats import NatsJournal
from manara.store.nats_server import JournalAddress, answers, configure

log = logging.getLogger(__name__)

CAMERAS_A_RECORDER = 300
GROW_EVERY_S = 30.0
GROW_APART_S = 1.0  # between recorders that an import made necessary: those that record are not starved by them
READY_S = 30.0
_UNTOLD_MOST = 1000


@dataclass(slots=True)
class _Teller:
    """Puts `RoleRestarted` in the journal when it can be reached; the journal may be the very role that died."""

    journal: NatsJournal
    untold: list[RoleRestarted] = field(default_factory=list)

    async def on_restart(self, role: str, exit_code: int, restarts: int) -> None:
        """Remember, to be told."""
        self.untold.append(RoleRestarted(role=role, exit_code=exit_code, restarts=restarts))
        del self.untold[:-_UNTOLD_MOST]

    async def run(self) -> None:
        """Tell, for ever."""
        while True:
            await asyncio.sleep(0.5)
            while self.untold and self.journal.connected:
                fact = self.untold[0]
                try:
                    await self.journal.publish(fact)
                except Unavailable as error:
                    log.info("restart is told later", extra={"reason": error.message})
                    break
                if self.untold and self.untold[0] is fact:
                    self.untold.pop(0)


def recorder_count(settings: Settings) -> int:
    """As many recorder processes as the settings say, or one for every 300 cameras."""
    return settings.recorder.processes or max(1, -(-camera_count(settings) // CAMERAS_A_RECORDER))


def camera_count(settings: Settings) -> int:
    """How many cameras the state holds that are in use."""
    database = open_state(settings)
    try:
        with database.read() as session:
            return session.scalar(select(func.count()).select_from(Camera).where(Camera.enabled)) or 0
    finally:
        database.close()


def visions_of(settings_arguments: Sequence[str], count: int) -> list[Role]:
    """So many vision processes, each knowing how many they are."""
    command = [sys.executable, "-m", "manara.app.vision", *settings_arguments]
    return [
        Role(f"vision-{number}", [*command, "--number", str(number), "--of", str(count)])
        for number in range(1, count + 1)
    ]


def check_ports(settings: Settings, *, simulate: bool) -> None:
    """Raise `SettingsError` when somebody else listens on a port of ours: a role that cannot start helps nobody."""
    wanted = [("web.port", settings.web.host, settings.web.port)]
    if settings.telemetry.mqtt_port:
        wanted.append(("telemetry.mqtt_port", settings.telemetry.mqtt_host, settings.telemetry.mqtt_port))
    if simulate:
        wanted.append(("simulate.rtsp_port", "127.0.0.1", settings.simulate.rtsp_port))
        wanted.append(("simulate.onvif_port", "127.0.0.1", settings.simulate.onvif_port))
    for name, host, port in wanted:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                raise SettingsError(
                    f"{name}: {host}:{port} cannot be listened on ({error.strerror}); free it or take another",
                    code="port_taken",
                ) from error


def recorders_of(settings_arguments: Sequence[str], count: int) -> list[Role]:
    """So many recorders, each knowing how many they are."""
    command = [sys.executable, "-m", "manara.app.recorders", *settings_arguments]
    return [
        Role(f"recorder-{number}", [*command, "--id", f"recorder-{number}", "--of", str(count)])
        for number in range(1, count + 1)
    ]


async def grow(
    supervisor: Supervisor,
    count: Callable[[], int],
    settings_arguments: Sequence[str],
    every_s: float = GROW_EVERY_S,
    apart_s: float = GROW_APART_S,
) -> None:
    """Start more recorders, one after the other, when cameras have become too many for those that run; never fewer
    before a restart.
    """
    running = await asyncio.to_thread(count)
    while True:
        await asyncio.sleep(every_s)
        try:
            wanted = await asyncio.to_thread(count)
        except (ManaraError, SQLAlchemyError) as error:
            log.warning("cameras cannot be counted; looked at again later", extra={"reason": str(error)[:200]})
            continue
        if wanted > running:
            log.info("another recorder is wanted", extra={"running": running, "wanted": wanted})
            for number, role in enumerate(recorders_of(settings_arguments, wanted), start=1):
                if number > running + 1:
                    await asyncio.sleep(apart_s)
                supervisor.start(role)
            running = wanted


def roles_of(settings: Settings, settings_arguments: Sequence[str], *, simulate: bool) -> list[Role]:
    """The roles of this machine but the journal. `settings_arguments` make a child read the same settings."""

    def role(name: str, module: str, *, last: bool = False) -> Role:
        return Role(name, [sys.executable, "-m", f"manara.app.{module}", *settings_arguments], last=last)

    roles = [role("control", "control"), *recorders_of(settings_arguments, recorder_count(settings))]
    roles.append(role("health", "health"))
    roles += visions_of(settings_arguments, vision_processes(settings, camera_count(settings)))
    if simulate:
        # Stopped last, so that stopping does not look like cameras that went away.
        roles.insert(0, role("simulate", "simulators", last=True))
    return roles


async def wait_ready(settings: Settings, timeout_s: float = READY_S) -> bool:
    """Wait until the web answers. Returns False when it did not in time."""
    host = "127.0.0.1" if settings.web.host in ("0.0.0.0", "localhost") else settings.web.host  # noqa: S104
    try:
        async with asyncio.timeout(timeout_s):
            while True:
                try:
                    _, writer = await asyncio.open_connection(host, settings.web.port)
                except OSError:
                    await asyncio.sleep(0.1)
                    continue
                writer.close()
                return True
    except TimeoutError:
        return False


def address_of(settings: Settings) -> str:
    """Where a browser finds the control room."""
    scheme = "https" if settings.web.tls_certificate else "http"
    host = f"[{settings.web.host}]" if ":" in settings.web.host else settings.web.host
    return f"{scheme}://{host}:{settings.web.port}"


def say(line: str = "") -> None:
    """A line for the person at the terminal."""
    print(line, flush=True)


async def run_up(
    settings: Settings, settings_arguments: Sequence[str], *, simulate: bool = False, greeting: str = ""
) -> None:
    """Start everything, keep it alive until a signal, stop it in order. `greeting` is said with the address."""
    stop = stop_on_signals()
    folders = Folders.of(settings)
    only = OnlyOne(folders)
    try:
        check_ports(settings, simulate=simulate)
        password = await asyncio.to_thread(prepare, settings, SystemClock())
        if password is not None:
            greeting += f"  First administrator: account admin, one-time password {password} (shown this once)\n"
        await _run(settings, settings_arguments, folders, stop, greeting, simulate=simulate)
    finally:
        only.release()


async def _run(
    settings: Settings,
    settings_arguments: Sequence[str],
    folders: Folders,
    stop: asyncio.Event,
    greeting: str,
    *,
    simulate: bool,
) -> None:
    own_journal: Role | None = None
    if not settings.journal.url:
        _, command = configure(folders.data, settings.journal.port)
        own_journal = Role("journal", command, last=True, output=_fresh(folders.logs / "journal.log"))
    address = journal_address(settings)
    journal = await NatsJournal.start(address.url, address.user, address.password, name="supervisor")
    teller = _Teller(journal)
    supervisor = Supervisor(folders.run, teller.on_restart)
    telling = asyncio.create_task(teller.run(), name="tell-restarts")
    growing: asyncio.Task[None] | None = None
    try:
        if own_journal is not None:
            supervisor.start(own_journal)
            await _journal_greets(address, stop)
        for role in await asyncio.to_thread(lambda: roles_of(settings, settings_arguments, simulate=simulate)):
            supervisor.start(role)
        growing = asyncio.create_task(
            grow(supervisor, lambda: recorder_count(settings), settings_arguments), name="grow"
        )
        ready = asyncio.create_task(wait_ready(settings), name="wait-ready")
        stopped = asyncio.create_task(stop.wait(), name="stop")
        await asyncio.wait({ready, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if ready.done():
            _greet(settings, greeting, ready=ready.result())
        ready.cancel()
        await stopped
    finally:
        telling.cancel()
        if growing is not None:
            growing.cancel()
        await journal.close()
        await supervisor.stop()


async def _journal_greets(address: JournalAddress, stop: asyncio.Event) -> None:
    for _ in range(100):
        if stop.is_set() or await asyncio.to_thread(answers, address):
            return
        await asyncio.sleep(0.05)
    log.warning("the journal has not greeted yet; the roles start without it")


def _greet(settings: Settings, greeting: str, *, ready: bool) -> None:
    if not ready:
        say(f"The web does not answer after {READY_S:.0f} s; see {settings.data.directory / 'logs'}.")
        return
    say()
    say(f"  Manara: {address_of(settings)}")
    if greeting:
        say(greeting.rstrip("\n"))
    say("  Ctrl-C stops it.")
    say()


def _fresh(file: Path) -> Path:
    """The journal server appends to its log itself: keep the last run's as `.1`."""
    if file.exists():
        file.replace(file.with_suffix(".log.1"))
    return file
