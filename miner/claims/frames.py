"""What the extractors share: choosing subject, therapy, disease and cohort for a trigger, its stance, and building the claim."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from miner import cues as polarity_cues
from miner.claims.document import (
    BACKGROUND,
    BODY,
    CONCLUSIONS,
    RESULTS,
    TITLE,
    Subject,
    View,
    agents,
    distinct,
    therapies,
    therapy_role,
)
from miner.claims.therapy import parts
from miner.schema import Claim, ClaimType, Cohort, Concept, Direction, Label, Measure, Mention, Polarity

Stance = tuple[Direction, Polarity]
SUPPORTS: Stance = (Direction.SUPPORTS, Polarity.ASSERTED)
AGAINST: Stance = (Direction.DOES_NOT_SUPPORT, Polarity.ASSERTED)
DENIED: Stance = (Direction.DOES_NOT_SUPPORT, Polarity.NEGATED)
HEDGED: Stance = (Direction.SUPPORTS, Polarity.HEDGED)
OPEN: Stance = (Direction.SUPPORTS, Polarity.HYPOTHETICAL)
STANCES = {Polarity.ASSERTED: SUPPORTS, Polarity.NEGATED: DENIED, Polarity.HEDGED: HEDGED, Polarity.HYPOTHETICAL: OPEN}

SIGNIFICANCE = {
    ClaimType.SENSITIVITY_RESPONSE: "Sensitivity/Response",
    ClaimType.OVERCOMES_RESISTANCE: "Sensitivity/Response",
    ClaimType.COMBINATION_THERAPY: "Sensitivity/Response",
    ClaimType.IMMUNOTHERAPY_OUTCOME: "Sensitivity/Response",
    ClaimType.APPROVAL_RECOMMENDATION: "Sensitivity/Response",
    ClaimType.RESISTANCE_ON_TARGET: "Resistance",
    ClaimType.RESISTANCE_OFF_TARGET: "Resistance",
    ClaimType.RESISTANCE_TO_OTHER_THERAPY: "Resistance",
    ClaimType.DRIVER_ROLE: "Oncogenicity",
    ClaimType.DETECTION_METHOD: "Positive",
    ClaimType.SAFETY: "N/A",
    ClaimType.PREVALENCE: "N/A",
    ClaimType.CLINICAL_FEATURES_ASSOCIATION: "N/A",
    ClaimType.MUTUAL_EXCLUSIVITY: "N/A",
    ClaimType.CO_OCCURRENCE: "N/A",
}
_ANAPHORA = re.compile(
    r"^\W*(?:\w+ly,?\s+|in addition,?\s+|moreover,?\s+|however,?\s+)?"
    r"(?:of (?:these|those|the|whom)|these|those|this|they|such|both|it|all|its|their|among (?:these|them|those)"
    r"|the (?:two|three|other|same|remaining|latter|former|patients?|tumou?rs?))\b",
    re.I,
)
_BACKGROUND_WORDS = re.compile(
    r"\b(?:previous(?:ly)?|earlier|prior stud|recent(?:ly)? (?:been )?(?:report|identif|describ|shown|stud)|has been (?:shown|report)"
    r"|have been (?:shown|report|identif|describ|found)|is known|are known|known to)",
    re.I,
)
BLOCKED = frozenset({"PDCD1", "CTLA4", "VEGFA", "KDR"})  # named with a therapy, but not altered: what checkpoint and VEGF inhibitors block
_NEXT_THAT = re.compile(r",?\s+(?:and|but) that\b", re.I)
_FRONTED = re.compile(r"\s*((?:even )?(?:although|though|while|whereas|because|since|as|if|when|unless)\b)", re.I)
_COMMA = re.compile(r",\s+(?!(?:and|or|but|nor|which|who|that|including|such)\b)")
_FRONTED_REACH = 90
_NEVER_SMOKED = re.compile(r"never(?:[- ]|\s?(?:or|and|/)\s?[\w-]+[- ])smok", re.I)
_GRADED = re.compile(r"\b(?:more|less|most|least|equally|twice as|as)\s+likely", re.I)


def points_back(view: View) -> bool:
    """Does the sentence begin by pointing at what was said before?"""
    return bool(_ANAPHORA.match(view.text))


def stance_at(view: View, start: int, end: int) -> Stance:
    """Direction and polarity of what stands at a span: negated text denies, hedged text supports with a hedge."""
    found = polarity_cues.polarity_at(_sentence_cues(view), start - view.start, end - view.start)
    return STANCES[found]


def kinds_at(view: View, start: int, end: int) -> frozenset[Polarity]:
    """Every kind of polarity that reaches a span: what is denied may be hedged too."""
    at = start - view.start, end - view.start
    return frozenset(c.kind for c in _sentence_cues(view) if c.scope_start < at[1] and at[0] < c.scope_end)


def _sentence_cues(view: View) -> tuple[polarity_cues.Cue, ...]:
    return spoken_cues(view.text)


@lru_cache(maxsize=64)
def spoken_cues(text: str) -> tuple[polarity_cues.Cue, ...]:
    """Cues of polarity in a sentence, without the month of May, never-smokers, and the "likely" of a comparison."""
    found = (c for c in polarity_cues.find_cues(text) if text[c.start : c.end] != "May")
    said = (c for c in found if not _GRADED.search(text, max(0, c.start - 14), c.start + 6) and not _NEVER_SMOKED.match(text, c.start))
    return tuple(_to_main_clause(_to_next_that(c, text), text) for c in said)


def _to_main_clause(cue: polarity_cues.Cue, text: str) -> polarity_cues.Cue:
    """What a fronted clause hedges or denies ends with it: "Although it may be toxic, X is active"."""
    fronted = _FRONTED.match(text) if "," in text else None
    if not fronted or cue.start < fronted.start(1) or cue.start > _FRONTED_REACH:
        return cue
    comma = _COMMA.search(text, cue.end, cue.scope_end)
    return replace(cue, scope_end=comma.start()) if comma and comma.start() > cue.scope_start else cue


def _to_next_that(cue: polarity_cues.Cue, text: str) -> polarity_cues.Cue:
    """A hedge ends where the next of several "that" clauses begins: "that X may be rare and that Y is frequent"."""
    following = (
        _NEXT_THAT.search(text, cue.end, cue.scope_end)
        if cue.kind is Polarity.HEDGED and "that" not in text[cue.start : cue.end + 8]
        else None
    )
    return replace(cue, scope_end=following.start()) if following and following.start() > cue.scope_start else cue


def turn(stance: Stance) -> Stance:
    """The stance of the contrary: a denied failure supports, a stated failure is against."""
    if stance == DENIED:
        return SUPPORTS
    return (Direction.DOES_NOT_SUPPORT, stance[1])


def distance(a: tuple[int, int], b: tuple[int, int]) -> int:
    """Characters between two spans; 0 where they touch or overlap."""
    return max(0, max(a[0], b[0]) - min(a[1], b[1]))


def nearest(items: Iterable[Subject] | Iterable[Mention], span: tuple[int, int], *, before_bonus: int = 0) -> list:  # type: ignore[type-arg]
    """Items by their distance from a span; those before it may be favoured."""
    return sorted(items, key=lambda i: distance((i.start, i.end), span) - (before_bonus if i.end <= span[0] else 0))


def affirmed(subjects: Iterable[Subject]) -> list[Subject]:
    """Subjects whose mention is neither negated nor hypothetical."""
    return [s for s in subjects if s.mention is None or s.mention.polarity is not Polarity.NEGATED]


def subjects_for(view: View, span: tuple[int, int], *, carry: bool = True, wide: bool = True) -> list[Subject]:
    """Subjects of a trigger: its clause's, else the sentence's, else what the text is about there."""
    local = [s for s in affirmed(view.subjects) if s.gene]
    clause = view.clause(span[0])
    inside = [s for s in local if clause[0] <= s.start and s.end <= clause[1]]
    if inside:
        return distinct(inside)
    if wide and local:
        return distinct(local)
    return carried_subjects(view) if carry else []


def carried_subjects(view: View) -> list[Subject]:
    """Subjects set by the sentence before (where this one points back, or tells of others' work), else by the title."""
    if points_back(view) or view.role in (BODY, BACKGROUND):
        for previous in reversed(view.document.views[max(0, view.index - 2) : view.index]):
            found = [s for s in affirmed(previous.subjects) if s.gene]
            if found and view.document.title and all(s.alteration == "expression" for s in found) and view.document.title.subjects:
                continue
            if found and previous.role == view.role:
                return distinct(found)
    return view.document.focus if view.role in (RESULTS, CONCLUSIONS, BODY, TITLE) else []


def therapies_for(view: View, span: tuple[int, int], *, carry: bool = True) -> list[Mention]:
    """Therapies of a trigger: given in its clause, else in its sentence, else in the sentences before or the title."""
    inside = agents(view, view.clause(span[0]))
    if inside:
        return inside
    found = agents(view)
    if found:
        return found
    return carried_therapies(view) if carry else []


def carried_to(view: View, therapies: Sequence[Mention]) -> list[Subject]:
    """Subjects carried to what is told of therapies: a driver named before is not carried to a checkpoint inhibitor, given to all."""
    found = carried_subjects(view)
    if points_back(view) or not is_checkpoint(view, therapies):
        return found
    return [s for s in found if s in view.document.focus or s.kind in ("expression", "wild-type")]


def carried_therapies(view: View) -> list[Mention]:
    """Therapies of the nearest of the two sentences before, else of the paper; not what the sentence sets something against."""
    others = {m.name for m in therapies(view) if therapy_role(view.document, m) == "comparator"}
    for previous in reversed(view.document.views[max(view.document.opening, view.index - 2) : view.index]):
        found = agents(previous)
        if found and previous.role == view.role:
            return [m for m in found if m.name not in others]
    return [m for m in view.document.focus_drugs if m.name not in others]


def names(view: View, therapies: Iterable[Mention]) -> tuple[str, ...]:
    """Names of therapies without repetition; a bare "TKI" takes the class that the paper is about, chemoradiotherapy is two."""
    return parts(view.document, dict.fromkeys(view.document.class_meant(m.name) for m in therapies if m.name))


def is_checkpoint(view: View, therapies: Iterable[Mention]) -> bool:
    """Is one of the therapies an immune checkpoint inhibitor?"""
    group = "immune checkpoint inhibitors"
    return any(m.name == group or group in view.document.lexicon.classes(m.name or "") for m in therapies)


def disease_of(view: View) -> Concept | None:
    """The disease named in the sentence, else the paper's."""
    found = [m.referent for m in view.of(Label.DISEASE) if isinstance(m.referent, Concept)]
    return found[0] if found else view.document.disease


def cohort_of(view: View, span: tuple[int, int]) -> int | None:
    """Size of the cohort named in the trigger's clause, where there is exactly one."""
    sizes = {m.referent.n for m in view.of(Label.COHORT, within=view.clause(span[0])) if isinstance(m.referent, Cohort) and m.referent.n}
    return sizes.pop() if len(sizes) == 1 else None


def measures(view: View, *metrics: str, within: tuple[int, int] | None = None) -> list[tuple[Mention, Measure]]:
    """Measures of some metrics (or of any), in order."""
    if not view.holds(Label.MEASURE):
        return []
    found = [(m, m.referent) for m in view.of(Label.MEASURE, within=within) if isinstance(m.referent, Measure)]
    return [(m, r) for m, r in found if not metrics or r.metric in metrics]


def is_background(view: View) -> bool:
    """Does the sentence report what others found?"""
    return view.role == BACKGROUND or (view.role in (BODY, "aim") and bool(_BACKGROUND_WORDS.search(view.text)))


def build(
    view: View,
    type_: ClaimType,
    rule: str,
    *,
    subjects: Sequence[Subject] = (),
    therapies: Sequence[str] = (),
    stance: Stance = SUPPORTS,
    figures: Mapping[str, float | int | str] | None = None,
    n: int | None = None,
    joint: bool = False,
    confidence: float = 0.6,
    warnings: tuple[str, ...] = (),
    significance: str | None = None,
) -> list[Claim]:
    """Claims of one frame: one for each subject, or one for all of them where they stand jointly.

    Returns
    -------
    list of Claim
        Without subjects one claim without gene; none where the stance is open: what is only asked asserts nothing.
    """
    if stance == OPEN:
        return []
    chosen = [s for s in distinct(subjects) if not (therapies and s.kind == "gene" and s.gene in BLOCKED)]
    groups = [chosen] if joint or not chosen else [[s] for s in chosen]
    groups = _merge_generic(groups) if not joint else groups
    common = Claim(
        type=type_,
        start=view.start,
        end=view.end,
        rule=rule,
        therapies=tuple(dict.fromkeys(therapies)),
        disease=disease_of(view),
        significance=significance or SIGNIFICANCE[type_],
        direction=stance[0],
        polarity=stance[1],
        population_n=n,
        figures=dict(figures or {}),
        background=is_background(view),
        spans=((view.start, view.end),),
        confidence=confidence,
        warnings=warnings,
    )
    return [_about(common, group) for group in groups]


def _about(claim: Claim, group: Sequence[Subject]) -> Claim:
    return replace(
        claim,
        genes=tuple(dict.fromkeys(s.gene for s in group if s.gene)),
        fusion=next((s.fusion for s in group if s.fusion), None),
        variant=next((s.variant for s in group if s.variant), None),
        alteration=next((s.alteration for s in group if s.alteration), None),
    )


def _merge_generic(groups: list[list[Subject]]) -> list[list[Subject]]:
    """Put generic alterations of one kind together: ``ALK, ROS1 and NTRK fusions`` are one claim over three genes."""
    merged: list[list[Subject]] = []
    for group in groups:
        subject = group[0] if group else None
        same = next((m for m in merged if subject and m and m[0].alteration and m[0].alteration == subject.alteration), None)
        if same is not None and subject is not None:
            same.append(subject)
        else:
            merged.append(list(group))
    return merged
