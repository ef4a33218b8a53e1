"""The evidence table as lines: TSV of propositions or of papers, JSON lines; and the columns of every form that is a table."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import TextIO

from miner.evidence.support import Support
from miner.evidence.table import Paper, TableRow
from miner.plugins import Exporter, Selection

_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_FORMULA = ("=", "+", "-", "@")
_FORMULA_CELLS = tuple(f"\t{sign}" for sign in _FORMULA)


def cell(value: object) -> str:
    r"""Write a value as a TSV cell: tab, newline and backslash as ``\t``, ``\n``, ``\\``; a formula gets an apostrophe before it."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return str(value).translate(_ESCAPES)
    if value.startswith(_FORMULA):
        value = "'" + value
    # Looking for each is ten times as fast as a translation, and one cell of a million holds any.
    return value.translate(_ESCAPES) if "\\" in value or "\t" in value or "\n" in value or "\r" in value else value


class _Score:
    """The score of the row that was asked for last: several columns of a row need it."""

    def __init__(self) -> None:
        self._held: tuple[TableRow, Support] | None = None

    def __call__(self, row: TableRow) -> Support:
        held = self._held  # Read once: threads share it.
        if held is None or held[0] is not row:
            held = self._held = (row, row.score)
        return held[1]


_score = _Score()


def _figures(item: Paper) -> str:
    return json.dumps(dict(item.figures), ensure_ascii=False) if item.figures else "{}"


ROW_COLUMNS: dict[str, Callable[[TableRow], object]] = {
    "key": lambda row: row.key,
    "claim_type": lambda row: str(row.claim_type),
    "evidence_type": lambda row: row.evidence_type,
    "molecular_profile": lambda row: row.molecular_profile,
    "disease": lambda row: row.disease,
    "disease_id": lambda row: row.best.disease_key if ":" in row.best.disease_key else None,
    "therapies": lambda row: "; ".join(row.therapies),
    "therapy_interaction_type": lambda row: row.therapy_interaction_type,
    "significance": lambda row: row.significance,
    "direction": lambda row: str(row.direction),
    "polarity": lambda row: str(row.polarity),
    "level": lambda row: row.level,
    "support": lambda row: f"{_score(row).value:g}",
    "support_points": lambda row: f"{_score(row).points:g}",
    "support_confirmed": lambda row: f"{_score(row).confirmed:g}",
    "support_consistency": lambda row: f"{_score(row).consistency:.4g}",
    "n_papers": lambda row: row.n_papers,
    "n_studies": lambda row: row.n_studies,
    "n_patients": lambda row: _score(row).patients,
    "pmids": lambda row: "; ".join(row.papers),
    "n_synthetic": lambda row: row.n_synthetic,
    "years": lambda row: "; ".join(map(str, row.years)),
    "statement": lambda row: row.best.statement,
    "figures": lambda row: _figures(row.best),
    "sentence_pmid": lambda row: row.best.pmid,
    "sentence_start": lambda row: row.quote.start,
    "sentence_end": lambda row: row.quote.end,
    "sentence": lambda row: row.quote.text,
    "superseded": lambda row: "; ".join(map(str, row.superseded)),
    "warnings": lambda row: "; ".join(row.warnings),
}

PAPER_COLUMNS: dict[str, Callable[[Paper], object]] = {
    "key": lambda item: item.key,
    "pmid": lambda item: item.pmid,
    "year": lambda item: item.year,
    "paper_status": lambda item: str(item.record_status),
    "paper_flags": lambda item: "; ".join(item.flags),
    "study_type": lambda item: item.study_type,
    "claim_type": lambda item: str(item.claim_type),
    "evidence_type": lambda item: item.evidence_type,
    "molecular_profile": lambda item: item.molecular_profile,
    "disease": lambda item: item.disease,
    "therapies": lambda item: "; ".join(item.therapies),
    "significance": lambda item: item.significance,
    "direction": lambda item: str(item.direction),
    "polarity": lambda item: str(item.polarity),
    "level": lambda item: item.level,
    "background": lambda item: int(item.background),
    "n_patients": lambda item: item.n_patients,
    "figures": lambda item: _figures(item),
    "statement": lambda item: item.statement,
    "sentence_start": lambda item: item.quotes[0].start,
    "sentence_end": lambda item: item.quotes[0].end,
    "sentence": lambda item: item.quotes[0].text,
    "further_sentences": lambda item: "; ".join(f"{quote.start}-{quote.end}" for quote in item.quotes[1:]),
    "warnings": lambda item: "; ".join(item.warnings),
}


