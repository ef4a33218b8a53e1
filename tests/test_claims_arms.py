"""Claims of arms, combinations and figures that are none: cases a curator can read, run whole."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from miner import mine
from miner.schema import ClaimType, Record, Section

CASES = [json.loads(line) for line in (Path(__file__).parent / "cases" / "claims_arms.jsonl").read_text(encoding="utf-8").splitlines()]
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


def test_who_lacks_an_alteration_is_told_as_wild_type(miner):
    text = "Patients without KRAS mutations responded to cetuximab. Nivolumab was active only in patients without EGFR mutations."
    claims = miner(Record(id="lacks", pmid=None, title="", sections=(Section(None, text),))).claims

    assert [(str(c.type), c.genes, c.alteration, c.therapies) for c in claims] == [
        ("sensitivity_response", ("KRAS",), "wild-type", ("cetuximab",)),
        ("immunotherapy_outcome", ("EGFR",), "wild-type", ("nivolumab",)),
    ]


def test_who_lacks_a_variant_of_resistance_has_the_driver(miner):
    text = "The response rate was 69% in G1202R-positive and 27% in G1202R-negative tumors."
    record = Record(id="g1202r", pmid=None, title="Lorlatinib in ALK-positive lung cancer", sections=(Section(None, text),))
    assert [(c.variant, c.alteration) for c in miner(record).claims] == [("ALK G1202R", None), (None, "fusion")]


@pytest.mark.parametrize(
    "text",
    [
        "Crizotinib was inactive in ALK-negative tumors.",
        "In ALK-negative patients, the ORR to crizotinib was 5%.",
        "Crizotinib gave a response rate of 5% in patients without ALK rearrangements.",
        "Tumors negative for ALK did not respond to crizotinib.",
        "Crizotinib was ineffective in tumors lacking ALK rearrangement.",
    ],
)
def test_what_fails_in_those_without_an_alteration_does_not_speak_against_carriers(text, miner):
    claims = miner(Record(id="lacking", pmid=None, title="", sections=(Section(None, text),))).claims
    assert {(str(c.type), c.genes, c.alteration, str(c.direction)) for c in claims} == {
        ("sensitivity_response", ("ALK",), "wild-type", "does_not_support")
    }
