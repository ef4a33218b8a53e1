"""Which claim type an effect is: by the therapies together, by what they are given against, by where a mechanism sits."""

from __future__ import annotations

import re
from itertools import pairwise

from miner.claims import frames, senses
from miner.claims.document import Document, Subject, View
from miner.claims.effect_rules import load, shape
from miner.claims.therapy import CHEMORADIOTHERAPY, therapies, therapy_role
from miner.lexicon_rows import families
from miner.schema import ClaimType, Label, Mention

RESISTANCE_KINDS = frozenset(
    {
        "resistance mutation",
        "kinase domain mutation",
        "solvent front mutation",
        "gatekeeper mutation",
        "xDFG mutation",
        "secondary mutation",
        "compound mutation",
    }
)
CHEMOTHERAPIES = frozenset({"chemotherapy", "platinum-based chemotherapy", "taxanes"})
MUTATION_KINDS = RESISTANCE_KINDS | {"variant", "mutation"}
MECHANISMS = frozenset({ClaimType.RESISTANCE_ON_TARGET, ClaimType.RESISTANCE_OFF_TARGET, ClaimType.RESISTANCE_TO_OTHER_THERAPY})
_CLOSE = 45  # characters


def family(gene: str | None) -> str:
    """Gene family for comparison (``[families]`` of ``rules/fusions.toml``): NTRK1, NTRK2 and NTRK3 are one."""
    return families().get(gene or "", gene or "")


def targets(document: Document, names: tuple[str, ...]) -> set[str]:
    """Families and genes that therapies are aimed at: those of a family's inhibitor are its members too."""
    lexicon = document.lexicon
    return {family(g) for name in names for t in lexicon.targets(name) for g in (t, *lexicon.members(t))}


def response_type(view: View, given: list[Mention], subjects: list[Subject], *, stated: bool) -> ClaimType:
    """The type of a response claim: by the therapies, then by what they are given against."""
    if any(shape("claim_types.in_combination").match(view.document.text, m.end) for m in given):
        return ClaimType.COMBINATION_THERAPY
    if not _chemotherapy(view, given) and (combined(view, given) or any(m.name == CHEMORADIOTHERAPY for m in given)):
        return ClaimType.COMBINATION_THERAPY
    if frames.is_checkpoint(view, given):
        return ClaimType.IMMUNOTHERAPY_OUTCOME
    if any(s.variant in view.document.called_resistant or _acquired(view, s) for s in subjects if s.variant):
        return ClaimType.OVERCOMES_RESISTANCE
    if any(s.alteration in RESISTANCE_KINDS for s in subjects):
        return ClaimType.OVERCOMES_RESISTANCE
    if view.says("claim_types.resistant") and _after_its_like(view, given):
        return ClaimType.OVERCOMES_RESISTANCE
    return ClaimType.SENSITIVITY_RESPONSE


def _acquired(view: View, subject: Subject) -> bool:
    """Is a known variant of resistance told to have been acquired: "patients who acquired NTRK1 G595R"?"""
    near = (max(subject.start - c.end, c.start - subject.end) for c in view.sense("acquire"))
    return subject.variant in senses.known_resistance() and any(gap <= _CLOSE for gap in near)


def _chemotherapy(view: View, given: list[Mention]) -> bool:
    """Is all that is given chemotherapy: a platinum doublet is one treatment, and no combination of treatments?"""
    return bool(given) and all(
        m.name in CHEMOTHERAPIES or bool(CHEMOTHERAPIES.intersection(view.document.lexicon.classes(m.name or ""))) for m in given
    )


