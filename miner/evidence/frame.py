"""The evidence as a pandas DataFrame."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from miner.errors import ConfigError
from miner.evidence.export_rows import row_object
from miner.evidence.table import Paper, TableRow

if TYPE_CHECKING:
    import pandas as pd

_TEXTS = (
    *("claim_type", "evidence_type", "molecular_profile", "disease", "therapy_interaction_type", "significance", "direction"),
    *("polarity", "level", "study_type", "status", "title", "journal", "statement"),
)
PAPER_NAMES = (
    *("key", "source", *_TEXTS, "year", "genes", "therapies", "n_patients", "background", "figures", "start", "end"),
    *("sentence", "warnings"),
)
ROW_NAMES = (
    *("key", "claim_type", "evidence_type", "molecular_profile", "disease", "therapies", "therapy_interaction_type", "significance"),
    *("direction", "polarity", "level", "support", "support_points", "support_confirmed", "support_consistency"),
    *("n_papers", "n_studies", "n_patients", "pmids", "n_synthetic", "years", "studies", "superseded", "warnings"),
    *("statement", "figures", "source", "start", "end", "sentence"),
)
_WHOLE = ("n_papers", "n_studies", "n_patients", "n_synthetic", "year", "start", "end")


def frame_of_rows(rows: Iterable[TableRow]) -> pd.DataFrame:
    """Return one line for each proposition; therapies, PMIDs, years and warnings are lists."""
    found = []
    for row in rows:
        held = row_object(row)
        best = {"statement": row.best.statement, "figures": dict(row.best.figures), "source": row.best.pmid}
        found.append({**held, **best, "start": row.quote.start, "end": row.quote.end, "sentence": row.quote.text})
    return _frame(found, ROW_NAMES)


def frame_of_papers(papers: Iterable[Paper]) -> pd.DataFrame:
    """Return one line for each paper of each proposition, ``key`` that of the proposition."""
    return _frame([_paper(item) for item in papers], PAPER_NAMES)


def _paper(item: Paper) -> dict[str, Any]:
    return {
        "key": item.proposition or item.key,
        "source": item.pmid,
        **{name: None if getattr(item, name) is None else str(getattr(item, name)) for name in _TEXTS},
        "year": item.year,
        "genes": list(item.genes),
        "therapies": list(item.therapies),
        "n_patients": item.n_patients,
        "background": item.background,
        "figures": dict(item.figures),
        "start": item.quotes[0].start,
        "end": item.quotes[0].end,
        "sentence": item.quotes[0].text,
        "warnings": list(item.warnings),
    }


def _frame(found: list[dict[str, Any]], names: tuple[str, ...]) -> pd.DataFrame:
    try:
        import pandas as pd
    except ImportError as error:
        raise ConfigError("a DataFrame needs pandas, which is not installed; pip install 'ntrk-miner[pandas]'") from error
    made = pd.DataFrame(found, columns=list(names))
    return made.astype({name: "Int64" for name in _WHOLE if name in made.columns})
