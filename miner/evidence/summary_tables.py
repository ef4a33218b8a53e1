"""The three tables beside the summary: fusion partners, inhibitors with their figures, resistance mutations by drug."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from miner.evidence.civic import UNSPECIFIED
from miner.evidence.figures import describe, number, whole, wilson
from miner.evidence.support import STATUS_WEIGHTS
from miner.evidence.table import FusionMention, Paper, in_order
from miner.schema import ClaimType, Direction, Polarity, Status


class Classes(Protocol):
    """The part of a lexicon that knows drugs."""

    def classes(self, drug: str) -> tuple[str, ...]:
        """Return the classes of a drug."""
        ...

    def generation(self, drug: str) -> str | None:
        """Return the generation of a drug."""
        ...


@dataclass(frozen=True, slots=True)
class Grid:
    """A table as plain text."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class PartnerRow:
    """An asserted fusion: tumours (the commonest first), papers, patients that claims on it count."""

    fusion: str
    five_prime: str
    three_prime: str
    is_focus: bool
    tumours: tuple[str, ...]
    papers: tuple[str, ...]
    n_patients: int | None


@dataclass(frozen=True, slots=True)
class InhibitorRow:
    """What one paper itself reports of one inhibitor in one population.

    ``low`` and ``high`` are the interval of the response rate in percent: ``interval`` tells whether it is the
    ``printed`` one or a ``Wilson`` interval of the counts.
    """

    drug: str
    generation: str | None
    molecular_profile: str
    disease: str | None
    study_type: str
    level: str
    pmid: str
    year: int | None
    key: str
    n: int | None
    orr: float | None
    low: float | None
    high: float | None
    interval: str | None
    figures: Mapping[str, float | int | str]
    direction: Direction
    record_status: Status


@dataclass(frozen=True, slots=True)
class ResistanceRow:
    """A mechanism and the drug it defeats, or the drug that answers it (``effect``: ``resistant``, ``overcome``)."""

    molecular_profile: str
    drug: str
    effect: str
    on_target: bool
    direction: Direction
    is_focus: bool
    hedged: bool
    papers: tuple[str, ...]
    keys: tuple[str, ...]


def partners(mentions: Iterable[FusionMention], evidence: Iterable[Paper], focus: frozenset[str]) -> tuple[PartnerRow, ...]:
    """Return every asserted fusion with both partners named, the topic's genes first, then by number of papers."""
    tumours: dict[tuple[str, str], dict[str, str | None]] = {}
    for mention in mentions:
        pair = (mention.five_prime, mention.three_prime)
        named = not set(pair) & {"?", "v", ""}
        if named and mention.polarity is Polarity.ASSERTED and STATUS_WEIGHTS[mention.record_status]:
            held = tumours.setdefault(pair, {})
            held[mention.pmid] = held.get(mention.pmid) or mention.disease
    counted = _fusion_evidence(evidence)
    rows = [_partner(pair, by_paper, counted.get("::".join(pair), {}), focus) for pair, by_paper in tumours.items()]
    return tuple(sorted(rows, key=lambda row: (not row.is_focus, -len(row.papers), row.three_prime, row.five_prime)))


def _fusion_evidence(evidence: Iterable[Paper]) -> dict[str, dict[str, tuple[str | None, int]]]:
    counted: dict[str, dict[str, tuple[str | None, int]]] = {}
    for paper in evidence:
        if "::" in paper.molecular_profile and STATUS_WEIGHTS[paper.record_status] and not paper.background:
            for part in paper.molecular_profile.split(" AND "):
                held = counted.setdefault(part, {}).get(paper.pmid, (None, 0))
                positive = _patients_with(paper)
                counted[part][paper.pmid] = (held[0] or paper.disease, max(held[1], positive))
    return counted


def _patients_with(paper: Paper) -> int:
    """Count the patients who have the fusion: those treated, or found positive, not those tested."""
    treated = paper.evidence_type == "Predictive"
    return (paper.n_patients if treated else whole(paper.figures.get("n_pos"))) or 0


