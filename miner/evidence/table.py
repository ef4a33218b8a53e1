"""The evidence table: filters, rows that group papers by proposition, and their support."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from miner.evidence.figures import describe
from miner.evidence.filters import STATUSES as STATUSES
from miner.evidence.filters import Filters as Filters
from miner.evidence.studies import Study, Superseded, group
from miner.evidence.support import LEVEL_WEIGHTS as LEVEL_WEIGHTS
from miner.evidence.support import STATUS_WEIGHTS as STATUS_WEIGHTS
from miner.evidence.support import Support, points, support, weigh
from miner.schema import ClaimType, Direction, Polarity, Status

CURATOR = "curator"
"""The rule of a row that a curator added."""


@dataclass(frozen=True, slots=True)
class Quote:
    """A sentence of a paper with its half-open offsets into the stored text."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Paper:
    """One paper's evidence for a proposition, as the store holds it.

    ``cohorts`` are its ``figures``, then those of further cohorts of the paper with a rate of their own. ``key`` is what the
    miner read, and what curations are keyed to; ``proposition`` what holds now, and what the table groups by: they differ
    where a curator changed what is asserted. ``status`` is submitted, accepted or rejected; ``machine`` is what the miner
    read in the fields that a curator changed; ``rule`` is the rule of the best claim, ``curator`` of an added row.
    """

    key: str
    pmid: str
    claim_type: ClaimType
    evidence_type: str
    molecular_profile: str
    genes: tuple[str, ...]
    disease: str | None
    disease_key: str
    therapies: tuple[str, ...]
    therapy_interaction_type: str | None
    significance: str
    direction: Direction
    polarity: Polarity
    level: str
    study_type: str
    statement: str
    source: str
    status: str
    figures: Mapping[str, float | int | str]
    cohorts: tuple[Mapping[str, float | int | str], ...]
    warnings: tuple[str, ...]
    n_patients: int | None
    background: bool
    quotes: tuple[Quote, ...]
    record_status: Status
    notices: tuple[tuple[str, str], ...]
    title: str
    journal: str | None
    year: int | None
    proposition: str = ""
    rule: str = ""
    machine: Mapping[str, Any] = field(default_factory=dict)
    pub_date: str | None = None
    doi: str | None = None
    authors: tuple[str, ...] = ()
    trials: tuple[str, ...] = ()

    @property
    def is_added(self) -> bool:
        """Tell whether a curator added it."""
        return self.rule == CURATOR

    @property
    def flags(self) -> tuple[str, ...]:
        """Say in words what a reader must know of the paper: that it is synthetic, retracted, doubted, corrected."""
        told = ["synthetic"] if is_synthetic(self.pmid) else []
        told += [] if self.record_status is Status.CURRENT else [_STATUS_WORDS[self.record_status]]
        told += [
            f"{_NOTICE_WORDS[kind]}: {reference}" if reference else _NOTICE_WORDS[kind]
            for kind, reference in self.notices
            if kind in _NOTICE_WORDS
        ]
        return tuple(dict.fromkeys(told))

    @property
    def is_citable(self) -> bool:
        """Tell whether PubMed names the paper by its number."""
        return self.pmid.isdigit()


@dataclass(frozen=True, slots=True)
class Source:
    """Where records came from: a file or PubMed, how many, and the years of publication they span as far as known."""

    name: str
    records: int
    first: int | None
    last: int | None
    is_synthetic: bool


@dataclass(frozen=True, slots=True)
class FusionMention:
    """A fusion named in a paper and the tumour that stands nearest to it."""

    pmid: str
    five_prime: str
    three_prime: str
    polarity: Polarity
    start: int
    end: int
    disease: str | None
    year: int | None
    record_status: Status


