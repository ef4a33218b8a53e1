"""What a topic comes to: the first page, the summary with its sentences, the pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from miner.evidence import store_web
from miner.evidence.pooling import Pool, pools
from miner.evidence.report_marks import Piece, marks, pieces
from miner.evidence.report_plots import Forest, ResistanceMap, Ribbons, Years, forest, resistance_map, ribbons, years
from miner.evidence.store import Store
from miner.evidence.summary import Summary, SummaryRow
from miner.evidence.summary_tables import inhibitors
from miner.topic import Topic
from miner.web.links import table_url
from miner.web.pages_runs import ChangePlot, change_plot, last_finished
from miner.web.site import NotFound, Site

OTHER_THERAPIES = 40
POOLS = 8


@dataclass(frozen=True, slots=True)
class Pictures:
    """The geometry of a topic's pictures."""

    forest: Forest
    other_forest: Forest
    ribbons: Ribbons
    years: Years
    resistance: ResistanceMap
    other_resistance: ResistanceMap
    pools: tuple[Pool, ...]


def pictures_of(site: Site, store: Store, topic: Topic) -> Pictures:
    """Lay out the pictures of a topic for the present state of the database, or for one shortly before where they are dear."""

    def draw(store: Store) -> Pictures:
        summary = site.summary(store, topic)
        evidence = list(store.evidence(topic=topic.name))
        focus = list(dict.fromkeys(member for gene in topic.focus_genes for member in site.lexicon.members(gene)))
        in_focus = {(row.pmid, row.key) for row in summary.inhibitors}
        others = [row for row in inhibitors(evidence, site.lexicon, ()) if (row.pmid, row.key) not in in_focus]
        return Pictures(
            forest=forest(summary.inhibitors),
            other_forest=forest(others, limit=OTHER_THERAPIES),
            ribbons=ribbons(summary.partners, focus),
            years=years(evidence),
            resistance=resistance_map(summary.resistance, is_focus=True),
            other_resistance=resistance_map(summary.resistance, is_focus=False),
            pools=tuple(pool for pool in pools(evidence) if len(pool.rates) > 1)[:POOLS],
        )

    return site.database.lasting(store, ("pictures", topic.name), draw)


def facts(store: Store) -> list[tuple[int, str, str]]:
    """Return what the database holds: number, word, address."""
    counts = store.counts()
    return [
        (counts["records"], "records read", "/runs"),
        (counts["propositions"], "rows", "/table"),
        (counts["evidence"], "pieces of evidence", "/table?sort=papers"),
        (counts["curations"], "curations", "/table?status=accepted" if counts["curations"] else ""),
    ]


def home(site: Site, request: Request) -> Response:
    """Show where the evidence stands: facts, verdicts, what changed last."""
    with site.reading() as store:
        topic = site.topic(request.query_params.get("topic") or None)
        summary = site.summary(store, topic)
        run = last_finished(store)
        return site.page(
            request,
            "home.html.j2",
            title=topic.title,
            here="home",
            store=store,
            topic=topic,
            topics=site.topics(store),
            summary=summary,
            former=site.is_former(store, topic),
            facts=site.database.kept(store, "facts", lambda: facts(store)),
            run=run,
            changes=_changes(site, store, run.id) if run else None,
            pictures=pictures_of(site, store, topic),
            commonest=site.database.kept(store, "commonest", lambda: _commonest(store)),
        )


def _changes(site: Site, store: Store, run_id: int) -> ChangePlot:
    return site.database.kept(store, ("changes", run_id), lambda: change_plot(store, run_id))


def _commonest(store: Store) -> list[tuple[str, list[tuple[str, str, int]]]]:
    return [(kind, store_web.names(store, kind, "", 6)) for kind in store_web.NAMED]


def summary(site: Site, request: Request) -> Response:
    """Show the summary of a topic, each line leading to its papers, sentences and rows."""
    with site.reading() as store:
        topic = _topic(site, store, request)
        found = site.summary(store, topic)
        quotes = site.database.lasting(store, ("quotes", topic.name), lambda own: quoted(own, site.summary(own, topic)))
        return site.page(
            request,
            "summary.html.j2",
            title="Summary",
            here="summary",
            store=store,
            topic=topic,
            topics=site.topics(store),
            summary=found,
            quotes=quotes,
            former=site.is_former(store, topic),
        )


def _topic(site: Site, store: Store, request: Request) -> Topic:
    topic = site.topic(request.query_params.get("topic") or None)
    if request.query_params.get("topic") and topic.name not in site.topics(store):
        raise NotFound(f"no record was read for the topic {topic.name}")
    return topic


def quoted(store: Store, found: Summary) -> dict[str, list[list[Piece]]]:
    """Return the marked sentences of each line."""
    held: dict[str, tuple[str, Any]] = {}

    def cut(pmid: str, start: int, end: int) -> list[Piece]:
        if pmid not in held:
            record = store.record(pmid)
            held[pmid] = (record.text if record else "", marks(store.mentions(pmid)))
        text, shown = held[pmid]
        return pieces(text, shown, [(start, end)], start, end)

    return {row.id: [cut(quote.pmid, quote.start, quote.end) for quote in row.quotes] for row in found.rows}


def behind(site: Site, request: Request) -> Response:
    """List the rows behind a line of the summary, or behind one thing that it names."""
    with site.reading() as store:
        topic = _topic(site, store, request)
        found: SummaryRow | None = next((row for row in site.summary(store, topic).rows if row.id == request.path_params["line"]), None)
        if found is None:
            raise NotFound("the summary has no such line")
        keys, what = _keys_of(found, request.query_params.get("of", ""), request.query_params.get("what", ""))
        from miner.web.pages_table import drawn

        papers = {(paper.pmid, paper.key) for paper in store.evidence(key=list(keys), topic=topic.name)} if keys else set()
        rows = sorted(store.table(key=list(keys), topic=topic.name), key=lambda row: -row.support) if papers else []
        return site.page(
            request,
            "behind.html.j2",
            title=found.title,
            here="summary",
            store=store,
            topic=topic,
            line=found,
            what=what,
            lines=drawn(rows),
            table=table_url([("topic", topic.name)]),
        )


def _keys_of(found: SummaryRow, label: str, text: str) -> tuple[tuple[str, ...], str]:
    if not label:
        return found.keys, ""
    for finding in found.findings:
        for item in finding.items:
            if finding.label == label and item.text == text:
                return item.keys, f"{label}: {text}"
    raise NotFound("the line of the summary does not say this any more")


def pictures(site: Site, request: Request) -> Response:
    """Show the pictures of a topic."""
    with site.reading() as store:
        topic = _topic(site, store, request)
        run = last_finished(store)
        return site.page(
            request,
            "pictures.html.j2",
            title="Pictures",
            here="pictures",
            store=store,
            topic=topic,
            topics=site.topics(store),
            pictures=pictures_of(site, store, topic),
            summary=site.summary(store, topic),
            run=run,
            changes=_changes(site, store, run.id) if run else None,
        )
