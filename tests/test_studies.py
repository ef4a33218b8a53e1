"""Which papers report one study, which figures a newer data cut replaced, and the support that follows."""

from __future__ import annotations

from typing import Any

import pytest
from evidence_cases import paper, record

from miner.evidence.studies import group
from miner.evidence.support import support
from miner.evidence.table import Paper, make_rows
from miner.evidence.trials import cited_trials, trial_names
from miner.schema import Direction, Polarity, Status

RATE = {"ORR_percent": 75.0, "n_resp": 18, "N": 24}
LATER = {"ORR_percent": 70.0, "n_resp": 28, "N": 40}


def sets(*papers: Paper) -> list[list[str]]:
    return [[item.pmid for item in study.papers] for study in group(papers)]


def whys(*papers: Paper) -> list[str]:
    return [tie.why for study in group(papers) for tie in study.ties]


ONE_STUDY: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("same trial NCT00000001", {"trials": ("NCT00000001",)}, {"trials": ("ALPHA-1", "NCT00000001")}),
    ("same trial ALPHA-1", {"trials": ("ALPHA-1",)}, {"trials": ("ALPHA-1",)}),
    ("linked by PubMed", {}, {"notices": (("UpdateOf", "J. 2019 doi: 10.1/x. PMID: 900001"),)}),
    ("linked by PubMed", {"notices": (("PreprintIn", "900002"),)}, {}),
    ("same title", {"title": "One drug in a rare tumour of the young"}, {"title": "One Drug in a rare tumour of the young."}),
    ("same title", {"title": "One drug in a rare tumour of the young adult", "authors": ("A B", "C D")},
     {"title": "One drug in a rare tumour of the young", "authors": ("C D",)}),
    ("the same 28/40 on larotrectinib", {"figures": LATER}, {"figures": {"n_resp": 28, "N": 40}}),
    ("same authors, drug and tumour", {"authors": ("A B", "X Y", "C D")}, {"authors": ("A B", "Z Z", "C D")}),
]  # fmt: skip


@pytest.mark.parametrize("why, left, right", ONE_STUDY, ids=[f"{n} {why}" for n, (why, _, _) in enumerate(ONE_STUDY)])
def test_papers_of_one_study_are_tied(why: str, left: dict[str, Any], right: dict[str, Any]) -> None:
    papers = paper("900001", **left), paper("900002", **right)
    assert [sorted(found) for found in sets(*papers)] == [["900001", "900002"]]
    assert whys(*papers) == [why]


TWO_STUDIES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {}),
    ({"trials": ("NCT00000001",)}, {"trials": ("NCT00000002",)}),
    ({"trials": ("NCT00000001",), "title": "One drug in a rare tumour of all"},
     {"trials": ("NCT00000002",), "title": "One drug in a rare tumour of all"}),
    ({"title": "One drug in a rare tumour of the old adult"}, {"title": "One drug in a rare tumour of the young adult"}),
    ({"figures": {"n_resp": 3, "N": 5}}, {"figures": {"n_resp": 3, "N": 5}}),
    ({"figures": LATER}, {"figures": LATER, "therapies": ("entrectinib",)}),
    ({"authors": ("A B", "X Y", "C D"), "study_type": "case_report"}, {"authors": ("A B", "Z Z", "C D"), "study_type": "case_report"}),
]  # fmt: skip


@pytest.mark.parametrize("left, right", TWO_STUDIES)
def test_papers_of_two_studies_are_not(left: dict[str, Any], right: dict[str, Any]) -> None:
    assert sets(paper("900001", **left), paper("900002", **right)) == [["900001"], ["900002"]]


def test_a_review_joins_the_trial_that_its_sentence_names_and_ties_nothing() -> None:
    one, two = paper("1", trials=("ALPHA-1",), figures=RATE), paper("2", trials=("BETA-2",), figures=LATER)
    review = paper("3", "In the ALPHA-1 trial the rate was 75%; BETA-2 followed.", study_type="review", n_patients=400)
    repeated = paper("4", background=True, figures={"ORR_percent": 75.0, "N": 24})
    other = paper("5", background=True, figures={"ORR_percent": 33.0})
    assert sets(one, two, review, repeated, other) == [["1", "3", "4"], ["2"], ["5"]]
    assert whys(one, two, review, repeated, other) == ["repeats ALPHA-1", "repeats its ORR 75 %"]
    assert [(study.n_patients, study.is_repeated) for study in group((one, two, review, repeated, other))] == [
        (24, False), (40, False), (None, True)]  # fmt: skip


