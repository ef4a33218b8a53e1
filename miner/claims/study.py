"""What kind of study a paper reports, and its CIViC evidence level: publication types first, then weighted cues.

The cues, their weights and the levels are data: ``data/rules/study.toml``.
"""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any

from miner import rule_files
from miner.claims.phrases import NUMBER_FIRST, NUMBER_REST, PhraseFinder
from miner.errors import LexiconError
from miner.rule_files import line_of
from miner.schema import Reading, Record, StudyType

RULES = "study.toml"
ZONES = ("title", "text", "label")
SHAPES = (
    "no_figures", "few_figures", "no_methods", "no_data", "little_data", "perfect_tense", "bare_title", "question", "many_patients",
    "one_patient", "methods_label",
)  # fmt: skip

# These are sought in lower case by their first letter, as numbers are.
_FIGURE = re.compile(
    rf"[pn{NUMBER_FIRST}](?:(?<=\d)\s?%|(?<!\w[\s\S])(?:(?<=p)\d?\s?[=<>≤]\s?0?[.·]\d|(?<=n)\s?=\s?\d+|(?<=9)5\s?%?\s?(?:ci|confidence)|"
    rf"{NUMBER_REST}\s(?:[\w-]+\s){{0,3}}(?:patients?|cases?|samples?|tumou?rs|specimens?|months|weeks|mg|cell lines)\b))"
)
_PERCENT = re.compile(r"\d\s?%")  # the first of the figures, and alone mostly enough to count three
_METHOD = re.compile(
    r"[waot](?<!\w[waot])(?:(?:(?<=w)e|(?<=a)uthors)\s(?:\w+ly\s)?(?:also\s)?"
    r"(?:\w+ed|did|sought|found|set|undertook|took|saw|made|show|report|describe|present|identify|demonstrate)\b|"
    r"(?<=w)(?:as|ere)\s(?:\w+ly\s)?(?:randomi|treated|enrolled|assigned|analy|assessed|evaluated|screened|tested|collected|performed|carried|"
    r"determined|identified|examined|measured|reviewed|sequenced|compared|included|observed|obtained|investigated|detected|recruited|stained)|"
    r"(?:(?<=o)ur|(?<=t)(?:hese|he present|he current|his))\s(?:study|data|results|findings|work|experiments?)\s(?:\w+ly\s)?"
    r"(?:show|demonstrat|reveal|suggest|indicat|identif|provid|uncover|establish|support|confirm|aim))"
)
_RESULT = re.compile(
    r"\b(?:inhibited|suppressed|reduced|increased|decreased|impaired|enhanced|induced|promoted|abrogated|attenuated|improved|exhibited|showed|revealed|displayed"
    r"|resulted|restored|conferred|gave|led|progressed|responded|underwent|shrank|stained|declined|rose|fell|confirmed|prolonged|lasted|relapsed|died"
    r"|regressed|missed)\b"
)
_PERFECT = re.compile(r"ha(?<!\wha)(?:s|ve)\s(?:\w+ly\s|also\s|not\s|now\s)?(?:been\b|\w+ed\b|shown\b|become\b|led\b)")
_PAST = re.compile(r"(?:w(?<!\ww)(?:as|ere)|had(?<!\whad)|did(?<!\wdid))\b")
_METHODS_LABEL = re.compile(r"METHOD|DESIGN|PATIENTS|PARTICIPANTS|EXPERIMENTAL|MATERIALS", re.I)
_ONE_PATIENT = re.compile(
    r"[aots](?<!\w[aots])(?:(?<=a)|(?<=o)(?:ne|ur)|(?<=t)(?:he|his)|(?<=s)ingle)\s(?:[\w-]+\s){0,2}"
    r"patient\b(?!s|\spopulation|\scohort|\scharacteristic)"
)
_COUNTED = re.compile(
    r"(\d(?<!\w\d)(?:\d{0,2}(?:,\d{3})+|\d{0,5}))\s(?:[\w-]+\s){0,3}"
    r"(?:patients|cases|samples|tumou?rs|specimens|participants|subjects)\b",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Cues:
    """Phrases of one study type in one zone: each adds ``weight``, all together ``most`` at most."""

    type: StudyType
    zone: str
    weight: float
    most: float
    phrases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rules:
    """What ``study.toml`` says."""

    order: tuple[StudyType, ...]
    least: float
    levels: Mapping[StudyType, str]
    validated: tuple[frozenset[str], PhraseFinder]
    pooled: tuple[frozenset[str], PhraseFinder]
    decisive: Mapping[str, StudyType]
    leaning: Mapping[str, Mapping[StudyType, float]]
    mesh: Mapping[str, Mapping[StudyType, float]]
    shapes: Mapping[str, Mapping[StudyType, float]]
    cues: tuple[Cues, ...]
    finders: Mapping[str, PhraseFinder]


def classify(reading: Reading) -> tuple[StudyType, str]:
    """Return the study type of a paper and its evidence level, A to E."""
    study_type = study_type_of(reading.record)
    return study_type, level_of(reading.record, study_type)


def study_type_of(record: Record) -> StudyType:
    """Tell the study type from publication types where one settles it, else from what title and abstract say."""
    rules = load_rules()
    settled = next((kind for name, kind in rules.decisive.items() if name in record.publication_types), None)
    if settled is not None:
        return settled
    scores = score(record)
    best = max(rules.order, key=lambda kind: scores.get(kind, 0.0))
    return best if scores.get(best, 0.0) >= rules.least else StudyType.OTHER


def level_of(record: Record, study_type: StudyType) -> str:
    """Return the evidence level: that of the study type, raised where the paper validates or pools (never for a case or a cell line)."""
    rules = load_rules()
    if study_type in {StudyType.REVIEW, StudyType.TRIAL} and _is(record, rules.validated):
        return "A"
    if study_type is StudyType.REVIEW and _is(record, rules.pooled):
        return "B"
    return rules.levels[study_type]


def score(record: Record) -> dict[StudyType, float]:
    """Add up what cues, headings and shape of a paper say for each study type."""
    rules = load_rules()
    scores: dict[StudyType, float] = defaultdict(float)
    abstract = " ".join(section.text for section in record.sections)
    zones = {"title": record.title, "text": f"{record.title} {abstract}", "label": " ; ".join(s.label or "" for s in record.sections)}
    found = {zone: rules.finders[zone].find(text) for zone, text in zones.items()}
    for number, cues in enumerate(rules.cues):
        scores[cues.type] += min(cues.most, cues.weight * len(found[cues.zone].get(number, ())))
    headings = [heading.partition("/")[0] for heading in record.mesh]
    leanings = [rules.leaning.get(name) for name in record.publication_types] + [rules.mesh.get(name) for name in headings]
    for leaning in (*leanings, *(rules.shapes.get(shape) for shape in _shapes(record, abstract))):
        for kind, weight in (leaning or {}).items():
            scores[kind] += weight
    return dict(scores)


def _shapes(record: Record, abstract: str) -> Iterator[str]:
    """Name what the paper looks like."""
    title = record.title.rstrip(". ")
    if len(title.split()) <= 2 or re.match(r"[\w-]+:\s", title):
        yield "bare_title"
    if title.endswith("?"):
        yield "question"
    if not abstract:
        return
    lower = abstract.lower()
    figures = _up_to_three(_PERCENT, lower)
    figures = figures if figures == 3 else _up_to_three(_FIGURE, lower)
    if figures <= 2:
        yield "few_figures" if figures else "no_figures"
    if not _METHOD.search(lower) and _up_to_three(_RESULT, abstract) < 3:
        yield "no_methods"
        if figures <= 2:
            yield "little_data" if figures else "no_data"
    if len(_PERFECT.findall(lower)) > len(_PAST.findall(lower)):
        yield "perfect_tense"
    if any(section.label and _METHODS_LABEL.search(section.label) for section in record.sections):
        yield "methods_label"
    largest = max((int(count.replace(",", "")) for count in _COUNTED.findall(abstract)), default=0)
    if largest >= 20:
        yield "many_patients"
    elif largest <= 5 and _ONE_PATIENT.search(lower):
        yield "one_patient"


def _up_to_three(pattern: re.Pattern[str], text: str) -> int:
    return sum(1 for _ in islice(pattern.finditer(text), 3))


def _is(record: Record, sign: tuple[frozenset[str], PhraseFinder]) -> bool:
    types, finder = sign
    return not types.isdisjoint(record.publication_types) or bool(finder.find(record.title))


@lru_cache(maxsize=1)
def load_rules() -> Rules:
    """Read ``study.toml``; LexiconError names what is wrong in it."""
    with rule_files.reading(RULES) as text:
        return parse_rules(text)


def parse_rules(text: str) -> Rules:
    """Build the rules from the text of ``study.toml``."""
    try:
        table = tomllib.loads(text)
        cues = tuple(_cues(row) for row in table["cues"])
        shapes = {name: _weights(row) for name, row in table["shapes"].items()}
        if unknown := set(shapes) - set(SHAPES):
            raise ValueError(f"unknown shape {sorted(unknown)[0]!r}; known are {', '.join(SHAPES)}")
        return Rules(
            order=tuple(StudyType(name) for name in table["order"]),
            least=float(table["least"]),
            levels={kind: table["levels"][kind] for kind in StudyType},
            validated=_sign(table["validated"]),
            pooled=_sign(table["pooled"]),
            decisive={name: StudyType(kind) for name, kind in table["publication_types"].items()},
            leaning={name: _weights(row) for name, row in table["leaning_publication_types"].items()},
            mesh={name: _weights(row) for name, row in table["mesh"].items()},
            shapes=shapes,
            cues=cues,
            finders={zone: PhraseFinder((n, p) for n, c in enumerate(cues) if c.zone == zone for p in c.phrases) for zone in ZONES},
        )
    except (KeyError, ValueError, TypeError) as error:
        raise LexiconError(f"{RULES}:{line_of(text, error)}: {error}") from error


def _weights(row: Mapping[str, Any]) -> dict[StudyType, float]:
    return {StudyType(kind): float(weight) for kind, weight in row.items()}


def _sign(row: Mapping[str, Any]) -> tuple[frozenset[str], PhraseFinder]:
    return frozenset(row["publication_types"]), PhraseFinder((0, phrase) for phrase in row["phrases"])


def _cues(row: Mapping[str, Any]) -> Cues:
    if row["zone"] not in ZONES:
        raise ValueError(f"unknown zone {row['zone']!r}; known are {', '.join(ZONES)}")
    return Cues(StudyType(row["type"]), row["zone"], float(row["weight"]), float(row["most"]), tuple(row["phrases"]))
