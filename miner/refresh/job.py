"""The job: files or PubMed → records → evidence, in one transaction with the run and its watermark."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Protocol

from miner import rule_files
from miner.config import Settings, Topic
from miner.errors import ConfigError, MinerError, StoreError
from miner.evidence.store import Store
from miner.mine_signs import Signs, signs
from miner.refresh.guard import run_lock
from miner.refresh.live import LIVE_SOURCE, Live
from miner.refresh.report import RunReport
from miner.refresh.surfaces import Surfaces
from miner.refresh.taking import Mine, OnProgress, Taking
from miner.refresh.versions import mining_version, mining_versions
from miner.schema import Record
from miner.sources import Deleted, OnReject, Tally, file_digest, mirror, read_records, source_files
from miner.sources.eutils import Eutils
from miner.sources.items import Screen
from miner.sources.prescreen import Prescreen

__all__ = ["LIVE_SOURCE", "refresh"]

log = logging.getLogger(__name__)
Clock = Callable[[], datetime.datetime]


def now() -> datetime.datetime:
    """Return the time, in UTC."""
    return datetime.datetime.now(datetime.UTC)


def stamp(moment: datetime.datetime) -> str:
    """Write a moment as the database keeps it: ``2025-01-31T04:05:06Z``."""
    return moment.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Reader(Protocol):
    """What reads the records and deletions of a file."""

    def __call__(
        self, path: Path, /, *, on_reject: OnReject | None = None, screen: Screen | None = None, tally: Tally | None = None
    ) -> Iterator[Record | Deleted]:
        """Yield them in order."""
        ...


def source_version(settings: Settings, topic: Topic) -> str:
    """Return what the reading of a file for a topic depends on, in one word."""
    return f"{mining_version(mining_versions(settings.lexicon_dirs, settings.models))}:{topic.digest}"


@dataclass(frozen=True)
class Pending:
    """A file to take in; ``only`` limits it to records that were set aside when it was taken in before."""

    digest: str
    path: Path
    only: frozenset[str] | None = None


def refresh(
    settings: Settings,
    topic: Topic,
    *,
    sources: Sequence[Path] = (),
    remine: bool = False,
    reconcile: bool = False,
    store: Store | None = None,
    miner: Mine | None = None,
    eutils: Eutils | None = None,
    reader: Reader = read_records,
    screen: Prescreen | None = None,
    clock: Clock = now,
    on_progress: OnProgress = lambda what, done, total: None,
) -> RunReport:
    """Bring the evidence base up to date from files, or from PubMed where none are given.

    All that a run writes is one transaction: records, evidence, what was set aside, run and watermark. Files that were taken in before,
    by the same rules for the same topic, are not read; where nothing else is left nothing is written. The files of a mirror are taken in
    one by one, each a run of its own: a job that is cut off goes on where it stood. A failed run leaves a row that says so.

    Parameters
    ----------
    remine
        Read the stored records again that were read by other rules or lexicons; nothing is fetched.
    reconcile
        In a live run, compare the whole set of PMIDs with what is held, due or not.
    store, miner, eutils
        Opened, loaded and made from the settings where they are needed, unless given.
    reader, screen
        Reads a file, as ``sources.read_records`` does; what files are screened by, made of the topic unless given.

    Raises
    ------
    LockedError
        Another run is at work on this database.
    InputError, UpstreamError, StoreError, ConfigError
        The run failed; the database is as it was.
    """
    _check_asked(settings.db if store is None else None, sources=bool(sources), remine=remine, reconcile=reconcile)
    job = _Job(settings, topic, miner, clock(), on_progress, reader, screen)
    with ExitStack() as stack:
        if sources:
            job.find(sources)
        elif not remine:
            job.eutils = stack.enter_context(eutils or Eutils(settings))
        stack.enter_context(run_lock(settings.db if store is None else store.path, since=stamp(job.started)))
        held = stack.enter_context(_opened(settings.db, store))
        work = job.remine if remine else job.files if sources else partial(job.live, reconcile=reconcile)
        return job.told(partial(work, held, clock), held, clock)


def _check_asked(db: Path | None, **asked: bool) -> None:
    """Raise ConfigError where a run is asked to be two things at once, of which one would silently not be done."""
    names = {"sources": "--source (read files)", "remine": "--remine (read what is stored)", "reconcile": "--reconcile (ask PubMed)"}
    wanted = [names[name] for name, value in asked.items() if value]
    if len(wanted) > 1:
        raise ConfigError(f"{' and '.join(wanted)} are different runs; ask for one after the other")
    if asked["remine"] and db is not None and not db.exists():
        raise StoreError(f"no database at {db}; make one with: miner refresh --db {db}")


@contextmanager
def _opened(db: Path, store: Store | None) -> Iterator[Store]:
    """Open the store unless it is given; a database that a failed run made is taken away again."""
    if store is not None:
        yield store
        return
    existed = db.exists()
    kept = existed
    try:
        with Store.open(db) as opened:
            try:
                yield opened
            finally:
                kept = existed or _holds_a_run(opened)
    except BaseException:
        if not kept:
            for path in (db, db.with_name(db.name + "-wal"), db.with_name(db.name + "-shm")):
                path.unlink(missing_ok=True)
        raise


def _holds_a_run(store: Store) -> bool:
    try:
        return any(run.outcome in ("done", "partial") for run in store.runs())
    except MinerError:
        return True


PARTLY = ":partly"


def use_rules(settings: Settings) -> None:
    """Put the user's rule files in force, and ask that they compile; ConfigError names ``file:line``."""
    if settings.rule_dirs:
        rule_files.use(settings.rule_dirs)
    if rule_files.own():
        from miner.rules_lint import check_own

        check_own()


