"""Show over whole files that the pre-screen passes every record that the full reading would keep for a topic.

    python scripts/check_prescreen.py FILE... [--topic NAME] [--part I/N]

Every record is read in full and asked whether it matters to the topic, whatever the pre-screen says of it; one that matters and
that the pre-screen would have passed over is printed, and the exit code is then 1. --part 2/8 takes the second of eight parts of
each file (every eighth record), so that a long check can run in pieces, one after another or beside each other.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from miner import mine
from miner.refresh.surfaces import Surfaces
from miner.schema import Record
from miner.sources import read_records
from miner.sources.prescreen import Prescreen


class Counts(NamedTuple):
    """What the check saw of one file."""

    read: int
    relevant: int
    passed: int
    dropped: tuple[Record, ...]


def records_of(path: Path, screen: Prescreen | None, part: tuple[int, int]) -> Iterator[Record]:
    """The records of a file that the screen passes; without a screen, those of one part of it."""
    records = (item for item in read_records(path, screen=screen) if isinstance(item, Record))
    return records if screen else islice(records, part[0] - 1, None, part[1])


def check(miner: mine.Miner, path: Path, screen: Prescreen, part: tuple[int, int]) -> Counts:
    """Read the records of one part of a file in full, and find those that matter and do not pass the screen."""
    passing = {(record.pmid, record.version) for record in records_of(path, screen, part)}
    read = relevant = passed = 0
    dropped = []
    for record in records_of(path, None, part):
        passes = (record.pmid, record.version) in passing
        matters = miner.topic.is_relevant(miner.read(record), miner.lexicon)
        read, relevant, passed = read + 1, relevant + matters, passed + passes
        if matters and not passes:
            dropped.append(record)
    return Counts(read, relevant, passed, tuple(dropped))


def part_of(text: str) -> tuple[int, int]:
    """(which, of how many) of an argument such as ``2/8``."""
    which, _, count = text.partition("/")
    if not (which.isdigit() and count.isdigit() and 1 <= int(which) <= int(count)):
        raise argparse.ArgumentTypeError(f"{text!r} is no part; write 2/8 for the second of eight")
    return int(which), int(count)


def main() -> int:
    """Check each file, print its counts and what would be lost; 1 where anything would be."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("files", nargs="+", type=Path, help="PubMed XML, nbib or JSONL, plain or gzipped")
    parser.add_argument("--topic", default="ntrk-nsclc", help="the topic that decides what matters")
    parser.add_argument("--part", type=part_of, default=(1, 1), help="2/8: the second of eight parts of each file")
    options = parser.parse_args()
    miner = mine.load(options.topic)
    screen = Prescreen(miner.topic.trigger_terms(Surfaces()))
    lost = 0
    for path in options.files:
        counts = check(miner, path, screen, options.part)
        lost += len(counts.dropped)
        print(
            f"{path.name} part {options.part[0]}/{options.part[1]}: {counts.read} records read in full, {counts.relevant} matter; "
            f"the pre-screen passes {counts.passed} and loses {len(counts.dropped)}"
        )
        for record in counts.dropped:
            print(f"  lost: {record.pmid} {record.title}")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
