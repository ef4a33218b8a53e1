"""What is done: detection, approval and recommendation, safety."""

from __future__ import annotations

import re
from collections.abc import Iterator

from miner.claims import approval, frames, safety
from miner.claims.document import METHODS, OUTSIDE, RESULTS, TITLE, Subject, View, agents
from miner.claims.frames import DENIED, HEDGED, build, names
from miner.schema import Claim, ClaimType, Concept, Direction, Label, Measure, Mention

_TEST_FIGURES = ("sensitivity_percent", "specificity_percent", "concordance_percent", "ppv_percent", "npv_percent", "accuracy_percent")
_POOR_TEST = re.compile(r"\b(?:poor|miss(?:ed|es)?|false[- ](?:negative|positive)s?|difficult|low sensitivity|limited|not (?:reliable|sensitive|sufficient)|unreliable|variab\w+|discord\w+|no concordance|fail\w*)\b", re.I)
_GOOD_TEST = re.compile(r"\b(?:detect\w*|identif\w*|confirm\w*|sensitiv\w*|specific\w*|reliabl\w*|accura\w*|concord\w*|agreement|validat\w*|screen\w*|method|standard|useful|feasible|superior|algorithm|recommend\w*|tool|technique)", re.I)
_TESTING = re.compile(r"\b(?:test(?:ing|ed)?|screen(?:ing|ed)?|profiling|genotyp\w+|biops\w+|assay)\b", re.I)


def extract(view: View) -> list[Claim]:
    """Claims of practice in one sentence."""
    if view.role == OUTSIDE:
        return []
    return [*_detection(view), *approval.extract(view), *safety.extract(view)]


def _detection(view: View) -> Iterator[Claim]:
    assays = view.of(Label.ASSAY)
    figures = list(frames.measures(view, *_TEST_FIGURES))
    if not assays and not figures:
        return
    if not figures and (not _GOOD_TEST.search(view.text) or view.role in (METHODS, "aim") or view.is_aim):
        return
    if not figures and not _about_test(view):
        return
    subjects = frames.subjects_for(view, (assays[0].start, assays[0].end) if assays else (view.start, view.end)) or _genes(view)
    subjects = generic(subjects)
    if figures:
        yield from _test_figures(view, subjects, assays, figures)
        return
    stance = _test_stance(view)
    yield from build(
        view, ClaimType.DETECTION_METHOD, "practice.detection", subjects=subjects, stance=stance, figures={"method": _methods(assays)}, confidence=0.55
    )  # fmt: skip


def generic(subjects: list[Subject]) -> list[Subject]:
    """Several fusions of one gene are, as what a test looks for, that gene's fusion."""
    fusions = [s for s in subjects if s.fusion]
    if len(fusions) < 2:
        return subjects
    genes = dict.fromkeys(s.gene for s in fusions)
    return [Subject(fusions[0].start, fusions[-1].end, gene, alteration="fusion") for gene in genes] + [s for s in subjects if not s.fusion]


def _about_test(view: View) -> bool:
    """Is the test what the sentence speaks of, and not only how a count was made?"""
    return view.document.study_type in ("diagnostic_validation", "review") or not frames.measures(view, "value_percent", "n_pos")


def _genes(view: View) -> list[Subject]:
    return [Subject(m.start, m.end, m.name, mention=m) for m in view.of(Label.GENE) if m.name]


def _methods(assays: list[Mention]) -> str:
    return "/".join(dict.fromkeys(m.name or m.text for m in assays))


def _test_figures(view: View, subjects: list[Subject], assays: list[Mention], figures: list[tuple[Mention, Measure]]) -> Iterator[Claim]:
    groups: dict[tuple[str, tuple[str | None, ...], int], dict[str, float | int | str]] = {}
    for mention, measure in figures:
        tied = [a for a in assays if measure.item and a.start < measure.item[1] and measure.item[0] < a.end]
        assay = (tied or frames.nearest(assays, (mention.start, mention.end), before_bonus=40))[:1]
        genes = tuple(s.gene for s in subjects if measure.item and s.start < measure.item[1] and measure.item[0] < s.end)
        slot = 0
        while measure.metric in groups.get((_methods(assay), genes, slot), {}):
            slot += 1
        held = groups.setdefault((_methods(assay), genes, slot), {"method": _methods(assay)} if assay else {})
        if measure.value is not None:
            held[measure.metric] = measure.value
    for (_, genes, _), values in groups.items():
        chosen = [s for s in subjects if s.gene in genes] if genes else subjects
        yield from build(view, ClaimType.DETECTION_METHOD, "practice.test_figures", subjects=chosen, figures=values, confidence=0.8)


def _test_stance(view: View) -> frames.Stance:
    poor = _POOR_TEST.search(view.text)
    if poor and not re.search(r"\bmore (?:sensitive|accurate|reliable)|most sensitive\b", view.text):
        return (Direction.DOES_NOT_SUPPORT, frames.stance_at(view, view.start + poor.start(), view.start + poor.end())[1])
    good = view.sense("detect")
    stance = frames.stance_at(view, good[0].start, good[0].end) if good else frames.SUPPORTS
    return stance


def disease_names(view: View) -> list[str]:
    """Names of the diseases in a sentence."""
    return [m.referent.name for m in view.of(Label.DISEASE) if isinstance(m.referent, Concept)]