@dataclass(frozen=True, slots=True)
class TableRow:
    """One proposition over all its papers, the best evidence first.

    ``studies`` are the papers again, those that report one study together; ``score`` is the support with what it is made of
    (module ``support`` tells how).
    """

    key: str
    claim_type: ClaimType
    evidence_type: str
    molecular_profile: str
    disease: str | None
    therapies: tuple[str, ...]
    therapy_interaction_type: str | None
    significance: str
    direction: Direction
    polarity: Polarity
    level: str
    evidence: tuple[Paper, ...]
    studies: tuple[Study, ...]
    score: Support

    @property
    def papers(self) -> tuple[str, ...]:
        """PMIDs, in ascending order; what is synthetic last."""
        return in_order(item.pmid for item in self.evidence)

    @property
    def n_papers(self) -> int:
        """Number of papers."""
        return len({item.pmid for item in self.evidence})

    @property
    def n_patients(self) -> int | None:
        """Patients that the studies themselves report, each study's largest cohort once, retracted ones left out."""
        return self.score.patients

    @property
    def n_studies(self) -> int:
        """Number of studies; papers that report one are one, those that only repeat others and name no study here none."""
        return sum(not study.is_repeated for study in self.studies)

    @property
    def superseded(self) -> tuple[Superseded, ...]:
        """Figures that a newer data cut of the same study replaced."""
        return tuple(item for study in self.studies for item in study.superseded)

    @property
    def best(self) -> Paper:
        """The evidence that is quoted."""
        return self.evidence[0]

    @property
    def quote(self) -> Quote:
        """The best evidence's sentence."""
        return self.best.quotes[0]

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warnings of all papers, with the status of those that are not current."""
        told = [f"{cited(item.pmid)}: {flag}" for item in self.evidence for flag in item.flags if flag != "synthetic"]
        return (*told, *(f"{cited(item.pmid)}: {text}" for item in self.evidence for text in item.warnings))

    @property
    def n_synthetic(self) -> int:
        """Number of papers that are synthetic."""
        return sum(is_synthetic(item.pmid) for item in self.evidence)

    @property
    def years(self) -> tuple[int, ...]:
        """Years of publication, ascending, each once."""
        return tuple(sorted({item.year for item in self.evidence if item.year}))

    @property
    def support(self) -> float:
        """The documented support score."""
        return self.score.value


_STATUS_WORDS = {
    Status.RETRACTED: "retracted",
    Status.CONCERN: "expression of concern",
    Status.WITHDRAWN: "withdrawn",
    Status.CURRENT: "current",
}
# PubMed's links that change what a paper is worth and are no state of it.
_NOTICE_WORDS = {
    "ErratumIn": "erratum",
    "RetractionOf": "retraction of",
    "RepublishedIn": "republished",
    "RepublishedFrom": "republished from",
    "PreprintIn": "linked preprint",
    "PreprintOf": "linked preprint",
    "ErratumFor": "erratum for",
    "CorrectedandRepublishedIn": "corrected and republished",
    "CorrectedandRepublishedFrom": "corrected from",
    "UpdateIn": "updated in",
    "UpdateOf": "update of",
    "RetractedandRepublishedIn": "retracted and republished",
    "RetractedandRepublishedFrom": "republished after retraction",
    "PartialRetractionIn": "partial retraction",
    "PartialRetractionOf": "partial retraction of",
}
_SYNTHETIC = re.compile(r"syn[-_:]?\d", re.IGNORECASE)


@lru_cache(maxsize=65_536)
def is_synthetic(identifier: str) -> bool:
    """Tell whether a record was written for testing (``syn-001``) and is no paper."""
    return _SYNTHETIC.match(identifier) is not None


def in_order(identifiers: Iterable[str]) -> tuple[str, ...]:
    """Return identifiers once each: PMIDs as numbers ascend, then other identifiers, what is synthetic last."""
    return tuple(sorted(set(identifiers), key=lambda name: (is_synthetic(name), not name.isdigit(), len(name), name)))


def cited(identifier: str) -> str:
    """Name a record as a reader cites it: by PMID, or by its own identifier."""
    return f"PMID {identifier}" if identifier.isascii() and identifier.isdigit() else identifier


def weight(item: Paper) -> float:
    """Return what one paper adds to the support of its row."""
    return weigh(item.level, item.polarity, item.background, item.record_status)


def make_rows(evidence: Iterable[Paper]) -> list[TableRow]:
    """Group the evidence of one subject into rows, one for each direction, each held against the others."""
    groups: dict[str, list[Paper]] = {}
    for item in evidence:
        groups.setdefault(item.proposition or item.key, []).append(item)
    if len(groups) == 1:
        return [make_row(held) for held in groups.values()]
    studies = {key: group(held) for key, held in groups.items()}
    weights = {key: points(found) for key, found in studies.items()}
    return [make_row(held, studies[key], sum(weights.values()) - weights[key]) for key, held in groups.items()]


def rows_of(evidence: Iterable[Paper]) -> list[TableRow]:
    """Group evidence in any order into rows."""
    subjects: dict[tuple[object, ...], list[Paper]] = {}
    for item in evidence:
        subjects.setdefault(subject(item), []).append(item)
    return [row for held in subjects.values() for row in make_rows(held)]


def subject(item: Paper) -> tuple[object, ...]:
    """Return what a proposition is about, its direction left out."""
    return item.claim_type, item.molecular_profile, item.therapies, item.disease_key, item.significance


def make_row(evidence: Sequence[Paper], studies: tuple[Study, ...] | None = None, opposed: float = 0.0) -> TableRow:
    """Group the evidence of one proposition into a row; the weightiest, largest and newest paper comes first, what is synthetic last.

    A paper whose figures a newer data cut replaced comes after the one that replaced them.
    """
    studies = group(evidence) if studies is None else studies
    ranked = _ranked(evidence, studies) if len(evidence) > 1 else tuple(evidence)
    best = ranked[0]
    return TableRow(
        key=best.proposition or best.key,
        claim_type=best.claim_type,
        evidence_type=best.evidence_type,
        molecular_profile=best.molecular_profile,
        disease=best.disease,
        therapies=best.therapies,
        therapy_interaction_type=best.therapy_interaction_type,
        significance=best.significance,
        direction=best.direction,
        polarity=best.polarity,
        level=best.level,
        evidence=ranked,
        studies=studies,
        score=support(studies, opposed),
    )


def _ranked(evidence: Sequence[Paper], studies: Sequence[Study]) -> tuple[Paper, ...]:
    old = {item.pmid for study in studies for item in study.superseded}
    order = sorted(
        evidence,
        key=lambda item: (
            is_synthetic(item.pmid), -weight(item), item.pmid in old, -(item.n_patients or 0), -(item.year or 0), item.pmid,
        ),
    )  # fmt: skip
    return tuple(order)


def table_columns() -> tuple[str, ...]:
    """Name the columns of the table as a reader sees it."""
    return ("claim", "molecular profile", "disease", "therapies", "finding", "level", "papers", "patients", "figures", "sentence", "PMIDs")


def cells(row: TableRow, *, width: int = 160) -> tuple[str, ...]:
    """Return a row as plain strings in the order of ``table_columns``; the sentence is cut to ``width`` characters."""
    pmids = ", ".join(row.papers[:6]) + (f" and {row.n_papers - 6} more" if row.n_papers > 6 else "")
    if row.n_synthetic:
        pmids += " (synthetic)" if row.n_synthetic == row.n_papers else f" ({row.n_synthetic} synthetic)"
    return (
        str(row.claim_type).replace("_", " "),
        row.molecular_profile,
        row.disease or "",
        " + ".join(row.therapies) if row.therapy_interaction_type == "Combination" else ", ".join(row.therapies),
        finding(row),
        row.level,
        str(row.n_papers),
        "" if row.n_patients is None else str(row.n_patients),
        describe(row.best.figures),
        shorten(row.quote.text, width),
        pmids,
    )


_T = ClaimType
_RESPONSE, _RESISTANCE = ("response", "no response"), ("resistance", "no resistance")
FINDINGS: dict[ClaimType, tuple[str, str]] = {
    _T.DRIVER_ROLE: ("driver", "no driver"),
    _T.PREVALENCE: ("found", "not found"),
    _T.CLINICAL_FEATURES_ASSOCIATION: ("associated", "not associated"),
    _T.MUTUAL_EXCLUSIVITY: ("exclusive", "not exclusive"),
    _T.CO_OCCURRENCE: ("found together", "not found together"),
    _T.DETECTION_METHOD: ("detected", "missed or unreliable"),
    _T.SENSITIVITY_RESPONSE: _RESPONSE,
    _T.RESISTANCE_ON_TARGET: _RESISTANCE,
    _T.RESISTANCE_OFF_TARGET: _RESISTANCE,
    _T.OVERCOMES_RESISTANCE: ("resistance overcome", "resistance not overcome"),
    _T.RESISTANCE_TO_OTHER_THERAPY: _RESISTANCE,
    _T.COMBINATION_THERAPY: ("benefit", "no benefit"),
    _T.IMMUNOTHERAPY_OUTCOME: _RESPONSE,
    _T.APPROVAL_RECOMMENDATION: ("approved or recommended", "not recommended"),
    _T.SAFETY: ("adverse events", "no concern"),
}
_TELLING = {"Better Outcome": "better outcome", "Poor Outcome": "poorer outcome", "Reduced Sensitivity": "reduced sensitivity"}


def finding(row: TableRow) -> str:
    """Return what was found in a few words: ``no response``, ``poorer outcome (hedged)``."""
    against = row.direction is Direction.DOES_NOT_SUPPORT
    words = FINDINGS[row.claim_type][against]
    if told := _TELLING.get(row.significance):
        words = f"no {told}" if against else told
    return words + (f" ({row.polarity})" if row.polarity in (Polarity.HEDGED, Polarity.HYPOTHETICAL) else "")


def shorten(text: str, width: int) -> str:
    """Cut text at a word, with an ellipsis, to ``width`` characters."""
    text = " ".join(text.split())
    if len(text) <= width:
        return text
    cut = text[: width - 1]
    return (cut.rsplit(" ", 1)[0] if " " in cut[width // 2 :] else cut).rstrip(" ,;") + "…"


def fold_class(name: str) -> str:
    """Write a drug class one way: TKI and inhibitor are the same, case does not count."""
    return re.sub(r"[\s-]*(?:tkis?|inhibitors?)$", " inhibitor", name.casefold())
