"""CSV: what spreadsheets write is read, what is wrong is named, nothing written runs as a formula."""

import csv
import io

from hypothesis import example, given
from hypothesis import strategies as st

from manara.formats import csv_table


def test_byte_order_mark_semicolons_blank_rows_and_row_numbers() -> None:
    table = csv_table.read('\ufeffرمز;الاسم\r\n\r\nA;"ساحة\r\nالحبوبي"\r\n;\r\nB\r\n'.encode())
    assert table.faults == []
    assert table.header == ["رمز", "الاسم"]
    assert table.rows == [(3, ["A", "ساحة\r\nالحبوبي"]), (5, ["B", ""])]


def test_faults_name_their_row() -> None:
    assert [(f.row, f.field) for f in csv_table.read(b"a,b\n1,2,3\n").faults] == [(2, "file")]
    assert [(f.row, f.field) for f in csv_table.read("a,b\n1,ä\n".encode("cp1252")).faults] == [(2, "file")]
    assert [(f.row, f.field) for f in csv_table.read(b'a,b\n1,"x"y\n').faults] == [(2, "file")]
    assert csv_table.read(b"").faults[0].message == "is empty"
    assert "larger" in csv_table.read(b"x" * 11, max_bytes=10).faults[0].message
    assert "rows" in csv_table.read(b"a\n1\n2\n3\n", max_rows=2).faults[0].message
    assert csv_table.read(b"a\n" + b"x" * 200_000).faults != []


@example([["", "\t"]])
@given(st.lists(st.lists(st.text(max_size=20), min_size=2, max_size=2), max_size=8))
def test_what_is_written_is_read_again_and_never_a_formula(rows: list[list[str]]) -> None:
    rows = [[cell.replace("\x00", "").encode("utf-8", "ignore").decode() for cell in row] for row in rows]
    data = csv_table.write(["one", "two"], rows)
    for row in csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")):
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row)
    table = csv_table.read(data)
    assert table.faults == []
    assert [cells for _, cells in table.rows] == [row for row in rows if any(cell.strip() for cell in row)]


@given(st.binary(max_size=400))
def test_garbage_is_never_raised(data: bytes) -> None:
    table = csv_table.read(data, max_rows=20)
    assert len(table.rows) <= 20
    assert all(len(cells) == len(table.header) for _, cells in table.rows)
