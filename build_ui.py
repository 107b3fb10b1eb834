"""Hatchling hook: builds the control room (Node) into the wheel, so that an installed wheel needs no Node.

Editable installs skip it: there `make` builds the screens, or `make dev` serves them from Vite.
"""

import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CustomBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Run `npm ci && npm run build` in `ui/` where the built screens are missing."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build unless this is an editable install or the screens are there already."""
        del build_data
        root = Path(self.root)
        if version == "editable" or (root / "src/manara/web/static/index.html").exists():
            return
        ui = root / "ui"
        try:
            subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=ui, check=True)
            subprocess.run(["npm", "run", "build"], cwd=ui, check=True)
        except FileNotFoundError as error:
            raise RuntimeError("Building the wheel needs Node 20 or newer (npm was not found)") from error
