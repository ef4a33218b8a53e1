"""Find alterations that name no sequence change: mutation, amplification, loss, expression ... of a gene."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain

from miner.nlp.variant_forms import Form, exon_mutations
from miner.nlp.variant_genes import Anchor, Assigner
from miner.nlp.variant_rules import Kind, load_rules
from miner.schema import Alteration, Label, Mention, Variant

_COMMA = re.compile(
    r"\s*(?:\([^()]{1,40}\))?\s*(?:[,/+&]|,?\s*(?:and/or|and|nor|or|as\s+well\s+as)\s|[‐–-]\s+(?:and|or)\s|-(?=[A-Z]))\s*"
    r"(?:the\s+|in\s+|in\s+the\s+)?"
)
_PLACE = r"(?:exons?|codons?)(?:\s\d+(?:\s?(?:-|to|,|and)\s?\d+)*)?"
_OF = re.compile(
    r"(?:\s*\([^()]{1,30}\))?(?:\s+(?:status|analysis|testing|rates?|levels?))?"
    r"(?:\s+(?:(?:was|were|are|is)\s+)?(?:\w+ed|found|seen|present|occurring))?\s+(?:in|of|within|at|involving|affecting|on)\s+"
    rf"(?:(?:either|both|the|a|an|{_PLACE}|of|in|tyrosine|kinase|domains?|genes?|receptor|proteins?|following|encoding|or|and)\s+)*"
    r"(?:genes?\s*[:,(]?\s*)?"
)
_OPENED = re.compile(r"\s?[(\[](?:(?:e\.g\.|i\.e\.|including|such\sas|in|of),?\s)?")
_OF_A_GENE = frozenset({"expression", "overexpression", "underexpression", "activation", "phosphorylation", "wild-type"})
_MORE = re.compile(r"\b(?:high(?:er)?|increased|elevated|greater)\s(?:the\s)?$", re.IGNORECASE)
_LUNG = re.compile(r"\b(?:[Ll]ung|[Pp]ulmonary|m?NSCLCs?)\b")
_FREE = re.compile(r"mutation|substitution")
_WORD = re.compile(r"[A-Za-z]+")
_GLUED = re.compile(r"([A-Z](?<![A-Za-z0-9][A-Z])[A-Z0-9]{2,6}?)(?:(?:m|mut|MUT)\+?|(?P<wild>WT|wt))(?![A-Za-z0-9])")
_COMPOUND = re.compile(r"\b[a-z]{4,}[-‐‑–]$")  # "repair-deficient TRK fusion-positive" says nothing of TRK
_PATHWAY = re.compile(
    r"[\s-]+(?:signal\w+\s+)?pathway(?:[\s-]+(?:related|associated))?\s+(?:genes?|members?|components?|alterations?|mutations?)\b"
)
_NEXT = re.compile(r"[\s‐‑-]+(?:the\s+)?")
_EXPRESS, _MUTAT = re.compile(r"express|immunohisto", re.IGNORECASE), re.compile(r"mutat|exon|L858R|TKI", re.IGNORECASE)
_NEGATIVE = re.compile(r"(?:\s*\([^()]{1,12}\))?[\s-]negativ(?:e|ity)\b")
_POSITIVE = re.compile(r"(?:\s*\([^()]{1,12}\))?(?:[\s‐‑–-]+|\s?\()(?:positiv(?:e|ity)|\+)(?![A-Za-z])|\+(?=[\s,;)])")


def find_alterations(assigner: Assigner, variants: Sequence[Mention]) -> list[Mention]:
    """Find ALTERATION mentions, one a gene."""
    found: dict[tuple[int, int, Alteration], Mention] = {}
    named = chain(_headed(assigner, variants), _positive(assigner, variants), _glued(assigner), _exon(assigner, variants))
    for start, end, gene, kind in named:
        alteration = Alteration(gene, kind)
        found.setdefault((start, end, alteration), Mention(start, end, assigner.text[start:end], Label.ALTERATION, alteration))
    return list(found.values())


_Found = Iterator[tuple[int, int, str | None, str]]


def _headed(assigner: Assigner, variants: Sequence[Mention]) -> _Found:
    text, done = assigner.text, 0
    for word in _words(assigner):
        match = assigner.rules.heads.match(text, word.start()) if word.start() >= done and _begins(word[0].lower()) else None
        if match is None:
            continue
        done = match.end()
        kind = assigner.rules.kinds[int((match.lastgroup or "k0_0")[1:].split("_")[0])]
        if any(v.start < match.end() and match.start() < v.end for v in variants):
            continue
        genes = _inside(assigner, match) or list(_genes(assigner, match, kind))
        if any(v.end <= match.start() and not text[v.end : match.start()].strip(" -‐") for v in variants) and kind.name == "mutation":
            continue
        if genes:
            for anchor in genes:
                if _PATHWAY.match(text, anchor.end):
                    continue
                if anchor.fused and (kind.name in _OF_A_GENE or (kind.name == "mutation" and not kind.noun)):
                    continue
                for gene in _names(anchor, assigner, text[anchor.start : anchor.end]):
                    start = min(anchor.start, match.start())
                    yield start, max(anchor.end, match.end()), gene, _of_more(kind.name, text, start)
        elif kind.free:
            yield match.start(), match.end(), _free_gene(assigner, match, variants), kind.name


def _of_more(kind: str, text: str, start: int) -> str:
    """ "high EGFR copy number" is a gain, "EGFR copy number" tells none."""
    return "copy number gain" if kind == "copy number" and _MORE.search(text, max(0, start - 16), start) else kind


def _words(assigner: Assigner) -> Iterator[re.Match[str]]:
    """Words near a gene or a mutation: where a head can stand."""
    text, done = assigner.text, 0
    places = sorted([(a.start - 90, a.end + 90) for a in assigner.anchors] + [(m.start() - 60, m.end() + 40) for m in _FREE.finditer(text)])
    for start, end in places:
        start = max(start, done, 0)
        while 0 < start < len(text) and text[start - 1].isalpha():
            start -= 1
        while 0 < end < len(text) and text[end - 1].isalpha() and text[end].isalpha():
            end += 1
        yield from _WORD.finditer(text, max(start, done), end)
        done = max(done, end)


@lru_cache(maxsize=65536)
def _begins(word: str) -> bool:
    """Tell whether a head may begin with a word."""
    return load_rules().begins(word)


def _names(anchor: Anchor, assigner: Assigner, surface: str) -> tuple[str, ...]:
    """A family stays one ("NTRK mutations")."""
    if len(anchor.genes) == 1:
        return anchor.genes
    concept = assigner.lexicon.gene(surface)
    return (concept.name,) if concept else (surface,)


def _genes(assigner: Assigner, head: re.Match[str], kind: Kind) -> list[Anchor]:
    left = [a for a in _left(assigner, head.start()) if not (a.fused and kind.name in _OF_A_GENE)]
    if kind.noun:
        return left or _right(assigner, _OF.match(assigner.text, head.end())) or _in_brackets(assigner, head.end())
    if left or _COMPOUND.search(assigner.text, max(0, head.start() - 16), head.start()):
        return left
    return _right(assigner, _NEXT.match(assigner.text, head.end()))


def _inside(assigner: Assigner, head: re.Match[str]) -> list[Anchor]:
    """The gene that stands between the words of a kind: "activating EGFR mutations"."""
    i = assigner._index(head.start())
    held = assigner.anchors[i : i + 1]
    return [a for a in held if head.start() < a.start and a.end < head.end()]


def _left(assigner: Assigner, at: int) -> list[Anchor]:
    """Genes of the list that ends before ``at``: "EGFR, KRAS and BRAF mutations"."""
    anchors, text = assigner.anchors, assigner.text
    i = assigner._index(at) - 1
    while i >= 0 and anchors[i].end > at:
        i -= 1
    if i < 0:
        return []
    i, end = _whole(assigner, i)
    if at - end > 70 or not assigner.rules.left.fullmatch(text, end, at):
        return []
    found = [anchors[i]]
    while i > 0:
        i, end = _whole(assigner, i - 1)
        if end > found[-1].start or not _COMMA.fullmatch(text, end, found[-1].start):
            break
        found.append(anchors[i])
    return found[::-1]


def _whole(assigner: Assigner, i: int) -> tuple[int, int]:
    """The anchor that begins a gene's name, and the end of the name with what stands in brackets behind it."""
    anchors, text = assigner.anchors, assigner.text
    if i and _is_other_name(text, anchors[i - 1], anchors[i]):
        return i - 1, anchors[i].end + 1
    return i, anchors[i].end


