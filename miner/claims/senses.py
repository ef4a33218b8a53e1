"""Claim cues: what a word or phrase can do in a claim (respond, resist, approve ...), from ``data/rules/claim_cues.tsv``."""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache
from typing import NamedTuple

import ahocorasick_rs

from miner import rule_files
from miner.errors import LexiconError


class Cue(NamedTuple):
    """A cue in a text: its sense and span."""

    start: int
    end: int
    sense: str


class CueLexicon:
    """All cues in one automaton; a term that ends in ``*`` matches any continuation of its last word."""

    def __init__(self, rows: list[tuple[str, str]]) -> None:
        senses: dict[tuple[str, bool], list[str]] = defaultdict(list)
        for sense, text in rows:
            senses[(text.rstrip("*").lower(), text.endswith("*"))].append(sense)
        self._entries = list(senses.items())
        self._automaton = ahocorasick_rs.AhoCorasick([key[0] for key, _ in self._entries])

    def find(self, text: str) -> list[Cue]:
        """Cues of a text, ordered by offset; a word may have several senses."""
        lower = text.lower()
        if len(lower) != len(text):
            lower = "".join(c if len(c.lower()) != 1 else c.lower() for c in text)
        found = []
        for index, start, end in self._automaton.find_matches_as_indexes(lower, overlapping=True):
            (_, open_ended), senses = self._entries[index]
            if (start and lower[start - 1].isalnum()) or lower.startswith(("-free", " free survival"), end):
                continue
            if end < len(lower) and lower[end].isalnum():
                if not open_ended:
                    continue
                while end < len(lower) and lower[end].isalpha():
                    end += 1
            found += [Cue(start, end, sense) for sense in senses]
        return sorted(set(found))


def parse(name: str, content: str) -> list[tuple[str, str]]:
    """Rows of a cue table; a row that has no two columns is an error that names its line."""
    rows = []
    for number, line in enumerate(content.splitlines(), 1):
        if number == 1 or not line.strip():
            continue
        columns = line.split("\t")
        if len(columns) != 2 or not all(column.strip() for column in columns):
            raise LexiconError(f"{name}:{number}: expected two columns, sense and text, separated by a tab: {line!r}")
        rows.append((columns[0], columns[1]))
    return rows


@lru_cache(maxsize=1)
def load() -> CueLexicon:
    """The package's claim cues."""
    with rule_files.reading("claim_cues.tsv") as text:
        return CueLexicon(parse("claim_cues.tsv", text))


@lru_cache(maxsize=1)
def known_resistance() -> frozenset[str]:
    """Variants known as secondary kinase-domain resistance mutations (``NTRK1 G595R``), from ``data/rules/resistance_variants.tsv``."""
    with rule_files.reading("resistance_variants.tsv") as text:
        rows = parse("resistance_variants.tsv", text)
    return frozenset(f"{gene} {change}" for gene, changes in rows for change in changes.split(","))
