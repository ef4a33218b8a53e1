"""Cues of effect in a sentence: those that assert something, the longest at each place."""

from __future__ import annotations

from collections.abc import Iterator

from miner.claims import effect_rules
from miner.claims.document import Subject, View
from miner.claims.effect_rules import shape
from miner.claims.senses import Cue
from miner.schema import Label

Span = tuple[int, int]
WORKING = ("sensitive", "respond", "active", "benefit", "inhibit", "overcome")
CUES = (*WORKING, "resist", "worse", "nodiff", "outcome")
_RANK = {"resist": 0, "nodiff": 1, "worse": 2, "respond": 3}


def cues(view: View, within: Span | None = None) -> list[Cue]:
    """Cues of effect in a part of a sentence, the longest at each place, without those that assert nothing."""
    span = within or (view.start, view.end)
    held: dict[Span, list[Cue]] = view.__dict__.setdefault("_effect_cues", {})
    if span not in held:
        held[span] = _cues(view, span)
    return held[span]


def _cues(view: View, within: Span) -> list[Cue]:
    said = [
        c
        for c in view.sense(*CUES, within=within)
        if not (c.sense == "nodiff" and shape("effects.independent").match(view.document.text, c.start))
    ]
    told = [*said, *_composed(view, within), *_of_tumours(view, within)]
    found = sorted(told, key=lambda c: (c.start - c.end, _RANK.get(c.sense, 9), c.start))
    kept: list[Cue] = []
    for cue in found:
        if any(cue.start < k.end and k.start < cue.end for k in kept) or _idle(view, cue):
            continue
        if cue.sense != "nodiff" or _groups(view, cue):
            kept.append(cue)
    return sorted(kept)


def _composed(view: View, within: Span) -> Iterator[Cue]:
    """Cues of two words with others between."""
    rules = effect_rules.load()
    composed = (
        ("respond", "regress", rules.regress),
        ("inhibit", "shrink", rules.shrink),
        ("nodiff", "same", rules.same),
        ("dose", "dose", rules.dose),
        ("overcome", "overcome", rules.overcome),
        ("benefit", "potentiate", rules.potentiate),
        ("benefit", "delay", rules.delay),
        ("resist", "disarm", rules.disarm),
        ("active", "strategy", rules.strategy),
        ("active", "rationale", rules.rationale),
    )
    for sense, name, pattern in composed:
        for start, end in rules.composed.spans(name, pattern, view.document.text, *within):
            if name == "disarm" and not _disarms(view, start, end):
                continue
            if sense != "inhibit" or not _shorter_life(view, start, end):
                yield Cue(start, end, sense)


_BY_PLACE = {"vanish": "respond", "grow": "worse", "free": "respond"}


def _of_tumours(view: View, within: Span) -> Iterator[Cue]:
    """Words that tell an effect where a tumour or a patient is their subject: lesions resolved, the mass grew, she was disease-free."""
    text = view.document.text
    for cue in view.sense(*_BY_PLACE, within=within):
        free = cue.sense == "free"
        around = max(view.start, cue.start - 70), cue.start
        if not shape("effects.patient_is" if free else "effects.tumour_is").search(text, *around):
            continue
        if shape("effects.of_time").match(text, cue.end) or shape("effects.until_then").search(text, *around):
            continue
        if not free or not view.says("effects.by_surgery"):
            yield Cue(cue.start, cue.end, _BY_PLACE[cue.sense])


def _disarms(view: View, start: int, end: int) -> bool:
    """Is it a verb with a therapy behind: "abolished the effect of A", not "the reduced effect of A"?"""
    text = view.document.text
    if text[start:end].lower().startswith("inhibitory") or shape("effects.determined").search(text, max(view.start, start - 12), start):
        return False
    if shape("effects.drug_binding").search(text, start, end):
        return True
    return any(0 < m.start - end <= 16 or start <= m.start < end for m in view.of(Label.DRUG, Label.DRUG_CLASS))


