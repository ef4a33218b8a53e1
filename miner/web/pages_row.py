"""A row: every sentence in its abstract, what it merges, what speaks against it, its history, and what a curator may do."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from miner.evidence import store_web
from miner.evidence.conflicts import Conflict, conflicts
from miner.evidence.curation import EDITABLE, INTERACTIONS, legal_significances
from miner.evidence.figures import KINDS
from miner.evidence.report_marks import Mark, Piece, marks, pieces, window
from miner.evidence.store import Change, Store
from miner.evidence.store_web import ClaimRead
from miner.evidence.studies import Superseded, Tie
from miner.evidence.support import LEVEL_WEIGHTS, study_points
from miner.evidence.table import STATUSES, Paper, TableRow, make_row, subject
from miner.schema import Action, ClaimType, Curation, Direction, Polarity, Record, StudyType
from miner.web.links import row_url
from miner.web.pages_table import line
from miner.web.site import NotFound, Site

SHOWN = 12
SECTIONS = tuple[tuple[str, list[Piece]], ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """A curation with whether it still holds, and the fields that it changed as text."""

    curation: Curation
    is_undone: bool
    changes: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Item:
    """One paper's evidence as the page of its row shows it."""

    paper: Paper
    record: Record
    context: list[Piece]
    cut: tuple[bool, bool]
    sections: SECTIONS
    points: float | None
    ties: tuple[Tie, ...]
    superseded: tuple[Superseded, ...]
    claims: list[ClaimRead]
    decisions: tuple[Decision, ...]
    machine: tuple[tuple[str, str], ...]
    seen: str


@dataclass(frozen=True, slots=True)
class Place:
    """A row among those that speak of the same question: what contradicts it, and the same in other tumours."""

    row: TableRow
    conflicts: tuple[Conflict, ...]
    opposite: tuple[TableRow, ...]
    elsewhere: tuple[TableRow, ...]
    rejected: tuple[Paper, ...]


def row(site: Site, request: Request) -> Response:
    """Show a row by its key; by the key of evidence that a curator edited, the row where that stands now."""
    key = request.path_params["key"]
    with site.reading() as store:
        found = place_of(store, key)
        if found is None:
            moved = [paper.proposition for paper in store.evidence(key=key, status=STATUSES)]
            if moved:
                return RedirectResponse(row_url(moved[0]), 302)
            return _gone(site, request, store, key)
        return show(site, request, store, found)


def place_of(store: Store, key: str) -> Place | None:
    """Return a row and what stands around it, or None; a row that is wholly rejected is shown as it was."""
    rejected = tuple(paper for paper in store.evidence(key=key, status="rejected") if paper.proposition == key)
    rows = store_web.around(store, key)
    own = next((row for row in rows if row.key == key), None)
    if own is None:
        return Place(make_row(rejected), (), (), (), ()) if rejected else None
    others = [row for row in rows if row.key != key and row.claim_type is own.claim_type]
    against = [row for row in others if subject(row.best) == subject(own.best)]
    return Place(
        row=own,
        conflicts=tuple(item for item in conflicts(rows) if key in item.keys),
        opposite=tuple(against),
        elsewhere=tuple(row for row in others if row not in against),
        rejected=rejected,
    )


def show(
    site: Site,
    request: Request,
    store: Store,
    found: Place,
    *,
    status: int = 200,
    error: str = "",
    filled: Mapping[str, Any] | None = None,
) -> Response:
    """Draw the page of a row; ``error`` and what was ``filled`` in where a curation was refused."""
    row = found.row
    papers = [*row.evidence, *found.rejected]
    start = min(_number(request.query_params.get("from", "")), max(0, len(papers) - 1))
    met = {paper.pmid for item in found.conflicts for paper in (item.left, item.right)}
    return site.page(
        request,
        "row.html.j2",
        title=row.best.statement,
        here="table",
        status=status,
        store=store,
        row=row,
        told=line(row),
        items=[item_of(store, paper, row) for paper in papers[start : start + SHOWN]],
        n_papers=len(papers),
        start=start,
        shown=SHOWN,
        done=_done(store, request.query_params.get("done", "")),
        error=error,
        filled=dict(filled or {}),
        conflicts=found.conflicts,
        against=[line(other) for other in found.opposite if not met.intersection(other.papers)],
        elsewhere=[line(other) for other in found.elsewhere[:12]],
        history=history(store, papers),
        choices=choices(),
    )