def failed_type(view: View, subject: Subject | None, lost: tuple[str, ...], general: ClaimType) -> ClaimType:
    """The type of a response that did not come: a mechanism where the alteration is no target of the therapy, or known to resist it."""
    if general is ClaimType.OVERCOMES_RESISTANCE and subject is not None:
        known, own = subject.variant in senses.known_resistance(), family(subject.gene) in targets(view.document, lost)
        called = subject.variant in view.document.called_resistant or subject.alteration in RESISTANCE_KINDS
        if (known and not own) or (own and not known and not called):
            return general
    plain = ClaimType.SENSITIVITY_RESPONSE if general is ClaimType.OVERCOMES_RESISTANCE else general
    if plain is not ClaimType.SENSITIVITY_RESPONSE or subject is None or subject.alteration == "wild-type":
        return plain
    aimed = targets(view.document, lost)
    in_cells = bool(subject.variant) and view.says("effects.cells")
    own = family(subject.gene) in aimed or (not aimed and not in_cells) or _is_reason(view.document, subject, aimed)
    known = subject.variant in senses.known_resistance() or (subject.variant in view.document.resistance_variants and view.has("resist"))
    resistant = bool(subject.variant) and (known or view.says("effects.unchanged_group"))
    told_apart = not own and not resistant and not in_cells and not view.has("resist")
    return plain if (own and not resistant) or told_apart else mechanism_type(view.document, subject, lost)


def _is_reason(document: Document, subject: Subject, aimed: set[str]) -> bool:
    """Is an alteration the reason to give a therapy that is aimed at another gene: BRCA1 and PARP, PTEN and mTOR?"""
    reasons = load().reasons
    return any(subject.gene in reasons.get(target, ()) for target in aimed)


def _after_its_like(view: View, given: list[Mention]) -> bool:
    """Is a therapy of the same targets among those that failed before?"""
    document, held = view.document, {m.name for m in given}
    aimed = targets(document, frames.names(view, given))
    lost = [m for m in therapies(view) if m.name not in held and therapy_role(document, m) == "prior"]
    return any(targets(document, (document.class_meant(m.name or ""),)) & aimed for m in lost)


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
    aimed = targets(document, lost) or {family(s.gene) for s in document.focus}
    same = family(subject.gene) in aimed
    resists = subject.variant in senses.known_resistance() if subject.variant else False
    same = same or (resists and family(subject.gene) in {family(s.gene) for s in document.focus})  # the kinase it is given against
    if same and (subject.kind in MUTATION_KINDS or subject.kind == "gene"):
        return ClaimType.RESISTANCE_ON_TARGET
    if not same and subject.kind == "fusion":
        return ClaimType.RESISTANCE_TO_OTHER_THERAPY
    return ClaimType.RESISTANCE_OFF_TARGET


def combined(view: View, given: list[Mention]) -> list[Mention]:
    """Therapies given together: joined by "plus", "with", "combined with" (and what is listed with them), or named as a combination."""
    text, given = view.document.text, [m for m in given if m.name != "surgery"]
    for index, (first, second) in enumerate(pairwise(given)):
        if shape("claim_types.comparing").search(text, view.start, first.start):
            continue
        gap = text[first.end : second.start]
        joint = first.end < second.start and (
            shape("claim_types.joint").fullmatch(gap)
            or shape("claim_types.potentiates").fullmatch(gap)
            or _added(view, first, gap)
            or (gap == "/" and _differ(view, first, second))
        )
        if first.name != second.name and joint:
            members = [*_listed_before(view, given[:index], first), first, second]
            for extra in given[index + 2 :]:
                if len(text[members[-1].end : extra.start]) > 8 or extra.start < members[-1].end:
                    break
                members.append(extra)
            return members
    several = len({m.name for m in given}) > 1
    if several and shape("claim_types.jointly").match(text, given[-1].end):
        return given
    before = given[0].end if given and given[0].label is Label.DRUG_CLASS else given[0].start if given else 0
    if several and shape("claim_types.combination_of").search(text[max(0, given[0].start - 60) : before]):
        return given
    return given if _one_regimen(view, given) else _with_partner(view, given)


