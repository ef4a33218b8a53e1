"""Whose effect it is: the alterations and genes that a therapy works against, or that resist it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from miner.claims import effect_rules, failures, frames, words
from miner.claims.document import Subject, View, distinct
from miner.claims.effect_rules import shape
from miner.claims.effects import Effect, Kind, Span, compared, cues, find
from miner.claims.senses import Cue
from miner.claims.therapy import therapies
from miner.schema import Label, Mention, Polarity


def subjects(view: View, effect: Effect) -> list[Subject]:
    """Alterations of the clause that are no standard of comparison, else of the sentence, else what the text is about."""
    if shape("effects.but_not").match(view.document.text, effect.clause[0]):
        told = [s for s in view.subjects if s.gene and effect.clause[0] <= s.start < effect.clause[1]]
        if told:
            return distinct(s for s in told if s.alteration not in ("wild-type", "expression")) or distinct(told)
    if effect.kind is Kind.RESISTED and _is_noun(view, effect.cue):
        return _outside_model(view, _causes(view, effect))
    if effect.kind is Kind.SAME:
        return _altered(view, effect)
    if effect.cue.sense == "overcome" and (driving := _driving(view)):
        return driving
    return failures.owned(view, list(effect.therapies), _told(view, effect))


def _driving(view: View) -> list[Subject]:
    """Genes by which a resistance is told to be driven: "overcame MET-driven resistance in a patient with an NTRK1 fusion"."""
    text = view.document.text
    named = [m for m in view.of(Label.GENE) if m.name and shape("effects.driven_resistance").match(text, m.end)]
    altered = {s.gene: s for s in view.subjects}
    return [altered.get(m.name) or Subject(m.start, m.end, m.name, alteration="activation", mention=m) for m in named]


def _outside_model(view: View, found: list[Subject]) -> list[Subject]:
    """What confers resistance, and not the model that it was put in: "in cells harbouring X, Y caused resistance"."""
    before = shape("effects.model_before")
    rest = [s for s in found if not before.search(view.document.text[max(view.start, s.start - 80) : s.start])]
    return rest or found


def _altered(view: View, effect: Effect) -> list[Subject]:
    """What makes no difference: of a fusion with a variant of its kinase the variant."""
    found = _told(view, effect)
    variants = {s.gene for s in found if s.variant}
    return [s for s in found if not (s.fusion and s.gene in variants)]


def _told(view: View, effect: Effect) -> list[Subject]:
    for span in (effect.clause, (view.start, effect.clause[0]), (view.start, view.end)):
        found = [s for s in _local(view) if span[0] <= s.start and s.end <= span[1] and not _told_against(view, s, effect)]
        found = [s for s in found if effect.kind is not Kind.WORKS or not _is_readout(view, s)]
        if found and not (effect.cue.sense == "inhibit" and all(s.alteration == "phosphorylation" for s in found)):
            return _silenced(view, found, effect) or distinct(_chosen(view, _progressed(view, found, effect), effect))
    lacking = _lacked(view, effect.clause)
    text = view.document.text
    if lacking and not (effect.kind is Kind.RESISTED and shape("effects.not_found").search(text, view.start, lacking[0].start)):
        return lacking
    if inhibited := _inhibited(view, effect):
        return inhibited
    genes = [s for s in _genes(view, effect.clause) if effect.kind is not Kind.WORKS or not _is_readout(view, s)]
    genes = _pointed(view, effect.clause) or [s for s in genes if not _told_against(view, s, effect)]
    against = [s for s in _local(view) if _told_against(view, s, effect)]
    carried = genes or _salient(_carried(view, effect)) or _salient(_told_before(view)) or _resisting_targets(view, effect)
    return [s for s in carried if not any((s.gene, s.fusion, s.variant, s.kind) == (a.gene, a.fusion, a.variant, a.kind) for a in against)]


def _carried(view: View, effect: Effect) -> list[Subject]:
    """What the text is about there; nothing where another marker is told to predict, or where all are spoken of."""
    text = view.document.text
    if words.load("features.toml").within("other_marker", text, view.start, view.end):
        return []
    if words.load("approval.toml").within("everybody", text, *effect.clause):
        return []
    if effect.kind is Kind.RESISTED and not frames.points_back(view) and _of_disease(view, effect.cue):
        return []
    return frames.carried_to(view, effect.therapies)


def _of_disease(view: View, cue: Cue) -> bool:
    """Is it a disease as such that is told to resist: "melanoma is resistant to chemotherapy"?"""
    named = [m for m in view.of(Label.DISEASE, within=view.clause(cue.start)) if m.end <= cue.start]
    return bool(named) and shape("effects.carriers_of").search(view.document.text, named[-1].end, cue.start) is None


def _is_readout(view: View, subject: Subject) -> bool:
    """Is it what a therapy does to a protein, and not what the tumour has: "A plus B inhibited STAT3 and BCL2 expression"?"""
    if subject.alteration not in (*_MEASURED, None) or subject.fusion or subject.variant or of_population(view, subject):
        return False
    return shape("effects.readout_before").search(view.document.text, view.start, subject.start) is not None


_MEASURED = ("expression", "overexpression", "underexpression", "phosphorylation", "activation")


def _progressed(view: View, found: list[Subject], effect: Effect) -> list[Subject]:
    """Whose disease progressed, and not what was found then: "a patient with A progressed on B, and biopsy revealed C"."""
    failed = effect.kind is Kind.FAILED and shape("effects.disease_progressed").match(view.document.text, effect.cue.start, effect.cue.end)
    before = [s for s in found if s.end <= effect.cue.start] if failed else []
    return before or found


def _inhibited(view: View, effect: Effect) -> list[Subject]:
    """Genes that a verb of inhibition has as its objects: "crizotinib also inhibits ROS1 and MET"."""
    text = view.document.text
    verb = shape("effects.inhibits").match(text, effect.cue.start) if effect.kind is Kind.WORKS else None
    if verb is None or any(m.start > effect.cue.start for m in effect.therapies):
        return []
    end, found = verb.end(), list[Subject]()
    for mention in view.of(Label.GENE):
        if mention.start >= end and shape("effects.to_object" if not found else "effects.next_object").fullmatch(text, end, mention.start):
            found.append(Subject(mention.start, mention.end, mention.name, mention=mention))
            end = mention.end
    return [] if found and shape("effects.no_object").match(text, end) else distinct(found)


def _told_against(view: View, subject: Subject, effect: Effect) -> bool:
    """Is it told of a subject that the therapy failed, where the effect is that it works: "..., but not in B", "and relapsed with B"?"""
    if effect.kind is not Kind.WORKS or subject.start < effect.cue.end:
        return False
    if shape("effects.came_back").search(view.document.text, effect.cue.end, subject.start):
        return True
    if subject.start < effect.clause[1]:
        return False
    return any(e.kind is Kind.FAILED and e.clause != effect.clause and e.clause[0] <= subject.start < e.clause[1] for e in find(view))


def _lacked(view: View, clause: Span) -> list[Subject]:
    """Those of whom it is told that they have no such alteration: "patients without KRAS mutations responded"."""
    text = view.document.text
    told = [s for s in view.subjects if s.gene and not frames.affirmed([s]) and clause[0] <= s.start < clause[1]]
    lacked = shape("resistance.lacked")
    told = [s for s in told if s.alteration != "alteration" and lacked.search(text[max(view.start, s.start - 60) : s.start])]
    return [replace(s, fusion=None, variant=None, alteration="wild-type") for s in told] if len({s.gene for s in told}) == 1 else []


def _silenced(view: View, found: list[Subject], effect: Effect) -> list[Subject]:
    """The gene whose state made a population resistant: "knockdown of NF1 made EGFR-mutant cells resistant"; or what predicted nothing."""
    if not all(of_population(view, s) for s in found):
        return []
    held = {s.gene for s in found}
    if effect.kind in (Kind.SAME, Kind.FAILED):
        text, named = view.document.text, [m for m in view.of(Label.GENE) if m.name not in held and m.end <= effect.cue.end]
        return [Subject(m.start, m.end, m.name, mention=m) for m in named if shape("effects.predicted").match(text, m.end)]
    if effect.kind is not Kind.RESISTED:
        return []
    return [s for s in _genes(view, effect.clause) if s.end <= effect.cue.start and s.gene not in held]


def _resisting_targets(view: View, effect: Effect) -> list[Subject]:
    """What therapies that overcome resistance are aimed at, where the text names its alterations."""
    if effect.cue.sense != "overcome":
        return []
    lexicon, names = view.document.lexicon, {view.document.class_meant(m.name or "") for m in effect.therapies}
    aimed = {g for name in names for t in lexicon.targets(name) for g in (t, *lexicon.members(t))}
    named = [Subject(m.start, m.end, m.name, mention=m) for m in view.of(Label.GENE) if m.name in aimed]
    return distinct(s for s in view.document.subjects if s.gene in aimed)[:1] or distinct(named)


def _told_before(view: View) -> list[Subject]:
    """Genes named alone in the sentences before, where a text has no title to set its subject."""
    if view.document.title:
        return []
    for previous in reversed(view.document.views[max(0, view.index - 3) : view.index]):
        if found := _local(previous) or _genes(previous, (previous.start, previous.end)):
            return distinct(found)
    return []


def _is_noun(view: View, cue: Cue) -> bool:
    text = view.document.text
    if not shape("effects.noun").search(text[cue.start : cue.end]):
        return False
    return not shape("effects.borne").search(text[max(view.start, cue.start - 50) : cue.start])


def _causes(view: View, effect: Effect) -> list[Subject]:
    """What "resistance" is put down to: what stands before a verb that confers it, or behind "through"; else nothing."""
    rules, text, cue = effect_rules.load(), view.document.text, effect.cue
    local = _local(view)
    before = [s for s in local if s.end <= cue.start] or [s for s in _genes(view, effect.clause) if s.end <= cue.start]
    before = [s for s in before if not of_population(view, s)] or _causing(view, cue)
    caused = rules.causal.search(text, max((s.end for s in before), default=view.start), cue.end)
    if caused and before:
        return distinct(_chosen(view, before, effect))
    behind = [s for s in local if s.start >= cue.end and shape("effects.through").search(text, cue.end, s.start)]
    if behind:
        return distinct(_chosen(view, behind, effect))
    pointed = [] if any(s.start < cue.start for s in local) else _pointed(view, (view.start, cue.start))
    return pointed or (_told_before(view) if caused and not local else [])


def _causing(view: View, cue: Cue) -> list[Subject]:
    """Genes of which it is said that they cause it: "IGF1R mediates bypass resistance", "EGFR signalling confers resistance"."""
    text, causal = view.document.text, effect_rules.load().causal
    found = [m for m in view.of(Label.GENE) if m.end <= cue.start and not _inside_therapy(view, Subject(m.start, m.end, m.name))]
    told = [m for m in found if (gap := shape("effects.of_gene").match(text, m.end)) and causal.match(text, gap.end())]
    return [Subject(m.start, m.end, m.name, mention=m) for m in told]


def _pointed(view: View, span: Span) -> list[Subject]:
    """Alterations of the two sentences before that words in a span point at: "both mutations", "this fusion"."""
    at = shape("effects.pointing").search(view.document.text, *span)
    if at is None:
        return []
    kinds = next((kinds for word, kinds in _POINTED.items() if at["kind"].lower().startswith(word)), frozenset[str]())
    for previous in reversed(view.document.views[max(0, view.index - 2) : view.index]):
        held = [s for s in frames.affirmed(previous.subjects) if s.gene and (not kinds or s.kind in kinds)]
        named = [s for s in held if s.variant or s.fusion]
        if held:
            return distinct(named or held)
    return []


_MUTATIONS = frozenset({"variant", "mutation", "resistance mutation", "kinase domain mutation", "secondary mutation"})
_POINTED = {
    "fusion": frozenset({"fusion"}),
    "rearrangement": frozenset({"fusion"}),
    "amplification": frozenset({"amplification"}),
    **dict.fromkeys(("mutation", "mutant", "variant", "substitution"), _MUTATIONS),
}


def resisting(view: View) -> list[Effect]:
    """Effects of resistance whose cause the sentence names."""
    return [e for e in find(view) if e.kind in (Kind.RESISTED, Kind.NOT_RESISTED) and subjects(view, e)]


def _borne(view: View, subject: Subject) -> bool:
    """Is it a drug that "neither" denies, and not the alteration of the cells that it is tried in?"""
    text = view.document.text
    lacked = shape("resistance.lacked").search(text, max(view.start, subject.start - 40), subject.start)
    return not lacked and shape("effects.neither").search(text, view.clause(subject.start)[0], subject.start) is not None


def _local(view: View) -> list[Subject]:
    told = [s for s in view.subjects if s in frames.affirmed([s]) or _borne(view, s)]
    held = [s for s in told if s.gene and not compared(view, s) and not _inside_therapy(view, s) and not excepted(view, s)]
    text = view.document.text
    held = [
        s
        for s in held
        if s.alteration == "wild-type" or not shape("effects.unchanged").search(text[max(view.start, s.start - 30) : s.start])
    ]
    return [s for s in held if not shape("effects.known").match(text, s.end)]


def excepted(view: View, subject: Subject) -> bool:
    """Is it others than this that are meant: "mechanisms other than MET amplification"?"""
    return bool(shape("resistance.others").search(view.document.text[max(view.start, subject.start - 80) : subject.start]))


def _inside_therapy(view: View, subject: Subject) -> bool:
    return any(m.start <= subject.start and subject.end <= m.end for m in view.of(Label.DRUG, Label.DRUG_CLASS))


_READOUTS = ("phosphorylation", "activation")


def _salient(found: list[Subject]) -> list[Subject]:
    """Of several alterations: not the wild type, not the expression of a mutant, not the gene's fusion where its variant is named."""
    changed = [s for s in found if s.alteration != "wild-type"] or found
    changed = [s for s in changed if s.alteration not in _READOUTS] or changed
    mutant = {s.gene for s in changed if s.kind not in ("expression", "wild-type")}
    changed = [s for s in changed if not (s.alteration == "expression" and s.gene in mutant)]
    named = {s.gene for s in changed if s.fusion}
    changed = [s for s in changed if s.gene not in named or s.alteration != "fusion"]
    variants = {s.gene for s in changed if s.variant}
    return [s for s in changed if s.variant or s.gene not in variants or s.alteration == "amplification"]


