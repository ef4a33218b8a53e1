"""Show over whole files that the pre-screen passes every record that the full reading would keep for a topic.

    python scripts/check_prescreen.py FILE... [--topic NAME]... [--part I/N]

Every record is read in full and asked whether it matters to each topic, whatever the pre-screen says of it; one that matters and
that the pre-screen would have passed over is printed, and the exit code is then 1. --part 2/8 takes the second of eight parts of
each file (every eighth record), so that a long check can run in pieces, one after another or beside each other.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from miner import mine
from miner.config import Topic, load_topic
from miner.mine_signs import Signs
from miner.refresh.surfaces import Surfaces
from miner.schema import Record
from miner.sources import read_records
from miner.sources.prescreen import Prescreen


@dataclass
class Check:
    """A topic, its pre-screen, and what was seen of one file."""

    topic: Topic
    screen: Prescreen
    passing: set[tuple[str, int]] = field(default_factory=set)
    relevant: int = 0
    passed: int = 0
    dropped: list[Record] = field(default_factory=list)


def records_of(path: Path, screen: Prescreen | None, part: tuple[int, int]) -> Iterator[Record]:
    """The records of a file that the screen passes; without a screen, those of one part of it."""
    records = (item for item in read_records(path, screen=screen) if isinstance(item, Record))
    return filter(screen.matches, records) if screen else islice(records, part[0] - 1, None, part[1])


def check(miner: mine.Miner, path: Path, topics: Sequence[Topic], part: tuple[int, int]) -> tuple[int, list[Check]]:
    """Read the records of one part of a file in full, and find those that matter to a topic and do not pass its screen."""
    checks = [Check(topic, screen_of(miner, topic)) for topic in topics]
    for one in checks:
        one.passing = {(record.id, record.version) for record in records_of(path, one.screen, part)}
    read = 0
    for record in records_of(path, None, part):
        reading = miner.read(record)
        read += 1
        for one in checks:
            passes, matters = (record.id, record.version) in one.passing, one.topic.is_relevant(reading, miner.lexicon)
            one.relevant, one.passed = one.relevant + matters, one.passed + passes
            one.dropped += [record] * (matters and not passes)
    return read, checks


def screen_of(miner: mine.Miner, topic: Topic) -> Prescreen:
    """The pre-screen of a topic."""
    return Prescreen(topic.trigger_terms(Surfaces()), may_matter=Signs(topic, miner.lexicon).may_matter)


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
    parser.add_argument("--topic", action="append", help="a topic that decides what matters; may be given several times")
    parser.add_argument("--part", type=part_of, default=(1, 1), help="2/8: the second of eight parts of each file")
    options = parser.parse_args()
    topics = [load_topic(name) for name in options.topic or ["ntrk-nsclc"]]
    miner = mine.load(topics[0])
    lost = 0
    for path in options.files:
        read, checks = check(miner, path, topics, options.part)
        for one in checks:
            lost += len(one.dropped)
            print(
                f"{path.name} part {options.part[0]}/{options.part[1]}, {one.topic.name}: {read} records read in full, {one.relevant} "
                f"matter; the pre-screen passes {one.passed} and loses {len(one.dropped)}",
                flush=True,
            )
            for record in one.dropped:
                print(f"  lost: {record.pmid} {record.title}")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
