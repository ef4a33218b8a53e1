"""What the pipeline's components keep on a spaCy Doc: the record, its sentences and its mentions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from operator import attrgetter

from spacy.tokens import Doc

from miner.characters import as_read
from miner.schema import Mention, Record, Sentence

_ORDER = attrgetter("start", "end", "text", "label")  # that of Mention, without a call for each comparison

for _name, _default in (("record", None), ("sections", ()), ("miner_text", None), ("miner_sentences", ()), ("mentions", ())):
    if not Doc.has_extension(_name):
        Doc.set_extension(_name, default=_default)


def offer(name: str, getter: Callable[[Doc], object]) -> None:
    """Let every doc show something more under ``doc._``, worked out when it is asked."""
    Doc.set_extension(name, getter=getter, force=True)


def set_record(doc: Doc, record: Record) -> Doc:
    """Attach the record whose text the doc holds."""
    doc._.record = record
    doc._.sections = record.spans
    doc._.miner_text = as_read(record.text)
    return doc


def text_of(doc: Doc) -> str:
    """Text of a doc as the rules read it, offset for offset; kept, since spaCy joins it from its tokens each time it is asked."""
    text: str | None = doc._.miner_text
    if text is None:
        text = doc._.miner_text = as_read(doc.text)
    return text


def sections(doc: Doc) -> tuple[tuple[str | None, int, int], ...]:
    """(label, start, end) of the parts of the text; one unlabelled part where no record was attached."""
    return doc._.sections or ((None, 0, len(text_of(doc))),)


def sentences(doc: Doc) -> tuple[Sentence, ...]:
    """Sentences that ``miner_sentences`` found."""
    found: tuple[Sentence, ...] = doc._.miner_sentences
    return found


def mentions(doc: Doc) -> tuple[Mention, ...]:
    """Mentions found so far, ordered by offset."""
    found: tuple[Mention, ...] = doc._.mentions
    return found


def add_mentions(doc: Doc, found: Iterable[Mention]) -> Doc:
    """Add mentions, keeping offset order."""
    doc._.mentions = tuple(sorted((*doc._.mentions, *found), key=_ORDER))
    return doc


def as_printed(doc: Doc, found: Iterable[Mention]) -> tuple[Mention, ...]:
    """Give mentions the characters that stand in the text."""
    read, printed = text_of(doc), doc._.record.text if doc._.record else doc.text
    if read == printed:
        return tuple(found)
    return tuple(replace(m, text=printed[m.start : m.end]) for m in found)
