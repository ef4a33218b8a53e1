"""Why a therapy fails and what answers it: on-target, off-target, a driver as resistance to another therapy, resistance overcome."""

from __future__ import annotations

import re
from collections.abc import Iterator

from miner.claims import frames
from miner.claims.document import OUTSIDE, Document, Subject, View, agents, therapies, therapy_role
from miner.claims.frames import SUPPORTS, build, names
from miner.claims.response import stated_stance
from miner.schema import Claim, ClaimType, Label, Mention

MUTATION_KINDS = frozenset(
    {"variant", "mutation", "resistance mutation", "kinase domain mutation", "solvent front mutation", "gatekeeper mutation", "xDFG mutation", "secondary mutation"}
)
FAMILIES = {"NTRK1": "NTRK", "NTRK2": "NTRK", "NTRK3": "NTRK", "TRK": "NTRK"}
_DEFEATED_AFTER = re.compile(
    r"(?:resistan(?:ce|t)|refractor(?:y|iness)|insensitiv\w+|reduced sensitivity|progress(?:ed|ion))\s+(?:to|on|against|during|after|with)\s+(?:the\s+|both\s+|first-generation\s+|treatment with\s+|\w+-line\s+){0,3}$",
    re.I,
)


def family(gene: str | None) -> str:
    """Gene family for comparison: NTRK1, NTRK2 and NTRK3 are one."""
    return FAMILIES.get(gene or "", gene or "")


def extract(view: View) -> list[Claim]:
    """Claims of resistance in one sentence."""
    if view.role == OUTSIDE or (view.is_aim and not frames.measures(view)):
        return []
    claims: list[Claim] = []
    if view.has("resist"):
        claims += _mechanisms(view)
    if view.has("overcome") or (view.has("sensitive", "active", "inhibit") and _resistance_variants(view)):
        claims += _overcome(view)
    return claims


def _resistance_variants(view: View) -> list[Subject]:
    return [s for s in view.subjects if s.variant and s.variant in view.document.resistance_variants]


def _mechanisms(view: View) -> Iterator[Claim]:
    explicit = _explicitly_defeated(view)
    if not explicit and agents(view) and view.has("overcome", "inhibit", "active", "sensitive"):
        return
    lost = explicit or _defeated(view)
    mechanisms = [s for s in frames.affirmed(view.subjects) if s.gene and _is_mechanism(view, s, lost)]
    if not mechanisms:
        yield from _unnamed(view, lost)
        return
    groups: dict[tuple[ClaimType, tuple[str, ...]], list[Subject]] = {}
    for subject in mechanisms:
        type_ = mechanism_type(view.document, subject, names(view, lost))
        groups.setdefault((type_, names(view, lost)), []).append(subject)
    for (type_, given), subjects in groups.items():
        figures, n = _frequency(view, subjects)
        stance = frames.stance_at(view, subjects[0].start, subjects[0].end)
        yield from build(
            view, type_, "resistance.mechanism", subjects=subjects, therapies=given, stance=stance, figures=figures, n=n, confidence=0.7
        )  # fmt: skip


def _is_mechanism(view: View, subject: Subject, lost: list[Mention]) -> bool:
    """A variant or alteration that resists, and not the driver of the population that is treated."""
    if subject.alteration == "wild-type" or not _near_resistance(view, subject):
        return False
    if subject.variant and subject.variant in view.document.resistance_variants:
        return not _of_population(view, subject) or bool(_CAUSES.search(view.text))
    if _of_population(view, subject):
        return False
    if subject.alteration in ("amplification", "loss", "overexpression", "resistance mutation", "kinase domain mutation", "activation"):
        return True
    focus = {family(s.gene) for s in view.document.focus}
    targets = {family(t) for m in lost for t in view.document.lexicon.targets(view.document.class_meant(m.name or ""))}
    other = family(subject.gene) not in targets if targets else family(subject.gene) not in focus
    return (other and bool(_CAUSES.search(view.text) or _COUNTED.search(view.text))) or bool(_CAUSES.search(view.text) and subject.kind in MUTATION_KINDS)


_CAUSES = re.compile(
    r"\b(?:mechanisms?|mediat\w+|confer\w*|caus\w+|through|via|due to|attribut\w+|account\w*|emergent|secondary|acquired\s+(?:\w+\s+){0,2}mutations?|"
    r"drives?|driven by|associated with|responsible|lead\w* to|led to|render\w*|because of|resistance mutations?|resist)\b",
    re.I,
)
_COUNTED = re.compile(r"\b(?:detected|identified|found|occurred|present|showed|observed|harbou?red|emerged)\b", re.I)
_ADJECTIVE = re.compile(r"(?:mutant|mutated|positive|rearranged|driven|altered|\+|dependent|addicted)$", re.I)
_POPULATION_AFTER = re.compile(r"^[\s)\]]*(?:advanced |metastatic |stage \w+ )*(?:patients|nsclcs?|tumou?rs|lung|cancers?|cases|disease|non-?small)", re.I)
_POPULATION_BEFORE = re.compile(r"\b(?:patients|tumou?rs|cases|nsclcs?|cancers?|adenocarcinomas?)\s+(?:\w+\s+)?(?:with|harbou?ring|carrying|bearing|whose tumou?rs)\s+(?:\w+\s+){0,2}$", re.I)


