"""The rules of the house, checked by program: directions of imports, file sizes, imports inside functions, words."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "manara"

MOST_LINES = 600
# Over the limit with a reason, which must hold when it is read again.
LONGER: dict[str, str] = {}

# Words that mean something else here (`design.md`, Words), or that promise what Manara does not do.
WORDS = {
    r"\b(?:face|facial)_(?:id|recognition|embedding)\b": "Manara identifies nobody",
    r"\bre_?identif": "Manara follows nobody",
    r"\bwatch_?list\b": "Manara keeps no watch-list",
    r"\b(?:licen[cs]e|number)_plate\b": "no plate goes into a store",
    r"\bclass \w*Event\b": "say message, observation, alarm, incident or planned_event",
}
# Where such a word stands only to say that it is not done.
SAYS_NO = re.compile(r"\bno\b|\bnot\b|\bnever\b|\bdropped\b", re.IGNORECASE)


def tracked(*patterns: str) -> list[Path]:
    """Files that the repository keeps."""
    listed = subprocess.run(["git", "ls-files", "-z", *patterns], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a checkout: the files that are kept cannot be listed")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def modules() -> Iterator[Path]:
    return PACKAGE.rglob("*.py")


def test_imports_go_one_way() -> None:
    # A process of its own: import-linter turns the loggers of this one off.
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


def test_files_are_of_a_size_to_read() -> None:
    long = {}
    for file in modules():
        lines = len(file.read_text(encoding="utf-8").splitlines())
        name = str(file.relative_to(ROOT))
        if lines > MOST_LINES and name not in LONGER:
            long[name] = lines
    assert not long, f"over {MOST_LINES} lines without a reason: {long}"


def test_every_module_says_what_it_is() -> None:
    silent = [
        str(file.relative_to(ROOT))
        for file in modules()
        if file.stat().st_size and not ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
    ]
    assert not silent, f"modules without a docstring: {silent}"


def test_no_import_inside_a_function() -> None:
    found = []
    for file in modules():
        for function in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                found += [
                    f"{file.relative_to(ROOT)}:{inner.lineno}"
                    for inner in ast.walk(function)
                    if isinstance(inner, ast.Import | ast.ImportFrom)
                ]
    assert not found, f"imports inside functions: {sorted(set(found))}"


def test_no_bare_except_and_nothing_swallowed() -> None:
    found = []
    for file in modules():
        for handler in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(handler, ast.ExceptHandler):
                continue
            broad = handler.type is None or (
                isinstance(handler.type, ast.Name) and handler.type.id in ("Exception", "BaseException")
            )
            if broad and all(isinstance(step, ast.Pass | ast.Continue) for step in handler.body):
                found.append(f"{file.relative_to(ROOT)}:{handler.lineno}")
    assert not found, f"errors swallowed: {found}"


def test_words_mean_one_thing() -> None:
    found = []
    for file in modules():
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
            for pattern, why in WORDS.items():
                if re.search(pattern, line, re.IGNORECASE) and not SAYS_NO.search(line):
                    found.append(f"{file.relative_to(ROOT)}:{number}: {line.strip()} ({why})")
    assert not found, "\n".join(found)


def test_no_address_of_a_package_registry_is_kept() -> None:
    hosts = re.compile(r"https?://[^\s\"'/]*(?:pypi|pythonhosted|npmjs|npmmirror|yarnpkg|artifactory|nexus)[^\s\"']*")
    found = []
    for file in tracked():
        try:
            text = file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        if match := hosts.search(text):
            found.append(f"{file.relative_to(ROOT)}: {match.group()}")
    assert not found, found
