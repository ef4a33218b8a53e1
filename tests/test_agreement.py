"""Agreement of curators, the log in and out, and a corpus made of decisions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from evidence_cases import FAMILIES, resistance, small_series, trial

from miner.errors import InputError
from miner.evaluate import evaluate, read_gold
from miner.evidence.agreement import agreements, kappa
from miner.evidence.curated_corpus import write_corpus
from miner.evidence.curation_log import read_log, write_log
from miner.evidence.merge import merge
from miner.evidence.store import Store
from miner.mine import extraction_row
from miner.schema import Action, Curation, Mined

TEXTS = (trial(), resistance(), small_series())


def made(path: Path, *texts: Mined) -> Store:
    store = Store.open(path)
    for mined in texts:
        store.save(mined, merge(mined, FAMILIES), run_id=None, mining_version="m1", topic="t")
    return store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with made(tmp_path / "e.db", *TEXTS) as opened:
        yield opened


def decide(store: Store, curator: str, decisions: str, pmid: str | None = None) -> None:
    for letter, row in zip(decisions, list(store.evidence(pmid=pmid, status=("submitted", "accepted", "rejected"))), strict=False):
        if letter in "ar":
            store.curate(Curation(curator, Action.ACCEPT if letter == "a" else Action.REJECT, row.key, row.pmid))


@pytest.mark.parametrize(
    "pairs, value",
    [
        ([("accept", "accept")] * 20 + [("accept", "reject")] * 5 + [("reject", "accept")] * 10 + [("reject", "reject")] * 15, 0.4),
        ([("accept", "accept"), ("reject", "reject")], 1.0),
        ([("accept", "reject"), ("reject", "accept")], -1.0),
        ([("accept", "accept")], None),
        ([], None),
    ],
)
def test_kappa_is_cohens(pairs: list[tuple[str, str]], value: float | None) -> None:
    found = kappa(pairs)
    assert found == value or (found is not None and value is not None and round(found, 9) == value)


def test_two_curators_agree_on_what_both_decided(store: Store) -> None:
    decide(store, "ada", "aarr")
    decide(store, "ben", "aaarx")
    row = next(store.evidence())
    for curator, level in (("ada", "C"), ("ben", "D")):
        store.curate(Curation(curator, Action.EDIT, row.key, row.pmid, changes={"level": level, "n_patients": 4}))
    (found,) = agreements(store.curations())
    assert (found.left, found.right, found.rows, found.agreed, found.kappa) == ("ada", "ben", 4, 3, 0.5)
    assert [(left, right) for *_, left, right in found.disputed] == [("reject", "accept")]
    assert dict(found.fields) == {"level": (1, 0), "n_patients": (1, 1)}
    assert str(found) == "ada and ben: 4 rows decided by both, 3 alike (75%), kappa 0.50"


def test_the_log_curates_a_database_made_anew(store: Store, tmp_path: Path) -> None:
    decide(store, "ada", "ara")
    row = next(store.evidence(text="nivolumab"))
    edited = store.curate(Curation("ada", Action.EDIT, row.key, row.pmid, changes={"level": "C"}))
    store.curate(Curation("ben", Action.UNDO, "", "", undoes=edited))
    store.curate(Curation("ben", Action.EDIT, row.key, row.pmid, changes={"level": "D"}, comment="few"))
    store.curate(Curation("ada", Action.ADD, "", "900001", changes={
        "claim_type": "safety", "molecular_profile": "NTRK Fusion", "sentence": "Median PFS was 28.3 months."}))  # fmt: skip
    with (tmp_path / "log.jsonl").open("w", encoding="utf-8") as out:
        assert write_log(store.curations(), out) == 7
    log = read_log(tmp_path / "log.jsonl")
    assert log == tuple(store.curations())
    with made(tmp_path / "before.db") as empty:
        assert empty.take_curations(log) == 7
        assert len(empty.curations_without_row()) == 5
        for mined in TEXTS:
            empty.save(mined, merge(mined, FAMILIES), run_id=None, mining_version="m1", topic="t")
        assert (list(empty.table()), empty.curations_without_row()) == (list(store.table()), [])
    with made(tmp_path / "after.db", *TEXTS) as rebuilt:
        assert (rebuilt.take_curations(log), rebuilt.take_curations(log)) == (7, 0)
        assert list(rebuilt.table()) == list(store.table())
        assert rebuilt.curations() == store.curations()


def test_logs_of_two_databases_become_one(store: Store, tmp_path: Path) -> None:
    decide(store, "ada", "xar")
    with made(tmp_path / "other.db", *TEXTS) as other:
        decide(other, "ben", "a")
        assert other.take_curations(store.curations()) == 2
        assert [(item.id, item.curator) for item in other.curations()] == [(1, "ben"), (2, "ada"), (3, "ada")]


@pytest.mark.parametrize(
    "line, told",
    [
        ("{", ":2 is no JSON object"),
        ("[]", ":2 is no JSON object"),
        ('{"id": 1}', ":2 lacks at, curator, action, key, source"),
        ('{"id": 1, "at": "2026-01-01T00:00:00Z", "curator": "a", "action": "accept", "key": "k", "source": "s", "x": 1}', ":2 holds what"),
    ],
)
def test_a_log_that_cannot_be_read_names_the_line(tmp_path: Path, line: str, told: str) -> None:
    (tmp_path / "log.jsonl").write_text(f"\n{line}\n", encoding="utf-8")
    with pytest.raises(InputError, match=told):
        read_log(tmp_path / "log.jsonl")


def test_a_log_with_an_illegal_curation_is_not_taken_at_all(store: Store) -> None:
    good = Curation("ada", Action.ACCEPT, "v1:later", "1", at="2026-01-01T00:00:00Z", id=1)
    illegal = Curation("ada", Action.EDIT, "v1:later", "1", changes={"level": "F"}, id=2)
    for bad in (illegal, Curation("ada", Action.UNDO, "v1:later", "1", undoes=9)):
        with pytest.raises(InputError):
            store.take_curations([good, bad])
        assert store.curations() == []


def test_decisions_become_a_corpus(store: Store, tmp_path: Path) -> None:
    decide(store, "ada", "aar", pmid="900002")
    decide(store, "ada", "a", pmid="900003")
    assert write_corpus(store, tmp_path / "curated") == (1, 1)
    rows = read_gold(tmp_path / "curated" / "gold.jsonl")
    assert [(row["id"], [claim["type"] for claim in row["claims"]]) for row in rows] == [
        ("900002", ["resistance_on_target", "resistance_off_target"])]  # fmt: skip
    report = evaluate(rows, [json.loads(json.dumps(extraction_row(resistance())))])
    score = report.scores["claims"]
    assert (score.right, score.predicted, score.found, score.gold) == (2, 3, 2, 2)
    assert "fusions" not in report.scores
    assert "records of which every row" in (tmp_path / "curated" / "README.md").read_text(encoding="utf-8")
