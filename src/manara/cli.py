"""The commands: `manara up`, `run`, `demo`, `doctor`, `import`, `account`, `audit`, `verify`, `simulate`, `settings`.

Reads the arguments and the settings, calls `manara.app`, prints errors plainly, returns exit codes: 0 done, 1 failed,
2 wrong arguments or settings, 130 interrupted.
"""

import argparse
import asyncio
import logging
import sys
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from manara import __version__
from manara.access.roles import Role
from manara.app import archive_check, doctor, imports, people, reference
from manara.app.control import run_control
from manara.app.data import Folders
from manara.app.demo import run_demo
from manara.app.recorders import run_recorder
from manara.app.simulators import run_clip, run_simulate
from manara.app.stopping import stop_on_signals
from manara.app.up import run_up
from manara.base import log
from manara.base.clock import SystemClock
from manara.base.errors import ManaraError, SettingsError
from manara.settings import Settings, load

Command = Callable[[argparse.Namespace], int]
DEMO_DATA = Path("demo-data")


def say(line: str) -> None:
    """A line on the terminal."""
    print(line, flush=True)


def settings_of(given: argparse.Namespace, *, data: Path | None = None) -> Settings:
    """The settings that the common flags name; `data` is the data folder where nothing else names one."""
    flags: dict[str, Any] = {}
    folder = given.data or (data if given.settings is None else None)
    if folder is not None:
        flags["data"] = {"directory": str(folder)}
    if given.port is not None:
        flags["web"] = {"port": given.port}
    if given.cameras is not None:
        flags["simulate"] = {"cameras": given.cameras}
    return load(given.settings, flags=flags)


def settings_arguments(given: argparse.Namespace, settings: Settings) -> list[str]:
    """Flags that make another process read the same settings."""
    arguments = ["--data", str(settings.data.directory.absolute())]
    for name, value in (("settings", given.settings), ("port", given.port), ("cameras", given.cameras)):
        if value is not None:
            arguments += [f"--{name}", str(value.absolute() if isinstance(value, Path) else value)]
    return arguments


def up(given: argparse.Namespace) -> int:
    """Everything on this machine."""
    settings = settings_of(given)
    log.setup("supervisor", Folders.of(settings).logs)
    asyncio.run(run_up(settings, settings_arguments(given, settings), simulate=given.simulate))
    return 0


def demo(given: argparse.Namespace) -> int:
    """The virtual province."""
    settings = settings_of(given, data=DEMO_DATA)
    log.setup("supervisor", Folders.of(settings).logs, level=logging.INFO)
    asyncio.run(run_demo(settings, settings_arguments(given, settings)))
    return 0


def run(given: argparse.Namespace) -> int:
    """One role in this process."""
    settings = settings_of(given)
    name = given.id or ("recorder-1" if given.role == "recorder" else given.role)
    log.setup(name, Folders.of(settings).logs)

    def begin(stop: asyncio.Event) -> Coroutine[Any, Any, None]:
        if given.role == "control":
            return run_control(settings, stop)
        if given.role == "recorder":
            return run_recorder(settings, name, stop)
        return run_simulate(settings, stop)

    async def play() -> None:
        await begin(stop_on_signals())

    asyncio.run(play())
    return 0


def simulate(given: argparse.Namespace) -> int:
    """Virtual cameras alone: the province's, or one that plays a file."""
    settings = settings_of(given)
    log.setup("simulate", None)

    async def play() -> None:
        stop = stop_on_signals()
        await (run_clip(settings, given.clip, stop, say) if given.clip is not None else run_simulate(settings, stop))

    asyncio.run(play())
    return 0


def doctor_command(given: argparse.Namespace) -> int:
    """Look at the machine, or at the archive."""
    settings = settings_of(given)
    if given.archive or given.mend:
        return archive_check.check(settings, mend=given.mend, say=say)
    return doctor.report(doctor.examine(settings), say)


def import_command(given: argparse.Namespace) -> int:
    """Cameras, sites, towns, sectors, or the base map."""
    return imports.run(settings_of(given), SystemClock(), given.what, given.file, apply=given.apply, say=say)


