"""A local mirror of PubMed's distribution: baseline and daily update files, each with its ``.md5``, in the order they count.

Later files overrule earlier ones, so a hole in the numbers would lose revisions and deletions without a word: it is an
error, as is a checksum that is wrong, or missing beside others.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from miner.errors import InputError
from miner.sources.files import file_digest

NAME = re.compile(r"pubmed(\d\d)n(\d{4,})\.xml(?:\.gz)?")
FOLDERS = ("", "baseline", "updatefiles")
_SUM = re.compile(r"(?:MD5\s*\((?P<of>[^)]*)\)\s*=\s*)?(?P<sum>[0-9a-fA-F]{32})(?:\s+\*?(?P<for>\S+))?\s*")


@dataclass(frozen=True, slots=True, order=True)
class MirrorFile:
    """A file of the distribution: its year and number, and its place."""

    year: int
    number: int
    path: Path

    @classmethod
    def of(cls, path: Path) -> MirrorFile | None:
        """Read year and number off a name; None where the file is none of the distribution's."""
        found = NAME.fullmatch(path.name)
        return cls(int(found[1]), int(found[2]), path) if found else None

    @property
    def checksum(self) -> Path:
        """Where its MD5 stands."""
        return self.path.with_name(self.path.name + ".md5")

    def digest(self) -> str:
        """Return what tells this edition of this file from others: its name and the MD5 beside it, or SHA-256 of its bytes.

        The name counts, since a later file of the same content may bring back what one between them took away.
        """
        return f"{self.path.name}:{self.told_sum() if self.checksum.exists() else file_digest(self.path)}"

    def told_sum(self) -> str:
        """Return the MD5 that stands beside the file."""
        try:
            told = _SUM.fullmatch(self.checksum.read_text(encoding="ascii"))
        except (OSError, ValueError) as error:
            raise InputError(f"{self.checksum}: cannot be read: {error}") from error
        if told is None or (told["of"] or told["for"] or self.path.name).split("/")[-1] != self.path.name:
            raise InputError(f"{self.checksum}: is no MD5 of {self.path.name}; fetch it again")
        return told["sum"].lower()


def is_mirror(folder: Path) -> bool:
    """Tell whether a folder holds files of the distribution, in it or in its ``baseline`` and ``updatefiles``."""
    try:
        return folder.is_dir() and any(True for _ in _files(folder))
    except OSError as error:
        raise InputError(f"{folder}: cannot be opened: {error.strerror or error}; let it be read, or name another source") from error


def _files(folder: Path) -> Iterable[MirrorFile]:
    for name in FOLDERS:
        place = folder / name
        for path in place.iterdir() if place.is_dir() else ():
            file = MirrorFile.of(path)
            if file is not None and path.is_file():
                yield file


def mirror_files(folder: Path, *, taken: Iterable[str] = ()) -> list[MirrorFile]:
    """Return the files of a mirror in the order in which they count.

    Parameters
    ----------
    taken
        Names of files that were taken in before and need not lie here any more.

    Raises
    ------
    InputError
        A number is missing between two others, stands twice, or lies here without the checksum that others have.
    """
    files = sorted(_files(folder))
    known = {(file.year, file.number) for name in taken if (file := MirrorFile.of(Path(name)))}
    for before, after in pairwise(files):
        if (before.year, before.number) == (after.year, after.number):
            raise InputError(f"{folder}: {before.path.name} stands twice, as {before.path} and {after.path}; remove one")
    for year in sorted({file.year for file in files}):
        _check_numbers(folder, [file for file in files if file.year == year], {number for held, number in known if held == year})
    if any(file.checksum.exists() for file in files):
        for file in files:
            if not file.checksum.exists():
                raise InputError(f"{file.path}: has no {file.checksum.name} beside it, as others have; fetch that too")
    return files


def _check_numbers(folder: Path, files: list[MirrorFile], known: set[int]) -> None:
    present = {file.number for file in files} | known
    first = min(file.number for file in files)
    start = max((number for number in known if number < first), default=first)
    missing = [number for number in range(start, max(present)) if number not in present]
    if missing:
        name = NAME.sub(lambda found: found[0].replace(found[2], f"{missing[0]:04}"), files[0].path.name)
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise InputError(f"{folder}: {name}{more} is missing; later files count only after it: complete the mirror, or name single files")


def check_sum(file: MirrorFile) -> None:
    """Raise InputError unless the file has the MD5 that stands beside it; nothing is checked where none stands there."""
    if not file.checksum.exists():
        return
    told = file.told_sum()
    try:
        with file.path.open("rb") as handle:
            found = hashlib.file_digest(handle, "md5").hexdigest()
    except OSError as error:
        raise InputError(f"{file.path}: cannot be read: {error.strerror or error}") from error
    if told != found:
        raise InputError(f"{file.path}: has MD5 {found}, and {file.checksum.name} says {told}; fetch both again")
