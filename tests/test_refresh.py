"""The job: files and PubMed into the store, wholly or not at all."""

from __future__ import annotations

import datetime
import gzip
import json
import logging
import multiprocessing
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from miner.config import Settings
from miner.errors import ConfigError, InputError, LockedError, UpstreamError
from miner.evidence.store import Store
from miner.refresh import JsonFormatter, refresh
from miner.refresh.guard import run_lock
from miner.refresh.versions import mining_version, mining_versions
from miner.schema import ClaimType
from tests.http.bench import FUSED, OTHER, START, TOPIC, Bench, fused
from tests.http.records import Fake, document
from tests.http.server import FakeNcbi


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


# files


def test_a_file_is_taken_in_and_every_record_accounted_for(bench: Bench) -> None:
    report = bench.refresh(bench.xml("a.xml.gz", fused(1), fused(2, OTHER), fused(3, "Nothing of this."), fused(4, "BROKEN NTRK2 fusion")))
    assert bench.held() == {"1": (FUSED, "current", 1)}
    counts = {name: getattr(report, name) for name in ("read", "skipped", "mined", "irrelevant", "new", "set_aside", "claims", "evidence")}
    assert counts == {"read": 3, "skipped": 1, "mined": 2, "irrelevant": 1, "new": 1, "set_aside": 1, "claims": 1, "evidence": 1}
    assert (report.outcome, report.aside) == ("partial", [("a.xml.gz", "4", "cannot be mined: RuntimeError: no head or tail")])


def test_the_run_row_tells_the_same_numbers(bench: Bench) -> None:
    report = bench.refresh(bench.xml("a.xml", fused(1)))
    with Store.open(bench.settings.db, readonly=True) as store:
        (run,) = store.runs()
    assert (run.kind, run.topic, run.outcome, run.started, run.finished) == (
        "files",
        "ntrk-nsclc",
        "done",
        "2024-06-10T03:00:00Z",
        "2024-06-10T03:00:00Z",
    )
    assert run.counts["new"] == report.new == 1
    assert run.versions["topic"] == TOPIC.digest


def test_an_unchanged_file_writes_not_one_byte(bench: Bench) -> None:
    source = bench.xml("a.xml.gz", fused(1))
    bench.refresh(source)
    before = bench.digest()
    bench.miner.mined.clear()
    report = bench.refresh(source)
    assert (report.outcome, report.run_id, report.lines()) == ("unchanged", None, ["unchanged: 1 source taken in before, nothing written"])
    assert (bench.digest(), bench.miner.mined) == (before, [])


def test_a_file_that_set_records_aside_is_tried_again(bench: Bench) -> None:
    source = bench.xml("a.xml", fused(1), fused(4, "BROKEN NTRK2 fusion"))
    assert [bench.refresh(source).outcome for _ in range(2)] == ["partial", "partial"]


def test_new_files_beside_known_ones_are_taken_in_alone(bench: Bench) -> None:
    first, second = bench.xml("a.xml", fused(1)), bench.xml("b.xml", fused(2))
    bench.refresh(first)
    report = bench.refresh(first, second)
    assert (report.sources, report.sources_seen, report.new, bench.miner.mined) == (2, 1, 1, ["1", "2"])


def test_a_folder_stands_for_its_files(bench: Bench) -> None:
    (bench.folder / "mirror").mkdir()
    bench.xml("mirror/1.xml", fused(1))
    bench.xml("mirror/2.xml.gz", fused(2))
    assert bench.refresh(bench.folder / "mirror").new == 2


def test_other_rules_read_a_known_file_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    source = bench.xml("a.xml", fused(1))
    bench.refresh(source)
    monkeypatch.setattr("miner.refresh.job.mining_versions", lambda *_: {"code": "other"})
    report = bench.refresh(source)
    assert (report.outcome, report.same, bench.miner.mined) == ("done", 1, ["1", "1"])


def test_a_record_that_is_held_as_it_is_is_not_mined_again(bench: Bench) -> None:
    bench.refresh(bench.xml("a.xml", fused(1)))
    report = bench.refresh(bench.xml("b.xml", fused(1), fused(2)))
    assert (report.same, report.new, bench.miner.mined) == (1, 1, ["1", "2"])


