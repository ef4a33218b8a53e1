"""What a live run has fetched and not yet stored: a folder beside the database, so that a run that was cut off goes on."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from miner.errors import StoreError

log = logging.getLogger(__name__)
FORM = 2


@dataclass(frozen=True)
class Plan:
    """What a run set out to fetch: PMIDs (never a handle of the server's), for which topic, and since when.

    ``base`` is up to when all had been asked for before it; ``whole`` tells that the whole set was compared. ``lost`` are
    PMIDs that are held and that the query no longer finds, ``gone`` those set aside before that PubMed no longer knows.
    """

    topic: str
    digest: str
    started: str
    base: str | None
    interval: str
    promised: int
    batches: tuple[tuple[str, ...], ...]
    whole: bool = False
    lost: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    form: int = FORM


@dataclass(frozen=True)
class Batch:
    """A batch as fetched: what was asked for, the XML, and the PMIDs that NCBI did not give."""

    pmids: tuple[str, ...]
    path: Path
    missing: tuple[str, ...]


class Spool:
    """Batches of a plan on disk; each is there wholly or not at all."""

    def __init__(self, db: Path) -> None:
        self.folder = db.with_name(db.name + ".spool")

    def plan(self, topic: str, digest: str) -> Plan | None:
        """Return the plan of a run that was cut off, if it was for this topic."""
        try:
            held = json.loads((self.folder / "plan.json").read_text(encoding="utf-8"))
            lists = {name: tuple(held[name]) for name in ("lost", "gone")}
            plan = Plan(**{**held, **lists, "batches": tuple(tuple(batch) for batch in held["batches"])})
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError) as error:
            log.warning("the plan of an earlier run cannot be read (%s); starting anew", error)
            return None
        return plan if (plan.topic, plan.digest, plan.form) == (topic, digest, FORM) else None

    def begin(self, plan: Plan) -> None:
        """Throw away what is there and keep a new plan."""
        self.clear()
        with _told(self.folder):
            self.folder.mkdir(parents=True)
        self._write("plan.json", json.dumps(asdict(plan)).encode())

    def fill(self, plan: Plan, fetch: Callable[[list[str], Callable[[str], None]], bytes]) -> Iterator[int]:
        """Fetch the batches that are not there yet; yield the number of records asked for so far."""
        done = 0
        for number, pmids in enumerate(plan.batches):
            if self._held(number) is None:
                missing: list[str] = []
                body = fetch(list(pmids), missing.append)
                beside = {"missing": missing, "sha256": hashlib.sha256(body).hexdigest()}
                self._write(self._path(number).name, body)
                self._write(self._path(number).with_suffix(".json").name, json.dumps(beside).encode())
            done += len(pmids)
            yield done

    def batches(self, plan: Plan) -> Iterator[Batch]:
        """Yield the batches in order."""
        for number, pmids in enumerate(plan.batches):
            missing = self._held(number)
            if missing is None:
                raise StoreError(f"{self._path(number)} was changed during the run; run again, what is damaged is fetched anew")
            yield Batch(pmids, self._path(number), missing)

    def _held(self, number: int) -> tuple[str, ...] | None:
        """Return what a batch misses, or None where it is not there as it was fetched."""
        path = self._path(number)
        try:
            beside = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
            if hashlib.sha256(path.read_bytes()).hexdigest() != beside["sha256"]:
                return None
            return tuple(beside["missing"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def clear(self) -> None:
        """Throw the spool away."""
        if self.folder.exists():
            with _told(self.folder):
                shutil.rmtree(self.folder)

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:06}.xml"

    def _write(self, name: str, content: bytes) -> None:
        part = self.folder / f"{name}.part"
        with _told(self.folder):
            with part.open("wb") as handle:
                handle.write(content)
                handle.flush()
                os.fsync(handle.fileno())
            os.replace(part, self.folder / name)


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(f"{folder} cannot be written: {error.strerror or error}") from error