def line(values: Iterable[object]) -> str:
    """Write values as a line of TSV cells."""
    values = list(values)
    told = "\t".join([value if isinstance(value, str) else "" if value is None else str(value) for value in values])
    # One look over the line spares a look into each of its cells: hardly a line in a thousand holds what must be escaped.
    plain = told.count("\t") == len(values) - 1 and "\\" not in told and "\n" not in told and "\r" not in told
    if plain and not told.startswith(_FORMULA) and not any(sign in told for sign in _FORMULA_CELLS):
        return f"{told}\n"
    return "\t".join(map(cell, values)) + "\n"


def write_tsv(rows: Iterable[TableRow], out: TextIO) -> None:
    """Write one line for each proposition, with the PMIDs and the best sentence."""
    out.write(line(ROW_COLUMNS))
    columns = tuple(ROW_COLUMNS.values())
    for row in rows:
        out.write(line([read(row) for read in columns]))


def write_paper_tsv(rows: Iterable[TableRow], out: TextIO) -> None:
    """Write one line for each paper of each proposition."""
    out.write(line(PAPER_COLUMNS))
    columns = tuple(PAPER_COLUMNS.values())
    for row in rows:
        for item in sorted(row.evidence, key=lambda paper: paper.pmid):
            out.write(line([read(item) for read in columns]))


def write_jsonl(rows: Iterable[TableRow], out: TextIO) -> None:
    """Write one JSON object for each proposition, its papers with every sentence inside."""
    for row in rows:
        out.write(json.dumps(row_object(row), ensure_ascii=False) + "\n")


def row_object(row: TableRow) -> dict[str, object]:
    """Return a row as a JSON object."""
    return {
        "key": row.key,
        "claim_type": str(row.claim_type),
        "evidence_type": row.evidence_type,
        "molecular_profile": row.molecular_profile,
        "disease": row.disease,
        "therapies": list(row.therapies),
        "therapy_interaction_type": row.therapy_interaction_type,
        "significance": row.significance,
        "direction": str(row.direction),
        "polarity": str(row.polarity),
        "level": row.level,
        "support": _score(row).value,
        "support_points": _score(row).points,
        "support_confirmed": _score(row).confirmed,
        "support_consistency": _score(row).consistency,
        "n_papers": row.n_papers,
        "n_studies": row.n_studies,
        "n_patients": _score(row).patients,
        "pmids": list(row.papers),
        "n_synthetic": row.n_synthetic,
        "years": list(row.years),
        "studies": [[item.pmid for item in study.papers] for study in row.studies],
        "superseded": [str(item) for item in row.superseded],
        "warnings": list(row.warnings),
        "evidence": [_paper_object(item) for item in row.evidence],
    }


def _paper_object(item: Paper) -> dict[str, object]:
    return {
        "pmid": item.pmid,
        "title": item.title,
        "journal": item.journal,
        "year": item.year,
        "paper_status": str(item.record_status),
        "paper_flags": list(item.flags),
        "study_type": item.study_type,
        "level": item.level,
        "polarity": str(item.polarity),
        "background": item.background,
        "n_patients": item.n_patients,
        "figures": dict(item.figures),
        "statement": item.statement,
        "status": item.status,
        "warnings": list(item.warnings),
        "sentences": [{"start": quote.start, "end": quote.end, "text": quote.text} for quote in item.quotes],
    }


def _tsv(chosen: Selection, out: TextIO) -> None:
    write_tsv(chosen.rows(), out)


def _papers(chosen: Selection, out: TextIO) -> None:
    write_paper_tsv(chosen.rows(), out)


def _jsonl(chosen: Selection, out: TextIO) -> None:
    write_jsonl(chosen.rows(), out)


TSV = Exporter(_tsv, "the table, one line a finding")
PAPERS = Exporter(_papers, "the table, one line a paper and finding")
JSONL = Exporter(_jsonl, "the table, one object a finding with every sentence")
