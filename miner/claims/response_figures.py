"""How well a therapy works, in figures: rates, counts and times that belong together are one claim."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

from miner.claims import arms, cohorts, failures, frames, gene_lists, outcomes, subgroups, trial, uncounted, whose
from miner.claims.claim_types import MECHANISMS, RESISTANCE_KINDS, combined, failed_type, family, response_type
from miner.claims.document import BODY, CONCLUSIONS, RESULTS, Subject, View, distinct, tied
from miner.claims.effect_rules import shape
from miner.claims.frames import AGAINST, DENIED, HEDGED, SUPPORTS, Stance, build, names
from miner.claims.senses import Cue
from miner.claims.therapy import agents, therapy_role
from miner.schema import Claim, ClaimType, Direction, Label, Measure, Mention, Polarity, StudyType

COUNTS = {"CR_percent": "CR", "PR_percent": "PR", "SD_percent": "SD", "PD_percent": "PD"}
RATES = ("ORR_percent", "CR_percent", "n_resp", "CR", "PR", "SD", "PD", "IC_DCR_percent", "IC_ORR_percent", "DCR_percent", *COUNTS)
TIMES = ("DoR_months", "PFS_months", "OS_months", "HR")
METRICS = RATES + TIMES
PROCEDURES = frozenset(
    {"radiotherapy", "surgery", "local therapy", "stereotactic body radiation therapy", "corticosteroids", "prednisone", "dexamethasone"}
)
LOW_PERCENT = 10.0
_COUNTED_UNKNOWN = re.compile(r"\s*(?:in|for|:|=)?\s*\(?(?:n\s*=\s*)?\d")
_RESPONSES = frozenset({"ORR_percent", "n_resp", "CR", "PR", "CR_percent", "PR_percent"})
_MEDIANS = ("DoR_months", "PFS_months", "OS_months")
_OF_PLACE = {"ORR_percent", "IC_ORR_percent"}
_UNTOLD = ("PR_percent", "SD_percent", "PD_percent")
Item = tuple[Mention, Measure]


class Key(NamedTuple):
    """What figures of one claim have in common."""

    given: tuple[str, ...]
    arm: trial.Arm | None
    subgroup: subgroups.Subgroup | None
    item: tuple[int, int] | None
    verdict: Stance | None
    comparator: bool = False
    slot: int = 0


def measured(view: View) -> Iterator[Claim]:
    """Claims of the figures of a sentence."""
    found = [f for f in frames.measures(view, *METRICS) if f[1].metric[:2] not in ("SD", "PD") or _counts_outcomes(view)]
    found = [f for f in found if not uncounted.too_long(f[1]) and not uncounted.of_unassessed(view, *f)]
    found = [f for f in found if f[1].metric not in TIMES or not uncounted.of_time(view.document.text[view.start : f[0].start])]
    found = [f for f in found if f[1].metric != "DCR_percent" or not uncounted.of_one_place(view, f[1])]
    found = [f for f in found if not uncounted.of_ungiven(view, f[0], found) and not uncounted.of_responders(view, f[1])]
    found = [f for f in found if not uncounted.of_opposite(view, f[0]) and not uncounted.of_untreated(view, f[0])]
    found = [f for f in found if not _did_not_respond(view, *f) and (trial.design(view.document) or not arms.of_control(view, *f, found))]
    if view.says("response_figures.how_often"):
        found = [f for f in found if f[1].metric not in RATES]
    if not found or view.says("response_figures.planned") or view.tells(trial.rules(), "defined"):
        return
    if not agents(view) and view.says("response_figures.factors"):
        found = [f for f in found if f[1].metric not in TIMES]
    if not agents(view) and _compares_carriers(view):
        found = [f for f in found if f[1].metric not in TIMES]
    if view.has("preclinical"):
        found = [f for f in found if f[1].metric not in TIMES]
    if not found or (view.is_aim and view.role != "aim" and not any(m.metric in RATES for _, m in found)):
        return
    groups: dict[Key, list[Item]] = {}
    for mention, measure in found:
        key = _key(view, mention, measure, found)
        slot = 0
        same = {measure.metric} | (_OF_PLACE if measure.metric in _OF_PLACE else set())
        while any(m.metric in same for _, m in groups.get(key._replace(slot=slot), [])):
            slot += 1
        groups.setdefault(key._replace(slot=slot), []).append((mention, measure))
    for key, members in groups.items():
        yield from _measured_claims(view, key, members)


def _key(view: View, mention: Mention, measure: Measure, found: list[Item]) -> Key:
    """What a figure is of: its arm or therapies, its subgroup or item."""
    subgroup = subgroups.of_figure(view, mention, measure, found)
    arm = arms.placed(view, mention, measure, found, apart=subgroup is not None)
    given = trial.given_in(arm) if arm else arms.arm(view, mention, measure, found) or _own_given(view, mention, measure, found)
    given = given if arm else [drug for m in given for drug in arms.consists_of(view.document, m)]
    verdict = arms.verdict(view, mention, measure, found) if arm else None
    if verdict == SUPPORTS and arm and arm.given:
        verdict = None
    item = None if subgroup else _subject_item(view, mention, measure)
    return Key(names(view, given), arm, subgroup, item, verdict, not arm and _of_comparator(view, mention, measure, found, given))


def _of_comparator(view: View, mention: Mention, measure: Measure, found: list[Item], given: list[Mention]) -> bool:
    """Is a figure the second of a pair, of what a therapy did not improve upon: "A failed to prolong PFS over B (9 vs 10 months)"?"""
    failed = [c for c in view.sense("nodiff") if shape("effects.fails").match(view.document.text, c.start)]
    both = arms.pair(view, mention, measure, found) if failed and measure.metric != "HR" else []
    if not both or mention != both[1]:
        return False
    first = next((m, r) for m, r in found if m == both[0])
    tested = arms.arm(view, *first, found) or _own_given(view, *first, found)
    return {m.name for m in tested} != {m.name for m in given}


def _did_not_respond(view: View, mention: Mention, measure: Measure) -> bool:
    """Is it a count of those in whom no response was seen, which words tell better?"""
    anchor = measure.anchor or (mention.start, mention.end)
    return measure.metric == "n_resp" and measure.value != 0 and frames.stance_at(view, *anchor) == DENIED


def _compares_carriers(view: View) -> bool:
    """Does the sentence set carriers of an alteration against others, so that survival is a feature of theirs?"""
    if not view.subjects or not view.says("response_figures.groups"):
        return False
    return view.says("effects.than") or not shape("arms.randomised").search(view.document.text)


def _counts_outcomes(view: View) -> bool:
    """Does the sentence count outcomes, so that progressed patients are one of them?"""
    return view.says("response_figures.outcomes") and not view.is_aim


def _given(view: View, mention: Mention, measure: Measure) -> list[Mention]:
    """Therapies of one figure: what "respectively" or apposition ties it to, else the nearest given."""
    if measure.item:
        tied = [m for m in view.of(Label.DRUG, Label.DRUG_CLASS) if m.start < measure.item[1] and measure.item[0] < m.end]
        tied = [m for m in tied if therapy_role(view.document, m) != "prior"]
        if tied:
            return _with_partners(view, tied)
    if own := _in_turn(view, mention, measure) or arms.apposed(view, mention):
        return own
    titled = view.document.focus_drugs if view.document.title and agents(view.document.title) else []
    local = agents(view, view.clause(mention.start)) or agents(view)
    if base := _without_added(view, mention, measure, local):
        return base
    if local and not _of_classes(view, local, titled):
        return combined(view, local) or local
    carried = frames.carried_therapies(view)
    if _own_drugs(view, titled) and not {m.name for m in titled} & {m.name for m in carried}:
        return titled if len(titled) == 1 else arms.regimen(view.document, titled)
    if titled and ({m.name for m in carried} <= {m.name for m in titled} or _of_classes(view, carried, titled)):
        return arms.regimen(view.document, titled)
    return arms.regimen(view.document, carried)


def _without_added(view: View, mention: Mention, measure: Measure, local: list[Mention]) -> list[Mention]:
    """The regimen that something was added to, of the second of two figures: "adding A to B prolonged survival (12.3 vs 10.3 months)"."""
    text, same = view.document.text, [m for m, _ in frames.measures(view, measure.metric)]
    if len(local) < 2 or len(same) != 2 or mention != same[1] or not shape("arms.against").fullmatch(text, same[0].end, mention.start):
        return []
    added = shape("effects.adding").search(text, view.start, local[0].start)
    return local[1:] if added and shape("effects.added_to").fullmatch(text, local[0].end, local[1].start) else []


def _with_partners(view: View, tied: list[Mention]) -> list[Mention]:
    """A therapy that a figure is tied to with what goes with it: "50% with A plus B and 20% with A", "given A or B, 11% responded"."""
    text, named = view.document.text, view.of(Label.DRUG, Label.DRUG_CLASS)
    gaps = [(a, b, text[a.end : b.start]) for a, b in pairwise(named) if a.end <= b.start]
    joint = {a.start: b for a, b, gap in gaps if shape("claim_types.joint").fullmatch(gap)}
    either = {b.start: a for a, b, gap in gaps if gap.strip() in ("or", "and/or", "/")}
    held = list(tied)
    while (partner := joint.get(held[-1].start)) and partner not in held:
        held.append(partner)
    while (other := either.get(held[0].start)) and other not in held:
        held.insert(0, other)
    return held


def _in_turn(view: View, mention: Mention, measure: Measure) -> list[Mention]:
    """The therapy of a figure where therapies and figures of a kind stand in turn: "A had a rate of 75%, and B of 57%"."""
    same = [m for m, r in frames.measures(view, measure.metric)]
    drugs = [m for m in agents(view) if m.label is Label.DRUG]
    if len(same) < 2 or len(drugs) != len(same) or len({m.name for m in drugs}) < len(drugs) or mention not in same:
        return []
    order = sorted([*same, *drugs], key=lambda m: m.start)
    first = order[0] in drugs
    if any((m in drugs) is not (first is (index % 2 == 0)) for index, m in enumerate(order)):
        return []
    return [drugs[same.index(mention)]]


def _own_given(view: View, mention: Mention, measure: Measure, found: list[Item]) -> list[Mention]:
    """Therapies of one figure, without those that the same kind of figure beside it is of; of a ratio those of the better time."""
    given = _given(view, mention, measure)
    if len(given) < 2 or combined(view, given):
        return given
    ratio = measure.metric == "HR"
    beside = [(r, _given(view, m, r)) for m, r in found if m != mention and (r.metric in _MEDIANS if ratio else r.metric == measure.metric)]
    beside = [(r, held) for r, held in beside if r.item and {m.name for m in held} < {m.name for m in given}]
    if not ratio:
        taken = {m.name for _, held in beside for m in held}
        return [m for m in given if m.name not in taken] or given
    timed = [(float(r.value), held) for r, held in beside if isinstance(r.value, int | float)]
    if len(timed) < 2 or not isinstance(measure.value, int | float) or measure.value >= 1:
        return given
    return max(timed, key=lambda pair: pair[0])[1]


def _own_drugs(view: View, titled: list[Mention]) -> bool:
    """Is the paper's own study one of the drugs of its title?"""
    own = view.document.study_type in (StudyType.TRIAL, StudyType.RETROSPECTIVE_COHORT) and view.role in (RESULTS, BODY, CONCLUSIONS)
    return own and bool(titled) and all(m.label is Label.DRUG for m in titled) and not view.document.on_resistance


