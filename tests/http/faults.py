"""What a server can do wrong, as data: each fault changes the answer, or the way it goes over the wire."""

from __future__ import annotations

import datetime
import json
import re
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
    ``stays`` is the exit code of a job where the fault stays: 75 upstream, 78 configuration, 3 partial, 0 for what is no
    fault of the answer.
    """

    answer: Callable[[Answer], Answer] = lambda answer: answer
    result: Callable[[Result], Result] = lambda result: result
    records: Callable[[Sequence[Fake]], Sequence[Fake]] = lambda records: records
    wire: str = "whole"
    utility: str | None = None
    stays: int = 75


def status(code: int, body: bytes = b"", *headers: tuple[str, str], stays: int = 75) -> Fault:
    """Answer with a status of its own."""
    return Fault(answer=lambda _: Answer(code, headers, body or GATEWAY % code, "text/html"), stays=stays)


def instead(body: bytes) -> Fault:
    """Answer 200 with another body."""
    return Fault(answer=lambda answer: replace(answer, body=body))


def body(change: Callable[[bytes], bytes]) -> Fault:
    """Change the body."""
    return Fault(answer=lambda answer: replace(answer, body=change(answer.body)))


def told(name: str, key: str, phrase: str) -> Fault:
    """Tell in errorlist or warninglist that a part of the query was left out, and find more."""
    return Fault(result=lambda result: {**result, name: {key: [phrase]}}, utility="esearch.fcgi", stays=78)


def _cut_in_tag(content: bytes) -> bytes:
    return content[: content.rindex(b"</ArticleTitle") + 6] if b"</ArticleTitle" in content else content[: len(content) // 2]


def _cut_between(content: bytes) -> bytes:
    end = content.find(b"</PubmedArticle>")
    return content[: end + len(b"</PubmedArticle>")] if end >= 0 else content[:-3]


def _error(result: Result) -> Result:
    return {"ERROR": "Search Backend failed: Exception:\n'retstart' cannot be larger than 9998."}


def _doubled(result: Result) -> Result:
    """One id twice, the number of ids as it was where there are several."""
    ids = result["idlist"]
    return {**result, "idlist": [*ids[:-1], ids[0]] if len(ids) > 1 else [*ids, *ids]}


def _without(key: str) -> Fault:
    return Fault(result=lambda result: {k: v for k, v in result.items() if k != key}, utility="esearch.fcgi")


def _search(change: Callable[[Result], Result], *, stays: int = 75) -> Fault:
    return Fault(result=change, utility="esearch.fcgi", stays=stays)


def _fetch(change: Callable[[Sequence[Fake]], Sequence[Fake]], *, stays: int = 75) -> Fault:
    return Fault(records=change, utility="efetch.fcgi", stays=stays)


def _xml(change: Callable[[bytes], bytes], *, stays: int = 75) -> Fault:
    return Fault(answer=lambda answer: replace(answer, body=change(answer.body)), utility="efetch.fcgi", stays=stays)


def _declaring(subset: bytes) -> Callable[[bytes], bytes]:
    """Put an internal subset into the document type, and use the entity ``a`` in every title."""

    def change(content: bytes) -> bytes:
        with_subset = re.sub(rb"<!DOCTYPE [^>]*>", b"<!DOCTYPE PubmedArticleSet [" + subset + b"]>", content)
        return with_subset.replace(b"<ArticleTitle>", b"<ArticleTitle>&a;")

    return change


_LAUGHS = b"".join(b'<!ENTITY %c "%s">' % (98 + i, b"&%c;" % (97 + i) * 10) for i in range(9))
_DEEP = b"<b>" * 20_000 + b"</b>" * 20_000


def _beside(records: Sequence[Fake]) -> Sequence[Fake]:
    """The version before beside each record; it says something else."""
    return [fake for record in records for fake in (record, _old(record, version=max(1, record.version - 1)))]


def _old(record: Fake, *, version: int) -> Fake:
    if record.book:  # which has no DateRevised: two states of it could not be told apart
        return record
    return replace(record, title="An old title.", version=version, changed=record.changed - datetime.timedelta(days=1))


def _older(records: Sequence[Fake]) -> Sequence[Fake]:
    """An older state of each record behind the newer ones."""
    return [*records, *(_old(record, version=record.version) for record in records)]


def _deleted_instead(content: bytes) -> bytes:
    """A deletion where the first record should stand."""
    deletion = rb'<DeleteCitation><PMID Version="1">\1</PMID></DeleteCitation>'
    return re.sub(rb"<Pubmed(?:Book)?Article>.*?<PMID [^>]*>(\d+)<.*?</Pubmed(?:Book)?Article>", deletion, content, count=1, flags=re.S)


LIMIT = json.dumps({"error": "API rate limit exceeded", "api-key": "192.0.2.1", "count": "4", "limit": "3"}).encode()

FAULTS: dict[str, Fault] = {
    "429": status(429, LIMIT),
    "429 retry-after": status(429, LIMIT, ("Retry-After", "1")),
    "429 long": status(429, LIMIT, ("Retry-After", "86400")),
    "500": status(500),
    "502": status(502),
    "503": status(503),
    "504": status(504),
    "414": status(414),
    "400": status(400, b'{"error":"error forwarding request: proxy_stream()"}'),
    "403": status(403, BLOCK_PAGE),
    "301": status(301, b"", ("Location", "http://127.0.0.1:9/elsewhere")),
    "bad key": status(400, b'{"error":"API key invalid","api-key":"0123456789","type":"api","status":"unknown"}', stays=78),
    "empty": instead(b""),
    "prolog": instead(PROLOG.encode()),
    "block page": instead(BLOCK_PAGE),
    "error in 200": instead(b"<?xml version='1.0'?><eFetchResult><ERROR>Unable to obtain query #1</ERROR></eFetchResult>"),
    "error in set": _xml(lambda content: content.replace(b"</PubmedArticleSet>", b"<ERROR>timeout</ERROR></PubmedArticleSet>")),
    "cut in a tag": body(_cut_in_tag),
    "cut between records": body(_cut_between),
    "reset": Fault(wire="reset"),
    "refused": Fault(wire="refuse"),
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
    "count is a number": _search(lambda result: {**result, "count": int(result["count"])}, stays=0),
    "count moves": _search(lambda result: {**result, "count": str(int(result["count"]) + 1)}),
    "clamp": _search(lambda result: {**result, "idlist": result["idlist"][: len(result["idlist"]) // 2]}),
    "raw newline": _search(lambda result: {**result, "querytranslation": "NTRK1[tiab]\nAND x"}, stays=0),
    "no result": _search(lambda result: {}),
    "short page": _search(lambda result: {**result, "idlist": result["idlist"][:-1]}),
    "double id": _search(_doubled),
    "id is text": _search(lambda result: {**result, "idlist": [*result["idlist"][:-1], "PMC1"]}),
    "phrase dropped": told("errorlist", "phrasesnotfound", "blorptinib"),
    "field dropped": told("errorlist", "fieldsnotfound", "tiabx"),
    "phrase ignored": told("warninglist", "phrasesignored", "the"),
    "quotes dropped": told("warninglist", "quotedphrasesnotfound", '"fusion of nothing"'),
    "wildcard cut": told("warninglist", "outputmessages", "Wildcard search for 'a*' used only the first 600 variations."),
    "brackets mended": told("warninglist", "outputmessages", "Unbalanced parentheses: the last one was left out."),
    "something new": told("errorlist", "novelty", "oddity"),
    "bare warning": _search(lambda result: {**result, "warninglist": ["the query was shortened"]}, stays=78),
    "nothing found": _search(lambda result: {**result, "warninglist": {"outputmessages": ["No items found."]}}, stays=0),
    "one missing": _fetch(lambda records: records[1:], stays=3),
    "empty set": _fetch(lambda records: [], stays=3),
    "deleted instead": _xml(_deleted_instead, stays=3),
    "one extra": _fetch(lambda records: [*records, Fake(999_999)]),
    "doubled": _fetch(lambda records: [*records, *records[:1]], stays=0),
    "reordered": _fetch(lambda records: list(reversed(records)), stays=0),
    "version 2 beside 1": _fetch(_beside, stays=0),
    "older after newer": _fetch(_older, stays=0),
    "new DTD": _xml(lambda content: content.replace(b"pubmed_250101.dtd", b"pubmed_390101.dtd").replace(b"2025//EN", b"2039//EN"), stays=0),
    "unknown element": _xml(lambda content: content.replace(b"<Article ", b"<Novelty Kind='x'><Part>1</Part></Novelty><Article "), stays=0),
    "no article": _xml(lambda content: content.replace(b"<Article ", b"<Particle ").replace(b"</Article>", b"</Particle>"), stays=3),
    "entities": _xml(_declaring(b'<!ENTITY a "x">')),
    "XXE": _xml(_declaring(b'<!ENTITY a SYSTEM "file:///etc/hostname">')),
    "billion laughs": _xml(_declaring(b'<!ENTITY a "ha">' + _LAUGHS)),
    "depth": _xml(lambda content: content.replace(b"<ArticleTitle>", b"<ArticleTitle>" + _DEEP)),
}

PASSING = (
    *("429", "429 retry-after", "500", "502", "503", "504", "400", "403", "301", "414", "refused", "empty", "prolog", "block page"),
    *("reset", "reset in the body", "length too long", "length too short", "last chunk missing", "bad gzip"),
)
