"""One element of a PubMed set → its record: the same step in the process that asks and in one that reads along."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Literal

from lxml import etree

from miner.schema import Record
from miner.sources import article, lean, names
from miner.sources.items import Screen

_ARTICLE = b"PubmedArticle"
RECORDS: dict[bytes, Callable[[article.Element, str], Record]] = {
    _ARTICLE: article.article_record,
    b"PubmedBookArticle": article.book_record,
}
Answer = Record | Literal[False] | None  # False: cannot matter; None: no record, or none that can be read without trouble


@cache
def parser() -> etree.XMLParser:
    """The parser of single elements: no entity is resolved, nothing is fetched."""
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True)


def read(name: bytes, xml: bytes, source: str, screen: Screen | None) -> Answer:
    """Return the record of an element; False where the screen says that it cannot matter, None where it is no plain record."""
    if name not in RECORDS:
        return None
    if screen is not None and not screen.might_match(xml):
        return False
    cut = lean.cut(xml)
    try:
        if name == _ARTICLE and cut is not xml:
            cut, authors = names.take(cut)
            return article.article_record(etree.fromstring(cut, parser()), source, authors)
        return RECORDS[name](etree.fromstring(cut, parser()), source)
    except (etree.XMLSyntaxError, ValueError):
        return None
