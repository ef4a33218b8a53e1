"""SIGKILL at random moments of a job: whatever stands then is a state between two transactions, and the next run goes on."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from miner.errors import MinerError, StoreError
from miner.evidence.store import Store
from miner.refresh import RunReport
from tests.http.bench import Bench
from tests.http.mixtures import Mixtures
from tests.http.records import document
from tests.http.server import FakeNcbi

LONGEST = 60.0


@dataclass
class Toll:
    """What the kills came to: kills, lives that came to their end, batches that were fetched again."""

    kills: int = 0
    lives: int = 0
    again: int = 0


class Kills:
    """Plays lives of a job: it is killed again and again until one run comes to its end."""

    def __init__(self, folder: Path, server: FakeNcbi) -> None:
        self.folder = folder
        self.server = server
        self.toll = Toll()
        self.mixtures = Mixtures(folder, server)
        self._span = 0.0

    def play(self, seed: int) -> None:
        """Play one life, of a first run, a second run or of a mirror by turns."""
        if not self._span:
            self._span = self._measure()
        life = (self._first, self._second, self._mirror)[seed % 3]
        life(seed, random.Random(seed))
        self.toll.lives += 1

    def _measure(self) -> float:
        """How long a run takes that nobody kills."""
        prepared = self.mixtures._prepare(0)
        self._serve(prepared.world.before)
        started = time.monotonic()
        assert not self._run(lambda: self._bench(self.folder / "measured").live(self.server), LONGEST)
        return time.monotonic() - started

    # lives

    def _first(self, seed: int, chance: random.Random) -> None:
        prepared = self.mixtures._prepare(2 * (seed % 8))
        bench = self._bench(self.folder / f"life{seed}")
        self._serve(prepared.world.before)
        done = self.mixtures._fresh(prepared.folder).exported()
        self._until_done(bench, lambda: bench.live(self.server), {None: 0, done: 1}, chance, seed)
        self._fetched(bench, seed)

    def _second(self, seed: int, chance: random.Random) -> None:
        prepared = self.mixtures._prepare(2 * (seed % 8))
        shutil.copytree(prepared.folder, self.folder / f"life{seed}")
        bench = self._bench(self.folder / f"life{seed}")
        before = bench.exported()
        bench.later(days=1)
        self._serve(prepared.world.after)
        self._until_done(bench, lambda: bench.live(self.server), {before: 0, prepared.expected: 1}, chance, seed)
        self._fetched(bench, seed)

    def _mirror(self, seed: int, chance: random.Random) -> None:
        drawn = self.mixtures._prepare(2 * (seed % 8)).world
        bench, clean = self._bench(self.folder / f"life{seed}"), self._bench(self.folder / f"clean-life{seed}")
        gone = drawn.before[0].pmid
        contents = [document(drawn.before), document(drawn.after), document([], deleted=[gone]), document(drawn.before[1:2])]
        states: dict[str | None, int] = {None: 0}
        for number, content in enumerate(contents, 1):
            for place in (bench, clean):
                (place.folder / "mirror").mkdir(exist_ok=True)
                path = place.folder / "mirror" / f"pubmed24n{number:04}.xml"
                path.write_bytes(content)
                path.with_name(path.name + ".md5").write_text(f"MD5({path.name})= {hashlib.md5(content).hexdigest()}\n")
            clean.refresh(clean.folder / "mirror")
            states[clean.exported()] = number
        self._until_done(bench, lambda: bench.refresh(bench.folder / "mirror"), states, chance, seed)
        shutil.rmtree(clean.folder)

    # killing

    def _until_done(
        self, bench: Bench, run: Callable[[], RunReport], states: dict[str | None, int], chance: random.Random, seed: int
    ) -> None:
        """Kill runs until one ends by itself; the states seen never go back, and the last is the end."""
        reached = min(states.values())
        self.kills_here = 0
        while True:
            killed = self._run(run, chance.uniform(0, self._span * (1 + 0.2 * self.kills_here)))
            state = self._state(bench)
            assert state in states, f"seed {seed}: the table is none between two runs"
            assert states[state] >= reached, f"seed {seed}: the table went back"
            reached = states[state]
            if not killed:
                break
            self.kills_here += 1
            if reached == max(states.values()):
                break
        assert reached == max(states.values()), f"seed {seed}: a run ended well and its table is not whole"
        self.toll.kills += self.kills_here
        self.asked = [form["id"] for form in self.server.forms("efetch.fcgi")]
        report = run()
        assert report.outcome in ("done", "unchanged") and self._state(bench) == next(s for s, n in states.items() if n == reached)

    def _run(self, run: Callable[[], RunReport], delay: float) -> bool:
        """Run in a child and kill it after a delay; tell whether it was killed."""
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                code = {"done": 0, "unchanged": 0}.get(run().outcome, 3)
            except MinerError as error:
                code = error.exit_code
            finally:
                os._exit(code)
        until = time.monotonic() + delay
        ended, status = 0, 0
        while not ended and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, 0.005))
            ended, status = os.waitpid(pid, os.WNOHANG)
        if not ended:
            os.kill(pid, signal.SIGKILL)
            _, status = os.waitpid(pid, 0)
        if os.WIFSIGNALED(status):
            return True
        assert os.WEXITSTATUS(status) == 0, f"a run ended with {os.WEXITSTATUS(status)}"
        return False

    def _state(self, bench: Bench) -> str | None:
        """The table, or None where no run has come to its end; a database is never damaged."""
        try:
            with Store.open(bench.settings.db, readonly=True) as store:
                assert store.integrity() == []
                held = any(run.outcome for run in store.runs())
                assert all(run.outcome for run in store.runs()), "a run began and never ended"
        except StoreError:
            return None
        return bench.exported() if held else None

    def _fetched(self, bench: Bench, seed: int) -> None:
        """At most one batch was fetched again for each kill."""
        again = len(self.asked) - len(set(self.asked))
        assert again <= self.kills_here, f"seed {seed}: {again} batches were fetched again after {self.kills_here} kills"
        self.toll.again += again

    def _serve(self, records: object) -> None:
        self.server.reset()
        self.server.records = {fake.pmid: fake for fake in records}  # type: ignore[attr-defined]

    def _bench(self, folder: Path) -> Bench:
        folder.mkdir(exist_ok=True)
        bench = Bench(folder)
        bench.change(cache_dir=self.folder / "cache", timeout=LONGEST, deadline=LONGEST, batch_size=2)
        return bench
