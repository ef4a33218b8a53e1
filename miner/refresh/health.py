"""Whether the evidence base is current, for a monitor."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from miner.errors import ConfigError
from miner.evidence.store import Run, Store
from miner.refresh.live import Standing

AHEAD_HOURS = 24  # by which clocks may differ
_AGE = re.compile(r"(\d+(?:\.\d+)?)\s*([dh]?)")


@dataclass(frozen=True, slots=True)
class Health:
    """How current a topic is.

    ``complete`` is up to when everything is held, ``asked`` up to when everything was asked for, ``waiting`` how many
    records were set aside and are asked for again; ``last`` tells the last run and how it ended.
    """

    topic: str
    complete: str | None
    asked: str | None
    waiting: int
    last_run: int | None
    last_outcome: str | None
    last_started: str | None
    last_error: str | None
    age_hours: float | None
    limit_hours: float
    stale: bool

    def text(self) -> str:
        """One line, as a monitor shows it."""
        age = "never complete" if self.age_hours is None else f"complete up to {self.complete}, {self.age_hours:.1f} hours ago"
        if self.age_hours is not None and self.age_hours < -AHEAD_HOURS:
            age = f"complete up to {self.complete}, which is still to come: the clock is wrong, or was (miner refresh --reconcile)"
        last = f"last run {self.last_run} {self.last_outcome}" if self.last_run else "no run yet"
        error = f" ({self.last_error})" if self.last_error else ""
        state = "STALE" if self.stale else "current"
        return f"{state}: {self.topic} {age} (limit {self.limit_hours:g} hours); {last}{error}; {self.waiting} records wait"

    def json(self) -> str:
        """The same as one JSON object."""
        return json.dumps(asdict(self), ensure_ascii=False)


def parse_age(text: str) -> float:
    """Return the hours of ``36h``, ``3d`` or ``3`` (days)."""
    found = _AGE.fullmatch(text.strip())
    if found is None:
        raise ConfigError(f"--max-age: {text!r} is no age; write 36h or 3d")
    return float(found[1]) * (1 if found[2] == "h" else 24)


def health(
    store: Store, topic: str, *, limit_hours: float, now: datetime.datetime | None = None, runs: Sequence[Run] | None = None
) -> Health:
    """Tell how current a topic is: by its watermark, or, where it is fed from files, by the last run that took all of them in.

    ``runs`` are all runs of the store, where they are at hand.
    """
    now = now or datetime.datetime.now(datetime.UTC)
    runs = [run for run in (store.runs() if runs is None else runs) if run.topic == topic and run.kind != "remine"]
    standing = Standing.of(store, topic)
    live = any(run.kind == "live" for run in runs)
    taken = [run.finished for run in runs if run.kind == "files" and run.outcome == "done" and run.finished]
    complete = standing.watermark if live or standing.watermark else (taken[-1] if taken else None)
    age = None if complete is None else (now - datetime.datetime.fromisoformat(complete)).total_seconds() / 3600
    last = runs[-1] if runs else None
    return Health(
        topic=topic,
        complete=complete,
        asked=standing.reached,
        waiting=len(standing.pending),
        last_run=last.id if last else None,
        last_outcome=last.outcome if last else None,
        last_started=last.started if last else None,
        last_error=str(last.counts["error"]) if last and last.counts.get("error") else None,
        age_hours=None if age is None else round(age, 2),
        limit_hours=limit_hours,
        stale=age is None or not -AHEAD_HOURS <= age <= limit_hours,
    )
