"""Workers as processes of this machine: a dead one's shard is run again, a late one's is run beside it.

Where the system can, they are forked from one process that has loaded everything (a fork server), so that the next worker,
also the one in place of a dead one, begins at once and shares the memory of the lexicon.
"""

from __future__ import annotations

import logging
import multiprocessing
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing.context import BaseContext

from miner import rule_files
from miner.cluster.parts import Facts
from miner.cluster.shard import Task, mine_shard

TRIES = 4  # one more than it takes to find out a record that kills its worker, and to leave it out
LATE = 3.0  # times the median of those done, before a shard is run a second time on a worker that has nothing to do
TASKS_A_WORKER = 64  # then a new process, so that no memory grows

log = logging.getLogger(__name__)
Done = Callable[[Task, Facts | Exception], None]


def _context() -> BaseContext:
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    if not rule_files.own():  # what is loaded beforehand has the package's rules
        context.set_forkserver_preload(["miner.cluster.warm"])
    return context


class Pace:
    """How long shards take: tells which one takes far longer than the others."""

    def __init__(self) -> None:
        self._seconds: list[float] = []

    def ended(self, seconds: float) -> None:
        """Note how long a shard took."""
        self._seconds.append(seconds)

    def is_late(self, task: Task, seconds: float) -> bool:
        """Tell whether a shard that runs for so long is late, and say so aloud."""
        if not self._seconds:
            return False
        usual = statistics.median(self._seconds)
        late = seconds > LATE * usual + 1.0
        if late:
            log.warning("%s runs for %.0f s, others took %.0f; it is run a second time beside itself", task.shard.name, seconds, usual)
        return late


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
        self.pace = Pace()

    def run(self) -> tuple[list[Task], list[Task]]:
        """Run what can be run; return the tasks that were running when a worker died, and those that had not begun."""
        others = set(multiprocessing.active_children())
        executor = ProcessPoolExecutor(self.workers, mp_context=_context(), max_tasks_per_child=TASKS_A_WORKER)
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
        """A shard that is late, where a worker has nothing to do and nobody runs it twice yet."""
        if len(self.running) >= self.workers:
            return None
        now, runs = time.monotonic(), [task for task, _ in self.running.values()]
        single = ((task, now - began) for task, began in self.running.values() if runs.count(task) == 1 and task not in self.ended)
        return next((task for task, seconds in single if self.pace.is_late(task, seconds)), None)

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
            self.pace.ended(time.monotonic() - began)
            self.done(task, future.result())
        elif twin or not isinstance(error, Exception):
            return
        else:
            self.done(task, error)
        self.ended.add(task)
