"""Mixtures of what can be wrong with a mirror, drawn by a seed: a file counts wholly, in its turn, or the run fails."""

from __future__ import annotations

import gzip
import hashlib
import random
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from miner.errors import InputError
from tests.http.bench import Bench
from tests.http.records import Fake, document
from tests.http.worlds import world


class MirrorMixture:
    """A mirror that grows by a file a day, some of them damaged when they come."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.chance = random.Random(seed)
        self.seed = seed
        self.ends: list[str] = []
        self.bench = Bench(folder / f"mirror{seed}")
        self.clean = Bench(folder / f"clean-mirror{seed}")
        self.republished = False
        self.files = self._contents()

    def play(self) -> None:
        """Play it; AssertionError where a file counted half, twice, too early or not at all."""
        mirror = self.bench.folder / "mirror"
        mirror.mkdir(parents=True)
        for number in range(1, len(self.files) + 1):
            self._put(mirror, number, self.files[number - 1])
            if self.chance.random() < 0.6:
                self._fail(mirror, number)
            if number > 1 and self.chance.random() < 0.25:
                self._republish(mirror, self.chance.randint(1, number - 1))
            self.bench.later(days=1)
            assert self.bench.refresh(mirror).outcome == "done", f"seed {self.seed}"
            self.ends.append("done")
            assert self.bench.exported() == self._expected(number), f"seed {self.seed}: file {number} did not come out as in a clean run"
        shutil.rmtree(self.bench.folder)
        shutil.rmtree(self.clean.folder)

    def _contents(self) -> list[tuple[Sequence[Fake], tuple[int, ...]]]:
        drawn = world(self.chance.randint(0, 10_000))
        half = len(drawn.before) // 2
        pieces: list[tuple[Sequence[Fake], tuple[int, ...]]] = [(drawn.before[:half], ()), (drawn.before[half:], ())]
        pieces += [(drawn.after, (self.chance.choice(drawn.before).pmid,)), (self.chance.sample(drawn.after, 1), ())]
        return pieces[: self.chance.randint(2, 4)]

    def _put(self, mirror: Path, number: int, content: tuple[Sequence[Fake], tuple[int, ...]]) -> Path:
        path = mirror / f"pubmed24n{number:04}.xml.gz"
        path.write_bytes(gzip.compress(document(content[0], deleted=content[1]), 1, mtime=0))
        sign(path)
        return path

    def _fail(self, mirror: Path, number: int) -> None:
        """Damage the newest file, see the run fail with everything before it as it was, and mend it."""
        path = mirror / f"pubmed24n{number:04}.xml.gz"
        whole, signature = path.read_bytes(), checksum(path).read_bytes()
        name = self.chance.choice(sorted(DAMAGE))
        if name in ("no checksum", "missing") and number == 1:
            return  # a mirror without any checksum is taken as it is, and may begin anywhere
        DAMAGE[name](path)
        before = self.bench.exported() if number > 1 else None
        try:
            report = self.bench.refresh(mirror)
        except InputError:
            self.ends.append("65")
        else:
            raise AssertionError(f"seed {self.seed}: {name}, and the run ended with {report.outcome}")
        assert (self.bench.exported() if number > 1 else None) == before, f"seed {self.seed}: {name}, and the table changed"
        for spare in mirror.glob(f"pubmed24n{number + 1:04}*"):
            spare.unlink()
        path.write_bytes(whole)
        checksum(path).write_bytes(signature)

    def _republish(self, mirror: Path, number: int) -> None:
        """Publish an earlier file again, with a word mended in each record."""
        fakes, deleted = self.files[number - 1]
        mended = [replace(fake, title=fake.title.replace(" and ", " and also ")) for fake in fakes]
        self.files[number - 1] = (mended, deleted)
        self.republished = True
        self._put(mirror, number, self.files[number - 1])

    def _expected(self, number: int) -> str:
        """The table of a clean mirror; it grows by a file a day too, and is made anew for a file that was republished and at the end."""
        mirror = self.clean.folder / "mirror"
        if self.republished or number == len(self.files):
            shutil.rmtree(self.clean.folder, ignore_errors=True)
        mirror.mkdir(parents=True, exist_ok=True)
        for known in range(1, number + 1):
            if not (mirror / f"pubmed24n{known:04}.xml.gz").exists():
                self._put(mirror, known, self.files[known - 1])
        self.republished = False
        self.clean.refresh(mirror)
        return self.clean.exported()


def checksum(path: Path) -> Path:
    """Where the MD5 of a file stands."""
    return path.with_name(path.name + ".md5")


def sign(path: Path) -> None:
    """Write the MD5 of a file beside it."""
    checksum(path).write_text(f"MD5({path.name})= {hashlib.md5(path.read_bytes()).hexdigest()}\n")


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: len(path.read_bytes()) // 2])


def _cut_and_sign(path: Path) -> None:
    _cut(path)
    sign(path)


def _cut_inside(path: Path) -> None:
    """Well packed and signed, and the set is not closed."""
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes())[:-20]))
    sign(path)


def _missing(path: Path) -> None:
    """The next one lies here, this one does not."""
    later = path.with_name(path.name.replace(path.name[8:13], f"n{int(path.name[9:13]) + 1:04}"))
    path.rename(later)
    sign(later)


def _block_page(path: Path) -> None:
    path.write_bytes(b"<html><body>Access denied</body></html>")
    sign(path)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "wrong checksum": lambda path: checksum(path).write_text(f"MD5({path.name})= {'0' * 32}\n"),
    "no checksum": lambda path: checksum(path).unlink(),
    "checksum of another": lambda path: checksum(path).write_text(f"MD5(other.xml.gz)= {hashlib.md5(path.read_bytes()).hexdigest()}"),
    "cut": _cut,
    "cut and signed": _cut_and_sign,
    "set not closed": _cut_inside,
    "missing": _missing,
    "block page": _block_page,
    "empty": lambda path: (path.write_bytes(b""), sign(path)),
}
