"""What tells that a therapy failed, and which: said in the sentence, told just before, or what the paper is about."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from miner.claims import frames
from miner.claims.claim_types import RESISTANCE_KINDS, family, targets
from miner.claims.document import BODY, METHODS, RESULTS, TITLE, Subject, View, agents, therapies, therapy_role
from miner.claims.effect_rules import shape
from miner.claims.senses import Cue
from miner.schema import Label, Mention, Polarity

ACQUIRED_KINDS = frozenset(
    {"amplification", "loss", "overexpression", "resistance mutation", "kinase domain mutation", "activation", "copy number gain"}
)


def told(view: View) -> bool:
    """May a sentence tell why a therapy failed: by its own words, by those before it, or as a finding of a paper on resistance?"""
    if view.has("resist") or view.says("resistance.moment") or follows(view) or arisen(view) or topical(view) or bypassed(view):
        return True
    return bool(therapies(view)) and view.says("resistance.selected") and found(view, (view.start, view.end))


def unanswered(view: View, cue: Cue) -> bool:
    """Is progression all that came of a therapy: "progressive disease was seen", not "until progression" or "after 14 months"?"""
    text = view.document.text
    if not shape("response.unanswered").match(text, cue.start):
        return False
    return not shape("response.until").search(text, max(view.start, cue.start - 50), cue.start)


def only_progressed(view: View) -> bool:
    """Are times those of one patient who only progressed, by the same sentence or the one before?"""
    if view.holds(Label.COHORT):
        return False
    before = view.document.views[max(view.document.opening, view.index - 1) : view.index]
    return any(unanswered(v, c) for v in (view, *before) for c in v.sense("worse") if not v.holds(Label.COHORT) and not v.has("respond"))


def arisen(view: View) -> list[Mention]:
    """Therapies after or under which alterations are said to have come: "emerged on osimertinib", "found after alectinib"."""
    acquired = view.has("acquire", "bypass", "ontarget")
    if not acquired and not view.says("resistance.counted"):
        return []
    words = shape("resistance.under" if acquired else "resistance.thereafter")
    return [m for m in therapies(view) if words.search(view.document.text, max(view.start, m.start - 70), m.start)]


def bypassed(view: View) -> bool:
    """Does the sentence name a mechanism together with what it defeats: "a bypass mechanism to EGFR inhibitors"?"""
    if not view.has("bypass", "ontarget"):
        return False
    told_of = view.document.speaks_of_resistance and view.role in (RESULTS, BODY)
    return bool(explicit(view)) or (told_of and found(view, (view.start, view.end)))


def topical(view: View) -> bool:
    """Is it a finding, with figures or in words, of a paper whose title speaks of resistance to a therapy?"""
    document = view.document
    if not document.on_resistance or document.title is None or view.role not in (RESULTS, BODY) or not view.subjects:
        return False
    return found(view, (view.start, view.end)) and bool(targeted(view, explicit(document.title)))


def found(view: View, within: tuple[int, int]) -> bool:
    """Is something found there: detected, carried, or counted?"""
    counted = shape("resistance.counted").search(view.document.text, *within)
    return bool(counted or frames.measures(view, "value_percent", "n_pos", within=within))


def explicit(view: View) -> list[Mention]:
    """Therapies that the sentence itself says to have failed, or to have been given before."""
    found: list[Mention] = []
    text = view.document.text
    for mention in _named(view):
        listed = bool(found) and bool(shape("resistance.listed").fullmatch(text[found[-1].end : mention.start]))
        before, after = text[max(0, mention.start - 70) : mention.start], text[mention.end : mention.end + 40]
        if shape("resistance.before_it").search(before):
            continue
        if (
            listed
            or shape("resistance.defeated_after").search(before)
            or shape("resistance.lost_effect").match(after)
            or therapy_role(view.document, mention) == "prior"
        ):
            found.append(mention)
    return found


def _named(view: View) -> list[Mention]:
    """The therapies of a sentence; of a class with the drugs it is given as only those: "TRK inhibition by A and B"."""
    found, told = view.of(Label.DRUG, Label.DRUG_CLASS), therapies(view)
    spelt = [m for m in found if m.label is Label.DRUG_CLASS and m not in told and _GIVEN_AS.match(view.document.text, m.end)]
    return [m for m in found if m not in spelt]


_GIVEN_AS = re.compile(r"\s(?:by|with|using|via)\s")


def lost(view: View) -> list[Mention]:
    """Therapies that failed where the sentence does not say it of one: those it names, else the one last given, else the title's."""
    named = [m for m in therapies(view) if not _answers(view, m)] if not overcoming(view) else []
    if named:
        return named
    title = view.document.title
    titled = explicit(title) if title and (view.document.on_resistance or title.says("resistance.moment")) else []
    before = [agents(p) or explicit(p) for p in reversed(view.document.views[max(view.document.opening, view.index - 3) : view.index])]
    aimed = next((held for given in before if (held := targeted(view, given))), [])
    focus = view.document.focus_drugs
    return aimed or titled or targeted(view, focus) or next((given for given in before if given), focus)


def overcoming(view: View) -> list[Cue]:
    """Where the sentence tells that something overcomes resistance; not what was overcome by it, told behind: "countered by A"."""
    return [c for c in view.sense("overcome") if not shape("resistance.undone_by").match(view.document.text, c.start)]


