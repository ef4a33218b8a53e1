"""Response rates of one regimen in one population, pooled over independent studies; what is left out, and why.

A pool holds one rate of each study: never two papers on the same patients (``studies`` tells which those are), never a paper
that repeats others, suggests only, or was retracted, never single patients, and nothing whose counts are not known: counts are
given, or follow from a rate and a total that one sentence gives, and agree with the printed interval. The pooled rate is a
random-effects mean of log odds, with half an event added to each side of every study, the variance between studies by Paule
and Mandel, and a normal 95 % interval, as ``statsmodels.stats.meta_analysis.combine_effects`` gives it (extra ``stats``).
Wilson intervals are each study's own. Below two studies nothing is pooled; where two intervals do not meet, the pool says so.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec

from miner.evidence.civic import UNSPECIFIED
from miner.evidence.conflicts import interval
from miner.evidence.figures import Figures, number, whole, wilson
from miner.evidence.studies import Study, group, is_repeated
from miner.evidence.summary_tables import Grid
from miner.evidence.support import STATUS_WEIGHTS
from miner.evidence.table import Paper, cited, is_synthetic
from miner.schema import ClaimType, Polarity, StudyType

_T = ClaimType
POOLED_TYPES = (_T.SENSITIVITY_RESPONSE, _T.COMBINATION_THERAPY, _T.IMMUNOTHERAPY_OUTCOME, _T.OVERCOMES_RESISTANCE)
LEAST = 5
"""Patients that a cohort has at least; fewer are single patients, reported because they responded."""
WIDTHS = (0.75, 1.35)
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
METHOD = "random effects on log odds, Paule–Mandel, 95 % interval"
ANY_TUMOUR = frozenset({"", "cancer", "solid tumor", "solid tumour", "malignant neoplasm", "neoplasm", "tumor", "tumour"})


@dataclass(frozen=True, slots=True)
class Rate:
    """One study's rate in percent with its Wilson interval; ``basis`` tells whether the counts are given or follow from the rate."""

    paper: Paper
    study: str
    hits: int
    total: int
    low: float
    high: float
    basis: str

    @property
    def rate(self) -> float:
        """The rate in percent."""
        return 100 * self.hits / self.total

    @property
    def counts(self) -> str:
        """The counts as a reader writes them."""
        return f"{number(self.hits)}/{number(self.total)}"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A paper that is not in the pool, the figures it gives, and why."""

    paper: Paper
    figures: str
    why: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """The pooled rate in percent with its interval, and how far the studies differ (I² in percent)."""

    rate: float
    low: float
    high: float
    i2: float
    tau2: float

    def __str__(self) -> str:
        return f"{self.rate:.0f} % ({self.low:.0f}–{self.high:.0f}), I² {self.i2:.0f} %"


@dataclass(frozen=True, slots=True)
class Pool:
    """The rates of one regimen in one population, the largest study first; ``estimate`` is None where nothing is pooled."""

    regimen: str
    population: str
    claim_type: ClaimType
    is_synthetic: bool
    rates: tuple[Rate, ...]
    left_out: tuple[LeftOut, ...]
    estimate: Estimate | None
    why_not: str = ""

    @property
    def note(self) -> str:
        """What a reader must know of the estimate: none was made, or it stands for none of the studies."""
        if self.estimate is None:
            return f"not pooled: {self.why_not}"
        apart = max(rate.low for rate in self.rates) > min(rate.high for rate in self.rates)
        return "rates that do not meet: the mean stands for none of the studies" if apart else ""

    @property
    def hits(self) -> int:
        """Responders of all studies."""
        return sum(rate.hits for rate in self.rates)

    @property
    def total(self) -> int:
        """Patients of all studies."""
        return sum(rate.total for rate in self.rates)


def pools(papers: Iterable[Paper]) -> tuple[Pool, ...]:
    """Return a pool for each regimen and population with a rate, those of most studies and patients first, what is synthetic last."""
    groups: dict[tuple[object, ...], list[Paper]] = {}
    for paper in papers:
        if paper.claim_type in POOLED_TYPES and paper.therapies and _gives_rate(paper):
            groups.setdefault(_subject(paper), []).append(paper)
    made = [pool for held in groups.values() if (pool := _pool(held)) is not None]
    return tuple(sorted(made, key=lambda pool: (pool.is_synthetic, -len(pool.rates), -pool.total, pool.regimen, pool.population)))


def _subject(paper: Paper) -> tuple[object, ...]:
    joint = paper.therapy_interaction_type if len(paper.therapies) > 1 else None
    return paper.claim_type, paper.therapies, joint, paper.molecular_profile, _tumour(paper), is_synthetic(paper.pmid)


def _tumour(paper: Paper) -> str:
    return "" if (paper.disease or "").casefold() in ANY_TUMOUR else paper.disease_key or (paper.disease or "").casefold()


def _gives_rate(paper: Paper) -> bool:
    return any("ORR_percent" in figures or "n_resp" in figures for figures in paper.cohorts)


def _pool(papers: Sequence[Paper]) -> Pool | None:
    sound = [paper for paper in papers if _unfit(paper) is None]
    left = [LeftOut(paper, _told(paper), why) for paper in papers if (why := _unfit(paper))]
    rates: list[Rate] = []
    studies = group(sound) if sound else ()
    for study in studies:
        rate, others = _of_study(study)
        rates += [rate] if rate else []
        left += others
    if not rates:
        return None
    rates.sort(key=lambda rate: (-rate.total, rate.paper.pmid))
    first = max(papers, key=lambda paper: len(paper.disease or ""))
    estimate, why_not = estimated([(rate.hits, rate.total) for rate in rates])
    return Pool(
        regimen=_regimen(first),
        population=_population(first),
        claim_type=first.claim_type,
        is_synthetic=is_synthetic(first.pmid),
        rates=tuple(rates),
        left_out=tuple(left),
        estimate=estimate,
        why_not=why_not,
    )


def _regimen(paper: Paper) -> str:
    joint = {"Combination": " + ", "Sequential": " then "}.get(paper.therapy_interaction_type or "", " / ")
    return joint.join(paper.therapies)


def _population(paper: Paper) -> str:
    tumour = "any tumour" if not _tumour(paper) else paper.disease or ""
    return tumour if paper.molecular_profile == UNSPECIFIED else f"{paper.molecular_profile} · {tumour}"


def _told(paper: Paper) -> str:
    figures = next((item for item in paper.cohorts if "ORR_percent" in item or "n_resp" in item), paper.figures)
    hits, total, value = whole(figures.get("n_resp")), whole(figures.get("N")), figures.get("ORR_percent")
    counts = f"{number(hits)}/{number(total)}" if hits is not None and total else ""
    return " · ".join(part for part in (counts, f"{number(value)} %" if value is not None else "") if part)


def _unfit(paper: Paper) -> str | None:
    """Tell why a paper cannot be in any pool, or None."""
    if not STATUS_WEIGHTS[paper.record_status]:
        return str(paper.record_status)
    if is_repeated(paper):
        return "repeats others"
    if paper.study_type == StudyType.PRECLINICAL:
        return "no patients"
    if paper.polarity in (Polarity.HEDGED, Polarity.HYPOTHETICAL):
        return "only suggests it"
    return None


def _of_study(study: Study) -> tuple[Rate | None, list[LeftOut]]:
    """Choose the paper that speaks for a study: not superseded, the largest; and tell why the others do not."""
    replaced = {item.pmid: item for item in study.superseded if item.endpoint == "response"}
    why = {tie.pmid: tie.why for tie in study.ties} | {tie.to: tie.why for tie in reversed(study.ties)}
    candidates: list[tuple[Rate, Paper]] = []
    left: list[LeftOut] = []
    for paper in study.papers:
        if paper.pmid in study.crossing:
            left.append(LeftOut(paper, _told(paper), "pools trials that are here themselves"))
        elif paper.pmid in replaced:
            left.append(LeftOut(paper, _told(paper), f"superseded by {cited(replaced[paper.pmid].by)}"))
        elif rate := _rate(paper, study):
            candidates.append((rate, paper))
        else:
            left.append(LeftOut(paper, _told(paper), _no_rate(paper)))
    candidates.sort(key=lambda item: (-item[0].total, item[0].basis == "derived", -item[0].hits, item[1].pmid))
    for rate, paper in candidates[1:]:
        told = why.get(paper.pmid, "same paper")
        left.append(LeftOut(paper, rate.counts, f"same study as {cited(candidates[0][1].pmid)} ({told})"))
    return (candidates[0][0] if candidates else None), left


def _rate(paper: Paper, study: Study) -> Rate | None:
    """Return the rate of a paper's largest cohort of which the counts are known."""
    found = [item for figures in paper.cohorts if (item := _counted(figures, paper)) and item[1] >= LEAST]
    if not found:
        return None
    hits, total, basis = max(found, key=lambda item: (item[1], item[2] != "derived", item[0]))
    return Rate(paper, study.name, hits, total, *wilson(hits, total), basis)


