"""Where papers contradict each other: opposite findings, rates whose intervals do not meet, together against exclusive.

A paper speaks only for what it found itself and asserts: not for what it repeats, suggests or, retracted, no longer says. Two
papers that report one study do not contradict each other, and a figure that a newer data cut replaced contradicts nothing.
What two papers may well both have found is no conflict either:

- another alteration, tumour, drug, assay or clinical feature, or none that is named; drugs of a class are not the class;
- one patient against a cohort, or a laboratory against patients;
- an absence among so few that chance explains it, or a rate among so few; rates are held against each other by printed
  counts or intervals only, and how often something occurs only where the rates also differ threefold.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from miner.evidence.civic import UNSPECIFIED
from miner.evidence.figures import INTERVAL, Figures, group_of, number, whole, wilson
from miner.evidence.studies import group, is_repeated
from miner.evidence.support import STATUS_WEIGHTS, study_points
from miner.evidence.table import Paper, TableRow, cited, is_synthetic, subject, weight
from miner.evidence.wording import endpoints, features
from miner.schema import ClaimType, Direction, Polarity, StudyType

MOST_A_SUBJECT = 2
"""Conflicts shown of one kind on one subject, the weightiest first."""
FEW, RATIO, RESPONDED = 10, 3.0, 10.0
_ENDPOINTS = {"response", "PFS", "OS", "DoR", "case", "intracranial"}
_CLASS = re.compile(r"(?:inhibitors?|TKIs?|antibod(?:y|ies)|therap(?:y|ies)|blockade|drugs?)$", re.IGNORECASE)


class Kind(StrEnum):
    """How two papers contradict each other."""

    OPPOSITE = "opposite findings"
    PRESENCE = "present against absent"
    RATES = "rates that do not meet"
    TOGETHER = "found together against mutually exclusive"
    EFFECT = "response against resistance"


@dataclass(frozen=True, slots=True)
class Interval:
    """A rate in percent with its 95 % interval.

    ``basis`` tells where the interval is from: ``counts`` that the text gives, the ``printed`` interval, or counts ``derived``
    from rate and total.
    """

    rate: float
    low: float
    high: float
    basis: str
    hits: int | None
    total: int | None

    @property
    def is_derived(self) -> bool:
        """Tell whether the counts follow from a rate whose total may be that of another cohort."""
        return self.basis == "derived"

    def __str__(self) -> str:
        counts = f"{number(self.hits)}/{number(self.total)}" if self.hits is not None and self.total else ""
        size = counts or (f"n = {number(self.total)}" if self.total else "")
        return f"{self.rate:.3g} % ({'; '.join(part for part in (size, f'{self.low:.0f}–{self.high:.0f}') if part)})"


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two papers that contradict each other, the weightier first, and how."""

    kind: Kind
    left: Paper
    right: Paper
    told: str

    @property
    def keys(self) -> tuple[str, str]:
        """Keys of the rows of the table on which the two stand."""
        return self.left.proposition, self.right.proposition

    @property
    def sentences(self) -> tuple[str, str]:
        """The two sentences, each with its paper and offsets."""
        left, right = (
            f"“{quote.text}” {cited(paper.pmid)} [{quote.start}:{quote.end}]"
            for paper, quote in ((self.left, self.left.quotes[0]), (self.right, self.right.quotes[0]))
        )
        return left, right

    def __str__(self) -> str:
        return f"{str(self.kind).capitalize()}: {self.told}"


def conflicts(rows: Iterable[TableRow]) -> tuple[Conflict, ...]:
    """Return the conflicts among rows, the weightiest first, what is synthetic last."""
    groups: dict[tuple[object, ...], list[Paper]] = {}
    for row in rows:
        for study in row.studies:
            if not study.is_repeated and study_points(study) and _speaks(study.lead):
                groups.setdefault(_cross_subject(row.evidence[0]), []).append(study.lead)
    found = [item for papers in groups.values() for item in _of(papers)]
    return tuple(sorted(found, key=lambda item: (is_synthetic(item.left.pmid), -_weight(item), item.left.pmid, item.right.pmid)))


