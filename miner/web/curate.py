"""Corrections: forms that accept, reject, edit, comment and undo. Nothing is written without token and same origin."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from miner.errors import InputError
from miner.evidence.curation import EDITABLE
from miner.evidence.table import Paper
from miner.schema import Action, Curation
from miner.web import security
from miner.web.links import anchor, is_local, row_url, with_query
from miner.web.pages_named import show_paper
from miner.web.pages_row import field_text, fingerprint, place_of, show
from miner.web.site import NotFound, Site

MAX_FIELDS = 64
_FORM = "application/x-www-form-urlencoded"


class Refused(Exception):
    """A write that is not let through, and why."""


def check_write(site: Site, request: Request, token: str) -> None:
    """Raise Refused unless this server takes writes, from its own pages, with the token of the session."""
    if site.read_only:
        raise Refused("this copy is read-only")
    if not security.is_same_origin(request):
        raise Refused("the request comes from another site")
    if not site.tokens.fits(request, token):
        raise Refused("the page is older than the server, or cookies are off: reload the page and decide again")


async def form_of(request: Request) -> dict[str, str]:
    """Return the fields of a form."""
    if request.headers.get("content-type", "").partition(";")[0].strip().casefold() != _FORM:
        raise Refused("forms come as application/x-www-form-urlencoded")
    body = (await request.body()).decode("utf-8", "replace")
    try:
        return dict(parse_qsl(body, keep_blank_values=True, max_num_fields=MAX_FIELDS))
    except ValueError as error:
        raise Refused("the form has too many fields") from error


async def curate(site: Site, request: Request) -> Response:
    """Take a correction from the page of a row and lead back to it."""
    return await _taken(site, request, _curate)


async def _taken(site: Site, request: Request, work: Callable[[Site, Request, Mapping[str, str]], Response]) -> Response:
    """Take a form that may write, and answer it in a thread."""
    form = await form_of(request)
    check_write(site, request, form.get("token", ""))
    return await run_in_threadpool(work, site, request, form)


def _curate(site: Site, request: Request, form: Mapping[str, str]) -> Response:
    curator = security.clean_name(form.get("curator", "")) or security.curator_of(request)
    key, source = form.get("key", ""), form.get("source", "")
    try:
        number = site.database.curate(curation_of(site, form, curator))
    except InputError as error:
        return _again(site, request, form, str(error))
    site.has_written(request)
    with site.reading() as store:
        paper = store.row(key, source)
        place = row_url(paper.proposition) if paper else row_url(key)
    response = RedirectResponse(with_query(place, [("done", number)]) + f"#{anchor(source)}", 303)
    if curator != security.curator_of(request):
        security.keep_curator(response, curator)
    return response


def curation_of(site: Site, form: Mapping[str, str], curator: str) -> Curation:
    """Return the curation that a form asks for; raise InputError on what cannot be read."""
    key, source, action = form.get("key", ""), form.get("source", ""), form.get("action", "")
    if action not in ("accept", "reject", "edit", "comment", "undo"):
        raise InputError(f"no action is called {action[:40]!r}")
    if not curator:
        raise InputError("curator: tell who you are; it is asked once")
    with site.reading() as store:
        paper = store.row(key, source)
    if paper is None:
        raise InputError("the row is not held any more")
    if action != "comment" and form.get("seen", "") not in ("", fingerprint(paper)):
        raise InputError("the row has changed since this page was drawn: look at it again, then decide")
    changes = changed_fields(paper, form) if action == "edit" else {}
    undoes = form.get("undoes", "")
    return Curation(
        curator=curator,
        action=Action(action),
        key=key,
        source=source,
        changes=changes,
        comment=form.get("comment", "").strip(),
        undoes=int(undoes) if action == "undo" and undoes.isascii() and undoes.isdigit() and len(undoes) < 16 else None,
    )


def changed_fields(paper: Paper, form: Mapping[str, str]) -> dict[str, Any]:
    """Return the fields of the edit form that differ from what the row says, as the store takes them."""
    changes = {}
    for name in EDITABLE:
        given = form.get(f"f_{name}")
        if given is None:
            continue
        given = given.replace("\r\n", "\n").strip()
        if given != field_text(paper, name).strip():
            changes[name] = _value(name, given)
    return changes


async def add(site: Site, request: Request) -> Response:
    """Take a row that was missed from the page of a paper and lead to it."""
    return await _taken(site, request, _add)


def _add(site: Site, request: Request, form: Mapping[str, str]) -> Response:
    curator = security.clean_name(form.get("curator", "")) or security.curator_of(request)
    source = form.get("source", "")
    try:
        number = site.database.curate(added_of(site, form, curator))
    except InputError as error:
        with site.reading() as store:
            return show_paper(site, request, store, source, error=str(error), filled=form)
    site.has_written(request)
    with site.reading() as store:
        key = next(item.key for item in store.curations(source=source) if item.id == number)
    response = RedirectResponse(with_query(row_url(key), [("done", number)]) + f"#{anchor(source)}", 303)
    if curator != security.curator_of(request):
        security.keep_curator(response, curator)
    return response


def added_of(site: Site, form: Mapping[str, str], curator: str) -> Curation:
    """Return the curation that adds the row of a form; what is left empty follows from the rest."""
    if not curator:
        raise InputError("curator: tell who you are; it is asked once")
    source = form.get("source", "")
    with site.reading() as store:
        record = store.record(source)
    if record is None:
        raise InputError("the paper is not held any more")
    given = {name: form.get(f"f_{name}", "").replace("\r\n", "\n").strip() for name in (*EDITABLE, "sentence")}
    changes = {name: _value(name, text) for name, text in given.items() if text}
    if "sentence" in changes:
        changes["sentence"] = as_it_stands(record.text, changes["sentence"])
    return Curation(curator=curator, action=Action.ADD, key="", source=source, changes=changes, comment=form.get("comment", "").strip())


def as_it_stands(text: str, sentence: str) -> str:
    """Return a sentence as the text has it, where the two differ in white space only."""
    found = re.search(r"\s+".join(map(re.escape, sentence.split())), text)
    return found[0] if found else sentence


def _value(name: str, text: str) -> Any:
    if name in ("genes", "therapies"):
        return [part.strip() for part in text.split(";") if part.strip()]
    if name == "n_patients":
        return (int(text) if text.isascii() and text.isdigit() and len(text) < 10 else text) if text else None
    if name == "background":
        return {"yes": True, "no": False}.get(text, text)
    if name == "figures":
        return figures_of(text)
    return text or None if name in ("disease", "disease_id", "therapy_interaction_type") else text


def figures_of(text: str) -> dict[str, float | int | str]:
    """Read figures from lines ``ORR_percent: 75``."""
    found: dict[str, float | int | str] = {}
    for row in filter(None, map(str.strip, text.split("\n"))):
        name, colon, value = (part.strip() for part in row.partition(":"))
        if not colon or not value:
            raise InputError(f"figures: {row[:60]!r} is no line like ORR_percent: 75")
        found[name] = _number(value)
    return found


def _number(text: str) -> float | int | str:
    for kind in (int, float):
        try:
            value = kind(text)
        except ValueError:
            continue
        if value == value and abs(value) != float("inf"):
            return value
    return text


def _again(site: Site, request: Request, form: Mapping[str, str], error: str) -> Response:
    with site.reading() as store:
        paper = store.row(form.get("key", ""), form.get("source", ""))
        found = place_of(store, paper.proposition) if paper else None
        if found is None:
            raise NotFound("the row is not held any more")
        return show(site, request, store, found, status=422, error=error, filled=form)


async def name(site: Site, request: Request) -> Response:
    """Remember who curates, or forget it."""
    form = await form_of(request)
    check_write(site, request, form.get("token", ""))
    back = form.get("next", "/")
    response = RedirectResponse(back if is_local(back) else "/", 303)
    security.keep_curator(response, security.clean_name(form.get("curator", "")))
    return response
