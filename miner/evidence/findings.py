"""What the evidence of a summary row itself says: rates with their range, drugs, mutations, assays, tumours, each with its papers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from miner.evidence.civic import UNSPECIFIED
from miner.evidence.figures import Figures, number, whole
from miner.evidence.support import STATUS_WEIGHTS
from miner.evidence.table import Paper, in_order
from miner.evidence.verdict import counted, stance
from miner.evidence.wording import features
from miner.schema import ClaimType
from miner.topic import SummaryRow as Question

LIMIT = 8


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that is said, with the papers and the propositions that say it."""

    text: str
    papers: tuple[str, ...]
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """Things of one kind, those of most papers first; ``left_out`` counts what is beyond the limit."""

    label: str
    items: tuple[Item, ...]
    left_out: int = 0

    def __str__(self) -> str:
        tail = f" and {self.left_out} more" if self.left_out else ""
        return f"{self.label}: {', '.join(item.text for item in self.items)}{tail}"


def find(question: Question, papers: Iterable[Paper], genes: frozenset[str], is_asked: Callable[[str], bool]) -> tuple[Finding, ...]:
    """Return what the sound papers of a row themselves found; ``genes`` and therapies (``is_asked``) are those of the row."""
    own = [paper for paper in papers if STATUS_WEIGHTS[paper.record_status] and not paper.background]
    agreed = [paper for paper in own if stance(paper, ()) == "for"]
    asked = set(question.claim_types)
    made: list[Finding | None] = []
    if asked & _TREATED:
        treated = [paper for paper in own if paper.claim_type in _TREATED and paper.study_type != "preclinical"]
        made.append(_ranges("response rate", treated, "ORR_percent", " %", _regimen))
        made.append(_ranges("median progression-free survival", treated, "PFS_months", " months", _regimen))
        made.append(_ranges("median overall survival", treated, "OS_months", " months", _regimen))
        made.append(_counts("single patients", treated, _case))
    for label, types, names in _LISTED:
        chosen = [paper for paper in agreed if paper.claim_type in types]
        if asked.intersection(types):
            made.append(_counts(label, chosen, partial(_named, names=names, genes=genes, is_asked=is_asked)))
    if ClaimType.CLINICAL_FEATURES_ASSOCIATION in asked:
        denied = [p for p in own if p.claim_type is ClaimType.CLINICAL_FEATURES_ASSOCIATION and stance(p) == "against"]
        made.append(_counts("not associated with", denied, lambda paper: _features(paper, genes)))
    if ClaimType.PREVALENCE in asked:
        name = _disease if genes else _profile
        made.append(_ranges("frequency", [p for p in own if p.claim_type is ClaimType.PREVALENCE], "value_percent", " %", name))
    if ClaimType.DETECTION_METHOD in asked:
        tested = [paper for paper in own if paper.claim_type is ClaimType.DETECTION_METHOD]
        made += [_ranges(word, tested, f"{word}_percent", " %", _method) for word in ("sensitivity", "specificity")]
    return tuple(finding for finding in made if finding is not None)


def _named(paper: Paper, *, names: Names, genes: frozenset[str], is_asked: Callable[[str], bool]) -> Sequence[str]:
    found = names(paper, genes)
    return [name for name in found if is_asked(name)] if names is _therapies else found


_TREATED = {
    ClaimType.SENSITIVITY_RESPONSE,
    ClaimType.OVERCOMES_RESISTANCE,
    ClaimType.COMBINATION_THERAPY,
    ClaimType.IMMUNOTHERAPY_OUTCOME,
}
_RESISTANCE = {ClaimType.RESISTANCE_ON_TARGET, ClaimType.RESISTANCE_OFF_TARGET, ClaimType.RESISTANCE_TO_OTHER_THERAPY}
Names = Callable[[Paper, frozenset[str]], Sequence[str]]


def _regimen(paper: Paper) -> str:
    joint = {"Combination": " + ", "Sequential": " then ", "Substitutes": " or "}.get(paper.therapy_interaction_type or "", ", ")
    return joint.join(paper.therapies)


def _profile(paper: Paper) -> str:
    return "" if paper.molecular_profile == UNSPECIFIED else paper.molecular_profile


def _disease(paper: Paper) -> str:
    return paper.disease or ""


def _method(paper: Paper) -> str:
    return str(paper.figures.get("method", ""))


def _therapies(paper: Paper, _: frozenset[str]) -> Sequence[str]:
    return paper.therapies


# One patient's outcome as papers word it.
_OUTCOME_WORDS = (
    ("complete response", r"complete|\bCR\b"),
    ("partial response", r"partial|\bPR\b"),
    ("stable disease", r"stab|\bSD\b"),
    ("progression", r"progress|\bPD\b"),
    ("response", r"respon|regress|shr[aiu]nk|shrinkage|remission|reduc"),
)


def _case(paper: Paper) -> Sequence[str]:
    told = str(paper.figures.get("case_response", ""))
    return [next((word for word, pattern in _OUTCOME_WORDS if re.search(pattern, told)), told)]


def _mechanism(paper: Paper, _: frozenset[str]) -> Sequence[str]:
    return [_profile(paper)]


def _answered(paper: Paper, _: frozenset[str]) -> Sequence[str]:
    return [f"{_profile(paper)} by {_regimen(paper)}" if _profile(paper) and paper.therapies else ""]


def _company(paper: Paper, genes: frozenset[str]) -> Sequence[str]:
    parts = [part.strip("()") for part in re.split(r" AND | OR ", paper.molecular_profile)]
    others = [part for part in parts if not genes or not genes.intersection(re.split(r"::| ", part))]
    return others if genes else [paper.molecular_profile]