def _of_population(view: View, subject: Subject) -> bool:
    """Does the subject describe the treated (``EGFR-mutant NSCLC``) and not the mechanism?"""
    text = view.document.text
    adjective = _ADJECTIVE.search(text[subject.start : subject.end]) or _POPULATION_AFTER.match(text[subject.end : subject.end + 40])
    return bool(adjective or _POPULATION_BEFORE.search(text[max(view.start, subject.start - 50) : subject.start]))


def _near_resistance(view: View, subject: Subject) -> bool:
    clause = view.clause(subject.start)
    if view.has("resist", within=clause):
        return True
    return view.has("resist") and (view.document.on_resistance or view.has("acquire", "bypass", "ontarget"))


def _defeated(view: View) -> list[Mention]:
    """Therapies that the resistance of this sentence is to."""
    found = []
    for mention in therapies(view):
        before = view.document.text[max(0, mention.start - 70) : mention.start]
        if _DEFEATED_AFTER.search(before) or therapy_role(view.document, mention) == "prior" or found:
            found.append(mention)
    if not found:
        found = therapies(view) if not view.has("overcome") else []
    if not found:
        found = frames.carried_therapies(view)
    return found


def mechanism_type(document: Document, subject: Subject, lost: tuple[str, ...]) -> ClaimType:
    """On-target where the mechanism mutates the target of a therapy that it defeats; else off-target, or another driver's doing.

    Parameters
    ----------
    document
        The paper, whose focus stands in for the target where no therapy is named.
    subject
        The mechanism.
    lost
        Names of the therapies that are defeated.
    """
    targets = {family(t) for name in lost for t in document.lexicon.targets(name)}
    if not targets:
        targets = {family(s.gene) for s in document.focus}
    same = family(subject.gene) in targets
    if same and subject.kind in MUTATION_KINDS | {"variant"}:
        return ClaimType.RESISTANCE_ON_TARGET
    if not same and subject.kind == "fusion":
        return ClaimType.RESISTANCE_TO_OTHER_THERAPY
    return ClaimType.RESISTANCE_OFF_TARGET


def _unnamed(view: View, lost: list[Mention]) -> Iterator[Claim]:
    """Mechanisms told without a gene: "on-target and off-target mechanisms"."""
    if not view.has("ontarget", "bypass") or not view.has("acquire", "resist"):
        return
    subjects = [s for s in frames.affirmed(view.subjects) if s.gene] or view.document.focus
    for sense, type_ in (("ontarget", ClaimType.RESISTANCE_ON_TARGET), ("bypass", ClaimType.RESISTANCE_OFF_TARGET)):
        cues = view.sense(sense)
        if cues and subjects:
            stance = frames.stance_at(view, cues[0].start, cues[0].end)
            yield from build(
                view, type_, "resistance.unnamed", subjects=subjects, therapies=names(view, lost), stance=stance, joint=False, confidence=0.5
            )  # fmt: skip


def _frequency(view: View, subjects: list[Subject]) -> tuple[dict[str, float | int | str], int | None]:
    found = frames.measures(view, "value_percent", "n_pos")
    figures: dict[str, float | int | str] = {}
    population = None
    span = (subjects[0].start, subjects[-1].end)
    for _, measure in sorted(found, key=lambda f: frames.distance((f[0].start, f[0].end), span))[:1]:
        if measure.value is not None:
            figures[measure.metric] = measure.value
        if measure.n is not None:
            figures["n_pos"] = measure.n
        if measure.total:
            figures["N"] = population = measure.total
    return figures, population


def _overcome(view: View) -> Iterator[Claim]:
    clauses = [c for c in view.clauses if view.has("overcome", "sensitive", "active", "inhibit", within=c)]
    for clause in clauses[:2]:
        given = agents(view, clause) or agents(view)
        lost = set(names(view, _explicitly_defeated(view)))
        given = [m for m in given if m.name not in lost]
        subjects = _resistance_variants(view) or [
            s for s in frames.affirmed(view.subjects) if s.gene and (s.variant or s.alteration in MUTATION_KINDS) and view.has("resist")
        ]
        if not subjects and view.has("overcome") and view.has("resist"):
            subjects = frames.subjects_for(view, clause)
        if not given or not subjects:
            continue
        cues = view.sense("overcome", "sensitive", "active", "inhibit", "worse", "nodiff", within=clause)
        stance = stated_stance(view, clause, [c if c.sense != "overcome" else c._replace(sense="active") for c in cues]) if cues else SUPPORTS
        yield from build(
            view, ClaimType.OVERCOMES_RESISTANCE, "resistance.overcome", subjects=subjects, therapies=names(view, given), stance=stance, confidence=0.65
        )  # fmt: skip
        return


def _explicitly_defeated(view: View) -> list[Mention]:
    found = []
    for mention in view.of(Label.DRUG, Label.DRUG_CLASS):
        before = view.document.text[max(0, mention.start - 70) : mention.start]
        if _DEFEATED_AFTER.search(before) or therapy_role(view.document, mention) == "prior":
            found.append(mention)
    return found