def _of_classes(view: View, given: list[Mention], titled: list[Mention]) -> bool:
    """Are these only classes of the drug that the paper is about: what its patients had before, or its own kind?"""
    if not given or len(titled) != 1:
        return False
    own = view.document.lexicon.classes(titled[0].name or "")
    return all(m.label is Label.DRUG_CLASS and view.document.class_meant(m.name or "") in own for m in given)


def _subject_item(view: View, mention: Mention, measure: Measure) -> tuple[int, int] | None:
    alone = view.subjects[0] if len({(s.gene, s.fusion, s.variant, s.alteration) for s in view.subjects}) == 1 else None
    if alone and any(r.item and alone.start < r.item[1] and r.item[0] < alone.end for _, r in frames.measures(view)):
        return (alone.start, alone.end)  # whichever figure stands beside it, there is but one
    if not measure.item:
        return subgroups.behind(view, mention, frames.measures(view, measure.metric))
    tied = any(s.start < measure.item[1] and measure.item[0] < s.end for s in view.subjects)
    genes = any(m.start < measure.item[1] and measure.item[0] < m.end for m in view.of(Label.GENE))
    return measure.item if tied or genes else None


def _measured_claims(view: View, key: Key, members: list[Item]) -> Iterator[Claim]:
    span, given_names = (members[0][0].start, members[-1][0].end), key.given
    subjects = _item_subjects(view, key.item) or _unowned(view) or _changed(view, subgroups.carriers(view, span))
    subjects = list(key.subgroup.subjects) if key.subgroup else distinct(subgroups.of_those_without(view, subjects))
    if given_names == ("standard of care",):
        return
    if (not given_names and not any(m.metric in RATES for _, m in members)) or (not subjects and PROCEDURES.issuperset(given_names or "?")):
        return
    figures = figures_of(view, members)
    one_of_several = cohorts.carriers_in_list(view, members, {s.gene for s in subjects if s.gene}) if key.item else None
    n = cohorts.response_population(view, members, given_names, key.arm) if one_of_several is None else one_of_several or None
    if n and any(m.metric in RATES for _, m in members):
        figures["N"] = n
    stance = _stance(view, key, members)
    general = _type(view, key, subjects)
    warnings = tuple(w for _, m in members for w in m.warnings)
    for type_, chosen in _by_type(view, subjects, given_names, general, stance).items():
        said = (Direction.SUPPORTS, stance[1] if stance != DENIED else Polarity.ASSERTED) if type_ in MECHANISMS else stance
        yield from build(
            view, type_, "response.measured", subjects=chosen, therapies=given_names, stance=said, figures=figures, n=n,
            confidence=0.8, warnings=warnings,
        )  # fmt: skip