def _assays(paper: Paper, _: frozenset[str]) -> Sequence[str]:
    return [part for part in _method(paper).split("/") if part]


_EVENT = re.compile(r"([^;%]*?[A-Za-z][^;%]*?)\s*(?:[<>]?\d[\d.]*\s*%[^;]*)?(?:;|$)")


def _events(paper: Paper, _: frozenset[str]) -> Sequence[str]:
    told = str(paper.figures.get("AE", ""))
    names = [match[1].strip(" ,") for match in _EVENT.finditer(told)]
    return [name for name in dict.fromkeys(names) if name and len(name) < 40]


def _features(paper: Paper, _: frozenset[str]) -> Sequence[str]:
    told = {"Better Outcome": "better outcome", "Poor Outcome": "poorer outcome"}.get(paper.significance)
    return [told] if told else [name for name in features(paper.quotes[0].text) if name != "survival"]


# What is listed of claims of some types: label, types, what a paper names.
_LISTED: tuple[tuple[str, set[ClaimType], Names], ...] = (
    ("tumours", {ClaimType.DRIVER_ROLE}, lambda paper, genes: [_disease(paper) if genes else _profile(paper)]),
    ("associated with", {ClaimType.CLINICAL_FEATURES_ASSOCIATION}, _features),
    ("exclusive of", {ClaimType.MUTUAL_EXCLUSIVITY}, _company),
    ("found together with", {ClaimType.CO_OCCURRENCE}, _company),
    ("assays", {ClaimType.DETECTION_METHOD}, _assays),
    ("drugs that brought response", {ClaimType.SENSITIVITY_RESPONSE}, _therapies),
    ("therapies", {ClaimType.IMMUNOTHERAPY_OUTCOME}, _therapies),
    ("mechanisms", _RESISTANCE, _mechanism),
    ("resistance answered", {ClaimType.OVERCOMES_RESISTANCE}, _answered),
    ("combinations", {ClaimType.COMBINATION_THERAPY}, lambda paper, _: [_regimen(paper)]),
    ("drugs approved or recommended", {ClaimType.APPROVAL_RECOMMENDATION}, _therapies),
    ("for", {ClaimType.APPROVAL_RECOMMENDATION}, lambda paper, _: [_disease(paper)]),
    ("events named", {ClaimType.SAFETY}, _events),
)


def _counts(label: str, papers: Iterable[Paper], names: Callable[[Paper], Sequence[str]]) -> Finding | None:
    held: dict[str, list[Paper]] = {}
    for paper in papers:
        for name in dict.fromkeys(names(paper)):
            if name:
                held.setdefault(name, []).append(paper)
    made = [(name, _pmids(found), found) for name, found in held.items()]
    made.sort(key=lambda item: (-len(item[1]), item[0]))
    items = tuple(Item(name + (f" ({len(pmids)})" if len(pmids) > 1 else ""), pmids, _keys(found)) for name, pmids, found in made[:LIMIT])
    return Finding(label, items, len(made) - len(items)) if items else None


def _ranges(label: str, papers: Iterable[Paper], key: str, unit: str, name: Callable[[Paper], str]) -> Finding | None:
    held: dict[str, list[_Rate]] = {}
    for paper in papers:
        for figures in paper.cohorts:
            if (value := rate(figures, key)) is not None:
                held.setdefault(name(paper) or "unnamed", []).append(_Rate(value, figures, paper))
    made = sorted(held.items(), key=lambda item: (item[0] == "unnamed", -len(_pmids(found.paper for found in item[1])), item[0]))
    items = tuple(_range(name, values, key, unit) for name, values in made[:LIMIT])
    return Finding(label, items, len(made) - len(items)) if items else None


@dataclass(frozen=True, slots=True)
class _Rate:
    value: float
    figures: Figures
    paper: Paper

    @property
    def size(self) -> int:
        return whole(self.figures.get("N")) or 0


def _range(name: str, found: Sequence[_Rate], key: str, unit: str) -> Item:
    papers = [item.paper for item in found]
    pmids = _pmids(papers)
    low, high = (f"{bound:.3g}" for bound in (min(item.value for item in found), max(item.value for item in found)))
    told = [counted(len(pmids), "paper")] if len(pmids) > 1 else []
    largest = max(sorted(found, key=lambda item: (item.paper.pmid, item.paper.key)), key=lambda item: item.size)
    hits = whole(largest.figures.get(_COUNTED.get(key, "")))
    if key in _COUNTED and largest.size and low != high:
        told.append(f"{largest.value:.3g}{unit} in the largest, n = {number(largest.size)}")
    elif key in _COUNTED and largest.size:
        told.append(f"n = {number(largest.size)}" if hits is None else f"{number(hits)}/{number(largest.size)}")
    spread = low if low == high else f"{low}–{high}"
    return Item(f"{name} {spread}{unit}".strip() + (f" ({'; '.join(told)})" if told else ""), pmids, _keys(papers))


_COUNTED = {"ORR_percent": "n_resp", "value_percent": "n_pos"}


def rate(figures: Figures, key: str = "ORR_percent") -> float | None:
    """Return a figure, a rate computed from its counts where only those are given."""
    value = figures.get(key)
    if isinstance(value, (int, float)):
        return float(value) if not key.endswith("_percent") or 0 <= value <= 100 else None
    hits, total = whole(figures.get(_COUNTED.get(key, ""))), whole(figures.get("N"))
    return 100 * hits / total if value is None and hits is not None and total and hits <= total else None


def _pmids(papers: Iterable[Paper]) -> tuple[str, ...]:
    return in_order(paper.pmid for paper in papers)


def _keys(papers: Iterable[Paper]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(paper.proposition for paper in papers))
