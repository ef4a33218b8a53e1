"""Which therapies of a sentence belong together, as one cue speaks of them."""

from __future__ import annotations

from miner.claims import effect_rules
from miner.claims.document import View
from miner.claims.effect_rules import shape
from miner.claims.senses import Cue
from miner.claims.therapy import joined, therapies
from miner.schema import Mention


def chains(view: View) -> list[tuple[Mention, ...]]:
    """Therapies of a sentence, those of a list together."""
    if "_chains" not in view.__dict__:
        view.__dict__["_chains"] = _listed(view)
    found: list[tuple[Mention, ...]] = view.__dict__["_chains"]
    return found


def _listed(view: View) -> list[tuple[Mention, ...]]:
    found: list[list[Mention]] = []
    text = view.document.text
    given = [m for m in therapies(view) if m.name not in effect_rules.load().inert and not text.endswith(("known ", "Known "), 0, m.start)]
    given = [m for m in given if not shape("effects.left_out").search(text, max(view.start, m.start - 60), m.start)]
    given = [m for m in given if not _of_dosing(text, m)]
    for mention in given:
        if found and _together(view, found[-1][-1], mention):
            found[-1].append(mention)
        else:
            found.append([mention])
    return [tuple(chain) for chain in found]


def _of_dosing(text: str, mention: Mention) -> bool:
    """Is it the reduction, interruption ... of a therapy that is told of, and not the therapy?"""
    before = text[max(0, mention.start - 45) : mention.start]
    return bool(shape("effects.of_dosing").match(text, mention.end) or shape("effects.to_dosing").search(before))


def _together(view: View, last: Mention, mention: Mention) -> bool:
    """Is a therapy in a list or a combination with the last, or its other name?"""
    text = view.document.text
    gap = text[last.end : mention.start]
    if shape("effects.added_to").fullmatch(gap) and shape("effects.adding").search(text, view.start, last.start):
        return True
    return (
        joined(view, last, mention)
        or gap.strip() == "nor"
        or bool(shape("effects.also").fullmatch(gap))
        or bool(shape("claim_types.joint").fullmatch(gap))
        or (last.name == mention.name and gap.strip(" [") == "(")
    )


def set_against(view: View, mention: Mention) -> bool:
    """Does a therapy stand behind "than", with no verb between?"""
    text = view.document.text
    before = text[max(view.clause(mention.start)[0], mention.start - 140) : mention.start]
    found = list(shape("effects.than").finditer(before))
    if found and not before[: found[-1].start()].strip() and "," in before[found[-1].end() :]:  # "Compared with vehicle, A ..."
        return False
    return bool(found) and not shape("effects.verb").search(before[found[-1].end() :])


def affirmed_before(view: View, at: int, chain: tuple[Mention, ...], cue: Cue) -> tuple[Mention, ...]:
    """The therapies before "but not B" that the effect is told of: "A, but not B, prolonged survival"."""
    text = view.document.text
    told = [c for c in chains(view) if c[-1].end <= at and not text[c[-1].end : at].strip(" ,")]
    return told[-1] if told and not shape("effects.refused").search(text, chain[-1].end, cue.start) else ()
