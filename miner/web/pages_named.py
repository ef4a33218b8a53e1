"""What is known of one thing: a paper, or a gene, fusion, variant, drug or tumour; and what of these there is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from miner.evidence import store_web
from miner.evidence.report_marks import marks
from miner.evidence.report_plots import Forest, ResistanceMap, Years, forest, resistance_map, years
from miner.evidence.store import Store
from miner.evidence.store_search import Page
from miner.evidence.summary_tables import inhibitors, resistance
from miner.evidence.table import STATUSES, Paper, make_row
from miner.web.links import ENTITY_KINDS, entity_url, paper_url, table_url
from miner.web.pages_row import added_choices, decisions, sections
from miner.web.pages_table import drawn, find, line
from miner.web.params import MAX_VALUE, Query
from miner.web.site import NotFound, Site

ROWS = 15
BESIDE = 8
NAMES = 60
EVIDENCE = 5_000


@dataclass(frozen=True, slots=True)
class Named:
    """What the evidence on one thing comes to."""

    kind: str
    name: str
    page: Page
    forest: Forest
    resistance: ResistanceMap
    years: Years
    papers: int
    pieces: int
    own: tuple[tuple[str, int], ...]


def paper(site: Site, request: Request) -> Response:
    """Show a paper: its abstract with everything marked, its evidence, its state, and a form for what was missed."""
    with site.reading() as store:
        return show_paper(site, request, store, request.path_params["pmid"])


def show_paper(
    site: Site, request: Request, store: Store, pmid: str, *, error: str = "", filled: Mapping[str, str] | None = None
) -> Response:
    """Draw the page of a paper; ``error`` and what was ``filled`` in where a row was refused."""
    record = store.record(pmid)
    if record is None:
        raise NotFound(f"the database holds no record {pmid}")
    evidence = list(store.evidence(pmid=pmid, status=STATUSES))
    quotes = sorted({(quote.start, quote.end) for item in evidence for quote in item.quotes if item.status != "rejected"})
    mentions = store.mentions(pmid)
    first, last = store_web.record_runs(store, pmid)
    return site.page(
        request,
        "paper.html.j2",
        title=record.title or pmid,
        here="table",
        status=422 if error else 200,
        store=store,
        record=record,
        pmid=pmid,
        sections=sections(record, marks(mentions), quotes),
        lines=[(line(make_row([item])), item) for item in evidence],
        flags=evidence[0].flags if evidence else _flags(str(record.status)),
        versions=store.versions(pmid),
        trials=store_web.trials(store, pmid),
        first_run=first,
        last_run=last,
        decisions=decisions(store.curations(source=pmid)),
        error=error,
        filled=dict(filled or {}),
        choices=added_choices(),
    )


def _flags(status: str) -> Sequence[str]:
    return () if status == "current" else (status,)


def entity(site: Site, request: Request) -> Response:
    """Show everything on a gene, fusion, variant, drug or tumour."""
    kind, value = request.path_params["kind"], request.path_params["name"]
    if kind not in ENTITY_KINDS or len(value) > MAX_VALUE:
        raise NotFound(f"there is no page of that kind; there are {', '.join(ENTITY_KINDS)}")
    with site.reading() as store:
        name = store_web.name_of(store, kind, value)
        if name is None:
            raise NotFound(f"no evidence names {value!r} as {kind}")
        if name != value:
            return RedirectResponse(entity_url(kind, name), 302)
        found = site.database.kept(store, ("entity", kind, name), lambda: named(site, store, kind, name))
        return site.page(
            request,
            "entity.html.j2",
            title=name,
            here="entities",
            store=store,
            found=found,
            lines=drawn(found.page.rows),
            beside=[(other, _beside(found, other)) for other in ENTITY_KINDS],
            types=found.page.facet_counts.get("claim_type", ()),
            table=table_url([(kind, name)]),
            type_url=lambda claim_type: table_url([("claim_type", claim_type), (kind, name)]),
            feed=Query(facets=((kind, (name,)),)).feed_url(),
        )


def _beside(found: Named, other: str) -> list[tuple[str, int]]:
    counts = found.own if other == found.kind else found.page.facet_counts.get(other, ())
    return [(name, n) for name, n in counts if (other, name) != (found.kind, found.name)][:BESIDE]


def named(site: Site, store: Store, kind: str, name: str) -> Named:
    """Gather the evidence on one thing."""
    query = Query(facets=((kind, (name,)),), size=ROWS)
    page = find(site, store, query)
    evidence: list[Paper] = []
    for row in store_web.matching(store, None, query.chosen):
        evidence += row.evidence
        if len(evidence) >= EVIDENCE:
            break
    rates = [row for row in inhibitors(evidence, site.lexicon, ()) if kind != "drug" or name in row.drug]
    genes = frozenset(gene for paper in evidence for gene in paper.genes)
    effects = [row for row in resistance(evidence, genes, site.lexicon, ()) if kind != "drug" or row.drug == name]
    mapped = resistance_map([*effects], is_focus=True, most=24)
    other = resistance_map([*effects], is_focus=False, most=24)
    return Named(
        kind=kind,
        name=name,
        page=page,
        forest=forest(rates, limit=24),
        resistance=mapped if len(mapped.rows) >= len(other.rows) else other,
        years=years(evidence, height=110),
        papers=len({paper.pmid for paper in evidence}),
        pieces=len(evidence),
        own=_own(kind, evidence),
    )


def _own(kind: str, evidence: Sequence[Paper]) -> tuple[tuple[str, int], ...]:
    """Count what of the same kind is named with it: a facet's own counts leave the facet itself out."""
    names = {"gene": lambda paper: paper.genes, "drug": lambda paper: paper.therapies}.get(kind)
    rows = {(paper.proposition, name) for paper in evidence for name in (names(paper) if names else ())}
    return tuple(Counter(name for _, name in rows).most_common())


def entities(site: Site, request: Request) -> Response:
    """List what has a page of its own; a PMID leads to its paper at once."""
    text = " ".join(request.query_params.get("q", "").split())[:MAX_VALUE]
    kind = request.query_params.get("kind", "")
    if kind not in ("", *ENTITY_KINDS):
        raise NotFound(f"there is no kind {kind!r}; there are {', '.join(ENTITY_KINDS)}")
    with site.reading() as store:
        if text and store.record(text) is not None:
            return RedirectResponse(paper_url(text), 302)
        kinds = [kind] if kind else list(ENTITY_KINDS)
        most = 400 if kind else NAMES if text else 30
        key = ("names", text.casefold(), kind)
        groups = site.database.kept(store, key, lambda: [(each, store_web.names(store, each, text, most)) for each in kinds])
        return site.page(
            request, "entities.html.j2", title="Genes, drugs, tumours", here="entities", store=store, groups=groups, text=text, kind=kind
        )
