"""How often an alteration is found, in words: rare, common, in the majority of ..."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from miner.claims import frames
from miner.claims.claim_types import family
from miner.claims.counted import all_carry, is_population, rules
from miner.claims.document import Subject, View, agents, distinct
from miner.claims.frames import build
from miner.schema import Claim, ClaimType, Label


def extract(view: View) -> Iterator[Claim]:
    """Rare, common, in the majority of ..."""
    text = view.document.text
    things = rules().spans("common_thing", text, view.start, view.end)
    spans = [s for s in rules().spans("commonness", text, view.start, view.end) if not any(a <= s[0] and s[1] <= b for a, b in things)]
    if not spans or (not view.of(Label.DISEASE, Label.COHORT) and not view.tells(rules(), "people")):
        return
    if agents(view) or view.has("safety", "resist", "approvecore", "respond", "outcome") or view.tells(rules(), "common_else"):
        return
    for clause in view.clauses:
        inside = [s for s in spans if clause[0] <= s[0] < clause[1]]
        subjects = [s for s in frames.affirmed(view.subjects) if s.gene and clause[0] <= s.start < clause[1]]
        if not view.subjects and rules()["they"].match(text[clause[0] : clause[0] + 30]):
            subjects = [s for s in frames.carried_subjects(view) if s.kind == "fusion"]
        subjects = [s for s in subjects if s.alteration not in ("wild-type", "expression", "overexpression") and not is_population(view, s)]
        featured = _featured(view, clause) and not rules().within("carrying", text, *clause)
        if inside and subjects and not featured:
            stance = frames.stance_at(view, *inside[0])
            hosts = _carriers_told(view, subjects)
            found = ClaimType.CO_OCCURRENCE if hosts else ClaimType.PREVALENCE
            yield from build(
                view, found, "biology.commonness", subjects=distinct([*subjects, *hosts]), stance=stance, joint=bool(hosts), confidence=0.5
            )
            return


def _carriers_told(view: View, subjects: Sequence[Subject]) -> list[Subject]:
    """The carriers among whom other alterations are common: those an earlier clause tells of, or all patients of the paper."""
    kin = {m for s in subjects for m in (s.gene, family(s.gene), *view.document.lexicon.members(s.gene or ""))}
    text, after = view.document.text, rules()["group_after"]
    before = [s for s in view.subjects if s.end <= subjects[0].start and s.kind != "gene"]
    here = [s for s in before if is_population(view, s) or after.match(text[s.end : s.end + 60])]
    found = [s for s in here or all_carry(view) if not {s.gene, family(s.gene)} & kin]
    return found[:1] if all(s.kind != "gene" for s in subjects) else []


def _featured(view: View, clause: tuple[int, int]) -> bool:
    """Does a clause name a trait, other than by the name of a disease: "common in lung adenocarcinoma"?"""
    diseases = view.of(Label.DISEASE)
    return any(not any(d.start <= c.start and c.end <= d.end for d in diseases) for c in view.sense("feature", within=clause))