def _answers(view: View, mention: Mention) -> bool:
    """Is a therapy only asked for, or aimed at what was acquired: crizotinib at the amplification of MET?"""
    before = max(view.start, mention.start - 80), mention.start
    if any(shape(name).search(view.document.text, *before) for name in ("resistance.wanted", "resistance.answered")):
        return True
    aimed = targets(view.document, (view.document.class_meant(mention.name or ""),))
    return any(s.kind in _BYPASSING and family(s.gene) in aimed and acquired(view, s) for s in view.subjects)


_BYPASSING = frozenset({"amplification", "overexpression", "activation", "fusion", "copy number gain"})


def targeted(view: View, given: list[Mention]) -> list[Mention]:
    """Those of some therapies that are aimed at a gene; no checkpoint inhibitors, whose failure no alteration of the driver explains."""
    aimed = [m for m in given if view.document.lexicon.targets(view.document.class_meant(m.name or ""))]
    return [m for m in aimed if not frames.is_checkpoint(view, [m])]


def follows(view: View) -> bool:
    """Does a sentence that shows a finding follow one that told of the failure?"""
    previous = view.document.views[view.index - 1] if view.index else None
    told = (
        previous is not None
        and previous.role not in (TITLE, METHODS)
        and bool(previous.says("resistance.moment") or previous.has("resist") or _goes_on(view))
    )
    return (
        told
        and found(view, (view.start, view.end))
        and bool(
            resisting_variants(view)
            or any(s.alteration in ACQUIRED_KINDS for s in view.subjects)
            or any(emerged(view, s) or _new_driver(view, s) for s in view.subjects)
        )
    )


def _goes_on(view: View) -> bool:
    """Does a list of mechanisms go on from the sentence before?"""
    more = view.document.on_resistance or view.has("bypass", "acquire", "ontarget")
    return bool(more and view.document.mechanisms(view, within=1))


def emerged(view: View, subject: Subject) -> bool:
    """Is it a variant that the text names for the first time, among what was found at progression?"""
    if not subject.variant or not view.says("resistance.counted"):
        return False
    return not any(s.variant == subject.variant for v in view.document.views[: view.index] for s in v.subjects)


def _new_driver(view: View, subject: Subject) -> bool:
    """Is it a fusion found behind a failure, of another gene than the one that was treated, and named there first?"""
    before = [s for v in view.document.views[: view.index] if v.role != TITLE for s in v.subjects]
    named = any(family(s.gene) == family(subject.gene) for s in before)
    return subject.kind == "fusion" and bool(before) and not named and view.says("resistance.counted")


def in_resistant(view: View, subject: Subject) -> bool:
    """Is a variant told of what resisted a therapy: found at progression, or in clones that were selected; not the driver that stayed?"""
    text = view.document.text
    if shape("resistance.driver").search(text, max(view.start, subject.start - 30), subject.end):
        return False
    return view.says("resistance.selected") or view.says("resistance.moment")


def resisting_variants(view: View) -> list[Subject]:
    """Variants of the sentence that the text calls resistant somewhere, or that are known to be."""
    return [s for s in view.subjects if s.variant and s.variant in view.document.resistance_variants]


def acquired(view: View, subject: Subject, words: str = "resistance.gained") -> bool:
    """Is an alteration, in a sentence that tells what answered it, said to have been acquired?"""
    text = view.document.text
    before, after = (max(view.start, subject.start - 60), subject.start), (subject.end, min(view.end, subject.end + 40))
    return bool(shape(words).search(text, *before) or shape("resistance.came").search(text, *after))


def owned(view: View, given: list[Mention], subjects: Sequence[Subject]) -> list[Subject]:
    """Alterations; a kinase domain mutation told without its gene is one of what the therapies are aimed at."""
    lexicon = view.document.lexicon
    aimed = [g for m in given for t in lexicon.targets(view.document.class_meant(m.name or "")) for g in (t, *lexicon.members(t))]
    spans = [(m.start, m.end) for m in view.of(Label.GENE, Label.FUSION)]
    told = [s.gene for s in (*view.document.focus, *view.document.subjects) if s.gene in aimed]
    kin = {family(gene) for gene in aimed}
    shared = [*kin] if len(kin) == 1 else sorted(dict.fromkeys(aimed), key=lambda gene: -aimed.count(gene))
    own = [*told, *shared][:1]
    return [replace(s, gene=own[0]) if own and _unowned(s, aimed, spans) else s for s in subjects]


def pathways(view: View) -> list[Subject]:
    """Genes that stand alone as what bypasses a therapy: "bypass pathways such as MET and KRAS", "bypass signalling via IGF1R"."""
    text, found = view.document.text, list[Subject]()
    taken = [(s.start, s.end) for s in view.subjects] + [(m.start, m.end) for m in view.of(Label.DRUG_CLASS, Label.DRUG, Label.ASSAY)]
    for mention in view.of(Label.GENE):
        if not mention.name or any(a < mention.end and mention.start < b for a, b in taken):
            continue
        listed = found and shape("resistance.next_pathway").fullmatch(text, found[-1].end, mention.start)
        if listed or shape("resistance.pathways").search(text, view.start, mention.start):
            found.append(Subject(mention.start, mention.end, mention.name, alteration="activation", mention=mention))
    return found


def _unowned(subject: Subject, aimed: list[str], spans: list[tuple[int, int]]) -> bool:
    if subject.alteration not in RESISTANCE_KINDS or subject.gene in aimed:
        return False
    if subject.mention and subject.mention.polarity is Polarity.NEGATED:
        return False
    return not any(start < subject.end and subject.start < end for start, end in spans)
