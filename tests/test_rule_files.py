"""A user's rule file takes the place of the package's: in reading, in claims, in workers, in what is read again, in the lint."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from miner import rule_files
from miner.cli import app
from miner.errors import ConfigError
from miner.evidence.store import Store

RECORD = {
    "id": "91000001",
    "pmid": "91000001",
    "title": "Synthetic: larotrectinib in TRK fusion lung cancer",
    "abstract": "The NTRK1 G595R mutation zapped larotrectinib. The NTRK1 G667C mutation confers resistance to larotrectinib.",
}


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A folder with one changed rule file: to zap is to resist."""
    folder = tmp_path / "own-rules"
    folder.mkdir()
    text = rule_files.read("claim_cues.tsv").text
    (folder / "claim_cues.tsv").write_text(text + "resist\tconfers resistance to\nresist\tzapped\n", encoding="utf-8")
    return folder


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command line in a process of its own, in a folder with one synthetic record."""
    (tmp_path / "records.jsonl").write_text(json.dumps(RECORD) + "\n", encoding="utf-8")
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), "MINER_CLAIM_MODEL": "off"}

    def command(*words: str, rules: Path | None = None) -> subprocess.CompletedProcess[str]:
        told = {**environ, **({"MINER_RULE_DIRS": str(rules)} if rules else {})}
        return subprocess.run([sys.executable, "-m", "miner", *words], cwd=tmp_path, env=told, capture_output=True, text=True)

    return command


def resisting(output: str) -> list[str]:
    return [claim["variant"] for claim in json.loads(output)["claims"] if claim["type"] == "resistance_on_target"]


def test_a_cue_of_ones_own_makes_a_claim(run, own: Path) -> None:
    assert resisting(run("extract", "records.jsonl").stdout) == ["NTRK1 G667C"]
    assert resisting(run("extract", "records.jsonl", rules=own).stdout) == ["NTRK1 G595R", "NTRK1 G667C"]


def test_a_name_of_ones_own_makes_a_mention(run, tmp_path: Path) -> None:
    folder = tmp_path / "own-rules"
    folder.mkdir()
    text = rule_files.read("fusions.toml").text
    (folder / "fusions.toml").write_text(text.replace("[names]\n", '[names]\n"RET/PTC99" = "ETV6::NTRK3"\n', 1), encoding="utf-8")
    (tmp_path / "ptc.jsonl").write_text(json.dumps({**RECORD, "abstract": "One tumour held RET/PTC99."}), encoding="utf-8")

    def fusions(output: str) -> list[str]:
        return [f"{item['five_prime']}::{item['three_prime']}" for item in json.loads(output)["fusions"]]

    assert fusions(run("extract", "ptc.jsonl").stdout) == []
    assert fusions(run("extract", "ptc.jsonl", rules=folder).stdout) == ["ETV6::NTRK3"]


def test_changed_rules_read_again_and_the_same_rules_do_not(run, own: Path, tmp_path: Path) -> None:
    def rows() -> list[str]:
        with Store.open(tmp_path / "e.db", readonly=True) as store:
            return sorted(paper.molecular_profile for paper in store.evidence() if str(paper.claim_type) == "resistance_on_target")

    assert run("refresh", "--db", "e.db", "--source", "records.jsonl").returncode == 0
    assert rows() == ["NTRK1 G667C"]
    assert "1 record read by other rules" in run("status", "--db", "e.db", rules=own).stdout
    assert run("refresh", "--db", "e.db", "--remine", rules=own).returncode == 0
    assert rows() == ["NTRK1 G595R", "NTRK1 G667C"]
    assert "nothing written" in run("refresh", "--db", "e.db", "--remine", rules=own).stdout


def test_a_broken_file_is_named_by_its_line_and_leaves_what_is_stored(run, own: Path, tmp_path: Path) -> None:
    assert run("refresh", "--db", "e.db", "--source", "records.jsonl").returncode == 0
    with Store.open(tmp_path / "e.db", readonly=True) as store:
        held = [(paper.key, paper.pmid) for paper in store.evidence()]
    path = own / "claim_cues.tsv"
    path.write_text(path.read_text(encoding="utf-8") + "zap\n", encoding="utf-8")
    line = len(path.read_text(encoding="utf-8").splitlines())
    done = run("refresh", "--db", "e.db", "--remine", rules=own)
    assert done.returncode == 78
    assert f"{path}:{line}: expected two columns, sense and text, separated by a tab: 'zap'" in done.stderr
    with Store.open(tmp_path / "e.db", readonly=True) as store:
        assert [(paper.key, paper.pmid) for paper in store.evidence()] == held


def test_workers_read_by_the_same_rules(run, own: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    for name in ("a", "b"):
        one = {**RECORD, "id": f"9100000{name == 'b':d}", "pmid": f"9100000{name == 'b':d}"}
        (tmp_path / f"{name}.jsonl").write_text(json.dumps(one) + "\n", encoding="utf-8")
    done = run("mine", "a.jsonl", "b.jsonl", "--workers", "2", "--parts", "parts", "--db", "w.db", rules=own)
    assert done.returncode == 0, done.stderr
    with Store.open(tmp_path / "w.db", readonly=True) as store:
        zapped = [paper.pmid for paper in store.evidence() if paper.molecular_profile == "NTRK1 G595R"]
    assert sorted(zapped) == ["91000000", "91000001"]


def test_workers_do_not_begin_by_rules_that_do_not_compile(run, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    folder = tmp_path / "own-rules"
    folder.mkdir()
    text = rule_files.read("effects.toml").text
    (folder / "effects.toml").write_text(text.replace("\nto = [", "\nto = [5, ", 1), encoding="utf-8")
    line = text.partition("\nto = [")[0].count("\n") + 2
    done = run("mine", "records.jsonl", "--workers", "2", "--parts", "parts", "--db", "w.db", rules=folder)
    assert done.returncode == 78
    assert f"{folder / 'effects.toml'}:{line}: link.to[1] must be a text" in done.stderr
    assert not (tmp_path / "w.db").exists() and list(tmp_path.glob("parts/*.parquet")) == []


def test_what_was_read_cannot_become_another(own: Path) -> None:
    rule_files.read("claim_cues.tsv")
    with pytest.raises(ConfigError, match=r"^rule_dirs: claim_cues\.tsv was read already in this process; name the folders before"):
        rule_files.use((own,))
    rule_files.use(())


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("cues.toml", r"cues\.toml: no rule file is named so; name it as the one whose place it takes: approval\.toml, "),
        (None, "no such folder of rules"),
    ],
)
def test_a_folder_that_holds_none_is_told(tmp_path: Path, name: str | None, told: str) -> None:
    folder = tmp_path / "own"
    if name:
        folder.mkdir()
        (folder / name).write_text("", encoding="utf-8")
    with pytest.raises(ConfigError, match=told):
        rule_files.use((folder,))


def test_the_first_of_two_folders_wins(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "claim_cues.tsv").write_text("sense\ttext\n", encoding="utf-8")
    (tmp_path / "two" / "safety.toml").write_text("", encoding="utf-8")
    found = rule_files._found((tmp_path / "one", tmp_path / "two"))
    assert found == {"claim_cues.tsv": tmp_path / "one" / "claim_cues.tsv", "safety.toml": tmp_path / "two" / "safety.toml"}


@pytest.mark.parametrize(
    ("name", "old", "new", "told"),
    [
        ("therapy_roles.toml", "[prior]", "[before]", ": prior is missing; the package's therapy_roles.toml tells what it holds"),
        ("safety.toml", "[anywhere]", "[somewhere]", ": anywhere is missing; the package's safety.toml tells what it holds"),
        ("study.toml", "least = ", "least = '' # ", ": least must be a number"),
        ("context.toml", 'kind = "negated"', 'kind = "denied"', ": kind 'denied' or reach "),
        ("fusions.toml", '"CCDC6::RET"', '"CCDC6-RET"', ": CCDC6-RET is missing or wrong"),
        ("claim_cues.tsv", "\nresist\t", "\nresist ", ": expected two columns"),
    ],
)
def test_the_lint_names_the_line(tmp_path: Path, name: str, old: str, new: str, told: str) -> None:
    source = rule_files.read(name).text
    assert old in source
    (tmp_path / name).write_text(source.replace(old, new, 1), encoding="utf-8")
    done = CliRunner().invoke(app, ["lexicon", "lint", str(tmp_path)])
    assert done.exit_code == 78
    first, last = done.stdout.splitlines()[0], done.stdout.splitlines()[-1]
    assert first.startswith(f"{tmp_path / name}:") and told in first and re.fullmatch(r"[1-9]\d* problems", last)


def test_a_faithful_copy_lints(tmp_path: Path) -> None:
    for name in rule_files.names():
        (tmp_path / name).write_text(rule_files.read(name).text, encoding="utf-8")
    assert CliRunner().invoke(app, ["lexicon", "lint", str(tmp_path)]).stdout == "no problems\n"
