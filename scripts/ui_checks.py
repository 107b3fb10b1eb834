"""Runs the checks of the screens' own sources (types, unit tests, words) where Node is there; part of `make test`."""

import shutil
import subprocess
import sys
from pathlib import Path

UI = Path(__file__).resolve().parent.parent / "ui"


def main() -> int:
    """The exit code of `npm run check`."""
    if shutil.which("npm") is None:
        print("screens: not checked, npm is not on this machine")
        return 0
    return subprocess.run(["npm", "run", "--silent", "check"], cwd=UI, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