def by_key(found: Iterable[Conflict]) -> dict[str, list[Conflict]]:
    """Return the conflicts of each row of the table."""
    held: dict[str, list[Conflict]] = {}
    for item in found:
        for key in dict.fromkeys(item.keys):
            held.setdefault(key, []).append(item)
    return held


def _speaks(paper: Paper) -> bool:
    asserted = paper.polarity not in (Polarity.HEDGED, Polarity.HYPOTHETICAL)
    return asserted and not is_repeated(paper) and bool(STATUS_WEIGHTS[paper.record_status]) and paper.status != "rejected"


def _weight(item: Conflict) -> float:
    return min(weight(item.left), weight(item.right)) + 0.001 * ((item.left.n_patients or 0) > 0 and (item.right.n_patients or 0) > 0)


_T = ClaimType
_EFFECTS = {_T.SENSITIVITY_RESPONSE: "effect", _T.OVERCOMES_RESISTANCE: "effect", _T.RESISTANCE_ON_TARGET: "effect"}
_EFFECTS |= {_T.RESISTANCE_TO_OTHER_THERAPY: "effect", _T.CO_OCCURRENCE: "together", _T.MUTUAL_EXCLUSIVITY: "together"}
_RESPONDS = (_T.SENSITIVITY_RESPONSE, _T.OVERCOMES_RESISTANCE)
_RATES = (("ORR_percent", "n_resp"), ("value_percent", "n_pos"))


def _cross_subject(paper: Paper) -> tuple[object, ...]:
    """Return what two claims must share to contradict each other: claim types that speak of one question are one."""
    kind, *rest, significance = subject(paper)
    folded = _EFFECTS.get(paper.claim_type)
    return (folded, *rest) if folded else (kind, *rest, significance)


def _of(papers: Sequence[Paper]) -> Iterator[Conflict]:
    held: dict[Kind, list[Conflict]] = {}
    for left, right in itertools.combinations(sorted(papers, key=lambda item: (-weight(item), -(item.n_patients or 0), item.pmid)), 2):
        if left.pmid != right.pmid and (found := _between(left, right)) and not _one_study(left, right):
            held.setdefault(found.kind, []).append(found)
    for items in held.values():
        yield from items[:MOST_A_SUBJECT]


def _one_study(left: Paper, right: Paper) -> bool:
    return len(group((left, right))) == 1


def _between(left: Paper, right: Paper) -> Conflict | None:
    if left.molecular_profile == UNSPECIFIED or not left.disease_key:
        return None
    told = f"{left.statement}; {right.statement}"
    if left.claim_type is not right.claim_type:
        return _across(left, right, told)
    if left.direction is right.direction:
        return _rates(left, right)
    if left.claim_type is _T.PREVALENCE:
        return Conflict(Kind.PRESENCE, left, right, told) if _beyond_chance(left, right) else None
    return Conflict(Kind.OPPOSITE, left, right, told) if _on_one_question(left, right) else None


def _across(left: Paper, right: Paper, told: str) -> Conflict | None:
    """Contradict claims of two types: co-occurrence against exclusivity, response to a drug against resistance to it."""
    if not left.direction is right.direction is Direction.SUPPORTS:
        return None
    if {left.claim_type, right.claim_type} == {_T.CO_OCCURRENCE, _T.MUTUAL_EXCLUSIVITY}:
        return Conflict(Kind.TOGETHER, left, right, told)
    opposed = (left.claim_type in _RESPONDS) != (right.claim_type in _RESPONDS)
    drugs = left.therapies and not any(_CLASS.search(name) for name in left.therapies)
    if opposed and drugs and _EFFECTS.get(left.claim_type) == "effect" and _alike(left, right):
        return Conflict(Kind.EFFECT, left, right, told)
    return None


def _on_one_question(left: Paper, right: Paper) -> bool:
    match left.claim_type:
        case _T.SAFETY:
            return False
        case _T.DETECTION_METHOD:
            return bool(left.figures.get("method")) and left.figures.get("method") == right.figures.get("method")
        case _T.CLINICAL_FEATURES_ASSOCIATION:
            return bool(set(features(left.quotes[0].text)) & set(features(right.quotes[0].text)))
        case _:
            return _alike(left, right) and _on_one_endpoint(left, right)


