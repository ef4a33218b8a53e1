"""Trained pipelines beside the rules: a parser's heads for the tokens of a reading, and names that the lexicons lack."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from typing import Any

import spacy
from spacy.attrs import IDX, LENGTH, SPACY
from spacy.language import Language
from spacy.tokens import Doc
from thinc.api import NumpyOps

from miner.errors import ConfigError
from miner.nlp import doc as docs
from miner.nlp import namer
from miner.nlp.namer import Found
from miner.schema import Concept, Label, Mention, Sentence, Token

PARSING, NAMING = frozenset({"tagger", "parser"}), frozenset({"ner", "entity_ruler"})
# Labels of this project's model and of scispaCy's, as ours; what is not here is dropped.
LABELS = {
    "GENE": Label.GENE,
    "GENE_OR_GENE_PRODUCT": Label.GENE,
    "CHEMICAL": Label.DRUG,
    "SIMPLE_CHEMICAL": Label.DRUG,
    "DISEASE": Label.DISEASE,
    "CANCER": Label.DISEASE,
}
PARSED = (Label.FUSION, Label.VARIANT, Label.ALTERATION, Label.GENE)
GIVEN = (Label.DRUG, Label.DRUG_CLASS)

if not Doc.has_extension("miner_tokens"):
    Doc.set_extension("miner_tokens", default=())


@Language.factory("miner_parse", default_config={"model": ""})
def create_miner_parse(nlp: Language, name: str, model: str) -> Callable[[Doc], Doc]:
    """Component that keeps the tokens of a doc with the heads that a trained parser gives them."""
    parser = load(model)

    def component(doc: Doc) -> Doc:
        doc._.miner_tokens = parse(parser, doc)
        return doc

    return component


@Language.factory("miner_names", default_config={"model": ""})
def create_miner_names(nlp: Language, name: str, model: str) -> Callable[[Doc], Doc]:
    """Component that adds the names a trained model finds where the rules found none."""
    nlp_ = load(model)
    read = namer.reader(nlp_, NAMING) or (lambda sentences: plain_names(nlp_, sentences))
    return lambda doc: names(read, doc)


@lru_cache(maxsize=4)
def load(name: str) -> Language:
    """Load a trained pipeline by folder or package name.

    Raises
    ------
    ConfigError
        There is none of this name, or it was made for another spaCy.
    """
    try:
        nlp = spacy.load(Path(name) if Path(name).exists() else name)
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(f"no trained pipeline {name!r}: {reason}; train it with scripts/train core, or set it off") from error
    ops = NumpyOps(use_blis=False)
    for _, component in nlp.pipeline:
        for node in component.model.walk() if hasattr(component, "model") else ():
            node.ops = ops
    return nlp


def parse(nlp: Language, doc: Doc) -> tuple[Token, ...]:
    """Tokens of a doc; those of the sentences that name a gene and a therapy carry tag, head and dep."""
    found = _plain(doc)
    starts = [token.start for token in found]
    spans = [_tokens(starts, sentence) for sentence in docs.sentences(doc) if _worth_parsing(docs.mentions(doc), sentence)]
    for (first, _), read in zip(spans, _parsed(nlp, doc, found, spans), strict=True):
        for token in read:
            at = found[first + token.i]
            found[first + token.i] = Token(at.start, at.end, token.tag_, first + token.head.i, token.dep_)
    return tuple(found)


def names(read: Callable[[Sequence[Sequence[str]]], Sequence[Found]], doc: Doc) -> Doc:
    """Add the names that a model reads where no mention of the rules stands."""
    at, sizes = (row.tolist() for row in doc.to_array([IDX, LENGTH]).T)
    spans = [_tokens(at, sentence) for sentence in docs.sentences(doc)]
    text = docs.text_of(doc)
    words = [text[start : start + size] for start, size in zip(at, sizes, strict=True)]
    places = [place for first, last in spans for place in range(first, last)]
    held = [(m.start, m.end) for m in docs.mentions(doc)]
    added: list[Mention] = []
    said_names = [Found(places[x.start], places[x.end - 1] + 1, x.label) for x in read([words[first:last] for first, last in spans])]
    for found in namer.spread(said_names, words, defined(doc)):
        label, start, end = LABELS.get(found.label.upper()), at[found.start], at[found.end - 1] + sizes[found.end - 1]
        if label is None or any(a < end and start < b for a, b in held):
            continue
        said = text[start:end]
        added.append(Mention(start, end, said, label, Concept(f"text:{said.lower()}", said)))
    return docs.add_mentions(doc, added)


def defined(doc: Doc) -> list[tuple[range, range]]:
    """Tokens of each short form that the text defines, and of its long form."""
    pairs = doc._.abbreviations if Doc.has_extension("abbreviations") else ()
    return [(range(p["short_start"], p["short_end"]), range(p["long_start"], p["long_end"])) for p in pairs]


def plain_names(nlp: Language, sentences: Sequence[Sequence[str]]) -> list[Found]:
    """Read names by the components as spaCy runs them."""
    kept = [words for words in sentences if words]
    starts = [0, *accumulate(len(words) for words in kept)]
    made = [Doc(nlp.vocab, words=list(words)) for words in kept]
    for _, component in _components(nlp, NAMING):
        made = list(component.pipe(made, batch_size=32)) if hasattr(component, "pipe") else [component(doc) for doc in made]
    return [Found(at + e.start, at + e.end, e.label_) for at, doc in zip(starts, made, strict=False) for e in doc.ents]


def _plain(doc: Doc) -> list[Token]:
    return [Token(start, start + length) for start, length in doc.to_array([IDX, LENGTH]).tolist()]


def _parsed(nlp: Language, doc: Doc, tokens: Sequence[Token], spans: Sequence[tuple[int, int]]) -> list[Doc]:
    """Sentences as docs of their own, after the parser and what it listens to."""
    if not spans:
        return []
    text, spaces = docs.text_of(doc), [bool(flag) for flag in doc.to_array([SPACY])]
    words = [[text[token.start : token.end] for token in tokens[a:b]] for a, b in spans]
    made = [
        Doc(nlp.vocab, words=said, spaces=spaces[a:b], sent_starts=[at == a for at in range(a, b)])
        for said, (a, b) in zip(words, spans, strict=True)
    ]
    for _, component in _components(nlp, PARSING):
        made = list(component.pipe(made, batch_size=32))
    return made


def _components(nlp: Language, wanted: frozenset[str]) -> Sequence[tuple[str, Any]]:
    """The components of some factories, each set of token vectors that they listen to before them."""
    chosen = [name for name in nlp.pipe_names if nlp.get_pipe_meta(name).factory in wanted]
    shared: dict[str, Any] = {name: pipe for name, pipe in nlp.pipeline if hasattr(pipe, "listening_components")}
    heard = {name for name, pipe in shared.items() if set(pipe.listening_components) & set(chosen)}
    return [(name, component) for name, component in nlp.pipeline if name in heard or name in chosen]


def _worth_parsing(mentions: Sequence[Mention], sentence: Sentence) -> bool:
    held = {m.label for m in mentions if sentence.start <= m.start < sentence.end}
    return bool(held & {*PARSED}) and bool(held & {*GIVEN})


def _tokens(starts: Sequence[int], sentence: Sentence) -> tuple[int, int]:
    return bisect_left(starts, sentence.start), bisect_left(starts, sentence.end)
