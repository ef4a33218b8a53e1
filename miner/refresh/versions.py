"""What a stored reading depends on: a change of any of it means that the record is read again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from importlib import metadata
from pathlib import Path

import miner
from miner import plugins, rule_files
from miner.config import Models

_APART = (
    *("cli", "console", "__main__", "evaluate", "refresh", "eutils", "mirror", "politeness", "config", "topic", "toml"),
    *("store", "summary", "export", "answers", "report", "table"),
)
_DATA = ("*.tsv", "*.toml", "*.json", "*.gz", "*.txt")


def mining_versions(lexicon_dirs: Iterable[Path] = (), models: Models | None = None) -> dict[str, str]:
    """Return the versions that a reading depends on: of package, code, rules and lexicons, the user's own, libraries, models."""
    package = Path(miner.__file__).parent
    data = package / "data"
    return {
        "miner": metadata.version("ntrk-miner"),
        "code": _digest(_code(package), package),
        "rules": _digest(_files(data / "rules"), data),
        "lexicons": _digest(_files(data / "lexicons"), data),
        **({"own lexicons": own} if (own := _own(lexicon_dirs)) else {}),
        **({"own rules": _named(rules)} if (rules := rule_files.own()) else {}),
        **{name: metadata.version(name) for name in ("spacy", "scispacy")},
        **plugins.versions(),
        **_trained(models or Models()),
    }


def _trained(models: Models) -> dict[str, str]:
    """The trained models that take part, each by a digest of its files, or by its package's version."""
    found = {}
    for name in ("parse", "entities", "claims"):
        if where := models.resolved(name):
            folder = Path(where)
            found[f"{name} model"] = _digest(_files_of(folder), folder) if folder.is_dir() else f"{where} {metadata.version(where)}"
    return found


def _files_of(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".md")


def mining_version(versions: dict[str, str]) -> str:
    """Return one short digest of the versions."""
    return hashlib.sha256(repr(sorted(versions.items())).encode()).hexdigest()[:16]


def _code(package: Path) -> Iterator[Path]:
    for path in sorted(package.rglob("*.py")):
        names = path.relative_to(package).with_suffix("").parts
        if not any(name.startswith(_APART) for name in names):
            yield path


def _files(folder: Path) -> list[Path]:
    return sorted({path for pattern in _DATA for path in folder.rglob(pattern)})


def _own(folders: Iterable[Path]) -> str:
    digests = [_digest(_files(folder), folder) for folder in folders]
    return "+".join(digests)


def _named(files: Mapping[str, Path]) -> str:
    """Digest of rule files under the names whose place they take, wherever they lie."""
    held = [(name, hashlib.sha256(path.read_bytes()).hexdigest()) for name, path in sorted(files.items())]
    return hashlib.sha256(repr(held).encode()).hexdigest()[:12]


def _digest(paths: Iterable[Path], base: Path) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(f"{path.relative_to(base).as_posix()}\n".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:12]
