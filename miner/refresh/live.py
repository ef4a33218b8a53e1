"""The live run: ask PubMed what came and what changed, fetch it, and account for every PMID by name.

Two moments are kept apart. A topic is *complete* up to its watermark; it was *asked for* up to ``reached``. A record that
PubMed names and does not give, or that cannot be read, is set aside: then the watermark stays, the run is partial, and
the next one asks for what came since ``reached`` and once more for every record set aside. When all of them have
passed, the watermark moves to ``reached``.
"""

from __future__ import annotations

import datetime
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from time import monotonic

from miner.config import Settings, Topic
from miner.errors import ConfigError, InputError, UpstreamError
from miner.evidence.store import Store
from miner.refresh.report import RunReport
from miner.refresh.spool import Batch, Plan, Spool
from miner.refresh.taking import OnProgress, Taking
from miner.schema import Record, Status
from miner.sources import Deleted, Reject, Tally, medline
from miner.sources.eutils import Eutils

log = logging.getLogger(__name__)
LIVE_SOURCE = "PubMed"
NOT_GIVEN = "PubMed names this record and does not give it"
LOST = "PubMed neither finds this record any more nor gives it; if the next run says the same it counts as withdrawn"
UNREAD = "stands in the answer and could not be read"
SLACK = datetime.timedelta(days=1)  # by which clocks may differ; the overlap is longer
BEGINNING = "1800-01-10T00:00:00Z"
Begin = Callable[[Store, RunReport], AbstractContextManager[Taking]]


@dataclass(frozen=True)
class Standing:
    """How far the live runs of a topic have come.

    ``watermark`` is up to when all is held, ``reached`` up to when all was asked for, ``pending`` what was set aside and
    is asked for again, ``query`` what was asked, ``reconciled`` when the whole set was last compared; ``before`` are all
    moments up to which all was asked for, for the day when the last of them proves to be a clock's error.
    """

    watermark: str | None
    reached: str | None
    pending: tuple[str, ...]
    query: str | None
    reconciled: str | None
    before: tuple[str, ...] = ()

    @classmethod
    def of(cls, store: Store, topic: str) -> Standing:
        """Read it from the runs that ended well or partially."""
        watermark = store.watermark(topic)
        runs = [run for run in store.runs() if (run.topic, run.kind) == (topic, "live") and run.outcome in ("done", "partial")]
        if not runs:
            return cls(watermark, watermark, (), None, None)
        last = runs[-1]
        aside = dict.fromkeys(pmid for source, pmid, _ in store.aside(last.id) if source == LIVE_SOURCE and pmid.isdigit())
        before = tuple(str(run.counts["reached"]) for run in runs if run.counts.get("reached"))
        whole = [str(run.counts["reached"]) for run in runs if run.counts.get("whole")]
        reached = str(last.counts.get("reached") or watermark)
        return cls(watermark, reached, tuple(aside), last.query, whole[-1] if whole else None, before)