class _Job:
    def __init__(
        self,
        settings: Settings,
        topic: Topic,
        miner: Mine | None,
        started: datetime.datetime,
        on_progress: OnProgress,
        reader: Reader,
        screen: Prescreen | None,
    ) -> None:
        if screen is not None:
            self.screen = screen
        use_rules(settings)
        self.settings = settings
        self.topic = topic
        self.eutils: Eutils | None = None
        self.reader = reader
        self.report: RunReport | None = None
        self.mirrors: list[Path] = []
        self.started = started
        self.on_progress = on_progress
        self.found: dict[str, Path] = {}
        self.versions = {**mining_versions(settings.lexicon_dirs, settings.models), "topic": topic.digest}
        self.mining_version = mining_version({name: value for name, value in self.versions.items() if name != "topic"})
        self.source_version = f"{self.mining_version}:{topic.digest}"
        self._miner = miner

    def miner(self) -> Mine:
        """Return the miner, loaded when it is first needed."""
        if self._miner is None:
            from miner.mine import load

            self._miner = load(self.topic, lexicon_dirs=self.settings.lexicon_dirs, models=self.settings.models)
        return self._miner

    @cached_property
    def screen(self) -> Prescreen:
        """What files are screened by: the topic's terms, then the signs of its rules."""
        return Prescreen(self.topic.trigger_terms(Surfaces(self.settings.lexicon_dirs)), may_matter=self._may_matter)

    def _may_matter(self, record: Record) -> bool:
        return self._signs is None or self._signs.may_matter(record)

    @cached_property
    def _signs(self) -> Signs | None:
        return signs(self.topic, self.settings.lexicon_dirs, self.settings.models)

    def find(self, sources: Sequence[Path]) -> None:
        """Find the files of the sources, each content once."""
        for source in sources:
            if mirror.is_mirror(source):
                self.mirrors.append(source)
            else:
                for path in source_files(source):
                    self.found.setdefault(file_digest(path), path)

    def _report(self, kind: str) -> RunReport:
        self.report = RunReport(self.topic.name, kind, stamp(self.started))
        return self.report

    def told(self, work: Callable[[], RunReport], store: Store, clock: Clock) -> RunReport:
        """Do the work; where it fails, keep a row that says so."""
        try:
            report = work()
        except Exception as error:
            self._note_failure(store, error, clock)
            raise
        if self.settings.log_format == "json":
            log.info("%s", "; ".join(report.lines()), extra={"run": report.facts()})
        return report

    def _note_failure(self, store: Store, error: Exception, clock: Clock) -> None:
        """Keep a row that tells how a run failed; where even that cannot be written, the error itself tells."""
        report = self.report
        if report is None:
            return
        report.outcome, report.watermark_after = "failed", report.watermark_before
        report.error = " ".join(f"{type(error).__name__}: {error}".split())
        with suppress(MinerError), store.transaction():
            query = self.topic.query if report.kind == "live" else None
            run_id = store.begin_run(topic=report.topic, kind=report.kind, query=query, versions=self.versions, started=report.started)
            self._finish(store, run_id, report, clock)

    def _finish(self, store: Store, run_id: int, report: RunReport, clock: Clock) -> None:
        report.finished = stamp(clock())
        store.finish_run(
            run_id,
            outcome=report.outcome,
            counts=report.counts(),
            watermark_before=report.watermark_before,
            watermark_after=report.watermark_after,
            finished=report.finished,
        )

    @contextmanager
    def _run(self, store: Store, report: RunReport, query: str | None, clock: Clock) -> Iterator[Taking]:
        """A transaction that begins a run and finishes it."""
        with store.transaction():
            report.run_id = store.begin_run(
                topic=self.topic.name, kind=report.kind, query=query, versions=self.versions, started=report.started
            )
            taking = Taking(
                store,
                self.topic,
                self.miner,
                report,
                mining_version=self.mining_version,
                source_version=self.source_version,
                chunk_size=self.settings.chunk_size,
                keep_all=report.kind != "files",
            )
            yield taking
            taking.count()
            report.outcome = "partial" if report.set_aside else "done"
            self._finish(store, report.run_id, report, clock)

    # from files

    def files(self, store: Store, clock: Clock) -> RunReport:
        """Take in the files that were not taken in before: single ones in one run, those of a mirror one by one."""
        total = self._report("files")
        single = [Pending(digest, path) for digest, path in self.found.items() if not self._seen(store, digest)]
        mirrored = [(file, file.digest()) for folder in self.mirrors for file in self._mirror(store, folder)]
        due = self._due(store, mirrored)
        total.sources = len(self.found) + len(mirrored)
        total.sources_seen = total.sources - len(single) - len(due)
        total.outcome = "unchanged"
        for group in [single] * bool(single) + [[pending] for pending in due]:
            report = self._report("files")
            report.sources = len(group)
            self._take_in(store, report, group, clock)
            total.add(report)
        return total

    def _seen(self, store: Store, digest: str, *, partly: bool = False) -> bool:
        return store.source_seen(self.topic.name, digest, self.source_version + PARTLY * partly)

    def _mirror(self, store: Store, folder: Path) -> list[mirror.MirrorFile]:
        return mirror.mirror_files(folder, taken=store.source_names(self.topic.name))

    def _due(self, store: Store, files: Sequence[tuple[mirror.MirrorFile, str]]) -> list[Pending]:
        """Return the files to take in: new ones, all that follow one that was republished, and what was set aside of others."""
        due: list[Pending] = []
        again = False
        aside = {(source, identifier) for run in store.runs() for source, identifier, _ in store.aside(run.id)}
        for file, digest in files:
            partly = self._seen(store, digest, partly=True)
            if self._seen(store, digest) and not again:
                continue
            only = frozenset(identifier for source, identifier in aside if source == file.path.name) if partly and not again else None
            again |= only is None
            mirror.check_sum(file)
            due.append(Pending(digest, file.path, only))
        return due

    def _take_in(self, store: Store, report: RunReport, group: Sequence[Pending], clock: Clock) -> None:
        self.screen.keep = frozenset(store.digests()) | frozenset(store.passed_over(self.topic.name))
        with self._run(store, report, None, clock) as taking:
            for pending in group:
                aside = report.set_aside
                self._file(taking, pending)
                self.screen.keep |= taking.taken
                version = self.source_version + PARTLY * (report.set_aside > aside)
                store.mark_source(self.topic.name, pending.digest, pending.path.name, version, report.run_id)

    def _file(self, taking: Taking, pending: Pending) -> None:
        tally, report, name, only = Tally(), taking.report, pending.path.name, pending.only
        items = self.reader(pending.path, on_reject=taking.reject(name), screen=self.screen, tally=tally)
        passed = (item for item in items if isinstance(item, Deleted) or _passes(self.screen, item, tally))
        wanted = passed if only is None else (item for item in passed if isinstance(item, Record) and (item.pmid or item.id) in only)
        taking.take(wanted, source=name, on_chunk=lambda: self.on_progress(name, tally.total, None))
        report.read += tally.read
        report.skipped += tally.skipped

    # from the store itself

    def remine(self, store: Store, clock: Clock) -> RunReport:
        """Read the stored records again that were read by other rules, and those that did not matter by other rules."""
        report = self._report("remine")
        stale = {pmid for pmid, (_, version) in store.digests(self.topic.name).items() if version != self.mining_version}
        records = [record for record in store.records(topic=self.topic.name) if (record.pmid or record.id) in stale]
        records += store.passed_over_records(self.topic.name, self.source_version)
        if not records:
            report.outcome = "unchanged"
            return report
        with self._run(store, report, None, clock) as taking:
            report.read = len(records)
            done = lambda: self.on_progress("reading again", report.mined, len(records))  # noqa: E731
            taking.take(records, source="the database", on_chunk=done)
        return report

    # from PubMed

    def live(self, store: Store, clock: Clock, *, reconcile: bool) -> RunReport:
        """Ask PubMed for what was added or changed since the last run, or for everything the first time."""
        if self.eutils is None:
            raise ValueError("a live run needs a client")
        begin = lambda store, report: self._run(store, report, self.topic.query, clock)  # noqa: E731
        report = self._report("live")
        return Live(self.settings, self.topic, self.eutils, store, report, self.started, begin, self.on_progress, reconcile).run()


def _passes(screen: Prescreen, record: Record, tally: Tally) -> bool:
    """Screen the text once more: in the XML a term may stand in an address or in the reference list."""
    if screen.matches(record):
        return True
    tally.read -= 1
    tally.skipped += 1
    return False
