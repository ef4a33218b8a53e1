"""What a run did, in numbers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

UNCOUNTED = (
    "topic",
    "kind",
    "outcome",
    "run_id",
    "started",
    "finished",
    "interval",
    "watermark_before",
    "watermark_after",
    "reached",
    "error",
    "seconds",
    "aside",
)


@dataclass
class RunReport:
    """Every number of one run.

    ``outcome`` is ``done``, ``partial`` (records were set aside; ``aside`` tells source, identifier and reason) or
    ``unchanged`` (nothing was written and there is no run row). ``read`` counts records parsed, ``skipped`` those that
    the pre-screen passed over, ``older`` those of which a newer state is held, ``irrelevant`` those that were mined and
    do not matter to the topic. ``claims`` and ``evidence`` are of the records kept. ``seconds`` is by stage. ``whole`` is 1
    where the whole set was compared, ``reached`` up to when all was asked for.
    """

    topic: str
    kind: str
    started: str
    outcome: str = "done"
    run_id: int | None = None
    finished: str = ""
    sources: int = 0
    sources_seen: int = 0
    read: int = 0
    skipped: int = 0
    older: int = 0
    mined: int = 0
    irrelevant: int = 0
    new: int = 0
    changed: int = 0
    same: int = 0
    deleted: int = 0
    set_aside: int = 0
    claims: int = 0
    evidence: int = 0
    promised: int = 0
    fetched: int = 0
    requests: int = 0
    retries: int = 0
    bytes: int = 0
    interval: str = ""
    watermark_before: str | None = None
    watermark_after: str | None = None
    reached: str = ""
    whole: int = 0
    error: str = ""
    seconds: dict[str, float] = field(default_factory=dict)
    aside: list[tuple[str, str, str]] = field(default_factory=list)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the time spent inside to a stage."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - start

    def counts(self) -> dict[str, int | float | str]:
        """Return what the ``runs`` table keeps: every count, the interval, and the seconds by stage."""
        numbers = {name: value for name, value in vars(self).items() if name not in UNCOUNTED}
        stages = {f"seconds_{stage}": round(spent, 3) for stage, spent in self.seconds.items()}
        words = {name: getattr(self, name) for name in ("interval", "reached", "error") if getattr(self, name)}
        return {**numbers, **stages, **words}

    def facts(self) -> dict[str, int | float | str | None]:
        """Return the run as a log line has it: which it was, how it ended, every count that is not zero."""
        names = ("run_id", "topic", "kind", "outcome", "started", "finished", "watermark_before", "watermark_after")
        return {**{name: getattr(self, name) for name in names}, **{name: value for name, value in self.counts().items() if value}}

    def add(self, other: RunReport) -> None:
        """Count another run of the same job in."""
        for name, value in vars(other).items():
            if isinstance(value, int) and name not in UNCOUNTED and name not in ("sources", "sources_seen", "whole"):
                setattr(self, name, getattr(self, name) + value)
        for stage, spent in other.seconds.items():
            self.seconds[stage] = self.seconds.get(stage, 0.0) + spent
        self.aside += other.aside
        self.run_id, self.finished = other.run_id, other.finished
        self.outcome = "partial" if "partial" in (self.outcome, other.outcome) else other.outcome

    def lines(self) -> list[str]:
        """Return the run in words, for a terminal."""
        if self.outcome == "unchanged" and self.kind == "remine":
            return ["unchanged: every record was read by the present rules and lexicons, nothing written"]
        if self.outcome == "unchanged":
            return [f"unchanged: {_many(self.sources, 'source')} taken in before, nothing written"]
        lines = [
            f"run {self.run_id} · {self.topic} · {self.kind} · {self.outcome} in {sum(self.seconds.values()):.1f} s ({self._stages()})"
        ]
        if self.promised or self.fetched:
            lines.append(f"PubMed names {self.promised:,} records · fetched {self.fetched:,} · {_many(self.requests, 'request')}")
        lines += [
            f"read {self.read:,} · passed over {self.skipped:,} · mined {self.mined:,} · irrelevant {self.irrelevant:,}",
            f"records: new {self.new:,} · changed {self.changed:,} · same {self.same:,} · older {self.older:,}",
            f"withdrawn {self.deleted:,} · set aside {self.set_aside:,}",
            f"from them: {self.claims:,} claims · {self.evidence:,} evidence rows",
        ]
        if self.reached and self.watermark_after != self.reached:
            lines.append(f"complete up to {self.watermark_after or 'nothing yet'}; what is set aside is asked for again by the next run")
        return lines + [f"set aside: {identifier} of {source}: {reason}" for source, identifier, reason in self.aside[:20]]

    def _stages(self) -> str:
        return " · ".join(f"{stage} {spent:.1f}" for stage, spent in self.seconds.items())


def _many(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
