"""Drug classes that a text makes of a gene: "RET inhibitors", "anti-AXL therapy", "MET or IGF-1R TKIs", "inhibitors of RET"."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from miner.lexicon_rows import Hit, cues, either
from miner.schema import Concept, Label

_CUES = cues("class")
_AGENT, _THERAPY, _MODIFIER, _DIRECTED = (either(_CUES[name]) for name in ("agent", "therapy", "modifier", "directed"))
_TAIL = re.compile(
    rf"s?[)\]]?(?:[\s/-]{{1,2}}\(?(?:TK|PTK)\)?)?(?:[\s-]+{_MODIFIER}){{0,3}}[\s-]+"
    rf"(?:{_AGENT}|{_DIRECTED}[\s-]+(?:{_MODIFIER}[\s-]+)?{_THERAPY})"
    r"(?:\s?\((?:TKIs?)\))?(?![A-Za-z])"
)
_AFTER_ANTI = re.compile(rf"s?(?:[\s-]+{_MODIFIER}){{0,2}}[\s-]+{_THERAPY}(?![A-Za-z])")
_ANTI = re.compile(r"\banti[\s-]?$", re.I)
_OF = re.compile(rf"\b(?i:{either(_CUES['of'])}) (?:the |both )?$")
_GERUND = re.compile(
    r"(?:^|[.;:] |\b(?:[Tt]hat|[Hh]ow|[Tt]hus|[Tt]herefore|[Hh]owever|[Ww]hether),? )(?:\w+ly )?"
    rf"(?P<verb>(?i:{either(_CUES['gerund'])})) (?:the |both )?$"
)
_LINK = re.compile(
    r"\s?(?:/|,|, and|, or| and| or| and/or|, and/or| plus|,? along with|,? together with|,? as well as|,? in addition to)\s?"
)
_GOES_ON = re.compile(rf"(?:[\s-]+{either(_CUES['altered'])}|::)")
# Behind a gene: it is in whom a therapy works, "inhibitors against ROS1-rearranged tumours", and not what it is aimed at.
_CARRIERS = re.compile(
    rf"[\s-]{either(_CUES['altered'])}\w*[\s-]+(?:[\w-]+ )?(?i:tumou?rs?|cancers?|carcinomas?|cells?|NSCLCs?|disease|models?|patients)\b"
)
_CONTINUES = re.compile(r"(?:-|::)[A-Z][A-Z0-9]{2}")

_NAMES = cues("organisation")
_ORGANISATION_AFTER = re.compile(rf"s?,? (?:{either(_NAMES['between'])} ?){{0,4}}{either(_NAMES['last'])}\b")
_CRITERIA_BEFORE = re.compile(rf"\b{either(_NAMES['criteria'])} $", re.I)
_ORGANISATION_BEFORE = re.compile(rf"\b{either(_NAMES['before'])} $")


def in_organisation(source: str, start: int, end: int) -> bool:
    """Whether a disease is part of a name: of criteria in any case, of a society, group or registry where capitalised."""
    if _CRITERIA_BEFORE.search(source, max(0, start - 45), start):
        return True
    if not source[start].isupper():
        return False
    return bool(_ORGANISATION_AFTER.match(source, end) or _ORGANISATION_BEFORE.search(source, max(0, start - 45), start))


def class_hits(source: str, genes: Sequence[Hit], class_of: Callable[[Concept], Concept]) -> list[Hit]:
    """Classes of the genes found in a text.

    Parameters
    ----------
    source
        The text, dashes and spaces as ``plain`` writes them.
    genes
        Gene hits, ordered by offset.
    class_of
        The class of a gene's inhibitors.
    """
    found: list[Hit] = []
    for place, gene in enumerate(genes):
        span = _class_span(source, gene, genes[place - 1] if place else None)
        if span:
            start, end = span
            found.append(Hit(start, end, Label.DRUG_CLASS, class_of(gene.concept), "productive"))
            if start == gene.start:
                listed = _listed_before(source, genes, place)
                found += [Hit(g.start, end, Label.DRUG_CLASS, class_of(g.concept), "productive") for g in listed]
            elif end == gene.end:
                listed = _listed_after(source, genes, place)
                found += [Hit(g.start, g.end, Label.DRUG_CLASS, class_of(g.concept), "productive") for g in listed]
    return found


def _class_span(source: str, gene: Hit, before: Hit | None) -> tuple[int, int] | None:
    anti = _ANTI.search(source, max(0, gene.start - 6), gene.start)
    if anti:
        match = _AFTER_ANTI.match(source, gene.end) or _TAIL.match(source, gene.end)
        return (anti.start(), match.end()) if match else None
    match = _TAIL.match(source, gene.end)
    if match:
        return _long_form_start(source, gene, before), match.end()
    first = _fused_start(source, gene, before)
    if _CONTINUES.match(source, gene.end) or _CARRIERS.match(source, gene.end):
        return None
    of = _OF.search(source, max(0, first - 40), first)
    if not of and (verb := _GERUND.search(source, max(0, first - 60), first)):
        return verb.start("verb"), gene.end
    return (of.start(), gene.end) if of else None


def _fused_start(source: str, gene: Hit, before: Hit | None) -> int:
    """Start of the fusion whose 3' gene this is."""
    return before.start if before and source[before.end : gene.start] in {"-", "::", "/"} else gene.start


def _long_form_start(source: str, gene: Hit, before: Hit | None) -> int:
    """Start of the long form where the gene stands in brackets after it."""
    named = before and before.concept == gene.concept and source[before.end : gene.start].strip() in {"(", "["}
    return before.start if before and named else gene.start


def _listed_after(source: str, genes: Sequence[Hit], place: int) -> list[Hit]:
    """Genes of the list that begins with this one: MEK in "inhibition of TRK and MEK", but not in "of TRK and MEK mutations"."""
    listed: list[Hit] = []
    last = genes[place]
    for gene in genes[place + 1 :]:
        if not _LINK.fullmatch(source, last.end, gene.start):
            break
        listed.append(gene)
        last = gene
    return [] if _GOES_ON.match(source, last.end) else listed


def _listed_before(source: str, genes: Sequence[Hit], place: int) -> list[Hit]:
    """Genes of the list that ends with this one: MET in "MET or AXL inhibitors"."""
    listed: list[Hit] = []
    last = genes[place]
    for gene in reversed(genes[:place]):
        if not _LINK.fullmatch(source, gene.end, last.start):
            break
        if gene.concept != last.concept:
            listed.append(gene)
        last = gene
    return listed
