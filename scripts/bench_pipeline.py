"""Time every stage from a compressed PubMed file to evidence rows, beside gzip and the peers that are installed, in one run.

    python scripts/bench_pipeline.py pubmed21n1298.xml.gz [--abstracts FILE.jsonl.gz] [--rounds N] [--copies 1,4,16]
                                     [--peer-python PYTHON] [--topic NAME]

Four tables: stages over the file (wall and CPU time, records a second, times gzip's time of the same round, memory); reading and
mining over abstracts (a second on one core); scaling of ``miner mine`` over copies of the file with one worker and with two; and
from these what all of PubMed takes. Every candidate runs in a process of its own, loading is not timed, and they take turns
within a round. --peer-python names the interpreter of an environment with pubmed_parser, biopython and medspacy; what it
lacks is left out and named.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench_parse import PARSER, READ, SCREEN
from bench_timing import GZIP, Candidate, Run, ceiling, median, rounds, table, times

FILES, BYTES = 1300, 50e9  # the yearly baseline of PubMed with its updates: files, and bytes compressed
STORAGE = 1e9  # bytes a second that shared storage gives to all workers together
CORES = (2, 16, 256)
_LOOP = "for _ in range(20_000_000): pass"
_MINER = "from miner import mine\nfrom miner.schema import Record\nminer = mine.load(sys.argv[2])\n"
_WARM = 'miner(Record("w", None, "Larotrectinib in NTRK fusion-positive tumours"))\n'
_FOLDER = "import io, tempfile\nfolder = Path(tempfile.mkdtemp())\n"
_TASK = (
    "import miner.cluster.warm\nfrom miner.cluster.shard import Task, loaded, mine_shard\nfrom miner.config import Models\n"
    "loaded(sys.argv[2], (), (), Models())[0](Record('w', None, 'Larotrectinib in NTRK fusion-positive tumours'))\n"
    "task = Task(Path(sys.argv[1]), '0' * 64, folder / 'p.parquet', sys.argv[2], (), (), '1', models=Models())\n"
)
_REFRESH = (
    "from miner.config import Settings\nfrom miner.evidence.export import export\nfrom miner.evidence.store import Store\n"
    "from miner.refresh import refresh\nsettings = Settings(db=folder / 'own.db', topic=sys.argv[2])\n"
)
WHOLE = (
    SCREEN[0] + "\n" + _MINER + _WARM + _FOLDER + _REFRESH,
    "run = refresh(settings, topic, sources=[Path(sys.argv[1])], miner=miner, screen=screen)\n"
    "with Store.open(settings.db, readonly=True) as store: export(store, 'tsv', io.StringIO())\n"
    "count = run.read + run.skipped",
)
PART = (
    SCREEN[0] + "\n" + _FOLDER + _TASK,
    "told = mine_shard(task)\ncount = sum(told.counts.get(kind, 0) for kind in ('record', 'passed over'))",
)
MERGE = (
    PART[0] + _REFRESH + "from miner.cluster.merging import PartMiner, PartReader\nmine_shard(task)\n"
    "parts = PartMiner(topic, ())\nparts.lexicon\nreader = PartReader({task.shard: task.part}, parts)",
    "run = refresh(settings, topic, sources=[task.shard], miner=parts, reader=reader, screen=screen)\ncount = run.read + run.skipped",
)
OWN = {
    "lossless reader": READ,
    "pre-screen": SCREEN,
    "whole mining, table included": WHOLE,
    "a part of miner mine": PART,
    "its merge": MERGE,
}
PEERS = {
    "pubmed_parser": PARSER,
    "Bio.Entrez.read": ("import gzip\nfrom Bio import Entrez", "count = len(Entrez.read(gzip.open(sys.argv[1]))['PubmedArticle'])"),
}
_TEXTS = "import gzip\ntexts = [l for l in map(json.loads, gzip.open(sys.argv[1], 'rt'))]\n"
_JOINED = "texts = [' '.join([t['title'] or '', *(s['text'] for s in t['sections'])]) for t in texts]\n"
_RECORDS = "from pathlib import Path\nfrom miner.sources import read_records\n" + _MINER + "records = list(read_records(Path(sys.argv[1])))"
_PIPED = "count = sum(1 for _ in nlp.pipe(texts))"
READING = {
    "miner: reading": (_RECORDS, "for record in records: miner.read(record)\ncount = len(records)"),
    "miner: whole of mine": (_RECORDS, "for record in records: miner(record)\ncount = len(records)"),
    "blank spaCy": (_TEXTS + _JOINED + "import spacy\nnlp = spacy.blank('en')", _PIPED),
}
_QUIET = "try:\n    from loguru import logger\n    logger.remove()\nexcept ImportError: pass"
READING_PEERS = {"medspaCy": (_TEXTS + _JOINED + "import medspacy\nnlp = medspacy.load()\n" + _QUIET, _PIPED)}


def reading(found: Mapping[str, list[Run]]) -> list[str]:
    """Lines of the second table."""
    lines = [f"{'':28}{'abstracts/s':>12}{'a CPU second':>14}{'MB':>7}"]
    for name, runs in found.items():
        rates = [statistics.median(run.records / getattr(run, of) for run in runs) for of in ("seconds", "cpu")]
        lines.append(f"{name:28}{rates[0]:12,.0f}{rates[1]:14,.0f}{max(run.memory for run in runs):7.0f}")
    return lines


def scaling(path: Path, copies: Sequence[int], topic: str) -> tuple[list[str], float]:
    """Lines of the third table, ``miner mine`` over copies of the file by one worker and by two, and the gain with most copies.

    Beside each gain stands what two processes that share nothing gain at the same time: a loop in Python, and gzip.
    """
    head = f"{'files':>6}{'1 worker, s':>13}{'2 workers, s':>14}{'gain':>7}{'2 loops':>9}{'2 gzip':>8}{'s a file':>10}"
    lines, gain = [head], 1.0
    for number in copies:
        loops, gzips = ceiling([sys.executable, "-c", _LOOP]), ceiling([*GZIP.split(), str(path)])
        seconds = {}
        with tempfile.TemporaryDirectory() as folder:
            shards = [_copied(path, Path(folder) / "shards" / f"copy{n:04}.xml.gz", n) for n in range(number)]
            for workers in (1, 2):
                command = [sys.executable, "-m", "miner", "--quiet", "mine", *map(str, shards), "--workers", str(workers), "--topic", topic]
                began = time.perf_counter()
                subprocess.run([*command, "--parts", str(Path(folder) / f"parts{workers}")], check=True, stderr=subprocess.DEVNULL)
                seconds[workers] = time.perf_counter() - began
        gain = seconds[1] / seconds[2]
        lines.append(f"{number:6}{seconds[1]:13.1f}{seconds[2]:14.1f}{gain:7.2f}{loops:9.2f}{gzips:8.2f}{seconds[1] / number:10.2f}")
    return lines, gain


def _copied(path: Path, to: Path, number: int) -> Path:
    """A copy of other content: a second gzip member with a comment, so that each has a part of its own."""
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, to)
    with to.open("ab") as file:
        file.write(subprocess.run(["gzip", "-c"], input=f"<!-- copy {number} -->".encode(), capture_output=True, check=True).stdout)
    return to


def cost(found: Mapping[str, list[Run]], size: int, gain: float | None) -> list[str]:
    """Lines of the model: what all of PubMed takes, by the CPU time of a part and of its merge, and what was assumed."""
    files = BYTES / size  # files of this one's size
    part, merge = median(found["a part of miner mine"], "cpu"), median(found["its merge"], "cpu")
    share = min(1.0, gain / 2) if gain else 1.0
    lines = [f"All of PubMed: {FILES:,} files of {BYTES / 1e9:.0f} GB, counted as {files:,.0f} files of this size"]
    lines.append(f"{'cores':>6}{'mining':>12}{'merging':>12}{'all':>12}   held up by")
    for cores in CORES:
        computed, stored = files * part / (cores * share), BYTES / STORAGE
        mining = max(computed, stored)
        whole = mining + files * merge
        limit = "storage" if stored > computed else "the one process that merges" if files * merge > mining else "cores"
        lines.append(f"{cores:6}{_told(mining):>12}{_told(files * merge):>12}{_told(whole):>12}   {limit}")
    lines += [
        f"Measured: {part:.2f} CPU seconds a part, {merge:.2f} its merge" + (f", two workers {gain:.2f} times one" if gain else ""),
        f"Assumed: work grows with bytes; a core does {share:.0%} of what one does alone; merging is one process; storage gives",
        f"{STORAGE / 1e9:.0f} GB a second to all workers together; topics like this one (another share of records changes all)",
    ]
    return lines


def _told(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


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
    chosen: dict[str, Candidate] = {name: (own, code) for name, code in OWN.items()}
    chosen |= {name: (peer, code) for name, code in PEERS.items()} if peer else {}
    found = rounds(chosen, [str(file), options.topic], options.rounds, file)
    print(f"{file.name}: {found['lossless reader'][0].records:,} records and deletions; median of {options.rounds} rounds")
    print("\n".join(table(found)))
    ratio = times(found["whole mining, table included"], found["lossless reader"])
    print(f"whole mining takes {ratio:.2f} times the lossless reader")
    if options.abstracts:
        chosen = {name: (own, code) for name, code in READING.items()}
        chosen |= {name: (peer, code) for name, code in READING_PEERS.items()} if peer else {}
        print("\n" + "\n".join(reading(rounds(chosen, [str(options.abstracts), options.topic], options.rounds, None))))
    gain = None
    if copies := [int(number) for number in options.copies.split(",") if int(number)]:
        lines, gain = scaling(file, copies, options.topic)
        print("\n" + "\n".join(lines))
    print("\n" + "\n".join(cost(found, file.stat().st_size, gain)))


if __name__ == "__main__":
    main()
