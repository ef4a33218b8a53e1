"""The JSON API: all that the pages show, described by ``/openapi.json``."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Path, Query, Request
from starlette.responses import JSONResponse, Response

from miner.errors import InputError
from miner.evidence import store_web
from miner.refresh.diff import compare
from miner.schema import Action, Curation
from miner.web import api_data as data
from miner.web import api_models as m
from miner.web import security
from miner.web.curate import check_write
from miner.web.links import ENTITY_KINDS
from miner.web.pages_named import named
from miner.web.pages_row import place_of
from miner.web.pages_runs import PER_PAGE, line
from miner.web.pages_table import find
from miner.web.params import MAX_VALUE, checked
from miner.web.params import Query as TableQuery
from miner.web.site import NotFound, Site

ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"model": m.Problem, "description": "The request cannot be read."},
    404: {"model": m.Problem, "description": "There is no such thing."},
    422: {"model": m.Problem, "description": "The question cannot be."},
    503: {"model": m.Problem, "description": "The database does not answer."},
}
REFUSED: dict[int | str, dict[str, Any]] = {
    403: {"model": m.Problem, "description": "No token, another site, or a read-only copy."},
    409: {"model": m.Problem, "description": "The decision does not fit what is held."},
    411: {"content": {"text/plain": {}}, "description": "How long the request is must be told."},
    413: {"content": {"text/plain": {}}, "description": "The request is too large."},
}
Name = Annotated[str, Path(max_length=MAX_VALUE)]
RunId = Annotated[int, Path(ge=1, le=10**9)]
PageNumber = Annotated[int, Query(ge=1, le=10**6)]
TopicName = Annotated[str | None, Query(min_length=1, max_length=MAX_VALUE)]


def query_of(asked: m.Filter) -> TableQuery:
    """Return what is asked as the table takes it."""
    told = asked.model_dump(mode="json")
    facets = tuple((name, tuple(told[name])) for name in data.FACETS if told.get(name))
    return checked(
        TableQuery(
            text="".join(sign if sign.isprintable() else " " for sign in asked.q).strip(),
            facets=facets,
            sort=told.get("sort", "support"),
            page=told.get("page", 1),
            size=told.get("size", 1),
        )
    )


def router(site: Site) -> APIRouter:
    """Return the routes of the API over a database."""
    made = APIRouter(prefix="/api", responses=ERRORS)
    _rows(made, site)
    _named(made, site)
    _topic(made, site)
    _runs(made, site)
    _curations(made, site)
    return made


def _json(value: Any, status: int = 200) -> Response:
    return JSONResponse(value, status)


def _rows(made: APIRouter, site: Site) -> None:
    @made.get("/rows", response_model=m.TablePage, tags=["table"])
    def rows(asked: Annotated[m.TableQuestion, Query()]) -> Response:
        """Return a page of the table with the counts of every facet."""
        with site.reading() as store:
            return _json(data.table_page(find(site, store, query_of(asked))))

    @made.get("/rows/{key:path}", response_model=m.RowDetail, tags=["table"])
    def row(key: Name) -> Response:
        """Return a row with every sentence, what it merges, what speaks against it, its history."""
        with site.reading() as store:
            found = place_of(store, key)
            if found is None:
                raise NotFound(f"there is no row {key!r}")
            return _json(data.row_detail(store, found))


def _named(made: APIRouter, site: Site) -> None:
    @made.get("/papers/{pmid:path}", response_model=m.PaperOut, tags=["names"])
    def paper(pmid: Name) -> Response:
        """Return a paper with its text, its mentions and its rows."""
        with site.reading() as store:
            return _json(data.paper(store, pmid))

    @made.get("/entities", response_model=list[m.EntityName], tags=["names"])
    def entities(
        q: Annotated[str, Query(max_length=MAX_VALUE)] = "",
        kind: Annotated[Literal[*ENTITY_KINDS] | None, Query()] = None,  # type: ignore[valid-type]
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> Response:
        """Return what evidence names and holds the text, the commonest first."""
        with site.reading() as store:
            found = store_web.names(store, kind, q, limit)
        return _json([{"kind": each, "name": name, "evidence": n} for each, name, n in found])

    @made.get("/entities/{kind}/{name:path}", response_model=m.EntityOut, tags=["names"])
    def entity(kind: Annotated[Literal[*ENTITY_KINDS], Path()], name: Name) -> Response:  # type: ignore[valid-type]
        """Return what the evidence on one thing comes to."""
        with site.reading() as store:
            known = store_web.name_of(store, kind, name)
            if known is None:
                raise NotFound(f"no evidence names {name!r} as {kind}")
            found = site.database.kept(store, ("entity", kind, known), lambda: named(site, store, kind, known))
            return _json(
                {"kind": kind, "name": known, "papers": found.papers} | _some(data.table_page(found.page), "total", "rows", "facets")
            )


def _some(held: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: held[name] for name in names}


def _topic(made: APIRouter, site: Site) -> None:
    @made.get("/status", response_model=m.StatusOut, tags=["runs"])
    def status() -> Response:
        """Return what is held and how current it is."""
        with site.reading() as store:
            told = site.health(store)
            names = ("topic", "complete", "age_hours", "stale", "waiting", "last_run", "last_outcome")
            held = {name: getattr(told, name) for name in names}
            return _json({**held, "topics": list(site.topics(store)), "counts": store.counts(), "read_only": site.read_only})

    @made.get("/summary", response_model=m.SummaryOut, tags=["topic"])
    def summary(topic: TopicName = None) -> Response:
        """Return the summary of a topic; each line with its papers, sentences and keys of rows."""
        with site.reading() as store:
            return _json(data.summary(site.summary(store, site.topic(topic))))

    @made.get("/pictures", response_model=m.PicturesOut, tags=["topic"])
    def pictures(topic: TopicName = None) -> Response:
        """Return what the pictures of a topic show, as data."""
        with site.reading() as store:
            chosen = site.topic(topic)
            evidence = Counter(paper.year for paper in store.evidence(topic=chosen.name))
            return _json(data.pictures(site.summary(store, chosen), evidence))


def _runs(made: APIRouter, site: Site) -> None:
    @made.get("/runs", response_model=list[m.RunOut], tags=["runs"])
    def runs() -> Response:
        """Return all runs, the last first."""
        with site.reading() as store:
            counts = store_web.change_counts(store)
            return _json([data.run(line(store, run, counts)) for run in reversed(store.runs())])

    @made.get("/runs/{run_id}", response_model=m.RunDetail, tags=["runs"])
    def run(run_id: RunId, change: Literal["new", "changed", "gone"] | None = None, page: PageNumber = 1) -> Response:
        """Return a run with a page of what it changed and all that it set aside."""
        with site.reading() as store:
            found = next((item for item in store.runs() if item.id == run_id), None)
            if found is None:
                raise NotFound(f"there is no run {run_id}")
            total, changes = store_web.changes_page(store, run_id, change, PER_PAGE, (page - 1) * PER_PAGE)
            told = data.run(line(store, found, store_web.change_counts(store, run_id)))
            aside = [dict(zip(("source", "identifier", "reason"), item, strict=True)) for item in store.aside(run_id)]
            return _json({"run": told, "total": total, "page": page, "changes": data.plain(changes), "set_aside": aside})

    @made.get("/changes", response_model=m.DiffOut, tags=["runs"])
    def changes(since: Annotated[int, Query(ge=0, le=10**9)] = 0, page: PageNumber = 1) -> Response:
        """Return what became different after a run, whatever happened in between."""
        with site.reading() as store:
            if since and since not in {run.id for run in store.runs() if run.outcome}:
                raise NotFound(f"there is no run {since} that ended")
            diff = site.database.kept(store, ("diff", since), lambda: compare(store, since), alone=True)
            rows = diff.rows[(page - 1) * PER_PAGE : page * PER_PAGE]
            told = {"since": diff.since, "until": diff.until, "updated": diff.updated, "total": len(diff.rows), "page": page}
            return _json(told | {"rows": data.plain(rows)})


def _curations(made: APIRouter, site: Site) -> None:
    @made.get("/session", response_model=m.Session, tags=["curation"])
    def session(request: Request) -> Response:
        """Return the token for writes; it belongs to the cookie that comes with it."""
        held = site.tokens.session(request) or security.new_session()
        token = None if site.read_only else site.tokens.token(held)
        answer = _json({"read_only": site.read_only, "curator": security.curator_of(request), "token": token})
        if not site.read_only:
            security.keep_session(answer, held)
        return answer

    @made.get("/curations", response_model=list[m.CurationOut], tags=["curation"])
    def curations(
        key: Annotated[str | None, Query(max_length=MAX_VALUE)] = None,
        source: Annotated[str | None, Query(max_length=MAX_VALUE)] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> Response:
        """Return the last curations: all, or those of a key, a paper, or both."""
        with site.reading() as store:
            return _json(data.curations(store.curations(key, source))[-limit:])

    @made.post("/curations", response_model=m.Kept, status_code=201, tags=["curation"], responses=REFUSED)
    def curate(request: Request, asked: m.CurationIn, x_miner_token: Annotated[str, Header(max_length=200)] = "") -> Response:
        """Keep a decision; it needs the token of ``/api/session`` and its cookie."""
        check_write(site, request, x_miner_token)
        curator = security.clean_name(asked.curator)
        given = {name: getattr(asked, name) for name in ("key", "source", "changes", "undoes")}
        try:
            number = site.database.curate(Curation(curator=curator, action=Action(asked.action), comment=asked.comment.strip(), **given))
        except InputError as error:
            return _json({"detail": str(error)}, 409)
        return _json({"id": number}, 201)
