"""A bench for the whole job: a folder with a database, a miner that reads one kind of sentence, a clock that stands still."""

from __future__ import annotations

import datetime
import gzip
import hashlib
import io
import os
import re
from pathlib import Path
from typing import Any

import requests

from miner.config import Settings, load_topic
from miner.evidence.export import export
from miner.evidence.store import Store
from miner.refresh import RunReport, refresh
from miner.schema import Alteration, Claim, ClaimType, Label, Mention, Mined, Reading, Record, Sentence, StudyType
from miner.sources.eutils import Eutils
from tests.http.records import Fake, document
from tests.http.server import FakeNcbi

TOPIC = load_topic("ntrk-nsclc")
START = datetime.datetime(2024, 6, 10, 3, 0, tzinfo=datetime.UTC)
FUSED = "An NTRK1 fusion drives this tumour."
OTHER = "Breath and exercise with a pulmonary test in healthy adults without lung cancer; ROS were measured."


def fast_folder() -> str | None:
    """A folder in memory for tests that write a great deal, or None for the usual one."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


class Lexicon:
    """The part of a lexicon that the job asks."""

    def members(self, name: str) -> tuple[str, ...]:
        return (name,)

    def classes(self, drug: str) -> tuple[str, ...]:
        return ()


class Miner:
    """Reads ``GENE fusion`` as an alteration and as a claim that it drives; fails on the word BROKEN."""

    lexicon: Any = Lexicon()
    repeatable = False  # it counts

    def __init__(self) -> None:
        self.mined: list[str] = []

    def read(self, record: Record, /) -> Reading:
        return self._mine(record).reading

    def assertions(self, reading: Reading, /) -> Mined:
        self.mined.append(reading.record.id)
        return self._mine(reading.record)

    def _mine(self, record: Record) -> Mined:
        if "BROKEN" in record.text:
            raise RuntimeError("no head or tail")
        found = list(re.finditer(r"(NTRK\d) fusion", record.text))
        mentions = tuple(Mention(*m.span(), m[0], Label.ALTERATION, Alteration(m[1], "fusion")) for m in found)
        sentence = Sentence(0, len(record.text), 0, None, ((0, len(record.text)),))
        claims = tuple(
            Claim(ClaimType.DRIVER_ROLE, 0, len(record.text), "test", genes=(m[1],), spans=((0, len(record.text)),)) for m in found
        )
        return Mined(Reading(record, (sentence,), mentions), StudyType.OTHER, "E", claims)


class Bench:
    """A folder with a database, a miner and a clock that stands still until it is moved."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.miner = Miner()
        self.settings = Settings(
            db=folder / "evidence.db", cache_dir=folder / "cache", email="you@lab.org", batch_size=2, timeout=5.0, deadline=20.0
        )
        self.moment = START

    def xml(self, name: str, *fakes: Fake, deleted: tuple[int, ...] = ()) -> Path:
        content = document(fakes, deleted=deleted)
        path = self.folder / name
        path.write_bytes(gzip.compress(content, mtime=0) if name.endswith(".gz") else content)
        return path

    def refresh(self, *sources: Path, **more: Any) -> RunReport:
        return refresh(self.settings, TOPIC, sources=sources, miner=self.miner, clock=lambda: self.moment, **more)

    def change(self, **changes: Any) -> None:
        """Change settings."""
        self.settings = Settings(**{**vars(self.settings), **changes})

    def later(self, **time: float) -> None:
        """Move the clock on."""
        self.moment += datetime.timedelta(**time)

    def client(self, server: FakeNcbi, *, window: float = 0.01) -> Eutils:
        session = requests.Session()
        session.trust_env = False
        settings = Settings(**{**vars(self.settings), "base_url": server.url})
        return Eutils(settings, session=session, first_wait=0.002, longest_wait=0.02, window=window)

    def live(self, server: FakeNcbi, *, window: float = 0.01, **more: Any) -> RunReport:
        return self.refresh(eutils=self.client(server, window=window), **more)

    def held(self) -> dict[str, tuple[str, str, int]]:
        """PMID → (text, status, evidence rows)."""
        with Store.open(self.settings.db, readonly=True) as store:
            papers = [paper.pmid for paper in store.evidence()]
            return {r.id: (r.text, str(r.status), papers.count(r.id)) for r in store.records()}

    def exported(self) -> str:
        """The table as its exports give it, with the state of every record: what must come out the same."""
        with Store.open(self.settings.db, readonly=True) as store:
            out = io.StringIO()
            export(store, "jsonl", out)
            export(store, "tsv", out)
            return out.getvalue() + repr([(r.id, r.text, str(r.status), r.notices) for r in store.records()])

    def watermark(self) -> str | None:
        with Store.open(self.settings.db, readonly=True) as store:
            return store.watermark(TOPIC.name)

    def digest(self) -> str:
        return hashlib.sha256(self.settings.db.read_bytes()).hexdigest()


def fused(pmid: int, text: str = FUSED, **more: Any) -> Fake:
    return Fake(pmid, text, **more)
