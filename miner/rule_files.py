"""Rule files: the package's, and in the place of any of them a file of the same name in a folder of the user's.

Rules are compiled once in a process, many of them while modules load, so the folders are named before the first is read.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from miner import rule_shape
from miner.errors import ConfigError, MinerError

_DATA = Path(__file__).parent / "data"
FOLDER = _DATA / "rules"
RESIDUES = "known_residues.tsv"


class RuleFile(NamedTuple):
    """A rule file: its text, and the name by which a complaint names it: bare for the package's, the path of a user's."""

    name: str
    text: str


_own: dict[str, Path] = {}
_read: set[str] = set()


def names() -> tuple[str, ...]:
    """Return the names of all rule files."""
    return (*sorted(path.name for path in FOLDER.iterdir() if path.suffix in (".toml", ".tsv")), RESIDUES)


def use(folders: Iterable[Path]) -> None:
    """Let the files of these folders, of two of one name that of the first folder, take the place of the package's.

    Raises
    ------
    ConfigError
        A folder is not there, a file in it is not named as a rule file, or rules were read already that would be others now.
    """
    wanted = _found(tuple(folders))
    if wanted == _own:
        return
    changed = {name for name in (*wanted, *_own) if wanted.get(name) != _own.get(name)}
    if stale := sorted(changed & _read):
        told = f"{', '.join(stale)} was read already in this process"
        raise ConfigError(f"rule_dirs: {told}; name the folders before the first reading, or begin a new process")
    _own.clear()
    _own.update(wanted)


def _found(folders: tuple[Path, ...]) -> dict[str, Path]:
    known, found = set(names()) if folders else set(), dict[str, Path]()
    for folder in map(Path, reversed(folders)):
        if not folder.is_dir():
            raise ConfigError(f"{folder}: no such folder of rules; make it, or take it out of rule_dirs")
        for path in sorted(folder.iterdir()):
            if path.suffix not in (".toml", ".tsv"):
                continue
            if path.name not in known:
                raise ConfigError(f"{path}: no rule file is named so; name it as the one whose place it takes: {', '.join(sorted(known))}")
            found[path.name] = path.resolve()
    return found


def own() -> Mapping[str, Path]:
    """Return the user's files that are in force, by name."""
    return dict(_own)


def read(name: str) -> RuleFile:
    """Return a rule file as it is in force; a user's holds what the package's of that name holds.

    Raises
    ------
    ConfigError
        It cannot be read, is no UTF-8 or no TOML, or lacks something; the last two begin with ``file:line``.
    """
    path = _own.get(name)
    _read.add(name)
    place = path or (_DATA / "lexicons" if name == RESIDUES else FOLDER) / name
    try:
        file = RuleFile(str(path or name), place.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{place}: cannot be read: {error}") from error
    if path and (found := faults(path, file.text)):
        more = f" (and {len(found) - 1} more; miner lexicon lint shows them)" if found[1:] else ""
        raise ConfigError(f"{path}:{found[0].line}: {found[0].told}{more}")
    return file


def faults(path: Path, text: str) -> list[rule_shape.Fault]:
    """Tell where the text of a user's file lacks what the package's file of that name holds; it may still not compile."""
    if path.suffix != ".toml":
        return []
    try:
        return rule_shape.faults(path.name, text, (FOLDER / path.name).read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        named = re.search(r"at line (\d+)", str(error))
        return [rule_shape.Fault(int(named[1]) if named else len(text.splitlines()), f"this is no TOML: {error}")]


@contextmanager
def reading(name: str) -> Iterator[str]:
    """Lend the text of a rule file; a complaint inside names the file that is in force.

    Raises
    ------
    MinerError
        What is in the file does not fit; the text begins with ``file:line``.
    """
    file = read(name)
    try:
        yield file.text
    except MinerError as error:
        told = str(error)
        if file.name == name or not told.startswith(name):
            raise
        raise type(error)(file.name + told.removeprefix(name)) from error
    except (KeyError, TypeError, ValueError, AttributeError, re.error) as error:
        raise ConfigError(f"{file.name}:{line_of(file.text, error)}: {fault(error)}; compare with {FOLDER / name}") from error


def fault(error: Exception) -> str:
    """Say what an exception of a parser tells of a file."""
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)


def line_of(text: str, error: Exception) -> int:
    """Return the line that a parser's message names, or the first that holds what it quotes; 1 where it tells nothing."""
    named = re.search(r"at line (\d+)", str(error))
    quoted = re.search(r"'([^']+)'", str(error))
    if named or not quoted:
        return int(named[1]) if named else 1
    return next((number for number, line in enumerate(text.splitlines(), start=1) if quoted[1] in line), 1)
