"""The flags that every process of Manara understands, so that children read the settings that their parent read."""

import argparse
from pathlib import Path
from typing import Any

from manara.settings import Settings, load


def port(text: str) -> int:
    """A port of 1 to 65535. Raises `argparse.ArgumentTypeError`."""
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError("a port is 1 to 65535")
    return int(text)


def add(parser: argparse.ArgumentParser) -> None:
    """Add the common flags."""
    parser.add_argument("--settings", type=Path, metavar="FILE", help="settings file (default: manara.toml, if there)")
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="data folder, over what the settings say")
    parser.add_argument("--port", type=port, help="port of the web, over what the settings say")
    parser.add_argument("--cameras", type=int, help="virtual cameras that stream, over what the settings say")


def settings_of(given: argparse.Namespace, *, data: Path | None = None) -> Settings:
    """The settings that the flags name; `data` is the data folder where nothing else names one."""
    flags: dict[str, Any] = {}
    folder = given.data or (data if given.settings is None else None)
    if folder is not None:
        flags["data"] = {"directory": str(folder)}
    if given.port is not None:
        flags["web"] = {"port": given.port}
    if given.cameras is not None:
        flags["simulate"] = {"cameras": given.cameras}
    return load(given.settings, flags=flags)


def passed_on(given: argparse.Namespace, settings: Settings) -> list[str]:
    """Flags that make another process read the same settings."""
    arguments = ["--data", str(settings.data.directory.absolute())]
    for name, value in (("settings", given.settings), ("port", given.port), ("cameras", given.cameras)):
        if value is not None:
            arguments += [f"--{name}", str(value.absolute() if isinstance(value, Path) else value)]
    return arguments
