"""The whole job against a server that misbehaves: every fault alone, passing and staying, and mixtures drawn by a seed."""

from __future__ import annotations

import datetime
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from miner.errors import MinerError
from miner.refresh import job
from tests.http.bench import Bench, fast_folder, fused
from tests.http.faults import FAULTS
from tests.http.mixtures import Mixtures
from tests.http.server import FakeNcbi

MIXTURES = int(os.environ.get("SOAK_MIXTURES", "2000"))
PARTS = 8
JUNE = datetime.date(2024, 6, 9)
MAY = datetime.date(2024, 5, 1)


@pytest.fixture(autouse=True, scope="module")
def one_version() -> Iterator[None]:
    versions, surfaces = job.mining_versions(), job.Surfaces()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(job, "Surfaces", lambda folders: surfaces)
        patch.setattr(job, "mining_versions", lambda *_: versions)
        yield


@pytest.fixture(scope="module")
def server() -> Iterator[FakeNcbi]:
    with FakeNcbi() as running:
        yield running


class Case:
    """A database of a first run, a day old, before a server that has a revision, a retraction and an addition."""

    def __init__(self, folder: Path, server: FakeNcbi) -> None:
        self.server = server
        self.first = Bench(folder / "first")
        server.reset()
        server.records = {n: fused(n, created=MAY, changed=MAY, version=2) for n in range(1, 6)}
        self.first.live(server)
        server.records |= {
            2: fused(2, "An NTRK2 fusion after all.", created=MAY, changed=JUNE, version=2),
            3: fused(3, created=MAY, changed=JUNE, version=2, types=("Retracted Publication",), comments=(("RetractionIn", "9"),)),
            6: fused(6, created=JUNE, changed=JUNE, version=2),
        }
        self.watermark, self.before = self.first.watermark(), self.first.exported()
        clean = self.copy(folder / "clean")
        clean.live(server)
        self.expected = clean.exported()

    def copy(self, folder: Path) -> Bench:
        """A bench with a copy of the database, a day later."""
        shutil.copytree(self.first.folder, folder)
        self.server.reset()
        bench = Bench(folder)
        bench.later(days=1)
        return bench


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory, server: FakeNcbi) -> Case:
    folder = tmp_path_factory.mktemp("case")
    (folder / "first").mkdir()
    return Case(folder, server)


@pytest.fixture
def bench(case: Case, tmp_path: Path) -> Bench:
    return case.copy(tmp_path / "own")


SEARCHES = 2  # the requests of the job's second run: two searches, then the fetches
PASSES = sorted(set(FAULTS) - {"429 long", "no article", *(name for name, fault in FAULTS.items() if fault.stays == 78)})
PLACES = [
    (name, place)
    for name in PASSES
    for place in {None: (0, SEARCHES), "esearch.fcgi": (0, 1), "efetch.fcgi": (SEARCHES, SEARCHES + 1)}[FAULTS[name].utility]
]


@pytest.mark.parametrize(("name", "place"), PLACES)
def test_a_fault_that_passes_leaves_the_table_of_a_clean_run(case: Case, bench: Bench, server: FakeNcbi, name: str, place: int) -> None:
    bench.change(timeout=0.5)
    server.plan = [*[None] * place, name]
    report = bench.live(server)
    assert (report.outcome, bench.exported()) == ("done", case.expected)
    assert (report.watermark_before, report.watermark_after) == (case.watermark, "2024-06-11T03:00:00Z")
    assert report.retries == (FAULTS[name].stays != 0)


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_a_fault_that_stays_ends_in_its_exit_code_and_moves_nothing(case: Case, bench: Bench, server: FakeNcbi, name: str) -> None:
    server.stay = name
    bench.change(timeout=0.1, deadline=0.4)
    started = time.monotonic()
    try:
        report = bench.live(server)
        code = 3 if report.outcome == "partial" else 0
    except MinerError as error:
        code = error.exit_code
    assert code == FAULTS[name].stays
    assert time.monotonic() - started < 30  # a hang, not a slow machine
    if code == 0:
        assert (bench.watermark(), bench.exported()) == ("2024-06-11T03:00:00Z", case.expected)
        return
    assert bench.watermark() == case.watermark
    if code != 3:
        assert bench.exported() == case.before
    server.reset()
    bench.change(timeout=5.0, deadline=20.0)
    bench.later(minutes=5)
    assert (bench.live(server).outcome, bench.exported()) == ("done", case.expected)


@pytest.fixture(scope="module")
def mixtures(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mixtures]:
    folder = fast_folder() or str(tmp_path_factory.mktemp("mixtures"))
    logging.disable(logging.CRITICAL)  # some twenty thousand warnings, which pytest would keep
    with FakeNcbi() as running, tempfile.TemporaryDirectory(dir=folder) as scratch:
        yield Mixtures(Path(scratch), running)
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("part", range(PARTS))
def test_mixtures_of_faults_lose_nothing_and_keep_silent_about_nothing(mixtures: Mixtures, part: int) -> None:
    told = mixtures.told.ends
    before = sum(told.values())
    for seed in range(part * MIXTURES // PARTS, (part + 1) * MIXTURES // PARTS):
        mixtures.play(seed)
    assert sum(told.values()) - before >= MIXTURES // PARTS
    assert set(told) == {"done", "3", "65", "75", "78"}
