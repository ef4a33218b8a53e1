"""The gate before a publication: rows must not vanish without a cause."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

from miner.errors import GateError
from miner.evidence.store import Store

log = logging.getLogger(__name__)
UNEXPLAINED = "unexplained"
MOST = 0.01
Row = tuple[str, str]  # PMID, key of the proposition


def check_export(store: Store, published: Path | None = None, *, force: bool = False) -> None:
    """Let an export pass, or raise GateError where more than 1 % of the rows vanished without a cause.

    A row vanished without a cause when the ledger of changes says that it stands and it does not, when it went though
    neither its text, nor its paper's state, nor the rules changed, or when it stands in the file that would be written
    over (``published``) and nothing tells why it is gone.

    Parameters
    ----------
    force
        Pass all the same, and only warn.
    """
    gone = store.gone_rows()
    before = set(_rows(published)) if published is not None and published.is_file() else set()
    last = max((run.id for run in store.runs() if run.outcome in ("done", "partial")), default=0)
    # A million rows are counted and not held, unless there is something to hold them against.
    standing = store.standing() if before or gone else set()
    vanished = set(store.lost_rows())
    vanished |= {row for row in before - standing if row not in gone or gone[row][1] == UNEXPLAINED}
    vanished |= {row for row, (run_id, cause) in gone.items() if cause == UNEXPLAINED and run_id == last} - standing
    whole = len(before | vanished) if before else store.counts()["evidence"] + len(vanished)
    if len(vanished) <= MOST * whole:
        return
    shown = ", ".join(f"PMID {pmid} {key}" for pmid, key in sorted(vanished)[:5])
    message = f"{len(vanished):,} of {whole:,} rows vanished without a cause ({shown}{', …' if len(vanished) > 5 else ''})"
    if not force:
        raise GateError(f"{message}; nothing was published: find out why (miner diff, miner status), or publish with --force")
    log.warning("%s; published all the same", message)


def _rows(path: Path) -> Iterator[Row]:
    """Yield the rows of an earlier export, TSV or JSON lines; nothing of a file that is neither."""
    try:
        with path.open(encoding="utf-8", newline="") as handle:
            first = handle.readline()
            if first.startswith("{"):
                for line in (first, *handle):
                    held = json.loads(line)
                    yield from ((str(pmid), str(held["key"])) for pmid in held["pmids"])
                return
            names = first.rstrip("\n").split("\t")
            place = next((names.index(name) for name in ("pmids", "pmid") if name in names), None)
            if place is None or "key" not in names:
                return
            for line in handle:
                cells = line.rstrip("\n").split("\t")
                yield from ((pmid, cells[names.index("key")]) for pmid in cells[place].split("; "))
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        log.warning("%s is no earlier export that can be read (%s); it is not compared", path, error)
