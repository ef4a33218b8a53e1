"""What the address of the table says: words, facets, order, page; and the addresses that change one thing of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from miner.evidence.store_search import FACETS, SORTS
from miner.web.links import quoted, table_url, with_query

MAX_TEXT = 200
MAX_VALUE = 200
MAX_VALUES = 20
MAX_PAGE = 1_000_000
DEFAULT_SIZE = 40
MAX_SIZE = 200
WORDS = {
    "topic": "topic",
    "claim_type": "claim",
    "gene": "gene",
    "fusion": "fusion",
    "variant": "variant",
    "drug": "drug",
    "disease": "tumour",
    "direction": "direction",
    "polarity": "polarity",
    "level": "level",
    "study_type": "study",
    "year": "year",
    "status": "curation",
    "opposed": "opposite finding",
    "new_since_run": "new since run",
}
"""Facet → what a reader calls it."""
_ALIASES = {"type": "claim_type", "study": "study_type", "since": "new_since_run", "tumour": "disease"}


class QueryError(ValueError):
    """What the address asks for cannot be."""


@dataclass(frozen=True, slots=True)
class Query:
    """What the table is asked: ``facets`` maps a facet to the values of which one must fit."""

    text: str = ""
    facets: tuple[tuple[str, tuple[str, ...]], ...] = ()
    sort: str = "support"
    page: int = 1
    size: int = DEFAULT_SIZE

    @property
    def chosen(self) -> dict[str, tuple[str, ...]]:
        """The facets as the search takes them."""
        return dict(self.facets)

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing is filtered."""
        return not self.text and not self.facets

    def has(self, facet: str, value: str) -> bool:
        """Tell whether a value is chosen."""
        return value.casefold() in (held.casefold() for held in self.chosen.get(facet, ()))

    def toggled(self, facet: str, value: str) -> Query:
        """Return the query with a value added, or taken out where it is chosen."""
        held = self.chosen.get(facet, ())
        kept = tuple(item for item in held if item.casefold() != value.casefold())
        return self.with_values(facet, kept if len(kept) < len(held) else (*held, value))

    def with_values(self, facet: str, values: Sequence[str]) -> Query:
        """Return the query with these values of a facet, at its first page."""
        facets = {**self.chosen, facet: tuple(values)}
        return replace(self, facets=tuple((name, facets[name]) for name in FACETS if facets.get(name)), page=1)

    def filters(self) -> list[tuple[str, str]]:
        """Return what is filtered as pairs of an address."""
        pairs = [("q", self.text)] if self.text else []
        return pairs + [(name, value) for name, values in self.facets for value in values]

    def pairs(self) -> list[tuple[str, object]]:
        """Return the whole query as pairs of an address; what is as usual is left out."""
        told: list[tuple[str, object]] = list(self.filters())
        usual = Query()
        told += [("sort", self.sort)] if self.sort != usual.sort else []
        told += [("size", self.size)] if self.size != usual.size else []
        return told + ([("page", self.page)] if self.page != 1 else [])

    def url(self, **changes: Any) -> str:
        """Return the address of the table with some things changed; another page than asked for is the first."""
        return table_url(replace(self, **{"page": 1, **changes}).pairs())

    def toggle_url(self, facet: str, value: str) -> str:
        """Return the address of the table with a value added or taken out."""
        return table_url(self.toggled(facet, value).pairs())

    def adding_url(self, facet: str) -> Callable[[str], str]:
        """Return what gives the address of the table with a value added that is not chosen; for many values of one facet."""
        added = table_url(self.with_values(facet, (*self.chosen.get(facet, ()), "\0")).pairs())
        before, after = added.split(quoted("\0"))
        return lambda value: f"{before}{quoted(value)}{after}"

    def feed_url(self) -> str:
        """Return the address of the feed of what is filtered."""
        return with_query("/feed.atom", self.filters())

    def download_url(self, form: str) -> str:
        """Return the address of a file of all that is filtered."""
        return with_query(f"/download/{form}", self.filters())


def read(pairs: Iterable[tuple[str, str]], *, extra: Iterable[str] = ()) -> Query:
    """Read a query from the pairs of an address; empty values count as not given.

    Raises
    ------
    QueryError
        A name that is not known, or a value that is too long, out of range or no number.
    """
    given: dict[str, list[str]] = {}
    for name, value in pairs:
        name, value = _ALIASES.get(name, name), _clean(value)
        if name not in ("q", "sort", "page", "size", *FACETS, *extra):
            raise QueryError(f"nothing is called {name[:40]!r}; there are q, {', '.join(FACETS)}, sort, page, size")
        if value and name not in extra:
            given.setdefault(name, []).append(value)
    facets = {name: tuple(dict.fromkeys(given[name])) for name in FACETS if name in given}
    return checked(
        Query(
            text=" ".join(given.get("q", [])),
            facets=tuple(facets.items()),
            sort=_one(given, "sort") or "support",
            page=_number("page", _one(given, "page"), 1, MAX_PAGE),
            size=_number("size", _one(given, "size"), DEFAULT_SIZE, MAX_SIZE),
        )
    )


def checked(query: Query) -> Query:
    """Return the query, or raise QueryError on what cannot be."""
    if len(query.text) > MAX_TEXT:
        raise QueryError(f"q is longer than {MAX_TEXT} characters")
    for name, values in query.facets:
        if len(values) > MAX_VALUES or any(len(value) > MAX_VALUE for value in values):
            raise QueryError(f"{name} holds more than {MAX_VALUES} values, or one longer than {MAX_VALUE} characters")
        if name in ("new_since_run", "year") and not all(value.isascii() and value.isdigit() and len(value) < 16 for value in values):
            raise QueryError(f"{name} takes numbers")
    if query.sort.removeprefix("-") not in SORTS:
        raise QueryError(f"sort is not one of {', '.join(SORTS)}")
    return query


def _clean(value: str) -> str:
    return "".join(sign if sign.isprintable() else " " for sign in value).strip()


def _one(given: Mapping[str, list[str]], name: str) -> str:
    return given.get(name, [""])[-1]


def _number(name: str, text: str, usual: int, most: int) -> int:
    if not text:
        return usual
    if not (text.isascii() and text.isdigit() and len(text) < 12 and 1 <= int(text) <= most):
        raise QueryError(f"{name} is a number from 1 to {most}")
    return int(text)