def _partner(
    pair: tuple[str, str], by_paper: Mapping[str, str | None], counted: Mapping[str, tuple[str | None, int]], focus: frozenset[str]
) -> PartnerRow:
    named = [disease for pmid in by_paper if (disease := counted.get(pmid, (None, 0))[0] or by_paper[pmid])]
    ranked = sorted(Counter(named).items(), key=lambda item: (-item[1], item[0]))
    return PartnerRow(
        fusion="::".join(pair),
        five_prime=pair[0],
        three_prime=pair[1],
        is_focus=bool(focus.intersection(pair)),
        tumours=tuple(name for name, _ in ranked),
        papers=in_order(by_paper),
        n_patients=sum(n for _, n in counted.values()) or None,
    )


_RESPONSE_TYPES = (
    ClaimType.SENSITIVITY_RESPONSE,
    ClaimType.OVERCOMES_RESISTANCE,
    ClaimType.COMBINATION_THERAPY,
    ClaimType.IMMUNOTHERAPY_OUTCOME,
)
_TOLD = ("ORR_percent", "n_resp", "CR", "PR", "IC_ORR_percent", "DoR_months", "PFS_months", "OS_months", "HR")


def inhibitors(evidence: Iterable[Paper], lexicon: Classes, classes: Sequence[str]) -> tuple[InhibitorRow, ...]:
    """Return what papers themselves report of the drugs of some classes, or of any regimen: rates, intervals, survival."""
    rows = [
        _inhibitor(paper, figures, drug, lexicon)
        for paper in evidence
        if paper.claim_type in _RESPONSE_TYPES
        and not paper.background
        and paper.study_type != "preclinical"
        and any(key in paper.figures for key in _TOLD)
        for drug in (paper.therapies if classes else _regimen(paper))
        if not classes or _in_classes(drug, lexicon, classes)
        for figures in paper.cohorts
    ]
    return tuple(sorted(rows, key=lambda row: (row.generation or "~", row.drug, -(row.n or 0), row.pmid, row.key)))


def _regimen(paper: Paper) -> tuple[str, ...]:
    joint = {"Combination": " + ", "Sequential": " then "}.get(paper.therapy_interaction_type or "", " / ")
    return (joint.join(paper.therapies),) if paper.therapies else ()


def _in_classes(drug: str, lexicon: Classes, classes: Sequence[str]) -> bool:
    return drug in classes or bool(set(lexicon.classes(drug)).intersection(classes))


def _inhibitor(paper: Paper, figures: Mapping[str, float | int | str], drug: str, lexicon: Classes) -> InhibitorRow:
    orr, low, high, interval = response_rate(figures)
    return InhibitorRow(
        drug=drug,
        generation=lexicon.generation(drug),
        molecular_profile=paper.molecular_profile,
        disease=paper.disease,
        study_type=paper.study_type,
        level=paper.level,
        pmid=paper.pmid,
        year=paper.year,
        key=paper.proposition,
        n=whole(figures.get("N")) or (paper.n_patients if figures == paper.figures else None),
        orr=orr,
        low=low,
        high=high,
        interval=interval,
        figures=figures,
        direction=paper.direction,
        record_status=paper.record_status,
    )


def response_rate(figures: Mapping[str, float | int | str]) -> tuple[float | None, float | None, float | None, str | None]:
    """Return (rate, low, high, kind of interval): the printed interval, else Wilson's where counts are known or follow."""
    value, total, hits = figures.get("ORR_percent"), whole(figures.get("N")), whole(figures.get("n_resp"))
    rate = float(value) if isinstance(value, (int, float)) else None
    if rate is None and value is None and hits is not None and total and hits <= total:
        rate = 100 * hits / total
    if rate is None or not 0 <= rate <= 100:
        return None, None, None, None
    printed = _printed(figures.get("ORR_percent_ci"))
    if printed and printed[0] <= rate <= printed[1]:
        return rate, *printed, "printed"
    if hits is None and total:
        hits = round(rate * total / 100)
    # Counts that do not lead to the rate belong to another cohort: no interval then.
    if hits is not None and total and hits <= total and abs(100 * hits / total - rate) <= 0.6:
        return rate, *wilson(hits, total), "Wilson"
    return rate, None, None, None


def _printed(text: object) -> tuple[float, float] | None:
    low, _, high = str(text).partition("-")
    try:
        return (float(low), float(high)) if high else None
    except ValueError:
        return None


