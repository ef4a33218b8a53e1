"""Mixtures of faults, drawn by a seed: after each run the table is as without faults, or the run failed and nothing moved."""

from __future__ import annotations

import random
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

from miner.errors import MinerError
from tests.http.bench import START, Bench
from tests.http.faults import FAULTS
from tests.http.mirrors import MirrorMixture
from tests.http.server import FakeNcbi
from tests.http.worlds import World, world

WORLDS = 24
RUNS = 3


@dataclass
class Told:
    """What became of the mixtures: runs by how they ended."""

    ends: dict[str, int] = field(default_factory=dict)

    def add(self, end: str) -> None:
        self.ends[end] = self.ends.get(end, 0) + 1


@dataclass(frozen=True)
class Prepared:
    """A world with the database of a clean first run, and what clean runs make of its later state."""

    world: World
    folder: Path
    days: int
    before: str
    expected: str


class Mixtures:
    """Plays mixtures in a folder, against one server."""

    def __init__(self, folder: Path, server: FakeNcbi) -> None:
        sys.setswitchinterval(0.0002)  # server and client share a process and wait for each other
        self.folder = folder
        self.server = server
        self.told = Told()
        self._prepared: dict[int, Prepared] = {}

    def play(self, seed: int) -> None:
        """Play one mixture, every eighth of a mirror; AssertionError where something was lost, doubled or silent."""
        if seed % 8 == 7:
            mirror = MirrorMixture(self.folder, seed)
            mirror.play()
            for end in mirror.ends:
                self.told.add(end)
            return
        chance = random.Random(seed)
        prepared = self._prepare(seed % WORLDS)
        bench = self._bench(self.folder / f"mix{seed}", prepared)
        before, watermark = prepared.before, bench.watermark()
        self._draw(chance)
        for _ in range(chance.randint(1, RUNS)):
            end = self._run(bench, seed)
            if end == "done":
                shutil.rmtree(bench.folder)
                return
            assert bench.watermark() == watermark, f"seed {seed}: the run ended with {end} and the watermark moved"
            now = bench.exported()
            assert end == "3" or now == before, f"seed {seed}: the run ended with {end} and changed the table"
            before = now
        self._settle(bench, seed)
        assert bench.exported() == prepared.expected, f"seed {seed}: the table differs from that of clean runs"
        shutil.rmtree(bench.folder)

    def _run(self, bench: Bench, seed: int) -> str:
        """Run once; return ``done`` or the exit code. A run that says done must have made the table of clean runs."""
        try:
            report = bench.live(self.server, window=0.001)
        except MinerError as error:
            assert error.exit_code in (75, 78), f"seed {seed}: {error!r}"
            self.told.add(str(error.exit_code))
            return str(error.exit_code)
        end = "done" if report.outcome == "done" else "3"
        if end == "done":
            expected = self._prepared[seed % WORLDS].expected
            assert bench.exported() == expected, f"seed {seed}: a run said done and its table differs from that of clean runs"
            assert report.watermark_after == bench.watermark() != report.watermark_before, f"seed {seed}: done and no watermark moved"
        self.told.add(end)
        return end

    def _settle(self, bench: Bench, seed: int) -> None:
        self.server.reset()
        bench.change(deadline=60.0, timeout=20.0)
        for _ in range(RUNS):
            bench.later(minutes=1)
            if bench.live(self.server, window=0.001).outcome == "done":
                return
        raise AssertionError(f"seed {seed}: the faults are over and the job does not come to its end")

    def _draw(self, chance: random.Random) -> None:
        names = sorted(FAULTS)
        density = chance.choice((0.15, 0.4, 0.7))
        self.server.reset()
        self.server.plan = [chance.choice(names) if chance.random() < density else None for _ in range(chance.randint(1, 14))]
        self.server.stay = chance.choice(names) if chance.random() < 0.1 else None

    def _bench(self, folder: Path, prepared: Prepared) -> Bench:
        shutil.copytree(prepared.folder, folder)
        self.server.records = {fake.pmid: fake for fake in prepared.world.after}
        bench = self._fresh(folder)
        bench.later(days=prepared.days)
        return bench

    def _fresh(self, folder: Path) -> Bench:
        folder.mkdir(exist_ok=True)
        bench = Bench(folder)
        bench.change(timeout=0.05, deadline=0.12, batch_size=3, cache_dir=self.folder / "cache")
        return bench

    def _prepare(self, number: int) -> Prepared:
        """Run a world cleanly, its first state and its later one; in every other one the whole set is compared."""
        if number in self._prepared:
            return self._prepared[number]
        drawn, days, base = world(number), 31 if number % 2 else 1, self.folder / f"world{number}"
        self.server.reset()
        self.server.records = {fake.pmid: fake for fake in drawn.before}
        first = self._fresh(base)
        first.change(deadline=20.0, timeout=5.0)
        assert (first.live(self.server).outcome, first.moment) == ("done", START)
        clean = self._bench(self.folder / f"clean{number}", Prepared(drawn, base, days, "", ""))
        clean.change(deadline=20.0, timeout=5.0)
        self._settle(clean, -number)
        self._prepared[number] = Prepared(drawn, base, days, first.exported(), clean.exported())
        return self._prepared[number]
