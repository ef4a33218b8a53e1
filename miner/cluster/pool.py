"""Workers as processes of this machine: a dead one's shard is run again, a late one's is run beside it."""

from __future__ import annotations

import multiprocessing
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress

from miner.cluster.parts import Facts
from miner.cluster.shard import Task, mine_shard

TRIES = 4  # one more than it takes to find out a record that kills its worker, and to leave it out
LATE = 3.0  # times the median of those done, before a shard is run a second time on a worker that has nothing to do
TASKS_A_WORKER = 64  # then a new process, so that no memory grows

Done = Callable[[Task, Facts | Exception], None]


class Pool:
    """Up to ``workers`` processes, each with a pipeline of its own."""

    def __init__(self, workers: int, *, work: Callable[[Task], Facts] = mine_shard) -> None:
        self.workers = max(1, workers)
        self.work = work

    def run(self, tasks: Sequence[Task], done: Done) -> None:
        """Run every task, the largest file first, and tell of each once how it ended."""
        left = sorted(tasks, key=lambda task: task.shard.stat().st_size, reverse=True)
        while left:
            suspects, left = _Round(self.work, self.workers, left, done).run()
            for task in suspects:
                with suppress(OSError):
                    task.journal.unlink()  # a mate's death ended the worker, perhaps over a record that does no harm
                self._alone(task, done)

    def _alone(self, task: Task, done: Done) -> None:
        """Run a shard that may have ended its worker in a process of its own."""
        for _ in range(TRIES):
            died, _ = _Round(self.work, 1, [task], done).run()
            if not died:
                return
        done(task, RuntimeError(f"the worker ended {TRIES} times over this file"))


class _Round:
    """One pool of processes: it lasts until all is done, or until one of them dies and takes the pool with it."""

    def __init__(self, work: Callable[[Task], Facts], workers: int, tasks: Sequence[Task], done: Done) -> None:
        self.work, self.workers, self.done = work, workers, done
        self.waiting = list(tasks)
        self.running: dict[Future[Facts], tuple[Task, float]] = {}
        self.ended: set[Task] = set()
        self.seconds: list[float] = []

    def run(self) -> tuple[list[Task], list[Task]]:
        """Run what can be run; return the tasks that were running when a worker died, and those that had not begun."""
        others = set(multiprocessing.active_children())
        context = multiprocessing.get_context("spawn")
        executor = ProcessPoolExecutor(self.workers, mp_context=context, max_tasks_per_child=TASKS_A_WORKER)
        try:
            self._fill(executor)
            while self._busy():
                finished, _ = wait(self.running, timeout=1.0, return_when=FIRST_COMPLETED)
                for future in finished:
                    self._finish(future)
                self._fill(executor)
        except BrokenProcessPool:
            pass
        finally:
            executor.shutdown(wait=False, cancel_futures=True)
            for worker in set(multiprocessing.active_children()) - others:
                worker.terminate()  # the slower twin of a late shard, or the mates of a worker that died
        return self._busy(), self.waiting

    def _busy(self) -> list[Task]:
        """The tasks that run and have not ended on another worker."""
        return [task for task in dict.fromkeys(task for task, _ in self.running.values()) if task not in self.ended]

    def _fill(self, executor: ProcessPoolExecutor) -> None:
        while self.waiting and len(self.running) < self.workers:
            task = self.waiting[0]
            self.running[executor.submit(self.work, task)] = (task, time.monotonic())
            self.waiting.pop(0)
        if not self.waiting and (late := self._late()):
            self.running[executor.submit(self.work, late)] = (late, time.monotonic())

    def _late(self) -> Task | None:
        """A shard that takes far longer than the others, where a worker has nothing to do and nobody runs it twice yet."""
        if not self.seconds or len(self.running) >= self.workers:
            return None
        limit, now = LATE * statistics.median(self.seconds) + 1.0, time.monotonic()
        runs = [task for task, _ in self.running.values()]
        return next((task for task, began in self.running.values() if now - began > limit and runs.count(task) == 1), None)

    def _finish(self, future: Future[Facts]) -> None:
        task, began = self.running[future]
        error = future.exception()
        if isinstance(error, BrokenProcessPool):
            raise error
        del self.running[future]
        if task in self.ended:
            return
        twin = any(other == task for other, _ in self.running.values())
        if error is None:
            self.seconds.append(time.monotonic() - began)
            self.done(task, future.result())
        elif twin or not isinstance(error, Exception):
            return
        else:
            self.done(task, error)
        self.ended.add(task)
