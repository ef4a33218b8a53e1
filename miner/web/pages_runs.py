"""Runs: their history, what each did to the table and why, whether the evidence is current, what was set aside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response

from miner.evidence import store_web
from miner.evidence.store import Run, Store
from miner.refresh.diff import compare
from miner.web.links import table_url, with_query
from miner.web.site import NotFound, Site

CHANGES = ("new", "changed", "gone")
PER_PAGE = 100
RUNS = 50


@dataclass(frozen=True, slots=True)
class ChangeBar:
    """What a run did to the rows of a claim type; positions in percent of the width."""

    claim_type: str
    new: int
    changed: int
    gone: int
    new_width: float
    changed_x: float
    changed_width: float
    gone_x: float
    gone_width: float
    href: str


@dataclass(frozen=True, slots=True)
class ChangePlot:
    """What a run did, claim type by claim type: gone to the left of zero, new and changed to the right."""

    run_id: int
    bars: tuple[ChangeBar, ...]
    zero: float
    totals: Mapping[str, int]
    causes: tuple[tuple[str, str, int], ...]


@dataclass(frozen=True, slots=True)
class RunLine:
    """A run as the list shows it."""

    run: Run
    seconds: float | None
    changes: Mapping[str, int]
    aside: int


def change_plot(store: Store, run_id: int) -> ChangePlot:
    """Lay out what a run did to the table."""
    found: dict[str, Counter[str]] = {}
    for kind, change, n in store_web.changes_by_type(store, run_id):
        found.setdefault(kind or "no longer held", Counter())[change] += n
    left = max((held["gone"] for held in found.values()), default=0)
    right = max((held["new"] + held["changed"] for held in found.values()), default=0)
    unit = 100 / (left + right) if left + right else 0.0
    ordered = sorted(found.items(), key=lambda item: (item[0] == "no longer held", -sum(item[1].values()), item[0]))
    counts = store_web.change_counts(store, run_id).get(run_id, {})
    totals = Counter(dict.fromkeys(CHANGES, 0))
    for (change, _), n in counts.items():
        totals[change] += n
    return ChangePlot(
        run_id,
        tuple(_bar(kind, held, left * unit, unit, run_id) for kind, held in ordered),
        round(left * unit, 2),
        dict(totals),
        tuple((change, cause, n) for (change, cause), n in counts.items()),
    )


def _bar(kind: str, held: Mapping[str, int], zero: float, unit: float, run_id: int) -> ChangeBar:
    new, changed, gone = held["new"], held["changed"], held["gone"]
    href = table_url([("claim_type", kind), ("new_since_run", run_id - 1)]) if kind != "no longer held" and new else f"/runs/{run_id}"
    return ChangeBar(
        claim_type=kind,
        new=new,
        changed=changed,
        gone=gone,
        new_width=round(new * unit, 2),
        changed_x=round(zero + new * unit, 2),
        changed_width=round(changed * unit, 2),
        gone_x=round(zero - gone * unit, 2),
        gone_width=round(gone * unit, 2),
        href=href,
    )


def last_finished(store: Store) -> Run | None:
    """Return the last run that ended well, or None."""
    return next((run for run in reversed(store.runs()) if run.outcome and run.outcome != "failed"), None)


def line(store: Store, run: Run, counts: Mapping[int, Mapping[tuple[str, str], int]]) -> RunLine:
    """Return a run with what it did."""
    changes = Counter(dict.fromkeys(CHANGES, 0))
    for (change, _), n in counts.get(run.id, {}).items():
        changes[change] += n
    return RunLine(run, _seconds(run), dict(changes), len(store.aside(run.id)))


def _seconds(run: Run) -> float | None:
    if not run.finished:
        return None
    return (datetime.fromisoformat(run.finished) - datetime.fromisoformat(run.started)).total_seconds()


def runs(site: Site, request: Request) -> Response:
    """List the runs, the last first."""
    with site.reading() as store:
        every = list(reversed(store.runs()))
        counts = site.database.kept(store, "change counts", lambda: store_web.change_counts(store))
        return site.page(
            request,
            "runs.html.j2",
            title="Runs",
            here="runs",
            store=store,
            lines=[line(store, run, counts) for run in every[:RUNS]],
            left_out=max(0, len(every) - RUNS),
            sources=store.sources(),
            lost=len(store.curations_without_row()),
        )


def run(site: Site, request: Request) -> Response:
    """Show what one run did."""
    number = run_number(request.path_params["run_id"])
    change = request.query_params.get("change", "")
    at = run_number(request.query_params.get("page", "1") or "1") or 1
    with site.reading() as store:
        found = next((item for item in store.runs() if item.id == number), None)
        if found is None or change not in ("", *CHANGES):
            raise NotFound(f"there is no run {number}" if found is None else "rows of a run are new, changed or gone")
        total, changes = store_web.changes_page(store, number, change or None, PER_PAGE, (at - 1) * PER_PAGE)
        address = [("change", change)] if change else []
        return site.page(
            request,
            "run.html.j2",
            title=f"Run {number}",
            here="runs",
            store=store,
            line=line(store, found, store_web.change_counts(store, number)),
            plot=change_plot(store, number),
            changes=changes,
            change=change,
            total=total,
            page=at,
            pages=max(1, -(-total // PER_PAGE)),
            page_url=lambda to: with_query(f"/runs/{number}", [*address, ("page", to)]),
            aside=store.aside(number),
            others=[item.id for item in store.runs()],
        )


def run_number(text: str) -> int:
    """Return the number of a run or page; raise NotFound on what is none."""
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise NotFound("there is no such run")
    return int(text)


def changes(site: Site, request: Request) -> Response:
    """Show what became different after a run, whatever happened in between."""
    since = run_number(request.query_params.get("since", "0") or "0")
    at = run_number(request.query_params.get("page", "1") or "1") or 1
    with site.reading() as store:
        known = [item.id for item in store.runs() if item.outcome]
        if since and since not in known:
            raise NotFound(f"there is no run {since} that ended")
        diff = site.database.kept(store, ("diff", since), lambda: compare(store, since), alone=True)
        return site.page(
            request,
            "changes.html.j2",
            title=f"Since run {since}" if since else "Since the beginning",
            here="runs",
            store=store,
            diff=diff,
            rows=diff.rows[(at - 1) * PER_PAGE : at * PER_PAGE],
            page=at,
            pages=max(1, -(-len(diff.rows) // PER_PAGE)),
            page_url=lambda to: with_query("/changes", [("since", since), ("page", to)]),
            others=known,
        )
