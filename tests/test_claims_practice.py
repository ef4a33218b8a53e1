"""Claims of practice and biology on sentences in a trial's or a guideline's words: the whole of what each asserts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from miner import mine
from miner.schema import ClaimType, Record, Section

CASES = [json.loads(line) for line in (Path(__file__).parent / "cases" / "claims_practice.jsonl").read_text(encoding="utf-8").splitlines()]
TYPES = {
    ClaimType.APPROVAL_RECOMMENDATION,
    ClaimType.DETECTION_METHOD,
    ClaimType.SAFETY,
    ClaimType.PREVALENCE,
    ClaimType.CLINICAL_FEATURES_ASSOCIATION,
}


@pytest.fixture(scope="module")
def miner():
    return mine.load()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_claims_of_a_text(case, miner):
    record = Record(id=case["id"], pmid=None, title=case["title"], sections=(Section(None, case["text"]),))
    found = [
        (str(c.type), list(c.genes), list(c.therapies), str(c.direction), str(c.polarity), sorted(c.figures.items()))
        for c in miner(record).claims
        if c.type in TYPES
    ]
    told = [(c["type"], c["genes"], c["therapies"], c["direction"], c["polarity"], sorted(c["figures"].items())) for c in case["claims"]]
    assert sorted(found) == sorted(told)
