"""How evidence stands to a proposition of the topic, and the verdict that follows from the counts alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from miner.evidence.civic import ADVERSE, REDUCED
from miner.evidence.figures import number
from miner.evidence.studies import group
from miner.evidence.support import STATUS_WEIGHTS
from miner.evidence.table import Paper, is_synthetic
from miner.schema import ClaimType, Direction, Polarity
from miner.topic import SummaryRow as Question

STANCES = ("for", "against", "hedged")
MOSTLY = 0.75


class Verdict(StrEnum):
    """What the evidence says of a proposition.

    Papers are counted by what they themselves found. All for: supported; all against: not supported; three quarters or
    more on one side: mostly; else contested. One paper alone gives no more than a single report. Only hedged, or only
    repeated from others: open. A row of the topic that holds no proposition is described.
    """

    SUPPORTED = "supported"
    MOSTLY_SUPPORTED = "mostly supported"
    CONTESTED = "contested"
    MOSTLY_NOT_SUPPORTED = "mostly not supported"
    NOT_SUPPORTED = "not supported"
    SINGLE_FOR = "single report for"
    SINGLE_AGAINST = "single report against"
    OPEN = "open"
    DESCRIBED = "described"
    NO_EVIDENCE = "no evidence yet"


@dataclass(frozen=True, slots=True)
class Tally:
    """Papers by stance; a paper that found both counts in both.

    ``strong`` counts the papers for that are at level A or B, ``repeated`` those that only repeat others, ``patients``
    each study's largest cohort once, ``synthetic`` those of all that are no papers.
    """

    n_papers: int
    n_for: int
    n_against: int
    n_hedged: int
    repeated: int
    strong: int
    best: str | None
    patients: int | None
    synthetic: int


def stance(paper: Paper, contrary: Sequence[ClaimType] = ()) -> str:
    """Tell how a paper stands to a proposition: for, against or hedged; what ``contrary`` types assert speaks against it."""
    if paper.polarity in (Polarity.HEDGED, Polarity.HYPOTHETICAL):
        return "hedged"
    against = paper.direction is Direction.DOES_NOT_SUPPORT
    weak = paper.significance in (REDUCED, ADVERSE) and paper.claim_type in _RESPONSE and not against
    return "against" if against is not (paper.claim_type in contrary or weak) else "for"


_T = ClaimType
_RESPONSE = (_T.SENSITIVITY_RESPONSE, _T.OVERCOMES_RESISTANCE, _T.COMBINATION_THERAPY, _T.IMMUNOTHERAPY_OUTCOME)


def tally(question: Question, papers: Sequence[Paper]) -> Tally:
    """Count the papers of a row; those retracted or withdrawn count nowhere."""
    sound = [paper for paper in papers if STATUS_WEIGHTS[paper.record_status]]
    own = [paper for paper in sound if not paper.background]
    by = {name: {paper.pmid for paper in own if stance(paper, question.contrary) == name} for name in STANCES}
    in_favour = [paper for paper in own if stance(paper, question.contrary) == "for"]
    return Tally(
        n_papers=len({paper.pmid for paper in own}),
        n_for=len(by["for"]),
        n_against=len(by["against"]),
        n_hedged=len(by["hedged"]),
        repeated=len({paper.pmid for paper in sound} - {paper.pmid for paper in own}),
        strong=len({paper.pmid for paper in in_favour if paper.level in "AB"}),
        best=min((paper.level for paper in in_favour), default=None),
        patients=_patients(own),
        synthetic=len({paper.pmid for paper in sound if is_synthetic(paper.pmid)}),
    )


def _patients(own: Sequence[Paper]) -> int | None:
    """Sum the studies' largest cohorts, each once."""
    return sum(study.n_patients or 0 for study in group(own)) or None


def judge(question: Question, count: Tally) -> Verdict:
    """Return the verdict that the counts give."""
    if not count.n_papers + count.repeated:
        return Verdict.NO_EVIDENCE
    if not question.proposition:
        return Verdict.DESCRIBED
    decided = count.n_for + count.n_against
    if not decided:
        return Verdict.OPEN
    share = count.n_for / decided
    if decided == 1:
        return Verdict.SINGLE_FOR if share else Verdict.SINGLE_AGAINST
    if share in (0.0, 1.0):
        return Verdict.SUPPORTED if share else Verdict.NOT_SUPPORTED
    if MOSTLY > share > 1 - MOSTLY:
        return Verdict.CONTESTED
    return Verdict.MOSTLY_SUPPORTED if share >= MOSTLY else Verdict.MOSTLY_NOT_SUPPORTED