def _on_one_endpoint(left: Paper, right: Paper) -> bool:
    """Tell whether two papers may speak of one endpoint; a rate of response is none that did not come."""
    one, two = _endpoints(left), _endpoints(right)
    if {"harm"} in (one, two):
        return False  # That a drug is borne says nothing of its effect.
    against = left if left.direction is Direction.DOES_NOT_SUPPORT else right
    rate = interval(against.figures)
    return (not one or not two or bool(one & two)) and (rate is None or rate.rate < RESPONDED)


def _endpoints(paper: Paper) -> set[str]:
    """Return the endpoints that a paper's figures give, or else those that its sentence names."""
    return {group_of(key) for key in paper.figures} & _ENDPOINTS or set(endpoints(paper.quotes[0].text))


def _alike(left: Paper, right: Paper) -> bool:
    """Tell whether two papers weigh alike: both on cohorts, both on single patients, or both from the laboratory."""
    return _setting(left) == _setting(right)


def _setting(paper: Paper) -> str:
    if paper.study_type == StudyType.PRECLINICAL:
        return "laboratory"
    single = paper.study_type == StudyType.CASE_REPORT or "case_response" in paper.figures or (paper.n_patients or FEW) < FEW
    return "patients" if single else "cohort"


def _beyond_chance(left: Paper, right: Paper) -> bool:
    """Tell whether an absence is too sure to go with the rate found elsewhere; both must be counted."""
    absent, present = (left, right) if left.direction is Direction.DOES_NOT_SUPPORT else (right, left)
    found, none = interval(present.figures, *_RATES[1]), interval(absent.figures, *_RATES[1])
    if found is None or none is None or found.is_derived or none.is_derived:
        return False
    return none.hits == 0 and found.low > none.high


def _rates(left: Paper, right: Paper) -> Conflict | None:
    for key, hits in _RATES:
        one, two = interval(left.figures, key, hits), interval(right.figures, key, hits)
        if one is None or two is None or one.is_derived or two.is_derived or min(one.total or FEW, two.total or FEW) < FEW:
            continue
        low, high = sorted((one, two), key=lambda found: found.rate)
        if low.high < high.low and (key == "ORR_percent" or (high.rate >= RATIO * low.rate and left.claim_type is _T.PREVALENCE)):
            return Conflict(Kind.RATES, left, right, f"{'ORR' if key == 'ORR_percent' else 'found in'} {one} against {two}: {_about(left)}")
    return None


def _about(paper: Paper) -> str:
    return " · ".join(part for part in (paper.molecular_profile, paper.disease or "", " + ".join(paper.therapies)) if part)


def interval(figures: Figures, key: str = "ORR_percent", hits: str = "n_resp") -> Interval | None:
    """Return a rate with its interval: Wilson's of the counts, else the printed one, else Wilson's of counts that rate and total give."""
    value, total, part = figures.get(key), whole(figures.get("N")), whole(figures.get(hits))
    rate = float(value) if isinstance(value, (int, float)) and 0 <= value <= 100 else None
    if part is not None and total and 0 <= part <= total and (rate is None or abs(100 * part / total - rate) <= 1):
        return Interval(100 * part / total if rate is None else rate, *wilson(part, total), "counts", part, total)
    if rate is None:
        return None
    if bounds := _printed(str(figures.get(key + INTERVAL, ""))):
        return Interval(rate, *bounds, "printed", part, total) if bounds[0] <= rate <= bounds[1] <= 100 else None
    if part is None and total and abs(100 * round(rate * total / 100) / total - rate) <= 1:
        part = round(rate * total / 100)
        return Interval(rate, *wilson(part, total), "derived", part, total)
    return None


def _printed(text: str) -> tuple[float, float] | None:
    low, dash, high = text.partition("-")
    try:
        return (float(low), float(high)) if dash else None
    except ValueError:
        return None
