"""The job is killed at random moments: nothing is lost, nothing stands twice, and it goes on where it stood."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from miner.refresh import job
from tests.http.bench import fast_folder
from tests.http.kills import Kills
from tests.http.server import FakeNcbi

KILLS = int(os.environ.get("SOAK_KILLS", "300"))
PARTS = 4


@pytest.fixture(scope="module")
def kills(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kills]:
    versions, surfaces = job.mining_versions(), job.Surfaces()
    with pytest.MonkeyPatch.context() as patch, FakeNcbi() as server:
        # What a run would read anew each time: kills shall come while it works, not while it starts.
        patch.setattr(job, "mining_versions", lambda *_: versions)
        patch.setattr(job, "Surfaces", lambda folders: surfaces)
        with tempfile.TemporaryDirectory(dir=fast_folder() or tmp_path_factory.mktemp("kills")) as scratch:
            yield Kills(Path(scratch), server)


@pytest.mark.parametrize("part", range(PARTS))
def test_a_job_that_is_killed_loses_nothing_and_fetches_one_batch_again_at_most(kills: Kills, part: int) -> None:
    before, seed = kills.toll.kills, part
    while kills.toll.kills - before < KILLS // PARTS:
        kills.play(seed)
        seed += PARTS
    assert kills.toll.again <= kills.toll.kills
