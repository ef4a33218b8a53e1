"""What an answer of the E-utilities must be before it is believed."""

from __future__ import annotations

import datetime
import email.utils
import json
import re
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from lxml import etree

from miner.errors import ConfigError
from miner.sources.eutils_transport import Answer, Transient

_TAGS = re.compile(r"<[^>]+>|\s+")
_FIELD = r"\s*\[[\w -]+\]"
_RANGE = re.compile(rf"[\"(]*[\d/]+\"?(?:{_FIELD})?\s*:\s*\"?[\d/]+\"?{_FIELD}\)*")
_HARMLESS = re.compile(r"no items found\.?", re.IGNORECASE)
_NO_IDS = re.compile(r"ID list is empty|empty id list", re.IGNORECASE)
EMPTY_SET = b"<PubmedArticleSet></PubmedArticleSet>"
MESSAGES = "outputmessages"
PMID_PATHS = ("PubmedArticle/MedlineCitation/PMID", "PubmedBookArticle/BookDocument/PMID")


class Incomplete(Transient):
    """A well-formed answer that lacks records: ``missing`` of those asked for; ``body`` is the answer."""

    def __init__(self, missing: tuple[str, ...], body: bytes) -> None:
        super().__init__(f"{len(missing)} of the records asked for are missing: PMID {', '.join(missing[:10])}")
        self.missing = missing
        self.body = body


@dataclass(frozen=True)
class SearchAnswer:
    """Count of all that matches, and the PMIDs of this page."""

    count: int
    pmids: tuple[str, ...]


def check_status(answer: Answer) -> None:
    """Raise for any status but 200; an invalid API key is a ConfigError, everything else may pass."""
    if answer.status == 200:
        return
    said = _gist(answer.body)
    if "api key invalid" in said.lower():
        raise ConfigError("NCBI does not know this API key; correct api_key (NCBI_API_KEY) or leave it out")
    raise Transient(f"HTTP {answer.status}{': ' + said if said else ''}", retry_after=_retry_after(answer.headers))


def date_of(answer: Answer) -> datetime.datetime | None:
    """Return what the server's clock said, where its Date header tells."""
    return _moment(_header(answer.headers, "date"))


def _header(headers: Mapping[str, str], wanted: str) -> str:
    return next((text for name, text in headers.items() if name.lower() == wanted), "").strip()


