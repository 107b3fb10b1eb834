"""The commands: `manara up`, `run`, `demo`, `doctor`, `import`, `account`, `audit`, `verify`, `simulate`, `settings`.

Reads the arguments and the settings, calls `manara.app`, prints errors plainly, returns exit codes: 0 done, 1 failed,
2 wrong arguments or settings, 130 interrupted.
"""

import argparse
import asyncio
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from manara import __version__
from manara.access.roles import Role
from manara.app import (
    archive_check,
    control,
    doctor,
    flags,
    health,
    imports,
    people,
    recorders,
    reference,
    simulators,
    vision,
)
from manara.app.demo import run_demo
from manara.app.flags import settings_of
from manara.app.folders import Folders
from manara.app.simulators import run_clip, run_simulate
from manara.app.stopping import leave, stop_on_signals
from manara.app.up import run_up
from manara.base import log
from manara.base.clock import SystemClock
from manara.base.errors import ManaraError, SettingsError

Command = Callable[[argparse.Namespace], int]
DEMO_DATA = Path("demo-data")


def say(line: str) -> None:
    """A line on the terminal."""
    print(line, flush=True)


def up(given: argparse.Namespace) -> int:
    """Everything on this machine."""
    settings = settings_of(given)
    log.setup("supervisor", Folders.of(settings).logs)
    asyncio.run(run_up(settings, flags.passed_on(given, settings), simulate=given.simulate))
    return 0


def demo(given: argparse.Namespace) -> int:
    """The virtual province."""
    settings = settings_of(given, data=DEMO_DATA)
    log.setup("supervisor", Folders.of(settings).logs, level=logging.INFO)
    asyncio.run(run_demo(settings, flags.passed_on(given, settings)))
    return 0


def run(given: argparse.Namespace) -> int:
    """One role in this process."""
    settings = settings_of(given)
    if given.role == "recorder":
        recorders.play(settings, given.id, given.of)
        return 0
    if given.role == "vision":
        vision.play(settings, given.number, given.of)
        return 0
    {"control": control.play, "health": health.play, "simulate": simulators.play}[given.role](settings)
    return 0


def simulate(given: argparse.Namespace) -> int:
    """Virtual cameras alone: the province's, or one that plays a file; or an order to a simulation that runs."""
    settings = settings_of(given)
    if given.what == "fault":
        at = given.site or given.camera or given.link or given.sector or given.recorder or ""
        return simulators.fault(settings, given.kind, at, given.seconds, say)
    if given.what == "heal":
        return simulators.heal(settings, given.fault, say)
    if given.what == "list":
        return simulators.show(settings, say)
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
        return archive_check.check(settings, mend=given.mend, deep=given.deep, say=say)
    return doctor.report(doctor.examine(settings), say)


def import_command(given: argparse.Namespace) -> int:
    """Cameras, sites, towns, sectors, or the base map."""
    return imports.run(
        settings_of(given), SystemClock(), given.what, given.file, where=given.where, apply=given.apply, say=say
    )


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


def parser() -> argparse.ArgumentParser:
    """The arguments of all commands."""
    top = argparse.ArgumentParser(prog="manara", description="Manara: camera network and control room.")
    top.add_argument("--version", action="version", version=f"manara {__version__}")
    flags.add(top)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, function: Command, words: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=words, description=words)
        made.set_defaults(function=function)
        return made

    one = command("up", up, "start all roles on this machine under one supervisor")
    one.add_argument("--simulate", action="store_true", help="also run the virtual cameras")

    command("demo", demo, "a virtual province: real RTSP cameras, recorded and live, with demo accounts")

    one = command("run", run, "run one role in this process")
    one.add_argument("--role", required=True, choices=("control", "health", "recorder", "simulate", "vision"))
    recorders.add_flags(one)
    one.add_argument("--number", type=int, default=1, help="which vision process this is")

    one = command("doctor", doctor_command, "check this machine and say what to mend")
    one.add_argument("--archive", action="store_true", help="check the archive instead: no orphan file, no orphan row")
    one.add_argument(
        "--mend", action="store_true", help="with --archive: mend what is wrong (stop the recorders first)"
    )

    one.add_argument("--deep", action="store_true", help="with --archive: read every fragment, not only the sizes")

    one = command("import", import_command, "import a file; without --apply only say what it would do")
    one.add_argument("what", choices=imports.KINDS)
    one.add_argument("file", type=Path)
    one.add_argument("--apply", action="store_true", help="do it (layers of the base map are made at once)")
    one.add_argument("--where", metavar="PROPERTY=VALUE", help="of sectors and layers, only features that have this")

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
    orders = one.add_subparsers(dest="what", metavar="ORDER", help="to a simulation that runs, as in `manara demo`")
    two = orders.add_parser("fault", help="make something wrong: `fault site_power --site SITE-080`")
    two.add_argument("kind")
    for name in ("site", "camera", "link", "sector", "recorder"):
        two.add_argument(f"--{name}", metavar="CODE")
    two.add_argument("--seconds", type=float, help="heal it after so long")
    two = orders.add_parser("heal", help="put one fault right, or all")
    two.add_argument("fault", nargs="?", default="all", metavar="ID")
    orders.add_parser("list", help="what is wrong now, and what could be")

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
    leave(main())
