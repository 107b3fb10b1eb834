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
from typing import Any

from manara import __version__
from manara.app.control import run_control
from manara.app.data import Folders
from manara.app.recorders import run_recorder
from manara.app.stopping import stop_on_signals
from manara.app.up import run_up
from manara.base import log
from manara.base.errors import ManaraError, SettingsError
from manara.settings import Settings, load

Command = Callable[[argparse.Namespace], int]


def settings_of(given: argparse.Namespace, **flags: Any) -> Settings:
    """The settings that the common flags name."""
    if given.data is not None:
        flags.setdefault("data", {})["directory"] = str(given.data)
    return load(given.settings, flags=flags)


def settings_arguments(given: argparse.Namespace, settings: Settings) -> list[str]:
    """Flags that make another process read the same settings."""
    arguments = ["--data", str(settings.data.directory.absolute())]
    if given.settings is not None:
        arguments += ["--settings", str(given.settings.absolute())]
    return arguments


def up(given: argparse.Namespace) -> int:
    """Everything on this machine."""
    flags = {"web": {"port": given.port}} if given.port is not None else {}
    settings = settings_of(given, **flags)
    log.setup("supervisor", Folders.of(settings).logs)
    children = settings_arguments(given, settings) + (["--port", str(given.port)] if given.port is not None else [])
    asyncio.run(run_up(settings, children, simulate=given.simulate))
    return 0


def run(given: argparse.Namespace) -> int:
    """One role in this process."""
    flags = {"web": {"port": given.port}} if given.port is not None else {}
    settings = settings_of(given, **flags)
    name = given.id or ("recorder-1" if given.role == "recorder" else given.role)
    log.setup(name, Folders.of(settings).logs)

    async def play() -> None:
        stop = stop_on_signals()
        if given.role == "control":
            await run_control(settings, stop)
        elif given.role == "recorder":
            await run_recorder(settings, name, stop)

    asyncio.run(play())
    return 0


def parser() -> argparse.ArgumentParser:
    """The arguments of all commands."""
    common = argparse.ArgumentParser(prog="manara", description="Manara: camera network and control room.")
    common.add_argument("--version", action="version", version=f"manara {__version__}")
    common.add_argument("--settings", type=Path, metavar="FILE", help="settings file (default: manara.toml, if there)")
    common.add_argument("--data", type=Path, metavar="FOLDER", help="data folder, over what the settings say")
    common.add_argument("--port", type=int, help="port of the web, over what the settings say")
    commands = common.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, function: Command, words: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=words, description=words)
        made.set_defaults(function=function)
        return made

    one = command("up", up, "start all roles on this machine under one supervisor")
    one.add_argument("--simulate", action="store_true", help="also run the virtual cameras")

    one = command("run", run, "run one role in this process")
    one.add_argument("--role", required=True, choices=("control", "recorder", "simulate"))
    one.add_argument("--id", default="", help="name of a recorder, such as recorder-1")
    return common


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
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
