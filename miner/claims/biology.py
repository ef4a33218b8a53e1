"""What an alteration is: driver, how often, what it goes with and what it excludes, and whom it meets."""

from __future__ import annotations

import re
from collections.abc import Iterator

from miner.claims import cohorts, frames
from miner.claims.document import METHODS, OUTSIDE, TITLE, Subject, View, agents, distinct
from miner.claims.frames import AGAINST, DENIED, build
from miner.schema import Claim, ClaimType, Direction, Label, Measure, Mention, Polarity

_COMMONNESS = re.compile(r"\b(?:common(?:ly|est)?|uncommon|rare(?:ly|st)?|infrequent|frequent(?:ly)?|majority|most|predominant|prevalent|usual)\b", re.I)
_WORSE_SURVIVAL = re.compile(r"\b(?:worse|poor(?:er)?|shorter|inferior|adverse|unfavou?rable)\b", re.I)
_CONDITION = re.compile(r"\b(?:in|among|of)\s+(?:the\s+)?(?:patients|tumou?rs|cases|adenocarcinomas|nsclcs?|samples|those)\b[^,;]{0,60}$", re.I)


def extract(view: View) -> list[Claim]:
    """Claims of biology in one sentence."""
    if view.role == OUTSIDE:
        return []
    claims = [*_pairs(view)]
    paired = bool(claims)
    if not paired:
        claims += _prevalence(view)
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


def _prevalence(view: View) -> Iterator[Claim]:
    figures = list(frames.measures(view, "value_percent", "n_pos"))
    for mention, measure in figures:
        clause = view.clause(mention.start)
        if not _FOUND.search(view.document.text[clause[0] : clause[1]]) or _other_count(view, clause):
            continue
        values, n = _prevalence_figures(view, mention, measure)
        subjects = _counted(view, mention, measure) if set(values) != {"n_pos"} else []
        if not subjects:
            continue
        stance = DENIED if measure.value == 0 or measure.n == 0 else frames.SUPPORTS
        yield from build(
            view, ClaimType.PREVALENCE, "biology.prevalence", subjects=subjects, stance=stance, figures=values, n=n, confidence=0.75,
            warnings=measure.warnings,
        )  # fmt: skip
    if not figures and not view.is_aim and view.role != METHODS:
        yield from _commonness(view)


_FOUND = re.compile(
    r"\b(?:found|detected|identified|present|harbou?r\w*|carr(?:y|ied|ies|ying)|occur\w*|observed|frequenc\w+|prevalence|incidence|account\w*|"
    r"rates?|positiv\w+|mutated|mutant|mutations?|rearrange\w+|fusions?|had|have|showed|comprise\w*|revealed|made up|make up|cases|common\w*|rare\w*|wild[- ]type|seen)\b",
    re.I,
)


def _other_count(view: View, clause: tuple[int, int]) -> bool:
    """Does the figure count responders, events or resistant samples, and not carriers?"""
    return view.has("respond", "outcome", "safetycore", within=clause) or view.has("resist") and bool(_FAILED.search(view.text))


_FAILED = re.compile(r"\b(?:post-\w+|resistan(?:t|ce)|at progression|after progression)\b", re.I)


def _counted(view: View, mention: Mention, measure: Measure) -> list[Subject]:
    """The alteration that a figure counts: tied by "respectively", or the nearest one that is not the population."""
    if measure.item:
        tied = [s for s in view.subjects if s.start < measure.item[1] and measure.item[0] < s.end and s.gene]
        if tied:
            return tied
    clause = view.clause(mention.start)
    local = [s for s in view.subjects if s.gene and clause[0] <= s.start < clause[1]] or [s for s in view.subjects if s.gene]
    local = [s for s in local if s.alteration != "wild-type" and not _is_population(view, s)] or local
    if not local:
        return frames.carried_subjects(view) if view.has("frequency") and not agents(view) and _refers_back(view) else []
    first = frames.nearest(local, (mention.start, mention.end), before_bonus=8)[0]
    return [s for s in local if s.start == first.start or _coordinated(view, first, s)]


def _refers_back(view: View) -> bool:
    return frames.points_back(view) or bool(view.sense("detect")) or bool(re.search(r"\b(?:positive|fusions?|mutations?|rearrangements?)\b", view.text))


def _is_population(view: View, subject: Subject) -> bool:
    before = view.document.text[max(view.start, subject.start - 40) : subject.start]
    return bool(_CONDITION.search(before + ""))


