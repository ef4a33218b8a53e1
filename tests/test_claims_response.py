"""Claims of response and resistance on sentences that a person can judge: the whole of what each asserts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from miner import mine
from miner.claims import effect_rules
from miner.errors import LexiconError
from miner.schema import Claim, ClaimType, Record, Section

FILES = [Path(__file__).parent / "cases" / name for name in ("claims_response.jsonl", "claims_effects.jsonl")]
CASES = [json.loads(line) for file in FILES for line in file.read_text(encoding="utf-8").splitlines()]
TYPES = {
    ClaimType.SENSITIVITY_RESPONSE,
    ClaimType.IMMUNOTHERAPY_OUTCOME,
    ClaimType.COMBINATION_THERAPY,
    ClaimType.OVERCOMES_RESISTANCE,
    ClaimType.RESISTANCE_ON_TARGET,
    ClaimType.RESISTANCE_OFF_TARGET,
    ClaimType.RESISTANCE_TO_OTHER_THERAPY,
}


@pytest.fixture(scope="module")
def miner():
    return mine.load()


def told(claim: dict) -> tuple:
    return (
        claim["type"],
        claim["genes"],
        claim["therapies"],
        claim["direction"],
        claim["polarity"],
        sorted(claim.get("figures", {}).items()),
    )


def row(claim: Claim) -> dict:
    return {
        "type": str(claim.type),
        "genes": list(claim.genes),
        "therapies": list(claim.therapies),
        "direction": str(claim.direction),
        "polarity": str(claim.polarity),
        "figures": dict(claim.figures),
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_claims_of_a_text(case, miner):
    record = Record(id=case["id"], pmid=None, title=case.get("title", ""), sections=(Section(None, case["text"]),))
    found = [told(row(claim)) for claim in miner(record).claims if claim.type in TYPES]
    assert sorted(found) == sorted(told(claim) for claim in case["claims"])


def test_a_fault_in_the_rules_is_told(monkeypatch):
    effect_rules.load.cache_clear()
    monkeypatch.setattr(effect_rules, "RULES", "claim_cues.tsv")
    with pytest.raises(LexiconError, match=r"claim_cues\.tsv"):
        effect_rules.load()
    effect_rules.load.cache_clear()


def outcome(miner, title: str, text: str) -> list[tuple]:
    mined = miner(Record(id="c", pmid=None, title=title, sections=(Section(None, text),)))
    return [(claim.genes, claim.figures.get("OS_months")) for claim in mined.claims if claim.type is ClaimType.SENSITIVITY_RESPONSE]


def test_an_outcome_keeps_an_alteration_that_the_title_names_and_no_stranger(miner):
    text = (
        "Patients with an EGFR mutation were few. Staging was by tomography in every centre. "
        "The median overall survival with bevacizumab was 9.1 months."
    )
    assert outcome(miner, "Bevacizumab in lung cancer", text) == [((), 9.1)]
    assert outcome(miner, "Bevacizumab in EGFR-mutant lung cancer", text) == [(("EGFR",), 9.1)]


def test_ages_are_no_survival(miner):
    text = "The median overall survival with bevacizumab was 65-74 years."
    assert outcome(miner, "Bevacizumab in lung cancer", text) == []