def resistance(evidence: Iterable[Paper], focus: frozenset[str], lexicon: Classes, classes: Sequence[str]) -> tuple[ResistanceRow, ...]:
    """Return mechanism × drug, the topic's genes and drugs first: what defeats a drug, and which drug answers it."""
    merged: dict[tuple[str, str, str, bool, Direction], list[Paper]] = {}
    for paper in evidence:
        named = paper.molecular_profile != UNSPECIFIED
        if paper.claim_type in _EFFECTS and named and STATUS_WEIGHTS[paper.record_status]:
            for drug in paper.therapies:
                parts = (paper.molecular_profile, drug, *_EFFECTS[paper.claim_type], paper.direction)
                merged.setdefault(parts, []).append(paper)
    rows = [
        ResistanceRow(
            *parts,
            is_focus=_is_focus(parts[1], papers, focus, lexicon, classes),
            hedged=all(paper.polarity in (Polarity.HEDGED, Polarity.HYPOTHETICAL) for paper in papers),
            papers=in_order(paper.pmid for paper in papers),
            keys=tuple(dict.fromkeys(paper.proposition for paper in papers)),
        )
        for parts, papers in merged.items()
    ]
    return tuple(
        sorted(rows, key=lambda row: (not row.is_focus, not row.on_target, row.molecular_profile, row.effect, row.drug, str(row.direction)))
    )


def _is_focus(drug: str, papers: Sequence[Paper], focus: frozenset[str], lexicon: Classes, classes: Sequence[str]) -> bool:
    # Of a bypass only the drug tells what it defeats; a kinase mutation tells it itself.
    on_target = papers[0].claim_type is not ClaimType.RESISTANCE_OFF_TARGET
    return _in_classes(drug, lexicon, classes) if not on_target else any(focus.intersection(paper.genes) for paper in papers)


_EFFECTS: dict[ClaimType, tuple[str, bool]] = {
    ClaimType.RESISTANCE_ON_TARGET: ("resistant", True),
    ClaimType.RESISTANCE_OFF_TARGET: ("resistant", False),
    ClaimType.OVERCOMES_RESISTANCE: ("overcome", True),
}


def partner_grid(rows: Sequence[PartnerRow]) -> Grid:
    """Write the table of fusion partners as text."""
    cells = tuple(
        (row.fusion, ", ".join(row.tumours), _text(row.n_patients), str(len(row.papers)), ", ".join(row.papers))
        for row in rows
        if row.is_focus
    )
    return Grid("Fusion partners", ("fusion", "tumours", "patients", "papers", "PMIDs"), cells)


def inhibitor_grid(rows: Sequence[InhibitorRow]) -> Grid:
    """Write the table of inhibitors as text."""
    columns = ("inhibitor", "generation", "profile", "disease", "study", "n", "figures", "PMID")
    cells = tuple(
        (
            row.drug,
            row.generation or "",
            row.molecular_profile,
            row.disease or "",
            row.study_type.replace("_", " "),
            _text(row.n),
            describe({key: value for key, value in row.figures.items() if key in (*_TOLD, "N") or key.endswith("_ci")})
            + (
                f" [Wilson {row.low:.0f}–{row.high:.0f}]"
                if row.interval == "Wilson" and row.low is not None and row.high is not None
                else ""
            ),
            row.pmid,
        )
        for row in rows
    )
    return Grid("Inhibitors and their figures", columns, cells)


def resistance_grid(rows: Sequence[ResistanceRow]) -> Grid:
    """Write the table of resistance as text."""
    cells = tuple(
        (
            row.molecular_profile,
            "on target" if row.on_target else "off target",
            row.drug,
            ("not " if row.direction is Direction.DOES_NOT_SUPPORT else "") + row.effect + (" (hedged)" if row.hedged else ""),
            str(len(row.papers)),
            ", ".join(row.papers),
        )
        for row in rows
        if row.is_focus
    )
    return Grid("Resistance by drug", ("mechanism", "kind", "drug", "effect", "papers", "PMIDs"), cells)


def _text(value: int | None) -> str:
    return "" if value is None else number(value)