def _counted(figures: Figures, paper: Paper) -> tuple[int, int, str] | None:
    """Return (responders, patients, basis), or None where the counts are not known."""
    given, total = interval(figures), whole(figures.get("N"))
    if given is None or not total:
        return None
    hits = given.hits if given.hits is not None else round(given.rate * total / 100)
    if hits > total or abs(100 * hits / total - given.rate) > 1:
        return None
    if given.basis == "printed" and not _fits(given.low, given.high, *wilson(hits, total)):
        return None
    return (hits, total, given.basis) if given.basis != "derived" or _in_one_sentence(given.rate, total, paper) else None


def _fits(low: float, high: float, least: float, most: float) -> bool:
    """Tell whether a printed interval is about as wide as one of these counts is; the total may be that of all arms."""
    return WIDTHS[0] <= (high - low) / max(most - least, 0.1) <= WIDTHS[1]


def _in_one_sentence(rate: float, total: int, paper: Paper) -> bool:
    """Tell whether one sentence gives rate and total; a total from elsewhere may be that of all arms."""
    told = [set(_NUMBER.findall(quote.text.replace("·", ".").replace(",", ""))) for quote in paper.quotes]
    return any({f"{rate:g}", str(total)} <= held for held in told)


def _no_rate(paper: Paper) -> str:
    counted = [item for figures in paper.cohorts if (item := _counted(figures, paper))]
    return f"fewer than {LEAST} patients" if counted else "the counts are not known"


