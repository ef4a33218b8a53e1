"""The live run over nights: what waits, what is withdrawn, what is found late, and how it ends when something is in the way."""

from __future__ import annotations

import datetime
import json
import logging
import os
import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from miner.errors import ConfigError, LockedError, MinerError, StoreError, UpstreamError
from miner.evidence.store import Run, Store
from miner.refresh import JsonFormatter
from miner.refresh.guard import run_lock
from miner.refresh.live import LOST, NOT_GIVEN
from tests.http.bench import FUSED, OTHER, TOPIC, Bench, fused
from tests.http.records import Fake
from tests.http.server import FakeNcbi
from tests.http.worlds import ENTITIES, MATHML, UNKNOWN

MAY, JUNE = datetime.date(2024, 5, 1), datetime.date(2024, 6, 9)
NEWER = "An NTRK2 fusion drives it after all."
RETRACTED: dict[str, Any] = {"types": ("Journal Article", "Retracted Publication"), "comments": (("RetractionIn", "9"),)}


def old(pmid: int, text: str = FUSED, **more: Any) -> Fake:
    return fused(pmid, text, **{"created": MAY, "changed": MAY, **more})


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture
def server() -> Iterator[FakeNcbi]:
    with FakeNcbi([old(n) for n in range(1, 6)]) as running:
        yield running


def night(bench: Bench, server: FakeNcbi, *, days: int = 1, **more: Any) -> Any:
    """The next night's run."""
    bench.later(days=days)
    server.requests.clear()
    return bench.live(server, **more)


def fetched(server: FakeNcbi) -> list[str]:
    return [pmid for form in server.forms("efetch.fcgi") for pmid in form["id"].split(",")]


def runs(bench: Bench) -> list[Run]:
    with Store.open(bench.settings.db, readonly=True) as store:
        return store.runs()


def causes(bench: Bench) -> set[tuple[str, str, str]]:
    """(PMID, change, cause) of the last run."""
    with Store.open(bench.settings.db, readonly=True) as store:
        return {(item.pmid, item.change, item.cause) for item in store.changes(store.runs()[-1].id)}


# what is set aside


def test_a_record_that_is_not_given_waits_while_the_job_moves_on(bench: Bench, server: FakeNcbi) -> None:
    server.gone = {3}
    first = bench.live(server)
    assert (first.outcome, first.watermark_after, first.reached) == ("partial", None, "2024-06-10T03:00:00Z")
    server.records[6] = old(6, created=JUNE, changed=JUNE)
    second = night(bench, server)
    assert (second.outcome, second.aside, fetched(server)) == ("partial", [("PubMed", "3", NOT_GIVEN)], ["3", "6"] + ["3", "6"] * 2)
    server.gone = set()
    third = night(bench, server)
    assert (third.outcome, third.watermark_before, third.watermark_after) == ("done", None, "2024-06-12T03:00:00Z")
    assert sorted(bench.held()) == ["1", "2", "3", "4", "5", "6"]


def test_a_record_that_cannot_be_mined_is_tried_again_every_night(bench: Bench, server: FakeNcbi) -> None:
    server.records[2] = old(2, "BROKEN NTRK2 fusion")
    assert bench.live(server).outcome == "partial"
    report = night(bench, server)
    assert (report.outcome, fetched(server), report.set_aside) == ("partial", ["2"], 1)
    server.records[2] = old(2, NEWER)
    report = night(bench, server)
    assert (report.outcome, report.new, bench.watermark()) == ("done", 1, "2024-06-12T03:00:00Z")


def test_a_record_that_cannot_be_read_is_named_by_its_pmid(bench: Bench, server: FakeNcbi) -> None:
    server.stay = "no article"
    report = bench.live(server)
    assert (report.outcome, [pmid for _, pmid, _ in report.aside]) == ("partial", ["1", "2", "3", "4", "5"])
    assert {reason for _, _, reason in report.aside} == {"no MedlineCitation/Article"}
    server.stay = None
    assert (night(bench, server).outcome, fetched(server)) == ("done", ["1", "2", "3", "4", "5"])


# the whole set


