"""Write the whole table with two processes: this one writes the first half, another the second into a file that follows it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from miner.evidence import export_rows
from miner.evidence.store import Store
from miner.evidence.store_split import halves
from miner.evidence.table import TableRow

Write = Callable[[Iterable[TableRow], Any], None]
WRITERS: dict[str, Write] = {"tsv": export_rows.write_tsv, "tsv-papers": export_rows.write_paper_tsv, "jsonl": export_rows.write_jsonl}
HEADED = ("tsv", "tsv-papers")
_CHUNK = 1 << 20


def write_whole(store: Store, form: str, out: IO[Any]) -> bool:
    """Write every row, and tell whether that was done; nothing is written where the table is small or a second process no help."""
    if form not in WRITERS or (os.cpu_count() or 1) < 2:
        return False
    with halves(store) as whole:
        bound = whole.middle()
        if bound is None:
            return False
        with tempfile.TemporaryDirectory(prefix="miner-export-") as folder:
            path = Path(folder) / "second"
            with _second(json.dumps([str(store.path.resolve()), form, bound, whole.state, str(path)])) as process:
                WRITERS[form](whole.rows(bound, is_second=False), out)
                if process.wait():
                    # The database has changed, or there is no room: this process still sees the state that it began with.
                    with path.open("w", encoding="utf-8", newline="\n") as file:
                        WRITERS[form](whole.rows(bound, is_second=True), file)
            _append(path, out, headed=form in HEADED)
    return True


@contextmanager
def _second(task: str) -> Iterator[subprocess.Popen[bytes]]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-m", "miner.evidence.export_halves", task]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _append(path: Path, out: IO[str], *, headed: bool) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        if headed:
            file.readline()
        while chunk := file.read(_CHUNK):
            out.write(chunk)


def main(task: str) -> int:
    """Write the second half into a file; 3 where the database is in another state than told."""
    path, form, bound, state, target = json.loads(task)
    with Store.open(Path(path), readonly=True) as store, halves(store) as whole:
        if whole.state != state:
            return 3
        with Path(target).open("w", encoding="utf-8", newline="\n") as out:
            WRITERS[form](whole.rows(tuple(bound), is_second=True), out)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
