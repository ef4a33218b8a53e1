"""One run at a time on a database."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from miner.errors import LockedError, StoreError


@contextmanager
def run_lock(db: Path, *, since: str) -> Iterator[None]:
    """Hold the lock beside the database; a run that finds it taken is told by whom, and that nothing was done.

    The lock is the system's: it ends with the process that holds it, however that ends. Who holds it stands in a file
    of its own, since taking a lock may empty the file that is locked.
    """
    if not db.name or _is_folder(db):
        raise StoreError(f"{db} is a folder; name a database file with --db")
    lock = FileLock(f"{db}.lock")
    owner = db.with_name(db.name + ".owner")
    try:
        db.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        raise LockedError(f"{db} is being refreshed by {_holder(owner)}; nothing was done") from None
    except OSError as error:
        told = f"the lock beside {db} cannot be made: {error.strerror or error}"
        raise StoreError(f"{told}; let the folder be written, or name another database with --db") from error
    try:
        with suppress(OSError):
            owner.write_text(json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": since}), encoding="utf-8")
        yield
    finally:
        with suppress(OSError):
            owner.unlink()
        lock.release()


def _is_folder(path: Path) -> bool:
    with suppress(OSError):
        return path.is_dir()
    return False


def _holder(owner: Path) -> str:
    try:
        held = json.loads(owner.read_text(encoding="utf-8"))
        return f"process {held['pid']} on {held['host']} since {held['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
