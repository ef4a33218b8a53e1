"""What a server can do wrong, as data: each fault changes the answer, or the way it goes over the wire."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tests.http.records import PROLOG, Fake

Result = dict[str, Any]
BLOCK_PAGE = b"<!DOCTYPE html><html><head><title>Access denied</title></head><body>Your access is blocked.</body></html>"
GATEWAY = b"<html><body><h1>%d</h1>The server is not able to answer &nbsp; now.<br></body></html>"


@dataclass(frozen=True)
class Answer:
    """A whole answer before it goes over the wire."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    content_type: str = "text/xml; charset=UTF-8"


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong.

    ``answer`` changes the answer, ``result`` the ESearch result and ``records`` the records of an EFetch before they are
    written; ``wire`` names what happens on the wire (see ``server.WIRES``). ``utility`` limits it to requests of one.
    """

    answer: Callable[[Answer], Answer] = lambda answer: answer
    result: Callable[[Result], Result] = lambda result: result
    records: Callable[[Sequence[Fake]], Sequence[Fake]] = lambda records: records
    wire: str = "whole"
    utility: str | None = None


def status(code: int, body: bytes = b"", *headers: tuple[str, str]) -> Fault:
    """Answer with a status of its own."""
    return Fault(answer=lambda _: Answer(code, headers, body or GATEWAY % code, "text/html"))


def instead(body: bytes) -> Fault:
    """Answer 200 with another body."""
    return Fault(answer=lambda answer: replace(answer, body=body))


def body(change: Callable[[bytes], bytes]) -> Fault:
    """Change the body."""
    return Fault(answer=lambda answer: replace(answer, body=change(answer.body)))


def told(name: str, key: str, phrase: str) -> Fault:
    """Tell in errorlist or warninglist that a part of the query was left out, and find more."""
    return Fault(result=lambda result: {**result, name: {key: [phrase]}}, utility="esearch.fcgi")


def _cut_in_tag(content: bytes) -> bytes:
    return content[: content.rindex(b"</ArticleTitle") + 6] if b"</ArticleTitle" in content else content[: len(content) // 2]


def _cut_between(content: bytes) -> bytes:
    end = content.find(b"</PubmedArticle>")
    return content[: end + len(b"</PubmedArticle>")] if end >= 0 else content[:-3]


def _error(result: Result) -> Result:
    return {"ERROR": "Search Backend failed: Exception:\n'retstart' cannot be larger than 9998."}


def _without(key: str) -> Fault:
    return Fault(result=lambda result: {k: v for k, v in result.items() if k != key}, utility="esearch.fcgi")


def _search(change: Callable[[Result], Result]) -> Fault:
    return Fault(result=change, utility="esearch.fcgi")


def _fetch(change: Callable[[Sequence[Fake]], Sequence[Fake]]) -> Fault:
    return Fault(records=change, utility="efetch.fcgi")


LIMIT = json.dumps({"error": "API rate limit exceeded", "api-key": "192.0.2.1", "count": "4", "limit": "3"}).encode()

FAULTS: dict[str, Fault] = {
    "429": status(429, LIMIT),
    "429 retry-after": status(429, LIMIT, ("Retry-After", "1")),
    "429 long": status(429, LIMIT, ("Retry-After", "86400")),
    "500": status(500),
    "502": status(502),
    "503": status(503),
    "504": status(504),
    "400": status(400, b'{"error":"error forwarding request: proxy_stream()"}'),
    "403": status(403, BLOCK_PAGE),
    "301": status(301, b"", ("Location", "http://127.0.0.1:9/elsewhere")),
    "bad key": status(400, b'{"error":"API key invalid","api-key":"0123456789","type":"api","status":"unknown"}'),
    "empty": instead(b""),
    "prolog": instead(PROLOG.encode()),
    "block page": instead(BLOCK_PAGE),
    "error in 200": instead(b"<?xml version='1.0'?><eFetchResult><ERROR>Unable to obtain query #1</ERROR></eFetchResult>"),
    "error in set": body(lambda content: content.replace(b"</PubmedArticleSet>", b"<ERROR>timeout</ERROR></PubmedArticleSet>")),
    "cut in a tag": body(_cut_in_tag),
    "cut between records": body(_cut_between),
    "reset": Fault(wire="reset"),
    "reset in the body": Fault(wire="reset in the body"),
    "hang": Fault(wire="hang"),
    "drip headers": Fault(wire="drip headers"),
    "drip body": Fault(wire="drip body"),
    "length too long": Fault(wire="length too long"),
    "length too short": Fault(wire="length too short"),
    "last chunk missing": Fault(wire="last chunk missing"),
    "bad gzip": Fault(answer=lambda a: replace(a, headers=(("Content-Encoding", "gzip"),), body=b"\x1f\x8b\x08\x00broken")),
    "search error": _search(_error),
    "no count": _without("count"),
    "no ids": _without("idlist"),
    "count is text": _search(lambda result: {**result, "count": "many"}),
    "short page": _search(lambda result: {**result, "idlist": result["idlist"][:-1]}),
    "double id": _search(lambda result: {**result, "idlist": [*result["idlist"][:-1], *result["idlist"][:1]]}),
    "phrase dropped": told("errorlist", "phrasesnotfound", "blorptinib"),
    "field dropped": told("errorlist", "fieldsnotfound", "tiabx"),
    "phrase ignored": told("warninglist", "phrasesignored", "the"),
    "quotes dropped": told("warninglist", "quotedphrasesnotfound", '"fusion of nothing"'),
    "wildcard cut": told("warninglist", "outputmessages", "Wildcard search for 'a*' used only the first 600 variations."),
    "nothing found": told("warninglist", "outputmessages", "No items found."),
    "one missing": _fetch(lambda records: records[1:]),
    "one extra": _fetch(lambda records: [*records, Fake(999_999)]),
    "doubled": _fetch(lambda records: [*records, *records[:1]]),
    "reordered": _fetch(lambda records: list(reversed(records))),
}

PASSING = ("429", "429 retry-after", "500", "502", "503", "504", "400", "403", "301", "empty", "prolog", "block page", "reset")
PASSING += ("reset in the body", "length too long", "length too short", "last chunk missing", "bad gzip")
