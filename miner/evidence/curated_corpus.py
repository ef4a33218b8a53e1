"""What curators decided as a gold corpus for ``miner evaluate``: the records of which every row was accepted or rejected."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from miner.errors import InputError
from miner.evidence.store import Store
from miner.evidence.table import STATUSES, Paper
from miner.schema import Record

_CARD = """# {name}

Made of the decisions of curators by `miner review corpus`: {whole} records of which every row that the miner read was accepted or
rejected; {part} records decided in part are left out. Accepted rows are gold as the curators left them, rows that they added as
well; rejected rows are what must not be read. Only claims are gold: mentions, fusions, drugs and variants were not curated.
The texts are those of the records and belong to their publishers. Curators: {curators}.
"""


def write_corpus(store: Store, folder: Path) -> tuple[int, int]:
    """Write ``gold.jsonl`` and ``README.md``; return how many records are in it, and how many are decided in part only."""
    by_record: dict[str, list[Paper]] = {}
    for paper in store.evidence(status=STATUSES):
        by_record.setdefault(paper.pmid, []).append(paper)
    touched = {item.source for item in store.curations()}
    chosen = sorted(pmid for pmid in touched if by_record.get(pmid))
    whole = [pmid for pmid in chosen if all(paper.status != "submitted" for paper in by_record[pmid])]
    lines = [gold_row(record, by_record[pmid]) for pmid in whole if (record := store.record(pmid)) is not None]
    curators = ", ".join(sorted({item.curator for item in store.curations()})) or "none"
    card = _CARD.format(name=folder.name, whole=len(lines), part=len(chosen) - len(whole), curators=curators)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder / "gold.jsonl", "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
        _write(folder / "README.md", card)
    except OSError as error:
        raise InputError(f"cannot write {folder}: {error.strerror}") from error
    return len(lines), len(chosen) - len(whole)


def _write(path: Path, text: str) -> None:
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8", newline="\n")
    os.replace(part, path)


def gold_row(record: Record, papers: Sequence[Paper]) -> dict[str, Any]:
    """Return a record with its accepted rows as gold claims, in the order of their sentences."""
    accepted = sorted((paper for paper in papers if paper.status == "accepted"), key=lambda paper: (paper.quotes[0].start, paper.key))
    return {
        "id": record.id,
        "pmid": record.pmid,
        "title": record.title,
        "sections": [{"label": part.label, "text": part.text} for part in record.sections],
        "claims": [_claim(paper) for paper in accepted],
    }


def _claim(paper: Paper) -> dict[str, Any]:
    quote = paper.quotes[0]
    return {
        "type": str(paper.claim_type),
        "subject": " ".join(paper.genes) or None,
        "drug": list(paper.therapies) or None,
        "disease": paper.disease,
        "direction": str(paper.direction),
        "polarity": str(paper.polarity),
        "population_n": paper.n_patients,
        "figures": {name: value for name, value in paper.figures.items() if not name.endswith("_ci")},
        "background": paper.background,
        "line": paper.statement,
        "start": quote.start,
        "end": quote.end,
        "spans": [[item.start, item.end] for item in paper.quotes],
    }
