"""The job: files or PubMed → records → evidence, in one transaction with the run and its watermark."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from miner.config import Settings, Topic
from miner.errors import ConfigError, InputError
from miner.evidence.store import Store
from miner.refresh.guard import run_lock
from miner.refresh.report import RunReport
from miner.refresh.spool import Plan, Spool
from miner.refresh.surfaces import Surfaces
from miner.refresh.taking import Mine, OnProgress, Taking
from miner.refresh.versions import mining_version, mining_versions
from miner.schema import Record
from miner.sources import Deleted, Tally, file_digest, medline, read_records, source_files
from miner.sources.eutils import Eutils
from miner.sources.prescreen import Prescreen

log = logging.getLogger(__name__)
LIVE_SOURCE = "PubMed"
Clock = Callable[[], datetime.datetime]


def now() -> datetime.datetime:
    """Return the time, in UTC."""
    return datetime.datetime.now(datetime.UTC)


def stamp(moment: datetime.datetime) -> str:
    """Write a moment as the database keeps it: ``2025-01-31T04:05:06Z``."""
    return moment.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def refresh(
    settings: Settings,
    topic: Topic,
    *,
    sources: Sequence[Path] = (),
    remine: bool = False,
    store: Store | None = None,
    miner: Mine | None = None,
    eutils: Eutils | None = None,
    clock: Clock = now,
    on_progress: OnProgress = lambda what, done, total: None,
) -> RunReport:
    """Bring the evidence base up to date from files, or from PubMed where none are given.

    All that a run writes is written in one transaction: records, evidence, what was set aside, the run and the
    watermark. Files that were taken in before, by the same rules for the same topic, are not read, and where nothing
    else is left nothing is written at all.

    Parameters
    ----------
    remine
        Read the stored records again that were read by other rules or lexicons; nothing is fetched.
    store, miner, eutils
        Opened, loaded and made from the settings where they are needed, unless given.

    Raises
    ------
    LockedError
        Another run is at work on this database.
    InputError, UpstreamError, StoreError, ConfigError
        The run failed; the database is as it was.
    """
    started = clock()
    job = _Job(settings, topic, miner, started, on_progress)
    if sources:
        job.find(sources)
    elif not remine:
        job.eutils = eutils or Eutils(settings)
    with run_lock(settings.db if store is None else store.path, since=stamp(started)), _opened(settings.db, store) as held:
        report = job.remine(held, clock) if remine else job.files(held, clock) if sources else job.live(held, clock)
    if settings.log_format == "json":
        log.info("%s", "; ".join(report.lines()))
    return report


@contextmanager
def _opened(db: Path, store: Store | None) -> Iterator[Store]:
    """Open the store unless it is given; a database that a failed run made is taken away again."""
    if store is not None:
        yield store
        return
    existed = db.exists()
    try:
        with Store.open(db) as opened:
            yield opened
    except BaseException:
        if not existed:
            for path in (db, db.with_name(db.name + "-wal"), db.with_name(db.name + "-shm")):
                path.unlink(missing_ok=True)
        raise


class _Job:
    def __init__(self, settings: Settings, topic: Topic, miner: Mine | None, started: datetime.datetime, on_progress: OnProgress) -> None:
        self.settings = settings
        self.topic = topic
        self.eutils: Eutils | None = None
        self.started = started
        self.on_progress = on_progress
        self.found: dict[str, Path] = {}
        self.versions = {**mining_versions(settings.lexicon_dirs), "topic": topic.digest}
        self.mining_version = mining_version({name: value for name, value in self.versions.items() if name != "topic"})
        self.source_version = f"{self.mining_version}:{topic.digest}"
        self._miner = miner

    def miner(self) -> Mine:
        """Return the miner, loaded when it is first needed."""
        if self._miner is None:
            from miner import mine

            self._miner = mine.load(self.topic, lexicon_dirs=self.settings.lexicon_dirs)
        return self._miner

    def find(self, sources: Sequence[Path]) -> None:
        """Find the files of the sources, each content once."""
        for path in (file for source in sources for file in source_files(source)):
            self.found.setdefault(file_digest(path), path)

    def _report(self, kind: str) -> RunReport:
        return RunReport(self.topic.name, kind, stamp(self.started))

    @contextmanager
    def _run(self, store: Store, report: RunReport, query: str | None, clock: Clock) -> Iterator[Taking]:
        """A transaction that begins a run and finishes it."""
        with store.transaction():
            report.run_id = store.begin_run(
                topic=self.topic.name, kind=report.kind, query=query, versions=self.versions, started=report.started
            )
            taking = Taking(store, self.topic, self.miner, report, mining_version=self.mining_version, chunk_size=self.settings.chunk_size)
            yield taking
            taking.count()
            report.outcome = "partial" if report.set_aside else "done"
            report.finished = stamp(clock())
            store.finish_run(
                report.run_id,
                outcome=report.outcome,
                counts=report.counts(),
                watermark_before=report.watermark_before,
                watermark_after=report.watermark_after,
                finished=report.finished,
            )

    # from files

    def files(self, store: Store, clock: Clock) -> RunReport:
        """Take in the files that were not taken in before."""
        report = self._report("files")
        report.sources = len(self.found)
        pending = {d: path for d, path in self.found.items() if not store.source_seen(self.topic.name, d, self.source_version)}
        report.sources_seen = report.sources - len(pending)
        if not pending:
            report.outcome = "unchanged"
            return report
        screen = Prescreen(self.topic.trigger_terms(Surfaces(self.settings.lexicon_dirs)), keep=store.digests())
        with self._run(store, report, None, clock) as taking:
            for digest, path in pending.items():
                aside = report.set_aside
                self._file(taking, path, screen)
                if report.set_aside == aside:
                    store.mark_source(self.topic.name, digest, path.name, self.source_version, report.run_id)
        return report

    def _file(self, taking: Taking, path: Path, screen: Prescreen) -> None:
        tally, report = Tally(), taking.report
        items = read_records(path, on_reject=taking.reject(path.name), screen=screen, tally=tally)
        passed = (item for item in items if isinstance(item, Deleted) or _passes(screen, item, tally))
        taking.take(passed, source=path.name, on_chunk=lambda: self.on_progress(path.name, tally.total, None))
        report.read += tally.read
        report.skipped += tally.skipped

    # from the store itself

    def remine(self, store: Store, clock: Clock) -> RunReport:
        """Read the stored records again that were read by other rules."""
        report = self._report("remine")
        stale = {pmid for pmid, (_, version) in store.digests(self.topic.name).items() if version != self.mining_version}
        records = [record for record in store.records(topic=self.topic.name) if (record.pmid or record.id) in stale]
        if not records:
            report.outcome = "unchanged"
            return report
        with self._run(store, report, None, clock) as taking:
            report.read = len(records)
            done = lambda: self.on_progress("reading again", report.mined, len(records))  # noqa: E731
            taking.take(records, source="the database", on_chunk=done)
        return report

    # from PubMed

    def live(self, store: Store, clock: Clock) -> RunReport:
        """Ask PubMed for what was added or changed since the watermark, or for everything the first time."""
        report = self._report("live")
        report.watermark_before = store.watermark(self.topic.name)
        spool = Spool(store.path)
        plan = spool.plan(self.topic.name, self.topic.digest)
        if plan is None:
            with report.timed("search"):
                plan = self._plan(store, report.watermark_before)
            spool.begin(plan)
        else:
            log.info("going on with the run that began at %s", plan.started)
        self._fetch(spool, plan, report)
        try:
            with self._run(store, report, self.topic.query, clock) as taking:
                self._store_batches(spool, plan, taking)
                self._move_watermark(store, plan, report)
        except InputError:
            spool.clear()
            raise
        spool.clear()
        return report

    def _move_watermark(self, store: Store, plan: Plan, report: RunReport) -> None:
        report.watermark_after = report.watermark_before
        if not report.set_aside:
            report.watermark_after = max(plan.started, report.watermark_before or "")
            store.set_watermark(self.topic.name, report.watermark_after)

    def _plan(self, store: Store, watermark: str | None) -> Plan:
        """Search, and tell which records have to be fetched: those changed since, and those added that are not held."""
        client = self._client()
        if watermark is None:
            pmids, interval = client.search(self.topic.query), "everything"
            changed = pmids
        else:
            since = self._since(watermark)
            changed = client.search(self.topic.query, mindate=since, datetype="mdat")
            pmids = sorted({*changed, *client.search(self.topic.query, mindate=since, datetype="crdt")}, key=int)
            interval = f"added or changed since {since:%Y-%m-%d}"
        held, renewed = store.digests(self.topic.name), set(changed)
        wanted = [pmid for pmid in pmids if pmid in renewed or pmid not in held]
        size = self.settings.batch_size
        batches = tuple(tuple(wanted[start : start + size]) for start in range(0, len(wanted), size))
        return Plan(self.topic.name, self.topic.digest, stamp(self.started), interval, len(pmids), batches)

    def _since(self, watermark: str) -> datetime.date:
        moment = datetime.datetime.fromisoformat(watermark)
        if self.started < moment - datetime.timedelta(days=1):
            raise ConfigError(f"the clock says {stamp(self.started)}, which is before the last refresh ({watermark}); set it right")
        return (moment - datetime.timedelta(days=self.settings.overlap_days)).date()

    def _client(self) -> Eutils:
        if self.eutils is None:
            raise ValueError("a live run needs a client")
        return self.eutils

    def _fetch(self, spool: Spool, plan: Plan, report: RunReport) -> None:
        client = self._client()
        total = sum(map(len, plan.batches))
        with report.timed("fetch"):
            for done in spool.fill(plan, client.fetch_batch):
                self.on_progress("fetching", done, total)
        report.promised, report.interval = plan.promised, plan.interval
        report.requests, report.retries, report.bytes = client.traffic.requests, client.traffic.retries, client.traffic.bytes

    def _store_batches(self, spool: Spool, plan: Plan, taking: Taking) -> None:
        report, total = taking.report, sum(map(len, plan.batches))
        for batch in spool.batches(plan):
            for pmid in batch.missing:
                taking.set_aside(LIVE_SOURCE, pmid, "PubMed names this record and does not give it")
            tally = Tally()
            with batch.path.open("rb") as stream:
                taking.take(medline.read_stream(stream, LIVE_SOURCE, on_reject=taking.reject(LIVE_SOURCE), tally=tally), source=LIVE_SOURCE)
            report.read += tally.read
            report.fetched += tally.total
            self.on_progress("mining", report.fetched, total)


def _passes(screen: Prescreen, record: Record, tally: Tally) -> bool:
    """Screen the text once more: in the XML a term may stand in an address or in the reference list."""
    if screen.matches(record):
        return True
    tally.read -= 1
    tally.skipped += 1
    return False
