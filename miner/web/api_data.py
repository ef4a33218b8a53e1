"""What the API answers, as plain data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from miner.evidence import store_web
from miner.evidence.export_rows import row_object
from miner.evidence.store import Store
from miner.evidence.store_search import FACETS, Page
from miner.evidence.summary import Summary
from miner.evidence.support import study_points
from miner.evidence.table import STATUSES
from miner.schema import Action, Curation
from miner.web.pages_row import Place, history
from miner.web.pages_runs import RunLine
from miner.web.site import NotFound

__all__ = ["FACETS", "curations", "paper", "pictures", "plain", "row_detail", "run", "summary", "table_page"]


def plain(items: Iterable[Any]) -> list[dict[str, Any]]:
    """Return dataclasses as dictionaries."""
    return [asdict(item) for item in items]


def table_page(page: Page) -> dict[str, Any]:
    """Return a page of the table."""
    facets = {name: [{"value": value, "rows": n} for value, n in counts] for name, counts in page.facet_counts.items()}
    return {
        "total": page.total,
        "page": page.page,
        "pages": page.pages,
        "size": page.size,
        "rows": [row_object(row) for row in page.rows],
        "facets": facets,
    }


def row_detail(store: Store, found: Place) -> dict[str, Any]:
    """Return a row with all that its page shows."""
    row = found.row
    papers = [*row.evidence, *(paper for paper in found.rejected if paper not in row.evidence)]
    return {
        "row": row_object(row),
        "evidence": [
            {
                "pmid": paper.pmid,
                "key": paper.key,
                "status": paper.status,
                "machine": dict(paper.machine),
                "claims": [_claim(claim) for claim in store_web.claims_of(store, paper.key, paper.pmid)],
                "curations": curations(store.curations(paper.key, paper.pmid)),
            }
            for paper in papers
        ],
        "studies": [
            {
                "name": study.name,
                "pmids": [paper.pmid for paper in study.papers],
                "ties": plain(study.ties),
                "superseded": plain(study.superseded),
                "points": study_points(study),
            }
            for study in row.studies
        ],
        "conflicts": [{"kind": str(item.kind), "told": item.told, "keys": list(item.keys)} for item in found.conflicts],
        "against": [other.key for other in found.opposite],
        "elsewhere": [other.key for other in found.elsewhere],
        "history": plain(change for change, _ in history(store, papers)),
    }


def _claim(claim: store_web.ClaimRead) -> dict[str, Any]:
    held = asdict(claim)
    return held | {"text": held.pop("sentence"), "warnings": list(claim.warnings)}


def curations(log: Sequence[Curation]) -> list[dict[str, Any]]:
    """Return curations, each with whether it was undone."""
    undone = {item.undoes for item in log if item.action is Action.UNDO}
    names = ("id", "at", "curator", "key", "source", "comment", "undoes")
    return [
        {name: getattr(item, name) for name in names}
        | {"action": str(item.action), "changes": dict(item.changes), "undone": item.id in undone}
        for item in log
    ]


def paper(store: Store, pmid: str) -> dict[str, Any]:
    """Return a paper with its mentions and rows; raise NotFound where it is not held."""
    record = store.record(pmid)
    if record is None:
        raise NotFound(f"the database holds no record {pmid!r}")
    first, last = store_web.record_runs(store, pmid)
    names = ("title", "text", "journal", "pub_date", "doi", "pmcid", "source", "fetched_at")
    return {name: getattr(record, name) for name in names} | {
        "pmid": pmid,
        "sections": [list(span) for span in record.spans],
        "status": str(record.status),
        "notices": [list(notice) for notice in record.notices],
        "authors": list(record.authors),
        "publication_types": list(record.publication_types),
        "mesh": list(record.mesh),
        "trials": store_web.trials(store, pmid),
        "first_run": first,
        "last_run": last,
        "mentions": [
            {
                "start": mention.start,
                "end": mention.end,
                "text": mention.text,
                "label": str(mention.label),
                "polarity": str(mention.polarity),
                "curie": mention.curie,
                "name": mention.name,
            }
            for mention in store.mentions(pmid)
        ],
        "rows": [row_object(row) for row in store.table(pmid=pmid, status=STATUSES)],
        "curations": curations(store.curations(source=pmid)),
    }


def run(line: RunLine) -> dict[str, Any]:
    """Return a run with the number of rows that it changed."""
    names = ("id", "topic", "kind", "started", "finished", "outcome", "watermark_before", "watermark_after")
    held = {name: getattr(line.run, name) for name in names}
    counts = {"counts": dict(line.run.counts), "versions": dict(line.run.versions)}
    return held | counts | {"changes": dict(line.changes), "set_aside": line.aside}


def summary(found: Summary) -> dict[str, Any]:
    """Return the summary of a topic."""
    return {"topic": found.topic, "title": found.title, "rows": [_line(row) for row in found.rows]}


def _line(row: Any) -> dict[str, Any]:
    return {
        "id": row.id,
        "title": row.title,
        "proposition": row.proposition,
        "verdict": str(row.verdict),
        "headline": row.headline,
        "findings": plain(row.findings),
        "tally": asdict(row.tally),
        "papers": list(row.papers),
        "keys": list(row.keys),
        "quotes": plain(row.quotes),
        "unsound": list(row.unsound),
    }


def pictures(found: Summary, years: Counter[int | None]) -> dict[str, Any]:
    """Return what the pictures of a topic show."""
    return {
        "topic": found.topic,
        "response_rates": [asdict(row) | {"figures": dict(row.figures)} for row in found.inhibitors],
        "partners": plain(found.partners),
        "resistance": plain(found.resistance),
        "years": [{"year": year, "evidence": n} for year, n in sorted(years.items(), key=lambda item: item[0] or 0)],
    }
