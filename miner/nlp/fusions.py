"""Find gene fusions: joined pairs, worded ones, and the generic ("NTRK fusion", "ALK-rearranged")."""

from __future__ import annotations

import re
import string
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc

from miner.lexicon import Lexicon, load_lexicon
from miner.nlp.doc import add_mentions, mentions, sentences, text_of
from miner.nlp.fusion_generic import find_generic
from miner.nlp.fusion_pairs import Judge, PairFinder
from miner.nlp.fusion_rules import Rules, load_rules
from miner.nlp.fusion_units import DASHES, Cutter
from miner.nlp.fusion_words import Topic, find_worded
from miner.schema import Alteration, Concept, Fusion, Label, Mention, Sentence

_WORD = re.compile(
    r"[Ff](?:usion|used\b|uses\b|using)|[Rr]earrang|[Tt]ransloc|::|[Cc]himer|[Pp]artner|[Ii]nversion|[Jj]oin|[Jj]uxtapos|FUSION|REARRANG"
    r"|(?:down|up)stream of|linked to|control of"
)
_STATUS = re.compile(r"[Pp]ositiv|[Nn]egativ|\+")
_RIGHT = re.compile(rf"[{DASHES}/]([A-Z][A-Za-z0-9]{{2,}}(?:α|alpha)?)")
_LEFT = "." + string.ascii_letters + string.digits
_JOINTS = frozenset(DASHES + "/:_")


class FusionFinder:
    """Finds fusions with one lexicon and one set of rules."""

    def __init__(self, lexicon: Lexicon, rules: Rules | None = None) -> None:
        self.rules = rules or load_rules()
        self.cutter = Cutter(lexicon, self.rules)
        self.judge = Judge(self.rules)
        self.often = self.rules.fused | self.rules.fusable | self.rules.by_status

    def find(self, text: str, spans: Sequence[Sentence], found: Iterable[Mention]) -> list[Mention]:
        """Fusions of a text, ordered by offset; ``found`` are the mentions of the genes."""
        genes = sorted(m for m in found if m.label is Label.GENE)
        starts = [g.start for g in genes]
        bounds = [(s.start, s.end) for s in spans] or [(0, len(text))]
        topic, hits = Topic(), []
        for start, end in bounds:
            inside = genes[bisect_left(starts, start) : bisect_left(starts, end)]
            if self._worth(text, start, end, inside, topic):
                hits += self._sentence(text, start, end, inside, topic)
        return sorted(_unique(self._specific(hits)))

    def _specific(self, hits: list[Mention]) -> list[Mention]:
        """A fusion of a family is that of the member which the text names elsewhere: ETV6-NTRK beside ETV6-NTRK3."""
        pairs = {(h.referent.five_prime, h.referent.three_prime) for h in hits if isinstance(h.referent, Fusion)}
        if not any(three in self.rules.families for _, three in pairs):
            return hits
        named: list[Mention] = []
        for hit in hits:
            fusion = hit.referent
            if isinstance(fusion, Fusion) and fusion.three_prime in self.rules.families:
                members = self.cutter.lexicon.members(fusion.three_prime)
                kinds = [member for member in members if (fusion.five_prime, member) in pairs]
                hit = replace(hit, referent=replace(fusion, three_prime=kinds[0])) if len(kinds) == 1 else hit
            named.append(hit)
        return named

    def _worth(self, text: str, start: int, end: int, genes: list[Mention], topic: Topic) -> bool:
        """Whether a sentence can hold a fusion: a fusion word and a gene, a kinase and a status, or two names joined."""
        if (genes or topic.kinases) and _WORD.search(text, start, end):
            return True
        names = {m.referent.name for m in genes if isinstance(m.referent, Concept)}
        if names & self.rules.by_status and _STATUS.search(text, start, end):
            return True
        if any(self._joined(text, m) for m in genes):
            return True
        return any(self.cutter.may_be_pair(left, right) for left, right in _pairs(text, start, end))

    def _joined(self, text: str, gene: Mention) -> bool:
        """Whether a gene that is known to fuse has a sign beside it and a capital beyond; "EGFR-TKI" is left out."""
        if not isinstance(gene.referent, Concept) or gene.referent.name not in self.often:
            return False
        before, after = text[gene.start - 1 : gene.start], text[gene.end : gene.end + 1]
        if before in _JOINTS and before:
            return True
        if after in _JOINTS and after:
            beyond = text[gene.end + 1 : gene.end + 4].lstrip(" (" + DASHES)
            return beyond[:1].isupper() and beyond != "TKI"
        return text[gene.end + 1 : gene.end + 2].isupper() and after in " ("

    def _sentence(self, text: str, start: int, end: int, genes: list[Mention], topic: Topic) -> list[Mention]:
        sentence = self.cutter.cut(text, start, end, genes)
        pairs = PairFinder(sentence, self.judge)
        hits = _named(text, start, end, self.rules) + pairs.run()
        worded, used = find_worded(sentence, self.judge, pairs.used, topic)
        hits += worded
        generic = find_generic(sentence, self.rules, pairs.used | used)
        topic.note(hits, generic)
        return hits + generic


