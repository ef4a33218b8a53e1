"""All shards to parts, then parts into the database: the job that a command or a scheduler starts."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Protocol

from miner.cluster import parts
from miner.cluster.merging import PartMiner, PartReader
from miner.cluster.shard import RECORD_SECONDS, Task
from miner.config import Settings, Topic
from miner.errors import PartialError
from miner.refresh import RunReport
from miner.refresh.job import refresh, source_version, use_rules
from miner.sources import file_digest, mirror, source_files

log = logging.getLogger(__name__)
OnProgress = Callable[[str, int, int | None], None]


class Workers(Protocol):
    """What runs tasks: a pool of this machine, or a cluster."""

    def run(self, tasks: Sequence[Task], done: Callable[[Task, parts.Facts | Exception], None]) -> None:
        """Run every task, and tell of each once how it ended."""
        ...


@dataclass
class Outcome:
    """What became of the shards: the facts of each part in the order of the shards, and why others failed."""

    parts: dict[Path, parts.Facts] = field(default_factory=dict)
    failed: dict[Path, str] = field(default_factory=dict)
    resumed: int = 0
    seconds: float = 0.0
    run: RunReport | None = None

    def count(self, kind: str) -> int:
        """How many rows of a kind all parts hold together."""
        return sum(facts.counts.get(kind, 0) for facts in self.parts.values())

    def lines(self) -> list[str]:
        """The outcome in words."""
        read = self.count("record") + self.count("failed")
        seen = read + self.count("passed over") + self.count("rejected")
        rate = f", {seen / self.seconds:,.0f} a second" if self.seconds > 0 and len(self.parts) > self.resumed else ""
        lines = [
            f"{len(self.parts)} parts ({self.resumed} were there) in {self.seconds:.1f} s: {seen:,} records{rate}",
            f"mined {read:,} · relevant {self.count('relevant'):,} · evidence rows {self.count('evidence'):,} · "
            f"set aside {self.count('failed') + self.count('rejected')} · deletions {self.count('deleted')}",
        ]
        return [*lines, *(f"{shard.name} failed: {reason}" for shard, reason in self.failed.items())]


def mine_shards(
    settings: Settings,
    topic: Topic,
    shards: Sequence[Path],
    folder: Path,
    workers: Workers,
    *,
    into: Path | None = None,
    record_seconds: int = RECORD_SECONDS,
    on_progress: OnProgress = lambda what, done, total: None,
) -> Outcome:
    """Mine files, each into a part in ``folder``, and merge the parts into the database ``into`` where one is named.

    A part that is there, of the same content and by the same rules, is not mined again. Nothing is merged unless every
    shard has its part. Merging is a run of ``refresh`` that takes readings and claims out of the parts: the rows, and the
    bytes of every export, are those of a run without parts.

    Raises
    ------
    ConfigError
        A rule file of the user's does not compile; nothing was mined.
    PartialError
        Shards failed; their parts are missing, those of the others are kept, and the same command goes on from there.
    """
    began = time.perf_counter()
    tasks = _tasks(settings, topic, shards, folder, record_seconds)
    there = {task: facts for task in tasks if (facts := _held(task))}
    outcome = Outcome(resumed=len(there))
    told: dict[Path, parts.Facts] = {}

    def done(task: Task, facts: parts.Facts | Exception) -> None:
        if isinstance(facts, Exception):
            outcome.failed[task.shard] = " ".join(f"{type(facts).__name__}: {facts}".split())
            log.error("%s failed: %s", task.shard, outcome.failed[task.shard])
        else:
            told[task.shard] = facts
            log.info("%s: %s", task.shard.name, ", ".join(f"{count} {kind}" for kind, count in sorted(facts.counts.items())))
        on_progress("shards", len(told) + len(outcome.failed), len(tasks))

    for task, facts in there.items():
        done(task, facts)
    if left := [task for task in tasks if task not in there]:
        workers.run(left, done)
    outcome.parts = {task.shard: told[task.shard] for task in tasks if task.shard in told}
    outcome.seconds = time.perf_counter() - began
    if outcome.failed:
        raise PartialError(f"{len(outcome.failed)} of {len(tasks)} shards failed; run again to go on\n  " + "\n  ".join(outcome.lines()))
    if into is not None:
        outcome.run = _merge(settings, topic, tasks, into, on_progress)
    return outcome


def _tasks(settings: Settings, topic: Topic, shards: Iterable[Path], folder: Path, record_seconds: int) -> list[Task]:
    use_rules(settings)
    version = source_version(settings, topic)
    made = partial(
        Task,
        topic=settings.topic,
        topic_dirs=tuple(settings.topic_dirs),
        lexicon_dirs=tuple(settings.lexicon_dirs),
        rule_dirs=tuple(settings.rule_dirs),
        models=settings.models,
        version=version,
        record_seconds=record_seconds,
    )
    files = dict.fromkeys(path for shard in shards for path in _files(shard))
    digests = {path: file_digest(path) for path in files}
    return [made(path, digest, parts.part_path(folder, path.name, digest)) for path, digest in digests.items()]


def _files(shard: Path) -> Iterator[Path]:
    """The files of a shard in the order in which they apply; those of a mirror are held against their MD5 first."""
    if not mirror.is_mirror(shard):
        yield from source_files(shard)
        return
    for file in mirror.mirror_files(shard):
        mirror.check_sum(file)
        yield file.path


def _held(task: Task) -> parts.Facts | None:
    """What the part of a task says of itself, where it is there and of this content and these rules."""
    held = parts.facts(task.part)
    return held if held and (held.digest, held.version) == (task.digest, task.version) else None


def _merge(settings: Settings, topic: Topic, tasks: Sequence[Task], into: Path, on_progress: OnProgress) -> RunReport:
    miner = PartMiner(topic, settings.lexicon_dirs, settings.models)
    reader = PartReader({task.shard: task.part for task in tasks}, miner)
    shards = [task.shard for task in tasks]
    return refresh(replace(settings, db=into), topic, sources=shards, miner=miner, reader=reader, on_progress=on_progress)