def _chosen(view: View, found: list[Subject], effect: Effect) -> list[Subject]:
    """The salient alterations; the cause rather than the population."""
    changed = _salient(found)
    if effect.kind is not Kind.WORKS:
        treated = _treated(view, changed)
        changed = [s for s in changed if s not in treated] or changed
        changed = (_acquired(view, changed) if effect.kind is Kind.RESISTED else []) or changed
    before = [s for s in changed if s.end <= effect.cue.start]
    if before and len(before) < len(changed) and effect.kind is not Kind.WORKS:
        return before
    for cause in before:
        between = view.document.text[cause.end : effect.cue.start]
        if effect_rules.load().causal.search(between):
            return [s for s in before if s.end <= effect.cue.start]
    return changed


def _acquired(view: View, found: list[Subject]) -> list[Subject]:
    """What is told to have been acquired, with what is listed behind it: "secondary NTRK1 G595R and G667C mutations"."""
    held: list[Subject] = []
    for subject in sorted(found, key=lambda s: s.start):
        listed = held and shape("effects.and").fullmatch(view.document.text, held[-1].end, subject.start)
        if listed or failures.acquired(view, subject, "resistance.acquired"):
            held.append(subject)
    return held


def _treated(view: View, found: list[Subject]) -> list[Subject]:
    """The subjects that describe the treated, with those listed behind them: "patients with EGFR mutations or ALK fusions"."""
    held: list[Subject] = []
    for subject in sorted(found, key=lambda s: s.start):
        gap = (held[-1].end, subject.start) if held else (0, 0)
        listed = held and (gap[1] < gap[0] or shape("effects.or_else").fullmatch(view.document.text, *gap))
        if listed or of_population(view, subject):
            held.append(subject)
    return held


