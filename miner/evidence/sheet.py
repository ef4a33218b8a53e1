"""Rows for a curator as a spreadsheet (CSV or XLSX), and what came back of it: curations, or every cell that is wrong.

One line is one paper on one proposition. The columns of ``GIVEN`` say what the line is and are not to be changed; those of
``WRITTEN`` are the curator's. A cell that differs from what the database holds is an edit. A new line with ``pmid``,
``claim_type``, ``molecular_profile`` and ``sentence`` and no ``key`` is a row to add. Lines may be sorted, hidden or deleted.
``version`` tells what the line said when it was written: a cell that was changed on a line that has changed in the database
meanwhile is refused.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from miner.errors import ConfigError, InputError
from miner.evidence.curation import INTERACTIONS, legal_significances, problems
from miner.evidence.figures import KINDS
from miner.evidence.sheet_read import Line, letters, read_lines
from miner.evidence.store import Store
from miner.evidence.store_curation import decision as last_decision
from miner.evidence.support import LEVEL_WEIGHTS
from miner.evidence.table import Paper
from miner.schema import Action, ClaimType, Curation, Direction, Polarity, StudyType

GIVEN = ("key", "pmid", "year", "title", "sentence", "statement", "status")
FIELDS = (
    "claim_type", "molecular_profile", "disease", "therapies", "therapy_interaction_type", "significance", "direction", "polarity",
    "level", "study_type", "figures", "n_patients", "background",
)  # fmt: skip
WRITTEN = ("decision", "comment", *FIELDS)
COLUMNS = (*GIVEN, *WRITTEN, "version")
DECISIONS = {"accept": Action.ACCEPT, "reject": Action.REJECT, "": None}
_FORMULA = ("=", "+", "-", "@")
_LIST = "; "


@dataclass(frozen=True, slots=True)
class BadCell:
    """A cell that cannot be taken: its row and column as the spreadsheet numbers them, and what is wrong."""

    row: int
    column: str
    name: str
    told: str

    def __str__(self) -> str:
        return f"row {self.row}, column {self.column} ({self.name}): {self.told}"


class BadSheet(InputError):
    """A sheet of which nothing was taken; its text names every bad cell."""

    def __init__(self, path: Path, cells: Sequence[BadCell]) -> None:
        self.cells = tuple(cells)
        told = "\n  ".join(map(str, cells))
        super().__init__(f"{path}: {len(cells)} cells cannot be taken, and nothing of the sheet was kept:\n  {told}")


# out


def lines(papers: Iterable[Paper]) -> Iterator[Line]:
    """Yield the line of each row of evidence."""
    for paper in papers:
        yield {
            "key": paper.key,
            "pmid": paper.pmid,
            "year": str(paper.year or ""),
            "title": paper.title,
            "sentence": paper.quotes[0].text,
            "statement": paper.statement,
            "status": paper.status,
            "decision": "",
            "comment": "",
            **written(paper),
            "version": version(paper),
        }


def written(paper: Paper) -> Line:
    """Return the fields of a row as cells."""
    return {
        "claim_type": str(paper.claim_type),
        "molecular_profile": paper.molecular_profile,
        "disease": paper.disease or "",
        "therapies": _LIST.join(paper.therapies),
        "therapy_interaction_type": paper.therapy_interaction_type or "",
        "significance": paper.significance,
        "direction": str(paper.direction),
        "polarity": str(paper.polarity),
        "level": paper.level,
        "study_type": paper.study_type,
        "figures": _LIST.join(f"{name}={value}" for name, value in paper.figures.items()),
        "n_patients": "" if paper.n_patients is None else str(paper.n_patients),
        "background": "yes" if paper.background else "no",
    }


def version(paper: Paper) -> str:
    """Digest what a line says of a row."""
    return hashlib.sha256(json.dumps(written(paper), ensure_ascii=True).encode()).hexdigest()[:12]


def write_sheet(path: Path, papers: Iterable[Paper]) -> int:
    """Write a sheet, CSV or XLSX by its name, whole or not at all; return how many lines."""
    held = list(lines(papers))
    part = path.with_name(path.name + ".part")
    try:
        part.write_bytes(_xlsx(held) if _is_workbook(path) else _csv(held))
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise InputError(f"cannot write {path}: {error.strerror}") from error
    return len(held)


def _is_workbook(path: Path) -> bool:
    kind = path.suffix.lower()
    if kind not in (".csv", ".xlsx"):
        raise ConfigError(f"{path}: a sheet is .csv or .xlsx")
    return kind == ".xlsx"


def _csv(held: Sequence[Line]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows([_guarded(line[name]) for name in COLUMNS] for line in held)
    return out.getvalue().encode("utf-8-sig")  # Excel takes a CSV without the mark for Latin-1.


def _guarded(text: str) -> str:
    return "'" + text if text.startswith(_FORMULA) else text


def _xlsx(held: Sequence[Line]) -> bytes:
    from miner.evidence.sheet_xlsx import workbook

    rows = [[line[name] for name in COLUMNS] for line in held]
    choices = {"decision": ("accept", "reject"), **_CHOICES}
    return workbook(COLUMNS, rows, given=(*GIVEN, "version"), choices=choices, legal=legal_values())


def legal_values() -> Iterator[tuple[str, str]]:
    """Yield each column with what it may hold."""
    yield "decision", "accept, reject, or empty; a changed cell alone is an edit"
    for name, values in _CHOICES.items():
        yield name, ", ".join(values)
    for claim_type in ClaimType:
        yield f"significance of {claim_type}", ", ".join(legal_significances(claim_type))
    yield "therapies", "names, with a semicolon between"
    yield "figures", "name=value, with a semicolon between; names: " + ", ".join(KINDS)
    yield "n_patients", "a whole number, or empty"


_CHOICES: dict[str, tuple[str, ...]] = {
    "claim_type": tuple(ClaimType),
    "direction": tuple(Direction),
    "polarity": tuple(Polarity),
    "level": tuple(LEVEL_WEIGHTS),
    "study_type": tuple(StudyType),
    "therapy_interaction_type": ("", *INTERACTIONS),
    "background": ("yes", "no"),
}


# in


def read_sheet(path: Path, store: Store, *, curator: str) -> tuple[Curation, ...]:
    """Return the curations that a sheet holds, each checked against the database; nothing is written.

    Raises
    ------
    BadSheet
        With every cell that cannot be taken.
    InputError
        The file is no sheet.
    """
    names, held = read_lines(path, COLUMNS)
    found: list[Curation] = []
    bad: list[BadCell] = []
    seen: dict[tuple[str, str], int] = {}
    for number, line in held:
        place = line["key"].strip(), line["pmid"].strip()
        first = seen.setdefault(place, number) if place[0] else number
        made, told = _curations(line, store, curator) if first == number else ([], [("key", f"row {first} is on the same row")])
        found += made
        bad += [BadCell(number, letters(names[name]) if name in names else "–", name, text) for name, text in told]
    if bad:
        raise BadSheet(path, bad)
    return tuple(found)


def take_sheet(path: Path, store: Store, *, curator: str) -> tuple[Curation, ...]:
    """Keep all curations that a sheet holds, or none; return them."""
    found = read_sheet(path, store, curator=curator)
    with store.transaction():
        for curation in found:
            store.curate(curation)
    return found


Told = list[tuple[str, str]]


def _curations(line: Line, store: Store, curator: str) -> tuple[list[Curation], Told]:
    """Return what a line says, and what is wrong with it."""
    key, source = line.get("key", "").strip(), line.get("pmid", "").strip()
    if not key:
        return _added(line, store, curator)
    paper = store.row(key, source)
    if paper is None:
        return [], [("key", f"no row {key} of {source or 'no paper'} is held")]
    decision, told = _decision(line)
    held = written(paper)
    changed = {name: line[name].strip() for name in FIELDS if name in line and _folded(name, line[name]) != _folded(name, held[name])}
    if changed and line.get("version", "").strip() not in ("", version(paper)):
        return [], [(name, f"the row has changed since the sheet was written: it says {held[name] or 'nothing'!r} now") for name in changed]
    changes, wrong = parsed(changed)
    told += wrong
    if changes and not wrong:
        told += problems(changes, Action.EDIT, {name: getattr(paper, name) for name in ("claim_type", "significance", "therapies")})
    comment = line.get("comment", "").strip()
    made = [Curation(curator, Action.EDIT, key, source, changes=changes, comment=comment)] if changes else []
    if decision and decision is not last_decision(store.curations(key, source), curator):
        made.append(Curation(curator, decision, key, source, comment="" if made else comment))
    if comment and not made and not _said(store, curator, key, source, comment):
        made.append(Curation(curator, Action.COMMENT, key, source, comment=comment))
    return ([], told) if told else (made, [])


def _said(store: Store, curator: str, key: str, source: str, comment: str) -> bool:
    return any((item.curator, item.comment) == (curator, comment) for item in store.curations(key, source))


def _added(line: Line, store: Store, curator: str) -> tuple[list[Curation], Told]:
    changes, told = parsed({name: line[name].strip() for name in FIELDS if line.get(name, "").strip()})
    source, sentence = line.get("pmid", "").strip(), line.get("sentence", "").strip()
    if sentence:
        changes["sentence"] = sentence
    told += problems(changes, Action.ADD) if not told else []
    record = store.record(source)
    if record is None:
        told.append(("pmid", f"the database holds no record {source!r}"))
    elif sentence and sentence not in record.text:
        told.append(("sentence", "it does not stand in the record; copy it as it is printed"))
    made = Curation(curator, Action.ADD, "", source, changes=changes, comment=line.get("comment", "").strip())
    return ([], told) if told else ([made], [])


def _decision(line: Line) -> tuple[Action | None, Told]:
    text = line.get("decision", "").strip().casefold()
    if text in DECISIONS:
        return DECISIONS[text], []
    return None, [("decision", f"{line['decision']!r} is neither accept nor reject")]


def _folded(name: str, text: str) -> str:
    text = " ".join(text.split())
    return _LIST.join(sorted(part.strip() for part in text.split(";") if part.strip())) if name in ("therapies", "figures") else text


def parsed(cells: Mapping[str, str]) -> tuple[dict[str, Any], Told]:
    """Return the values that cells stand for, and those that stand for none."""
    values: dict[str, Any] = {}
    told: Told = []
    for name, text in cells.items():
        try:
            values[name] = _value(name, text)
        except ValueError as error:
            told.append((name, str(error)))
    return values, told


def _value(name: str, text: str) -> Any:
    match name:
        case "therapies":
            return [part.strip() for part in text.split(";") if part.strip()]
        case "figures":
            return dict(_figure(part.strip()) for part in text.split(";") if part.strip())
        case "n_patients":
            return _whole(text) if text else None
        case "background":
            if text.casefold() not in ("yes", "no", "true", "false", "1", "0"):
                raise ValueError(f"{text!r} is neither yes nor no")
            return text.casefold() in ("yes", "true", "1")
        case "disease" | "therapy_interaction_type":
            return text or None
    return text


def _figure(text: str) -> tuple[str, float | int | str]:
    name, sign, value = (part.strip() for part in text.partition("="))
    if not sign or not name or not value:
        raise ValueError(f"{text!r} is no name=value")
    try:
        return name, int(value)
    except ValueError:
        pass
    try:
        return name, float(value)
    except ValueError:
        return name, value


def _whole(text: str) -> int:
    try:
        value = float(text)
    except ValueError:
        value = 0.5
    if not value.is_integer():
        raise ValueError(f"{text!r} is no whole number")
    return int(value)
