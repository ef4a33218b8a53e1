"""Direction and polarity of claims on sentences that a person can judge: against, hedged, and what asserts nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from miner import mine
from miner.schema import Claim, Record, Section

CASES = [json.loads(line) for line in (Path(__file__).parent / "cases" / "claims_polarity.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def miner():
    return mine.load()


def told(claim: Claim) -> list:
    return [str(claim.type), list(claim.genes), list(claim.therapies), str(claim.direction), str(claim.polarity)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_claims_of_a_text(case, miner):
    record = Record(id=case["id"], pmid=None, title=case.get("title", ""), sections=(Section(None, case["text"]),))
    assert sorted(told(claim) for claim in miner(record).claims) == sorted(case["claims"])
