"""Why therapies fail, what answers it, and what is combined: each atom (type, gene, therapy) of sentences and small abstracts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from miner import mine
from miner.schema import Record, Section

ROWS = (Path(__file__).parent / "cases" / "claims_resistance.jsonl").read_text(encoding="utf-8").splitlines()
CASES = [json.loads(line) for line in ROWS]
TYPES = {
    "sensitivity_response",
    "immunotherapy_outcome",
    "combination_therapy",
    "overcomes_resistance",
    "resistance_on_target",
    "resistance_off_target",
    "resistance_to_other_therapy",
}


@pytest.fixture(scope="module")
def miner():
    return mine.load()


def atoms(claims: Iterable[Mapping[str, Any]]) -> set[tuple[str, ...]]:
    return {
        (str(c["type"]), gene, therapy, str(c["direction"]), str(c["polarity"]))
        for c in claims
        for gene in (c["genes"] or ("",))
        for therapy in (c["therapies"] or ("",))
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_atoms_of_a_text(case, miner):
    sections = tuple(Section(label, text) for label, text in case.get("sections", ())) or (Section(None, case["text"]),)
    claims = miner(Record(id=case["id"], pmid=None, title=case.get("title", ""), sections=sections)).claims
    found = [vars_of(claim) for claim in claims if str(claim.type) in TYPES]
    assert atoms(found) == atoms(case["claims"])


def vars_of(claim: Any) -> dict[str, Any]:
    return {name: getattr(claim, name) for name in ("type", "genes", "therapies", "direction", "polarity")}
