"""Claims of biology and practice, and the effects of therapies: each case names the types that it is about."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from miner import mine
from miner.claims import words
from miner.errors import LexiconError
from miner.schema import Claim, Record, Section

CASES = [json.loads(line) for line in (Path(__file__).parent / "cases" / "claims_biology.jsonl").read_text(encoding="utf-8").splitlines()]
TYPES = {
    "driver_role", "prevalence", "clinical_features_association", "mutual_exclusivity", "co_occurrence", "detection_method",
    "approval_recommendation", "safety",
}  # fmt: skip
LISTS = ("safety.toml", "approval.toml", "detection.toml", "biology.toml", "features.toml")


@pytest.fixture(scope="module")
def miner() -> mine.Miner:
    return mine.load()


def _told(claim: Claim) -> tuple[object, ...]:
    return str(claim.type), tuple(sorted(claim.genes)), tuple(sorted(claim.therapies)), str(claim.direction), str(claim.polarity)


def _wanted(claim: dict[str, Any]) -> tuple[object, ...]:
    return claim["type"], tuple(sorted(claim["genes"])), tuple(sorted(claim["therapies"])), claim["direction"], claim["polarity"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_case(miner: mine.Miner, case: dict[str, Any]) -> None:
    types = set(case.get("types", TYPES if not case["claims"] else {c["type"] for c in case["claims"]}))
    record = Record(id=case["id"], pmid=None, title=case.get("title", ""), sections=(Section(None, case["text"]),))
    found = [c for c in miner(record).claims if c.type in types]
    assert sorted(map(_told, found)) == sorted(map(_wanted, case["claims"]))
    for wanted in case["claims"]:
        figures = [c.figures for c in found if _told(c) == _wanted(wanted)]
        assert any(wanted.get("figures", {}).items() <= held.items() for held in figures)


@pytest.mark.parametrize("file", LISTS)
def test_word_lists_load(file: str) -> None:
    assert words.load(file) is words.load(file)


def test_a_word_that_is_no_pattern_is_named_with_its_line() -> None:
    with pytest.raises(LexiconError, match=r"^mine\.toml:3: '\(open'"):
        words.Words("mine.toml", '[anywhere]\ngood = ["fine"]\nbad = ["(open"]\n')


def test_an_unknown_table_is_named_with_its_line() -> None:
    with pytest.raises(LexiconError, match=r"^mine\.toml:1: table 'around'"):
        words.Words("mine.toml", '[around]\ngood = ["fine"]\n')


def test_a_missing_list_is_named() -> None:
    with pytest.raises(LexiconError, match="'absent' is missing"):
        words.Words("mine.toml", '[anywhere]\ngood = ["fine"]\n')["absent"]


def test_before_and_after_are_anchored() -> None:
    lists = words.Words("mine.toml", '[before]\nlead = ["without"]\n[after]\nfollow = ["arm"]\n')
    assert lists["lead"].search("patients without ") and not lists["lead"].search("without any of them")
    assert lists["follow"].match(" arm of") and not lists["follow"].match(" the arm")


def test_a_share_of_which_is_of_the_alteration_named_next(miner: mine.Miner) -> None:
    text = "We saw 40 BRAF mutations (5%), 60% of which were V600E."
    found = miner(Record(id="r", pmid=None, title="", sections=(Section(None, text),))).claims
    assert [(c.variant, c.figures["value_percent"]) for c in found if c.type == "prevalence"] == [(None, 5), ("BRAF V600E", 60)]


def test_a_gene_that_is_expressed_is_not_mutated(miner: mine.Miner) -> None:
    text = "BCL2 was expressed in 22 of 28 (79%) samples."
    claims = miner(Record(id="expressed", pmid=None, title="", sections=(Section(None, text),))).claims
    assert [(str(c.type), c.genes, c.alteration) for c in claims if c.type == "prevalence"] == [("prevalence", ("BCL2",), "expression")]
