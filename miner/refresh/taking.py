"""Records into the store: mine, keep what matters, count everything."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Protocol

from miner.config import Topic
from miner.errors import ConfigError
from miner.evidence.merge import merge
from miner.evidence.store import Store
from miner.lexicon import Lexicon
from miner.refresh.far_end import far_end
from miner.refresh.report import RunReport
from miner.schema import Evidence, Mined, Reading, Record
from miner.sources import Deleted, Reject

log = logging.getLogger(__name__)
OnProgress = Callable[[str, int, int | None], None]
Found = tuple[Mined, Sequence[Evidence]] | None  # None: does not matter to the topic


class Mine(Protocol):
    """What mines: a lexicon, what reads a record, and what finds the assertions of a reading."""

    @property
    def lexicon(self) -> Lexicon:
        """The lexicon it reads with."""
        ...

    @property
    def repeatable(self) -> bool:
        """Whether what it finds depends on the record alone, so that a copy of it in another process finds the same."""
        ...

    def read(self, record: Record, /) -> Reading:
        """Read one record."""
        ...

    def assertions(self, reading: Reading, /) -> Mined:
        """Find what a reading asserts."""
        ...


class Taking:
    """Take records into the store, within a transaction of the caller's.

    Of several states of a record the one of the highest version is kept, of equal versions the one revised last, of
    those the one that comes last. A record that cannot be mined is set aside and the rest goes on. With ``keep_all`` what
    does not matter to the topic is kept too, apart, for the day when other rules think otherwise.
    """

    def __init__(
        self,
        store: Store,
        topic: Topic,
        miner: Callable[[], Mine],
        report: RunReport,
        *,
        mining_version: str,
        source_version: str,
        chunk_size: int,
        keep_all: bool = False,
    ) -> None:
        if report.run_id is None:
            raise ValueError("a run must have begun")
        self.store = store
        self.topic = topic
        self.report = report
        self.run_id = report.run_id
        self.mining_version = mining_version
        self.source_version = source_version
        self.keep_all = keep_all
        self._passed = store.passed_over(topic.name)
        self.chunk_size = chunk_size
        self._miner = miner
        self._stored = store.digests()
        self._alone = {run.topic for run in store.runs()} <= {topic.name}
        self._members: frozenset[str] | None = None
        self._held: dict[str, tuple[int, str]] = {}
        self._outcomes: dict[str, str] = {}
        self._sizes: dict[str, tuple[int, int]] = {}

    @property
    def taken(self) -> frozenset[str]:
        """What this run has stored, by PMID."""
        return frozenset(self._sizes)

    def take(self, items: Iterable[Record | Deleted], *, source: str, on_chunk: Callable[[], None] = lambda: None) -> None:
        """Mine and store records in order; a deletion takes back what came before it."""
        chunk: dict[str, Record] = {}
        for item in self._timed(items):
            if isinstance(item, Deleted):
                self._flush(chunk, source)
                self._delete(item, source)
            elif self._is_wanted(item, source):
                chunk.pop(_key(item), None)
                chunk[_key(item)] = item
                if len(chunk) >= self.chunk_size:
                    self._flush(chunk, source)
                    on_chunk()
        self._flush(chunk, source)
        on_chunk()

    def set_aside(self, source: str, identifier: str, reason: str) -> None:
        """Note a record that could not be read, and why."""
        log.warning("set aside %s of %s: %s", identifier, source, reason)
        self.store.set_aside(self.run_id, source, identifier, reason)
        self.report.aside.append((source, identifier, reason))
        self.report.set_aside += 1

    def withdraw(self, pmid: str, reason: str) -> None:
        """Take back what rests on a record that is no longer published."""
        self._drop_passed(pmid)
        count = self.store.delete([pmid], run_id=self.run_id, reason=reason)
        self.report.deleted += count
        if count:
            self._stored[pmid] = ("", "")  # what is stored now is no longer what was: the same text has to come in again
            self._outcomes.pop(pmid, None)
            self._sizes.pop(pmid, None)

    def reject(self, source: str) -> Callable[[Reject], None]:
        """Return what a reader of this source calls with a record that it cannot read."""
        return lambda reject: self.set_aside(source, reject.identifier or f"record {reject.position}", reject.reason)

    def count(self) -> None:
        """Write the outcomes into the report."""
        outcomes = Counter(self._outcomes.values())
        self.report.new, self.report.changed, self.report.same = (outcomes[name] for name in ("new", "changed", "same"))
        self.report.claims = sum(claims for claims, _ in self._sizes.values())
        self.report.evidence = sum(evidence for _, evidence in self._sizes.values())

    def _timed(self, items: Iterable[Record | Deleted]) -> Iterator[Record | Deleted]:
        iterator = iter(items)
        while True:
            with self.report.timed("read"):
                item = next(iterator, None)
            if item is None:
                return
            yield item

    def _is_wanted(self, record: Record, source: str) -> bool:
        """Tell whether a record has to be mined: it is text, it is the newest state, and it is not held as it is."""
        try:
            "".join((record.text, record.journal or "", *record.authors, *record.keywords)).encode()
        except UnicodeEncodeError:
            self.set_aside(source, _key(record), "holds a character that is no Unicode text")
            return False
        key, state = _key(record), (record.version, record.revised or "")
        if state < self._state(key):
            self.report.older += 1
            return False
        self._held[key] = state
        if self._alone and key not in self._outcomes and self._stored.get(key) == (record.sha256, self.mining_version):
            self._outcomes[key] = "same"
            return False
        passed = self._passed.get(key)
        if passed and (passed.sha256, passed.source_version) == (record.sha256, self.source_version):
            self.report.irrelevant += 1
            return False
        return True

    def _state(self, key: str) -> tuple[int, str]:
        """Return version and revision of the newest state of a record that is held."""
        if key not in self._held:
            stored = self.store.record(key) if key in self._stored else self._passed.get(key)
            self._held[key] = (stored.version, stored.revised or "") if stored else (0, "")
        return self._held[key]

    def _delete(self, deleted: Deleted, source: str) -> None:
        if deleted.version < self._state(deleted.pmid)[0]:
            return
        self.withdraw(deleted.pmid, f"deleted by {source}")

    def _flush(self, chunk: dict[str, Record], source: str) -> None:
        if not chunk:
            return
        miner = self._miner()
        records = list(chunk.values())
        with far_end(len(records) if miner.repeatable else 0, lambda number: self._found(miner, records[number])) as far:
            for number, (key, record) in enumerate(chunk.items()):
                if (found := self._mine(miner, key, record, source, partial(far.get, number))) is not None:
                    self._keep(key, *found)
        chunk.clear()

    def _found(self, miner: Mine, record: Record, key: str | None = None) -> Found:
        """Read a record and, where it matters to the topic or is in it already, find what it asserts; else None."""
        reading = miner.read(replace(record, fetched_at=record.fetched_at or self.report.started))
        if not self.topic.is_relevant(reading, miner.lexicon) and (key is None or not self._is_member(key)):
            return None
        mined = self.topic.evidence(miner.assertions(reading), miner.lexicon)
        return mined, merge(mined, miner.lexicon)

    def _mine(self, miner: Mine, key: str, record: Record, source: str, held: Callable[[], tuple[Found] | None]) -> Found:
        """Mine a record, unless it is ``held`` what is found in it; one that raises is set aside."""
        try:
            with self.report.timed("mine"):
                there = held()
                found = there[0] if there else self._found(miner, record, key)
                if there and found is None and self._is_member(key):
                    found = self._found(miner, record, key)
        except ConfigError:
            raise  # a fault of the rules, not of the record
        except Exception as error:
            log.debug("mining %s failed", key, exc_info=True)
            self.set_aside(source, key, f"cannot be mined: {type(error).__name__}: {error}")
            return None
        self.report.mined += 1
        if found is None:
            self.report.irrelevant += 1
            if self.keep_all or key in self._passed:
                self.store.pass_over(record, topic=self.topic.name, source_version=self.source_version, run_id=self.run_id)
        return found

    def _keep(self, key: str, mined: Mined, evidence: Sequence[Evidence]) -> None:
        """Store a record that matters to the topic, or did."""
        with self.report.timed("store"):
            outcome = self.store.save(mined, evidence, run_id=self.run_id, mining_version=self.mining_version, topic=self.topic.name)
        self._drop_passed(key)
        before = self._outcomes.get(key)
        self._outcomes[key] = before if before == "new" or (before and outcome == "same") else outcome
        self._sizes[key] = (len(mined.claims), len(evidence))

    def _drop_passed(self, key: str) -> None:
        if self.keep_all or key in self._passed:
            self.store.drop_passed_over(self.topic.name, [key])

    def _is_member(self, key: str) -> bool:
        if key not in self._stored:
            return key in self._sizes
        if self._members is None:
            self._members = frozenset(_key(record) for record in self.store.records(topic=self.topic.name))
        return key in self._members


def _key(record: Record) -> str:
    return record.pmid or record.id