def _type(view: View, key: Key, subjects: list[Subject]) -> ClaimType:
    """The claim type: by the arm, else by the therapies of the sentence and the subjects."""
    if found := trial.kind(view.document, key.given):
        return found
    if "radiotherapy" in key.given and trial.cytotoxic(view.document, [n for n in key.given if n != "radiotherapy"]):
        return ClaimType.COMBINATION_THERAPY
    given = [m for m in view.document.reading.mentions if m.name in key.given and m.label in (Label.DRUG, Label.DRUG_CLASS)]
    here = [m for m in given if view.start <= m.start < view.end]
    if not here and arms.is_regimen(view.document, key.given) and not trial.cytotoxic(view.document, key.given):
        return ClaimType.COMBINATION_THERAPY
    return response_type(view, here or given[:1], subjects, stated=False)


def _stance(view: View, key: Key, members: list[Item]) -> Stance:
    """What figures say: beside those of the other arm or subgroup, else by themselves."""
    if key.subgroup and key.subgroup.stance:
        return key.subgroup.stance
    plan = trial.design(view.document) if key.arm else None
    if plan and key.arm is plan.control:
        return SUPPORTS if key.arm.given or key.verdict == SUPPORTS else AGAINST
    if key.verdict in (DENIED, AGAINST):
        return key.verdict
    stance = _figure_stance(view, (members[0][0].start, members[-1][0].end), members)
    return SUPPORTS if key.comparator and stance == DENIED and outcomes.rate(members) != 0 else stance


