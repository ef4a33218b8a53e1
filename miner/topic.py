"""A topic: what PubMed is asked, which records matter, and what the summary must be able to say."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from importlib import resources
from pathlib import Path
from typing import Any, Protocol

from miner import plugins
from miner.errors import ConfigError
from miner.schema import Claim, ClaimType, Mined, Reading
from miner.toml import line_of, parse_toml, read_text
from miner.topic_relevance import Found, Group, Members, RelevanceRule, gather


class Surfaces(Protocol):
    """What knows every surface form of a name."""

    def surfaces(self, name: str) -> Iterable[str]:
        """Return the ways to write a gene, a drug, or a class and its drugs."""
        ...


@dataclass(frozen=True)
class SummaryRow:
    """A row of the summary: which claims speak to it, and what it says of them.

    An empty filter lets everything pass. ``genes`` and ``without_genes`` are symbols or families (the lexicon expands
    them); ``therapies`` are drugs or classes of which the claim must name one (by class or by a drug of it) from each
    entry of ``therapies_all`` and one at least of ``therapies``; ``generation`` is that of the drug (first, next);
    ``alterations`` are kinds (``fusion``), of which the molecular profile must be one; ``diseases`` patterns as in a group.
    ``proposition`` is what the evidence is held against, and no result; a row without one only describes. What claims of
    the ``contrary`` types assert speaks against it. ``absent`` stands where there is no evidence.
    """

    id: str
    title: str
    proposition: str
    absent: str
    claim_types: tuple[ClaimType, ...]
    contrary: tuple[ClaimType, ...] = ()
    genes: tuple[str, ...] = ()
    without_genes: tuple[str, ...] = ()
    alterations: tuple[str, ...] = ()
    therapies: tuple[str, ...] = ()
    therapies_all: tuple[str, ...] = ()
    generation: str | None = None
    significances: tuple[str, ...] = ()
    directions: tuple[str, ...] = ()
    diseases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Topic:
    """What ``data/topics/NAME.toml`` says.

    ``focus_genes`` and ``focus_classes`` are what the tables of partners, inhibitors and resistance are about;
    ``generations`` name those of the drugs, oldest first. ``prescreen`` is the [prescreen] table, see ``trigger_terms``.
    ``therapies`` are groups: a claim that names no gene is evidence where it is of a therapy of one of them.
    ``digest`` changes with every change of the file.
    """

    name: str
    title: str
    query: str
    focus_genes: tuple[str, ...]
    focus_classes: tuple[str, ...]
    generations: tuple[str, ...] = ()
    therapies: tuple[str, ...] = ()
    prescreen: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
    rules: tuple[RelevanceRule, ...] = ()
    summary: tuple[SummaryRow, ...] = ()
    digest: str = ""

    def relevant(
        self,
        *,
        genes: Iterable[str] = (),
        altered: Iterable[str] = (),
        drugs: Iterable[str] = (),
        classes: Iterable[str] = (),
        diseases: Iterable[str] = (),
        text: str = "",
    ) -> bool:
        """Tell whether a record that mentions all this matters to the topic."""
        found = Found(frozenset(genes), frozenset(altered), frozenset(drugs), frozenset(classes), frozenset(diseases), text)
        return self.why(found) is not None

    def why(self, found: Found) -> str | None:
        """Return the reason of the first rule that keeps the record, or None."""
        for rule in self.rules:
            held = all(self.groups[name].holds(found) for name in rule.all)
            if held and all(self.groups[name].is_subject(found) for name in rule.subject):
                return rule.why
        return None

    def is_relevant(self, reading: Reading, lexicon: Members) -> bool:
        """Tell whether a record, as read, matters to the topic."""
        return self.why(gather(reading, lexicon)) is not None

    def evidence(self, mined: Mined, lexicon: Members) -> Mined:
        """Return a record with those of its claims that are the topic's: of a gene, or of a therapy that the topic is about."""
        if not self.therapies:
            return mined
        return replace(mined, claims=tuple(claim for claim in mined.claims if claim.genes or self._is_about(claim, lexicon)))

    def _is_about(self, claim: Claim, lexicon: Members) -> bool:
        """Tell whether a claim without a gene names no therapy either, or one of the topic's."""
        classes = {name for therapy in claim.therapies for name in (therapy, *lexicon.classes(therapy))}
        found = Found(drugs=frozenset(claim.therapies), classes=frozenset(classes), text="\n".join(claim.therapies))
        return not claim.therapies or any(self.groups[name].holds(found) for name in self.therapies)

    def trigger_terms(self, lexicon: Surfaces) -> frozenset[str]:
        """Return lower-case terms of which a relevant record holds at least one (many that hold one are not relevant).

        They are the words of the [prescreen] table and every surface form that the lexicon knows of its genes, drugs
        and drug classes.
        """
        names = [name for kind in ("genes", "drugs", "classes") for name in self.prescreen.get(kind, ())]
        surfaces = (surface for name in names for surface in lexicon.surfaces(name))
        terms = frozenset(term.casefold() for term in (*self.prescreen.get("words", ()), *surfaces))
        if not terms:
            raise ConfigError(f"the topic {self.name!r} needs words, genes, drugs or classes under [prescreen], to screen files by")
        return terms


