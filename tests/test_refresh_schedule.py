"""The ready files for schedulers, as far as a machine without a scheduler can try them."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "scripts" / "schedule"
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
            f"export --format tsv -o {public}/evidence.tsv",
            f"export --format jsonl -o {public}/evidence.jsonl",
            f"report -o {public}/evidence.html",
            f"diff --since 0 --format atom -o {public}/changes.atom",
            f"diff --since 0 --format markdown -o {public}/changes.md",
            "status --json",
        ],
    )
    assert f"diff --since 12 --format atom -o {public}/changes.atom" in night(tmp_path)[1]


@pytest.mark.parametrize("code", [1, 11, 65, 73, 75, 78])
def test_a_failed_night_publishes_nothing_and_tells_its_code(tmp_path: Path, code: int) -> None:
    assert night(tmp_path, REFRESH=code) == (code, ["refresh"])


def test_a_partial_night_publishes_and_says_so(tmp_path: Path) -> None:
    code, calls = night(tmp_path, REFRESH=3)
    assert (code, len(calls)) == (3, 7)


def test_what_the_gate_holds_back_is_not_published(tmp_path: Path) -> None:
    code, calls = night(tmp_path, EXPORT=65)
    assert (code, [call.split()[0] for call in calls]) == (65, ["refresh", "export"])
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
