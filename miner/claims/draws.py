"""Endpoints at which the arms of a trial came out alike, told without naming a therapy: "survival did not differ between the arms"."""

from __future__ import annotations

from collections.abc import Iterator

from miner.claims import frames, trial, words
from miner.claims.claim_types import response_type
from miner.claims.document import BODY, CONCLUSIONS, RESULTS, View, therapies
from miner.claims.frames import DENIED, build, names
from miner.schema import Claim, ClaimType, Direction, Polarity


def drawn(view: View) -> Iterator[Claim]:
    """A claim against the tested arm for an endpoint that it did not better."""
    plan = trial.design(view.document)
    if plan is None or view.role not in (RESULTS, CONCLUSIONS, BODY) or view.subjects or view.is_aim or therapies(view):
        return
    rules, text = words.load("response.toml"), view.document.text
    for clause in view.clauses:
        told = rules.spans("drawn", text, *clause)
        if not told or not rules.within("endpoint", text, *clause) or rules.within("apart", text, *clause):
            continue
        given = trial.given_in(plan.test)
        subjects = frames.carried_subjects(view)
        type_ = trial.kind(view.document, names(view, given)) or response_type(view, given, subjects, stated=True)
        type_ = ClaimType.SENSITIVITY_RESPONSE if type_ is ClaimType.OVERCOMES_RESISTANCE else type_
        unsure = Polarity.HEDGED in frames.kinds_at(view, *told[0])
        yield from build(
            view, type_, "effect.drawn", subjects=subjects, therapies=names(view, given), confidence=0.5,
            stance=(Direction.DOES_NOT_SUPPORT, Polarity.HEDGED) if unsure else DENIED, n=trial.population(view, names(view, given)),
        )  # fmt: skip
        return
