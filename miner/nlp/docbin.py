"""Records with their mentions as a spaCy DocBin, for training and for ``spacy`` commands."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import BinaryIO

import spacy
from spacy.tokens import Doc, DocBin, Span, SpanGroup
from spacy.vocab import Vocab

from miner.nlp.tokens import make_tokenizer
from miner.plugins import Exporter, Selection
from miner.schema import Mention, Record

SPANS_KEY = "mentions"


def write_docbin(chosen: Selection, out: BinaryIO) -> None:
    """Write one Doc for each record: ``doc.spans["mentions"]``, labels ours, ``kb_id_`` the identifier, ``id_`` the name."""
    nlp = spacy.blank("en")
    tokenizer = make_tokenizer(nlp)
    held = DocBin(store_user_data=True)
    for record in chosen.records():
        held.add(make_doc(nlp.vocab, tokenizer(record.text), record, chosen.mentions(record)))
    out.write(held.to_bytes())


def make_doc(vocab: Vocab, tokens: Doc, record: Record, mentions: Iterable[Mention]) -> Doc:
    """Build a Doc whose tokens are cut wherever a mention begins or ends, so that every span has the mention's offsets."""
    mentions = tuple(mentions)
    cuts = {place for mention in mentions for place in (mention.start, mention.end)}
    pieces = list(_pieces(tokens, cuts))
    doc = Doc(vocab, words=[word for word, _ in pieces], spaces=[space for _, space in pieces])
    doc.user_data = {"id": record.id, "pmid": record.pmid, "polarity": [str(mention.polarity) for mention in mentions]}
    found = [_span(doc, mention) for mention in mentions]
    doc.spans[SPANS_KEY] = SpanGroup(doc, name=SPANS_KEY, spans=found)
    return doc


def _pieces(tokens: Doc, cuts: set[int]) -> Iterator[tuple[str, bool]]:
    for token in tokens:
        inside = sorted(place - token.idx for place in cuts if token.idx < place < token.idx + len(token))
        bounds = [0, *inside, len(token)]
        for start, end in itertools.pairwise(bounds):
            yield token.text[start:end], bool(token.whitespace_) and end == len(token)


def _span(doc: Doc, mention: Mention) -> Span:
    found = doc.char_span(
        mention.start, mention.end, label=str(mention.label), kb_id=mention.curie or "", span_id=mention.name or "", alignment_mode="expand"
    )
    assert found is not None  # None only outside the text
    return found


DOCBIN = Exporter(write_docbin, "records and mentions as a spaCy DocBin", binary=True)
