"""Values that PubMed writes in many ways: text, dates, registry numbers, DOIs, states."""

from __future__ import annotations

import calendar
import html
import re
from functools import lru_cache
from html.entities import html5

from miner.schema import Section, Status

# Only ASCII blanks and line separators are folded: a thin or no-break space is a character of the text.
_BLANKS = re.compile("[\t-\r\x1c-\x1f\x85\u2028\u2029][ \t-\r\x1c-\x1f\x85\u2028\u2029]*| [ \t-\r\x1c-\x1f\x85\u2028\u2029]+")
_FOLDED = ("  ", *"\n\t\r\x0b\x0c\x1c\x1d\x1e\x1f\x85\u2028\u2029")
_SHORT = 100  # characters up to which it is quicker to split a text than to look for each sign
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_MONTHS = {name.lower(): number for number, name in enumerate(calendar.month_abbr) if name}
_YEAR = re.compile(r"(?<!\d)(1[5-9]\d\d|2[01]\d\d)(?!\d)")
_MONTH = re.compile(r"\b(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?(?:[\s,]+(\d{1,2})(?!\d))?", re.I)
_NCT = re.compile(r"\bNCT[\s:#-]{0,3}(\d{8})(?!\d)")
_DOI = re.compile(r"10\.\d{4,9}/\S+")
_DOI_PREFIX = re.compile(r"^(?:https?://(?:dx\.)?doi\.org/|doi:\s*)", re.I)
_STATE_TITLE = re.compile(r"^\W*(WITHDRAWN|Withdrawn|RETRACTED|Retracted)(?: (?:ARTICLE|PAPER|Article|Paper))?\s*[:\]]")

RETRACTED_BY = frozenset({"RetractionIn", "RetractedandRepublishedIn"})
CONCERN_BY = frozenset({"ExpressionOfConcernIn", "PartialRetractionIn"})
# Links that change what a paper is worth; comments and data sets come and go without that.
NOTICES = RETRACTED_BY | CONCERN_BY | {
    "ErratumIn", "ErratumFor", "CorrectedandRepublishedIn", "CorrectedandRepublishedFrom", "RetractionOf", "PartialRetractionOf",
    "RetractedandRepublishedFrom", "ExpressionOfConcernFor", "UpdateIn", "UpdateOf", "RepublishedIn", "RepublishedFrom",
    "PreprintIn", "PreprintOf",
}  # fmt: skip


def clean(text: str) -> str:
    """Mend double-escaped entities, fold each run of blanks or line ends into one space, and strip the ends."""
    if "&" in text:
        text = mend(text)
    if len(text) < _SHORT and text.isascii():
        return " ".join(text.split())
    for sign in _FOLDED:  # a search for each sign costs a tenth of the expression
        if sign in text:
            return _BLANKS.sub(" ", text).strip(" ")
    return text.strip(" ")


def mend(text: str) -> str:
    """Resolve character references that were escaped once too often (``&amp;lt;`` reads ``<``); unknown names stay."""
    for _ in range(3):
        mended = _ENTITY.sub(_resolve, text)
        if mended == text:
            break
        text = mended
    return text


def _resolve(match: re.Match[str]) -> str:
    reference = match.group()
    if reference[1] != "#":
        return html5.get(reference[1:], reference)
    resolved = html.unescape(reference)
    return resolved if resolved.isprintable() or resolved.isspace() else reference


@lru_cache(maxsize=8192)
def iso_date(year: str, month: str = "", day: str = "") -> str | None:
    """Return the ISO 8601 date as far as its parts are valid: ``2021``, ``2021-03``, ``2021-03-15``."""
    found = _YEAR.search(year)
    if not found:
        return None
    number = _month_number(month)
    if not number:
        return found[1]
    date = f"{found[1]}-{number:02d}"
    if day.strip().isdigit() and 1 <= int(day) <= calendar.monthrange(int(found[1]), number)[1]:
        date += f"-{int(day):02d}"
    return date


def _month_number(month: str) -> int:
    month = month.strip().lower()
    if month.isdigit():
        return int(month) if 1 <= int(month) <= 12 else 0
    return _MONTHS.get(month[:3], 0)


def loose_date(text: str) -> str | None:
    """Read the first date of a free one: ``2000 Nov-Dec`` is ``2000-11``, ``1998 Dec-1999 Jan`` ``1998-12``, a season its year."""
    year = _YEAR.search(text)
    if not year:
        return None
    month = _MONTH.search(text, year.end()) or _MONTH.search(text)
    between = text[year.end() : month.start()] if month and month.start() >= year.end() else ""
    if month and not _YEAR.search(between):
        return iso_date(year[1], month[1], month[2] or "")
    return year[1]


def nct_ids(*texts: str) -> tuple[str, ...]:
    """ClinicalTrials.gov numbers in order of appearance, each once."""
    return tuple(dict.fromkeys(f"NCT{number}" for text in texts if "NCT" in text for number in _NCT.findall(text)))


def valid_doi(text: str) -> str | None:
    """Return the bare DOI, or None where the text is none."""
    bare = _DOI_PREFIX.sub("", text.strip())
    return bare if _DOI.fullmatch(bare) else None


def status(title: str, publication_types: tuple[str, ...], notices: tuple[tuple[str, str], ...]) -> Status:
    """Tell the state of a paper from its publication types, the notices on it, and its title."""
    kinds = {kind for kind, _ in notices}
    stamp = _STATE_TITLE.match(title)
    word = stamp[1].lower() if stamp else ""
    if "Retracted Publication" in publication_types or kinds & RETRACTED_BY or word == "retracted":
        return Status.RETRACTED
    if word == "withdrawn":
        return Status.WITHDRAWN
    return Status.CONCERN if kinds & CONCERN_BY else Status.CURRENT


def sections_text(sections: tuple[Section, ...]) -> str:
    """The texts of sections, one a line."""
    return "\n".join(section.text for section in sections)