def load_topic(name: str, folders: Iterable[Path] = ()) -> Topic:
    """Load a topic by name, from the user's folders first, then from the package, or by the path of its file."""
    path = _find(name, tuple(folders))
    text = read_text(path)
    table = parse_toml(text, path)
    reader = _TopicReader(path, text)
    topic = reader.topic(table)
    if topic.name != path.stem:
        raise reader.error("name", f"the topic's name must be that of its file, {path.stem!r}, not {topic.name!r}")
    return topic


def topic_folder() -> Path:
    """Return the folder of the topics that come with the package."""
    return Path(str(resources.files("miner") / "data" / "topics"))


def _find(name: str, folders: tuple[Path, ...]) -> Path:
    if name.endswith(".toml"):
        if Path(name).is_file():
            return Path(name)
        raise ConfigError(f"{name}: there is no such topic file")
    searched = (*folders, topic_folder())
    for folder in searched:
        if (folder / f"{name}.toml").is_file():
            return folder / f"{name}.toml"
    known = sorted({path.stem for folder in searched for path in folder.glob("*.toml")})
    raise ConfigError(f"unknown topic {name!r}; known are: {', '.join(known) or 'none'}")


class _TopicReader:
    """Check the tables of one topic file and build the topic; errors name file and line."""

    def __init__(self, path: Path, text: str) -> None:
        self.path = path
        self.text = text

    def error(self, key: str, problem: str) -> ConfigError:
        return ConfigError(f"{self.path.name}:{line_of(self.text, key)}: {problem}")

    def topic(self, table: dict[str, Any]) -> Topic:
        groups = {name: self._group(name, body) for name, body in self._table(table, "groups").items()}
        prescreen = {key: self._texts("prescreen", key, value) for key, value in self._table(table, "prescreen").items()}
        self._known("prescreen", prescreen, ("words", "genes", "drugs", "classes"))
        plain = {key: value for key, value in table.items() if key not in {"groups", "prescreen", "relevant", "summary"}}
        self._known("", plain, ("name", "title", "query", "focus_genes", "focus_classes", "generations", "therapies"))
        return Topic(
            name=self._text("name", plain.get("name")),
            title=self._text("title", plain.get("title")),
            query=self._text("query", plain.get("query")),
            focus_genes=self._texts("", "focus_genes", plain.get("focus_genes", [])),
            focus_classes=self._texts("", "focus_classes", plain.get("focus_classes", [])),
            generations=self._texts("", "generations", plain.get("generations", [])),
            therapies=self._known_groups("", "therapies", plain.get("therapies", []), groups),
            prescreen=prescreen,
            groups=groups,
            rules=tuple(self._rule(body, groups) for body in self._rows(table, "relevant")),
            summary=tuple(self._summary_row(body) for body in self._rows(table, "summary")),
            digest=hashlib.sha256(self.text.encode()).hexdigest()[:16],
        )

    def _group(self, name: str, body: Any) -> Group:
        if not isinstance(body, dict) or not body:
            raise self.error("groups", f"group {name!r} must be a table of lists")
        self._known("groups", body, tuple(f.name for f in fields(Group)))
        return Group(**{key: self._texts("groups", key, value) for key, value in body.items()})

    def _rule(self, body: dict[str, Any], groups: Mapping[str, Group]) -> RelevanceRule:
        self._known("relevant", body, ("why", "all", "subject"))
        names = self._known_groups("relevant", "all", body.get("all", []), groups)
        subject = self._known_groups("relevant", "subject", body.get("subject", []), groups)
        if not (names or subject):
            raise self.error("relevant", f"all must name groups of this file ({', '.join(groups)}), not none")
        return RelevanceRule(self._text("why", body.get("why"), "relevant"), names, subject)

    def _known_groups(self, within: str, key: str, value: Any, groups: Mapping[str, Group]) -> tuple[str, ...]:
        names = self._texts(within, key, value)
        if unknown := [name for name in names if name not in groups]:
            raise self.error(within or key, f"{key} must name groups of this file ({', '.join(groups)}), not {', '.join(unknown)}")
        return names

    def _summary_row(self, body: dict[str, Any]) -> SummaryRow:
        self._known("summary", body, tuple(f.name for f in fields(SummaryRow)))
        values: dict[str, Any] = {}
        for key, value in body.items():
            single = key in {"id", "title", "proposition", "absent", "generation"}
            values[key] = self._text(key, value, "summary") if single else self._texts("summary", key, value)
        missing = [key for key in ("id", "title", "absent", "claim_types") if not values.get(key)]
        if missing:
            raise self.error("summary", f"summary row {values.get('id', '?')!r} lacks {', '.join(missing)}")
        plugins.claim_kinds()
        for key in ("claim_types", "contrary"):
            unknown = [kind for kind in values.get(key, ()) if kind not in set(ClaimType)]
            if unknown:
                raise self.error("summary", f"unknown claim type {unknown[0]!r} in row {values['id']!r}; known are {', '.join(ClaimType)}")
            values[key] = tuple(ClaimType(kind) for kind in values.get(key, ()))
        if set(values["contrary"]) - set(values["claim_types"]):
            raise self.error("summary", f"the contrary types of row {values['id']!r} must be among its claim_types")
        values.setdefault("proposition", "")
        return SummaryRow(**values)

    def _rows(self, table: dict[str, Any], key: str) -> list[dict[str, Any]]:
        rows = table.get(key, [])
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise self.error(key, f"{key} must be written as [[{key}]] tables")
        if not rows:
            raise self.error(key, f"a topic needs at least one [[{key}]]")
        return rows

    def _table(self, table: dict[str, Any], key: str) -> dict[str, Any]:
        value = table.get(key, {})
        if not isinstance(value, dict):
            raise self.error(key, f"{key} must be a table")
        return value

    def _text(self, key: str, value: Any, within: str = "") -> str:
        if not isinstance(value, str) or not value.strip():
            raise self.error(within or key, f"{key} must be text that is not empty")
        return " ".join(value.split())

    def _texts(self, within: str, key: str, value: Any) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(part, str) and part.strip() for part in value):
            raise self.error(within or key, f"{key} must be a list of texts")
        return tuple(value)

    def _known(self, within: str, body: Mapping[str, Any], allowed: tuple[str, ...]) -> None:
        for key in body:
            if key not in allowed:
                raise self.error(within or key, f"unknown key {key!r}; allowed are {', '.join(allowed)}")