def _shorter_life(view: View, start: int, end: int) -> bool:
    """Is it the survival of patients that is reduced, and not that of cells?"""
    return bool(shape("effects.lived").search(view.document.text[start:end])) and not view.says("effects.cells")


def _idle(view: View, cue: Cue) -> bool:
    """Does a cue assert nothing where it stands? Kept, for the cues of a clause are asked for again in those of the sentence."""
    held: dict[Cue, bool] = view.__dict__.setdefault("_idle_cues", {})
    if cue not in held:
        held[cue] = _says_nothing(view, cue)
    return held[cue]


def _says_nothing(view: View, cue: Cue) -> bool:
    rules, text = effect_rules.load(), view.document.text
    if cue.sense == "worse" and (_only_when(view, cue) or shape("effects.grade_or").search(text, view.start, cue.start)):
        return True
    if any(m.start <= cue.start and cue.end <= m.end for m in view.of(Label.DRUG, Label.DRUG_CLASS, Label.MEASURE, Label.ASSAY)):
        return True
    before, after = text[max(view.start, cue.start - 60) : cue.start], text[cue.end : min(view.end, cue.end + 90)]
    if cue.sense in ("active", "inhibit", "respond") and rules.other_before.search(before):
        return True
    if any(told.match(text, cue.start) and lead.search(before) for lead, told in rules.idle_around):
        return True
    if shape("effects.who_may").search(before) and not any(s.end <= cue.start for s in view.subjects):
        return True
    if cue.sense == "nodiff" and shape("effects.harm").match(text, cue.end):
        return True
    if cue.sense == "worse" and view.has("safetycore") and shape("effects.death").match(text, cue.start):
        return True
    if text[cue.start : cue.end].lower().endswith(("tising", "tizing")) and shape("effects.names_alteration").match(text, cue.end):
        return True
    if (
        cue.sense == "sensitive"
        and text[cue.start - 1 : cue.start] in ("-", "‐", "–")
        and shape("effects.kind_of_cells").match(text, cue.end)
    ):
        return not shape("effects.is").search(before)
    if shape("effects.option").match(text, cue.start) and not shape("effects.is_option").search(before):
        return True
    if cue.sense == "active" and shape("effects.active_arm").match(text, cue.start):
        return True
    if cue.sense in ("active", "inhibit") and (_acts_on_target(view, cue) or _names_kind(view, cue, before)):
        return True
    return cue.sense != "resist" and bool(rules.idle_before.search(before) or rules.idle_after.match(after))


_CARRIED = frozenset({"variant", "fusion", "mutation", "amplification"})


def _acts_on_target(view: View, cue: Cue) -> bool:
    """Is what is inhibited a protein, and so only told how a therapy works: ``inhibits EGFR and HER2``?"""
    text = view.document.text
    if text[cue.start : cue.end].lower().endswith("phosphorylation") and any(s.kind in _CARRIED for s in view.subjects):
        return False
    genes = [m for m in view.of(Label.GENE) if cue.sense == "inhibit" and m.start >= cue.end]
    genes = [m for m in genes if shape("effects.of_protein").fullmatch(text[cue.end : m.start])]
    return any(not shape("effects.state_after").match(text, m.end) and not shape("effects.altered").match(text, m.end) for m in genes)


def _names_kind(view: View, cue: Cue, before: str) -> bool:
    """Does "potent" or "active" only name what kind of a thing a therapy is: ``is a potent inhibitor of``?"""
    text = view.document.text
    if view.subjects or not shape("effects.article").search(before):
        return False
    groups = [m for m in view.of(Label.DRUG_CLASS) if m.start >= cue.end]
    return any(shape("effects.attributes").fullmatch(text[cue.end : m.start]) for m in groups)


