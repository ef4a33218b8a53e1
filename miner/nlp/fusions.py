"""Find gene fusions: joined pairs, worded ones, and the generic ("NTRK fusion", "ALK-rearranged")."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc

from miner.lexicon import Lexicon, load_lexicon
from miner.nlp.doc import add_mentions, mentions, sentences
from miner.nlp.fusion_generic import find_generic
from miner.nlp.fusion_pairs import Judge, PairFinder
from miner.nlp.fusion_rules import Rules, load_rules
from miner.nlp.fusion_units import DASHES, Cutter
from miner.nlp.fusion_words import Topic, find_worded
from miner.schema import Fusion, Label, Mention, Sentence

_CUE = re.compile(
    r"[Ff]us(?:ion|ed|es|ing)|[Rr]earrang|[Tt]ransloc|::|[Cc]himer|[Pp]artner|[Pp]ositiv|[Nn]egativ|\+|[Ii]nversion|[Jj]oin|[Jj]uxtapos|FUSION|REARRANG"
)
_SHAPE = re.compile(rf"[A-Z][A-Za-z0-9]{{2,}}[{DASHES}/][A-Z][A-Za-z0-9]{{2,}}")
_JOINED = re.compile(rf"[A-Za-z0-9)][{DASHES}/:_]{{1,2}}\(?[A-Z]")


class FusionFinder:
    """Finds fusions with one lexicon and one set of rules."""

    def __init__(self, lexicon: Lexicon, rules: Rules | None = None) -> None:
        self.rules = rules or load_rules()
        self.cutter = Cutter(lexicon, self.rules)
        self.judge = Judge(self.rules)

    def find(self, text: str, spans: Sequence[Sentence], found: Iterable[Mention]) -> list[Mention]:
        """Fusions of a text, ordered by offset; ``found`` are the mentions of the genes."""
        genes = sorted(m for m in found if m.label is Label.GENE)
        starts = [g.start for g in genes]
        bounds = [(s.start, s.end) for s in spans] or [(0, len(text))]
        topic, hits = Topic(), []
        for start, end in bounds:
            inside = genes[bisect_left(starts, start) : bisect_left(starts, end)]
            if inside or topic.kinases or "::" in text[start:end] or _SHAPE.search(text, start, end):
                hits += self._sentence(text, start, end, inside, topic)
        return sorted(_unique(hits))

    def _sentence(self, text: str, start: int, end: int, genes: list[Mention], topic: Topic) -> list[Mention]:
        if not (_CUE.search(text, start, end) or _JOINED.search(text, start, end)):
            return []
        sentence = self.cutter.cut(text, start, end, genes)
        pairs = PairFinder(sentence, self.judge)
        hits = _named(text, start, end, self.rules) + pairs.run()
        worded, used = find_worded(sentence, self.judge, pairs.used, topic)
        hits += worded
        generic = find_generic(sentence, self.rules, pairs.used | used)
        topic.note(hits, generic)
        return hits + generic


def _named(text: str, start: int, end: int, rules: Rules) -> list[Mention]:
    hits = []
    for name, (five, three) in rules.names.items():
        at = text.find(name, start, end)
        while at >= 0:
            stop = at + len(name)
            if not (text[at - 1 : at].isalnum() or text[stop : stop + 1].isalnum()):
                hits.append(Mention(at, stop, name, Label.FUSION, Fusion(five, three)))
            at = text.find(name, stop, end)
    return hits


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
        return add_mentions(doc, self.finder.find(doc.text, sentences(doc), mentions(doc)))


@Language.factory("miner_fusions", default_config={"lexicon_dirs": []})
def create_miner_fusions(nlp: Language, name: str, lexicon_dirs: list[str]) -> FusionComponent:
    """Make the component; it runs after ``miner_terms``."""
    return FusionComponent(name, load_lexicon(tuple(Path(folder) for folder in lexicon_dirs)))