def causal(view: View, subjects: Iterable[Subject]) -> bool:
    """Is an effect put down to one of the subjects: "PTEN loss was associated with"?"""
    following = [view.document.text[s.end : s.end + 60].lstrip(" ,").removeprefix("was ").removeprefix("were ") for s in subjects]
    return any(effect_rules.load().causal.match(text) for text in following)


def of_population(view: View, subject: Subject) -> bool:
    """Does the subject describe the treated (``EGFR-mutant NSCLC``) and not the mechanism?"""
    text = view.document.text
    before, after = text[max(view.start, subject.start - 50) : subject.start], text[subject.end : subject.end + 40]
    if shape("effects.adjective").search(text[subject.start : subject.end]) or shape("effects.population_after").match(after):
        return True
    return bool(shape("effects.population_before").search(before))


def _genes(view: View, clause: Span) -> list[Subject]:
    """Genes named alone, beside a word that tells what of them is meant."""
    rules, text = effect_rules.load(), view.document.text
    found = []
    denied = {s.gene for s in view.subjects if s.mention and s.mention.polarity is Polarity.NEGATED}
    aimed = {g for m in therapies(view) for g in view.document.lexicon.targets(view.document.class_meant(m.name or ""))}
    for mention in view.of(Label.GENE):
        if mention.name in denied or (mention.name in aimed and not _measured(text, mention)):
            continue
        subject = Subject(mention.start, mention.end, mention.name, mention=mention)
        if _inside_therapy(view, subject) or compared(view, subject) or _part_of_therapy(text, mention) or excepted(view, subject):
            continue
        if any(c.start <= mention.start and mention.end <= c.end for c in cues(view) if c.sense != "overcome"):
            continue
        if rules.state.search(text[max(view.start, mention.start - 70) : min(view.end, mention.end + 60)]):
            found.append(subject)
    inside = [s for s in found if clause[0] <= s.start < clause[1]]
    return distinct(inside or found)


def _measured(text: str, mention: Mention) -> bool:
    """Is it the state of a gene that is told, and not only what a therapy is aimed at?"""
    before, after = text[max(0, mention.start - 30) : mention.start], text[mention.end : mention.end + 30]
    return bool(shape("effects.state_before").search(before) or shape("effects.state_after").match(after))


def aimed_at(view: View, mention: Mention) -> bool:
    """Is a gene only part of what a therapy is called: of "anti-PD-1", "MET inhibitors"?"""
    return _part_of_therapy(view.document.text, mention) or _inside_therapy(view, Subject(mention.start, mention.end, mention.name))


def _part_of_therapy(text: str, mention: Mention) -> bool:
    after = text[mention.end : mention.end + 20].lower()
    return text[max(0, mention.start - 5) : mention.start].lower().endswith(("anti-", "anti ")) or after.lstrip("- ").startswith(
        ("inhibitor", "directed", "targeted", "antibod", "tki", "blockade", "inhibition", "pathway", "signal")
    )
