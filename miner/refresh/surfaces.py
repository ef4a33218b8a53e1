"""Every way in which the lexicon writes the genes, drugs and classes that a topic names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from miner.lexicon_rows import PACKAGE_FOLDER, PROPERTIES, TAGS, label_of, plain, read_properties, read_rows, tables


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
        """Return the surface forms of a name; the pre-screen folds blanks and hyphens."""
        names = {name, *self._drugs.get(name, ())}
        texts = names | {text for each in names for text in self._texts.get(each, ())}
        return frozenset(plain(text) for text in texts)
