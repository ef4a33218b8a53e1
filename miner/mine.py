"""Record → Reading → Claims: the one function that extract, refresh and evaluate call."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

from miner import claims, plugins, rule_files
from miner.characters import reading_as_read
from miner.claims import votes
from miner.claims.votes import ClaimModel
from miner.config import Models, Topic, load_topic
from miner.lexicon import Lexicon, load_lexicon
from miner.schema import (
    Alteration,
    Claim,
    Concept,
    Fusion,
    Label,
    Mention,
    Mined,
    Polarity,
    Reading,
    Record,
    StudyType,
    Variant,
)

OnReject = Callable[[Record, Exception], None]
_PRESENCE = {Polarity.ASSERTED: 0, Polarity.HEDGED: 1, Polarity.NEGATED: 2, Polarity.HYPOTHETICAL: 3}


@dataclass(frozen=True)
class Miner:
    """A loaded pipeline, lexicon and topic; call it with a record."""

    lexicon: Lexicon
    topic: Topic
    nlp: Any
    claim_model: ClaimModel | None = None

    def __call__(self, record: Record) -> Mined:
        """Mine one record."""
        return self.assertions(self.read(record))

    @property
    def repeatable(self) -> bool:
        """Whether what is found depends on the record alone: of a claim type of another package nobody knows."""
        return not plugins.claim_kinds()

    def read(self, record: Record) -> Reading:
        """Read one record: sentences and mentions, no claims yet."""
        from miner.nlp.pipeline import read_record

        return read_record(self.nlp, record)

    def assertions(self, reading: Reading) -> Mined:
        """Find what a reading asserts, its study type and level."""
        plain = reading_as_read(reading)
        study_type, level = claims.study.classify(plain)
        return Mined(reading, study_type, level, claims.extract(plain, self.lexicon, study_type, self.claim_model))


def load(
    topic: str | Topic = "ntrk-nsclc",
    *,
    lexicon_dirs: tuple[Path, ...] = (),
    rule_dirs: tuple[Path, ...] | None = None,
    models: Models | None = None,
) -> Miner:
    """Load pipeline, lexicon and topic once; call the result with records.

    ``rule_dirs`` (folders whose rule files take the place of the package's) are named before the first reading of a process;
    None leaves them as they are.

    Its ``nlp`` is a spaCy pipeline; what it finds in a text stands under ``doc._``: ``mentions`` and ``claims``.

    Examples
    --------
    >>> import miner
    >>> nlp = miner.load().nlp
    >>> doc = nlp("Larotrectinib was given for an ETV6-NTRK3 fusion.")
    >>> [(mention.name, mention.start, mention.end) for mention in doc._.mentions if mention.label in ("DRUG", "FUSION")]
    [('larotrectinib', 0, 13), ('ETV6::NTRK3', 31, 41)]
    >>> [(str(claim.type), claim.fusion) for claim in nlp("ETV6-NTRK3 drives secretory carcinoma.")._.claims]
    [('driver_role', 'ETV6::NTRK3')]
    """
    if rule_dirs is not None:
        rule_files.use(rule_dirs)
    if rule_files.own():
        from miner.rules_lint import check_own

        check_own()
    from miner.nlp import doc, pipeline

    chosen = load_topic(topic) if isinstance(topic, str) else topic
    wanted = models or Models()
    nlp = pipeline.load(lexicon_dirs, parse=wanted.resolved("parse"), entities=wanted.resolved("entities"))
    voter = wanted.resolved("claims")
    loaded = Miner(load_lexicon(lexicon_dirs), chosen, nlp, votes.load(Path(voter)) if voter else None)
    _BY_VOCAB[id(nlp.vocab)] = loaded
    doc.offer("claims", _claims)
    return loaded


_BY_VOCAB: dict[int, Miner] = {}  # A doc knows its pipeline by the vocabulary.


def _claims(doc: Any) -> tuple[Claim, ...]:
    from miner.nlp.pipeline import reading_of

    return _BY_VOCAB[id(doc.vocab)].assertions(reading_of(doc)).claims


@lru_cache(maxsize=2)
def _loaded(topic: str) -> Miner:
    return load(topic)


def mine(record: Record | str, topic: str = "ntrk-nsclc") -> Mined:
    """Mine one record, or a text that has no title; what is loaded for it is kept for the next.

    Examples
    --------
    >>> import miner
    >>> mined = miner.mine("The NTRK1 G595R mutation confers resistance to larotrectinib.")
    >>> [(str(claim.type), claim.variant, claim.therapies) for claim in mined.claims]
    [('resistance_on_target', 'NTRK1 G595R', ('larotrectinib',))]
    """
    from miner.nlp.pipeline import plain_record

    return _loaded(topic)(plain_record(record) if isinstance(record, str) else record)


class _Callable(ModuleType):
    """This module, which may be called: ``miner.mine`` is the module and, in the ten lines of the README, the function."""

    def __call__(self, record: Record | str, topic: str = "ntrk-nsclc") -> Mined:
        """Mine one record."""
        return mine(record, topic)


sys.modules[__name__].__class__ = _Callable


def mine_records(miner: Miner, records: Iterable[Record], *, on_reject: OnReject | None = None) -> Iterator[Mined]:
    """Mine records in order; one that raises goes to ``on_reject`` with its error, and the batch goes on."""
    for record in records:
        try:
            yield miner(record)
        except Exception as error:
            if on_reject is None:
                raise
            on_reject(record, error)


def fusions(mentions: Iterable[Mention], focus: Collection[str] | None = ()) -> dict[tuple[str, str], Polarity]:
    """Fusions of a record with the most present polarity each; one of a ``focus`` gene (None: any) that is only denied is ``?::gene``."""
    found: dict[tuple[str, str], Polarity] = {}
    unnamed: dict[str, set[Polarity]] = {}
    for mention in mentions:
        referent = mention.referent
        if isinstance(referent, Fusion):
            pair = (referent.five_prime, referent.three_prime)
            held = found.get(pair)
            if held is None or _PRESENCE[mention.polarity] < _PRESENCE[held]:
                found[pair] = mention.polarity
        elif isinstance(referent, Alteration) and referent.kind == "fusion" and referent.gene and (focus is None or referent.gene in focus):
            unnamed.setdefault(referent.gene, set()).add(mention.polarity)
    present = {gene for pair, polarity in found.items() if polarity is not Polarity.NEGATED for gene in pair}
    denied = (gene for gene, said in unnamed.items() if said == {Polarity.NEGATED} and gene not in present)
    return found | {("?", gene): Polarity.NEGATED for gene in denied}


def extraction_row(mined: Mined, focus: Collection[str] = ()) -> dict[str, Any]:
    """One line of ``miner extract``: the JSON object of a record, keys in fixed order.

    ``focus`` as for ``fusions``; of a case report the fusions of every gene that are only denied are listed.
    """
    mentions = mined.reading.mentions
    drugs = {m.referent.name for m in mentions if m.label is Label.DRUG and isinstance(m.referent, Concept)}
    # What a patient was tested for is a finding of a case; elsewhere it mostly tells who was let in.
    denied_of = None if mined.study_type is StudyType.CASE_REPORT else focus
    variants = {(m.referent.gene, m.referent.protein_change) for m in mentions if isinstance(m.referent, Variant)}
    return {
        "id": mined.record.id,
        "pmid": mined.record.pmid,
        "study_type": str(mined.study_type),
        "evidence_level": mined.evidence_level,
        "fusions": [
            {"five_prime": five, "three_prime": three, "polarity": _fusion_polarity(polarity)}
            for (five, three), polarity in fusions(mentions, denied_of).items()
        ],
        "drugs": sorted(drugs),
        "variants": [{"gene": gene, "protein_change": change} for gene, change in sorted(variants, key=str)],
        "mentions": [_mention_row(m) for m in mentions],
        "claims": [claim_row(claim, mined.reading.text) for claim in mined.claims],
    }


def _fusion_polarity(polarity: Polarity) -> str:
    return str(Polarity.ASSERTED if polarity is Polarity.HEDGED else polarity)


def _mention_row(mention: Mention) -> dict[str, Any]:
    return {
        "label": str(mention.label),
        "start": mention.start,
        "end": mention.end,
        "text": mention.text,
        "curie": mention.curie,
        "name": mention.name,
        "polarity": str(mention.polarity),
    }


def claim_row(claim: Claim, text: str) -> dict[str, Any]:
    """A claim as the JSON object of design; ``sentence`` is sliced out of ``text`` by its offsets."""
    return {
        "type": str(claim.type),
        "genes": list(claim.genes),
        "fusion": claim.fusion,
        "variant": claim.variant,
        "alteration": claim.alteration,
        "therapies": list(claim.therapies),
        "disease": claim.disease.name if claim.disease else None,
        "disease_curie": claim.disease.curie if claim.disease else None,
        "significance": claim.significance,
        "direction": str(claim.direction),
        "polarity": str(claim.polarity),
        "population_n": claim.population_n,
        "figures": dict(claim.figures),
        "background": claim.background,
        "sentence": text[claim.start : claim.end],
        "start": claim.start,
        "end": claim.end,
        "spans": [list(span) for span in claim.spans],
        "rule": claim.rule,
        "confidence": claim.confidence,
        "warnings": list(claim.warnings),
    }
