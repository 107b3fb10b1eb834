"""HTML to PDF, in a process of its own: `python -m manara.network.maintenance.paper`, HTML in, PDF out.

WeasyPrint lays pages out for seconds and takes long to load; neither may hold up the control room, and no other part
of Manara loads it. Nothing is fetched but files. Called by `report.pdf`; knows nothing of reports. Exit status not 0
and the reason on standard error where it fails.
"""

import sys

import weasyprint


def only_files(url: str, *arguments: object, **named: object) -> object:
    """WeasyPrint's fetcher without the network. Raises `ValueError` for what is no file."""
    if not url.startswith("file:"):
        raise ValueError("a report fetches nothing")
    return weasyprint.default_url_fetcher(url)


def main() -> int:
    """Standard input to standard output."""
    html = sys.stdin.buffer.read().decode()
    sys.stdout.buffer.write(weasyprint.HTML(string=html, url_fetcher=only_files).write_pdf())
    return 0


if __name__ == "__main__":
    sys.exit(main())
