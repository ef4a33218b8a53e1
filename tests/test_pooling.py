"""Response rates pooled over independent studies."""

from __future__ import annotations

from typing import Any

import pytest
from evidence_cases import paper

from miner.evidence import pooling
from miner.evidence.figures import wilson
from miner.evidence.pooling import estimated, pool_grid, pools
from miner.schema import Direction, Polarity, Status

ONE, TWO = {"n_resp": 18, "N": 24, "ORR_percent": 75.0}, {"n_resp": 31, "N": 44}


def test_independent_studies_are_pooled() -> None:
    pytest.importorskip("statsmodels")
    (pool,) = pools(
        [paper("1", figures=ONE), paper("2", figures=TWO), paper("3", direction=Direction.DOES_NOT_SUPPORT, figures={"n_resp": 0, "N": 6})]
    )
    assert [(rate.paper.pmid, rate.counts, round(rate.rate)) for rate in pool.rates] == [
        ("2", "31/44", 70),
        ("1", "18/24", 75),
        ("3", "0/6", 0),
    ]
    assert (pool.regimen, pool.population, pool.hits, pool.total) == ("larotrectinib", "NTRK Fusion · any tumour", 49, 74)
    assert [(round(rate.low), round(rate.high)) for rate in pool.rates] == [(56, 82), (55, 88), (0, 39)]


def test_the_estimate_is_that_of_the_library_on_log_odds() -> None:
    pytest.importorskip("statsmodels")
    estimate, why = estimated([(18, 24), (31, 44), (9, 30)])
    assert (str(estimate), why) == ("59 % (31–82), I² 85 %", "")
    equal, _ = estimated([(30, 40), (30, 40)])
    assert equal is not None
    assert (round(equal.rate, 6), equal.i2, equal.tau2) == (round(100 * 30.5 / 41, 6), 0.0, 0.0)


def test_our_wilson_interval_is_the_library_s() -> None:
    proportion = pytest.importorskip("statsmodels.stats.proportion")
    for hits, total in ((0, 5), (5, 5), (18, 24), (97, 137)):
        theirs = proportion.proportion_confint(hits, total, method="wilson")
        assert [round(bound, 9) for bound in wilson(hits, total)] == [round(100 * bound, 9) for bound in theirs]


LEFT_OUT: list[tuple[str, dict[str, Any]]] = [
    ("retracted", {"figures": TWO, "record_status": Status.RETRACTED}),
    ("repeats others", {"figures": TWO, "background": True}),
    ("repeats others", {"figures": TWO, "study_type": "review"}),
    ("no patients", {"figures": TWO, "study_type": "preclinical"}),
    ("only suggests it", {"figures": TWO, "polarity": Polarity.HEDGED}),
    ("fewer than 5 patients", {"figures": {"n_resp": 2, "N": 2}}),
    ("the counts are not known", {"figures": {"ORR_percent": 70.0}}),
    ("the counts are not known", {"figures": {"ORR_percent": 70.0, "N": 500}}),
    ("the counts are not known", {"figures": {"ORR_percent": 70.0, "N": 500, "ORR_percent_ci": "50-85"}}),
    ("superseded by PMID 9", {"figures": {"n_resp": 5, "N": 10}, "trials": ("A-1",)}),
]


@pytest.mark.parametrize("why, given", LEFT_OUT, ids=[f"{n} {why}" for n, (why, _) in enumerate(LEFT_OUT)])
def test_what_does_not_belong_is_left_out_and_told(why: str, given: dict[str, Any]) -> None:
    (pool,) = pools([paper("9", figures=ONE, trials=("A-1",)), paper("2", **given)])
    assert [rate.paper.pmid for rate in pool.rates] == ["9"]
    assert [(item.paper.pmid, item.why) for item in pool.left_out] == [("2", why)]
    assert (pool.estimate, pool.note) == (None, "not pooled: one study only")


def test_equal_counts_are_one_study() -> None:
    (pool,) = pools([paper("1", figures=ONE), paper("2", figures=ONE)])
    assert [(item.paper.pmid, item.why) for item in pool.left_out] == [("2", "same study as PMID 1 (the same 18/24 on larotrectinib)")]


def test_a_rate_and_its_total_in_one_sentence_give_the_counts() -> None:
    (pool,) = pools([paper("1", "Among 40 patients the rate was 70%.", figures={"ORR_percent": 70.0, "N": 40})])
    assert [(rate.counts, rate.basis) for rate in pool.rates] == [("28/40", "derived")]


def test_a_pool_of_trials_that_are_here_is_left_out() -> None:
    trials = ("NCT00000001", "NCT00000002")
    (pool,) = pools([paper("1", figures=ONE, trials=trials[:1]), paper("2", figures=TWO, trials=trials[1:]),
                     paper("3", figures={"n_resp": 49, "N": 68}, trials=trials)])  # fmt: skip
    assert [rate.paper.pmid for rate in pool.rates] == ["2", "1"]
    assert [(item.paper.pmid, item.why) for item in pool.left_out] == [("3", "pools trials that are here themselves")]


def test_other_drugs_tumours_and_synthetic_texts_are_pools_of_their_own() -> None:
    found = pools([paper("1", figures=ONE), paper("2", figures=ONE, therapies=("entrectinib",)), paper("syn-1", figures=TWO),
                   paper("3", figures=ONE, disease="lung cancer", disease_key="doid:1324")])  # fmt: skip
    assert [(pool.regimen, pool.population, pool.is_synthetic) for pool in found] == [
        ("entrectinib", "NTRK Fusion · any tumour", False),
        ("larotrectinib", "NTRK Fusion · any tumour", False),
        ("larotrectinib", "NTRK Fusion · lung cancer", False),
        ("larotrectinib", "NTRK Fusion · any tumour", True),
    ]


def test_rates_that_do_not_meet_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("statsmodels")
    (pool,) = pools([paper("1", figures={"n_resp": 38, "N": 40}), paper("2", figures={"n_resp": 3, "N": 30})])
    assert pool.note == "rates that do not meet: the mean stands for none of the studies"
    monkeypatch.setattr(pooling, "find_spec", lambda name: None)
    (bare,) = pools([paper("1", figures=ONE), paper("2", figures=TWO)])
    assert (bare.estimate, bare.note) == (None, "not pooled: pooling needs statsmodels: pip install 'ntrk-miner[stats]'")


def test_the_table_names_each_study_and_what_is_left_out() -> None:
    grid = pool_grid(pools([paper("9", figures=ONE, trials=("A-1",)), paper("2", background=True, figures=TWO)]))
    assert grid.rows == (
        ("larotrectinib", "NTRK Fusion · any tumour", "1", "18/24", "not pooled", "one study only"),
        ("", "", "9", "18/24", "75 % (55–88)", "A-1"),
        ("", "", "2", "31/44", "left out", "repeats others"),
    )
