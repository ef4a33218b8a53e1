"""Rows that group papers by proposition, their support, and the filters."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from evidence_cases import FAMILIES, resistance, small_series, trial, with_record

from miner.errors import ConfigError
from miner.evidence.merge import merge
from miner.evidence.store import Store
from miner.evidence.table import TableRow, cells, fold_class, is_synthetic, shorten, table_columns
from miner.schema import ClaimType, Direction, Mined, Polarity, Status


def fill(path: Path, *found: Mined) -> Store:
    store = Store.open(path)
    for mined in found:
        store.save(mined, merge(mined, FAMILIES), run_id=None, mining_version="m1", topic="t")
    return store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with fill(tmp_path / "e.db", trial(), resistance(), small_series()) as filled:
        yield filled


def statements(store: Store, **filters: object) -> list[str]:
    return [row.best.statement for row in store.table(**filters)]


def larotrectinib(store: Store) -> TableRow:
    (row,) = store.table(drug="larotrectinib", direction="supports", claim_type="sensitivity_response")
    return row


def test_papers_of_one_proposition_are_one_row(store: Store) -> None:
    row = larotrectinib(store)
    assert (row.molecular_profile, row.disease, row.therapies) == ("ETV6::NTRK3", "secretory carcinoma", ("larotrectinib",))
    assert (row.papers, row.n_papers, row.n_patients, row.years) == (("900001", "900003"), 2, 29, (2021, 2023))
    assert (row.level, row.support) == ("B", 10.0)
    assert (row.best.pmid, row.quote.text[:14]) == ("900001", "Of 24 patients")
    assert [dict(item.figures) for item in row.evidence] == [
        {"ORR_percent": 75, "ORR_percent_ci": "53-90", "n_resp": 18, "N": 24, "PFS_months": 28.3},
        {"n_resp": 3, "N": 5},
    ]


def test_rows_stand_in_the_order_of_claim_types(store: Store) -> None:
    order = list(ClaimType)
    found = [order.index(row.claim_type) for row in store.table()]
    assert found == sorted(found)
    assert len(found) == 9


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"gene": "NTRK1"}, 5),
        ({"gene": "ntrk"}, 8),
        ({"gene": "ETV6"}, 2),
        ({"gene": ("MET", "KRAS")}, 2),
        ({"gene": "NTR"}, 0),
        ({"drug": "larotrectinib"}, 3),
        ({"drug": "TRK inhibitors"}, 5),
        ({"drug": "TRK-TKI"}, 5),
        ({"disease": "lung"}, 5),
        ({"disease": "doid:3908"}, 5),
        ({"disease": "50%"}, 0),
        ({"polarity": "hedged"}, 1),
        ({"direction": "does_not_support"}, 3),
        ({"level": "D"}, 3),
        ({"level": ["B", "D"]}, 9),
        ({"pmid": "900003"}, 5),
        ({"text": "NIVOLUMAB"}, 1),
        ({"text": "100%_sure"}, 0),
        ({"text": ("nivolumab", "lung")}, 1),
        ({"claim_type": "prevalence"}, 1),
        ({"topic": "t"}, 9),
        ({"topic": "other"}, 0),
        ({"gene": "NTRK", "drug": "nivolumab", "direction": "does_not_support"}, 1),
        ({"gene": None, "drug": None}, 9),
    ],
)
def test_filters(store: Store, filters: dict[str, object], expected: int) -> None:
    assert len(statements(store, **filters)) == expected


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ({"genes": "X"}, "no filter is called genes; there are claim_type, "),
        ({"claim_type": "cure"}, "claim_type 'cure' is not one of driver_role, "),
        ({"level": "F"}, "level 'F' is not one of A, B, C, D, E"),
        ({"polarity": "sure"}, "polarity 'sure' is not one of asserted, "),
        ({"direction": "up"}, "direction 'up' is not one of supports, "),
    ],
)
def test_a_filter_that_cannot_be_is_told(store: Store, filters: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        list(store.table(**filters))


def test_a_retracted_paper_counts_for_nothing_and_is_flagged(tmp_path: Path) -> None:
    retracted = with_record(trial(), status=Status.RETRACTED)
    with fill(tmp_path / "e.db", retracted, small_series()) as store:
        row = larotrectinib(store)
    assert (row.support, row.n_patients, row.best.pmid, row.warnings) == (4.0, 5, "900003", ("PMID 900001: retracted",))


def test_flags_reach_rows_and_papers(tmp_path: Path) -> None:
    notices = (("ErratumIn", "900077"), ("CommentIn", "900078"))
    concern = with_record(trial(), status=Status.CONCERN, notices=notices)
    with fill(tmp_path / "e.db", concern, small_series()) as store:
        row = larotrectinib(store)
    flags = {item.pmid: item.flags for item in row.evidence}
    assert flags == {"900001": ("expression of concern", "erratum: 900077"), "900003": ()}
    assert row.warnings == ("PMID 900001: expression of concern", "PMID 900001: erratum: 900077")


def test_what_is_synthetic_is_told_and_stands_last(tmp_path: Path) -> None:
    with fill(tmp_path / "e.db", with_record(trial(), pmid=None, id="syn-007"), small_series()) as store:
        row = larotrectinib(store)
    assert (row.n_synthetic, row.papers, row.best.pmid, row.warnings) == (1, ("900003", "syn-007"), "900003", ())
    assert [item.flags for item in row.evidence] == [(), ("synthetic",)]
    assert cells(row)[-1] == "900003, syn-007 (1 synthetic)"


@pytest.mark.parametrize(
    ("identifier", "expected"), [("syn-001", True), ("SYN_12", True), ("900001", False), ("synovial-1", False), ("canada_2022", False)]
)
def test_is_synthetic(identifier: str, expected: bool) -> None:
    assert is_synthetic(identifier) is expected


def test_a_concern_halves_the_weight(tmp_path: Path) -> None:
    with fill(tmp_path / "e.db", with_record(trial(), status=Status.CONCERN), small_series()) as store:
        assert larotrectinib(store).support == 7.5


def test_a_hedge_halves_the_weight(store: Store) -> None:
    (row,) = store.table(claim_type="resistance_off_target")
    assert (row.level, row.polarity, row.support) == ("D", Polarity.HEDGED, 1.0)


def test_cells(store: Store) -> None:
    assert dict(zip(table_columns(), cells(larotrectinib(store), width=40), strict=True)) == {
        "claim": "sensitivity response",
        "molecular profile": "ETV6::NTRK3",
        "disease": "secretory carcinoma",
        "therapies": "larotrectinib",
        "finding": "response",
        "level": "B",
        "papers": "2",
        "patients": "29",
        "figures": "ORR 75 % (18/24; 95 % CI 53–90), median PFS 28.3 months",
        "sentence": "Of 24 patients with ETV6-NTRK3, 18…",
        "PMIDs": "900001, 900003",
    }
    (negative,) = store.table(claim_type="immunotherapy_outcome")
    assert (negative.direction, cells(negative)[4]) == (Direction.DOES_NOT_SUPPORT, "no response")


@pytest.mark.parametrize(
    ("text", "width", "short"),
    [("ab cd", 5, "ab cd"), ("ab  cd\nef", 9, "ab cd ef"), ("alpha beta gamma", 11, "alpha…"), ("abcdefghijkl", 6, "abcde…")],
)
def test_shorten(text: str, width: int, short: str) -> None:
    assert shorten(text, width) == short


@pytest.mark.parametrize("name", ["EGFR-TKI", "EGFR TKIs", "egfr inhibitors", "EGFR inhibitor"])
def test_fold_class(name: str) -> None:
    assert fold_class(name) == "egfr inhibitor"
