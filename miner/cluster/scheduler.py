"""Workers of a Dask cluster: any scheduler that `distributed` reaches, on one machine or on many.

Shards and parts must lie where every worker sees them, under the same paths.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from miner.cluster.parts import Facts
from miner.cluster.pool import TRIES, Done
from miner.cluster.shard import Task, mine_shard
from miner.errors import ConfigError, UpstreamError

CONNECT_SECONDS = 30


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
                left = self._round(client, left, done, last=attempt == TRIES)

    def _round(self, client: Any, tasks: Sequence[Task], done: Done, *, last: bool) -> list[Task]:
        from distributed import KilledWorker, as_completed

        futures = {client.submit(self.work, task, key=f"{task.part.name}-{id(tasks)}", pure=False): task for task in tasks}
        again = []
        for future in as_completed(list(futures)):  # type: ignore[no-untyped-call]
            task, error = futures[future], future.exception()
            if isinstance(error, KilledWorker) and not last:
                again.append(task)
            else:
                done(task, future.result() if error is None else error)
        return again
