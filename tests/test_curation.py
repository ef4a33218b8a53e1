"""Curations: what they do to rows, what they refuse, and that they outlive re-mining and a rebuild."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from evidence_cases import FAMILIES, resistance, small_series, trial, with_record

from miner.errors import InputError
from miner.evidence.merge import merge
from miner.evidence.store import Store
from miner.evidence.store_search import search
from miner.evidence.table import Paper
from miner.schema import Action, Curation, Mined, Status

SENTENCE = "Median PFS was 28.3 months."


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "e.db") as opened:
        for mined in (trial(), resistance(), small_series()):
            save(opened, mined)
        yield opened


def save(store: Store, mined: Mined, version: str = "m1", run_id: int | None = None) -> str:
    return store.save(mined, merge(mined, FAMILIES), run_id=run_id, mining_version=version, topic="t")


def paper(store: Store, text: str, **filters: Any) -> Paper:
    (found,) = store.evidence(text=text, **filters)
    return found


def curate(store: Store, row: Paper, action: Action, *, curator: str = "ada", **more: Any) -> int:
    return store.curate(Curation(curator, action, row.key, row.pmid, **more))


def test_a_rejected_row_leaves_the_table_and_stays_in_sight(store: Store) -> None:
    row = paper(store, "bypass")
    curate(store, row, Action.REJECT, comment="speculation")
    assert list(store.evidence(text="bypass")) == []
    assert [item.status for item in store.evidence(text="bypass", status="rejected")] == ["rejected"]
    assert (row.pmid, row.key) in store.standing()
    assert row.proposition not in {found.key for found in store.table()}
    assert store.integrity() == []


def test_an_accepted_row_is_marked_and_an_undo_takes_it_back(store: Store) -> None:
    row = paper(store, "bypass")
    accepted = curate(store, row, Action.ACCEPT)
    assert paper(store, "bypass") == replace(row, status="accepted")
    store.curate(Curation("ben", Action.UNDO, "", "", undoes=accepted))
    assert paper(store, "bypass") == row
    assert [(item.curator, item.action, item.undoes) for item in store.curations(row.key, row.pmid)] == [
        ("ada", Action.ACCEPT, None), ("ben", Action.UNDO, accepted)]  # fmt: skip


def test_an_edit_stands_beside_what_was_read_and_moves_the_row_to_its_proposition(store: Store) -> None:
    row = paper(store, "bypass")
    curate(store, row, Action.EDIT, changes={"therapies": ["crizotinib"], "polarity": "asserted", "n_patients": 3})
    edited = paper(store, "bypass")
    assert (edited.key, edited.therapies, edited.n_patients, edited.status) == (row.key, ("crizotinib",), 3, "submitted")
    assert edited.machine == {"therapies": ["TRK inhibitors"], "polarity": "hedged", "n_patients": None, "statement": row.statement}
    assert edited.statement == "MET Amplification confers off-target resistance to crizotinib in cancer: n = 3"
    assert edited.proposition != row.proposition
    assert [item.key for item in store.table(key=edited.proposition)] == [edited.proposition]
    assert row.key not in {item.key for item in store.table(claim_type="resistance_off_target")}
    assert [item.pmid for item in store.evidence(drug="crizotinib", gene="MET")] == [row.pmid]
    assert list(store.evidence(drug="TRK inhibitors", gene="MET")) == []


def test_the_disease_of_an_edit_is_named_as_the_other_rows_name_it(store: Store) -> None:
    curate(store, paper(store, "bypass"), Action.EDIT, changes={"disease": "Secretory carcinoma"})
    edited = paper(store, "bypass")
    assert (edited.disease, edited.disease_key) == ("secretory carcinoma", "doid:0080770")


def test_edits_follow_each_other_and_each_can_be_undone(store: Store) -> None:
    row = paper(store, "bypass")
    first = curate(store, row, Action.EDIT, changes={"level": "C"})
    curate(store, row, Action.EDIT, changes={"disease": None})
    store.curate(Curation("ada", Action.UNDO, row.key, row.pmid, undoes=first))
    edited = paper(store, "bypass")
    assert (edited.level, edited.disease, set(edited.machine)) == (row.level, None, {"disease", "statement"})


def test_an_added_row_leads_to_its_sentence(store: Store) -> None:
    changes = {"claim_type": "safety", "molecular_profile": "NTRK Fusion", "therapies": ["larotrectinib"], "sentence": SENTENCE}
    added = store.curate(Curation("ada", Action.ADD, "", "900001", changes=changes))
    row = paper(store, "", claim_type="safety")
    text = trial().record.text
    assert (row.rule, row.is_added, row.status, row.level, row.significance) == ("curator", True, "accepted", "B", "Adverse Response")
    assert text[row.quotes[0].start : row.quotes[0].end] == SENTENCE
    assert [item.pmid for item in store.evidence(gene="NTRK", drug="larotrectinib", claim_type="safety")] == ["900001"]
    assert store.integrity() == []
    with pytest.raises(InputError, match="has this row already"):
        store.curate(Curation("ada", Action.ADD, "", "900001", changes=changes))
    store.curate(Curation("ada", Action.UNDO, "", "", undoes=added))
    assert list(store.evidence(claim_type="safety")) == []
    assert store.integrity() == []


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"curator": " "}, "who curates is not told"),
    ({"action": "bless"}, "action 'bless' is not one of accept, reject, edit, add, comment, undo"),
    ({"key": "v1:none"}, "PMID 900002 has no row 'v1:none'"),
    ({"source": "404"}, "the database holds no record '404'"),
    ({"action": Action.EDIT}, "an edit changes at least one field"),
    ({"action": Action.EDIT, "changes": {"levle": "A"}}, "levle: no field is called 'levle'"),
    ({"action": Action.EDIT, "changes": {"level": "F"}}, "level: 'F' is not one of A, B, C, D, E"),
    ({"action": Action.EDIT, "changes": {"significance": "Oncogenicity"}}, "significance: 'Oncogenicity' is not legal for resistance_off"),
    ({"action": Action.EDIT, "changes": {"claim_type": "safety"}}, "significance: 'Resistance' is not legal for safety"),
    ({"action": Action.EDIT, "changes": {"figures": {"ORR": 3}}}, "figures: no figure is called 'ORR'"),
    ({"action": Action.EDIT, "changes": {"figures": {"n_resp": 4, "N": 3}}}, "figures: 4 of 3 is no proportion"),
    ({"action": Action.EDIT, "changes": {"n_patients": 0}}, "n_patients: 0 is no count of patients"),
    ({"action": Action.EDIT, "changes": {"therapies": "larotrectinib"}}, "therapies: 'larotrectinib' is no list of names"),
    ({"action": Action.EDIT, "changes": {"therapy_interaction_type": "Combination"}}, "Combination needs two therapies"),
    ({"action": Action.ACCEPT, "changes": {"level": "A"}}, "accept takes no changes"),
    ({"action": Action.COMMENT}, "the comment is empty"),
    ({"action": Action.UNDO}, "names the curation that it takes back"),
    ({"action": Action.UNDO, "undoes": 7}, "there is no curation 7 to undo"),
    ({"at": "yesterday"}, "'yesterday' is no time in ISO 8601"),
    ({"at": "2026-01-01T00:00:00"}, "names no zone"),
    ({"action": Action.ADD, "key": "", "changes": {"claim_type": "safety"}}, "molecular_profile: an added row needs molecular_profile"),
]


@pytest.mark.parametrize("wrong, told", REFUSED, ids=[told[:40] for _, told in REFUSED])
def test_what_is_not_legal_is_refused_and_nothing_kept(store: Store, wrong: dict[str, Any], told: str) -> None:
    row = paper(store, "bypass")
    with pytest.raises(InputError) as error:
        store.curate(replace(Curation("ada", Action.ACCEPT, row.key, row.pmid), **wrong))
    assert told in str(error.value)
    assert (store.curations(), paper(store, "bypass")) == ([], row)


def test_a_sentence_that_the_record_does_not_hold_is_refused(store: Store) -> None:
    changes = {"claim_type": "safety", "molecular_profile": "NTRK Fusion", "sentence": "All were well."}
    with pytest.raises(InputError, match=r"the sentence does not stand in the record: 'All were well\.'"):
        store.curate(Curation("ada", Action.ADD, "", "900001", changes=changes))


def test_the_log_is_only_appended_to(store: Store) -> None:
    curate(store, paper(store, "bypass"), Action.REJECT)
    with sqlite3.connect(store.path) as connection:
        for statement in ("UPDATE curations SET action = 'accept'", "DELETE FROM curations"):
            with pytest.raises(sqlite3.IntegrityError, match="only appended to"):
                connection.execute(statement)
    connection.close()


def test_curations_outlive_reading_again_by_other_rules(store: Store) -> None:
    rejected, edited = paper(store, "bypass"), paper(store, "selitrectinib")
    curate(store, rejected, Action.REJECT)
    curate(store, edited, Action.EDIT, changes={"level": "C"})
    before = list(store.table())
    save(store, with_record(resistance(), journal="Another"), "m2")
    now = list(store.table())
    assert [(row.key, [(item.pmid, item.level, item.machine) for item in row.evidence]) for row in now] == [
        (row.key, [(item.pmid, item.level, item.machine) for item in row.evidence]) for row in before]  # fmt: skip
    assert store.curations_without_row() == []


def test_an_accepted_row_that_is_read_no_more_is_kept_and_told(store: Store) -> None:
    row = paper(store, "bypass")
    curate(store, row, Action.ACCEPT)
    fewer = replace(resistance(), claims=resistance().claims[:2])
    run_id = store.begin_run(topic="t", kind="files", query=None, versions={}, started="2026-01-01T00:00:00Z")
    save(store, fewer, "m2", run_id)
    kept = paper(store, "bypass")
    assert (kept.key, kept.status, kept.statement, kept.rule) == (row.key, "accepted", row.statement, "curator")
    assert kept.quotes == row.quotes
    assert kept.warnings == ("kept by a curator; the present rules do not read it",)
    assert [(item.key, item.action) for item in store.curations_without_row()] == [(row.key, Action.ACCEPT)]
    assert store.integrity() == []
    assert store.lost_rows() == []
    save(store, resistance(), "m3")
    assert paper(store, "bypass") == replace(row, status="accepted")
    assert store.curations_without_row() == []


def test_a_rejected_row_that_is_read_no_more_is_told_and_rejected_again_when_it_returns(store: Store) -> None:
    row = paper(store, "bypass")
    curate(store, row, Action.REJECT)
    save(store, replace(resistance(), claims=resistance().claims[:2]), "m2")
    assert list(store.evidence(text="bypass", status="rejected")) == []
    assert [item.key for item in store.curations_without_row()] == [row.key]
    save(store, resistance(), "m3")
    assert [item.status for item in store.evidence(text="bypass", status="rejected")] == ["rejected"]


def test_an_added_row_finds_its_sentence_in_a_revised_abstract(store: Store) -> None:
    changes = {"claim_type": "safety", "molecular_profile": "NTRK Fusion", "sentence": SENTENCE}
    store.curate(Curation("ada", Action.ADD, "", "900001", changes=changes))
    revised = with_record(trial(), title="A longer title: " + trial().record.title)
    save(store, replace(revised, claims=()))
    row = paper(store, "", claim_type="safety")
    assert revised.record.text[row.quotes[0].start : row.quotes[0].end] == SENTENCE
    save(store, with_record(trial(), sections=()))
    assert list(store.evidence(claim_type="safety")) == []
    assert [item.action for item in store.curations_without_row()] == [Action.ADD]


def test_an_added_row_that_rules_read_later_is_one_row(store: Store) -> None:
    row = paper(store, "bypass")
    save(store, replace(resistance(), claims=resistance().claims[:2]), "m2")
    changes = {"claim_type": "resistance_off_target", "molecular_profile": row.molecular_profile, "therapies": list(row.therapies),
               "disease": row.disease, "sentence": row.quotes[0].text}  # fmt: skip
    store.curate(Curation("ada", Action.ADD, "", row.pmid, changes=changes))
    assert paper(store, "bypass").key == row.key
    save(store, resistance(), "m3")
    found = paper(store, "bypass")
    assert (found.key, found.status, found.rule) == (row.key, "accepted", "test")
    assert store.curations_without_row() == []


def test_a_withdrawn_record_has_no_rows_and_its_curations_stay(store: Store) -> None:
    row = paper(store, "bypass")
    curate(store, row, Action.ACCEPT)
    store.delete([row.pmid], run_id=None, reason="DeleteCitation")
    assert (list(store.evidence(pmid=row.pmid)), len(store.curations())) == ([], 1)
    assert [item.key for item in store.curations_without_row()] == [row.key]
    with pytest.raises(InputError, match="holds no record '900002' that could be curated"):
        curate(store, row, Action.COMMENT, comment="gone")


def test_a_retraction_weighs_on_a_curated_row(store: Store) -> None:
    curate(store, paper(store, "bypass"), Action.ACCEPT)
    save(store, with_record(resistance(), status=Status.RETRACTED, notices=(("RetractionIn", "5"),)))
    assert [(row.support, row.best.status) for row in store.table(text="bypass")] == [(0.0, "accepted")]


# search


def found(store: Store, **given: Any) -> list[str]:
    return [row.best.statement for row in search(store, **given).rows]


def test_search_finds_words_and_facets(store: Store) -> None:
    everything = search(store)
    assert (everything.total, [row.key for row in everything.rows]) == (9, [row.key for row in store.table()])
    assert found(store, text="MET bypass") == ["MET Amplification may confer off-target resistance to TRK inhibitors in cancer"]
    assert found(store, text='"bypass MET"') == []
    assert len(found(store, text="larotrec")) == 3
    assert found(store, text="NEAR( OR -") == []
    assert found(store, facets={"variant": ["NTRK1 G595R"], "drug": ["larotrectinib"]}) == [
        "NTRK1 G595R confers on-target resistance to larotrectinib in cancer"]  # fmt: skip
    assert search(store, facets={"fusion": ["etv6::ntrk3"]}).total == 2
    assert search(store, facets={"gene": ["NTRK"], "drug": ["nivolumab"]}).total == 1
    assert search(store, facets={"year": ["2023"], "claim_type": ["prevalence", "safety"]}).total == 1
    assert search(store, facets={"topic": ["other"]}).total == 0


def test_search_counts_what_each_facet_would_leave(store: Store) -> None:
    counts = search(store, facets={"claim_type": ["resistance_on_target"]}).facet_counts
    assert dict(counts["claim_type"])["sensitivity_response"] == 2
    assert counts["drug"] == (("larotrectinib", 1),)
    assert counts["year"] == (("2021", 1),)
    assert counts["topic"] == (("t", 1),)


def test_search_sorts_and_pages(store: Store) -> None:
    assert [row.n_papers for row in search(store, sort="papers", size=2).rows] == [2, 1]
    assert [max(row.years) for row in search(store, sort="-year", size=1).rows] == [2021]
    pages = [search(store, size=3, page=number) for number in (1, 2, 3, 4)]
    assert ([len(page.rows) for page in pages], pages[0].pages) == ([3, 3, 3, 0], 3)
    assert [row.key for page in pages for row in page.rows] == [row.key for row in store.table()]


def test_search_follows_curations(store: Store) -> None:
    row = paper(store, "bypass")
    curate(store, row, Action.EDIT, changes={"therapies": ["crizotinib"]})
    assert found(store, text="crizotinib") == ["MET Amplification may confer off-target resistance to crizotinib in cancer"]
    assert found(store, text="TRK inhibitors") == []
    curate(store, row, Action.REJECT)
    assert found(store, text="crizotinib") == []
    assert len(found(store, text="crizotinib", facets={"status": ["rejected"]})) == 1
    assert dict(search(store).facet_counts["status"]) == {"submitted": 8, "rejected": 1}


def test_the_index_of_words_stays_whole(store: Store) -> None:
    curate(store, paper(store, "bypass"), Action.EDIT, changes={"statement": "Quite another statement"})
    save(store, with_record(resistance(), title="Otherwise titled"), "m2")
    store.delete(["900001"], run_id=None, reason="DeleteCitation")
    store._connection.execute("INSERT INTO evidence_text (evidence_text, rank) VALUES ('integrity-check', 1)")
    assert found(store, text="otherwise another") == ["Quite another statement"]


def test_search_leaves_what_is_new_since_a_run(store: Store) -> None:
    run_id = store.begin_run(topic="t", kind="files", query=None, versions={}, started="2026-01-01T00:00:00Z")
    save(store, trial("900009"), run_id=run_id)
    assert {item.pmid for row in search(store, facets={"new_since_run": [str(run_id - 1)]}).rows for item in row.evidence} == {"900009"}
    assert search(store, facets={"new_since_run": [str(run_id)]}).total == 0


def test_a_page_is_of_the_database_as_it_is_now(store: Store) -> None:
    with Store.open(store.path, readonly=True) as reader:
        before = search(reader).total
        row = paper(store, "bypass")
        made = curate(store, row, Action.REJECT)
        assert (before, search(reader).total) == (9, 8)
        store.curate(Curation("ada", Action.UNDO, "", "", undoes=made))
        assert search(reader).total == 9
        with store.transaction():
            curate(store, row, Action.REJECT)
            assert (search(store).total, search(reader).total) == (8, 9)


def test_every_sort_orders_as_its_figures_do(store: Store) -> None:
    figures = {
        "papers": lambda row: row.n_papers,
        "patients": lambda row: row.n_patients or 0,
        "year": lambda row: max(row.years),
        "support": lambda row: row.support,
    }
    for name, read in figures.items():
        values = [read(row) for row in search(store, sort=name).rows]
        assert values == sorted(values, reverse=True), name
        assert [read(row) for row in search(store, sort=f"-{name}").rows] == sorted(values), name
    assert [row.key for row in search(store, sort="-order").rows] == [row.key for row in store.table()][::-1]
    assert sorted(found(store, text="larotrectinib", sort="relevance")) == sorted(found(store, text="larotrectinib"))