def _only_when(view: View, cue: Cue) -> bool:
    """Progression that tells when, or who was treated, and not what the therapy did."""
    text = view.document.text
    said = text[cue.start : cue.end].lower()
    if not said.startswith(("progress", "relaps", "disease progress", "rapid progress")) or said == "progressive disease":
        return False
    before = text[max(view.start, cue.start - 40) : cue.start]
    if said == "progressed" and text[cue.start - 1 : cue.start] in ("-", "‐", "–"):
        return True
    if said == "progressed":
        return bool(shape("effects.who").search(before))
    had = shape("effects.had").search(before) and shape("effects.had_on").match(text, cue.end, view.end)
    seen = said.startswith("rapid") and shape("effects.was_seen").match(text, cue.end)
    return not (had or seen or shape("effects.progressed").search(before))


def _groups(view: View, cue: Cue) -> bool:
    """Is a likeness one of groups of patients or cells, and not of drugs?"""
    if not shape("effects.like").match(view.document.text, cue.start):
        return True
    return view.says("effects.group") or any(compared(view, s) for s in view.subjects)


def compared(view: View, subject: Subject) -> bool:
    """Is an alteration only what another is measured against: "than cells with L858R"?"""
    before = view.document.text[max(view.start, subject.start - 90) : subject.start]
    return bool(effect_rules.load().comparator.search(before)) and not shape("effects.either_way").search(before)


def describes(view: View, cue: Cue) -> bool:
    """Does "resistant" only describe people or cells: crizotinib-resistant patients, tumours resistant to crizotinib?"""
    rules, text = effect_rules.load(), view.document.text
    word, after = text[cue.start : cue.end].lower(), text[cue.end : cue.end + 40]
    before = text[max(view.start, cue.start - 60) : cue.start]
    made = shape("effects.rendered").search(text, max(view.clause(cue.start)[0], cue.start - 80), cue.start)
    if made or word.startswith(_LIVED_ON) or word.endswith((" of", " to", " by", " for", " from")):
        return False
    if rules.described.search(before) or after.lstrip(" ").lower().startswith(("mutation", "mechanism", "variant")):
        return True
    if cue.start and text[cue.start - 1] in "-‐–":
        return not shape("effects.is").search(before)
    behind = shape("effects.described_next").match(after)
    if word in ("resistant", "refractory") and behind and _DESCRIBED_AFTER.intersection(w.lower() for w in behind.groups() if w):
        return True
    if word in _COMPLETE or (word == "resistance" and after.startswith(" of ")):
        return False
    if word.startswith("resistance") and shape("effects.moment").search(before):
        return True
    if word.startswith(("relapse", "escape")) and shape("effects.at").search(before):
        return True
    return not rules.states.search(text[max(view.start, cue.start - 90) : cue.start])


_COMPLETE = frozenset(
    {"reduced sensitivity", "decreased sensitivity", "loss of sensitivity", "less sensitive", "insensitive", "insensitivity"}
)


_LIVED_ON = ("survived", "continued", "remained viable", "escaped", "proliferated", "grew", "stopped", "ceased", "no longer")
_DESCRIBED_AFTER = frozenset((
    "patients", "patient", "tumors", "tumours", "tumor", "tumour", "cells", "cell", "cases", "disease", "nsclc", "lung", "line", "lines",
    "clones", "cancer", "cancers", "clone", "models", "melanoma", "melanomas", "mutant", "mutants", "mutation", "mutations", "variants",
    "population", "populations",
))  # fmt: skip


def predicated(view: View, cue: Cue, name: str) -> bool:
    """Does a predicate speak of a noun of effect: "the activity of A was negligible", "sensitivity to A may be predicted by"?"""
    text, end = view.document.text, view.clause(cue.start)[1]
    return bool(shape("effects.noun_of_effect").match(text, cue.start) and shape(f"effects.{name}").match(text, cue.end, end))


def only_asked(view: View, cue: Cue) -> bool:
    """Is an effect only supposed, or said not to have been studied?"""
    text = view.document.text
    return bool(
        shape("effects.supposed").search(text, view.start, cue.start) or shape("effects.unasked").search(text, *view.clause(cue.start))
    )