def _coordinated(view: View, one: Subject, other: Subject) -> bool:
    first, second = sorted((one, other), key=lambda s: s.start)
    gap = view.document.text[first.end : second.start]
    return len(gap) < 25 and bool(re.fullmatch(r"[\s,/]*(?:and|or|and/or|,)?\s*(?:\w+[-\s])?", gap)) and not re.search(r"\d", gap)


def _prevalence_figures(view: View, mention: Mention, measure: Measure) -> tuple[dict[str, float | int | str], int | None]:
    values: dict[str, float | int | str] = {}
    if measure.value is not None and measure.metric == "value_percent":
        values["value_percent"] = measure.value
    if measure.metric == "n_pos" and measure.value is not None and measure.n is None:
        values["n_pos"] = measure.value
    if measure.n is not None:
        values["n_pos"] = measure.n
    total = cohorts.prevalence_population(view, mention, measure)
    if total:
        values["N"] = total
    return values, total


def _commonness(view: View) -> Iterator[Claim]:
    found = _COMMONNESS.search(view.text)
    if not found or not view.of(Label.DISEASE, Label.COHORT) or agents(view) or view.has("safety", "resist", "feature", "approve"):
        return
    position = view.start + found.start()
    clause = view.clause(position)
    subjects = [s for s in frames.affirmed(view.subjects) if s.gene and clause[0] <= s.start < clause[1] and s.kind != "wild-type"]
    if subjects:
        stance = frames.stance_at(view, position, position + 4)
        yield from build(view, ClaimType.PREVALENCE, "biology.commonness", subjects=distinct(subjects), stance=stance, confidence=0.5)


def _pairs(view: View) -> Iterator[Claim]:
    """Mutual exclusivity and co-occurrence: the subjects stand together in one claim."""
    exclusive, together = view.sense("exclusive"), view.sense("cooccur")
    if not exclusive and not together:
        return
    subjects = distinct([s for s in view.subjects if s.gene])
    known = {s.gene for s in subjects}
    listed = [s for s in _genes(view) if s.gene not in known and not _part_of_fusion(view, s)] if exclusive else []
    subjects = distinct([*subjects, *listed])
    genes = {s.gene for s in subjects}
    if len(subjects) < 2 or (exclusive and not genes.intersection(s.gene for s in view.document.focus)):
        subjects = distinct([*subjects, *frames.carried_subjects(view)])
        genes = {s.gene for s in subjects}
    if not subjects:
        return
    if exclusive:
        cue = exclusive[0]
        stance = frames.stance_at(view, cue.start, cue.end) if not re.match(r"no|not|lack|absence|without|less|rarely|had no|depletion", view.document.text[cue.start : cue.end], re.I) else frames.SUPPORTS
        stance = AGAINST if stance == DENIED else stance
        if view.is_aim and view.role != TITLE:
            return
        yield from build(view, ClaimType.MUTUAL_EXCLUSIVITY, "biology.exclusive", subjects=subjects, stance=stance, joint=True, confidence=0.7)
        return
    if len(genes) < 2 and len({(s.fusion, s.variant, s.alteration) for s in subjects}) < 2 and not _SIGNATURE.search(view.text):
        return
    if view.is_aim and not frames.measures(view, "value_percent", "n_pos"):
        return
    yield from _together(view, subjects, together[0])


_SIGNATURE = re.compile(r"\bMSI(?:-H)?\b|microsatellite instability|mismatch repair|\bTMB-?H", re.I)


def _part_of_fusion(view: View, subject: Subject) -> bool:
    return any(m.start <= subject.start and subject.end <= m.end for m in view.of(Label.FUSION, Label.VARIANT, Label.DRUG_CLASS, Label.ASSAY))


def _together(view: View, subjects: list[Subject], cue: tuple[int, int, str]) -> Iterator[Claim]:
    stance = frames.stance_at(view, cue[0], cue[1])
    figures = list(frames.measures(view, "value_percent", "n_pos"))
    if stance == DENIED:
        yield from build(view, ClaimType.MUTUAL_EXCLUSIVITY, "biology.never_together", subjects=subjects, joint=True, confidence=0.6)
        return
    for mention, measure in figures or [(None, None)]:  # type: ignore[list-item]
        values, n = _prevalence_figures(view, mention, measure) if measure else ({}, None)
        yield from build(
            view, ClaimType.CO_OCCURRENCE, "biology.together", subjects=subjects, stance=stance, figures=values, n=n, joint=True, confidence=0.65
        )  # fmt: skip


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