def test_remine_reads_what_is_stored_and_fetches_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.refresh(bench.xml("a.xml", fused(1), fused(2)))
    assert bench.refresh(remine=True).outcome == "unchanged"
    monkeypatch.setattr("miner.refresh.job.mining_versions", lambda *_: {"code": "other"})
    assert bench.refresh(remine=True).same == 2
    assert bench.refresh(remine=True).outcome == "unchanged"


NEWER = "An NTRK2 fusion drives it after all."


@pytest.mark.parametrize(
    ("fakes", "text"),
    [
        ([fused(1), fused(1, NEWER, version=2)], NEWER),
        ([fused(1, NEWER, version=2), fused(1)], NEWER),
        ([fused(1, changed=datetime.date(2024, 2, 1)), fused(1, NEWER, changed=datetime.date(2024, 3, 1))], NEWER),
        ([fused(1, NEWER, changed=datetime.date(2024, 3, 1)), fused(1, changed=datetime.date(2024, 2, 1))], NEWER),
        ([fused(1), fused(1, NEWER)], NEWER),
    ],
)
@pytest.mark.parametrize("files", [1, 2, "runs"])
def test_the_newest_state_of_a_record_wins(bench: Bench, fakes: list[Fake], text: str, files: int | str) -> None:
    paths = [bench.xml("a.xml", *fakes)] if files == 1 else [bench.xml(f"{n}.xml", fake) for n, fake in enumerate(fakes)]
    if files == "runs":
        for path in paths:
            bench.refresh(path)
    else:
        assert bench.refresh(*paths).new == 1
    assert bench.held() == {"1": (text, "current", 1)}


def test_a_deletion_takes_the_evidence_back(bench: Bench) -> None:
    bench.refresh(bench.xml("a.xml", fused(1), fused(2)))
    report = bench.refresh(bench.xml("b.xml", fused(3), deleted=(1, 99)))
    assert report.deleted == 1
    assert bench.held() == {"1": (FUSED, "withdrawn", 0), "2": (FUSED, "current", 1), "3": (FUSED, "current", 1)}


def test_a_deletion_in_the_same_file_leaves_no_evidence(bench: Bench) -> None:
    report = bench.refresh(bench.xml("a.xml", fused(1), fused(2), deleted=(1,)))
    assert (report.evidence, [key for key, (_, _, rows) in bench.held().items() if rows]) == (1, ["2"])


def test_a_revision_that_no_longer_matters_loses_its_rows(bench: Bench) -> None:
    bench.refresh(bench.xml("a.xml", fused(1)))
    report = bench.refresh(bench.xml("b.xml", fused(1, OTHER, changed=datetime.date(2024, 5, 1))))
    assert report.changed == 1
    assert bench.held() == {"1": (OTHER, "current", 0)}


def test_a_retraction_reaches_the_record(bench: Bench) -> None:
    bench.refresh(bench.xml("a.xml", fused(1)))
    gone = fused(1, types=("Journal Article", "Retracted Publication"), comments=(("RetractionIn", "9"),))
    bench.refresh(bench.xml("b.xml", gone))
    assert bench.held()["1"][1] == "retracted"


@pytest.mark.parametrize("start", [[], [fused(7)]])
@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: content[: len(content) // 2],
        lambda content: gzip.compress(content)[:-20],
        lambda content: b"<html>blocked</html>",
        lambda content: b"",
    ],
)
def test_a_broken_file_leaves_the_database_as_it_was(bench: Bench, start: list[Fake], spoil: Callable[[bytes], bytes]) -> None:
    if start:
        bench.refresh(bench.xml("start.xml", *start))
    good, bad = bench.xml("good.xml", fused(1)), bench.folder / "bad.xml"
    bad.write_bytes(spoil(document([fused(2), fused(3)])))
    before = bench.held() if start else None
    with pytest.raises(InputError, match="bad"):
        bench.refresh(good, bad)
    assert (bench.held() if bench.settings.db.exists() else None) == before