def test_the_whole_set_is_compared_when_it_is_due(bench: Bench, server: FakeNcbi) -> None:
    bench.live(server)
    server.records[7] = old(7)  # came with dates from before the last run: no interval finds it
    assert (night(bench, server).new, fetched(server)) == (0, [])
    report = night(bench, server, days=30)
    assert (report.new, report.interval, report.promised) == (1, "the whole set, and added or changed since 2024-06-08", 6)
    assert (night(bench, server).interval, fetched(server)) == ("added or changed since 2024-07-08", [])


def test_the_whole_set_is_compared_when_asked_for_and_for_another_query(
    bench: Bench, server: FakeNcbi, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.live(server)
    server.records[7] = old(7)
    assert night(bench, server, reconcile=True).new == 1
    server.records[8] = old(8)
    with sqlite3.connect(bench.settings.db) as connection:
        connection.execute("UPDATE runs SET query = 'what was asked before'")
    connection.close()
    assert night(bench, server).new == 1


def test_what_pubmed_no_longer_has_is_withdrawn_when_two_runs_say_so(bench: Bench, server: FakeNcbi) -> None:
    bench.live(server)
    del server.records[3]
    assert night(bench, server).outcome == "done"
    first = night(bench, server, reconcile=True)
    assert (first.outcome, first.aside, bench.held()["3"][1]) == ("partial", [("PubMed", "3", LOST)], "current")
    second = night(bench, server)
    assert (second.outcome, second.deleted, bench.held()["3"]) == ("done", 1, (FUSED, "withdrawn", 0))
    assert causes(bench) == {("3", "gone", "withdrawn from PubMed")}
    assert night(bench, server, reconcile=True).outcome == "done"


def test_what_was_lost_for_one_night_is_not_withdrawn(bench: Bench, server: FakeNcbi) -> None:
    bench.live(server)
    lost = server.records.pop(3)
    assert night(bench, server, reconcile=True).outcome == "partial"
    server.records[3] = lost
    assert (night(bench, server).outcome, bench.held()["3"][1]) == ("done", "current")


def test_a_withdrawn_record_that_comes_back_is_taken_again(bench: Bench, server: FakeNcbi) -> None:
    bench.live(server)
    lost = server.records.pop(3)
    night(bench, server, reconcile=True)
    night(bench, server)
    server.records[3] = lost
    night(bench, server, reconcile=True)
    assert (bench.held()["3"], causes(bench)) == ((FUSED, "current", 1), {("3", "new", "reinstated")})


def test_a_held_record_that_the_query_no_longer_finds_is_looked_at_again(bench: Bench, server: FakeNcbi) -> None:
    bench.live(server)
    find = server.find
    server.records[3] = old(3, NEWER)
    server.find = lambda term: [pmid for pmid in find(term) if pmid != 3 or "NTRK" not in term]  # type: ignore[method-assign]
    report = night(bench, server, reconcile=True)
    assert (report.outcome, report.changed, bench.held()["3"][0]) == ("done", 1, NEWER)


# late and odd records


def test_a_late_record_with_an_old_entrez_date_is_found_by_the_day_it_was_added(bench: Bench, server: FakeNcbi) -> None:
    bench.live(server)
    server.records[6] = old(6, created=JUNE, changed=JUNE, edat=datetime.date(2003, 1, 1))
    assert server.find("x AND 2024/06/01:3000/12/31[edat]") == []
    assert night(bench, server).new == 1


def test_a_revision_with_an_unchanged_date_is_taken(bench: Bench, server: FakeNcbi) -> None:
    bench.live(server)
    server.records[2] = old(2, NEWER, mdat=JUNE)
    report = night(bench, server)
    assert (report.changed, bench.held()["2"][0]) == (1, NEWER)
    with Store.open(bench.settings.db, readonly=True) as store:
        assert [(version["text"], version["reason"]) for version in store.versions("2")] == [(FUSED, "revised abstract")]


def test_odd_records_are_read_like_others(bench: Bench, server: FakeNcbi) -> None:
    server.records = {
        1: old(1, raw=MATHML, odd=UNKNOWN, issue="<Season>Spring</Season>"),
        2: old(2, raw=ENTITIES, version=2),
        3: old(3, book=True),
    }
    assert bench.live(server).outcome == "done"
    assert {key: text for key, (text, _, _) in bench.held().items()} == {
        "1": f"{FUSED}\nOf x^2 tumours, an NTRK2 fusion was in one.",
        "2": f"{FUSED}\nAn NTRK3 fusion α < 5 μm; & no more.",
        "3": FUSED,
    }


def test_no_request_rests_on_a_handle_of_the_server(bench: Bench, server: FakeNcbi) -> None:
    bench.live(server)
    night(bench, server, reconcile=True)
    assert not any("WebEnv" in request.form or "usehistory" in request.form for request in server.requests)


@pytest.mark.parametrize(
    ("more", "cause", "status", "flag"),
    [
        (RETRACTED, "retraction", "retracted", "retracted"),
        ({"comments": (("ExpressionOfConcernIn", "9"),)}, "expression of concern", "concern", "expression of concern"),
        ({"comments": (("ErratumIn", "9"),)}, "correction", "current", "erratum: 9"),
        ({"comments": (("PartialRetractionIn", "9"),)}, "expression of concern", "concern", "expression of concern"),
    ],
)
def test_a_notice_reaches_every_row_of_the_paper_on_the_next_run(
    bench: Bench, server: FakeNcbi, more: dict[str, Any], cause: str, status: str, flag: str
) -> None:
    server.records[2] = old(2, "An NTRK1 fusion and an NTRK2 fusion drive this tumour.")
    bench.live(server)
    server.records[2] = old(2, "An NTRK1 fusion and an NTRK2 fusion drive this tumour.", **{**more, "changed": JUNE})
    night(bench, server)
    with Store.open(bench.settings.db, readonly=True) as store:
        rows = [paper for paper in store.evidence() if paper.pmid == "2"]
        told = [warning for row in store.table() for warning in row.warnings]
    assert [(str(row.record_status), flag in row.flags) for row in rows] == [(status, True)] * 2
    assert causes(bench) == {("2", "changed", cause)}
    assert f"PMID 2: {flag}" in told


# what does not matter is kept for other rules


def test_what_does_not_matter_is_not_fetched_again_and_other_rules_read_it_without_fetching(
    bench: Bench, server: FakeNcbi, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.records[3] = old(3, OTHER)
    first = bench.live(server)
    assert (first.new, first.irrelevant) == (4, 1)
    night(bench, server, reconcile=True)
    assert fetched(server) == []
    server.requests.clear()
    monkeypatch.setattr("miner.refresh.job.mining_versions", lambda *_: {"code": "other"})
    report = bench.refresh(remine=True)
    assert (report.read, report.same, report.irrelevant, server.requests) == (5, 4, 1, [])
    monkeypatch.setattr("miner.topic.Topic.is_relevant", lambda *_: True)
    monkeypatch.setattr("miner.refresh.job.mining_versions", lambda *_: {"code": "third"})
    assert bench.refresh(remine=True).new == 1
    assert sorted(bench.held()) == ["1", "2", "3", "4", "5"]
    assert bench.refresh(remine=True).outcome == "unchanged"


# what the runs table tells


def test_the_runs_table_tells_a_live_run(bench: Bench, server: FakeNcbi) -> None:
    server.plan = ["500"]
    bench.live(server)
    (run,) = runs(bench)
    assert (run.topic, run.kind, run.query, run.outcome) == ("ntrk-nsclc", "live", TOPIC.query, "done")
    assert (run.watermark_before, run.watermark_after) == (None, "2024-06-10T03:00:00Z")
    names = ("interval", "promised", "fetched", "read", "set_aside", "requests", "retries", "new", "whole", "reached")
    assert [run.counts[name] for name in names] == ["everything", 5, 5, 5, 0, 5, 1, 5, 1, "2024-06-10T03:00:00Z"]
    assert run.counts["bytes"] > 1000
    assert {"miner", "code", "rules", "lexicons", "spacy", "scispacy", "topic"} <= set(run.versions)


def test_a_failed_run_leaves_a_row_that_says_so_and_nothing_else(bench: Bench, server: FakeNcbi) -> None:
    bench.live(server)
    before = bench.exported()
    server.stay = "503"
    bench.change(deadline=0.2)
    with pytest.raises(UpstreamError):
        night(bench, server)
    last = runs(bench)[-1]
    assert (last.outcome, last.watermark_before, last.watermark_after) == ("failed", "2024-06-10T03:00:00Z", "2024-06-10T03:00:00Z")
    assert str(last.counts["error"]).startswith("UpstreamError: ESearch: HTTP 503")
    assert (bench.exported(), bench.watermark()) == (before, "2024-06-10T03:00:00Z")


def test_a_json_log_line_tells_the_run(bench: Bench, server: FakeNcbi, caplog: pytest.LogCaptureFixture) -> None:
    bench.change(log_format="json")
    with caplog.at_level(logging.INFO, "miner.refresh.job"):
        bench.live(server)
    line = json.loads(JsonFormatter().format(caplog.records[-1]))
    assert (line["level"], line["run"]["outcome"], line["run"]["new"], line["run"]["run_id"]) == ("info", "done", 5, 1)


def test_the_key_stands_in_no_file_no_log_and_no_address(bench: Bench, server: FakeNcbi, caplog: pytest.LogCaptureFixture) -> None:
    key = "5ec2e7c0ffee5ec2e7"
    bench.change(api_key=key, log_format="json", deadline=0.3)
    with caplog.at_level(logging.DEBUG):
        bench.live(server)
        server.stay = "429"
        with pytest.raises(UpstreamError) as told:
            night(bench, server)
    held = b"".join(path.read_bytes() for path in bench.folder.rglob("*") if path.is_file())
    assert key not in str(told.value) + caplog.text and key.encode() not in held
    assert all(request.form["api_key"] == key and key not in request.target for request in server.requests)


# what can be in the way


def test_a_clock_set_right_again_goes_on_with_a_comparison(bench: Bench, server: FakeNcbi) -> None:
    bench.later(days=900)
    bench.live(server)
    bench.later(days=-899)
    with pytest.raises(ConfigError, match="--reconcile"):
        bench.live(server)
    server.records[6] = old(6)
    report = bench.live(server, reconcile=True)
    assert (report.outcome, report.new, bench.watermark()) == ("done", 1, "2024-06-11T03:00:00Z")
    assert night(bench, server).outcome == "done"


def test_a_foreign_database_is_left_alone(bench: Bench, server: FakeNcbi) -> None:
    with sqlite3.connect(bench.settings.db) as connection:
        connection.execute("CREATE TABLE songs (title TEXT)")
    connection.close()
    before = bench.digest()
    with pytest.raises(StoreError, match="database of another program"):
        bench.live(server)
    assert (bench.digest(), server.requests) == (before, [])


def test_a_read_only_database_ends_the_run_before_anything_is_asked(bench: Bench, server: FakeNcbi) -> None:
    bench.live(server)
    server.requests.clear()
    bench.settings.db.chmod(0o444)
    with pytest.raises(StoreError, match="read-only"):
        bench.live(server)
    assert server.requests == []


def test_a_writer_of_another_program_is_told_as_a_lock(bench: Bench, server: FakeNcbi, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.live(server)
    monkeypatch.setattr("miner.evidence.store_open.WAIT_SECONDS", 0.05)
    other = sqlite3.connect(bench.settings.db, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(LockedError):
            night(bench, server)
    finally:
        other.close()


SIZES = (0, 1_000, 6_000, 20_000, 60_000, 90_000, 120_000, 150_000, 180_000, 210_000, 2**30)


def test_a_full_disk_ends_the_run_and_leaves_the_database_as_it_was(bench: Bench, server: FakeNcbi) -> None:
    bench.live(server)
    server.records |= {n: old(n, created=JUNE, changed=JUNE, abstract=[(None, "An NTRK1 fusion. " * 12)]) for n in range(10, 40)}
    before, watermark = bench.exported(), bench.watermark()
    bench.later(days=1)
    codes = []
    for size in SIZES:
        codes.append(_limited(bench, server, size))
        with Store.open(bench.settings.db, readonly=True) as store:
            assert store.integrity() == []
        if codes[-1]:
            assert (bench.exported(), bench.watermark()) == (before, watermark)
    assert set(codes[:-1]) <= {0, 73} and codes.count(73) >= 4
    assert codes[-1] == 0
    assert len(bench.held()) == 35


def _limited(bench: Bench, server: FakeNcbi, size: int) -> int:
    """Run in a child whose files cannot grow beyond a size; return its exit code."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
            code = {"done": 0}.get(bench.live(server).outcome, 3)
        except MinerError as error:
            code = error.exit_code
        finally:
            os._exit(code)
    return os.WEXITSTATUS(os.waitpid(pid, 0)[1])


def test_an_unchanged_night_changes_no_row(bench: Bench, server: FakeNcbi) -> None:
    bench.live(server)
    before = bench.exported()
    report = night(bench, server)
    assert (report.outcome, report.fetched, bench.exported(), causes(bench)) == ("done", 0, before, set())


def test_a_damaged_batch_is_fetched_again(bench: Bench, server: FakeNcbi) -> None:
    server.plan = [None, None, *["500"] * 500]
    bench.change(deadline=0.2)
    with pytest.raises(UpstreamError):
        bench.live(server)
    batch = bench.folder / "evidence.db.spool" / "000000.xml"
    batch.write_bytes(batch.read_bytes()[:-30])
    server.reset()
    bench.change(deadline=20.0)
    assert (bench.live(server).outcome, fetched(server)) == ("done", ["1", "2", "3", "4", "5"])


def test_a_spool_of_another_query_is_not_gone_on_with(bench: Bench, server: FakeNcbi) -> None:
    server.plan = [None, None, *["500"] * 500]
    bench.change(deadline=0.2)
    with pytest.raises(UpstreamError):
        bench.live(server)
    plan = bench.folder / "evidence.db.spool" / "plan.json"
    plan.write_text(plan.read_text().replace(TOPIC.digest, "another"))
    server.reset()
    bench.change(deadline=20.0)
    assert (bench.live(server).outcome, fetched(server)) == ("done", ["1", "2", "3", "4", "5"])


# the command line


def command(bench: Bench, server: FakeNcbi, *arguments: str, **environment: str) -> tuple[int, str]:
    """Run ``miner --log-format json ARGUMENTS``; return exit code and what stood on standard error."""
    given = {"MINER_BASE_URL": server.url, "MINER_DEADLINE": "0.5", "MINER_CACHE_DIR": str(bench.folder / "cache"), **environment}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MINER_", "NCBI_"))}
    arguments = ("--log-format", "json", *arguments, "--db", str(bench.settings.db))
    done = subprocess.run(
        [sys.executable, "-m", "miner", *arguments], env={**kept, **given}, capture_output=True, text=True, cwd=bench.folder, check=False
    )
    return done.returncode, done.stderr


def test_the_exit_codes_and_json_lines_of_the_command(bench: Bench, server: FakeNcbi) -> None:
    server.stay = "503"
    code, told = command(bench, server, "refresh", NCBI_EMAIL="you@lab.org", NCBI_API_KEY="5ec2e7c0ffee")
    lines = [json.loads(line) for line in told.splitlines()]
    assert (code, lines[-1]["level"]) == (75, "error")
    assert "HTTP 503" in lines[-1]["message"] and "5ec2e7c0ffee" not in told
    code, told = command(bench, server, "refresh")
    assert (code, "--email" in json.loads(told.splitlines()[-1])["message"]) == (78, True)
    server.stay = "phrase dropped"
    assert command(bench, server, "refresh", NCBI_EMAIL="you@lab.org")[0] == 78
    with run_lock(bench.settings.db, since="then"):
        assert command(bench, server, "refresh", NCBI_EMAIL="you@lab.org")[0] == 11
    server.reset()
    server.gone = {3}
    bench.live(server)
    assert command(bench, server, "status", "--max-age", "1h")[0] == 3
    assert command(bench, server, "diff", "--since", "9")[0] == 78
    assert command(bench, server, "diff", "--format", "atom", "-o", "changes.atom")[0] == 0
    assert (bench.folder / "changes.atom").read_text().count("<entry>") == 4
