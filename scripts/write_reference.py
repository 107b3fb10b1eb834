"""Writes `docs/reference/settings.md` and `messages.md` from the code that defines them (`make docs`)."""

from pathlib import Path

from manara.app.reference import messages_page, settings_page

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "reference"


def main() -> None:
    """Write both pages."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, page in (("settings", settings_page()), ("messages", messages_page())):
        (FOLDER / f"{name}.md").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
