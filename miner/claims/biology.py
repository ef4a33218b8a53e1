"""What an alteration is: driver, how often, what it goes with and what it excludes, and whom it meets."""

from __future__ import annotations

import re
from collections.abc import Iterator

from miner.claims import frames, pairs, prevalence
from miner.claims.document import METHODS, OUTSIDE, TITLE, Subject, View, agents, distinct
from miner.claims.frames import DENIED, build
from miner.schema import Claim, ClaimType, Direction, Label, Polarity

_COMMONNESS = re.compile(r"\b(?:common(?:ly|est)?|uncommon|rare(?:ly|st)?|infrequent|frequent(?:ly)?|majority|most|predominant|prevalent|usual)\b", re.I)
_WORSE_SURVIVAL = re.compile(r"\b(?:worse|poor(?:er)?|shorter|inferior|adverse|unfavou?rable)\b", re.I)
_CONDITION = re.compile(r"\b(?:in|among|of)\s+(?:the\s+)?(?:patients|tumou?rs|cases|adenocarcinomas|nsclcs?|samples|those)\b[^,;]{0,60}$", re.I)


def extract(view: View) -> list[Claim]:
    """Claims of biology in one sentence."""
    if view.role == OUTSIDE:
        return []
    claims = [*pairs.extract(view)]
    paired = [c.start for c in view.sense("cooccur", "exclusive")] or [view.start] if claims else []
    claims += prevalence.extract(view, beside=paired)
    if view.is_aim or view.role == METHODS:
        return [c for c in claims if c.figures]
    claims += _driver(view)
    claims += _features(view)
    return claims


def _driver(view: View) -> Iterator[Claim]:
    cues = [c for c in view.sense("driver") if not _in_name(view, c) and not _excluded_driver(view, c)]
    if not cues:
        return
    subjects = [s for s in frames.affirmed(view.subjects) if s.gene and s.alteration != "wild-type" and not _excluded_subject(view, s)]
    if not subjects and view.role != TITLE:
        subjects = _kinases(view) or (frames.carried_subjects(view) if frames.points_back(view) else [])
    if not subjects:
        return
    span = (subjects[0].start, subjects[-1].end)
    cue = min(cues, key=lambda c: frames.distance((c.start, c.end), span))
    clause = view.clause(cue.start)
    local = [s for s in subjects if clause[0] <= s.start < clause[1]] or subjects
    stance = frames.stance_at(view, cue.start, cue.end)
    yield from build(view, ClaimType.DRIVER_ROLE, "biology.driver", subjects=distinct(local), stance=stance, confidence=0.6)


_NOT_A_DRIVER = re.compile(r"(?:[-–‐]|\b(?:without|lack\w*|other|no|absence of|concurrent|known|canonical|single|one|target(?:ing|ed)?|first|second)\s+(?:\w+\s+){0,2})$", re.I)


def _excluded_driver(view: View, cue: tuple[int, int, str]) -> bool:
    """A driver that is spoken of as a class of others, or as a word of a compound (``fusion-driven``)."""
    text = view.document.text
    if _NOT_A_DRIVER.search(text[max(view.start, cue[0] - 40) : cue[0]]):
        return True
    if not _DRIVER_NOUN.match(text[cue[0] : cue[1] + 24]):
        return False
    return not any(frames.distance((s.start, s.end), (cue[0], cue[1])) <= 20 for s in view.subjects)


_DRIVER_NOUN = re.compile(r"(?:oncogenic\s+)?drivers?\s+(?:gene\s+)?(?:mutation|alteration|gene|oncogene)|oncogenic\s+driver", re.I)


def _excluded_subject(view: View, subject: Subject) -> bool:
    """A subject that the driver word does not describe: it stands in a clause of its own, far away."""
    return not view.has("driver", within=view.clause(subject.start)) and len(view.clauses) > 1