def _differ(view: View, first: Mention, second: Mention) -> bool:
    """Are "A/B" two parts of a regimen: known partners, of other targets, an antibody and an inhibitor, chemotherapy and another?"""
    one, two = (set(view.document.lexicon.classes(m.name or "")) for m in (first, second))
    if _partners(view, first, second):
        return True
    if not one or not two or one & two:
        return False
    if _chemotherapy(view, [first]) != _chemotherapy(view, [second]) or _antibody(one) != _antibody(two):
        return True
    aimed, other = (targets(view.document, (m.name or "",)) for m in (first, second))
    return bool(aimed and other and not aimed & other)


def _antibody(classes: set[str]) -> bool:
    return any("antibod" in name for name in classes)


def _partners(view: View, first: Mention, second: Mention) -> bool:
    """Are two therapies aimed at targets that are known to be treated together?"""
    known = load().partners
    one, two = (targets(view.document, (view.document.class_meant(m.name or ""),)) for m in (first, second))
    return any(known.get(a, frozenset()) & two for a in one) or any(known.get(b, frozenset()) & one for b in two)


def _one_regimen(view: View, given: list[Mention]) -> bool:
    """Are therapies given to the same people: "treated with A and B" of different targets, known partners, chemotherapy with others?"""
    text = view.document.text
    gaps = [text[a.end : b.start].strip() for a, b in pairwise(given)]
    if not gaps or gaps[-1] not in ("and", ", and") or {*gaps[:-1]} - {","} or "respectively" in view.text:
        return False
    if len(given) > 2:
        named = shape("claim_types.listed_as").search(text, max(view.start, given[0].start - 40), given[0].start)
        return not named and len(given) < 6 and 0 < sum(_chemotherapy(view, [m]) for m in given) < len(given)
    if _partners(view, *given):
        return True
    first, second = (targets(view.document, (view.document.class_meant(m.name or ""),)) for m in given)
    together = shape("claim_types.given_together").search(text, max(view.start, given[0].start - 40), given[0].start)
    return bool(together and first and second and not first & second)


def _with_partner(view: View, given: list[Mention]) -> list[Mention]:
    """A therapy that is added to, or combined with, one named before: "the combination with A", "B was added"."""
    text = view.document.text
    joining, joined = shape("claim_types.joining"), shape("claim_types.joined")
    added = [
        at for at, m in enumerate(given) if joining.search(text, max(view.start, m.start - 40), m.start) or joined.match(text, m.end)
    ]
    if not added or added[0]:
        return given if added else []
    names = {m.name for m in given}
    here = [m for m in therapies(view) if m.end <= given[0].start and m.name not in names]
    behind = [m for m in given if joined.match(text, m.end)]
    opened = _OPENS_JOINED.match(view.text) is not None
    before = reversed(view.document.views[max(view.document.opening, view.index - 2) : view.index] if behind or opened else [])
    partners = here[-1:] or next((held[-1:] for p in before if (held := [m for m in therapies(p) if m.name not in names])), [])
    return [*partners, *given] if partners else []


_OPENS_JOINED = re.compile(
    r"(?:in |the )?(?:combination|combining|co-?treatment|co-?administration)(?: (?:treatment|therapy))? with\b", re.I
)


def _added(view: View, mention: Mention, gap: str) -> bool:
    """Is a therapy said to be added to what stands behind the gap?"""
    if not shape("effects.added_to").fullmatch(gap):
        return False
    return shape("effects.adding").search(view.document.text, view.start, mention.start) is not None


def _listed_before(view: View, before: list[Mention], first: Mention) -> list[Mention]:
    """Therapies in a list with the first of two that are given together, or added to it: "A and B with C", "adding A to B plus C"."""
    members: list[Mention] = []
    for mention in reversed(before):
        gap = view.document.text[mention.end : (members or [first])[0].start]
        if not shape("claim_types.and").fullmatch(gap) and not _added(view, mention, gap):
            break
        members.insert(0, mention)
    return members