def _is_other_name(text: str, first: Anchor, second: Anchor) -> bool:
    """Does a gene stand in brackets behind its other name: "epidermal growth factor receptor (EGFR)"?"""
    return first.genes == second.genes and text[first.end : second.start].strip() == "(" and text.startswith(")", second.end)


def _right(assigner: Assigner, link: re.Match[str] | None) -> list[Anchor]:
    """Genes of the list that begins behind a link: "mutations in the EGFR, KRAS and BRAF genes"."""
    if link is None:
        return []
    anchors, text = assigner.anchors, assigner.text
    i = assigner._index(link.end())
    if i >= len(anchors) or anchors[i].start != link.end():
        return []
    found = [anchors[i]]
    while i + 1 < len(anchors) and _COMMA.fullmatch(text, found[-1].end, anchors[i + 1].start):
        i += 1
        if assigner.rules.heads.match(text, anchors[i].end + 1):
            break
        found.append(anchors[i])
    return found


def _in_brackets(assigner: Assigner, at: int) -> list[Anchor]:
    """Genes of a list that fills a bracket: "other mutations (PIK3CA, BRAF and TP53)"."""
    found = _right(assigner, _OPENED.match(assigner.text, at))
    return found if found and assigner.text[found[-1].end : found[-1].end + 1] in (")", "]") else []


