"""Telling: what runs did to the table, the gate before an export, and how current the base is."""

from __future__ import annotations

import datetime
import json
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from miner.errors import ConfigError, GateError
from miner.evidence.export import export
from miner.evidence.store import Store
from miner.refresh.diff import compare, told
from miner.refresh.gate import check_export
from miner.refresh.health import health, parse_age
from miner.schema import Mined, Reading
from tests.http.bench import FUSED, START, TOPIC, Bench, fused
from tests.http.records import Fake

NEWER = "An NTRK2 fusion drives it after all."
LATER = datetime.date(2024, 6, 1)
ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def days(bench: Bench, *states: list[Fake], deleted: tuple[int, ...] = ()) -> None:
    """Take in one file a day; deletions come with the last."""
    for number, fakes in enumerate(states):
        bench.refresh(bench.xml(f"june{bench.moment.day}.xml", *fakes, deleted=deleted if number == len(states) - 1 else ()))
        bench.later(days=1)


def rows(bench: Bench, since: int | None = None) -> list[tuple[str, str, str, str]]:
    with Store.open(bench.settings.db, readonly=True) as store:
        return [(row.change, row.pmid, row.statement, row.cause) for row in compare(store, since).rows]


def test_a_new_paper_is_told(bench: Bench) -> None:
    days(bench, [fused(1)])
    assert rows(bench) == [("new", "1", "NTRK1 drives tumours", "new paper")]


