"""The words of the project: record, mention, reading, claim, evidence.

Every offset is a half-open character offset into ``Record.text``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

TEXT_SEPARATOR = "\n"


class Status(StrEnum):
    """State of a publication, as PubMed tells it."""

    CURRENT = "current"
    RETRACTED = "retracted"
    CONCERN = "concern"
    WITHDRAWN = "withdrawn"


class Label(StrEnum):
    """Kinds of mention. VARIANT is a named sequence change; ALTERATION is one that is not named."""

    GENE = "GENE"
    FUSION = "FUSION"
    VARIANT = "VARIANT"
    ALTERATION = "ALTERATION"
    DRUG = "DRUG"
    DRUG_CLASS = "DRUG_CLASS"
    DISEASE = "DISEASE"
    ASSAY = "ASSAY"
    MEASURE = "MEASURE"
    COHORT = "COHORT"


class Polarity(StrEnum):
    """How the text holds what it says. HYPOTHETICAL is raised as a possibility and not observed."""

    ASSERTED = "asserted"
    NEGATED = "negated"
    HEDGED = "hedged"
    HYPOTHETICAL = "hypothetical"


class Direction(StrEnum):
    """CIViC's evidence direction."""

    SUPPORTS = "supports"
    DOES_NOT_SUPPORT = "does_not_support"


class StudyType(StrEnum):
    """What kind of study a paper reports."""

    REVIEW = "review"
    CASE_REPORT = "case_report"
    TRIAL = "trial"
    RETROSPECTIVE_COHORT = "retrospective_cohort"
    PRECLINICAL = "preclinical"
    DIAGNOSTIC_VALIDATION = "diagnostic_validation"
    OTHER = "other"


class Action(StrEnum):
    """What a curator does to a row; UNDO takes an earlier curation back."""

    ACCEPT, REJECT, EDIT, ADD, COMMENT, UNDO = "accept", "reject", "edit", "add", "comment", "undo"


class ClaimType(StrEnum):
    """The topics of a review of the field, and the rows of its summary."""

    DRIVER_ROLE = "driver_role"
    PREVALENCE = "prevalence"
    CLINICAL_FEATURES_ASSOCIATION = "clinical_features_association"
    MUTUAL_EXCLUSIVITY = "mutual_exclusivity"
    CO_OCCURRENCE = "co_occurrence"
    DETECTION_METHOD = "detection_method"
    SENSITIVITY_RESPONSE = "sensitivity_response"
    RESISTANCE_ON_TARGET = "resistance_on_target"
    RESISTANCE_OFF_TARGET = "resistance_off_target"
    OVERCOMES_RESISTANCE = "overcomes_resistance"
    RESISTANCE_TO_OTHER_THERAPY = "resistance_to_other_therapy"
    COMBINATION_THERAPY = "combination_therapy"
    IMMUNOTHERAPY_OUTCOME = "immunotherapy_outcome"
    APPROVAL_RECOMMENDATION = "approval_recommendation"
    SAFETY = "safety"


