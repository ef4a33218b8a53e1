"""How well a pipeline reads what is held back: tags and trees, names in a sentence, names in a text with its short forms."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any

from spacy.language import Language
from spacy.scorer import Scorer
from spacy.tokens import Doc
from spacy.training import Example

from miner.nlp import models, namer
from miner.nlp.abbreviations import create_miner_abbreviations
from miner.nlp.namer import Found

# The files do not tell where a text ends: a definition is taken to hold for so many sentences.
TEXT = 12


def example(gold: Doc) -> Example:
    """A training example: the words of a gold doc, unread, beside it."""
    return Example(Doc(gold.vocab, words=[t.text for t in gold], spaces=[bool(t.whitespace_) for t in gold]), gold)


def read_again(nlp: Language, golds: list[Doc]) -> list[Example]:
    """The pipeline's reading of gold docs, beside them."""
    plain = [example(gold) for gold in golds]
    for one, doc in zip(plain, nlp.pipe([e.predicted for e in plain]), strict=True):
        one.predicted = doc
    return plain


def _label(token: Any, attr: str) -> str:
    return str(token.dep_).lower()


def parse_scores(nlp: Language, golds: list[Doc]) -> dict[str, float]:
    """Tag accuracy, attachment scores (punctuation left out as in spaCy, and with it) and sentence F1."""
    read = read_again(nlp, golds)
    scores: dict[str, float] = {"tag_acc": Scorer.score_token_attr(read, "tag")["tag_acc"]}
    attach = Scorer.score_deps(read, "dep", getter=_label, ignore_labels=("p", "punct"))
    every = Scorer.score_deps(read, "dep", getter=_label, ignore_labels=())
    scores |= {"uas": attach["dep_uas"], "las": attach["dep_las"], "uas_with_punct": every["dep_uas"], "las_with_punct": every["dep_las"]}
    scores["sents_f"] = Scorer.score_spans(read, "sents", getter=lambda doc, _: doc.sents)["sents_f"]
    return {name: round(float(value), 4) for name, value in scores.items()}


def entity_scores(nlp: Language, golds: list[Doc], labels: frozenset[str]) -> dict[str, float]:
    """Precision, recall and F1 of exact entity spans, over some labels and by label."""
    return _counted([(_spans(one.predicted), _spans(one.reference)) for one in read_again(nlp, golds)], labels)


def text_scores(nlp: Language, golds: list[Doc], labels: frozenset[str]) -> dict[str, float]:
    """The same figures as the miner reads: a short form is what its long form, defined in the same text, was read as."""
    read = namer.reader(nlp, models.NAMING)
    assert read is not None
    words = [[token.text for token in doc] for doc in golds]
    carried = carry(nlp, read, words)
    return _counted([({(*one,) for one in found}, _spans(gold)) for found, gold in zip(carried, golds, strict=True)], labels)


def carry(nlp: Language, read: Callable[[Sequence[Sequence[str]]], list[Found]], sentences: Sequence[list[str]]) -> list[list[Found]]:
    """Names of each sentence, short forms carried on from where they are defined."""
    define = create_miner_abbreviations(nlp, "abbreviations")
    found = [read([words]) for words in sentences]
    for first, words in enumerate(sentences):
        defined = models.defined(define(Doc(nlp.vocab, words=words)))
        if not defined:
            continue
        text = sentences[first : first + TEXT]
        starts = [0, *accumulate(len(held) for held in text)]
        whole = [Found(one.start + at, one.end + at, one.label) for at, held in zip(starts, found[first:], strict=False) for one in held]
        found[first : first + TEXT] = [[] for _ in text]
        for one in namer.spread(whole, [word for held in text for word in held], defined):
            place = bisect_right(starts, one.start) - 1
            found[first + place].append(Found(one.start - starts[place], one.end - starts[place], one.label))
    return found


def _spans(doc: Doc) -> set[tuple[int, int, str]]:
    return {(e.start, e.end, e.label_) for e in doc.ents}


def _counted(read: list[tuple[set[Any], set[Any]]], labels: frozenset[str]) -> dict[str, float]:
    tallies = {label: [0, 0, 0] for label in sorted(labels)}
    for said, held in read:
        for label, tally in tallies.items():
            p, g = {e for e in said if e[2] == label}, {e for e in held if e[2] == label}
            tally[0], tally[1], tally[2] = tally[0] + len(p & g), tally[1] + len(p), tally[2] + len(g)
    tallies["all"] = [sum(column) for column in zip(*tallies.values(), strict=True)]
    return {f"{label}_{k}": v for label, (hit, p, g) in tallies.items() for k, v in _prf(hit, p, g).items()}


def _prf(hit: int, predicted: int, gold: int) -> dict[str, float]:
    p, r = hit / predicted if predicted else 0.0, hit / gold if gold else 0.0
    return {"p": round(p, 4), "r": round(r, 4), "f": round(2 * p * r / (p + r), 4) if p + r else 0.0}
