"""The ready files for schedulers, as far as a machine without a scheduler can try them."""

from __future__ import annotations

import datetime
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from tests.http.records import Fake
from tests.http.server import FakeNcbi

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "scripts" / "schedule"
PUBLISHED = ("changes.atom", "changes.md", "evidence.html", "evidence.jsonl", "evidence.tsv")
UNITS = sorted(FOLDER.glob("*.service")) + sorted(FOLDER.glob("*.timer"))
LIMITS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
STUB = """#!/usr/bin/env bash
echo "$*" >>"$STUB_LOG"
for word in "$@"; do case $word in
    refresh) exit "${REFRESH:-0}" ;;
    export) exit "${EXPORT:-0}" ;;
    status) echo '{"last_run": 12, "stale": false}' ;;
esac; done
"""


def night(folder: Path, *arguments: str, **codes: int) -> tuple[int, list[str]]:
    """Run the nightly script with a stand-in for miner; return its exit code and the verbs that it called."""
    stub = folder / "stub"
    stub.write_text(STUB)
    stub.chmod(stub.stat().st_mode | stat.S_IXUSR)
    log = folder / "log"
    log.unlink(missing_ok=True)
    environment = {**os.environ, "NTRK_MINER": str(stub), "STUB_LOG": str(log), "PUBLISH": str(folder / "public")}
    done = subprocess.run([FOLDER / "nightly", *arguments], env={**environment, **{k: str(v) for k, v in codes.items()}}, check=False)
    return done.returncode, [line.removeprefix("--quiet --log-format json ") for line in log.read_text().splitlines()]


def test_a_good_night_publishes_everything_and_the_next_tells_what_came_since(tmp_path: Path) -> None:
    code, calls = night(tmp_path, "--source", "/data/pubmed")
    public = tmp_path / "public"
    assert (code, calls) == (
        0,
        [
            "refresh --source /data/pubmed",
            "status --json",
            f"export --format tsv -o {public}/evidence.tsv",
            f"export --format jsonl -o {public}/evidence.jsonl",
            f"report -o {public}/evidence.html",
            f"diff --since 0 --format atom -o {public}/changes.atom",
            f"diff --since 0 --format markdown -o {public}/changes.md",
        ],
    )
    assert f"diff --since 12 --format atom -o {public}/changes.atom" in night(tmp_path)[1]


@pytest.mark.parametrize("before", ["900", "none"])
def test_a_database_that_was_made_anew_is_told_from_its_beginning(tmp_path: Path, before: str) -> None:
    (tmp_path / "public").mkdir()
    (tmp_path / "public" / ".last-published-run").write_text(before)
    assert [call.split()[:3] for call in night(tmp_path)[1] if call.startswith("diff")] == [["diff", "--since", "0"]] * 2


RESPONSE = "Larotrectinib gave an objective response rate of 75% in 20 patients with NTRK fusion-positive tumors."
TODAY = datetime.datetime.now(datetime.UTC).date()


def paper(pmid: int, *types: str, **more: Any) -> Fake:
    return Fake(pmid, f"Trial {pmid} of larotrectinib in NTRK fusion-positive tumors.", [("RESULTS", RESPONSE)], types=types, **more)


def test_three_real_nights_against_the_fault_server(tmp_path: Path) -> None:
    """A first night, one that brings a paper and a retraction over a faulty line, one on which PubMed does not answer."""
    script = tmp_path / "miner"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m miner "$@"\n')
    script.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MINER_", "NCBI_"))}
    public = tmp_path / "public"
    with FakeNcbi([paper(1), paper(2)]) as server:
        given = {"NTRK_MINER": str(script), "PUBLISH": str(public), "NCBI_EMAIL": "you@lab.org", "MINER_BASE_URL": server.url}
        given |= {"MINER_DB": str(tmp_path / "evidence.db"), "MINER_CACHE_DIR": str(tmp_path / "cache")}

        def real_night(**more: str) -> tuple[int, list[str]]:
            done = subprocess.run(
                [FOLDER / "nightly"], env={**kept, **given, **more}, cwd=ROOT, capture_output=True, text=True, check=False
            )
            return done.returncode, [json.loads(line)["level"] for line in done.stderr.splitlines()] + done.stdout.splitlines()

        def published() -> dict[str, bytes]:
            return {path.name: path.read_bytes() for path in public.iterdir()}

        assert real_night() == (0, [])
        first = published()
        assert sorted(first) == [".last-published-run", *sorted(PUBLISHED)]
        assert first["evidence.tsv"].count(b"larotrectinib") >= 1 and b"1; 2" in first["evidence.tsv"]
        server.records[2] = paper(2, "Retracted Publication", comments=[("RetractionIn", "9")], changed=TODAY)
        server.records[3] = paper(3, created=TODAY, changed=TODAY)
        server.plan = ["500", None, "cut in a tag"]
        code, lines = real_night()
        assert (code, set(lines)) == (0, {"warning"})
        second = published()
        changes = second["changes.md"].decode()
        assert [word in changes for word in ("PMID 2]", "(retraction, run 2)", "PMID 3]", "PMID 1]")] == [True, True, True, False]
        assert b"retracted" in second["evidence.tsv"] and second[".last-published-run"] == b"2\n"
        server.stay = "503"
        code, lines = real_night(MINER_DEADLINE="0.5")
        assert (code, lines[-1], published()) == (75, "error", second)


