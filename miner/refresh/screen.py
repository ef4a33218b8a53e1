"""Which records of a file are worth parsing."""

from __future__ import annotations

from collections.abc import Iterable

from ahocorasick_rs import AhoCorasick, BytesAhoCorasick

from miner.schema import Record


class TermScreen:
    """Lets a record pass that holds at least one of the terms, anywhere and in any case; parts of words count."""

    def __init__(self, terms: Iterable[str]) -> None:
        ordered = sorted(terms)
        self._bytes = BytesAhoCorasick([term.encode() for term in ordered])
        self._text = AhoCorasick(ordered)

    def might_match(self, xml: bytes) -> bool:
        """Return False only where no term stands in the XML of a record."""
        return bool(self._bytes.find_matches_as_indexes(xml.lower()))

    def matches(self, record: Record) -> bool:
        """Return whether a term stands in the text of a record."""
        return bool(self._text.find_matches_as_indexes(record.text.lower()))