def _pairs(text: str, start: int, end: int) -> Iterator[tuple[str, str]]:
    """Two words of three signs or more with a dash or slash between, none part of two pairs."""
    for right in _RIGHT.finditer(text, start, end):
        before = text[start : right.start()]
        left = before[len(before.rstrip(_LEFT)) :]
        if len(left) > 2:
            yield left, right[1]
            start = right.end()


def _named(text: str, start: int, end: int, rules: Rules) -> list[Mention]:
    """Fusions by a name of their own (RET/PTC1), and classes of them (RET/PTC)."""
    hits = []
    for name, (five, three) in rules.names.items():
        hits += [Mention(a, b, name, Label.FUSION, Fusion(five, three)) for a, b in _places(text, start, end, name)]
    for name, gene in rules.generic_names.items():
        hits += [Mention(a, b, name, Label.ALTERATION, Alteration(gene, "fusion")) for a, b in _places(text, start, end, name)]
    return hits


def _places(text: str, start: int, end: int, name: str) -> Iterator[tuple[int, int]]:
    at = text.find(name, start, end)
    while at >= 0:
        stop = at + len(name)
        if not (text[at - 1 : at].isalnum() or text[stop : stop + 1].isalnum()):
            yield at, stop
        at = text.find(name, stop, end)


def _unique(hits: Iterable[Mention]) -> list[Mention]:
    kept: dict[tuple[int, int, str, str], Mention] = {}
    for hit in hits:
        kept.setdefault((hit.start, hit.end, hit.label, str(hit.referent)), hit)
    return list(kept.values())


def find_fusions(text: str, sentences: Sequence[Sentence], mentions: Iterable[Mention], lexicon: Lexicon) -> list[Mention]:
    """Find FUSION mentions, and ALTERATION mentions of kind ``fusion`` where no partner is named.

    Parameters
    ----------
    sentences
        Sentences of the text; the whole text is one where none are given.
    mentions
        What was found before; those of label GENE are used.
    """
    return FusionFinder(lexicon).find(text, sentences, mentions)


class FusionComponent:
    """Adds fusion mentions to a doc that ``miner_terms`` has read."""

    def __init__(self, name: str, lexicon: Lexicon) -> None:
        self.name = name
        self.finder = FusionFinder(lexicon)

    def __call__(self, doc: Doc) -> Doc:
        return add_mentions(doc, self.finder.find(text_of(doc), sentences(doc), mentions(doc)))


@Language.factory("miner_fusions", default_config={"lexicon_dirs": []})
def create_miner_fusions(nlp: Language, name: str, lexicon_dirs: list[str]) -> FusionComponent:
    """Make the component; it runs after ``miner_terms``."""
    return FusionComponent(name, load_lexicon(tuple(Path(folder) for folder in lexicon_dirs)))
