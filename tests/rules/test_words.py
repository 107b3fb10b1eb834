"""Every rule by which health concludes a cause has words on the screens, in both languages, and no others do."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def texts(node: ast.expr) -> Iterator[str]:
    """The texts that an expression may be."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from texts(node.body)
        yield from texts(node.orelse)


def rules_in(path: Path) -> Iterator[str]:
    """What is given as `rule`: to `_made` and `Root`, or to a name `rule`, alone or among others."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            place = {"_made": 1, "_of_link": 1, "Root": 2}.get(name)
            if place is not None and len(node.args) > place:
                yield from texts(node.args[place])
            yield from (text for one in node.keywords if one.arg == "rule" for text in texts(one.value))
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                names, values = [target], [node.value]
                if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                    names, values = list(target.elts), list(node.value.elts)
                for one, value in zip(names, values, strict=True):
                    if isinstance(one, ast.Name) and one.id == "rule":
                        yield from texts(value)


@pytest.mark.parametrize("language", ["ar", "en"])
def test_each_rule_has_words(language: str) -> None:
    told = {rule for path in (ROOT / "src/manara/network/health").glob("*.py") for rule in rules_in(path)}
    assert len(told) > 30  # else the rules are written in a way that this test does not see
    words = json.loads((ROOT / f"ui/src/locales/{language}/alarms.json").read_text(encoding="utf-8"))["rule"]
    assert told == words.keys()