def _moment(text: str) -> datetime.datetime | None:
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Read Retry-After, given in seconds or as a date."""
    value = _header(headers, "retry-after")
    if re.fullmatch(r"\d{1,9}", value):
        return float(value)
    moment = _moment(value)
    return None if moment is None else max(0.0, moment.timestamp() - time.time())


def _gist(body: bytes, length: int = 200) -> str:
    """Return the beginning of an answer as one line of plain text."""
    text = _TAGS.sub(" ", body[:4000].decode("utf-8", "replace"))
    text = " ".join(text.split())
    return text if len(text) <= length else text[:length] + " …"


def read_search(answer: Answer, *, retmax: int, ranges_only: bool = False) -> SearchAnswer:
    """Read an ESearch answer in JSON; raise where it is none, failed, or answers a wider query than was asked.

    ``ranges_only`` tells that the query asks for ranges of UIDs and nothing else: then one that finds nothing widens nothing.
    """
    check_status(answer)
    try:
        document = json.loads(answer.body.decode("utf-8"), strict=False)
    except ValueError as error:
        raise Transient(f"ESearch answered no JSON ({error}): {_gist(answer.body)!r}") from None
    result = document.get("esearchresult") if isinstance(document, dict) else None
    if not isinstance(result, dict):
        raise Transient(f"ESearch answered without a result: {_gist(answer.body)!r}")
    for key in ("ERROR", "error"):
        if result.get(key):
            raise Transient(f"ESearch answered with an error: {' '.join(str(result[key]).split())}")
    count, pmids = _count(result), _pmids(result)
    _check_dropped(result, ranges_may_fail=ranges_only or not count)
    if len(pmids) != min(count, retmax):
        raise Transient(f"ESearch counted {count} and gave {len(pmids)} ids where {min(count, retmax)} were asked for")
    return SearchAnswer(count, pmids)


def _check_dropped(result: Mapping[str, Any], *, ranges_may_fail: bool) -> None:
    """Raise ConfigError where PubMed left a part of the query out, which silently asks for something else.

    Whatever it says of the query that is not known to be harmless counts as that.
    """
    for name in ("errorlist", "warninglist"):
        told = result.get(name) or {}
        lists = told if isinstance(told, dict) else {name: told}
        for key in sorted(lists, key=lambda key: (key == MESSAGES, key)):
            phrases = [str(phrase) for phrase in _listed(lists[key])]
            if key == MESSAGES:
                phrases = [phrase for phrase in phrases if not _HARMLESS.fullmatch(phrase.strip())]
            elif ranges_may_fail:
                # An empty range of the walk may be told as a phrase not found; with no result it has widened nothing.
                phrases = [phrase for phrase in phrases if not _RANGE.fullmatch(phrase)]
            if phrases:
                raise ConfigError(_dropped(key, phrases))


def _dropped(key: str, phrases: list[str]) -> str:
    if key == MESSAGES:
        return f"PubMed searched for something else than the query says: {'; '.join(phrases)}; correct the topic's query"
    said = ", ".join(map(repr, phrases))
    return f"PubMed did not search for {said} ({key}), so it answers another query; correct the topic's query"


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value] if value else []


def _count(result: Mapping[str, Any]) -> int:
    try:
        count = int(result["count"])
    except (KeyError, TypeError, ValueError):
        raise Transient("ESearch answered without a count") from None
    if count < 0:
        raise Transient(f"ESearch answered with the count {count}")
    return count


def _pmids(result: Mapping[str, Any]) -> tuple[str, ...]:
    ids = result.get("idlist")
    if not isinstance(ids, list) or not all(re.fullmatch(r"[1-9]\d{0,9}", str(pmid)) for pmid in ids):
        raise Transient("ESearch answered without a list of PMIDs")
    pmids = tuple(str(pmid) for pmid in ids)
    if len(set(pmids)) != len(pmids):
        raise Transient("ESearch gave a PMID twice")
    return pmids


def check_fetch(answer: Answer, asked: Collection[str]) -> bytes:
    """Return the body of an EFetch answer that is well-formed to its end and holds exactly the records asked for.

    Order and doubles do not matter. Raise Incomplete where records are missing, Transient for everything else.
    """
    if asked and _NO_IDS.search(_gist(answer.body)):
        raise Incomplete(tuple(asked), EMPTY_SET)
    check_status(answer)
    found = set(_fetched(answer.body))
    extra = sorted(found.difference(asked), key=int)
    if extra:
        raise Transient(f"EFetch gave records that were not asked for: PMID {', '.join(extra[:10])}")
    missing = tuple(pmid for pmid in asked if pmid not in found)
    if missing:
        raise Incomplete(missing, answer.body)
    return answer.body


def _fetched(body: bytes) -> list[str]:
    """Return the PMIDs of the records in a PubmedArticleSet."""
    if not body.strip():
        raise Transient("EFetch answered with nothing")
    root = _parse(body)
    if root.tag != "PubmedArticleSet":
        raise Transient(f"EFetch answered with <{root.tag}> instead of <PubmedArticleSet>: {_gist(body)!r}")
    errors = [" ".join(element.itertext()) for element in root.iter("ERROR", "error")]
    if errors:
        raise Transient(f"EFetch answered with an error: {errors[0]}")
    records = [child for child in root if child.tag in ("PubmedArticle", "PubmedBookArticle")]
    pmids = [(element.text or "").strip() for path in PMID_PATHS for element in root.findall(path)]
    if len(pmids) != len(records) or not all(pmid.isdigit() for pmid in pmids):
        raise Transient(f"EFetch gave {len(records)} records with {len(pmids)} PMIDs")
    return pmids


def _parse(body: bytes) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        raise Transient(f"EFetch answered with no whole XML ({error.msg}): {_gist(body)!r}") from None
    if root.getroottree().docinfo.internalDTD is not None and root.getroottree().docinfo.internalDTD.entities():
        raise Transient("EFetch answered with XML that declares entities of its own")
    return root