def test_a_pool_of_two_trials_that_are_here_is_counted_with_neither() -> None:
    one, two = paper("1", trials=("NCT00000001",), figures=RATE), paper("2", trials=("NCT00000002",), figures=LATER)
    pool = paper("3", trials=("NCT00000001", "NCT00000002"), figures={"n_resp": 46, "N": 64})
    assert sets(one, two, pool) == [["1", "3"], ["2"]]
    assert [study.n_patients for study in group((one, two, pool))] == [24, 40]
    assert [study.n_patients for study in group((one, pool))] == [64]


def test_a_newer_data_cut_supersedes_endpoint_by_endpoint() -> None:
    older = paper("900001", trials=("ALPHA-1",), figures=RATE | {"PFS_months": 20.0})
    newer = paper("900002", trials=("ALPHA-1",), figures=LATER)
    (study,) = group((older, newer))
    assert (study.lead.pmid, study.n_patients, study.name) == ("900002", 40, "ALPHA-1")
    assert [str(item) for item in study.superseded] == [
        "ORR 75 % (18/24) (PMID 900001) superseded by ORR 70 % (28/40) (PMID 900002)"]  # fmt: skip
    assert [item.endpoint for item in study.superseded] == ["response"]


def test_equal_figures_and_other_studies_supersede_nothing() -> None:
    again = paper("900001", trials=("ALPHA-1",), figures=RATE), paper("900002", trials=("ALPHA-1",), figures=RATE)
    apart = paper("900001", trials=("ALPHA-1",), figures=RATE), paper("900002", trials=("BETA-2",), figures=LATER)
    assert [item for papers in (again, apart) for study in group(papers) for item in study.superseded] == []


# support


SCORES: list[tuple[list[dict[str, Any]], float]] = [
    ([{}], 4.0),
    ([{"level": "A"}], 5.0),
    ([{"figures": {"N": 9}}], 4.0),
    ([{"figures": {"N": 10}}], 5.0),
    ([{"figures": {"N": 100}}], 6.0),
    ([{"figures": {"N": 1000}}], 7.0),
    ([{"level": "D", "figures": {"N": 1000}}], 2.0),
    ([{"polarity": Polarity.HEDGED, "figures": {"N": 10}}], 2.5),
    ([{"background": True}], 2.0),
    ([{"record_status": Status.CONCERN}], 2.0),
    ([{"record_status": Status.RETRACTED}], 0.0),
    ([{}, {}], 8.0),
    ([{}, {"year": 2023}], 9.0),
    ([{"trials": ("ALPHA-1",)}, {"trials": ("ALPHA-1",), "year": 2023}], 4.0),
    ([{"trials": ("ALPHA-1",), "level": "C"}, {"trials": ("ALPHA-1",), "figures": {"N": 30}}], 5.0),
]


@pytest.mark.parametrize("papers, value", SCORES)
def test_support_counts_each_study_once(papers: list[dict[str, Any]], value: float) -> None:
    made = [paper(str(number), **given) for number, given in enumerate(papers, 1)]
    assert support(group(made)).value == value


def test_support_falls_with_what_speaks_for_the_opposite() -> None:
    rows = make_rows([paper("1"), paper("2", year=2022), paper("3", level="D", direction=Direction.DOES_NOT_SUPPORT)])
    assert [(row.support, row.n_studies) for row in rows] == [(7.2, 2), (0.4, 1)]
    assert str(rows[0].score) == "support 7.2 (2 studies 8 + 1 confirmed 2020–2022 × consistency 0.80)"


# names of trials


@pytest.mark.parametrize(
    "sentence, names",
    [
        ("In the phase 2 ALPHA-1 trial, 20 responded.", {"ALPHA-1"}),
        ("Patients of the ALPHA-1, BETA 200 and J-GAMMA studies were pooled.", {"ALPHA-1", "BETA-200", "J-GAMMA"}),
        ("This randomised trial (CheckALPHA 057) is registered as NCT 00000001.", {"CHECKALPHA-057", "NCT00000001"}),
        ("In a phase III trial, EGFR and ALK studies, PET study or RCT trials.", set()),
        ("EudraCT number 2011-000001-12 and UMIN000000001.", {"2011-000001-12", "UMIN000000001"}),
    ],
)
def test_trials_are_found_by_number_and_name(sentence: str, names: set[str]) -> None:
    assert cited_trials(sentence) == names


def test_a_record_reports_the_trials_it_speaks_of_as_its_own() -> None:
    labelled = record("1", "A drug", ("BACKGROUND", "The OMEGA-9 trial had failed."), ("METHODS", "The ALPHA-1 trial enrolled 20."))
    unlabelled = record("2", "A drug", (None, "The OMEGA-9 trial had failed. We report the ALPHA-1 trial."), nct_ids=("NCT00000003",))
    assert [trial_names(item) for item in (labelled, unlabelled)] == [("ALPHA-1",), ("ALPHA-1", "NCT00000003")]
