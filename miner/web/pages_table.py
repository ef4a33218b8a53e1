"""The table: a page of rows under filters, the same as a file, and the same as a feed."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import IO, Any

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from miner.errors import ConfigError
from miner.evidence import store_search, store_web
from miner.evidence.civic import UNSPECIFIED
from miner.evidence.export import Selection, exporter, write
from miner.evidence.figures import ALSO, describe
from miner.evidence.held import Held
from miner.evidence.report_plots import stance
from miner.evidence.store import Run, Store
from miner.evidence.store_search import Page
from miner.evidence.table import TableRow, finding
from miner.schema import ClaimType
from miner.web import params
from miner.web.links import Pairs, entity_url, row_url, table_url
from miner.web.params import Query
from miner.web.render import day, row_line
from miner.web.site import NotFound, Site

SHOWN_VALUES = 7
COLUMNS = (
    ("Proposition", "order", ""),
    ("Finding", "", ""),
    ("Level", "", ""),
    ("Papers", "papers", "num"),
    ("Patients", "patients", "num"),
    ("Figures", "", "wide"),
    ("Years", "year", "num"),
    ("Support", "support", "num"),
)
DOWNLOADS: Mapping[str, tuple[str, str, str]] = {
    "tsv": ("TSV", "text/tab-separated-values; charset=utf-8", "evidence.tsv"),
    "tsv-papers": ("TSV by paper", "text/tab-separated-values; charset=utf-8", "evidence-papers.tsv"),
    "xlsx": ("XLSX", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "evidence.xlsx"),
    "jsonl": ("JSONL", "application/x-ndjson", "evidence.jsonl"),
    "markdown": ("Markdown", "text/markdown; charset=utf-8", "evidence.md"),
    "ris": ("RIS", "application/x-research-info-systems", "evidence.ris"),
    "bibtex": ("BibTeX", "application/x-bibtex; charset=utf-8", "evidence.bib"),
}
"""Format → its name, media type and file name."""
_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Choice:
    """A value of a facet: how many rows it would leave, and the address that chooses it or lets it go."""

    value: str
    count: int | None
    is_on: bool
    url: str


@dataclass(frozen=True, slots=True)
class Facet:
    """A facet with its commonest values; ``more`` counts those that are not shown."""

    name: str
    choices: tuple[Choice, ...]
    more: int
    is_open: bool
    values: tuple[str, ...]


def find(site: Site, store: Store, query: Query, *, counted: bool = True, newest: bool = True) -> Page:
    """Return the page of rows that a query asks for; of the state before this one where ``newest`` is not needed."""

    def ask(prepared: Store) -> Page:
        return store_search.search(
            prepared, text=query.text or None, facets=query.chosen, sort=query.sort, page=query.page, size=query.size, counted=counted
        )

    return site.database.searching(store, ask, newest=newest)


_ORDER = (
    "claim_type", "gene", "drug", "variant", "fusion", "disease", "direction", "polarity", "level", "study_type", "year",
    "opposed", "status",
)  # fmt: skip


def facets(query: Query, page: Page, runs: Sequence[Run]) -> list[Facet]:
    """Return what the table can be filtered by, the values that are chosen first."""
    made = [_facet(name, query, page) for name in (*_ORDER, "topic")]
    return [facet for facet in (*made, _since(query, runs)) if facet is not None]


def _since(query: Query, runs: Sequence[Run]) -> Facet | None:
    """Offer what is new since the last runs."""
    name = "new_since_run"
    ended = [run for run in runs if run.outcome and run.outcome != "failed"]
    numbers = list(dict.fromkeys([*query.chosen.get(name, ()), *(str(run.id - 1) for run in reversed(ended[-5:]))]))
    words = {
        str(run.id - 1): f"new in run {run.id}, {day(run.finished)[:10]}" if run is ended[-1] else f"since run {run.id - 1}"
        for run in ended
    }
    choices = tuple(
        Choice(words.get(number, f"since run {number}"), None, query.has(name, number), table_url(_only(query, name, number)))
        for number in numbers
    )
    return Facet(name, choices, 0, bool(query.chosen.get(name)), ()) if choices else None


def _only(query: Query, name: str, value: str) -> Pairs:
    return query.with_values(name, () if query.has(name, value) else (value,)).pairs()


_OPEN = ("claim_type", "gene", "drug")
_ORDERED = {"level": lambda item: item[0], "year": lambda item: -int(item[0]) if item[0].isdigit() else 0}


def _facet(name: str, query: Query, page: Page) -> Facet | None:
    counts = list(page.facet_counts.get(name, ()))
    chosen = query.chosen.get(name, ())
    if chosen:
        known = {value.casefold() for value, _ in counts}
        counts = [(value, 0) for value in chosen if value.casefold() not in known] + counts
    if not counts or (len(counts) == 1 and not chosen):
        return None
    if name in _ORDERED:
        counts.sort(key=_ORDERED[name])
    held = {value.casefold() for value in chosen}
    on = [item for item in counts if item[0].casefold() in held] if held else []
    counts = [*on, *(item for item in counts if item not in on)] if on else counts
    most, added = max(SHOWN_VALUES, len(chosen) + 3), query.adding_url(name)
    choices = tuple(
        Choice(value, count, at < len(on), query.toggle_url(name, value) if at < len(on) else added(value))
        for at, (value, count) in enumerate(counts[:most])
    )
    return Facet(name, choices, max(0, len(counts) - most), name in _OPEN or bool(chosen), tuple(value for value, _ in counts[most:]))


def line(row: TableRow) -> dict[str, Any]:
    """Return what one line of the table shows."""
    years = row.years
    statuses = {paper.status for paper in row.evidence}
    return {
        "row": row,
        "url": row_url(row.key),
        "profile": "" if row.molecular_profile == UNSPECIFIED else row.molecular_profile,
        "therapies": (" + " if row.therapy_interaction_type == "Combination" else ", ").join(row.therapies),
        "finding": finding(row),
        "stance": stance(row.direction, row.polarity),
        "figures": describe(row.best.figures),
        "years": f"{years[0]}–{years[-1]}" if len(years) > 1 else str(years[0]) if years else "",
        "warned": any(ALSO not in warning for warning in row.warnings),
        "status": "rejected" if statuses == {"rejected"} else "accepted" if "accepted" in statuses else "",
        "edited": any(paper.machine or paper.is_added for paper in row.evidence),
        "retracted": all(not _sound(paper.record_status) for paper in row.evidence),
    }


_drawn: Held[tuple[TableRow, Markup]] = Held(8_000)


def drawn(rows: Sequence[TableRow]) -> list[Markup]:
    """Return the lines of rows as they are shown; those of rows that the search still holds are drawn once."""
    made = []
    for row in rows:
        held = _drawn.get((id(row),))
        if held is None or held[0] is not row:
            held = (row, Markup(row_line(line(row))))
            _drawn.put((id(row),), held)
        made.append(held[1])
    return made


def _sound(status: str) -> bool:
    return status not in ("retracted", "withdrawn")


def sort_links(query: Query) -> list[dict[str, str]]:
    """Return the heads of the columns with the address that sorts by each."""
    made = []
    for title, sort, kind in COLUMNS:
        is_now, natural = query.sort.removeprefix("-") == sort, sort == "order"
        turned = query.sort.startswith("-")
        up = natural is not turned
        url = query.url(sort=f"-{sort}" if is_now and not turned else sort) if sort else ""
        made.append({"title": title, "url": url, "kind": kind, "sorted": ("ascending" if up else "descending") if is_now and sort else ""})
    return made


def table(site: Site, request: Request) -> Response:
    """Show a page of the table."""
    query = params.read(request.query_params.multi_items())
    with site.reading() as store:
        page = find(site, store, query, newest=site.needs_newest(request))
        return site.page(
            request,
            "table.html.j2",
            title="Evidence table",
            here="table",
            store=store,
            query=query,
            page=page,
            facets=facets(query, page, site.runs(store)),
            columns=sort_links(query),
            lines=drawn(page.rows),
            chips=[(name, value, query.toggle_url(name, value)) for name, values in query.facets for value in values],
            entities=[
                (name, value, entity_url(name, value)) for name, values in query.facets if name in store_web.NAMED for value in values
            ],
            downloads=[(name, query.download_url(form)) for form, name in offered()],
            sorts=list(store_search.SORTS),
            claim_types=[str(item) for item in ClaimType],
            q=query.text,
        )


def download(site: Site, request: Request) -> Response:
    """Send exactly what is filtered as a file."""
    form = request.path_params["form"]
    if form not in DOWNLOADS:
        raise NotFound(f"there is no download {form!r}; there are {', '.join(DOWNLOADS)}")
    query = params.read(request.query_params.multi_items())
    _, kind, name = DOWNLOADS[form]
    spool = tempfile.SpooledTemporaryFile(max_size=8 << 20)  # noqa: SIM115 (closed when it was sent)
    with site.reading() as store:
        _write(form, Selection(store, rows=lambda: store_web.matching(store, query.text or None, query.chosen)), spool)
    size = spool.tell()
    spool.seek(0)
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Content-Length": str(size)}
    return StreamingResponse(_sent(spool), media_type=kind, headers=headers)


def _write(form: str, selection: Selection, spool: IO[bytes]) -> None:
    if exporter(form).binary:
        write(form, selection, spool)
        return
    text = io.TextIOWrapper(spool, encoding="utf-8", newline="\n", write_through=True)
    write(form, selection, text)
    text.flush()
    text.detach()


@cache
def offered() -> tuple[tuple[str, str], ...]:
    """Return (format, name) of what can be downloaded here: some formats need packages that may not be installed."""
    found = []
    for form, (name, _, _) in DOWNLOADS.items():
        try:
            exporter(form)
        except ConfigError:
            continue
        found.append((form, name))
    return tuple(found)


def _sent(spool: Any) -> Iterator[bytes]:
    with spool:
        while chunk := spool.read(_CHUNK):
            yield chunk
