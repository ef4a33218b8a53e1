"""Settings from miner.toml, the environment and flags, in that order of growing strength."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from miner.errors import ConfigError
from miner.toml import line_of, parse_toml, read_text
from miner.topic import SummaryRow, Topic, load_topic
from miner.topic_relevance import Group, RelevanceRule

__all__ = ["Group", "Models", "RelevanceRule", "Settings", "SummaryRow", "Topic", "load_settings", "load_topic"]

CONFIG_NAME = "miner.toml"
ENVIRONMENT_PREFIX = "MINER_"
ENVIRONMENT_ALIASES = {"NCBI_EMAIL": "email", "NCBI_API_KEY": "api_key"}
EUTILS_URL = "https://eutils.ncbi.nlm.nih.gov/entrez/eutils/"


def _option(kind: str, default: Any, **limits: Any) -> Any:
    """Declare one setting: its kind, default, and what is allowed (``least``, ``most``, ``choices``)."""
    return field(default=default, metadata={"kind": kind, **limits}, repr=not limits.get("secret", False))


def _cache_home() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ntrk-miner"


@dataclass(frozen=True)
class Models:
    """Trained models that take part.

    Each is ``off``, ``on`` (the one of the project's ``models`` folder), ``auto`` (that one where it is there), a folder, or
    the name of an installed package.
    """

    parse: str = "off"
    entities: str = "off"
    claims: str = "off"

    def resolved(self, name: str) -> str | None:
        """Folder or package of a model, None where it is off.

        Raises
        ------
        ConfigError
            It is on, and the program does not stand beside its ``models`` folder (it was not installed from a checkout).
        """
        value, own = getattr(self, name), _OWN_MODELS[name]
        if value not in ("on", "auto"):
            return None if value == "off" else str(value)
        folder = Path(__file__).parents[1] / "models" / own
        if not folder.is_dir():
            if value == "auto":
                return None
            raise ConfigError(f"{folder}: the {own} model is on and not there; name its folder, or set it off")
        return str(folder)


_OWN_MODELS = {"parse": "en_bio_core", "entities": "en_bio_core", "claims": "claims"}


@dataclass(frozen=True)
class Settings:
    """What a run is told. ``origin`` tells for each setting where its value comes from.

    Durations are seconds unless the name says days. ``deadline`` bounds one request with all its retries, ``timeout``
    one attempt at it.
    """

    db: Path = field(default=Path("evidence.db"), metadata={"kind": "path"})
    report: Path = field(default=Path("evidence.html"), metadata={"kind": "path"})
    topic: str = _option("text", "ntrk-nsclc")
    email: str | None = _option("email", None)
    api_key: str | None = _option("text", None, secret=True)
    tool: str = _option("text", "ntrk-miner")
    base_url: str = _option("url", EUTILS_URL)
    lexicon_dirs: tuple[Path, ...] = _option("paths", ())
    topic_dirs: tuple[Path, ...] = _option("paths", ())
    rule_dirs: tuple[Path, ...] = _option("paths", ())
    cache_dir: Path = field(default_factory=_cache_home, metadata={"kind": "path"})
    log_format: str = _option("text", "text", choices=("text", "json"))
    log_level: str = _option("text", "info", choices=("debug", "info", "warning", "error"))
    batch_size: int = _option("integer", 200, least=1, most=10_000)
    chunk_size: int = _option("integer", 256, least=1, most=100_000)
    timeout: float = _option("number", 120.0, least=0.01, most=86_400)
    deadline: float = _option("number", 600.0, least=0.01, most=86_400)
    overlap_days: int = _option("integer", 3, least=1, most=366)
    reconcile_days: int = _option("integer", 30, least=1, most=3_660)
    stale_after_days: float = _option("number", 3.0, least=0, most=3_660)
    parse_model: str = _option("text", "off")
    entity_model: str = _option("text", "off")
    claim_model: str = _option("text", "auto")
    origin: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    @property
    def models(self) -> Models:
        """Which trained models take part in the reading."""
        return Models(self.parse_model, self.entity_model, self.claim_model)

    def source_of(self, name: str) -> str:
        """Say where a setting's value comes from: ``default``, ``miner.toml:3``, a variable or a flag."""
        return self.origin.get(name, "default")

    def shown(self) -> dict[str, str]:
        """Return every setting as text that may be printed, the API key blotted out."""
        return {f.name: _shown(getattr(self, f.name), f.metadata) for f in fields(self) if f.name != "origin"}


def _shown(value: Any, metadata: Mapping[str, Any]) -> str:
    if value is None:
        return ""
    if metadata.get("secret"):
        return "***"
    return os.pathsep.join(map(str, value)) if isinstance(value, tuple) else str(value)


_OPTIONS: dict[str, Mapping[str, Any]] = {f.name: f.metadata for f in fields(Settings) if f.name != "origin"}


def load_settings(
    *, config: Path | str | None = None, environ: Mapping[str, str] | None = None, folder: Path | None = None, **flags: Any
) -> Settings:
    """Read settings from ``miner.toml`` (in ``folder``, or the file ``config``), the environment, then flags.

    Flags that are None count as not given. Relative paths in the file start from its folder.

    Raises
    ------
    ConfigError
        For an unknown key or a value of the wrong kind; the text names file and line, variable or flag, and what is allowed.
    """
    environ = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    origin: dict[str, str] = {}
    named = config or environ.get(ENVIRONMENT_PREFIX + "CONFIG") or None
    layers = (_from_file(named, folder or Path.cwd()), _from_environment(environ), _from_flags(flags))
    for layer in layers:
        for name, value, where in layer:
            values[name], origin[name] = value, where
    return Settings(**values, origin=origin)


Layer = Iterable[tuple[str, Any, str]]


def _from_file(named: Path | str | None, folder: Path) -> Layer:
    path = folder / named if named else folder / CONFIG_NAME
    if not path.is_file():
        if named:
            raise ConfigError(f"{path}: there is no such configuration file")
        return
    text = read_text(path)
    for key, value in parse_toml(text, path).items():
        where = f"{path.name}:{line_of(text, key)}"
        yield key, _checked(_known(key, where), value, where, path.parent), where


def _from_environment(environ: Mapping[str, str]) -> Layer:
    for variable, name in ENVIRONMENT_ALIASES.items():
        if value := environ.get(variable, "").strip():
            yield name, _checked(name, _parsed(name, value, variable), variable), variable
    for variable in sorted(environ):
        value = environ[variable].strip()
        if not variable.startswith(ENVIRONMENT_PREFIX) or variable == ENVIRONMENT_PREFIX + "CONFIG" or not value:
            continue
        name = _known(variable.removeprefix(ENVIRONMENT_PREFIX).lower(), variable)
        yield name, _checked(name, _parsed(name, value, variable), variable), variable


def _from_flags(flags: Mapping[str, Any]) -> Layer:
    for name, value in flags.items():
        where = "--" + name.replace("_", "-")
        if value is not None and value != () and value != []:
            yield name, _checked(_known(name, where), value, where), where


def _known(name: str, where: str) -> str:
    if name in _OPTIONS:
        return name
    near = difflib.get_close_matches(name, _OPTIONS, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(_OPTIONS)}"
    raise ConfigError(f"{where}: unknown setting {name!r}; {hint}")


def _parsed(name: str, value: str, where: str) -> Any:
    """Turn the text of an environment variable into what a TOML file would hold."""
    kind = _OPTIONS[name]["kind"]
    if kind == "paths":
        return [part for part in value.split(os.pathsep) if part]
    if kind in {"integer", "number"}:
        try:
            return int(value) if kind == "integer" else float(value)
        except ValueError:
            raise _wrong(name, value, where) from None
    return value


def _checked(name: str, value: Any, where: str, base: Path | None = None) -> Any:
    """Return the value as its setting keeps it, or raise naming what is allowed."""
    option = _OPTIONS[name]
    converted = _converted(option["kind"], value, base)
    if converted is None or ("choices" in option and converted not in option["choices"]):
        raise _wrong(name, value, where)
    if "least" in option and not option["least"] <= converted <= option["most"]:
        raise _wrong(name, value, where)
    return converted


def _converted(kind: str, value: Any, base: Path | None) -> Any:
    """Convert to the kind of a setting; None where it does not fit."""
    match kind, value:
        case ("path", str() | Path()) if str(value).strip():
            return _path(value, base)
        case ("paths", list() | tuple()) if all(isinstance(part, (str, Path)) and str(part) for part in value):
            return tuple(_path(part, base) for part in value)
        case ("integer", int()) if not isinstance(value, bool):
            return value
        case ("number", int() | float()) if not isinstance(value, bool):
            return float(value)
        case ("email", str()) if re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", value.strip()):
            return value.strip()
        case ("url", str()) if re.fullmatch(r"https?://[^\s@?#]+", value.strip()):
            return value.strip().rstrip("/") + "/"
        case ("text", str()) if value.strip() and value.isprintable():
            return value.strip()
    return None


def _path(value: str | Path, base: Path | None) -> Path:
    path = Path(value).expanduser()
    return base / path if base is not None else path


_ALLOWED = {
    "path": "a path",
    "paths": "a list of paths",
    "integer": "a whole number",
    "number": "a number",
    "email": "an address like you@lab.org",
    "url": "an http or https address without query and user",
    "text": "text that is not empty",
}


def _wrong(name: str, value: Any, where: str) -> ConfigError:
    option = _OPTIONS[name]
    allowed = _ALLOWED[option["kind"]]
    if "choices" in option:
        allowed = " or ".join(option["choices"])
    if "least" in option:
        allowed += f" from {option['least']:g} to {option['most']:g}"
    given = "what is there" if option.get("secret") else repr(value)
    return ConfigError(f"{where}: {name} must be {allowed}, not {given}")
