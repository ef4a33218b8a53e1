"""The claims a curator would record from a few sentences; what is not reached yet is named in cases/claims_missed.txt.

A case is met where each of its claims is found with its type, genes, therapies, direction and hedging, and where a case
that asserts nothing gives no claim. A missed case that is met now must leave the list.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from miner import mine
from miner.schema import Claim, Polarity, Record, Section

CASES = Path(__file__).parent / "cases"
ROWS = [json.loads(line) for line in (CASES / "claims.jsonl").read_text(encoding="utf-8").splitlines()]
MISSED = frozenset((CASES / "claims_missed.txt").read_text(encoding="utf-8").split())


@cache
def reader() -> mine.Miner:
    """The pipeline, loaded once."""
    return mine.load()


def meets(expected: dict[str, Any], claim: Claim) -> bool:
    """Is this the expected claim? Empty genes or therapies ask for none."""
    genes = {*claim.genes, *(claim.fusion or "").split("::")}
    return (
        claim.type == expected["type"]
        and genes.issuperset(expected.get("genes") or ())
        and set(claim.therapies).issuperset(expected.get("therapies") or ())
        and claim.direction == expected.get("direction", "supports")
        and (claim.polarity is Polarity.HEDGED) == (expected.get("polarity") == "hedged")
    )


def is_met(row: dict[str, Any]) -> bool:
    """Are all claims of a case found, and none where it has none?"""
    found = reader()(Record(id=row["id"], pmid=None, title=row.get("title") or "", sections=(Section(None, row["text"]),))).claims
    if not row["claims"]:
        return not found
    return all(any(meets(expected, claim) for claim in found) for expected in row["claims"])


@pytest.mark.parametrize("row", [row for row in ROWS if row["id"] not in MISSED], ids=lambda row: row["id"])
def test_the_claims_of_a_case_are_found(row: dict[str, Any]) -> None:
    assert is_met(row)


def test_what_is_missed_is_still_missed() -> None:
    assert [row["id"] for row in ROWS if row["id"] in MISSED and is_met(row)] == []


def test_every_missed_case_exists() -> None:
    assert MISSED - {row["id"] for row in ROWS} == set()