def estimated(counts: Sequence[tuple[int, int]]) -> tuple[Estimate | None, str]:
    """Return the pooled rate of (responders, patients), or None and why there is none."""
    if len(counts) < 2:
        return None, "one study only"
    if find_spec("statsmodels") is None:
        return None, "pooling needs statsmodels: pip install 'ntrk-miner[stats]'"
    import numpy
    from statsmodels.stats.meta_analysis import combine_effects

    effects = numpy.array([math.log((hits + 0.5) / (total - hits + 0.5)) for hits, total in counts])
    variances = numpy.array([1 / (hits + 0.5) + 1 / (total - hits + 0.5) for hits, total in counts])
    with numpy.errstate(divide="ignore", invalid="ignore"):  # Of equal rates the library divides by nothing.
        found = combine_effects(effects, variances, method_re="iterated", use_t=False)
    rate, low, high = map(_percent, (found.mean_effect_re, *found.conf_int()[1]))
    beyond = float(found.q) - (len(counts) - 1)  # Of equal rates Q is as good as nothing, and the library's own I² a huge number.
    return Estimate(rate, low, high, max(0.0, 100 * beyond / float(found.q)) if beyond > 0 else 0.0, float(found.tau2)), ""


def _percent(log_odds: float) -> float:
    return 100 / (1 + math.exp(-float(log_odds)))


def pool_grid(found: Sequence[Pool]) -> Grid:
    """Write pools as text: the pooled rate, each study's rate, and what is left out and why."""
    rows: list[tuple[str, ...]] = []
    for pool in found:
        estimate = f"{pool.estimate.rate:.0f} % ({pool.estimate.low:.0f}–{pool.estimate.high:.0f})" if pool.estimate else "not pooled"
        note = f"I² {pool.estimate.i2:.0f} %" + (f"; {pool.note}" if pool.note else "") if pool.estimate else pool.why_not
        rows.append((pool.regimen, pool.population, f"{len(pool.rates)}", f"{number(pool.hits)}/{number(pool.total)}", estimate, note))
        for rate in pool.rates:
            rows.append(("", "", rate.paper.pmid, rate.counts, f"{rate.rate:.0f} % ({rate.low:.0f}–{rate.high:.0f})", rate.study))
        rows += [("", "", item.paper.pmid, item.figures, "left out", item.why) for item in pool.left_out]
    columns = ("regimen", "population", "studies", "counts", "rate (95 % interval)", "note")
    return Grid("Response rates pooled over independent studies", columns, tuple(rows))
