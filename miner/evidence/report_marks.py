"""Marked text: which mentions to show where they overlap, and a text cut into plain, marked and quoted pieces."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from miner.schema import Label, Mention, Polarity

# Where mentions overlap the first of these is shown.
PRIORITY = (
    Label.FUSION,
    Label.VARIANT,
    Label.ALTERATION,
    Label.DRUG,
    Label.DRUG_CLASS,
    Label.MEASURE,
    Label.GENE,
    Label.DISEASE,
    Label.ASSAY,
    Label.COHORT,
)
LABEL_WORDS = {
    Label.FUSION: "fusion",
    Label.VARIANT: "variant",
    Label.ALTERATION: "other alteration",
    Label.DRUG: "drug",
    Label.DRUG_CLASS: "drug class",
    Label.MEASURE: "measure",
    Label.GENE: "gene",
    Label.DISEASE: "disease",
    Label.ASSAY: "assay",
    Label.COHORT: "cohort",
}
_RANK = {label: rank for rank, label in enumerate(PRIORITY)}


@dataclass(frozen=True, slots=True)
class Mark:
    """A stretch of text to mark: label, polarity and what it means."""

    start: int
    end: int
    label: Label
    polarity: Polarity
    meaning: str


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of text, marked or not, inside a quoted sentence or not."""

    text: str
    mark: Mark | None
    is_quoted: bool


def marks(mentions: Iterable[Mention]) -> tuple[Mark, ...]:
    """Return the mentions to show, none overlapping another: by kind, then the longer, then the earlier."""
    chosen: list[Mention] = []
    for mention in sorted(mentions, key=lambda item: (_RANK[item.label], item.start - item.end, item.start)):
        if mention.start < mention.end and all(mention.end <= held.start or held.end <= mention.start for held in chosen):
            chosen.append(mention)
    return tuple(Mark(item.start, item.end, item.label, item.polarity, item.name or "") for item in sorted(chosen))


def pieces(text: str, shown: Sequence[Mark], quotes: Sequence[tuple[int, int]], start: int = 0, end: int | None = None) -> list[Piece]:
    """Cut ``text[start:end]`` at every mark and quote; the pieces join to exactly that text."""
    end = len(text) if end is None else end
    edges = {start, end}
    edges.update(edge for mark in shown for edge in (mark.start, mark.end) if start < edge < end)
    edges.update(edge for quote in quotes for edge in quote if start < edge < end)
    cuts = sorted(edges)
    found = []
    for left, right in itertools.pairwise(cuts):
        mark = next((item for item in shown if item.start <= left and right <= item.end), None)
        quoted = any(first <= left and right <= last for first, last in quotes)
        found.append(Piece(text[left:right], mark, quoted))
    return found


def window(text: str, start: int, end: int, around: int = 180) -> tuple[int, int]:
    """Return a span around a sentence, cut at spaces, for its context."""
    left, right = max(0, start - around), min(len(text), end + around)
    if left > 0:
        left = min(start, text.find(" ", left, start) + 1 or start)
    if right < len(text):
        space = text.rfind(" ", end, right)
        right = space if space > end else end
    return left, right
