"""Figures that are no measure of a therapy: lengths of follow-up, ages, those not given it, those in whom nothing is known."""

from __future__ import annotations

import re

from miner.claims.document import View
from miner.claims.effect_rules import shape
from miner.schema import Label, Measure, Mention

Item = tuple[Mention, Measure]
_TIMES = ("DoR_months", "PFS_months", "OS_months", "HR")
_FOLLOWED = re.compile(
    r"\bfollow-?up (?:time |duration )?(?:at|for|of|in|from)\b[^.;,()]{0,90} (?:was|of)\s*$"
    r"|\bfollow-?up(?: time| duration| period)?(?: of|,| was|:)?(?: about| approximately)?\s*$",
    re.I,
)
_UNTIL = re.compile(r"\b(?:through|at|by|within|beyond)\s*$", re.I)
_UNGIVEN = re.compile(
    r"\b(?:not (?:been )?(?:receiv|treated|given|undergo)\w*|untreated|never (?:been )?(?:receiv|treated|given)\w*|other than"
    r"|(?:those|patients|who) (?:who )?(?:did not\b|(?P<lack>without))\W*(?P<what>(?:(?!and\b|or\b|versus\b|vs\b)\w+\W+){0,3})$)",
    re.I,
)
_PLACE = re.compile(r"\b(?:local|regional|locoregional|nodal|distant|elective|tumou?r bed)\b", re.I)
_LONGEST_MONTHS = 300.0
_FAR_BACK = 100


def of_time(before: str) -> bool:
    """Do the words before a figure make it the length of follow-up, or the time at which something was measured?"""
    return _FOLLOWED.search(before) is not None or _UNTIL.search(before) is not None


def of_ungiven(view: View, mention: Mention, found: list[Item]) -> bool:
    """Is a figure beside others that of those who were not given the therapy?"""
    before = max((m.end for m, _ in found if m.end <= mention.start), default=None)
    told = None if before is None else _UNGIVEN.search(view.document.text, before, mention.start)
    return told is not None and not (told["lack"] and _lack_of_no_therapy(view, told))


def _lack_of_no_therapy(view: View, told: re.Match[str]) -> bool:
    """Is what patients are "without" no therapy, or one of earlier times: "without brain metastases", "without prior chemotherapy"?"""
    span = told.span("what") if re.search(r"[^\W\d_]{2}", told["what"]) else (max(view.start, told.start() - _FAR_BACK), told.start())
    if shape("response_figures.earlier").search(view.document.text, *span):
        return True
    return not (view.of(Label.DRUG, Label.DRUG_CLASS, within=span) or shape("response_figures.treating").search(view.document.text, *span))


def too_long(measure: Measure) -> bool:
    """Is it no median of a survival but an age, turned into months?"""
    texts = str(measure.value).replace("<", "").replace(">", "").replace("=", "").split("-")
    months = [float(text) for text in texts if text.replace(".", "", 1).isdigit()]
    return measure.metric in _TIMES and measure.metric != "HR" and any(value > _LONGEST_MONTHS for value in months)


def of_unassessed(view: View, mention: Mention, measure: Measure) -> bool:
    """Is a count that stands behind the name of an outcome of those whose outcome is not known: "and 15 not determined"?"""
    counted = measure.metric.removesuffix("_percent") in ("CR", "PR", "SD", "PD")
    late = counted and bool(measure.anchor) and (measure.anchor or (0, 0))[1] <= mention.start
    return late and shape("response_figures.unassessed").match(view.document.text, mention.end, view.end) is not None


def of_one_place(view: View, measure: Measure) -> bool:
    """Is it the control of a place by surgery or radiation, and not that of the disease?"""
    return bool(measure.anchor) and _PLACE.search(view.document.text[slice(*measure.anchor or (0, 0))]) is not None


def of_responders(view: View, measure: Measure) -> bool:
    """Does a response only tell in whom something else was measured: "levels were lower in patients with a response (1.2%)"?"""
    return bool(measure.anchor) and shape("response_figures.of_responders").search(
        view.document.text, view.start, (measure.anchor or (0, 0))[0]
    ) is not None


def of_opposite(view: View, mention: Mention) -> bool:
    """Is it the figure of those who lack what the sentence tells of: "0.6 for high and 1.2 for low copy number", "X-negative (1.4)"?"""
    text = view.document.text
    behind = shape("response_figures.for_low").match(text, mention.end, view.end)
    return behind is not None or shape("response_figures.low_before").search(text, view.start, mention.start) is not None


def of_untreated(view: View, mention: Mention) -> bool:
    """Is it told of the untreated: "untreated X-positive patients had a shorter survival"?"""
    return shape("response_figures.untreated").search(view.document.text, view.clause(mention.start)[0], mention.start) is not None