def test_a_missing_file_makes_no_database(bench: Bench) -> None:
    with pytest.raises(InputError, match=r"none\.xml"):
        bench.refresh(bench.folder / "none.xml")
    assert list(bench.folder.iterdir()) == []


def test_a_text_that_is_no_unicode_is_set_aside(bench: Bench) -> None:
    path = bench.folder / "a.jsonl"
    rows = [
        {"id": "x", "pmid": "5", "title": "An NTRK1 fusion \ud800 in a tumour", "abstract": ""},
        {"id": "y", "pmid": "6", "title": FUSED},
    ]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="ascii")
    try:
        report = bench.refresh(path)
    except InputError:
        return  # the reader may refuse the file instead; nothing is stored then
    assert (report.outcome, list(bench.held())) == ("partial", ["6"])


# the lock


def test_a_second_run_is_told_who_holds_the_lock(bench: Bench) -> None:
    source = bench.xml("a.xml", fused(1))
    with run_lock(bench.settings.db, since="2024-06-10T02:00:00Z"), pytest.raises(LockedError) as told:
        bench.refresh(source)
    assert f"on {socket.gethostname()} since 2024-06-10T02:00:00Z" in str(told.value)
    assert bench.refresh(source).new == 1


def _hold(db: Path, ready: Any) -> None:
    with run_lock(db, since="then"):
        ready.set()
        __import__("time").sleep(60)


def test_a_killed_run_leaves_no_lock_behind(bench: Bench) -> None:
    context = multiprocessing.get_context("fork")
    ready = context.Event()
    process = context.Process(target=_hold, args=(bench.settings.db, ready))
    process.start()
    assert ready.wait(10)
    with pytest.raises(LockedError, match=f"process {process.pid} "):
        bench.refresh(bench.xml("a.xml", fused(1)))
    process.kill()
    process.join()
    assert bench.refresh(bench.xml("a.xml", fused(1))).new == 1


# live


@pytest.fixture
def server() -> Iterator[FakeNcbi]:
    may = datetime.date(2024, 5, 1)
    with FakeNcbi([fused(n, created=may, changed=may) for n in range(1, 6)]) as running:
        yield running


def test_the_first_live_run_takes_everything(bench: Bench, server: FakeNcbi) -> None:
    report = bench.live(server)
    assert (report.promised, report.fetched, report.new, report.interval) == (5, 5, 5, "everything")
    assert report.watermark_after == "2024-06-10T03:00:00Z"
    assert [form["id"] for form in server.forms("efetch.fcgi")] == ["1,2", "3,4", "5"]
    assert sorted(bench.held()) == ["1", "2", "3", "4", "5"]


def test_the_next_run_asks_for_what_came_or_changed_since_with_overlap(bench: Bench, server: FakeNcbi) -> None:
    bench.live(server)
    june = datetime.date(2024, 6, 9)
    server.records |= {1: fused(1, NEWER, created=datetime.date(2024, 5, 1), changed=june), 6: fused(6, created=june, changed=june)}
    server.requests.clear()
    bench.moment += datetime.timedelta(days=1)
    report = bench.live(server)
    terms = [form["term"].removeprefix(f"({TOPIC.query}) AND ") for form in server.forms("esearch.fcgi")]
    assert terms == ["2024/06/07:3000/12/31[mdat]", "2024/06/07:3000/12/31[crdt]"]
    assert [form["id"] for form in server.forms("efetch.fcgi")] == ["1,6"]
    assert (report.new, report.changed, report.watermark_before) == (1, 1, "2024-06-10T03:00:00Z")
    assert report.watermark_after == "2024-06-11T03:00:00Z"
    assert bench.held()["1"] == (NEWER, "current", 1)


def test_faults_that_pass_leave_the_same_table(bench: Bench, server: FakeNcbi, tmp_path: Path) -> None:
    server.plan = ["500", "429", "cut in a tag", None, "reset in the body", "empty", "one missing"]
    report = bench.live(server)
    assert (report.outcome, report.retries) == ("done", 6)
    assert bench.held() == {str(n): (FUSED, "current", 1) for n in range(1, 6)}


