"""The table as a workbook: a sheet of findings, a sheet of papers, and what their columns hold."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO

from miner.errors import ConfigError
from miner.evidence.export_rows import PAPER_COLUMNS, ROW_COLUMNS
from miner.plugins import Exporter, Selection

LONGEST = 32_767  # characters in a cell of Excel
MOST_ROWS = 1_048_576
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_SAVED_AT = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*")
_WIDE = {"statement": 60, "sentence": 80, "molecular_profile": 28, "therapies": 28, "disease": 28, "figures": 40, "key": 12}

NUMBERS = frozenset(
    {"support", "support_points", "support_confirmed", "support_consistency", "n_papers", "n_studies", "n_patients", "n_synthetic"}
    | {"sentence_start", "sentence_end", "year", "background"}
)


def write_xlsx(chosen: Selection, out: BinaryIO) -> None:
    """Write the workbook."""
    sheets = {
        "findings": (tuple(ROW_COLUMNS), ([read(row) for read in ROW_COLUMNS.values()] for row in chosen.rows())),
        "papers": (tuple(PAPER_COLUMNS), ([read(item) for read in PAPER_COLUMNS.values()] for item in chosen.papers())),
    }
    write_workbook(sheets, out)


def write_workbook(sheets: Mapping[str, tuple[Sequence[str], Iterable[Sequence[object]]]], out: BinaryIO) -> None:
    """Write sheets of (header, rows); text is never a formula, numbers are numbers, and equal content is equal bytes."""
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    try:
        for title, (header, rows) in sheets.items():
            _fill(book.create_sheet(title), header, rows)
    except BaseException:
        # A sheet left open writes its end when it is collected, into a file that is gone.
        for sheet in book.worksheets:
            sheet.close()
        raise
    held = io.BytesIO()
    book.save(held)
    _settled(held, out)


def _fill(sheet: Any, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    sheet.freeze_panes = "A2"
    for number, name in enumerate(header):
        sheet.column_dimensions[_letters(number)].width = _WIDE.get(name, 14)
    for line in _lines(sheet, header, rows):
        sheet.append(line)


def _lines(sheet: Any, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[list[Any]]:
    from openpyxl.styles import Font

    bold = Font(bold=True)
    yield [_cell(sheet, name, font=bold) for name in header]
    for number, row in enumerate(rows, 2):
        if number > MOST_ROWS:
            raise ConfigError(f"a sheet holds {MOST_ROWS:,} rows and there are more; name filters, or take parquet")
        yield [_cell(sheet, _number(name, value)) for name, value in zip(header, row, strict=True)]


def _number(name: str, value: object) -> object:
    if name in NUMBERS and isinstance(value, str):
        return float(value) if "." in value else int(value)
    return value


def _cell(sheet: Any, value: object, **style: Any) -> Any:
    from openpyxl.cell import WriteOnlyCell

    if isinstance(value, (int, float)) or value is None:
        return value
    cell = WriteOnlyCell(sheet)
    cell.value = shortened(_FORBIDDEN.sub("\ufffd", str(value)))
    cell.data_type = "s"
    for name, part in style.items():
        setattr(cell, name, part)
    return cell


def shortened(text: str) -> str:
    """Return text that a cell can hold, with an ellipsis where it was cut."""
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _letters(number: int) -> str:
    from openpyxl.utils import get_column_letter

    return str(get_column_letter(number + 1))


def _settled(held: BinaryIO, out: BinaryIO) -> None:
    """Copy a workbook with every time of saving replaced by one that stands still."""
    with zipfile.ZipFile(held) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as copy:
        for name in sorted(source.namelist(), key=lambda name: (name != "[Content_Types].xml", name)):
            data = source.read(name)
            if name == "docProps/core.xml":
                data = _SAVED_AT.sub(rb"\g<1>2000-01-01T00:00:00Z", data)
            copy.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)


XLSX = Exporter(write_xlsx, "a workbook: findings and papers", binary=True, needs=("openpyxl",), extra="xlsx")