@pytest.mark.parametrize("code", [1, 11, 65, 73, 75, 78])
def test_a_failed_night_publishes_nothing_and_tells_its_code(tmp_path: Path, code: int) -> None:
    assert night(tmp_path, REFRESH=code) == (code, ["refresh"])


def test_a_partial_night_publishes_and_says_so(tmp_path: Path) -> None:
    code, calls = night(tmp_path, REFRESH=3)
    assert (code, len(calls)) == (3, 7)


def test_what_the_gate_holds_back_is_not_published(tmp_path: Path) -> None:
    code, calls = night(tmp_path, EXPORT=65)
    assert (code, [call.split()[0] for call in calls]) == (65, ["refresh", "status", "export"])
    assert not (tmp_path / "public" / ".last-published-run").exists()


@pytest.mark.parametrize("path", [FOLDER / "nightly", FOLDER.parent / "soak"], ids=lambda path: path.name)
def test_scripts_parse_and_can_be_run(path: Path) -> None:
    assert os.access(path, os.X_OK)
    assert subprocess.run(["bash", "-n", path], capture_output=True, check=False).stderr == b""


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_systemd_takes_the_units(tmp_path: Path, unit: Path) -> None:
    for path in UNITS:
        # The programs do not lie there on this machine: their place is taken by one that does.
        text = re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", path.read_text(), flags=re.M)
        (tmp_path / path.name).write_text(text)
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", tmp_path / unit.name], capture_output=True, text=True, check=False)
    assert (done.returncode, [line for line in done.stderr.splitlines() if unit.name in line]) == (0, [])


@pytest.mark.parametrize("unit", [unit for unit in UNITS if unit.suffix == ".timer"], ids=lambda path: path.name)
def test_each_timer_has_its_service_and_a_time(unit: Path) -> None:
    assert unit.with_suffix(".service").exists()
    assert re.search(r"^OnCalendar=\*-\*-\* \d\d:\d\d:00", unit.read_text(), flags=re.M)


def fields_are_valid(line: str) -> bool:
    fields = line.split()[:5]
    pattern = re.compile(r"(\*|\d+(-\d+)?)(/\d+)?")
    for field, (low, high) in zip(fields, LIMITS, strict=True):
        for part in field.split(","):
            if not pattern.fullmatch(part) or any(not low <= int(n) <= high for n in re.findall(r"\d+", part.split("/")[0])):
                return False
    return True


def test_the_crontab_parses() -> None:
    lines = [line for line in (FOLDER / "ntrk-miner.cron").read_text().splitlines() if line and not line.startswith("#")]
    jobs = [line for line in lines if not re.match(r"[A-Z_]+=", line)]
    assert [line.split()[5] for line in jobs] == ["ntrk-miner", "ntrk-miner"]
    assert all(fields_are_valid(line) for line in jobs)
    assert not fields_are_valid("61 3 * * * x")
    for line in jobs:
        command = line.split(None, 6)[6]
        assert "%" not in command  # which cron reads as the end of a line
        assert subprocess.run(["bash", "-n", "-c", command], capture_output=True, check=False).stderr == b""


def test_the_ci_schedule_has_a_time_and_scripts_that_parse() -> None:
    text = (FOLDER / "github-actions.yml").read_text()
    (time,) = re.findall(r'cron: "([^"]*)"', text)
    assert fields_are_valid(time)
    blocks = re.findall(r"^( *)run: \|\n((?:\1  .*\n|\n)+)", text, flags=re.M)
    single = re.findall(r"run: ([^|\n].*)\n", text)
    assert (len(blocks), len(single)) == (2, 2)
    for script in (*single, *(block for _, block in blocks)):
        assert subprocess.run(["bash", "-n", "-c", script], capture_output=True, check=False).stderr == b""
    assert "\t" not in text


@pytest.mark.parametrize(("told", "ends", "warned"), [(0, 0, False), (3, 0, True), (75, 75, False), (65, 65, False)])
def test_the_step_of_the_ci_schedule_takes_a_partial_night_as_a_warning(tmp_path: Path, told: int, ends: int, warned: bool) -> None:
    text = (FOLDER / "github-actions.yml").read_text()
    (step,) = re.findall(r"name: Refresh and publish\n        run: \|\n((?:          .*\n)+)", text)
    stub = tmp_path / "scripts" / "schedule" / "nightly"
    stub.parent.mkdir(parents=True)
    stub.write_text(f"#!/bin/sh\nexit {told}\n")
    stub.chmod(0o755)
    done = subprocess.run(["bash", "-e", "-c", textwrap.dedent(step)], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, "::warning::" in done.stdout, (tmp_path / "state").is_dir()) == (ends, warned, True)


def test_the_units_that_share_a_folder_share_a_user() -> None:
    """Two dynamic users of one StateDirectory would take it from each other while they run."""
    services = [unit.read_text() for unit in UNITS if unit.suffix == ".service"]
    assert [re.findall(r"^(?:User|StateDirectory)=(.*)$", text, flags=re.M) for text in services] == [["ntrk-miner", "ntrk-miner"]] * 2
