"""Workers as processes of this machine: a dead one's shard is run again, a late one's is run beside it."""

from __future__ import annotations

import multiprocessing
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool

from miner.cluster.parts import Facts
from miner.cluster.shard import Task, mine_shard

TRIES = 4  # one more than a record that kills its worker needs to be found out and left out
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
        tries = dict.fromkeys((task.part for task in left), 0)
        if self.workers == 1 and self.work is mine_shard and len(left) == 1:
            done(left[0], _here(left[0]))
            return
        while left:
            left = _Round(self, left, done).run()
            for task in left:
                tries[task.part] += 1
            spent = [task for task in left if tries[task.part] >= TRIES]
            for task in spent:
                done(task, RuntimeError(f"the worker ended {TRIES} times over this file"))
            left = [task for task in left if task not in spent]


def _here(task: Task) -> Facts | Exception:
    try:
        return mine_shard(task)
    except Exception as error:
        return error


class _Round:
    """One pool of processes: it lasts until all is done, or until one of them dies and takes the pool with it."""

    def __init__(self, pool: Pool, tasks: Sequence[Task], done: Done) -> None:
        self.pool, self.done = pool, done
        self.waiting = list(tasks)
        self.running: dict[Future[Facts], tuple[Task, float]] = {}
        self.ended: set[Task] = set()
        self.seconds: list[float] = []

    def run(self) -> list[Task]:
        """Run what can be run; return the tasks over which a worker died."""
        others = set(multiprocessing.active_children())
        context = multiprocessing.get_context("spawn")
        executor = ProcessPoolExecutor(self.pool.workers, mp_context=context, max_tasks_per_child=TASKS_A_WORKER)
        try:
            self._fill(executor)
            while self.running:
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
        return self._unfinished()

    def _unfinished(self) -> list[Task]:
        running = [task for task, _ in self.running.values()]
        return [task for task in dict.fromkeys([*running, *self.waiting]) if task not in self.ended]

    def _fill(self, executor: ProcessPoolExecutor) -> None:
        while self.waiting and len(self.running) < self.pool.workers:
            task = self.waiting[0]
            self.running[executor.submit(self.pool.work, task)] = (task, time.monotonic())
            self.waiting.pop(0)
        if not self.waiting and (late := self._late()):
            self.running[executor.submit(self.pool.work, late)] = (late, time.monotonic())

    def _late(self) -> Task | None:
        """A shard that takes far longer than the others, where a worker has nothing to do and nobody runs it twice yet."""
        if not self.seconds or len(self.running) >= self.pool.workers:
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
