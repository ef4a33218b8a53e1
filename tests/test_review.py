"""``miner review`` and ``miner agreement`` as a curator meets them."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from evidence_cases import FAMILIES, resistance, trial
from typer.testing import CliRunner, Result

from miner.cli import app
from miner.errors import InputError
from miner.evidence.merge import merge
from miner.evidence.store import Store


@pytest.fixture
def db(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "e.db"
    with Store.open(path) as store:
        for mined in (trial(), resistance()):
            store.save(mined, merge(mined, FAMILIES), run_id=None, mining_version="m1", topic="ntrk-nsclc")
    return path


def run(*arguments: str, typed: str = "", fails: bool = False) -> Result:
    result = CliRunner().invoke(app, ["--quiet", *arguments], input=typed, catch_exceptions=fails)
    assert fails or result.exit_code == 0, result.output
    return result


def test_rows_are_gone_through_at_the_terminal(db: Path) -> None:
    result = run("review", "--db", str(db), "--curator", "ada", typed="a\nr\nnot so\ne\nlevel=F\ne\nlevel=C\nu\nc\nlook again\ns\nq\n")
    with Store.open(db) as store:
        log = store.curations()
    assert [str(item.action) for item in log] == ["accept", "reject", "edit", "undo", "comment"]
    assert [(item.curator, item.comment) for item in log if item.comment] == [("ada", "not so"), ("ada", "look again")]
    assert "level: 'F' is not one of A, B, C, D, E" in result.output
    assert "1 of 5" in result.output
    assert "4 of 5" in result.output
    assert "“NTRK1 G595R made cells resistant to larotrectinib.” [29:79]" in result.output


def test_what_was_decided_is_not_asked_again_but_of_another_curator(db: Path) -> None:
    run("review", "--db", str(db), "--curator", "ada", typed="a\nr\n\nq\n")
    assert "1 of 3" in run("review", "--db", str(db), "--curator", "ada", typed="q\n").output
    assert "1 of 5" in run("review", "--db", str(db), "--curator", "ben", typed="q\n").output
    assert "1 of 5" in run("review", "--db", str(db), "--curator", "ada", "--decided", typed="q\n").output


def test_a_sheet_goes_out_and_comes_back(db: Path) -> None:
    out = run("review", "--db", str(db), "--curator", "ada", "--drug", "selitrectinib", "--out", "s.csv").output
    assert out == "1 rows in s.csv; edit it, then: miner review --curator ada --in s.csv\n"
    text = Path("s.csv").read_text(encoding="utf-8-sig")
    (line,) = csv.DictReader(io.StringIO(text))
    assert (line["pmid"], line["level"], line["decision"]) == ("900002", "D", "")
    Path("s.csv").write_text(text.replace(",submitted,,,", ",submitted,accept,seen,"), encoding="utf-8")
    assert run("review", "--db", str(db), "--curator", "ada", "--in", "s.csv").output == "s.csv: 1 accept\n"
    assert run("review", "--db", str(db), "--curator", "ada", "--in", "s.csv").output == "s.csv: nothing new\n"
    log = run("review", "log", "--db", str(db)).output.split()
    assert (log[0], log[2:5], log[-1]) == ("1", ["ada", "accept", "900002"], "seen")


def test_a_log_goes_into_another_database(db: Path, tmp_path: Path) -> None:
    run("review", "--db", str(db), "--curator", "ada", typed="a\na\nq\n")
    assert run("review", "undo", "2", "--db", str(db), "--curator", "ben").output == "curation 2 is taken back by curation 3\n"
    assert run("review", "export", "--db", str(db), "-o", "log.jsonl").output == "3 curations in log.jsonl\n"
    Store.open(tmp_path / "new.db").close()
    told = run("review", "import", "log.jsonl", "--db", "new.db").output
    assert told == "3 curations taken; 1 wait for a row that is not held\n"
    status = run("status", "--db", "new.db").output
    assert "1 curation waits for a row that is not held" in " ".join(status.split())


def test_agreement_tells_the_rows_in_dispute(db: Path) -> None:
    assert run("agreement", "--db", str(db)).output == "no row was decided by two curators\n"
    run("review", "--db", str(db), "--curator", "ada", typed="a\na\nq\n")
    run("review", "--db", str(db), "--curator", "ben", typed="a\nr\n\nq\n")
    told = run("agreement", "--db", str(db)).output.splitlines()
    assert told[0] == "ada and ben: 2 rows decided by both, 1 alike (50%), kappa 0.00"
    assert "ada: accept, ben: reject" in told[1]


def test_a_bad_sheet_ends_with_bad_input(db: Path) -> None:
    Path("s.csv").write_text("key,pmid,decision\nv1:x,1,accept\n", encoding="utf-8")
    result = run("review", "--db", str(db), "--curator", "ada", "--in", "s.csv", fails=True)
    assert isinstance(result.exception, InputError)
    assert "row 2, column A (key): no row v1:x of 1 is held" in str(result.exception)
