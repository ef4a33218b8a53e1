"""Show that a compiled wheel finds what the checkout finds: mentions, claims and sentences of every record, byte for byte.

    python scripts/check_compiled.py dist/ntrk_miner-0.1.0-cp311-cp311-linux_x86_64.whl FILE... [--limit N]

Both read all records of the files, whether or not they matter to a topic, each in a process of its own; a record that one cannot
read, the other must refuse with the same error. Prints CPU time and abstracts a second of both, and each record that differs.
"""

from __future__ import annotations

import argparse
import itertools
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

_MINE = """
import hashlib, itertools, json, sys, time
from pathlib import Path
from miner import cues, mine
from miner.sources import read_records
print(cues.__file__)
miner = mine.load()
records = itertools.chain.from_iterable(read_records(Path(name)) for name in sys.argv[2:])
took = 0.0
for record in itertools.islice(records, int(sys.argv[1]) or None):
    start = time.process_time()
    try:
        mined = miner(record)
        found = repr((mined.reading.sentences, mined.reading.mentions, mined.claims)) + json.dumps(mine.extraction_row(mined))
    except Exception as error:
        found = type(error).__name__
    took += time.process_time() - start
    print(record.id, hashlib.sha256(found.encode()).hexdigest())
print(took)
"""


def mined(place: Path, files: list[Path], limit: int) -> tuple[str, list[str], float]:
    """Where the miner stands that was run, a digest for each record, and CPU seconds."""
    command = [sys.executable, "-c", _MINE, str(limit), *(str(file.resolve()) for file in files)]
    environment = {**os.environ, "PYTHONPATH": str(place)}
    lines = subprocess.run(command, cwd=place, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    return lines[0], lines[1:-1], float(lines[-1])


def main() -> None:
    """Run both and tell where they differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheel", type=Path)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--limit", type=int, default=0, help="records at most; 0 for all")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(options.wheel) as wheel:
        wheel.extractall(folder)
        runs = [mined(place, options.files, options.limit) for place in (Path(__file__).resolve().parents[1], Path(folder))]
    for where, digests, took in runs:
        print(f"{where}\n  {len(digests)} records in {took:.1f} s of CPU time, {len(digests) / max(took, 1e-9):.0f} a second")
    (plain, compiled) = (where.endswith(".py") for where, _, _ in runs)
    if not plain or compiled:
        sys.exit("one must be plain and the other compiled: no compiled module may stand in the checkout, and the wheel must hold some")
    differing = [a for a, b in itertools.zip_longest(runs[0][1], runs[1][1]) if a != b]
    print(f"{len(differing)} differ", *(str(line).split()[0] for line in differing[:20]))
    sys.exit(bool(differing))


if __name__ == "__main__":
    main()
