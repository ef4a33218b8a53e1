"""One shard on one worker: read the file, mine what passes the pre-screen, write the part.

A record that raises, or that takes longer than ``RECORD_SECONDS``, is set aside with its reason. What a worker is busy with
stands in a small file beside the part, so that a record that kills the worker is known by name and left out the next time.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from miner import rule_files
from miner.cluster import codec, parts
from miner.config import Models, load_topic
from miner.errors import ConfigError
from miner.evidence.merge import merge
from miner.mine import Miner, load
from miner.mine_signs import signs
from miner.refresh.surfaces import Surfaces
from miner.schema import Mined, Reading, Record, StudyType
from miner.sources import Deleted, Reject, Tally, read_records
from miner.sources.prescreen import Prescreen, pmid_of

RECORD_SECONDS = 60
DEADLY_AFTER = 2  # times that a worker died over a record before it is left out


@dataclass(frozen=True)
class Task:
    """A shard to mine: its file, its part, and by what it is mined."""

    shard: Path
    digest: str
    part: Path
    topic: str
    topic_dirs: tuple[Path, ...]
    lexicon_dirs: tuple[Path, ...]
    version: str
    record_seconds: int = RECORD_SECONDS
    models: Models = field(default_factory=Models)
    rule_dirs: tuple[Path, ...] = ()

    @property
    def journal(self) -> Path:
        """The file that names the records over which a worker of this shard was busy when it died."""
        return self.part.with_name(f".{self.part.name}.busy")


_FRAMES = Models()


@cache
def loaded(
    topic: str, topic_dirs: tuple[Path, ...] = (), lexicon_dirs: tuple[Path, ...] = (), models: Models = _FRAMES, /
) -> tuple[Miner, Prescreen]:
    """Load the miner and the pre-screen of a topic, once a process."""
    miner = load(load_topic(topic, topic_dirs), lexicon_dirs=lexicon_dirs, models=models)
    found = signs(miner.topic, lexicon_dirs, models)
    terms = miner.topic.trigger_terms(Surfaces(lexicon_dirs))
    return miner, Prescreen(terms, may_matter=found.may_matter if found else None)


class Noting:
    """A pre-screen that keeps the PMIDs of what it passes over."""

    def __init__(self, screen: Prescreen) -> None:
        self._screen = screen
        self.passed: list[str] = []

    def might_match(self, xml: bytes) -> bool:
        """Tell whether the record can matter, and note it where it cannot."""
        held = self._screen.might_match(xml)
        if not held:
            self.passed.append(pmid_of(xml))
        return held

    def matches(self, record: Record) -> bool:
        """Tell whether the record can matter, and note it where it cannot."""
        held = self._screen.matches(record)
        if not held:
            self.passed.append(record.pmid or record.id)
        return held


def mine_shard(task: Task) -> parts.Facts:
    """Mine a shard into its part, unless the part is there already; the journal goes when it is done."""
    held = parts.facts(task.part)
    if held and (held.digest, held.version) == (task.digest, task.version):
        return held
    rule_files.use(task.rule_dirs)
    miner, screen = loaded(task.topic, task.topic_dirs, task.lexicon_dirs, task.models)
    told = parts.write(task.part, _rows(task, miner, Noting(screen)), parts.Facts(task.shard.name, task.digest, task.version))
    with suppress(OSError):
        task.journal.unlink()
    return told


def _rows(task: Task, miner: Miner, screen: Noting) -> Iterator[dict[str, Any]]:
    journal = _Journal(task.journal)
    rejected: list[Reject] = []
    for item in read_records(task.shard, on_reject=rejected.append, screen=screen, tally=Tally()):
        yield from _asides(rejected, screen)
        if isinstance(item, Deleted):
            yield _row("deleted", item.pmid, version=item.version)
        elif screen.matches(item):
            yield _record_row(item, miner, task, journal)
        yield from _asides(rejected, screen)
    yield from _asides(rejected, screen)


def _asides(rejected: list[Reject], screen: Noting) -> Iterator[dict[str, Any]]:
    for pmid in screen.passed:
        yield _row("passed over", pmid)
    for reject in rejected:
        yield _row("rejected", reject.identifier, version=reject.position, reason=reject.reason)
    screen.passed.clear()
    rejected.clear()


def _record_row(record: Record, miner: Miner, task: Task, journal: _Journal) -> dict[str, Any]:
    key = record.pmid or record.id
    row = _row("record", key, version=record.version) | {"record": codec.dumps(record)}
    if journal.times(key) >= DEADLY_AFTER:
        return row | {"kind": "failed", "reason": f"WorkerDied: the worker ended {journal.times(key)} times over this record"}
    try:
        with journal.busy(key), _deadline(task.record_seconds):
            reading = miner.read(record)
            relevant = miner.topic.is_relevant(reading, miner.lexicon)
            mined = Mined(_bare(reading), StudyType.OTHER, "", ())
            if relevant:
                mined = miner.topic.evidence(miner.assertions(reading), miner.lexicon)
            evidence = merge(mined, miner.lexicon) if relevant else ()
    except ConfigError:
        raise  # a fault of the rules, not of the record
    except Exception as error:
        return row | {"kind": "failed", "reason": f"{type(error).__name__}: {error}"}
    return row | {
        "relevant": relevant,
        "study_type": str(mined.study_type),
        "evidence_level": mined.evidence_level,
        "mined": codec.dumps(replace(mined, reading=replace(mined.reading, record=_NOBODY))),
        "evidence": [parts.evidence_row(item) for item in evidence],
    }


_NOBODY = Record("", None, "")


def _bare(reading: Reading) -> Reading:
    """What the topic asks of a reading to tell that it does not matter."""
    return replace(reading, sentences=(), tokens=())


def _row(kind: str, pmid: str | None, *, version: int = 1, reason: str | None = None) -> dict[str, Any]:
    return dict.fromkeys(parts.SCHEMA.names) | {"kind": kind, "pmid": pmid, "version": version, "reason": reason}


class _Journal:
    """Lines of ``PMID``: one is written before a record is mined and taken away after it; those left are of dead workers."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with suppress(OSError):
            self._died = path.read_text(encoding="utf-8").split()
            return
        self._died = []

    def times(self, key: str) -> int:
        """How often a worker died over a record."""
        return self._died.count(key)

    @contextmanager
    def busy(self, key: str) -> Iterator[None]:
        """Say what the worker is busy with."""
        with suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_text("\n".join([*self._died, key]), encoding="utf-8")
        try:
            yield
        finally:
            with suppress(OSError):
                self.path.write_text("\n".join(self._died), encoding="utf-8")


@contextmanager
def _deadline(seconds: int) -> Iterator[None]:
    """Raise TimeoutError when the time is over; only a main thread on a system with alarms can be held to it."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "SIGALRM"):
        yield
        return

    def over(*_: object) -> None:
        raise TimeoutError(f"took longer than {seconds} s")

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
