"""Contradictions between papers, and what is none."""

from __future__ import annotations

from typing import Any

import pytest
from evidence_cases import paper

from miner.evidence.conflicts import by_key, conflicts, interval
from miner.evidence.table import rows_of
from miner.schema import ClaimType, Direction, Polarity, Status

Given = dict[str, Any]
T = ClaimType
LUNG: Given = {"disease": "lung cancer", "disease_key": "doid:1324"}
AGAINST: Given = {"direction": Direction.DOES_NOT_SUPPORT}
COHORT: Given = {"n_patients": 30}
HIGH = {"ORR_percent": 75.0, "n_resp": 30, "N": 40}
LOW = {"ORR_percent": 20.0, "n_resp": 6, "N": 30}
FOUND = {"value_percent": 10.0, "n_pos": 20, "N": 200}
NONE = {"value_percent": 0.0, "n_pos": 0, "N": 150}
COMMON: Given = {"claim_type": T.PREVALENCE, "therapies": (), "significance": "N/A"}
PAIR: Given = {"molecular_profile": "ALK AND EGFR", "therapies": (), "significance": "N/A"}
VARIANT: Given = {"molecular_profile": "NTRK1 G595R"}

CONFLICTS: list[tuple[str, Given, Given]] = [
    ("opposite findings", COHORT, COHORT | AGAINST),
    ("opposite findings", {"n_patients": 1210}, AGAINST | {"n_patients": 1210}),
    ("opposite findings", {"n_patients": 317}, AGAINST | {"n_patients": 317}),
    ("rates that do not meet", {"figures": HIGH}, {"figures": LOW}),
    ("rates that do not meet", {"figures": {"ORR_percent": 75.0, "ORR_percent_ci": "59-87", "N": 40}}, {"figures": LOW}),
    ("present against absent", COMMON | {"figures": FOUND}, COMMON | AGAINST | {"figures": NONE}),
    ("rates that do not meet", COMMON | {"figures": FOUND}, COMMON | {"figures": {"n_pos": 90, "N": 200}}),
    ("found together against mutually exclusive", PAIR | {"claim_type": T.CO_OCCURRENCE}, PAIR | {"claim_type": T.MUTUAL_EXCLUSIVITY}),
    ("response against resistance", VARIANT | COHORT,
     VARIANT | COHORT | {"claim_type": T.RESISTANCE_ON_TARGET, "significance": "Resistance"}),
]  # fmt: skip


@pytest.mark.parametrize("kind, left, right", CONFLICTS, ids=[f"{n} {kind}" for n, (kind, _, _) in enumerate(CONFLICTS)])
def test_contradictions_are_found_with_both_sentences(kind: str, left: Given, right: Given) -> None:
    rows = rows_of([paper("1", "One says yes.", **left), paper("2", "Two says no.", **right)])
    (found,) = conflicts(rows)
    assert str(found.kind) == kind
    assert sorted(found.sentences) == ["“One says yes.” PMID 1 [0:13]", "“Two says no.” PMID 2 [0:12]"]
    assert set(by_key([found])) == {row.key for row in rows}


