"""An Atom feed (RFC 4287) of the evidence under any filter, what a run added or changed last first."""

from __future__ import annotations

import hashlib
from xml.sax.saxutils import escape, quoteattr

from starlette.requests import Request
from starlette.responses import Response

from miner.evidence import store_web
from miner.evidence.store_web import Latest
from miner.evidence.table import cited
from miner.web import params
from miner.web.links import row_url
from miner.web.params import WORDS, Query
from miner.web.site import Site

ENTRIES = 60
# Characters that XML 1.0 has no way to write.
_FORBIDDEN = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF, *range(0xD800, 0xE000)], " ")


def feed(site: Site, request: Request) -> Response:
    """Send the feed of what is filtered."""
    query = params.read(request.query_params.multi_items())
    base = str(request.base_url).rstrip("/")
    with site.reading() as store:
        entries = store_web.latest(store, query.text or None, query.chosen, ENTRIES)
    return Response(atom(entries, query, base), media_type="application/atom+xml; charset=utf-8")


def atom(entries: list[Latest], query: Query, base: str) -> str:
    """Write the feed; an entry keeps its id as long as its run, so that a reader shows it once."""
    told = ", ".join(
        [*([f"“{query.text}”"] if query.text else []), *(f"{WORDS[name]} {value}" for name, value in query.filters() if name != "q")]
    )
    mark = hashlib.sha256(repr(query.filters()).encode()).hexdigest()[:16]
    updated = max((entry.moment for entry in entries), default="1970-01-01T00:00:00Z")
    head = [
        '<?xml version="1.0" encoding="utf-8"?>',
        '<feed xmlns="http://www.w3.org/2005/Atom">',
        f"<title>{_text('Evidence: ' + (told or 'all'))}</title>",
        f"<id>tag:ntrk-miner,2024:feed/{mark}</id>",
        "<author><name>ntrk-miner</name></author>",
        f"<updated>{_text(updated)}</updated>",
        f'<link rel="self" type="application/atom+xml" href={quoteattr(base + query.feed_url())}/>',
        f"<link href={quoteattr(base + query.url())}/>",
    ]
    return "\n".join([*head, *(_entry(entry, base) for entry in entries), "</feed>"]) + "\n"


def _text(value: str) -> str:
    return escape(value.translate(_FORBIDDEN))


def _entry(entry: Latest, base: str) -> str:
    paper = entry.paper
    where = base + row_url(paper.proposition, paper.pmid)
    about = f"“{paper.quotes[0].text}” {cited(paper.pmid)}: {paper.title}"
    return (
        f"<entry><id>{_text(f'tag:ntrk-miner,2024:{entry.run_id}/{paper.pmid}/{paper.key}')}</id>"
        f"<title>{_text(f'{entry.change}: {paper.statement}')}</title><updated>{_text(entry.moment)}</updated>"
        f"<link href={quoteattr(where)}/><category term={quoteattr(str(paper.claim_type))}/>"
        f"<summary>{_text(about)} ({_text(entry.cause)}; run {entry.run_id})</summary></entry>"
    )