@dataclass(frozen=True, slots=True)
class Section:
    """One part of a record: the title (label ``TITLE``) or a section of the abstract, label as printed or None."""

    label: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Record:
    """One publication as a source gave it.

    ``text`` is the title and the section texts joined by one newline each, labels left out; without a title it begins
    with the abstract. ``version`` is PubMed's own (1 unless PubMed says more); ``pub_date`` is ISO 8601 as far as known
    (``2021``, ``2021-03``, ``2021-03-15``).
    """

    id: str
    pmid: str | None
    title: str
    sections: tuple[Section, ...] = ()
    doi: str | None = None
    pmcid: str | None = None
    journal: str | None = None
    pub_date: str | None = None
    publication_types: tuple[str, ...] = ()
    mesh: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    nct_ids: tuple[str, ...] = ()
    language: str | None = None
    status: Status = Status.CURRENT
    notices: tuple[tuple[str, str], ...] = ()
    other_abstracts: tuple[Section, ...] = ()
    copyright: str | None = None
    version: int = 1
    revised: str | None = None
    source: str = ""
    fetched_at: str = ""

    @property
    def text(self) -> str:
        """Title and section texts joined by one newline each."""
        return TEXT_SEPARATOR.join(part.text for part in self.parts)

    @property
    def parts(self) -> tuple[Section, ...]:
        """The pieces of ``text`` in order: the title, where there is one, as a section labelled ``TITLE``, then the abstract's."""
        head = (Section("TITLE", self.title),) if self.title else ()
        return head + tuple(section for section in self.sections if section.text)

    @property
    def spans(self) -> tuple[tuple[str | None, int, int], ...]:
        """(label, start, end) of each piece of ``text``."""
        spans, start = [], 0
        for part in self.parts:
            spans.append((part.label, start, start + len(part.text)))
            start += len(part.text) + len(TEXT_SEPARATOR)
        return tuple(spans)

    @property
    def sha256(self) -> str:
        """Digest of everything a reading or a row depends on; equal digests need no second reading."""
        parts = [repr((p.label, p.text)) for p in self.parts]
        facts = (self.journal, self.pub_date, self.doi, self.publication_types, self.nct_ids, str(self.status), self.notices)
        return hashlib.sha256("\x1f".join([*parts, repr(facts)]).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Concept:
    """A thing with an identifier: gene, drug, drug class, disease or assay (``hgnc:8031``, ``unii:PF9462I9HX``, ``doid:3908``)."""

    curie: str
    name: str


@dataclass(frozen=True, slots=True)
class Fusion:
    """A gene fusion in biological order; each side is an HGNC symbol, ``?`` (unknown) or ``v`` (several).

    ``detail`` keeps exons or breakpoints as written (``T3;N8``), or None.
    """

    five_prime: str
    three_prime: str
    detail: str | None = None

    def __str__(self) -> str:
        return f"{self.five_prime}::{self.three_prime}"


@dataclass(frozen=True, slots=True)
class Variant:
    """A named sequence change of a gene: ``protein_change`` is short HGVS without ``p.`` (``G595R``, ``exon 14 skipping``)."""

    gene: str | None
    protein_change: str

    def __str__(self) -> str:
        return f"{self.gene or '?'} {self.protein_change}"


@dataclass(frozen=True, slots=True)
class Alteration:
    """An alteration that names no sequence change: ``amplification``, ``fusion``, ``mutation``, ``overexpression`` ...

    ``fusion`` here is the generic one (``NTRK fusion``, ``ALK-positive``); a fusion with its partner is a ``Fusion``.
    """

    gene: str | None
    kind: str

    def __str__(self) -> str:
        return f"{self.gene or '?'} {self.kind}"


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure: ``metric`` is a key of ``METRICS``; ``value`` a number, a range ``0.1-3`` or a bound ``<1``, ``not reached``.

    ``n`` of ``total`` are counts where the text gives them; ``ci`` is the interval in the unit of the value.
    ``warnings`` tells what does not add up (``18/24 is 75 %, text says 57 %``). ``anchor`` is the span of the metric's name;
    ``item`` the span of what a list with "respectively" or a direct apposition ("71% with brigatinib") ties the figure to.
    """

    metric: str
    value: float | str | None
    unit: str | None = None
    n: int | None = None
    total: int | None = None
    ci: tuple[float, float] | None = None
    anchor: tuple[int, int] | None = None
    warnings: tuple[str, ...] = ()
    item: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Cohort:
    """A counted group: ``n`` (of ``total``) and the word for its members (``patients``, ``tumors``, ``cases``, ``cell lines``)."""

    n: int | None
    unit: str
    total: int | None = None


Referent = Concept | Fusion | Variant | Alteration | Measure | Cohort


@dataclass(frozen=True, slots=True, order=True)
class Mention:
    """A stretch of text that names something. Mentions may overlap and nest; order is by offset."""

    start: int
    end: int
    text: str
    label: Label
    referent: Referent | None = field(default=None, compare=False)
    polarity: Polarity = field(default=Polarity.ASSERTED, compare=False)

    @property
    def curie(self) -> str | None:
        """Identifier of the concept, where the referent is one."""
        return self.referent.curie if isinstance(self.referent, Concept) else None

    @property
    def name(self) -> str | None:
        """The referent in words."""
        if isinstance(self.referent, Concept):
            return self.referent.name
        return None if self.referent is None or isinstance(self.referent, (Measure, Cohort)) else str(self.referent)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence: its span, the index and printed label of the section it stands in, and its clauses as spans that tile it."""

    start: int
    end: int
    section: int
    label: str | None = None
    clauses: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Token:
    """A token; tag, head (token index) and dep are set where a parser runs."""

    start: int
    end: int
    tag: str = ""
    head: int = -1
    dep: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a record says: plain data, no spaCy object."""

    record: Record
    sentences: tuple[Sentence, ...]
    mentions: tuple[Mention, ...]
    tokens: tuple[Token, ...] = ()
    votes: Mapping[int, Mapping[str, float]] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The text that every offset points into."""
        return self.record.text

    def within(self, start: int, end: int, *labels: Label) -> list[Mention]:
        """Mentions that lie wholly in [start, end), of the labels given or of any."""
        return [m for m in self.mentions if start <= m.start and m.end <= end and (not labels or m.label in labels)]


@dataclass(frozen=True, slots=True)
class Claim:
    """One assertion in one place.

    ``genes`` are HGNC symbols (or a family: ``NTRK``); ``therapies`` generic names or classes (``TRK inhibitors``);
    ``figures`` maps the keys of the figure vocabulary to numbers or strings; ``spans`` are all sentences used, the
    first of them [start, end). ``background`` is true for what the paper reports of others.
    """

    type: ClaimType
    start: int
    end: int
    rule: str
    genes: tuple[str, ...] = ()
    fusion: str | None = None
    variant: str | None = None
    alteration: str | None = None
    therapies: tuple[str, ...] = ()
    disease: Concept | None = None
    significance: str | None = None
    direction: Direction = Direction.SUPPORTS
    polarity: Polarity = Polarity.ASSERTED
    population_n: int | None = None
    figures: Mapping[str, float | int | str] = field(default_factory=dict)
    background: bool = False
    spans: tuple[tuple[int, int], ...] = ()
    confidence: float = 0.5
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mined:
    """Everything that mining one record gives: what ``miner extract`` writes and what merging takes."""

    reading: Reading
    study_type: StudyType
    evidence_level: str
    claims: tuple[Claim, ...]

    @property
    def record(self) -> Record:
        """The record that was mined."""
        return self.reading.record


@dataclass(frozen=True, slots=True)
class Evidence:
    """One paper × one proposition, in CIViC's terms (https://civic.readthedocs.io, evidence model).

    ``key`` is ``v1:`` and a digest over claim type, molecular profile, disease, sorted therapies, significance and
    direction: equal keys are one proposition. ``claims`` are the claims it merges, the best first.
    """

    key: str
    pmid: str
    claim_type: ClaimType
    evidence_type: str
    molecular_profile: str
    disease: str | None
    therapies: tuple[str, ...]
    therapy_interaction_type: str | None
    significance: str
    evidence_direction: Direction
    polarity: Polarity
    evidence_level: str
    study_type: StudyType
    statement: str
    claims: tuple[Claim, ...]
    source: str = "PubMed"
    status: str = "submitted"
    figures: Mapping[str, float | int | str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Curation:
    """What a curator said of one paper on one proposition; the log of them is only ever appended to.

    ``key`` is that of the row as the miner read it (of an added row, of what it says), ``source`` the PMID or record id. ``changes``
    maps fields to new values, ``undoes`` names what an undo takes back; the store fills ``id``, ``at`` (UTC) and ``seen`` (the row before).
    """

    curator: str
    action: Action
    key: str
    source: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    comment: str = ""
    undoes: int | None = None
    at: str = ""
    id: int = 0
    seen: Mapping[str, Any] = field(default_factory=dict)
