"""Time every stage from a compressed PubMed file to evidence rows, beside gzip and the peers that are installed, in one run.

    python scripts/bench_pipeline.py pubmed21n1298.xml.gz [--abstracts FILE.jsonl.gz] [--rounds N] [--copies 1,4,16]
                                     [--peer-python PYTHON] [--topic NAME]

Three tables: stages over the file (wall time, records a second, times gzip's time of the same round, memory); reading and
mining over abstracts (a second on one core); scaling of ``miner mine`` over copies of the file with one worker and with two.
Every candidate runs in a process of its own, loading is not timed, and they take turns within a round. --peer-python names
the interpreter of an environment with pubmed_parser, biopython and medspacy; what it lacks is left out and named.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

GZIP = "gzip -dc"
_TIMED = """
import json, resource, sys, time
{setup}
began, cpu = time.perf_counter(), time.process_time()
{work}
seconds, used = time.perf_counter() - began, time.process_time() - cpu
held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1024)
print(json.dumps([seconds, used, count, held]))
"""
_LOADED = """
from pathlib import Path
from miner import mine
from miner.evidence.merge import merge
from miner.refresh.surfaces import Surfaces
from miner.schema import Record
from miner.sources import Tally, read_records
from miner.sources.prescreen import Prescreen
miner = mine.load(sys.argv[2])
screen, tally = Prescreen(miner.topic.trigger_terms(Surfaces())), Tally()
warm = miner(Record("w", None, "Larotrectinib in NTRK fusion-positive tumours"))
"""
_KEPT = "kept = [r for r in read_records(Path(sys.argv[1]), screen=screen, tally=tally) if isinstance(r, Record) and screen.matches(r)]"
_WHOLE = _KEPT + (
    "\nrows = 0\nfor record in kept:\n    reading = miner.read(record)\n"
    "    if miner.topic.is_relevant(reading, miner.lexicon):\n        rows += len(merge(miner.assertions(reading), miner.lexicon))\n"
    "count = tally.total"
)
OWN = {
    "lossless reader": (
        "from pathlib import Path\nfrom miner.sources import read_records",
        "count = sum(1 for _ in read_records(Path(sys.argv[1])))",
    ),
    "pre-screen": (_LOADED, _KEPT + "\ncount = tally.total"),
    "whole mining, pre-screened": (_LOADED, _WHOLE),
}
PEERS = {
    "pubmed_parser": ("import pubmed_parser", "count = sum(1 for _ in pubmed_parser.parse_medline_xml(sys.argv[1], year_info_only=False))"),
    "Bio.Entrez.read": ("import gzip\nfrom Bio import Entrez", "count = len(Entrez.read(gzip.open(sys.argv[1]))['PubmedArticle'])"),
}
_TEXTS = "import gzip\ntexts = [l for l in map(json.loads, gzip.open(sys.argv[1], 'rt'))]\n"
_JOINED = "texts = [' '.join([t['title'] or '', *(s['text'] for s in t['sections'])]) for t in texts]\n"
READING = {
    "miner: reading": (
        _LOADED + "records = list(read_records(Path(sys.argv[1])))",
        "for record in records: miner.read(record)\ncount = len(records)",
    ),
    "miner: whole of mine": (
        _LOADED + "records = list(read_records(Path(sys.argv[1])))",
        "for record in records: miner(record)\ncount = len(records)",
    ),
    "blank spaCy": (_TEXTS + _JOINED + "import spacy\nnlp = spacy.blank('en')", "count = sum(1 for _ in nlp.pipe(texts))"),
}
READING_PEERS = {
    "medspaCy": (_TEXTS + _JOINED + "import medspacy\nnlp = medspacy.load()", "count = sum(1 for _ in nlp.pipe(texts))"),
}


class Run(NamedTuple):
    """One timed run: wall and CPU seconds, records, most memory in MB."""

    seconds: float
    cpu: float
    records: int
    memory: float


def timed(python: str, code: tuple[str, str], arguments: Sequence[str]) -> Run | None:
    """Run one candidate; None where the interpreter lacks it."""
    script = _TIMED.format(setup=code[0], work=code[1])
    done = subprocess.run([python, "-W", "ignore", "-c", script, *arguments], capture_output=True, text=True)
    if done.returncode and "ModuleNotFoundError" in done.stderr:
        return None
    if done.returncode:
        raise SystemExit(done.stderr)
    return Run(*json.loads(done.stdout.splitlines()[-1]))


def gunzip(path: Path) -> Run:
    """Time ``gzip -dc``, the measure of the others."""
    began = time.perf_counter()
    subprocess.run(["gzip", "-dc", str(path)], stdout=subprocess.DEVNULL, check=True)
    seconds = time.perf_counter() - began
    return Run(seconds, seconds, 0, 0)


def rounds(
    chosen: dict[str, tuple[str, tuple[str, str]]], arguments: Sequence[str], number: int, base: Path | None
) -> dict[str, list[Run]]:
    """Let the candidates take turns; those that are not installed are named and left out."""
    found: dict[str, list[Run]] = {GZIP: []} if base else {}
    for _ in range(number):
        if base:
            found[GZIP].append(gunzip(base))
        for name, (python, code) in chosen.items():
            run = timed(python, code, arguments)
            if run is None:
                print(f"{name}: not installed, left out")
            else:
                found.setdefault(name, []).append(run)
        chosen = {name: candidate for name, candidate in chosen.items() if name in found}
    return found


def stages(found: dict[str, list[Run]]) -> list[str]:
    """Lines of the first table."""
    lines = [f"{'':28}{'seconds':>9}{'records/s':>11}{'x ' + GZIP:>12}{'MB':>7}"]
    for name, runs in found.items():
        seconds = statistics.median(run.seconds for run in runs)
        beside = statistics.median(run.seconds / base.seconds for run, base in zip(runs, found[GZIP], strict=True))
        rate = f"{runs[0].records / seconds:11,.0f}" if runs[0].records else f"{'':11}"
        lines.append(f"{name:28}{seconds:9.2f}{rate}{beside:12.2f}{max(run.memory for run in runs):7.0f}")
    return lines


def reading(found: dict[str, list[Run]]) -> list[str]:
    """Lines of the second table."""
    lines = [f"{'':28}{'abstracts/s':>12}{'a CPU second':>14}{'MB':>7}"]
    for name, runs in found.items():
        rates = [statistics.median(run.records / part for run, part in zip(runs, parts, strict=True)) for parts in
                 ([run.seconds for run in runs], [run.cpu for run in runs])]  # fmt: skip
        lines.append(f"{name:28}{rates[0]:12,.0f}{rates[1]:14,.0f}{max(run.memory for run in runs):7.0f}")
    return lines


def scaling(path: Path, copies: Sequence[int], topic: str) -> list[str]:
    """Lines of the third table: ``miner mine`` over copies of the file, each its own shard, by one worker and by two."""
    lines = [f"{'files':>6}{'1 worker, s':>13}{'2 workers, s':>14}{'gain':>7}{'s a file':>10}"]
    for number in copies:
        seconds = {}
        with tempfile.TemporaryDirectory() as folder:
            shards = [_copied(path, Path(folder) / "shards" / f"copy{n:04}.xml.gz", n) for n in range(number)]
            for workers in (1, 2):
                command = [sys.executable, "-m", "miner", "--quiet", "mine", *map(str, shards), "--workers", str(workers), "--topic", topic]
                began = time.perf_counter()
                subprocess.run([*command, "--parts", str(Path(folder) / f"parts{workers}")], check=True, stderr=subprocess.DEVNULL)
                seconds[workers] = time.perf_counter() - began
        lines.append(f"{number:6}{seconds[1]:13.1f}{seconds[2]:14.1f}{seconds[1] / seconds[2]:7.2f}{seconds[1] / number:10.2f}")
    return lines


def _copied(path: Path, to: Path, number: int) -> Path:
    """A copy of other content: a second gzip member with a comment, so that each has a part of its own."""
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, to)
    with to.open("ab") as file:
        file.write(subprocess.run(["gzip", "-c"], input=f"<!-- copy {number} -->".encode(), capture_output=True, check=True).stdout)
    return to


def main() -> None:
    """Time all and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("file", type=Path, help="a PubMed file, .xml.gz")
    parser.add_argument("--abstracts", type=Path, help="abstracts as JSONL, .gz, for the reading table")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--copies", default="1,4", help="how many copies of the file for the scaling table; 0 leaves it out")
    parser.add_argument("--topic", default="ntrk-nsclc")
    parser.add_argument("--peer-python", help="interpreter of an environment with the peers")
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    own, peer, file = sys.executable, options.peer_python, options.file
    chosen = {name: (own, code) for name, code in OWN.items()} | ({name: (peer, code) for name, code in PEERS.items()} if peer else {})
    found = rounds(chosen, [str(file), options.topic], options.rounds, file)
    print(f"{file.name}: {found['lossless reader'][0].records:,} records and deletions; median of {options.rounds} rounds")
    print("\n".join(stages(found)))
    if options.abstracts:
        chosen = {name: (own, code) for name, code in READING.items()}
        chosen |= {name: (peer, code) for name, code in READING_PEERS.items()} if peer else {}
        print("\n" + "\n".join(reading(rounds(chosen, [str(options.abstracts), options.topic], options.rounds, None))))
    if copies := [int(number) for number in options.copies.split(",") if int(number)]:
        print("\n" + "\n".join(scaling(file, copies, options.topic)))


if __name__ == "__main__":
    main()