def _by_type(
    view: View, subjects: list[Subject], given: tuple[str, ...], general: ClaimType, stance: Stance
) -> dict[ClaimType, list[Subject]]:
    """Subjects by claim type: what speaks against a therapy may be a mechanism of resistance in one of them."""
    if stance[0] is Direction.SUPPORTS or not subjects:
        return {general: subjects}
    held: dict[ClaimType, list[Subject]] = {}
    for subject in subjects:
        held.setdefault(failed_type(view, subject, given, general), []).append(subject)
    return held


def _unowned(view: View) -> list[Subject]:
    """A kind of resistance mutation without its gene is of the title's: "in 23 patients with solvent-front mutations the ORR was 65%"."""
    told = [s for s in frames.affirmed(view.subjects) if not s.gene and s.alteration in RESISTANCE_KINDS]
    drivers = {family(s.gene): s for s in view.document.focus if s.gene}
    if len(told) != 1 or len(drivers) != 1 or any(s.gene for s in view.subjects):
        return []
    return [replace(told[0], gene=next(iter(drivers.values())).gene)]


def _changed(view: View, found: list[Subject]) -> list[Subject]:
    """Not the population that an alteration is told of: "in HER2-positive disease PTEN loss ..."."""
    others = [s for s in found if not whose.of_population(view, s)]
    return others if others and whose.causal(view, others) else found


def _beside(view: View, subject: Subject) -> list[Subject]:
    """What else the same tumours are told to have, where one rate is told: "49% in EGFR-mutant, MET-amplified NSCLC"."""
    rates = {m.start for m, r in frames.measures(view) if r.metric in RATES}
    told = shape("response_figures.beside")
    after = [s for s in view.subjects if s.gene not in (None, subject.gene) and told.fullmatch(view.document.text, subject.end, s.start)]
    return after[:1] if len(rates) == 1 and after and shape("response_figures.of_tumours").match(view.document.text, after[0].end) else []


