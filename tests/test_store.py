"""The database: what it keeps, what it refuses, what it writes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from evidence_cases import FAMILIES, resistance, small_series, trial, with_record

from miner.errors import InputError, LockedError, StoreError
from miner.evidence.merge import merge
from miner.evidence.store import Store
from miner.schema import Mined, Section, Status

RUN = {"topic": "t", "kind": "files", "query": None, "versions": {"code": "1"}, "started": "2024-01-01T00:00:00Z"}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "e.db") as opened:
        yield opened


def save(store: Store, mined: Mined, *, run_id: int | None = None, version: str = "m1") -> str:
    return store.save(mined, merge(mined, FAMILIES), run_id=run_id, mining_version=version, topic="t")


def begin(store: Store) -> int:
    return store.begin_run(**RUN)  # type: ignore[arg-type]


def dump(path: Path) -> list[str]:
    with sqlite3.connect(path) as connection:
        return list(connection.iterdump())


def test_a_saved_record_comes_back_whole(store: Store) -> None:
    mined = with_record(
        trial(), doi="10.1/x", mesh=("Humans",), authors=("A B",), nct_ids=("NCT01",), notices=(("ErratumIn", "1"),), version=2,
        other_abstracts=(Section("de", "Auszug"),), publication_types=("Clinical Trial",), revised="2022-01-01", keywords=("k",),
    )  # fmt: skip
    assert save(store, mined) == "new"
    assert store.record("900001") == mined.record
    assert store.mentions("900001") == mined.reading.mentions
    assert store.integrity() == []
    assert store.record("1") is None


@pytest.mark.parametrize("mined", [trial(), resistance(), small_series()], ids=lambda item: str(item.record.pmid))
def test_what_mentions_mean_comes_back_whole(store: Store, mined: Mined) -> None:
    save(store, mined)
    found = store.mentions(mined.record.pmid or "")
    assert [(item.referent, item.polarity) for item in found] == [(item.referent, item.polarity) for item in mined.reading.mentions]


def test_a_record_without_pmid_goes_by_its_id(store: Store) -> None:
    mined = with_record(trial(), pmid=None, id="line-7")
    save(store, mined)
    assert store.record("line-7") == mined.record
    assert {(item.pmid, item.source) for item in store.evidence()} == {("line-7", "tests")}


def test_unchanged_content_writes_nothing(store: Store) -> None:
    save(store, trial())
    before = dump(store.path)
    changes = store._connection.total_changes
    assert save(store, with_record(trial(), fetched_at="2030-01-01", source="elsewhere")) == "same"
    assert store._connection.total_changes == changes
    assert dump(store.path) == before


def test_newer_rules_with_the_same_result_note_only_their_version(store: Store) -> None:
    save(store, trial())
    assert save(store, trial(), version="m2") == "same"
    assert store.digests() == {"900001": (trial().record.sha256, "m2")}
    assert (store.digests("t"), store.digests("other")) == (store.digests(), {})
    assert store.changes(begin(store)) == []


def test_a_revised_abstract_replaces_rows_and_keeps_the_older_text(store: Store) -> None:
    save(store, trial(), run_id=begin(store))
    revised = with_record(small_series("900001"), version=2)
    run_id = begin(store)
    assert save(store, revised, run_id=run_id) == "changed"
    (version,) = store.versions("900001")
    assert (version["text"], version["reason"], version["replaced_by_run"]) == (trial().record.text, "revised abstract", run_id)
    assert store.record("900001") == revised.record
    assert store.integrity() == []
    told = {(item.change, item.cause) for item in store.changes(run_id)}
    assert told == {("gone", "revised abstract"), ("new", "revised abstract"), ("changed", "revised abstract")}


def test_a_retraction_reaches_every_row(store: Store) -> None:
    save(store, trial())
    assert save(store, with_record(trial(), status=Status.RETRACTED, notices=(("RetractionIn", "5"),))) == "changed"
    assert {row.best.record_status for row in store.table()} == {Status.RETRACTED}
    assert [row.support for row in store.table()] == [0.0, 0.0]
    assert store.counts()["notices"] == 1


def test_other_rules_change_rows_and_say_so(store: Store) -> None:
    save(store, trial())
    run_id = begin(store)
    fewer = replace(trial(), claims=trial().claims[:3])
    assert save(store, fewer, run_id=run_id, version="m2") == "changed"
    assert [(item.change, item.cause) for item in store.changes(run_id)] == [("gone", "rules")]
    assert store.versions("900001") == []


def test_a_deleted_record_stays_without_evidence(store: Store) -> None:
    save(store, trial(), run_id=begin(store))
    run_id = begin(store)
    assert store.delete(["900001", "404"], run_id=run_id, reason="DeleteCitation") == 1
    assert store.delete(["900001"], run_id=run_id, reason="DeleteCitation") == 0
    record = store.record("900001")
    assert record is not None
    assert (record.status, record.title) == (Status.WITHDRAWN, trial().record.title)
    assert list(store.evidence()) == []
    assert store.mentions("900001") == ()
    assert {(item.change, item.cause) for item in store.changes(run_id)} == {("gone", "DeleteCitation")}
    assert store.integrity() == []
    assert save(store, trial()) == "changed"
    assert [version["status"] for version in store.versions("900001")] == ["current", "withdrawn"]


def test_a_withdrawn_record_is_saved_without_evidence(store: Store) -> None:
    save(store, with_record(trial(), status=Status.WITHDRAWN))
    assert (store.counts()["records"], store.counts()["evidence"], store.integrity()) == (1, 0, [])


def test_a_transaction_that_fails_keeps_nothing(store: Store) -> None:
    save(store, trial())
    before = dump(store.path)

    def fail() -> None:
        with store.transaction():
            save(store, resistance())
            store.set_watermark("t", "2024")
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        fail()
    assert dump(store.path) == before


def test_runs_watermarks_sources_and_what_was_set_aside(store: Store) -> None:
    run_id = begin(store)
    assert (store.watermark("t"), store.source_seen("t", "d", "m1")) == (None, False)
    with store.transaction():
        store.set_aside(run_id, "a.xml", "17", "no end tag")
        store.set_aside(run_id, "a.xml", "18", "no title")
        store.mark_source("t", "d", "a.xml", "m1", run_id)
        store.set_watermark("t", "2024-02-01")
        store.finish_run(run_id, outcome="partial", counts={"new": 1}, watermark_after="2024-02-01", finished="2024-02-02")
    assert store.aside(run_id) == [("a.xml", "17", "no end tag"), ("a.xml", "18", "no title")]
    assert (store.watermark("t"), store.source_seen("t", "d", "m1"), store.source_seen("t", "d", "m2")) == ("2024-02-01", True, False)
    (run,) = store.runs()
    assert (run.outcome, run.counts, run.versions, run.watermark_after) == ("partial", {"new": 1}, {"code": "1"}, "2024-02-01")


def test_counts(store: Store) -> None:
    for mined in (trial(), small_series()):
        save(store, mined)
    counts = store.counts()
    assert (counts["records"], counts["claims"], counts["evidence"], counts["propositions"]) == (2, 9, 7, 6)


def test_the_order_of_saving_changes_no_row(tmp_path: Path) -> None:
    found = []
    for name, order in (("a", (trial(), resistance(), small_series())), ("b", (small_series(), trial(), resistance()))):
        with Store.open(tmp_path / name) as store:
            for mined in order:
                save(store, mined)
            found.append((list(store.evidence()), list(store.table())))
    assert found[0] == found[1]


def test_evidence_leads_to_every_sentence_used(store: Store) -> None:
    save(store, trial())
    text = trial().record.text
    item = next(store.evidence(direction="supports"))
    assert [quote.text for quote in item.quotes] == [text[quote.start : quote.end] for quote in item.quotes]
    assert [quote.text[:14] for quote in item.quotes] == ["Of 24 patients", "Median PFS was", "An earlier ser"]


def test_integrity_finds_a_span_that_does_not_slice(store: Store) -> None:
    save(store, trial())
    store._connection.execute("UPDATE records SET text = 'x' || text")
    assert store.integrity()[0] == "PMID 900001: mention 0 does not stand at [0, 13)"
    assert sum("a sentence of claim" in problem for problem in store.integrity()) == 4


def test_integrity_finds_evidence_without_claims(store: Store) -> None:
    save(store, resistance())
    store._connection.execute("DELETE FROM evidence_claims")
    assert len([problem for problem in store.integrity() if "rests on no claim" in problem]) == 3


def test_text_beyond_the_basic_plane_keeps_its_offsets(store: Store) -> None:
    mined = trial()
    item = replace(mined.record, sections=(*mined.record.sections, Section(None, "𝛽 cells, naïve.")))
    save(store, replace(mined, reading=replace(mined.reading, record=item)))
    assert (store.integrity(), store.record("900001")) == ([], item)


def test_a_broken_character_is_told_with_its_record(store: Store) -> None:
    with pytest.raises(InputError, match="record 900001 holds a character that is no Unicode text"):
        save(store, with_record(trial(), journal="\ud800"))
    assert store.counts()["records"] == 0


def test_open_readonly(tmp_path: Path) -> None:
    path = tmp_path / "e.db"
    with pytest.raises(StoreError, match=r"no database at .*miner refresh"):
        Store.open(path, readonly=True)
    assert not path.exists()
    with Store.open(path) as store:
        save(store, trial())
    with Store.open(path, readonly=True) as store:
        assert len(list(store.table())) == 2
        with pytest.raises(StoreError, match="cannot be written"):
            save(store, resistance())


def test_open_refuses_what_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("a shopping list, long enough to be taken for a header")
    with pytest.raises(StoreError, match=r"notes\.txt is no SQLite database"):
        Store.open(path)
    assert path.read_text().startswith("a shopping list")
    with pytest.raises(StoreError, match="is a folder"):
        Store.open(tmp_path)


def test_open_refuses_a_foreign_database_and_leaves_it(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE songs (title TEXT)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="database of another program"):
        Store.open(path)
    assert path.read_bytes() == before
    assert sorted(item.name for item in tmp_path.iterdir()) == ["other.db"]


def test_open_refuses_a_newer_schema(tmp_path: Path) -> None:
    path = tmp_path / "e.db"
    Store.open(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreError, match="has schema 99, this program knows 4; upgrade"):
        Store.open(path)


def of_schema(version: int, path: Path) -> Path:
    """A database of three records as an earlier schema kept it."""
    with sqlite3.connect(path) as connection:
        connection.executescript((Path(__file__).parent / "cases" / "store_schema_2.sql").read_text(encoding="utf-8"))
        if version == 1:
            connection.executescript("DROP TABLE passed_over; PRAGMA user_version = 1;")
    connection.close()
    return path


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("readonly", [True, False])
def test_a_database_of_an_earlier_schema_is_brought_up_to_date_without_loss(tmp_path: Path, version: int, readonly: bool) -> None:
    with Store.open(tmp_path / "new.db") as store:
        run_id = store.begin_run(topic="t", kind="files", query=None, versions={"rules": "1"}, started="2026-01-01T00:00:00Z")
        for mined in (trial(), resistance(), small_series()):
            save(store, mined, run_id=run_id)
        store.finish_run(run_id, outcome="done", counts={"new": 3}, finished="2026-01-01T00:01:00Z")
        held = list(store.table()), list(store.records()), store.changes(run_id), store.counts()
    with Store.open(of_schema(version, tmp_path / "old.db"), readonly=readonly) as store:
        assert (list(store.table()), list(store.records()), store.changes(1), store.counts()) == held
        secretory = [row for row in held[0] if row.disease == "secretory carcinoma"]
        assert list(store.table(gene="NTRK", drug="larotrectinib", disease="secretory")) == secretory
        assert store.integrity() == []
        assert [row.statement for row in store.evidence(pmid="900002", text="bypass")] == [
            "MET Amplification may confer off-target resistance to TRK inhibitors in cancer"
        ]


def test_an_earlier_schema_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    path = of_schema(2, tmp_path / "old.db")
    path.chmod(0o444)
    with pytest.raises(StoreError, match=r"has schema 2, this program reads 4, and cannot change it: .* is a read-only file"):
        Store.open(path, readonly=True)


def test_open_refuses_a_readonly_file_and_folder(tmp_path: Path) -> None:
    path = tmp_path / "e.db"
    with Store.open(path) as store:
        save(store, trial())
    before = path.read_bytes()
    path.chmod(0o444)
    with pytest.raises(StoreError, match=r"is a read-only file; make it writable \(chmod u\+w"):
        Store.open(path)
    path.chmod(0o644)
    tmp_path.chmod(0o555)
    try:
        with pytest.raises(StoreError, match="is in a read-only folder"):
            Store.open(path)
        with pytest.raises(StoreError, match="is a read-only folder"):
            Store.open(tmp_path / "new.db")
        with Store.open(path, readonly=True) as store:
            assert store.counts()["records"] == 1
    finally:
        tmp_path.chmod(0o755)
    assert path.read_bytes() == before


def test_open_says_what_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "e.db"
    path.write_bytes(b"SQLite format 3\x00" + b"\xff" * 4096)
    with pytest.raises(StoreError, match="is damaged"):
        Store.open(path)


def test_an_empty_file_becomes_a_database(tmp_path: Path) -> None:
    path = tmp_path / "e.db"
    path.touch()
    with Store.open(path) as store:
        assert store.counts()["records"] == 0


def test_two_writers_are_told(store: Store) -> None:
    with Store.open(store.path) as second:
        second._connection.execute("PRAGMA busy_timeout = 0")
        with store.transaction():
            save(store, trial())
            with pytest.raises(LockedError, match="being written by another process"):
                save(second, resistance())


def test_a_full_disk_is_told_and_keeps_nothing(store: Store) -> None:
    pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
    store._connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreError, match="the disk is full"):
        for number in range(50):
            save(store, trial(str(910000 + number)))
    assert store.integrity() == []


def test_a_reader_in_the_middle_of_a_write_sees_the_state_before(store: Store) -> None:
    save(store, trial())
    with Store.open(store.path, readonly=True) as reader, store.transaction():
        save(store, resistance())
        assert reader.counts()["records"] == 1
