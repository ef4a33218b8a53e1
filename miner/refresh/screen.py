"""Which records of a file are worth parsing."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from ahocorasick_rs import AhoCorasick, BytesAhoCorasick

from miner.lexicon_rows import PACKAGE_FOLDER, PROPERTIES, TAGS, label_of, plain, read_properties, read_rows, tables
from miner.schema import Record

_JOINTS = ("", " ", "-", "\u2010", "\u2011", "\u2013")
_JOINED = re.compile(r"[-\s]+")


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


class Surfaces:
    """Every way in which the lexicon's tables write a gene, a drug, a drug class or a drug of that class."""

    def __init__(self, folders: Iterable[Path] = ()) -> None:
        self._texts: defaultdict[str, set[str]] = defaultdict(set)
        self._drugs: defaultdict[str, set[str]] = defaultdict(set)
        for path in (path for folder in (PACKAGE_FOLDER, *folders) for path in tables(folder)):
            self._read(path)

    def _read(self, path: Path) -> None:
        if path.stem.startswith(PROPERTIES):
            for row in read_properties(path):
                self._drugs[row.class_name].add(row.drug)
        elif label_of(path) is not None:
            for term in read_rows(path):
                if term.kind not in TAGS:
                    self._texts[term.name].add(term.text)

    def surfaces(self, name: str) -> frozenset[str]:
        """Return the surface forms of a name, joined by hyphens of any kind, spaces or nothing."""
        names = {name, *self._drugs.get(name, ())}
        texts = names | {text for each in names for text in self._texts.get(each, ())}
        return frozenset(joint.join(_JOINED.split(plain(text))) for text in texts for joint in _JOINTS)
