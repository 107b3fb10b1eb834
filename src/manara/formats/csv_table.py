"""CSV as spreadsheets write it: read into rows of text with all faults, and written so that no cell becomes a formula.

UTF-8 with or without byte-order mark; `,`, `;` or tab between cells, told from the first line; quotes as in RFC
4180. Knows nothing
of what the columns mean. Bounds: bytes, rows, columns and characters of a cell are counted before they are kept.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from manara.base.errors import FieldError

MAX_BYTES = 50_000_000
MAX_ROWS = 100_000
MAX_COLUMNS = 200
MAX_CELL = 20_000
FAULTS_MAX = 1000  # no person reads more
_FORMULA = tuple("=+-@\t\r＝＋－＠'")
csv.field_size_limit(max(csv.field_size_limit(), 131_072))


@dataclass(slots=True)
class Table:
    """`rows` are (row number as a spreadsheet shows it, cells as many as the header); blank rows are left out."""

    header: list[str] = field(default_factory=list)
    rows: list[tuple[int, list[str]]] = field(default_factory=list)
    faults: list[FieldError] = field(default_factory=list)


def read(data: bytes, *, max_bytes: int = MAX_BYTES, max_rows: int = MAX_ROWS) -> Table:
    """Read a table; whatever is wrong is in `faults`, never raised."""
    table = Table()
    if len(data) > max_bytes:
        table.faults.append(FieldError("file", f"is larger than {max_bytes // 1_000_000} MB"))
        return table
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = data.count(b"\n", 0, error.start) + 1
        message = "is not UTF-8; save it as “CSV UTF-8” in the spreadsheet"
        table.faults.append(FieldError("file", message, row=row))
        return table
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    number = 0
    try:
        for cells in reader:
            number += 1
            if not any(_plain(cell).strip() for cell in cells):
                continue
            if len(table.faults) >= FAULTS_MAX:
                break
            if not table.header:
                if len(cells) > MAX_COLUMNS:
                    table.faults.append(FieldError("file", f"has more than {MAX_COLUMNS} columns", row=number))
                    break
                table.header = [cell.strip() for cell in cells]
                continue
            if len(table.rows) >= max_rows:
                table.faults.append(FieldError("file", f"has more than {max_rows} rows", row=number))
                break
            _take(table, number, cells)
    except csv.Error as error:
        table.faults.append(FieldError("file", f"is not CSV: {error}", row=number + 1))
    if not table.header and not table.faults:
        table.faults.append(FieldError("file", "is empty"))
    return table


def _take(table: Table, number: int, cells: list[str]) -> None:
    width = len(table.header)
    if any(cell.strip() for cell in cells[width:]):
        table.faults.append(FieldError("file", f"has {len(cells)} cells where the header has {width}", row=number))
        return
    for name, cell in zip(table.header, cells, strict=False):
        if len(cell) > MAX_CELL:
            table.faults.append(FieldError(name[:64], f"is longer than {MAX_CELL} characters", row=number))
            return
    padded = cells[:width] + [""] * (width - len(cells))
    table.rows.append((number, [_plain(cell) for cell in padded]))


def _delimiter(text: str) -> str:
    """The likeliest of `;`, tab and `,` in the first line, outside quotes."""
    counts = {",": 0, ";": 0, "\t": 0}
    quoted = False
    for character in text[:MAX_CELL].lstrip("\r\n"):
        if character == '"':
            quoted = not quoted
        elif character in "\r\n" and not quoted:
            break
        elif not quoted and character in counts:
            counts[character] += 1
    return max(counts, key=lambda character: counts[character])


def _plain(cell: str) -> str:
    """A cell without the quote that keeps a spreadsheet from reading it as a formula."""
    return cell[1:] if len(cell) > 1 and cell[0] == "'" and cell[1] in _FORMULA else cell


def _safe(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return repr(value)
    cell = str(value)
    return "'" + cell if cell.startswith(_FORMULA) else cell


def write(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """UTF-8 with byte-order mark (so that Excel reads Arabic). Text that a spreadsheet would run gets a leading `'`."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([_safe(name) for name in header])
    for row in rows:
        writer.writerow([_safe(value) for value in row])
    return out.getvalue().encode("utf-8-sig")
