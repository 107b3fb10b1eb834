"""Hatchling hook: what is built beside the Python sources, so that a wheel needs neither Node nor a compiler.

The control room's screens (Node; editable installs skip them: there `make` builds them, or `make dev` serves them from
Vite), and the compiled twin of the recorder's packet loop (any C compiler; without one the twin in Python runs).
"""

import os
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

LOOP = Path("src/manara/recorder/_packets.c")


def compile_loop(root: Path, target: Path) -> bool:
    """Compile the packet loop into `target`; False where there is no C compiler or no Python header to do it with."""
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    include = sysconfig.get_paths()["include"]
    if not compiler or os.name != "posix" or not (Path(include) / "Python.h").exists():
        return False
    half = target.with_suffix(f".{os.getpid()}")
    shared = ["-bundle", "-undefined", "dynamic_lookup"] if os.uname().sysname == "Darwin" else ["-shared"]
    command = [compiler, "-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", *shared, f"-I{include}", str(root / LOOP)]
    try:
        subprocess.run([*command, "-o", str(half)], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"the packet loop was not compiled ({error}); the one in Python runs")
        return False
    half.replace(target)  # whoever has the old one loaded keeps it
    return True


class CustomBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Compile the packet loop; run `npm ci && npm run build` in `ui/` where the built screens are missing."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build what this kind of install wants."""
        root = Path(self.root)
        target = (root / LOOP).with_suffix(".abi3.so")
        target.unlink(missing_ok=True)
        if compile_loop(root, target):
            build_data["pure_python"] = False
            build_data["infer_tag"] = True
        if version == "editable" or (root / "src/manara/web/static/index.html").exists():
            return
        ui = root / "ui"
        try:
            subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=ui, check=True)
            subprocess.run(["npm", "run", "build"], cwd=ui, check=True)
        except FileNotFoundError as error:
            raise RuntimeError("Building the wheel needs Node 20 or newer (npm was not found)") from error
