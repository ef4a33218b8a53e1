"""The table as Markdown: one table for each type of claim, PMIDs as links."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import groupby
from typing import TextIO

from miner.evidence.figures import describe
from miner.evidence.table import TableRow, finding
from miner.plugins import Exporter, Selection

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&])")
_PUBMED = "https://pubmed.ncbi.nlm.nih.gov/"

COLUMNS: dict[str, Callable[[TableRow], str]] = {
    "finding": lambda row: escape(finding(row)),
    "in": lambda row: escape(row.molecular_profile),
    "tumour": lambda row: escape(row.disease or ""),
    "therapies": lambda row: escape((" + " if row.therapy_interaction_type == "Combination" else ", ").join(row.therapies)),
    "level": lambda row: row.level,
    "patients": lambda row: "" if row.n_patients is None else str(row.n_patients),
    "figures": lambda row: escape(describe(row.best.figures)),
    "sentence": lambda row: f"{escape(row.quote.text)} \\[{row.best.pmid} {row.quote.start}:{row.quote.end}\\]",
    "papers": lambda row: ", ".join(map(_link, row.papers)),
}


def escape(text: str) -> str:
    """Write text so that Markdown shows it as it stands, on one line."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _link(identifier: str) -> str:
    return f"[{identifier}]({_PUBMED}{identifier}/)" if identifier.isascii() and identifier.isdigit() else escape(identifier)


def write_markdown(chosen: Selection, out: TextIO) -> None:
    """Write a heading and a table for each type of claim."""
    out.write("# Evidence table\n")
    for claim_type, rows in groupby(chosen.rows(), key=lambda row: row.claim_type):
        out.write(f"\n## {str(claim_type).replace('_', ' ').capitalize()}\n\n")
        out.write(f"| {' | '.join(COLUMNS)} |\n|{' --- |' * len(COLUMNS)}\n")
        for row in rows:
            out.write(f"| {' | '.join(read(row) for read in COLUMNS.values())} |\n")


MARKDOWN = Exporter(write_markdown, "tables to read, by type of claim, PMIDs as links")
