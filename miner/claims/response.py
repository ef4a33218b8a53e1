"""Does a therapy work: sensitivity and response, immunotherapy, combinations, resistance overcome."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from miner.claims import cohorts, frames
from miner.claims.document import BARE_CLASS, METHODS, OUTSIDE, RESULTS, TITLE, Subject, View, agents, stands_for, therapies, therapy_role
from miner.claims.frames import AGAINST, DENIED, HEDGED, SUPPORTS, Stance, build, names
from miner.claims.senses import Cue
from miner.schema import Claim, ClaimType, Direction, Label, Measure, Mention, Polarity, StudyType

RATES = ("ORR_percent", "CR_percent", "n_resp", "CR", "PR", "SD", "PD", "IC_DCR_percent", "IC_ORR_percent", "DCR_percent")
TIMES = ("DoR_months", "PFS_months", "OS_months", "HR")
METRICS = RATES + TIMES
_RESISTANT = re.compile(r"[-\s](?:resistant|refractory)\b|\bresistan(?:t|ce) to\b|\brefractory to\b|\b(?:progress(?:ed|ion(?!-free)|ing)|relapsed|failed)\b[^.;]{0,30}\b(?:on|after|following|to)\b", re.I)
_CASE = re.compile(r"\b(partial response|complete response|progressive disease|stable disease|disease control|clinical benefit|regress\w+|respon\w+|shrink\w+|shrank|shrunk|progress\w+)\b", re.I)


def extract(view: View) -> list[Claim]:
    """Claims of response in one sentence, from its figures where it has some, else from its words."""
    if view.role == OUTSIDE:
        return []
    measured = list(_measured(view))
    if measured:
        return measured
    if view.is_aim or view.role == METHODS or (view.role == TITLE and not _title_asserts(view)):
        return []
    return list(_stated(view))


def _title_asserts(view: View) -> bool:
    """A title asserts where it has a finite verb, tells of a case, or is all there is."""
    return len(view.document.views) == 1 or view.document.study_type == StudyType.CASE_REPORT or bool(_FINITE.search(view.text))


_FINITE = re.compile(r"\b(?:is|are|was|were|has|have|inhibits?|overcomes?|shows?|predicts?|responds?|improves?|confers?|demonstrates?|induces?|benefits?)\b", re.I)


def claim_type(view: View, given: list[Mention], subjects: list[Subject], *, stated: bool) -> ClaimType:
    """The type of a response claim: by the therapies, then by what they are given against."""
    if combined(view, given):
        return ClaimType.COMBINATION_THERAPY
    if frames.is_checkpoint(view, given):
        return ClaimType.IMMUNOTHERAPY_OUTCOME
    if any(s.variant in view.document.called_resistant for s in subjects if s.variant):
        return ClaimType.OVERCOMES_RESISTANCE
    if stated and _RESISTANT.search(view.text) and len(given) < len(therapies(view)):
        return ClaimType.OVERCOMES_RESISTANCE
    return ClaimType.SENSITIVITY_RESPONSE


def combined(view: View, given: list[Mention]) -> list[Mention]:
    """Therapies given together: joined by "plus", "with", "combined with" (and what is listed with them), or named as a combination."""
    text = view.document.text
    for index, (first, second) in enumerate(pairwise(given)):
        if first.name != second.name and first.end < second.start and _JOINT.fullmatch(text[first.end : second.start]):
            members = [first, second]
            for extra in given[index + 2 :]:
                if len(text[members[-1].end : extra.start]) > 8 or extra.start < members[-1].end:
                    break
                members.append(extra)
            return members
    if len({m.name for m in given}) > 1 and _COMBINATION_OF.search(text[max(0, given[0].start - 60) : given[0].start]):
        return given
    return []


_JOINT = re.compile(
    r"\s*(?:\([^)]{0,40}\)\s*)?(?:(?:plus|\+|±|with|combined with|(?:was |were )?(?:given |used )?in combination with|together with|added to|and concurrent|with concurrent)"
    r"(?:\s+(?:the|an?|either|concurrent|standard))?)\s*",
    re.I,
)
_COMBINATION_OF = re.compile(r"\b(?:combin(?:ation|ing|ed)|addition|dual)\b[^.;,]{0,45}$", re.I)


def _measured(view: View) -> Iterator[Claim]:
    groups: dict[tuple[tuple[str, ...], tuple[int, int] | None, int], list[tuple[Mention, Measure]]] = {}
    found = [f for f in frames.measures(view, *METRICS) if f[1].metric not in ("SD", "PD") or _counts_outcomes(view)]
    if not agents(view) and _compares_carriers(view):
        found = [f for f in found if f[1].metric not in TIMES]
    if view.has("preclinical"):
        found = [f for f in found if f[1].metric not in TIMES]
    if not found or (view.is_aim and view.role != "aim" and not any(m.metric in RATES for _, m in found)):
        return
    for mention, measure in found:
        given = _given(view, mention, measure)
        key = (names(view, given), _subject_item(view, measure))
        slot = 0
        while any(m.metric == measure.metric for _, m in groups.get((*key, slot), [])):
            slot += 1
        groups.setdefault((*key, slot), []).append((mention, measure))
    for (given_names, item, _), members in groups.items():
        yield from _measured_claims(view, given_names, item, members)


def _compares_carriers(view: View) -> bool:
    """Does the sentence set carriers of an alteration against others, so that survival is a feature of theirs?"""
    return bool(view.subjects) and bool(_GROUPS.search(view.text))


def _counts_outcomes(view: View) -> bool:
    """Does the sentence count outcomes, so that progressed patients are one of them?"""
    return bool(_OUTCOMES.search(view.text)) and not view.is_aim


_OUTCOMES = re.compile(r"\b(?:stable disease|partial|complete response|respons\w+|respond\w+|disease control|had progressive disease|progressed on)\b", re.I)


def _given(view: View, mention: Mention, measure: Measure) -> list[Mention]:
    """Therapies of one figure: what "respectively" or apposition ties it to, else the nearest given."""
    if measure.item:
        tied = [m for m in view.of(Label.DRUG, Label.DRUG_CLASS) if m.start < measure.item[1] and measure.item[0] < m.end]
        if tied:
            return tied
    local = agents(view, view.clause(mention.start)) or agents(view)
    if local:
        return combined(view, local) or local
    titled = view.document.focus_drugs if view.document.title and agents(view.document.title) else []
    carried = frames.carried_therapies(view)
    if titled and {m.name for m in carried} <= {m.name for m in titled}:
        return combined(view, titled) or titled
    return combined(view, carried) or carried


def _subject_item(view: View, measure: Measure) -> tuple[int, int] | None:
    if not measure.item:
        return None
    tied = any(s.start < measure.item[1] and measure.item[0] < s.end for s in view.subjects)
    genes = any(m.start < measure.item[1] and measure.item[0] < m.end for m in view.of(Label.GENE))
    return measure.item if tied or genes else None


def _measured_claims(
    view: View, given_names: tuple[str, ...], item: tuple[int, int] | None, members: list[tuple[Mention, Measure]]
) -> Iterator[Claim]:
    span = (members[0][0].start, members[-1][0].end)
    subjects = _item_subjects(view, item) or frames.subjects_for(view, span)
    given = [m for m in view.document.reading.mentions if m.name in given_names and m.label in (Label.DRUG, Label.DRUG_CLASS)]
    local = [m for m in given if view.start <= m.start < view.end] or given[:1]
    if not given_names and not any(m.metric in RATES for _, m in members):
        return
    figures = figures_of(members)
    n = cohorts.response_population(view, members, given_names)
    if n and any(m.metric in RATES for _, m in members):
        figures["N"] = n
    stance = _figure_stance(view, span, members)
    type_ = claim_type(view, local, subjects, stated=False)
    warnings = tuple(w for _, m in members for w in m.warnings)
    yield from build(
        view, type_, "response.measured", subjects=subjects, therapies=given_names, stance=stance, figures=figures, n=n,
        confidence=0.8, warnings=warnings,
    )  # fmt: skip


def _item_subjects(view: View, item: tuple[int, int] | None) -> list[Subject]:
    if not item:
        return []
    tied = [s for s in view.subjects if s.start < item[1] and item[0] < s.end and s.gene]
    if tied:
        return tied
    genes = [m for m in view.of(Label.GENE) if m.start < item[1] and item[0] < m.end]
    kind = next((s.alteration for s in view.document.subjects if s.alteration), "fusion")
    return [Subject(m.start, m.end, m.name, alteration=kind, mention=m) for m in genes]


def figures_of(members: list[tuple[Mention, Measure]]) -> dict[str, float | int | str]:
    """Figures of a claim from measures that belong together; a rate inside the skull is a response rate of its site."""
    figures: dict[str, float | int | str] = {}
    for _, measure in members:
        metric = "ORR_percent" if measure.metric == "IC_ORR_percent" else measure.metric
        if metric != measure.metric:
            figures["site"] = "intracranial"
        if measure.value is not None:
            figures.setdefault(metric, measure.value)
        if measure.metric in RATES and measure.n is not None and metric in ("ORR_percent", "n_resp"):
            figures.setdefault("n_resp", measure.n)
    return figures


def _figure_stance(view: View, span: tuple[int, int], members: list[tuple[Mention, Measure]]) -> Stance:
    clause = view.clause(span[0])
    rates = {m.metric: m.value for _, m in members}
    if rates and set(rates) <= {"SD", "PD"}:
        return AGAINST
    if rates.get("ORR_percent") == 0 or rates.get("n_resp") == 0:
        return DENIED
    ratio = next((m for _, m in members if m.metric == "HR"), None)
    if ratio is not None and (found := _ratio_stance(ratio)) != SUPPORTS:
        return found
    if any(_differs_not(view, c) for c in view.sense("nodiff", within=clause)):
        return DENIED
    if view.has("unknown", within=clause) or re.search(r"\bless clear\b", view.text):
        return HEDGED
    return SUPPORTS


def _ratio_stance(ratio: Measure) -> Stance:
    """A hazard ratio whose interval holds 1 shows no difference; one above 1 speaks against the therapy."""
    if not isinstance(ratio.value, int | float):
        return SUPPORTS
    if ratio.ci and ratio.ci[0] <= 1 <= ratio.ci[1]:
        return DENIED
    return AGAINST if ratio.value > 1 else SUPPORTS


_NO_DENIAL = re.compile(r"^(?:irrespective|regardless|independent|similar|comparable|not depend|not related)", re.I)
_GROUPS = re.compile(r"\b(?:wild[- ]type|without|negative|non-?mutated|unmutated|other mutations)\b|\w-\s(?:cohort|patients)", re.I)


def _differs_not(view: View, cue: Cue) -> bool:
    """Does the cue deny a difference that would have been the response? Likeness of two drugs denies nothing."""
    text = view.document.text[cue.start : cue.end]
    if not _NO_DENIAL.match(text):
        return True
    return text.lower() in ("similar", "comparable") and bool(_GROUPS.search(view.text)) and len({m.name for m in agents(view)}) < 2


def _stated(view: View) -> Iterator[Claim]:
    """Claims that words alone make, one for each clause that has a trigger and a therapy that it speaks of."""
    done: set[tuple[str, ...]] = set()
    for clause in view.clauses:
        cues = [c for c in view.sense(*TRIGGERS, within=clause) if not _inside_mention(view, c) and not _no_response(view, c)]
        if not cues:
            continue
        given = _spoken_of(view, clause, cues)
        if not given or names(view, given) in done or _too_general(view, clause, given):
            continue
        done.add(names(view, given))
        yield from _stated_claims(view, clause, cues, given)


GENERAL = frozenset(
    {"targeted therapy", "standard of care", "monoclonal antibodies", "radiotherapy", "surgery", "local therapy", BARE_CLASS, "kinase inhibitors"}
)


def _too_general(view: View, clause: tuple[int, int], given: list[Mention]) -> bool:
    """Therapies of no particular target, and no alteration in the clause: the sentence asserts nothing of either."""
    if {view.document.class_meant(m.name or "") for m in given} - GENERAL:
        return False
    return not any(s.gene for s in view.subjects if clause[0] <= s.start < clause[1])


def _spoken_of(view: View, clause: tuple[int, int], cues: list[Cue]) -> list[Mention]:
    """Therapies that the triggers of a clause speak of: before them, or after them behind a preposition; else carried over."""
    local = agents(view, clause)
    given = [m for m in local if any(_related(view, m, c) for c in cues)]
    if given:
        return given
    if local:
        return []
    wide = [m for m in agents(view) if m.end <= clause[0]]
    if wide:
        return wide
    if therapies(view) or not _speaks_of_response(view, cues):
        return []
    return frames.carried_therapies(view)


def _related(view: View, mention: Mention, cue: Cue) -> bool:
    if mention.end <= cue.start:
        return True
    gap = view.document.text[cue.end : mention.start]
    return len(gap) <= 90 and bool(_TO_THERAPY.search(gap))


_TO_THERAPY = re.compile(r"\b(?:to|with|from|of|on|by|after|under|following|during|using|receiving|given|than)\b", re.I)
TRIGGERS = ("respond", "active", "benefit", "sensitive", "inhibit", "worse", "nodiff")
_NO_RESPONSE = re.compile(r"^\s*(?:evaluation|criteria|assessment|according|element|to treatment (?:was|were) assessed)", re.I)
_OTHER_RESPONSE = re.compile(r"\b(?:immune|dose|stress|dna damage|inflammatory|antibody|physiological|treatment)[\s-]+$", re.I)


def _no_response(view: View, cue: Cue) -> bool:
    """A response of another kind: immune response, Response Evaluation Criteria."""
    text = view.document.text
    return cue.sense == "respond" and bool(_NO_RESPONSE.match(text[cue.end : cue.end + 30]) or _OTHER_RESPONSE.search(text[max(0, cue.start - 20) : cue.start]))


def _inside_mention(view: View, cue: tuple[int, int, str]) -> bool:
    return any(m.start <= cue[0] and cue[1] <= m.end for m in view.mentions if m.label in (Label.DRUG, Label.DRUG_CLASS, Label.MEASURE, Label.ASSAY))


def _speaks_of_response(view: View, cues: list[Cue]) -> bool:
    return view.role in (RESULTS, TITLE, "body", "conclusions") and any(c.sense == "respond" for c in cues)


def _stated_claims(view: View, clause: tuple[int, int], cues: list[Cue], given: list[Mention]) -> Iterator[Claim]:
    subjects = answered(view, clause, given) or frames.subjects_for(view, clause)
    given = [drug for m in given for drug in stands_for(view, m)]
    given = combined(view, given) or given
    type_ = claim_type(view, given, subjects, stated=True)
    if type_ is ClaimType.SENSITIVITY_RESPONSE and answered(view, clause, given):
        type_ = ClaimType.OVERCOMES_RESISTANCE
    stance = stated_stance(view, clause, cues)
    figures = _case_figures(view, clause, stance)
    case = view.document.study_type == StudyType.CASE_REPORT and not frames.is_background(view) and stance[1] is not Polarity.HEDGED
    yield from build(
        view, type_, "response.stated", subjects=subjects, therapies=names(view, given), stance=stance, figures=figures,
        n=1 if case else None, confidence=0.6,
    )  # fmt: skip


def answered(view: View, clause: tuple[int, int], given: list[Mention]) -> list[Subject]:
    """Mechanisms told just before that a new therapy is given against, where the clause names no subject of its own."""
    if any(s.gene for s in view.subjects if clause[0] <= s.start < clause[1]) or frames.is_background(view):
        return []
    told = view.document.mechanisms(view)
    lost = view.document.defeated_by(told)
    new = {view.document.class_meant(m.name or "") for m in given} - lost
    return told if new and lost and view.document.study_type in (StudyType.CASE_REPORT, StudyType.PRECLINICAL) else []


def stated_stance(view: View, clause: tuple[int, int], cues: list[Cue]) -> Stance:
    """Stance of a clause from its cues: what denies, what fails, what is hedged."""
    positive = [c for c in cues if c.sense in ("respond", "active", "benefit", "sensitive", "inhibit")]
    stances = [frames.stance_at(view, c.start, c.end) for c in positive]
    if DENIED in stances or any(_differs_not(view, c) for c in cues if c.sense == "nodiff"):
        return DENIED
    worse = [c for c in cues if c.sense == "worse" and not _only_when(view, c)]
    if worse and not [c for c in positive if c.sense in ("benefit", "respond")] and view.role != TITLE:
        failed = frames.stance_at(view, worse[0].start, worse[0].end)
        return SUPPORTS if failed == DENIED else (Direction.DOES_NOT_SUPPORT, failed[1])
    if view.has("unknown", within=clause):
        return frames.OPEN
    return next((s for s in (HEDGED, frames.OPEN) if s in stances), SUPPORTS)


_WHEN = re.compile(r"\b(?:after|beyond|until|following|on|at|to|upon|before|during|experienced?|had|with|without|first|whose disease)\s+(?:\w+\s+)?$", re.I)


def _only_when(view: View, cue: Cue) -> bool:
    """Progression that tells when, or who, and not what the therapy did."""
    text = view.document.text
    if not text[cue.start : cue.end].lower().startswith("progress"):
        return False
    return text[cue.end : cue.end + 5].lower() == "-free" or bool(_WHEN.search(text[max(view.start, cue.start - 25) : cue.start]))


def _case_figures(view: View, clause: tuple[int, int], stance: Stance) -> dict[str, float | int | str]:
    if str(view.document.study_type) != "case_report" or stance[1] is Polarity.HEDGED or frames.is_background(view):
        return {}
    found = _CASE.search(view.document.text[clause[0] : clause[1]])
    return {"case_response": found.group(1).lower()} if found else {}


def defeated(view: View) -> list[Mention]:
    """Therapies that the sentence says are resisted or were given before."""
    return [m for m in therapies(view) if therapy_role(view.document, m) == "prior"]
