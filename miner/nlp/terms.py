"""Mentions of genes, drugs, drug classes, diseases and assays; short forms mean what the paper says they mean."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from spacy.language import Language
from spacy.tokens import Doc

from miner.lexicon import Hit, Lexicon, load_lexicon
from miner.lexicon_classes import in_organisation
from miner.lexicon_rows import cues, either
from miner.nlp.doc import add_mentions, text_of
from miner.schema import Label, Mention


class Abbreviation(NamedTuple):
    """A definition in the text: where the short form stands, and its long form."""

    start: int
    end: int
    long_start: int
    long_end: int


_SHORT = re.compile(r"[(\[]\s?([A-Za-z][A-Za-z0-9/-]{1,9})(?=\s?[)\],;:])")
_SHORT_SIZE = 4
_GENE_WORDS = re.compile(rf"\b{either(cues('gene')['long_form'])}\b", re.I)


def find_terms(text: str, lexicon: Lexicon, abbreviations: Iterable[Abbreviation] = ()) -> list[Mention]:
    """Find mentions of the lexicon's terms.

    A short form whose long form names a concept takes that concept throughout the text; one whose long form names
    something else is no mention, even where it is an alias of a gene.
    """
    hits = [h for h in lexicon.find(text) if not _is_other(text, h)]
    meanings = _meanings(text, hits, [*abbreviations, *find_definitions(text)], lexicon)
    for short, meaning in meanings.items():
        places = _places(text, short)
        if meaning is not None and meaning.label is Label.DISEASE:
            places = [p for p in places if not in_organisation(text, *p)]
        hits = _redefined(hits, places, meaning)
    return [Mention(h.start, h.end, text[h.start : h.end], h.label, h.concept) for h in sorted(hits, key=lambda h: (h.start, h.end))]


_DENYING = re.compile(r"(?:no|without|non)\b[\s-](?!small|squamous|hodgkin|seminoma)", re.I)  # "no chemotherapy (NoC)" is none
_NON = ("non-", "non ", "non‐", "non‑", "non–")
_STAGING = re.compile(r"\btumou?rs?(?:,\s?|-|\s|/)(?:lymph\s)?nodes?(?:,\s?|-|\s|/)(?:and\s)?$", re.I)


def _is_other(text: str, hit: Hit) -> bool:
    """Whether a hit is what the text tells it is not ("non-platinum doublet"), or a letter of TNM ("tumor, node, metastasis")."""
    if hit.label in (Label.DISEASE, Label.DRUG_CLASS, Label.ASSAY) and text[max(0, hit.start - 4) : hit.start].lower() in _NON:
        return True
    return hit.concept.name == "metastasis" and _STAGING.search(text, max(0, hit.start - 30), hit.start) is not None


def _meanings(text: str, hits: Sequence[Hit], definitions: Iterable[Abbreviation], lexicon: Lexicon) -> dict[str, Hit | None]:
    """Short form -> the hit that its long form is, or None where it names nothing known."""
    meanings: dict[str, Hit | None] = {}
    places: dict[str, int] = {}
    for found in definitions:
        short = text[found.start : found.end]
        if meanings.get(short) is not None or places.setdefault(short, found.start) != found.start:
            continue
        own = next((h for h in hits if h.start == found.start and h.end == found.end), None)
        meaning = None if _DENYING.match(text, found.long_start) else _long_form_hit(hits, found, own)
        if meaning is None and _may_keep(text, hits, found, own, lexicon):
            continue
        meanings[short] = meaning
    return meanings


def _long_form_hit(hits: Sequence[Hit], found: Abbreviation, own: Hit | None) -> Hit | None:
    """The longest hit that ends with the long form and covers it, wholly for a drug or where the short form has a meaning of its own."""
    ending = [h for h in hits if h.end == found.long_end]
    whole = [h for h in ending if h.start == found.long_start]
    if not whole and own is None:
        size = found.long_end - found.long_start
        whole = [
            h
            for h in ending
            if (h.start > found.long_start and h.label is not Label.DRUG and h.end - h.start >= 0.6 * size)
            or (h.start < found.long_start and h.label is Label.DISEASE)
        ]
    return max(whole, key=lambda h: h.end - h.start, default=None)


def _may_keep(text: str, hits: Sequence[Hit], found: Abbreviation, own: Hit | None, lexicon: Lexicon) -> bool:
    """Whether a short form keeps its meaning in the lexicon though its long form is not found there.

    A gene keeps it where the long form speaks of a gene or shares words with the gene's names, or where the symbol has
    a figure (TET2), which seldom stands for anything else; a symbol of letters alone (ALK) often does.
    """
    start, end = found.long_start, found.long_end
    if any(h.start <= start and end <= h.end for h in hits):
        return True
    long_form = text[start:end]
    if own is None or own.label is not Label.GENE:
        return found.end - found.start > _SHORT_SIZE or any(start < h.end and h.start < end for h in hits)
    if _GENE_WORDS.search(long_form) or text[found.start : found.end] in long_form or own.concept.name[-1].isdigit():
        return True
    known = {word[:5] for name in lexicon.names(own.concept) for word in name.split() if len(word) > _SHORT_SIZE}
    return any(word[:5] in known for word in re.findall(r"[a-z]{5,}", long_form.lower()))


def _places(text: str, short: str) -> list[tuple[int, int]]:
    """Where a short form stands, its plural s taken in."""
    places, start = [], text.find(short)
    while start >= 0:
        end = start + len(short)
        end += text.startswith("s", end)
        if not (start and text[start - 1].isalnum()) and not text[end : end + 1].isalnum():
            places.append((start, end))
        start = text.find(short, end)
    return places


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


@Language.factory("miner_terms", default_config={"lexicon_dirs": []})
def create_miner_terms(nlp: Language, name: str, lexicon_dirs: list[str]) -> Callable[[Doc], Doc]:
    """Component that adds the mentions of ``find_terms`` to a doc."""
    lexicon = load_lexicon(tuple(Path(folder) for folder in lexicon_dirs))

    def add_terms(doc: Doc) -> Doc:
        return add_mentions(doc, find_terms(text_of(doc), lexicon, abbreviations(doc)))

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
