"""Time the reading of abstracts, stage by stage, beside blank spaCy tokenizing the same texts in the same run.

    python scripts/bench_read.py [FILE] [--limit N] [--rounds N]

FILE is PubMed XML, nbib or JSONL, plain or gzipped (default: the synthetic corpus). Times are CPU time of this process, median
of the rounds; within a round come the stages, record by record, then the peer, the reading alone and the whole, in passes of
their own. A shared core inflates all of them: compare the ratios, and the fixed reference loop printed with them.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
from collections import defaultdict
from pathlib import Path
from time import process_time
from typing import Any

import spacy

from miner import claims, mine
from miner.nlp import doc as docs
from miner.schema import Reading, Record
from miner.sources import Deleted, read_records

CORPUS = Path(__file__).parents[1] / "corpora" / "synthetic_ntrk" / "gold.jsonl"
PEER, REFERENCE, LOAD = "blank spaCy", "reference loop", "load()"
READING, MINING = "reading", "reading + claims"


class Clock:
    """CPU seconds by stage; each ``mark`` ends a stage that began at the one before."""

    def __init__(self) -> None:
        self.spent: defaultdict[str, float] = defaultdict(float)
        self._last = process_time()

    def start(self) -> None:
        """Begin a stage."""
        self._last = process_time()

    def mark(self, stage: str) -> None:
        """End a stage."""
        now = process_time()
        self.spent[stage] += now - self._last
        self._last = now


def one_round(miner: mine.Miner, peer: Any, records: list[Record], clock: Clock) -> dict[str, float]:
    """Read all records once, stage by stage; CPU seconds by stage."""
    clock.spent.clear()
    for record in records:
        read_one(miner, record, clock)
    clock.start()
    for record in records:
        peer.make_doc(record.text)
    clock.mark(PEER)
    for record in records:
        miner.read(record)
    clock.mark(READING)
    for record in records:
        miner(record)
    clock.mark(MINING)
    sum(i * i % 7 for i in range(1_000_000))
    clock.mark(REFERENCE)
    return dict(clock.spent)


def read_one(miner: mine.Miner, record: Record, clock: Clock) -> None:
    """Take one record through every stage, as ``mine`` does."""
    clock.start()
    doc = docs.set_record(miner.nlp.make_doc(record.text), record)
    clock.mark("tokens")
    for name, component in miner.nlp.pipeline:
        doc = component(doc)
        clock.mark(name.removeprefix("miner_"))
    reading = Reading(record, docs.sentences(doc), docs.mentions(doc))
    clock.mark("tokens")
    study_type, _ = claims.study.classify(reading)
    clock.mark("study type")
    claims.extract(reading, miner.lexicon, study_type)
    clock.mark("claims")


def medians(rounds: list[dict[str, float]]) -> dict[str, float]:
    """Median of each stage over the rounds."""
    return {stage: statistics.median(spent[stage] for spent in rounds) for stage in rounds[0]}


def table(spent: dict[str, float], count: int) -> list[str]:
    """Lines of the table: milliseconds an abstract, abstracts a CPU second, times the peer's time."""
    lines = [f"{'stage':22}{'ms each':>9}{'per CPU s':>11}{'x ' + PEER:>15}"]
    for stage, seconds in spent.items():
        if stage != REFERENCE:
            rate = count / seconds if seconds else float("inf")
            lines.append(f"{stage:22}{1000 * seconds / count:9.3f}{rate:11.0f}{seconds / spent[PEER]:15.2f}")
    lines.append(f"{REFERENCE} of a million steps: {1000 * spent[REFERENCE]:.0f} ms")
    return lines


def peak_memory() -> float:
    """Most memory that the process held, in MB."""
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return held / (1 << 20) if sys.platform == "darwin" else held / 1024


def main() -> None:
    """Read the file, time it, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("file", nargs="?", type=Path, default=CORPUS, help="abstracts (default: the synthetic corpus)")
    parser.add_argument("--limit", type=int, help="read no more than so many")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    records = [r for r in read_records(options.file) if not isinstance(r, Deleted) and r.text][: options.limit]
    if not records or options.rounds < 1:
        parser.error("needs at least one abstract and one round")
    began = process_time()
    miner = mine.load()
    loading = process_time() - began
    peer, clock = spacy.blank("en"), Clock()
    for record in records[:50]:
        read_one(miner, record, clock)
    rounds = [one_round(miner, peer, records, clock) for _ in range(options.rounds)]
    print(f"{len(records)} abstracts of {options.file.name}, {sum(len(r.text) for r in records) // len(records)} characters each")
    print(f"median of {options.rounds} rounds, CPU time; {LOAD} took {loading:.2f} s")
    print("\n".join(table(medians(rounds), len(records))))
    print(f"peak memory: {peak_memory():.0f} MB")


if __name__ == "__main__":
    main()
