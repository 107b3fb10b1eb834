"""`make bench`: every benchmark of this folder in its short form, one after the other; each prints what it measured.

    python -m benchmarks                 all
    python -m benchmarks recorder        one; flags after it are handed on

Returns 1 where one missed its limit. Nothing is written into the tree.
"""

import subprocess
import sys
from pathlib import Path

HELPERS = {
    "__main__", "sender", "floor", "recorder_process", "bad_day", "image_scenes", "causes_faults", "causes_province",
    "fleet_sender",
}  # fmt: skip


def main() -> int:
    """Run the benchmarks named, or all."""
    known = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in HELPERS)
    chosen = sys.argv[1:2] or known
    if chosen[0] not in known:
        print(f"no benchmark is called {chosen[0]!r}; known: {', '.join(known)}", file=sys.stderr)
        return 2
    failed = []
    for name in chosen:
        print(f"== {name}", flush=True)
        if subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *sys.argv[2:]], check=False).returncode:
            failed.append(name)
    if failed:
        print(f"missed: {', '.join(failed)}")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
