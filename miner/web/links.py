"""Addresses of the pages; each is built here, so that it is quoted once and the same everywhere."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import quote, urlsplit

Pairs = Iterable[tuple[str, object]]
ENTITY_KINDS = ("gene", "fusion", "variant", "drug", "disease")


def path(*parts: str) -> str:
    """Return an address of quoted parts; ``:`` stays, since keys and fusions hold it."""
    return "/" + "/".join(quote(part, safe=":~") for part in parts)


def with_query(address: str, pairs: Pairs) -> str:
    """Return an address with its query, without one where there are no pairs."""
    query = "&".join([f"{quoted(name)}={quoted(str(value))}" for name, value in pairs])
    return f"{address}?{query}" if query else address


@lru_cache(maxsize=16_384)
def quoted(text: str) -> str:
    """Return a name or value as it stands in a query."""
    return quote(text, safe=":/")


def row_url(key: str, source: str | None = None) -> str:
    """Return the address of a row, or of one paper's evidence in it."""
    return path("row", key) + (f"#{anchor(source)}" if source else "")


def anchor(source: str) -> str:
    """Return the name of a paper's place on the page of a row."""
    return "paper-" + "".join(sign if sign.isalnum() or sign in "-_." else "-" for sign in source)


def paper_url(pmid: str) -> str:
    """Return the address of a paper's page."""
    return path("paper", pmid)


def entity_url(kind: str, name: str) -> str:
    """Return the address of everything on a gene, fusion, variant, drug or disease."""
    return path("entity", kind, name)


def run_url(run_id: int) -> str:
    """Return the address of a run."""
    return f"/runs/{run_id}"


def table_url(pairs: Pairs = ()) -> str:
    """Return the address of the table under filters."""
    return with_query("/table", pairs)


def is_local(address: str) -> bool:
    """Tell whether an address leads to a page of this server, and nowhere else."""
    told = urlsplit(address)
    plain = address.startswith("/") and not address.startswith(("//", "/\\")) and address.isprintable() and "\\" not in address
    return plain and not told.scheme and not told.netloc
