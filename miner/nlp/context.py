"""Set the polarity of mentions: asserted, negated, hedged or hypothetical, by clause and scope."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace

from spacy.language import Language
from spacy.tokens import Doc

from miner.cues import find_cues, polarity_at
from miner.nlp import doc as docs
from miner.schema import Label, Mention, Polarity, Sentence

_PLAIN = frozenset({Label.GENE, Label.ASSAY, Label.COHORT, Label.MEASURE})
_GIVEN = frozenset({Label.DRUG, Label.DRUG_CLASS})
# A treatment that names a group was given, whatever is denied of the group.
_GROUP = re.compile(r"(?:[ -]treated)?[ -](?:groups?|arms?|cohorts?|recipients?)\b")


def assign_polarity(text: str, sentences: Sequence[Sentence], mentions: Sequence[Mention]) -> list[Mention]:
    """Give every mention the polarity that its sentence gives it; genes, assays, cohorts and measures stay asserted.

    What counts is whether the text says that the thing is there: in "ETV6-NTRK3 may confer resistance" the fusion is asserted.
    """
    starts = [s.start for s in sentences]
    return [m if m.label in _PLAIN else _held(m, _polarity(text, sentences, starts, m)) for m in mentions]


def _held(mention: Mention, polarity: Polarity) -> Mention:
    return mention if mention.polarity is polarity else replace(mention, polarity=polarity)


def scope(text: str, sentence: Sentence, start: int, end: int) -> Polarity:
    """Polarity of any span of a sentence, as what is said there: "did not respond" is negated, "may respond" hedged."""
    return polarity_at(find_cues(text[sentence.start : sentence.end]), start - sentence.start, end - sentence.start)


def _polarity(text: str, sentences: Sequence[Sentence], starts: Sequence[int], mention: Mention) -> Polarity:
    i = bisect_right(starts, mention.start) - 1
    if i < 0:
        return Polarity.ASSERTED
    sentence = sentences[i]
    if mention.label in _GIVEN and _GROUP.match(text, mention.end):
        return Polarity.ASSERTED
    cues = find_cues(text[sentence.start : sentence.end])
    if not cues:
        return Polarity.ASSERTED
    return polarity_at(cues, mention.start - sentence.start, mention.end - sentence.start, exists_only=True)


class ContextReader:
    """Pipeline component that sets the polarity of the mentions found so far."""

    def __call__(self, doc: Doc) -> Doc:
        """Read one doc."""
        doc._.mentions = docs.as_printed(doc, assign_polarity(docs.text_of(doc), docs.sentences(doc), docs.mentions(doc)))
        return doc


@Language.factory("miner_context")
def create_miner_context(nlp: Language, name: str) -> ContextReader:
    """Make the component that sets polarity."""
    return ContextReader()