def test_every_cause_is_told_apart(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    days(bench, [fused(n) for n in range(1, 7)])
    days(
        bench,
        [
            fused(1, NEWER, changed=LATER),
            fused(2, types=("Retracted Publication",), changed=LATER),
            fused(3, comments=(("ErratumIn", "9"),), changed=LATER),
            fused(4, comments=(("ExpressionOfConcernIn", "9"),), changed=LATER),
            fused(7),
        ],
        deleted=(5,),
    )
    assert rows(bench) == [
        ("gone", "5", "NTRK1 drives tumours", "deleted by june11.xml"),
        ("gone", "1", "NTRK1 drives tumours", "revised abstract"),
        ("changed", "3", "NTRK1 drives tumours", "correction"),
        ("changed", "4", "NTRK1 drives tumours", "expression of concern"),
        ("changed", "2", "NTRK1 drives tumours", "retraction"),
        ("new", "7", "NTRK1 drives tumours", "new paper"),
        ("new", "1", "NTRK2 drives tumours", "revised abstract"),
    ]
    monkeypatch.setattr("miner.refresh.job.mining_versions", lambda *_: {"code": "other"})
    monkeypatch.setattr(
        bench.miner, "assertions", lambda reading: bench.miner._mine(reading.record) if reading.record.id != "6" else _none(bench, reading)
    )
    bench.refresh(remine=True)
    assert rows(bench) == [("gone", "6", "NTRK1 drives tumours", "rules (code)")]


def _none(bench: Bench, reading: Reading) -> Mined:
    return replace(bench.miner._mine(reading.record), claims=())


def test_what_other_reading_changes_under_the_same_rules_is_unexplained(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    days(bench, [fused(1)])
    with sqlite3.connect(bench.settings.db) as connection:
        connection.execute("UPDATE record_topics SET topic = 'another'")
        connection.execute("UPDATE runs SET topic = 'another'")
    connection.close()
    monkeypatch.setattr(bench.miner, "assertions", lambda reading: _none(bench, reading))
    monkeypatch.setattr("miner.topic.Topic.is_relevant", lambda *_: True)
    days(bench, [fused(1), fused(2)])
    assert rows(bench) == [("gone", "1", "NTRK1 drives tumours", "unexplained")]


def test_several_runs_are_told_as_what_they_come_to(bench: Bench) -> None:
    days(bench, [fused(1), fused(2)])
    days(bench, [fused(3)])
    days(bench, [fused(1, NEWER, changed=LATER)])
    days(bench, [fused(1, changed=datetime.date(2024, 6, 2))], deleted=(3,))
    assert rows(bench, 1) == [("changed", "1", "NTRK1 drives tumours", "revised abstract")]
    assert [row[:2] for row in rows(bench, 0)] == [("new", "2"), ("new", "1")]


def test_a_deletion_and_a_return_within_one_run(bench: Bench) -> None:
    days(bench, [fused(1)])
    (bench.folder / "a.xml").write_bytes(bench.xml("x.xml", fused(2), deleted=(1,)).read_bytes())
    bench.refresh(bench.folder / "a.xml", bench.xml("b.xml", fused(1), fused(2)))
    assert rows(bench) == [
        ("changed", "1", "NTRK1 drives tumours", "deleted by a.xml, then reinstated"),
        ("new", "2", "NTRK1 drives tumours", "new paper"),
    ]


def test_the_forms(bench: Bench) -> None:
    days(bench, [fused(1)])
    days(bench, [Fake(2, FUSED)], deleted=(1,))
    with Store.open(bench.settings.db, readonly=True) as store:
        (key,) = {row.key for row in store.table()}
        text, markdown, atom = (told(store, None, form) for form in ("text", "markdown", "atom"))
        document = json.loads(told(store, None, "json"))
    assert text.splitlines() == [
        "run 2: 1 gone (deleted by june11.xml), 1 new (new paper)",
        "gone     NTRK1 drives tumours  PMID 1  (deleted by june11.xml; run 2)",
        "new      NTRK1 drives tumours  PMID 2  (new paper; run 2)",
    ]
    assert markdown.splitlines()[2:5] == [
        "## Gone: 1",
        "",
        "- NTRK1 drives tumours — [PMID 1](https://pubmed.ncbi.nlm.nih.gov/1/) (deleted by june11.xml, run 2)",
    ]
    assert {name: document[name] for name in ("since", "until", "updated", "new", "changed", "gone")} == {
        "since": 1,
        "until": 2,
        "updated": "2024-06-11T03:00:00Z",
        "new": 1,
        "changed": 0,
        "gone": 1,
    }
    assert document["rows"][1]["key"] == key
    feed = ElementTree.fromstring(atom)
    assert [feed.findtext(f"{ATOM}{name}") for name in ("id", "updated")] == ["tag:ntrk-miner,2024:diff", "2024-06-11T03:00:00Z"]
    assert [entry.findtext(f"{ATOM}title") for entry in feed.iter(f"{ATOM}entry")] == [
        "gone: NTRK1 drives tumours",
        "new: NTRK1 drives tumours",
    ]
    assert len({entry.findtext(f"{ATOM}id") for entry in feed.iter(f"{ATOM}entry")}) == 2


def test_a_quiet_run_and_an_empty_database_are_told(bench: Bench) -> None:
    with Store.open(bench.settings.db) as store:
        assert told(store) == "run 0: no row is new, changed or gone\n"
    days(bench, [fused(1)], [fused(1)])
    with Store.open(bench.settings.db, readonly=True) as store:
        assert told(store, 1) == "run 1: no row is new, changed or gone\n"
        with pytest.raises(ConfigError, match="there is no run 7; there are 1 to 1"):
            told(store, 7)
        with pytest.raises(ConfigError, match="no form is called 'xls'"):
            told(store, None, "xls")


# the gate


def published(bench: Bench, form: str) -> Path:
    path = bench.folder / f"evidence.{form}"
    with Store.open(bench.settings.db, readonly=True) as store, path.open("w", encoding="utf-8") as out:
        export(store, form, out)
    return path


def remove(bench: Bench, pmids: range, *, ledger: bool = False) -> None:
    """Take rows away behind the program's back, from the ledger of changes too."""
    with sqlite3.connect(bench.settings.db) as connection:
        for pmid in pmids:
            connection.execute("DELETE FROM evidence_claims WHERE pmid = ?", (str(pmid),))
            connection.execute("DELETE FROM evidence_facets WHERE evidence IN (SELECT id FROM evidence WHERE pmid = ?)", (str(pmid),))
            connection.execute("DELETE FROM evidence WHERE pmid = ?", (str(pmid),))
            if ledger:
                connection.execute("DELETE FROM evidence_changes WHERE pmid = ?", (str(pmid),))
    connection.close()


def check(bench: Bench, path: Path | None = None, **more: bool) -> None:
    with Store.open(bench.settings.db, readonly=True) as store:
        check_export(store, path, **more)


def test_rows_that_went_with_a_cause_pass(bench: Bench) -> None:
    days(bench, [fused(n) for n in range(1, 101)])
    paths = [published(bench, form) for form in ("tsv", "tsv-papers", "jsonl")]
    days(bench, [fused(n, NEWER, changed=LATER) for n in range(1, 41)], deleted=tuple(range(50, 70)))
    for path in paths:
        check(bench, path)


def test_up_to_one_in_a_hundred_may_go_and_two_may_not(bench: Bench) -> None:
    days(bench, [fused(n) for n in range(1, 101)])
    check(bench)
    remove(bench, range(1, 2))
    check(bench)
    remove(bench, range(2, 3))
    with pytest.raises(GateError, match="2 of 100 rows vanished without a cause") as held:
        check(bench)
    assert held.value.exit_code == 65
    check(bench, force=True)


@pytest.mark.parametrize("form", ["tsv", "tsv-papers", "jsonl"])
def test_rows_are_missed_by_the_file_that_was_published_before(bench: Bench, form: str) -> None:
    days(bench, [fused(n) for n in range(1, 101)])
    path = published(bench, form)
    remove(bench, range(1, 11), ledger=True)
    check(bench)
    with pytest.raises(GateError, match="10 of 100"):
        check(bench, path)


def test_what_no_rule_explains_is_held_back(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    days(bench, [fused(n) for n in range(1, 11)])
    with sqlite3.connect(bench.settings.db) as connection:
        connection.execute("UPDATE evidence_changes SET cause = 'unexplained', change = 'gone' WHERE pmid = '3'")
    connection.close()
    remove(bench, range(3, 4))
    with pytest.raises(GateError, match="1 of 10"):
        check(bench)


@pytest.mark.parametrize("content", ["", "something else\n", "key\n", '{"key": 1}\n', "{broken\n"])
def test_a_file_that_is_no_export_is_not_compared(bench: Bench, content: str) -> None:
    days(bench, [fused(1)])
    (bench.folder / "other.tsv").write_text(content)
    check(bench, bench.folder / "other.tsv")


# how current


def told_health(bench: Bench, **time: float) -> tuple[bool, str | None, float | None]:
    with Store.open(bench.settings.db) as store:
        found = health(store, TOPIC.name, limit_hours=36, now=START + datetime.timedelta(**time))
    assert json.loads(found.json())["stale"] == found.stale
    assert found.text().startswith("STALE: " if found.stale else "current: ")
    return found.stale, found.complete, found.age_hours


def test_a_base_from_files_ages_from_its_last_whole_run(bench: Bench) -> None:
    assert told_health(bench) == (True, None, None)
    bench.refresh(bench.xml("a.xml", fused(1)))
    assert told_health(bench, hours=36) == (False, "2024-06-10T03:00:00Z", 36.0)
    assert told_health(bench, hours=37)[0]
    bench.later(days=2)
    bench.refresh(bench.xml("b.xml", fused(2, "BROKEN NTRK2 fusion")))
    assert told_health(bench, days=2)[:2] == (True, "2024-06-10T03:00:00Z")


def test_ages_are_read() -> None:
    assert [parse_age(text) for text in ("36h", "3d", "3", "0.5 d")] == [36, 72, 72, 12]
    with pytest.raises(ConfigError, match="'soon' is no age"):
        parse_age("soon")


def test_the_command_holds_an_export_back_and_leaves_the_published_file(bench: Bench) -> None:
    days(bench, [fused(n) for n in range(1, 11)])
    path = published(bench, "tsv")
    before = path.read_bytes()
    remove(bench, range(1, 4))
    command = [sys.executable, "-m", "miner", "export", "--db", str(bench.settings.db), "-o", str(path)]
    held = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (held.returncode, "3 of 10 rows vanished without a cause" in held.stderr, path.read_bytes()) == (65, True, before)
    assert subprocess.run([*command, "--force"], capture_output=True, check=False).returncode == 0
    assert path.read_bytes() != before
