"""What the workers of the tests do in place of mining: they must be importable by a process of their own."""

import os
import signal
import time
from pathlib import Path

from miner.cluster import parts, shard
from miner.cluster.parts import Facts
from miner.cluster.shard import Task

os.fsync = lambda fd: None  # a busy disk takes a second for each, and no test cuts the power


def once(task: Task, name: str) -> bool:
    """True the first time that any process asks."""
    try:
        os.close(os.open(task.part.parent / f"{task.shard.name}.{name}", os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True


def listed(task: Task) -> Facts:
    """Write a part that holds the lines of the shard."""
    rows = ({"kind": "deleted", "pmid": line, "relevant": None, "evidence": None} for line in task.shard.read_text().split())
    return parts.write(task.part, rows, Facts(task.shard.name, task.digest, task.version))


def dies_once(task: Task) -> Facts:
    """End the worker by SIGKILL the first time that it has the shard named ``b``."""
    task.part.parent.mkdir(parents=True, exist_ok=True)
    if task.shard.stem == "b" and once(task, "died"):
        os.kill(os.getpid(), signal.SIGKILL)
    return listed(task)


def always_dies(task: Task) -> Facts:
    """End the worker by SIGKILL whenever it has the shard named ``b``."""
    if task.shard.stem == "b":
        os.kill(os.getpid(), signal.SIGKILL)
    return listed(task)


def fails(task: Task) -> Facts:
    """Raise over the shard named ``b``."""
    if task.shard.stem == "b":
        raise ValueError("no such thing")
    return listed(task)


def late_once(task: Task) -> Facts:
    """Take very long the first time over the shard named ``b``, which is the last to begin."""
    task.part.parent.mkdir(parents=True, exist_ok=True)
    if task.shard.stem == "b" and once(task, "late"):
        time.sleep(600)
    return listed(task)


def late_for_a_while(task: Task) -> Facts:
    """Take long the first time over the shard named ``b``, on a thread that nobody can end."""
    task.part.parent.mkdir(parents=True, exist_ok=True)
    if task.shard.stem == "b" and once(task, "late"):
        for _ in range(200):
            if task.part.exists():
                break
            time.sleep(0.1)
    return listed(task)


class Poison:
    """A miner in place of the pipeline: PMID 2 raises, 3 hangs, 4 ends the worker."""

    def __init__(self, miner: object, *, deadly: bool) -> None:
        self.miner, self.deadly = miner, deadly

    def __getattr__(self, name: str) -> object:
        return getattr(self.miner, name)

    def read(self, record: object) -> object:
        """Read a record, if it lets itself be read."""
        pmid = record.pmid  # type: ignore[attr-defined]
        if pmid == "2":
            raise KeyError("poison")
        if pmid == "3":
            time.sleep(600)
        if pmid == "4" and self.deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        return self.miner.read(record)  # type: ignore[attr-defined]


def poisoned(task: Task) -> Facts:
    """Mine with a miner that some records poison."""
    real, screen = shard.loaded(task.topic, task.topic_dirs, task.lexicon_dirs, task.models)
    shard.loaded = lambda *_: (Poison(real, deadly=True), screen)  # type: ignore[assignment,return-value]
    return shard.mine_shard(task)


def busy_path(part: Path) -> Path:
    """Where the journal of a part lies."""
    return part.with_name(f".{part.name}.busy")
