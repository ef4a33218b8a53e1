"""A curator's round trip through a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from evidence_cases import FAMILIES, resistance, small_series, trial

from miner.errors import ConfigError, InputError
from miner.evidence.merge import merge
from miner.evidence.sheet import COLUMNS, BadSheet, take_sheet, write_sheet
from miner.evidence.sheet_read import letters
from miner.evidence.store import Store
from miner.evidence.table import STATUSES
from miner.schema import Action

Line = dict[str, str]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "e.db") as opened:
        for mined in (trial(), resistance(), small_series()):
            opened.save(mined, merge(mined, FAMILIES), run_id=None, mining_version="m1", topic="t")
        yield opened


def edited(path: Path, store: Store, change: Callable[[list[Line]], object]) -> Path:
    """Write the sheet, change its lines as a curator would, save it as the same kind of file."""
    write_sheet(path, store.evidence(status=STATUSES))
    if path.suffix == ".xlsx":
        return _edited_workbook(path, change)
    lines = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
    change(lines)
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, COLUMNS)
        writer.writeheader()
        writer.writerows(lines)
    return path


def _edited_workbook(path: Path, change: Callable[[list[Line]], object]) -> Path:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.load_workbook(path)
    sheet = book["review"]
    rows = list(sheet.iter_rows(values_only=True))
    lines = [dict(zip(COLUMNS, ("" if value is None else value for value in row), strict=True)) for row in rows[1:]]
    change(lines)
    sheet.delete_rows(2, len(rows))
    for line in lines:
        sheet.append([line.get(name) or None for name in COLUMNS])
    book.save(path)
    return path


def of(lines: list[Line], words: str) -> Line:
    (line,) = [line for line in lines if words in str(line["statement"])]
    return line


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_sheet_that_comes_back_unchanged_says_nothing(store: Store, tmp_path: Path, kind: str) -> None:
    assert take_sheet(edited(tmp_path / f"s.{kind}", store, lambda lines: None), store, curator="ada") == ()


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_decisions_edits_comments_and_new_lines_come_back(store: Store, tmp_path: Path, kind: str) -> None:
    def change(lines: list[Line]) -> None:
        of(lines, "MET Amplification")["decision"] = "Reject"
        of(lines, "nivolumab").update(decision="accept", level="C", n_patients="2", comment="two of them")
        of(lines, "Mutually exclusive")["comment"] = "which assay?"
        lines.append(dict.fromkeys(COLUMNS, "") | {
            "pmid": "900001", "claim_type": "safety", "molecular_profile": "NTRK Fusion", "therapies": "larotrectinib",
            "sentence": "Median PFS was 28.3 months.", "figures": "AE=none told"})  # fmt: skip

    taken = take_sheet(edited(tmp_path / f"s.{kind}", store, change), store, curator="ada")
    assert sorted(str(item.action) for item in taken) == ["accept", "add", "comment", "edit", "reject"]
    assert [dict(item.changes) for item in taken if item.action is Action.EDIT] == [{"level": "C"}]
    assert [item.comment for item in store.curations() if item.comment] == ["which assay?", "two of them"]
    (immune,) = store.evidence(drug="nivolumab")
    assert (immune.level, immune.status, immune.machine) == ("C", "accepted", {"level": "B"})
    (added,) = store.evidence(claim_type="safety")
    assert (added.is_added, added.figures, added.quotes[0].text) == (True, {"AE": "none told"}, "Median PFS was 28.3 months.")
    assert list(store.evidence(text="MET Amplification")) == []


def test_the_same_sheet_taken_twice_says_nothing_new(store: Store, tmp_path: Path) -> None:
    def change(lines: list[Line]) -> None:
        of(lines, "nivolumab").update(decision="accept", level="C")
        of(lines, "MET Amplification")["comment"] = "hm"

    path = edited(tmp_path / "s.csv", store, change)
    assert len(take_sheet(path, store, curator="ada")) == 3
    assert take_sheet(path, store, curator="ada") == ()
    assert [item.action for item in take_sheet(path, store, curator="ben")] == [Action.COMMENT, Action.ACCEPT]


def test_every_bad_cell_is_named_and_nothing_is_kept(store: Store, tmp_path: Path) -> None:
    def change(lines: list[Line]) -> None:
        lines[0].update(decision="accept")
        lines[1].update(decision="maybe", level="F")
        lines[2].update(significance="Oncogenicity")
        lines[3].update(figures="ORR 75", n_patients="many", background="perhaps")
        lines[4].update(key="v1:none")
        lines.append(dict.fromkeys(COLUMNS, "") | {"pmid": "404", "claim_type": "safety", "sentence": "x"})
        lines.append(dict(lines[0]))

    path = edited(tmp_path / "s.csv", store, change)
    with pytest.raises(BadSheet) as error:
        take_sheet(path, store, curator="ada")
    told = [(cell.row, cell.column, cell.name) for cell in error.value.cells]
    column = {name: letters(place) for place, name in enumerate(COLUMNS)}
    places = [(3, "decision"), (3, "level"), (4, "significance"), (5, "figures"), (5, "n_patients"), (5, "background"), (6, "key"),
              (12, "molecular_profile"), (12, "pmid"), (13, "key")]  # fmt: skip
    assert sorted(told) == sorted((row, column[name], name) for row, name in places)
    assert "row 3, column P (level): 'F' is not one of A, B, C, D, E" in str(error.value).replace(f"column {column['level']}", "column P")
    assert store.curations() == []


def test_a_line_that_changed_meanwhile_is_refused_where_it_was_edited(store: Store, tmp_path: Path) -> None:
    stale = edited(tmp_path / "a.csv", store, lambda lines: of(lines, "nivolumab").update(level="C"))
    take_sheet(edited(tmp_path / "b.csv", store, lambda lines: of(lines, "nivolumab").update(level="D")), store, curator="ben")
    with pytest.raises(BadSheet, match=r"\(level\): the row has changed since the sheet was written: it says 'D' now"):
        take_sheet(stale, store, curator="ada")


def test_spreadsheets_of_other_countries_are_read(store: Store, tmp_path: Path) -> None:
    path = edited(tmp_path / "s.csv", store, lambda lines: of(lines, "nivolumab").update(decision="accept"))
    rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"))))
    with path.open("w", encoding="utf-8-sig", newline="") as handle:
        csv.writer(handle, delimiter=";").writerows(rows)
    assert [item.action for item in take_sheet(path, store, curator="ada")] == [Action.ACCEPT]
    path.write_bytes(path.read_text(encoding="utf-8-sig").replace("secretory", "sécretory").encode("latin-1", "replace"))
    with pytest.raises(InputError, match=r"row \d+ is not UTF-8; save the sheet as"):
        take_sheet(path, store, curator="ada")


def test_a_formula_is_text(store: Store, tmp_path: Path) -> None:
    write_sheet(tmp_path / "s.csv", [*store.evidence(drug="nivolumab")])
    lines = list(csv.DictReader(io.StringIO((tmp_path / "s.csv").read_text(encoding="utf-8-sig"))))
    lines[0]["comment"] = "'=1+1"
    with (tmp_path / "s.csv").open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, COLUMNS)
        writer.writeheader()
        writer.writerows(lines)
    assert [item.comment for item in take_sheet(tmp_path / "s.csv", store, curator="ada")] == ["=1+1"]


@pytest.mark.parametrize(
    "text, told",
    [
        ("a,b\n1,2\n", "row 1 names no column key and no column pmid"),
        ("key,pmid,levle\n", "row 1 names columns that mean nothing: levle"),
        ("key,pmid,key\n", "row 1 names a column twice"),
        ("", "row 1 names no column key"),
    ],
)
def test_what_is_no_sheet_is_refused(store: Store, tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "s.csv").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=told):
        take_sheet(tmp_path / "s.csv", store, curator="ada")
    (tmp_path / "s.xlsx").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="no workbook that can be read"):
        take_sheet(tmp_path / "s.xlsx", store, curator="ada")
    with pytest.raises(ConfigError, match=r"a sheet is \.csv or \.xlsx"):
        write_sheet(tmp_path / "s.pdf", [])
