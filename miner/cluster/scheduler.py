"""Workers of a Dask cluster: any scheduler that `distributed` reaches, on one machine or on many.

Shards and parts must lie where every worker sees them, under the same paths.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from miner.cluster.parts import Facts
from miner.cluster.pool import TRIES, Done, Pace
from miner.cluster.shard import Task, mine_shard
from miner.errors import ConfigError, UpstreamError

CONNECT_SECONDS = 30
POLL_SECONDS = 1.0


class Cluster:
    """The workers behind a Dask scheduler, named by its address (``tcp://host:8786``)."""

    def __init__(self, address: str, *, work: Callable[[Task], Facts] = mine_shard) -> None:
        self.address, self.work = address, work

    def run(self, tasks: Sequence[Task], done: Done) -> None:
        """Run every task, the largest file first, and tell of each once how it ended; a dead worker's shard is run again."""
        try:
            from distributed import Client
        except ImportError as error:
            raise ConfigError("a Dask scheduler needs dask: pip install 'ntrk-miner[cluster]'") from error
        try:
            client: Any = Client(self.address, timeout=CONNECT_SECONDS, set_as_default=False)  # type: ignore[no-untyped-call]
        except (OSError, TimeoutError, ValueError) as error:
            raise UpstreamError(f"the scheduler at {self.address} does not answer: {error}") from error
        with client, client.as_current():
            left = sorted(tasks, key=lambda task: task.shard.stat().st_size, reverse=True)
            for attempt in range(1, TRIES + 1):
                left = _Round(client, self.work, left, done, last=attempt == TRIES).run()


class _Round:
    """One pass over the shards: as many at once as there are workers; a late one is run a second time on an idle worker."""

    def __init__(self, client: Any, work: Callable[[Task], Facts], tasks: Sequence[Task], done: Done, *, last: bool) -> None:
        self.client, self.work, self.done, self.last = client, work, done, last
        self.waiting = list(tasks)
        self.running: dict[Any, tuple[Task, float]] = {}
        self.ended: set[Task] = set()
        self.again: list[Task] = []
        self.pace = Pace()

    def run(self) -> list[Task]:
        """Run all; return the shards whose workers were killed."""
        from distributed import wait

        while self.waiting or self.running:
            self._fill()
            with suppress(TimeoutError):
                wait(list(self.running), timeout=POLL_SECONDS, return_when="FIRST_COMPLETED")  # type: ignore[no-untyped-call]
            for future in [future for future in self.running if future.done()]:
                self._finish(future)
        return self.again

    def _fill(self) -> None:
        idle = [worker for worker, keys in self.client.processing().items() if not keys]
        room = max(1, sum(self.client.nthreads().values())) - len(self.running)
        for task in self.waiting[: max(0, room)]:
            self._submit(task)
        self.waiting = self.waiting[max(0, room) :]
        if not self.waiting and idle and room > 0:
            runs, now = [task for task, _ in self.running.values()], time.monotonic()
            late = (task for task, began in self.running.values() if runs.count(task) == 1 and self.pace.is_late(task, now - began))
            if found := next(late, None):
                self._submit(found, workers=idle)

    def _submit(self, task: Task, **where: Any) -> None:
        key = f"{task.part.name}-{uuid.uuid4().hex[:8]}"
        self.running[self.client.submit(self.work, task, key=key, pure=False, **where)] = (task, time.monotonic())

    def _finish(self, future: Any) -> None:
        from distributed import KilledWorker

        task, began = self.running.pop(future, (None, 0.0))
        if task is None or task in self.ended:
            return
        error = future.exception()
        twins = [other for other, (same, _) in self.running.items() if same == task]
        if error is not None and twins:
            return
        self.ended.add(task)
        if isinstance(error, KilledWorker) and not self.last:
            self.again.append(task)
            return
        self.pace.ended(time.monotonic() - began)
        self.done(task, future.result() if error is None else error)
        self.client.cancel(twins)
        for twin in twins:
            self.running.pop(twin)
