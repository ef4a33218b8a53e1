"""The reading pipeline: a blank English spaCy pipeline of the project's components and scispaCy's abbreviation detector."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import spacy
from spacy.language import Language
from spacy.tokens import Doc

from miner.characters import as_read
from miner.nlp import abbreviations, context, doc, fusions, measures, models, terms, tokens, variants  # noqa: F401  (register the factories)
from miner.schema import Reading, Record, Section

COMPONENTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("miner_sentences", {}),
    ("miner_abbreviations", {}),
    ("miner_terms", {}),
    ("miner_fusions", {}),
    ("miner_variants", {}),
    ("miner_measures", {}),
    ("miner_context", {}),
)
LEXICON_COMPONENTS = frozenset({"miner_terms", "miner_fusions", "miner_variants"})


@lru_cache(maxsize=4)
def load(lexicon_dirs: tuple[Path, ...] = (), *, parse: str | None = None, entities: str | None = None) -> Language:
    """Build the pipeline.

    Parameters
    ----------
    lexicon_dirs
        User folders whose rows override the package's lexicons.
    parse, entities
        Folder or name of a trained pipeline whose parser, whose entities, take part; None for none.

    Returns
    -------
    spacy.language.Language
        A blank English pipeline; ``nlp(text)._.mentions`` holds what it finds.
    """
    nlp = spacy.blank("en")
    nlp.tokenizer = tokens.make_tokenizer(nlp)
    folders = [str(folder) for folder in lexicon_dirs]
    for factory, config in COMPONENTS:
        extra = {"lexicon_dirs": folders} if factory in LEXICON_COMPONENTS and folders else {}
        nlp.add_pipe(factory, config={**config, **extra})
    if entities:
        nlp.add_pipe("miner_names", config={"model": entities}, before="miner_measures")
    if parse:
        nlp.add_pipe("miner_parse", config={"model": parse})
    return nlp


def read_record(nlp: Language, record: Record) -> Reading:
    """Read one record."""
    spacy_doc = doc.set_record(nlp.make_doc(as_read(record.text)), record)
    for _, component in nlp.pipeline:
        spacy_doc = component(spacy_doc)
    return reading_of(spacy_doc)


def reading_of(spacy_doc: Doc) -> Reading:
    """Return what a doc that went through the pipeline says; a text that came without a record is one without a title."""
    record = spacy_doc._.record or plain_record(spacy_doc.text)
    return Reading(record, doc.sentences(spacy_doc), doc.mentions(spacy_doc), spacy_doc._.miner_tokens)


def plain_record(text: str) -> Record:
    """Return a text as a record that has no title and no PMID."""
    return Record(id="text", pmid=None, title="", sections=(Section(None, text),))


def read(nlp: Language, records: Iterable[Record]) -> Iterator[Reading]:
    """Read records one by one, in order."""
    return (read_record(nlp, record) for record in records)
