"""Mentions of genes, drugs, drug classes, diseases and assays; short forms mean what the paper says they mean."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from spacy.language import Language
from spacy.tokens import Doc

from miner.lexicon import Hit, Lexicon, load_lexicon
from miner.lexicon_rows import cues, either
from miner.nlp.doc import add_mentions
from miner.schema import Label, Mention


class Abbreviation(NamedTuple):
    """A definition in the text: where the short form stands, and its long form."""

    start: int
    end: int
    long_start: int
    long_end: int


_SHORT = re.compile(r"[(\[]\s?([A-Za-z][A-Za-z0-9/-]{1,9})(?=\s?[)\],;:])")
_GENE_WORDS = re.compile(rf"\b{either(cues('gene')['long_form'])}\b", re.I)


def find_terms(text: str, lexicon: Lexicon, abbreviations: Iterable[Abbreviation] = ()) -> list[Mention]:
    """Find mentions of the lexicon's terms.

    A short form whose long form names a concept takes that concept throughout the text; one whose long form names
    something else is no mention, even where it is an alias of a gene.
    """
    hits = lexicon.find(text)
    meanings = _meanings(text, hits, [*abbreviations, *find_definitions(text)])
    for short, meaning in meanings.items():
        places = [m.span() for m in re.finditer(rf"(?<![A-Za-z0-9]){re.escape(short)}s?(?![A-Za-z0-9])", text)]
        hits = _redefined(hits, places, meaning)
    return [Mention(h.start, h.end, text[h.start : h.end], h.label, h.concept) for h in sorted(hits, key=lambda h: (h.start, h.end))]


def _meanings(text: str, hits: Sequence[Hit], definitions: Iterable[Abbreviation]) -> dict[str, Hit | None]:
    """Short form -> the hit that its long form is, or None where it names nothing known."""
    meanings: dict[str, Hit | None] = {}
    for found in definitions:
        short = text[found.start : found.end]
        if meanings.get(short) is not None:
            continue
        own = [h for h in hits if h.start == found.start and h.end == found.end]
        meaning = _long_form_hit(hits, found, strict=bool(own))
        if meaning is None and (_gene_like(text[found.long_start : found.long_end], own) or any(h.label is not Label.GENE for h in own)):
            continue
        meanings[short] = meaning
    return meanings


def _long_form_hit(hits: Sequence[Hit], found: Abbreviation, *, strict: bool) -> Hit | None:
    """The longest hit that ends with the long form and covers it, wholly for a drug or where ``strict``."""
    size = found.long_end - found.long_start
    inside = [h for h in hits if h.end == found.long_end and h.start >= found.long_start]
    most = [h for h in inside if h.label is not Label.DRUG and not strict and h.end - h.start >= 0.6 * size]
    covering = [h for h in inside if h.start == found.long_start] or most
    return max(covering, key=lambda h: h.end - h.start, default=None)


def _gene_like(long_form: str, own: Sequence[Hit]) -> bool:
    """Whether a short form that is a gene symbol may be one here, though its long form is not known.

    A symbol of letters and digits (TET2) seldom stands for anything else; one of letters alone (ALK) often does.
    """
    if not any(h.label is Label.GENE for h in own):
        return False
    return bool(_GENE_WORDS.search(long_form)) or any(h.kind in {"symbol", "protein"} and h.concept.name[-1].isdigit() for h in own)


def _redefined(hits: Sequence[Hit], places: Sequence[tuple[int, int]], meaning: Hit | None) -> list[Hit]:
    """Replace the hits at the places of a short form by its meaning."""
    taken = set(places)
    kept = [h for h in hits if (h.start, h.end) not in taken]
    if meaning is not None:
        for start, end in places:
            if not any(h.start <= start and end <= h.end and h.label is meaning.label for h in kept):
                kept.append(Hit(start, end, meaning.label, meaning.concept, "abbreviation"))
    return kept


def find_definitions(text: str) -> list[Abbreviation]:
    """Definitions in brackets by the letters of the long form: what scispaCy misses, ``[MASC]`` and ``(ORR; 75%)``."""
    found = []
    for match in _SHORT.finditer(text):
        start, end = match.span(1)
        long_end = len(text[: match.start()].rstrip())
        window = min(len(match[1]) + 5, 2 * len(match[1]))
        before = text[max(0, long_end - 140) : long_end]
        words = [m.start() for m in re.finditer(r"(?<![^\s(\[])\S", before.rpartition("\n")[2])]
        offset = long_end - len(before.rpartition("\n")[2])
        long_start = _long_start(match[1], text, offset, long_end, [offset + w for w in words][-window:])
        if long_start is not None:
            found.append(Abbreviation(start, end, long_start, long_end))
    return found


def _long_start(short: str, text: str, floor: int, end: int, words: Sequence[int]) -> int | None:
    """Where the long form begins, after Schwartz and Hearst: letters from the right, the first at the start of a word."""
    letters = [c.lower() for c in short if c.isalnum()]
    if letters and letters[-1] == "s" and short[-1] == "s" and len(letters) > 2:
        letters.pop()
    at = end
    for place in range(len(letters) - 1, -1, -1):
        at -= 1
        while at >= floor and (text[at].lower() != letters[place] or (place == 0 and at > floor and text[at - 1].isalnum())):
            at -= 1
        if at < floor:
            return None
    start = at
    if words and start < words[0]:
        return None
    return start if len(text[start:end]) > len(short) else None


@Language.factory("miner_terms", default_config={"folders": []})
def create_miner_terms(nlp: Language, name: str, folders: list[str]) -> Callable[[Doc], Doc]:
    """Component that adds the mentions of ``find_terms`` to a doc."""
    lexicon = load_lexicon(tuple(Path(f) for f in folders))

    def add_terms(doc: Doc) -> Doc:
        return add_mentions(doc, find_terms(doc.text, lexicon, abbreviations(doc)))

    return add_terms


def abbreviations(doc: Doc) -> list[Abbreviation]:
    """Definitions that scispaCy's detector found, as character offsets."""
    if not Doc.has_extension("abbreviations"):
        return []
    found = []
    for item in doc._.abbreviations:
        if isinstance(item, dict):
            short, long = doc[item["short_start"] : item["short_end"]], doc[item["long_start"] : item["long_end"]]
        else:
            short, long = item, item._.long_form
        found.append(Abbreviation(short.start_char, short.end_char, long.start_char, long.end_char))
    return found