def in_words(question: Question, verdict: Verdict, count: Tally, papers: Sequence[Paper]) -> str:
    """Write the verdict as a sentence: ``Mostly supported: 7 papers for it (3 at level A or B), 1 paper against, 2 hedged.``"""
    if verdict is Verdict.NO_EVIDENCE:
        return f"No evidence yet. {question.absent}"
    if not count.n_papers:
        told = f"Open: so far only repeated from others, in {counted(count.repeated, 'paper')}"
    elif verdict is Verdict.DESCRIBED:
        told = f"{counted(count.n_papers, 'paper')}{_size(count)}: {', '.join(_stances(question, papers))}"
    else:
        told = _decided(verdict, count)
    if count.n_papers and count.repeated:
        told += f"; {counted(count.repeated, 'more paper')} only {'repeats' if count.repeated == 1 else 'repeat'} others"
    if count.synthetic:
        total = count.n_papers + count.repeated
        told += "; all synthetic" if count.synthetic == total else f"; {count.synthetic} of the {total} papers synthetic"
    return f"{told}."


def _decided(verdict: Verdict, count: Tally) -> str:
    hedged = f"{counted(count.n_hedged, 'paper')} only suggest{'s' if count.n_hedged == 1 else ''} it" if verdict is Verdict.OPEN else ""
    level = f"{number(count.strong)} at level A or B" if count.strong else f"best level {count.best}"
    size = f", {counted(count.patients, 'patient')}" if count.patients else ""
    in_favour = f"{counted(count.n_for, 'paper')} for it ({level}{size})" if count.n_for else ""
    against = f"{counted(count.n_against, 'paper')} against" if count.n_against else ""
    if count.n_hedged and not hedged:
        hedged = f"{number(count.n_hedged)} hedged"
    if verdict in (Verdict.SINGLE_FOR, Verdict.SINGLE_AGAINST):
        told = f"level {count.best}{size}" if count.n_for else count.patients and counted(count.patients, "patient")
        return ", ".join(part for part in (str(verdict).capitalize() + (f" ({told})" if told else ""), hedged) if part)
    return f"{str(verdict).capitalize()}: {', '.join(part for part in (in_favour, against, hedged) if part)}"


def _size(count: Tally) -> str:
    return f" ({counted(count.patients, 'patient')})" if count.patients else ""


def counted(n: int, noun: str) -> str:
    """Write a number with its noun."""
    return f"{number(n)} {noun}" + ("" if n == 1 else "s")


# What papers say for and against, by claim type: "3 report an association, 8 report none".
_WORDS: dict[ClaimType, tuple[str, str, str]] = {
    _T.DRIVER_ROLE: ("calls it a driver", "denies a driver role", "thinks a driver role possible"),
    _T.PREVALENCE: ("found it", "looked and found none", "thinks it may occur"),
    _T.CLINICAL_FEATURES_ASSOCIATION: ("reports an association", "reports no association", "suspects an association"),
    _T.MUTUAL_EXCLUSIVITY: ("reports exclusivity", "contradicts exclusivity", "suspects exclusivity"),
    _T.CO_OCCURRENCE: ("reports co-occurrence", "reports no co-occurrence", "suspects co-occurrence"),
    _T.DETECTION_METHOD: ("detected it", "reports what an assay misses", "is cautious on an assay"),
    _T.SENSITIVITY_RESPONSE: ("reports response", "reports no response", "is cautious on response"),
    _T.RESISTANCE_ON_TARGET: ("reports on-target resistance", "reports no on-target resistance", "suspects on-target resistance"),
    _T.RESISTANCE_OFF_TARGET: ("reports a bypass", "reports no bypass", "suspects a bypass"),
    _T.OVERCOMES_RESISTANCE: ("reports resistance overcome", "reports resistance not overcome", "thinks resistance may be overcome"),
    _T.RESISTANCE_TO_OTHER_THERAPY: ("reports it as the cause", "denies it as the cause", "suspects it as the cause"),
    _T.COMBINATION_THERAPY: ("reports benefit of a combination", "reports no benefit of a combination", "is cautious on a combination"),
    _T.IMMUNOTHERAPY_OUTCOME: ("reports response or benefit", "reports no response or benefit", "leaves the value open"),
    _T.APPROVAL_RECOMMENDATION: ("reports approval or advice", "advises against", "suggests use"),
    _T.SAFETY: ("reports on adverse events", "reports no concern", "is cautious on safety"),
}
_ANY = ("reports it", "contradicts it", "suspects it")  # Of a type that another package brings.
_PLURALS = {"calls": "call", "denies": "deny", "thinks": "think", "reports": "report", "suspects": "suspect", "contradicts": "contradict"}
_PLURALS |= {"is": "are", "leaves": "leave", "advises": "advise", "does": "do", "suggests": "suggest"}


def _stances(question: Question, papers: Sequence[Paper]) -> list[str]:
    own = [paper for paper in papers if STATUS_WEIGHTS[paper.record_status] and not paper.background]
    told = []
    for claim_type in question.claim_types:
        for name, words in zip(STANCES, _WORDS.get(claim_type, _ANY), strict=True):
            pmids = {paper.pmid for paper in own if paper.claim_type is claim_type and stance(paper) == name}
            if pmids:
                told.append(f"{number(len(pmids))} {words if len(pmids) == 1 else _plural(words)}")
    return told


def _plural(words: str) -> str:
    head, space, tail = words.partition(" ")
    return _PLURALS.get(head, head) + space + tail
