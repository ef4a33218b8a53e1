"""A sheet for curators as a workbook: text is never a formula, choices are lists to pick from, the given columns are grey."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping, Sequence

from miner.errors import ConfigError
from miner.evidence.sheet_read import letters

WIDE = {"title": 40, "sentence": 70, "statement": 50, "molecular_profile": 26, "disease": 26, "therapies": 26, "figures": 32, "comment": 30}
LONGEST = 32_767  # characters in a cell of Excel
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def workbook(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    given: Sequence[str],
    choices: Mapping[str, Sequence[str]],
    legal: Iterable[tuple[str, str]],
) -> bytes:
    """Return the workbook: a sheet ``review`` with the rows, and one of what each column may hold."""
    try:
        from openpyxl import Workbook
        from openpyxl.styles import Alignment, Font, PatternFill
        from openpyxl.worksheet.datavalidation import DataValidation
    except ImportError as error:
        raise ConfigError("a workbook needs openpyxl: pip install 'ntrk-miner[xlsx]', or write a .csv") from error
    book = Workbook()
    sheet = book.active
    sheet.title = "review"
    sheet.freeze_panes = "B2"
    grey = PatternFill("solid", fgColor="EEEEEE")
    for number, line in enumerate((columns, *rows), 1):
        for place, text in enumerate(line):
            cell = sheet.cell(number, place + 1)
            cell.value = _FORBIDDEN.sub("", text)[:LONGEST] or None
            if text:
                cell.data_type = "s"
            cell.alignment = Alignment(wrap_text=columns[place] in WIDE, vertical="top")
            if number == 1:
                cell.font = Font(bold=True)
            elif columns[place] in given:
                cell.fill = grey
    for place, name in enumerate(columns):
        sheet.column_dimensions[letters(place)].width = WIDE.get(name, 13)
        if name in choices and rows:
            picked = DataValidation(type="list", formula1='"' + ",".join(value for value in choices[name] if value) + '"', allow_blank=True)
            # Excel takes no list longer than this; the sheet of legal values tells it then.
            if len(str(picked.formula1)) <= 255:
                picked.add(f"{letters(place)}2:{letters(place)}{len(rows) + 200}")
                sheet.add_data_validation(picked)
    words = book.create_sheet("legal values")
    for line in (("column", "values"), *legal):
        words.append(list(line))
    words.column_dimensions["A"].width, words.column_dimensions["B"].width = 44, 120
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