def _item_subjects(view: View, item: tuple[int, int] | None) -> list[Subject]:
    if not item:
        return []
    if named := tied(view, view.subjects, item):
        return [*named, *_beside(view, named[-1])] if len(named) == 1 else named
    genes = [m for m in view.of(Label.GENE) if m.start < item[1] and item[0] < m.end and not whose.aimed_at(view, m)]
    if own := [s for s in view.subjects if s.variant and s.gene in {m.name for m in genes}]:
        return own
    return [Subject(m.start, m.end, m.name, alteration=gene_lists.kind_of(view.document, m.name), mention=m) for m in genes]


def _partial(view: View, measure: Measure) -> bool:
    """Is it partial responses alone that a rate counts?"""
    name = view.document.text[slice(*measure.anchor)].lower() if measure.anchor else ""
    return "partial" in name and "complete" not in name


def figures_of(view: View, members: list[Item]) -> dict[str, float | int | str]:
    """Figures of a claim from measures that belong together; a rate inside the skull is a response rate of its site."""
    figures: dict[str, float | int | str] = {}
    for _, measure in members:
        metric = "ORR_percent" if measure.metric == "IC_ORR_percent" else measure.metric
        if metric != measure.metric:
            figures["site"] = "intracranial"
        if measure.value is not None and metric not in _UNTOLD:
            figures.setdefault(metric, measure.value)
        if measure.n is not None and metric in COUNTS:
            figures.setdefault(COUNTS[metric], measure.n)
        if measure.n is not None and metric in outcomes.COUNTED:
            figures.setdefault("PR" if _partial(view, measure) else "n_resp", measure.n)
    return figures


def _excepted(view: View, at: int) -> bool:
    """Is a figure in brackets of those for whom an effect is denied: "improved survival in women (0.6) but not in men (1.0)"?"""
    opened = view.document.text.rfind("(", view.start, at)
    return opened >= 0 and bool(shape("response_figures.but_not").search(view.document.text, view.start, opened))


def _figure_stance(view: View, span: tuple[int, int], members: list[tuple[Mention, Measure]]) -> Stance:
    clause = view.clause(span[0])
    rates = {m.metric: m.value for _, m in members}
    if rates and {r.removesuffix("_percent") for r in rates} <= {"SD", "PD"}:
        return AGAINST if outcomes.mostly_progressed(members) else SUPPORTS
    responses = [value for metric, value in rates.items() if metric in _RESPONSES]
    if responses and not any(responses):
        return DENIED
    if (rate := outcomes.rate(members)) is not None and rate < LOW_PERCENT and not view.says("arms.control"):
        return AGAINST
    called_few = shape("response_figures.only").search(view.document.text[clause[0] : span[0]])
    if called_few and any(m.metric in (*outcomes.COUNTED, *_MEDIANS) for _, m in members):
        return AGAINST
    beginning = view.start if shape("response_figures.goes_on").match(view.document.text, clause[0], span[0]) else clause[0]
    if shape("response_figures.called_low").search(view.document.text, beginning, span[0]):
        return AGAINST
    if view.says("response_figures.not_worse"):
        return SUPPORTS
    if not rates.keys() - _MEDIANS and failures.only_progressed(view):
        return AGAINST
    ratio = next((m for _, m in members if m.metric == "HR"), None)
    if ratio is not None and view.says("response_figures.immature"):
        return HEDGED
    if _excepted(view, span[0]):
        return DENIED
    if ratio is not None and (found := arms.ratio_stance(ratio)) != SUPPORTS:
        return SUPPORTS if found == AGAINST and view.says("response_figures.favoured") else found
    if any(differs_not(view, c) for c in view.sense("nodiff", within=clause)):
        return DENIED
    if any(not _counts_patients(view, c) for c in view.sense("unknown", within=clause)) or re.search(r"\bless clear\b", view.text):
        return HEDGED
    return SUPPORTS


def _counts_patients(view: View, cue: Cue) -> bool:
    """Is "unknown" or "undetermined" one of the outcomes that are counted: "undetermined in 1 (4%)"?"""
    return bool(_COUNTED_UNKNOWN.match(view.document.text, cue.end))


def differs_not(view: View, cue: Cue) -> bool:
    """Does the cue deny a difference that would have been the response? Likeness of two drugs denies nothing."""
    text = view.document.text[cue.start : cue.end]
    if not shape("response_figures.no_denial").match(text):
        return True
    return text.lower() in ("similar", "comparable") and view.says("response_figures.groups") and len({m.name for m in agents(view)}) < 2