def account(given: argparse.Namespace) -> int:
    """Accounts."""
    settings, clock = settings_of(given), SystemClock()
    if given.what == "add":
        return people.add(settings, clock, given.account, given.name, given.role, say)
    if given.what == "password":
        return people.new_password(settings, clock, given.account, say)
    return people.show(settings, say)


def audit(given: argparse.Namespace) -> int:
    """The audit log's chain."""
    return people.verify_audit(settings_of(given), say)


def verify(given: argparse.Namespace) -> int:
    """An exported file, without any installation."""
    return archive_check.verify_file(given.file, say)


def settings_command(given: argparse.Namespace) -> int:
    """The reference of settings, or what is in force."""
    say(settings_of(given).model_dump_json(indent=2) if given.in_force else reference.settings_page())
    return 0


def _port(text: str) -> int:
    port = int(text)
    if not 1 <= port <= 65535:
        raise argparse.ArgumentTypeError("a port is 1 to 65535")
    return port


def parser() -> argparse.ArgumentParser:
    """The arguments of all commands."""
    top = argparse.ArgumentParser(prog="manara", description="Manara: camera network and control room.")
    top.add_argument("--version", action="version", version=f"manara {__version__}")
    top.add_argument("--settings", type=Path, metavar="FILE", help="settings file (default: manara.toml, if there)")
    top.add_argument("--data", type=Path, metavar="FOLDER", help="data folder, over what the settings say")
    top.add_argument("--port", type=_port, help="port of the web, over what the settings say")
    top.add_argument("--cameras", type=int, help="virtual cameras that stream, over what the settings say")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, function: Command, words: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=words, description=words)
        made.set_defaults(function=function)
        return made

    one = command("up", up, "start all roles on this machine under one supervisor")
    one.add_argument("--simulate", action="store_true", help="also run the virtual cameras")

    command("demo", demo, "a virtual province: real RTSP cameras, recorded and live, with demo accounts")

    one = command("run", run, "run one role in this process")
    one.add_argument("--role", required=True, choices=("control", "recorder", "simulate"))
    one.add_argument("--id", default="", help="name of a recorder, such as recorder-1")

    one = command("doctor", doctor_command, "check this machine and say what to mend")
    one.add_argument("--archive", action="store_true", help="check the archive instead: no orphan file, no orphan row")
    one.add_argument(
        "--mend", action="store_true", help="with --archive: mend what is wrong (stop the recorders first)"
    )

    one = command("import", import_command, "import a file; without --apply only say what it would do")
    one.add_argument("what", choices=imports.KINDS)
    one.add_argument("file", type=Path)
    one.add_argument("--apply", action="store_true", help="do it")

    one = command("account", account, "accounts: list, add, new password")
    actions = one.add_subparsers(dest="what", required=True, metavar="WHAT")
    actions.add_parser("list", help="list all")
    two = actions.add_parser("add", help="add one, with a one-time password")
    two.add_argument("account")
    two.add_argument("--name", default="")
    two.add_argument("--role", action="append", required=True, choices=[str(role) for role in Role])
    two = actions.add_parser("password", help="give a one-time password and end all sessions")
    two.add_argument("account")

    one = command("audit", audit, "the audit log")
    one.add_argument("what", choices=("verify",), help="walk the chain, name the first entry that does not fit")

    one = command("verify", verify, "check an exported file or its manifest, offline")
    one.add_argument("file", type=Path)

    one = command("simulate", simulate, "virtual cameras alone, on loopback")
    one.add_argument("--clip", type=Path, metavar="FILE", help="one camera that plays this file for ever")

    one = command("settings", settings_command, "print the reference of settings")
    one.add_argument("--in-force", action="store_true", help="print the settings in force instead, as JSON")
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the exit code."""
    given = parser().parse_args(arguments)
    try:
        return int(given.function(given))
    except ManaraError as error:
        logging.getLogger(__name__).debug("command failed", exc_info=True)
        print(f"manara {given.command}: {error.message}", file=sys.stderr)
        for fault in error.fields:
            row = "" if fault.row is None else f"row {fault.row}, "
            print(f"  {row}{fault.field}: {fault.message}", file=sys.stderr)
        return 2 if isinstance(error, SettingsError) else 1
    except OSError as error:
        print(f"manara {given.command}: {error.filename or ''}: {error.strerror or error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
