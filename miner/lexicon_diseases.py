"""Names of cancers that are built, not listed: "carcinomas of the lung", "penile tumours", "carcinoma in situ", "chondroblastoma"."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from miner.lexicon_rows import Hit, either, table
from miner.schema import Concept, Label

_SITES: dict[str, str] = {site: noun for noun, sites in table("disease")["sites"].items() for site in (noun, *sites)}
_HEADS: dict[str, str] = {form: head for head, forms in table("disease")["heads"].items() for form in (head, *forms)}
SUFFIXES: dict[str, str] = table("disease")["suffixes"]
_SITE = either(sorted(_SITES, key=len, reverse=True))
_ADJECTIVE = re.compile(r"(?:(?<!can)al|ic|ar|ous|ile|[mni]ary|(?<!o)vary|oral)$")
_PLACE = either(sorted((s for s in _SITES if not _ADJECTIVE.search(s)), key=len, reverse=True))
_CELL = either(sorted(table("disease")["cells"], key=len, reverse=True))
_BARE = re.compile(r"(?:t(?<![a-z]t)umou?rs?|n(?<![a-z]n)eoplasms?)(?![a-z])")  # a letter first: sought quickly
_LEFT = re.compile(rf"(?<![a-z])({_SITE}) (?:({_CELL}) )?$")
_SIDE = either(table("disease")["sides"])
_RIGHT = re.compile(rf" of (?:(?:the )?(?:{_SIDE} )?({_PLACE})(?![a-z])(?! (?:cells?|lines?)\b)|{_CELL} ({_PLACE})(?![a-z]))")
_FURTHER = re.compile(rf"(?:, (?:and |or )?| and | or |/)(?:the )?({_PLACE})(?![a-z])(?! (?:{'|'.join(table('disease')['own'])}))")
_IN_SITU = re.compile(r" in situ\b")
_SUFFIX = re.compile(rf"({either(SUFFIXES)})s?(?![a-z])")
_WORD_START = re.compile(r"(?<![a-z])(?!non)[a-z]{3,}$")
_WINDOW = 48

Find = Callable[[str], Concept | None]


def built_diseases(folded: str, found: Sequence[Hit], disease: Find) -> list[Hit]:
    """Disease hits of a folded text: those found, widened where the name goes on, and those that no table has.

    Parameters
    ----------
    found
        The disease hits of the tables, ordered by offset.
    disease
        The disease that a folded name stands for, or None.
    """
    hits = [h for hit in found for h in _widened(folded, _unsplit(folded, hit, disease), disease)]
    taken = [(h.start, h.end) for h in hits]
    for hit in (*_sited(folded, disease), *_words(folded, disease)):
        if not any(start < hit.end and hit.start < end for start, end in taken):
            taken.append((hit.start, hit.end))
            hits.append(hit)
    return hits


def sited_names(disease: Find) -> Iterator[tuple[str, str]]:
    """(text, name) of every site and every disease that a word for a cancer makes of it, by itself or with a kind of cell."""
    cells = (None, *table("disease")["cells"])
    for form, site in _SITES.items():
        made = {_cancer(site, head, disease, cell) for head in {*_HEADS.values(), "tumor"} for cell in cells}
        made |= {_of(site, f"{head} in situ", disease) for head in _HEADS.values()}
        yield from ((form, name) for name in sorted({concept.name for concept in made if concept}))


def _unsplit(folded: str, hit: Hit, disease: Find) -> Hit:
    """ "Non- Small Cell Lung Cancer", as some abstracts are set, is the one that it says."""
    if not folded.startswith("small cell", hit.start) or not folded.endswith("non  ", 0, hit.start):
        return hit
    concept = disease("non small cell lung cancer")
    return Hit(hit.start - len("non  "), hit.end, Label.DISEASE, concept, "built") if concept else hit


def _widened(folded: str, hit: Hit, disease: Find) -> list[Hit]:
    text = folded[hit.start : hit.end]
    head = _HEADS.get(text)
    if head is None:
        situ = _IN_SITU.match(folded, hit.end) if text.endswith(("carcinoma", "carcinomas")) else None
        concept = (disease(f"{text.removesuffix('s')} in situ") or disease("in situ carcinoma")) if situ else None
        return [Hit(hit.start, situ.end(), Label.DISEASE, concept, "built") if situ and concept else hit]
    left = _LEFT.search(folded, max(0, hit.start - _WINDOW), hit.start)
    start, site, cell = (left.start(), _SITES[left[1]], left[2]) if left else (hit.start, "", "")
    if situ := _IN_SITU.match(folded, hit.end):
        concept = _of(site, f"{head} in situ", disease) or disease("in situ carcinoma") or hit.concept
        return [Hit(start, situ.end(), Label.DISEASE, concept, "built")]
    if left:
        return [Hit(start, hit.end, Label.DISEASE, _cancer(site, head, disease, cell) or hit.concept, "built")]
    return list(_of_sites(folded, hit.start, hit.end, head, disease)) or [hit]


def _sited(folded: str, disease: Find) -> Iterator[Hit]:
    """Tumours and neoplasms, which are no disease alone, of a site."""
    for match in _BARE.finditer(folded):
        left = _LEFT.search(folded, max(0, match.start() - _WINDOW), match.start())
        concept = _cancer(_SITES[left[1]], "tumor", disease, left[2]) if left else None
        if left and concept:
            yield Hit(left.start(), match.end(), Label.DISEASE, concept, "built")
        elif not left:
            yield from _of_sites(folded, match.start(), match.end(), "tumor", disease)


def _of_sites(folded: str, start: int, end: int, head: str, disease: Find) -> Iterator[Hit]:
    """Cancers "of the lung, breast and colon": the first with its head, each other by its site alone."""
    match = _RIGHT.match(folded, end)
    while match:
        site = match[1] or match[match.lastindex or 1]
        concept = _cancer(_SITES[site], head, disease)
        if concept is None:
            return
        yield Hit(start, match.end(), Label.DISEASE, concept, "built")
        match = _FURTHER.match(folded, match.end())
        start = match.start(1) if match else start


def _words(folded: str, disease: Find) -> Iterator[Hit]:
    """Words that no table has and whose ending tells what they are: fibromyxosarcoma is a sarcoma."""
    for match in _SUFFIX.finditer(folded):
        start = _WORD_START.search(folded, max(0, match.start() - _WINDOW // 2), match.start())
        concept = disease(SUFFIXES[match[1]]) if start else None
        if start and concept:
            yield Hit(start.start(), match.end(), Label.DISEASE, concept, "built")


def _cancer(site: str, head: str, disease: Find, cell: str | None = None) -> Concept | None:
    """The disease of a site: by its cells and head, else the cancer of the site."""
    return (_of(site, f"{cell} {head}", disease) if cell else None) or _of(site, head, disease) or _of(site, "cancer", disease)


def _of(site: str, head: str, disease: Find) -> Concept | None:
    for name in (f"{site} {head}", f"{head} of {site}", f"{head} of the {site}") if site else (head,):
        concept = disease(name)
        if concept:
            return concept
    return None