QUIET: list[tuple[str, Given, Given]] = [
    ("another tumour", COHORT, COHORT | AGAINST | LUNG),
    ("no alteration named", COHORT | {"molecular_profile": "not stated"}, COHORT | AGAINST | {"molecular_profile": "not stated"}),
    ("hedged", COHORT, COHORT | AGAINST | {"polarity": Polarity.HEDGED}),
    ("retracted", COHORT, COHORT | AGAINST | {"record_status": Status.RETRACTED}),
    ("rejected", COHORT, COHORT | AGAINST | {"status": "rejected"}),
    ("repeated", COHORT, COHORT | AGAINST | {"background": True}),
    ("one patient against a cohort", COHORT, AGAINST | {"n_patients": 1}),
    ("laboratory against patients", COHORT, AGAINST | {"study_type": "preclinical"}),
    ("another endpoint", COHORT | {"figures": HIGH}, COHORT | AGAINST | {"figures": {"OS_months": 9.0}}),
    ("an endpoint that only the sentence names", COHORT | {"quote": "Overall survival was longer."},
     COHORT | AGAINST | {"quote": "PFS was not longer under it."}),
    ("what is borne", COHORT, COHORT | AGAINST | {"quote": "It did not lower the quality of life."}),
    ("as many patients of a large trial", {"n_patients": 1217}, AGAINST | {"n_patients": 1217}),
    ("a rate that came", COHORT, AGAINST | {"figures": HIGH}),
    ("one study", COHORT | {"trials": ("A-1",)}, COHORT | AGAINST | {"trials": ("A-1",)}),
    ("intervals that meet", {"figures": HIGH}, {"figures": {"n_resp": 18, "N": 30}}),
    ("too few", {"figures": HIGH}, {"figures": {"n_resp": 0, "N": 6}}),
    ("counts that follow from a total of others", {"figures": HIGH}, {"figures": {"ORR_percent": 20.0, "N": 300}}),
    ("an absence among few", COMMON | {"figures": FOUND}, COMMON | AGAINST | {"figures": {"n_pos": 0, "N": 13}}),
    ("twice as often", COMMON | {"figures": FOUND}, COMMON | {"figures": {"n_pos": 45, "N": 200}}),
    ("a class", VARIANT | COHORT | {"therapies": ("TRK inhibitors",)}, VARIANT | COHORT | {
        "therapies": ("TRK inhibitors",), "claim_type": T.RESISTANCE_ON_TARGET, "significance": "Resistance"}),
    ("another assay", {"claim_type": T.DETECTION_METHOD, "figures": {"method": "IHC"}, "significance": "Positive"},
     AGAINST | {"claim_type": T.DETECTION_METHOD, "figures": {"method": "FISH"}, "significance": "Positive"}),
]  # fmt: skip


@pytest.mark.parametrize("left, right", [pair for _, *pair in QUIET], ids=[name for name, *_ in QUIET])
def test_what_both_may_have_found_is_no_conflict(left: Given, right: Given) -> None:
    assert conflicts(rows_of([paper("1", **left), paper("2", **right)])) == ()


def test_features_must_be_the_same() -> None:
    given: Given = {"claim_type": T.CLINICAL_FEATURES_ASSOCIATION, "therapies": (), "significance": "N/A", "n_patients": 40}
    one, two = paper("1", "Fusions went with younger age.", **given), paper("2", "Fusions did not go with smoking.", **given, **AGAINST)
    same = paper("3", "Fusions did not go with age.", **given, **AGAINST)
    assert [len(conflicts(rows_of(pair))) for pair in ([one, two], [one, same])] == [0, 1]


def test_a_replaced_rate_contradicts_nothing() -> None:
    older, newer = paper("1", trials=("A-1",), figures=LOW), paper("2", trials=("A-1",), figures=HIGH)
    assert conflicts(rows_of([older, newer, paper("3", figures={"n_resp": 24, "N": 30})])) == ()


@pytest.mark.parametrize(
    "figures, told",
    [
        ({"n_resp": 18, "N": 24}, "75 % (18/24; 55–88)"),
        ({"ORR_percent": 75, "n_resp": 18, "N": 24, "ORR_percent_ci": "53-90"}, "75 % (18/24; 55–88)"),
        ({"ORR_percent": 75, "ORR_percent_ci": "53-90", "N": 24}, "75 % (n = 24; 53–90)"),
        ({"ORR_percent": 75, "N": 24}, "75 % (18/24; 55–88)"),
        ({"ORR_percent": 75, "n_resp": 3, "N": 24}, None),
        ({"ORR_percent": 75}, None),
        ({"ORR_percent": ">75", "N": 24}, None),
        ({"ORR_percent": 75, "ORR_percent_ci": "80-90"}, None),
    ],
)
def test_the_interval_of_a_rate(figures: dict[str, Any], told: str | None) -> None:
    found = interval(figures)
    assert (found and str(found)) == told
