"""Read a sheet as spreadsheets write them: CSV of any of their separators and encodings, or the first sheet of a workbook."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from miner.errors import ConfigError, InputError

Line = dict[str, str]
NEEDED = ("key", "pmid")


def read_lines(path: Path, known: Sequence[str]) -> tuple[dict[str, int], list[tuple[int, Line]]]:
    """Return the column of each name, from 0, and the lines with their row numbers, from 2; empty lines are left out.

    Raises
    ------
    InputError
        The file cannot be read, or lacks a column that names the rows, or has one that means nothing.
    """
    rows = _workbook(path) if path.suffix.lower() == ".xlsx" else _text(path)
    header = [name.strip() for name in next(iter(rows), [])]
    names = {name: place for place, name in enumerate(header) if name}
    if missing := [name for name in NEEDED if name not in names]:
        raise InputError(f"{path}: row 1 names no column {' and no column '.join(missing)}; write a new sheet with: miner review --out")
    if unknown := sorted(set(names) - set(known)):
        raise InputError(f"{path}: row 1 names columns that mean nothing: {', '.join(unknown)}")
    if len(names) < sum(bool(name) for name in header):
        raise InputError(f"{path}: row 1 names a column twice")
    found = [{name: row[place] if place < len(row) else "" for name, place in names.items()} for row in rows[1:]]
    return names, [(number, line) for number, line in enumerate(found, 2) if any(value.strip() for value in line.values())]


def letters(number: int) -> str:
    """Return the letters of a column, counted from 0: A, B … Z, AA."""
    text = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        text = chr(ord("A") + rest) + text
    return text


def _text(path: Path) -> list[list[str]]:
    if path.suffix.lower() not in (".csv", ".tsv", ".txt"):
        raise ConfigError(f"{path}: a sheet is .csv or .xlsx")
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    text = _decoded(raw, path)
    first = text.split("\n", 1)[0]
    separator = max((",", ";", "\t"), key=first.count)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
    except csv.Error as error:
        raise InputError(f"{path} is no CSV: {error}") from error
    return [[_plain(value) for value in row] for row in rows]


def _decoded(raw: bytes, path: Path) -> str:
    for encoding in ("utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig", "utf-8-sig"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError as error:
            fault = error
    row = raw[: fault.start].count(b"\n") + 1
    raise InputError(f"{path}: row {row} is not UTF-8; save the sheet as “CSV UTF-8”, or as .xlsx") from fault


def _plain(value: str) -> str:
    """Take off the apostrophe that keeps a spreadsheet from calculating."""
    return value[1:] if value[:1] == "'" and value[1:2] in ("=", "+", "-", "@") else value


def _workbook(path: Path) -> list[list[str]]:
    try:
        from openpyxl import load_workbook
    except ImportError as error:
        raise ConfigError("a workbook needs openpyxl: pip install 'ntrk-miner[xlsx]', or save the sheet as .csv") from error
    try:
        book = load_workbook(path, read_only=True, data_only=True)
        sheet = book["review"] if "review" in book.sheetnames else book.worksheets[0]
        return [[_cell(value) for value in row] for row in sheet.iter_rows(values_only=True)]
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} is no workbook that can be read: {error}") from error


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
