"""The application: which address leads to which page, and what a reader is told when something fails."""

from __future__ import annotations

import logging
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import anyio.to_thread
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from miner import __version__
from miner.config import Settings
from miner.errors import ConfigError, InputError, LockedError, StoreError
from miner.evidence import store_web
from miner.web import api, curate, feed, pages_about, pages_named, pages_row, pages_runs, pages_table, pages_topic
from miner.web.params import QueryError
from miner.web.render import STATIC, TYPES, asset
from miner.web.security import Guard
from miner.web.site import NotFound, Site

log = logging.getLogger("miner.web")
THREADS = 4
Page = Callable[[Site, Request], Response]
PAGES: tuple[tuple[str, Page], ...] = (
    ("/", pages_topic.home),
    ("/table", pages_table.table),
    ("/download/{form}", pages_table.download),
    ("/feed.atom", feed.feed),
    ("/row/{key:path}", pages_row.row),
    ("/summary", pages_topic.summary),
    ("/summary/{line}", pages_topic.behind),
    ("/pictures", pages_topic.pictures),
    ("/paper/{pmid:path}", pages_named.paper),
    ("/entity/{kind}/{name:path}", pages_named.entity),
    ("/entities", pages_named.entities),
    ("/runs", pages_runs.runs),
    ("/runs/{run_id}", pages_runs.run),
    ("/changes", pages_runs.changes),
    ("/about", pages_about.about),
    ("/curator", pages_about.curator),
)
FORMS: tuple[tuple[str, Callable[[Site, Request], Awaitable[Response]]], ...] = (
    ("/curate", curate.curate),
    ("/add", curate.add),
    ("/curator", curate.name),
)
BOTH = ("/curator", "/api/curations")
"""Addresses that take GET and POST by two routes, of which a refusal would name one."""
FAILURES: dict[type[Exception], int] = {
    NotFound: 404,
    QueryError: 422,
    ConfigError: 422,
    InputError: 422,
    curate.Refused: 403,
    LockedError: 503,
    StoreError: 503,
}


def create_app(settings: Settings, *, read_only: bool = False, hosts: tuple[str, ...] = ()) -> FastAPI:
    """Return the application over a database; ``hosts`` are names it goes by beside this machine's own."""
    site = Site(settings, read_only, hosts)
    about = "The evidence base as JSON."
    app = FastAPI(title="ntrk-miner", version=__version__, summary=about, docs_url=None, redoc_url=None, lifespan=_lifespan(site))
    app.state.site = site
    for path, page in PAGES:
        app.router.routes.append(Route(path, _in_thread(site, page), methods=["GET"]))
    for path, form in FORMS:
        app.router.routes.append(Route(path, _awaited(site, form), methods=["POST"]))
    app.router.routes.append(Route("/static/{name}", static, methods=["GET"]))
    app.include_router(api.router(site))
    for kind, status in FAILURES.items():
        app.add_exception_handler(kind, _told(site, status))
    app.add_exception_handler(HTTPException, _http(site))
    app.add_exception_handler(RequestValidationError, _asked_wrongly)
    app.add_middleware(Guard, hosts=hosts, broken=_broken(site))
    return app


def _lifespan(site: Site) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lived(_: FastAPI) -> AsyncIterator[None]:
        # More threads than this only wait for each other: the interpreter runs one at a time.
        anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
        threading.Thread(target=_warm, args=(site,), daemon=True, name="miner-warm").start()
        yield

    return lived


def _warm(site: Site) -> None:
    """Make what the first pages need, so that the first reader does not wait for all of it."""
    try:
        with site.reading() as store:
            site.database.searching(store, store_web.prepare)
            pages_topic.pictures_of(site, store, site.topic())
    except Exception:
        log.warning("nothing could be prepared", exc_info=True)


def _in_thread(site: Site, page: Page) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        return await run_in_threadpool(page, site, request)

    return endpoint


def _awaited(site: Site, form: Callable[[Site, Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        return await form(site, request)

    return endpoint


async def static(request: Request) -> Response:
    """Send a file of the pages' own; its address holds its digest, so it may be kept for ever."""
    name = request.path_params["name"]
    if name not in STATIC:
        raise NotFound("there is no such file")
    headers = {"Cache-Control": "public, max-age=31536000, immutable" if "v" in request.query_params else "no-cache"}
    return Response(asset(name), media_type=TYPES[name.rpartition(".")[2]], headers=headers)


Handler = Callable[[Request, Any], Awaitable[Response]]
TITLES = {403: "Not allowed", 404: "Not found", 405: "Not that way", 422: "That cannot be read", 503: "The database does not answer"}


def _answer(site: Site, request: Request, status: int, told: str) -> Response:
    if request.url.path.startswith("/api/"):
        return JSONResponse({"detail": told}, status)
    return site.page(request, "error.html.j2", title=TITLES.get(status, "Something went wrong"), status=status, told=told, code=status)


def _told(site: Site, status: int) -> Handler:
    async def handler(request: Request, error: Exception) -> Response:
        return _answer(site, request, status, str(error))

    return handler


def _http(site: Site) -> Handler:
    async def handler(request: Request, error: HTTPException) -> Response:
        told = {404: "there is no such page", 405: "this address does not take that method"}.get(error.status_code, str(error.detail))
        answer = _answer(site, request, error.status_code, told)
        answer.headers.update(error.headers or {})
        if error.status_code == 405 and request.url.path in BOTH:
            answer.headers["Allow"] = "GET, POST"
        return answer

    return handler


async def _asked_wrongly(_: Request, error: Any) -> Response:
    told = "; ".join(f"{'.'.join(str(part) for part in item['loc'][1:]) or item['loc'][0]}: {item['msg']}" for item in error.errors()[:8])
    return JSONResponse({"detail": told}, 422)


def _broken(site: Site) -> Callable[[Request, Exception], Response]:
    def handler(request: Request, error: Exception) -> Response:
        log.error("%s %s", request.method, request.url.path, exc_info=error)
        return _answer(site, request, 500, "the fault is in the program; its log tells more")

    return handler