def _stamp(moment: datetime.datetime) -> str:
    return moment.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class Live:
    """One live run on an open store, the lock held; ``begin`` is the transaction that begins and finishes a run."""

    settings: Settings
    topic: Topic
    client: Eutils
    store: Store
    report: RunReport
    started: datetime.datetime
    begin: Begin
    on_progress: OnProgress
    reconcile: bool = False
    begun: float = field(default_factory=lambda: monotonic())

    def run(self) -> RunReport:
        """Search, fetch, store; raise with nothing stored and no watermark moved."""
        standing = Standing.of(self.store, self.topic.name)
        self.report.watermark_before = standing.watermark
        spool = Spool(self.store.path)
        plan = self._resumed(spool, standing)
        if plan is None:
            with self.report.timed("search"):
                plan = self._plan(standing)
            self._check_clock()
            spool.begin(plan)
        self.report.promised, self.report.interval, self.report.whole = plan.promised, plan.interval, int(plan.whole)
        self._fetch(spool, plan)
        self._check_clock()
        try:
            with self.begin(self.store, self.report) as taking:
                for batch in spool.batches(plan):
                    self._take(batch, plan, taking)
                self._move_watermark(plan, standing)
        except InputError:
            spool.clear()
            raise
        spool.clear()
        return self.report

    # what to fetch

    def _resumed(self, spool: Spool, standing: Standing) -> Plan | None:
        """Return the plan of a run that was cut off, unless what it set out to do is done or is not what is asked now."""
        plan = spool.plan(self.topic.name, self.topic.digest)
        if plan is None or plan.base != standing.reached or (self.reconcile and not plan.whole):
            return None
        if plan.started > _stamp(self.started + SLACK):
            return None
        log.info("going on with the run that began at %s", plan.started)
        return plan

    def _plan(self, standing: Standing) -> Plan:
        """Search, and tell what has to be fetched: all changed since, all added or named that is not known, all that waits."""
        query = self.topic.query
        if standing.reached is None:
            named = self._whole_set()
            return self._batched(standing, "everything", len(named), [*named], whole=True)
        since = self._since(standing, standing.reached)
        changed = self.client.search(query, mindate=since, datetype="mdat")
        added = self.client.search(query, mindate=since, datetype="crdt")
        known = set(self.store.digests(self.topic.name)) | set(self.store.passed_over(self.topic.name))
        wanted = {*changed, *(pmid for pmid in added if pmid not in known), *standing.pending}
        interval, promised, lost = f"added or changed since {since:%Y-%m-%d}", len({*changed, *added}), set[str]()
        whole = self._is_due(standing)
        if whole:
            named = self._whole_set()
            known -= {record.pmid or "" for record in self.store.records(topic=self.topic.name) if record.status is Status.WITHDRAWN}
            lost = {pmid for pmid in known.difference(named) if pmid.isdigit()} if standing.query == query else set()
            wanted |= {*lost, *(pmid for pmid in named if pmid not in known)}
            interval, promised = f"the whole set, and {interval}", len(named)
        gone = set(standing.pending) - self.client.existing(standing.pending) if standing.pending else set[str]()
        return self._batched(standing, interval, promised, wanted, whole=whole, lost=lost, gone=gone)

    def _batched(
        self,
        standing: Standing,
        interval: str,
        promised: int,
        wanted: Iterable[str],
        *,
        whole: bool,
        lost: Iterable[str] = (),
        gone: Iterable[str] = (),
    ) -> Plan:
        ordered, size = sorted(wanted, key=int), self.settings.batch_size
        return Plan(
            topic=self.topic.name,
            digest=self.topic.digest,
            started=_stamp(self.started),
            base=standing.reached,
            interval=interval,
            promised=promised,
            batches=tuple(tuple(ordered[start : start + size]) for start in range(0, len(ordered), size)),
            whole=whole,
            lost=tuple(sorted(lost)),
            gone=tuple(sorted(gone)),
        )

    def _is_due(self, standing: Standing) -> bool:
        """Tell whether the whole set has to be compared: asked for, another query, or long ago."""
        if self.reconcile or standing.query != self.topic.query or standing.reconciled is None:
            return True
        return self.started - datetime.datetime.fromisoformat(standing.reconciled) >= datetime.timedelta(days=self.settings.reconcile_days)

    def _whole_set(self) -> list[str]:
        """Return every PMID of the topic; none at all is an error, for then everything would count as done, or as lost."""
        named = self.client.search(self.topic.query)
        if named:
            return named
        if self.store.digests(self.topic.name):
            raise UpstreamError("PubMed finds nothing at all for the topic's query, where records are held; try again later")
        raise ConfigError(f"PubMed finds nothing at all for the query of topic {self.topic.name}; correct the query")

    def _since(self, standing: Standing, reached: str) -> datetime.date:
        moment = datetime.datetime.fromisoformat(reached)
        if self.started < moment - SLACK:
            if not self.reconcile:
                raise ConfigError(
                    f"the clock says {_stamp(self.started)}, which is before the last refresh ({reached}); set it right, "
                    "or, where it was wrong then, run with --reconcile"
                )
            sound = max((before for before in standing.before if before <= _stamp(self.started)), default=BEGINNING)
            moment = datetime.datetime.fromisoformat(sound)
        return (moment - datetime.timedelta(days=self.settings.overlap_days)).date()

    def _check_clock(self) -> None:
        """Raise where this machine's clock is far from PubMed's: a watermark of a day to come would hide all until then."""
        told = self.client.server_date
        here = self.started + datetime.timedelta(seconds=monotonic() - self.begun)
        if told is not None and abs(told - here) > SLACK:
            raise ConfigError(f"the clock of this machine says {_stamp(here)}, that of PubMed {_stamp(told)}; set it right")

    # fetching and storing

    def _fetch(self, spool: Spool, plan: Plan) -> None:
        report, total, traffic = self.report, sum(map(len, plan.batches)), self.client.traffic
        try:
            with report.timed("fetch"):
                for done in spool.fill(plan, self.client.fetch_batch):
                    self.on_progress("fetching", done, total)
        finally:
            report.requests, report.retries, report.bytes = traffic.requests, traffic.retries, traffic.bytes

    def _take(self, batch: Batch, plan: Plan, taking: Taking) -> None:
        """Store a batch; each PMID of it is read, set aside or withdrawn."""
        report, tally = self.report, Tally()
        seen: set[str] = set(batch.missing)
        unnamed: list[str] = []

        def reject(rejected: Reject) -> None:
            if rejected.identifier in batch.pmids:
                seen.add(rejected.identifier or "")
                taking.set_aside(LIVE_SOURCE, rejected.identifier or "", rejected.reason)
            else:
                unnamed.append(rejected.reason)

        def noted(items: Iterator[Record | Deleted]) -> Iterator[Record | Deleted]:
            for item in items:
                if isinstance(item, Record):
                    seen.add(item.pmid or "")
                    yield item

        for pmid in batch.missing:
            self._miss(pmid, plan, taking)
        with batch.path.open("rb") as stream:
            taking.take(noted(medline.read_stream(stream, LIVE_SOURCE, on_reject=reject, tally=tally)), source=LIVE_SOURCE)
        for pmid in batch.pmids:
            if pmid not in seen:
                taking.set_aside(LIVE_SOURCE, pmid, unnamed[0] if unnamed else UNREAD)
        report.read += tally.read
        report.fetched += len(batch.pmids) - len(batch.missing)
        self.on_progress("mining", report.fetched, sum(map(len, plan.batches)))

    def _miss(self, pmid: str, plan: Plan, taking: Taking) -> None:
        """Account for a record that was asked for and not given."""
        if pmid in plan.gone:
            log.info("PMID %s is no longer in PubMed", pmid)
            taking.withdraw(pmid, "withdrawn from PubMed")
        else:
            taking.set_aside(LIVE_SOURCE, pmid, LOST if pmid in plan.lost else NOT_GIVEN)

    def _move_watermark(self, plan: Plan, standing: Standing) -> None:
        report = self.report
        report.reached = plan.started if plan.whole else max(plan.started, standing.reached or "")
        report.watermark_after = standing.watermark
        if not report.set_aside:
            report.watermark_after = report.reached
            self.store.set_watermark(self.topic.name, report.reached)