def _gone(site: Site, request: Request, store: Store, key: str) -> Response:
    told = store_web.last_statement(store, key)
    if not told:
        raise NotFound("there is no such row, and no run knows of one")
    return site.page(request, "gone.html.j2", title=told[0].statement, here="table", status=410, store=store, key=key, changes=told)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0


def _done(store: Store, text: str) -> Curation | None:
    number = _number(text)
    return next((item for item in store.curations() if item.id == number), None) if number else None


def item_of(store: Store, paper: Paper, row: TableRow) -> Item:
    """Return a paper's evidence with its text marked."""
    record = store.record(paper.pmid)
    if record is None:
        raise NotFound(f"the database holds no record {paper.pmid}")
    text, shown = record.text, marks(store.mentions(paper.pmid))
    quotes = [(quote.start, quote.end) for quote in paper.quotes]
    study = next((study for study in row.studies if paper in study.papers), None)
    left, right = window(text, *quotes[0])
    return Item(
        paper=paper,
        record=record,
        context=pieces(text, shown, quotes, left, right),
        cut=(left > 0, right < len(text)),
        sections=sections(record, shown, quotes),
        points=study_points(study) if study and study.lead is paper else None,
        ties=tuple(tie for tie in study.ties if paper.pmid in (tie.pmid, tie.to)) if study and len(study.papers) > 1 else (),
        superseded=tuple(item for item in study.superseded if item.pmid == paper.pmid) if study else (),
        claims=store_web.claims_of(store, paper.key, paper.pmid),
        decisions=decisions(store.curations(paper.key, paper.pmid)),
        machine=tuple((name, as_text(value)) for name, value in paper.machine.items()),
        seen=fingerprint(paper),
    )


def sections(record: Record, shown: Sequence[Mark], quotes: Sequence[tuple[int, int]]) -> SECTIONS:
    """Return the marked text of a record section by section, each with its label."""
    return tuple((label or "", pieces(record.text, shown, quotes, start, end)) for label, start, end in record.spans)


def decisions(log: Sequence[Curation]) -> tuple[Decision, ...]:
    """Return what curators did, the newest first, undone or not."""
    undone = {item.undoes for item in log if item.action is Action.UNDO}
    return tuple(
        Decision(item, item.id in undone, tuple((name, as_text(value)) for name, value in item.changes.items())) for item in reversed(log)
    )


def as_text(value: Any) -> str:
    """Write the value of a field as a curator types it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return "\n".join(f"{name}: {number}" for name, number in value.items())
    return "; ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def field_text(paper: Paper, name: str) -> str:
    """Return what a field of a paper's evidence holds, as the edit form shows it."""
    value = (paper.disease_key if ":" in paper.disease_key else None) if name == "disease_id" else getattr(paper, name)
    return as_text(list(value) if isinstance(value, tuple) else dict(value) if isinstance(value, Mapping) else value)


def fingerprint(paper: Paper) -> str:
    """Digest what the page shows of a paper's evidence, to tell whether a decision was made on what still stands."""
    told = [str(paper.status), *(field_text(paper, name) for name in EDITABLE)]
    return hashlib.sha256("\x1f".join(told).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def history(store: Store, papers: Sequence[Paper]) -> list[tuple[Change, str]]:
    """Return what runs did to the row."""
    return store_web.row_changes(store, [(paper.pmid, paper.key) for paper in papers[:200]])[:100]


@cache
def choices() -> dict[str, Any]:
    """Return what a curator may choose from in the edit form."""
    every = sorted({name for item in ClaimType for name in legal_significances(str(item))})
    return {
        "fields": [name for name in EDITABLE if name not in ("genes", "disease_id")],
        "claim_type": [str(item) for item in ClaimType],
        "direction": [str(item) for item in Direction],
        "polarity": [str(item) for item in Polarity],
        "level": list(LEVEL_WEIGHTS),
        "study_type": [str(item) for item in StudyType],
        "therapy_interaction_type": ["", *INTERACTIONS],
        "background": ["no", "yes"],
        "significance": {str(item): list(legal_significances(str(item))) for item in ClaimType},
        "other_significances": {str(item): [name for name in every if name not in legal_significances(str(item))] for item in ClaimType},
        "figures": list(KINDS),
        "text": field_text,
    }


@cache
def added_choices() -> dict[str, Any]:
    """Return what a curator may choose from for a row of their own: nothing where it follows from the rest."""
    held = choices()
    every = sorted({name for item in ClaimType for name in legal_significances(str(item))})
    follows = {name: ["", *held[name]] for name in ("level", "study_type")} | {"significance": ["", *every]}
    return held | follows | {"claim_type": ["", *held["claim_type"]]}