def test_a_fault_that_stays_moves_no_watermark_and_the_next_run_goes_on(bench: Bench, server: FakeNcbi) -> None:
    server.plan = [None, None, *["500"] * 500]
    bench.settings = Settings(**{**vars(bench.settings), "deadline": 0.3})
    with pytest.raises(UpstreamError):
        bench.live(server)
    assert not bench.settings.db.exists()
    server.plan, server.requests = [], []
    bench.moment += datetime.timedelta(days=1)
    report = bench.live(server)
    assert [request.utility for request in server.requests] == ["efetch.fcgi", "efetch.fcgi"]
    assert (report.new, report.watermark_after) == (5, "2024-06-10T03:00:00Z")
    assert not (bench.folder / "evidence.db.spool").exists()


def test_a_widened_query_fails_the_run(bench: Bench, server: FakeNcbi) -> None:
    server.stay = "phrase dropped"
    with pytest.raises(ConfigError, match="blorptinib"):
        bench.live(server)
    assert not bench.settings.db.exists()


def test_a_record_that_is_never_given_is_set_aside_and_holds_the_watermark(bench: Bench, server: FakeNcbi) -> None:
    server.gone = {3}
    report = bench.live(server)
    assert (report.outcome, report.new, report.watermark_after) == ("partial", 4, None)
    assert report.aside == [("PubMed", "3", "PubMed names this record and does not give it")]


def test_a_clock_set_back_ends_the_run(bench: Bench, server: FakeNcbi) -> None:
    bench.live(server)
    bench.moment -= datetime.timedelta(days=400)
    with pytest.raises(ConfigError, match="2023-05-07T03:00:00Z, which is before the last refresh"):
        bench.live(server)


def test_a_live_run_without_an_email_asks_for_one(bench: Bench) -> None:
    bench.settings = Settings(**{**vars(bench.settings), "email": None})
    with pytest.raises(ConfigError, match="--email"):
        bench.refresh()
    assert not bench.settings.db.exists()


# small parts


def test_the_mining_version_follows_the_users_lexicons(tmp_path: Path) -> None:
    before = mining_version(mining_versions())
    assert mining_version(mining_versions()) == before
    (tmp_path / "drugs.tsv").write_text("x\n", encoding="utf-8")
    assert mining_version(mining_versions([tmp_path])) != before


def test_progress_is_told(bench: Bench) -> None:
    steps: list[tuple[str, int, int | None]] = []
    bench.refresh(bench.xml("a.xml", fused(1), fused(2)), on_progress=lambda *step: steps.append(step))
    assert steps[-1] == ("a.xml", 2, None)


def test_a_log_line_is_one_json_object() -> None:
    record = logging.LogRecord("miner.refresh", logging.WARNING, "x.py", 1, "set aside %s\nof %s", ("1", "a.xml"), None)
    record.created = START.timestamp()
    assert json.loads(JsonFormatter().format(record)) == {
        "time": "2024-06-10T03:00:00.000Z",
        "level": "warning",
        "logger": "miner.refresh",
        "message": "set aside 1\nof a.xml",
    }


def test_the_whole_line_from_xml_to_a_quoted_sentence(bench: Bench) -> None:
    sentence = "Larotrectinib gave an objective response rate of 75% in 20 patients with NTRK fusion-positive tumors."
    source = bench.xml(
        "a.xml", Fake(1, "Larotrectinib in NTRK fusion-positive tumors.", [("METHODS", "We treated adults."), ("RESULTS", sentence)])
    )
    report = refresh(bench.settings, TOPIC, sources=[source], clock=lambda: bench.moment)
    assert (report.new, report.set_aside) == (1, 0)
    with Store.open(bench.settings.db, readonly=True) as store:
        (row,) = [paper for paper in store.evidence() if paper.claim_type is ClaimType.SENSITIVITY_RESPONSE]
        text = bench.held()["1"][0]
    assert (row.pmid, row.therapies, row.figures["ORR_percent"]) == ("1", ("larotrectinib",), 75)
    assert {text[quote.start : quote.end] for quote in row.quotes} == {sentence}