def _kinases(view: View) -> list[Subject]:
    kinases = view.document.lexicon.kinases
    return [s for s in _genes(view) if s.gene in kinases or any(m in kinases for m in view.document.lexicon.members(s.gene or ""))]


def _genes(view: View) -> list[Subject]:
    return [Subject(m.start, m.end, m.name, mention=m) for m in view.of(Label.GENE) if m.name and m.polarity is not Polarity.NEGATED]


def _in_name(view: View, cue: tuple[int, int, str]) -> bool:
    return any(m.start <= cue[0] and cue[1] <= m.end for m in view.mentions if m.label in (Label.DRUG, Label.DRUG_CLASS, Label.GENE, Label.ASSAY))


def _features(view: View) -> Iterator[Claim]:
    features = [c for c in view.sense("feature") if not _in_mention(view, c)]
    relations = view.sense("associate", "nodiff")
    if not features or agents(view) or view.has("safetycore", "resist") or view.of(Label.DRUG):
        return
    if not relations and not _smoking(features, view):
        return
    for clause in view.clauses:
        inside = [c for c in features if clause[0] <= c.start < clause[1]]
        related = [c for c in relations if clause[0] <= c.start < clause[1]]
        if inside and (related or _smoking(inside, view)):
            yield from _feature_claims(view, clause, inside, related)


def _feature_claims(view: View, clause: tuple[int, int], features: list, relations: list) -> Iterator[Claim]:  # type: ignore[type-arg]
    subjects = [s for s in frames.affirmed(view.subjects) if s.gene and s.alteration not in ("expression", "wild-type")]
    subjects = [s for s in subjects if clause[0] <= s.start < clause[1]] or subjects
    if not subjects and not (frames.points_back(view) or _COMPARES.search(view.text)):
        return
    subjects = distinct(subjects) or frames.carried_subjects(view)
    if not subjects:
        return
    figures, n = _survival_figures(view)
    nodiff = [c for c in relations if c.sense == "nodiff"] or [c for c in view.sense("nodiff") if c.start > clause[1] and len(view.clauses) < 4]
    relation = (relations or features)[0]
    stance = DENIED if nodiff else frames.stance_at(view, relation.start, relation.end)
    outcome = any(view.document.text[c.start : c.end].lower().startswith(("prognos", "surviv", "overall", "median")) for c in features)
    significance = ("Poor Outcome" if _WORSE_SURVIVAL.search(view.text) else "Better Outcome") if outcome and stance[0] is Direction.SUPPORTS else None
    yield from build(
        view, ClaimType.CLINICAL_FEATURES_ASSOCIATION, "biology.features", subjects=subjects, stance=stance, figures=figures, n=n,
        confidence=0.55, significance=significance,
    )  # fmt: skip


_COMPARES = re.compile(r"\b(?:positive|negative|mutated|mutant|rearranged|fusion|carriers?|harbou?r\w*|patients were|all were)\b", re.I)


def _in_mention(view: View, cue: tuple[int, int, str]) -> bool:
    labels = (Label.DISEASE, Label.DRUG_CLASS, Label.DRUG, Label.MEASURE)
    return any(m.start <= cue[0] and cue[1] <= m.end for m in view.of(*labels))


def _smoking(features: list, view: View) -> bool:  # type: ignore[type-arg]
    return any(re.match(r"smok|nonsmok|never|female|male|wom|men|young|old", view.document.text[c.start : c.end], re.I) for c in features)


def _survival_figures(view: View) -> tuple[dict[str, float | int | str], int | None]:
    figures: dict[str, float | int | str] = {}
    for mention, measure in frames.measures(view, "OS_months", "PFS_months", "HR"):
        if measure.value is not None:
            figures.setdefault(measure.metric, measure.value)
    for mention, measure in frames.measures(view, "value_percent", "n_pos"):
        if measure.n is not None and measure.total:
            return {**figures, "n_pos": measure.n, "N": measure.total}, measure.total
    return figures, frames.cohort_of(view, (view.start, view.start + 1))