def _free_gene(assigner: Assigner, head: re.Match[str], variants: Sequence[Mention]) -> str | None:
    """Gene of the change that follows ("gatekeeper mutation F589L"), else the clause's."""
    for variant in variants:
        if 0 <= variant.start - head.end() < 4 and isinstance(variant.referent, Variant):
            return variant.referent.gene
    return assigner._near(Form(head.start(), head.end(), "", "other"))


def _positive(assigner: Assigner, variants: Sequence[Mention]) -> _Found:
    """ "PD-L1-positive", "HER2-positive": by gene another alteration."""
    rules = assigner.rules
    positive = rules.positive if _LUNG.search(assigner.text) else rules.positive_elsewhere
    stained = _EXPRESS.search(assigner.text) and not _MUTAT.search(assigner.text)
    for anchor in assigner.anchors:
        kind = positive.get(anchor.genes[0]) if len(anchor.genes) == 1 else None
        kind = "expression" if kind == "mutation" and stained else kind
        if kind == "expression" and _NEGATIVE.match(assigner.text, anchor.end):
            yield anchor.start, anchor.end, anchor.genes[0], kind
        match = _POSITIVE.match(assigner.text, anchor.end) if kind else None
        if kind and match and not any(v.start >= anchor.end and v.end <= match.end() for v in variants):
            yield anchor.start, match.end(), anchor.genes[0], kind


_GLUED_TO = frozenset({"KRAS", "NRAS", "HRAS", "TP53", "STK11", "KEAP1", "PIK3CA", "SMARCA4", "IDH1", "IDH2", "NF1", "PTEN"})


def _glued(assigner: Assigner) -> _Found:
    """ "EGFRm", "KRASmut", "KRASWT"."""
    for match in _GLUED.finditer(assigner.text):
        concept = assigner.lexicon.gene(match[1])
        if concept and concept.name in assigner.lexicon.kinases | _GLUED_TO:
            yield match.start(), match.end(), concept.name, "wild-type" if match["wild"] else "mutation"


def _exon(assigner: Assigner, variants: Sequence[Mention]) -> _Found:
    for start, end, number in exon_mutations(assigner.text) if "xon" in assigner.text else ():
        if any(v.start < end and start < v.end for v in variants):
            continue
        form = Form(start, end, f"exon {number} mutation", "exon")
        gene = assigner.assign([form])[0]
        if gene:
            yield start, end, gene, form.change
