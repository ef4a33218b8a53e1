"""Gold and prediction → figures: mentions by label, fusions, drugs, variants, claims as atoms, figures, study type.

A claim over genes G and therapies T is its atoms (type, gene family, therapy), so that neither splitting, merging nor
padding a claim pays. What gold leaves out is not asked for.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from miner.errors import InputError
from miner.evaluate_texts import Row, with_texts
from miner.schema import Label, Record, Section

Mine = Callable[[Record], Row]
Atom = tuple[str, str | None, str | None]
Stance = tuple[str | None, bool]

METRICS = frozenset({
    "ORR_percent", "CR", "PR", "SD", "PD", "CR_percent", "n_resp", "N", "DoR_months", "PFS_months", "OS_months", "IC_DCR_percent", "HR",
    "value_percent", "n_pos", "sensitivity_percent", "specificity_percent",
})  # fmt: skip
_FAMILY = re.compile(r"^(NTRK[123]?|TRK[ABC]?|NMT)$", re.IGNORECASE)
_GENE = re.compile(r"\b(?:NTRK[123]?|TRK[ABC]?|[A-Z][A-Z0-9]{2,9})\b")
_NOT_GENES = frozenset(["VUS", "IHC", "MSI", "TMB", "DNA", "RNA", "RTK", "IGR", "MMR", "TKI", "RAS", "MAPK", "NOT", "NSCLC", "METEX14"])
_CHECKPOINT = re.compile(r"checkpoint|immunotherap|\bicis?\b|\bpd-?l?-?1\b", re.IGNORECASE)
_CLASS = re.compile(r"\b([a-z][a-z0-9/]*)[\s-]*(?:tyrosine kinase )?(?:inhibitor|tki)s?\b", re.IGNORECASE)
_NAMED = (Label.GENE, Label.FUSION, Label.VARIANT, Label.DRUG)


@dataclass(frozen=True, slots=True)
class Score:
    """Counts behind precision and recall: predictions that are right, gold that is found."""

    right: int = 0
    predicted: int = 0
    found: int = 0
    gold: int = 0

    def __add__(self, other: Score) -> Score:
        return Score(self.right + other.right, self.predicted + other.predicted, self.found + other.found, self.gold + other.gold)

    @property
    def precision(self) -> float:
        """Share of the predictions that are right; 0 where there are none."""
        return self.right / self.predicted if self.predicted else 0.0

    @property
    def recall(self) -> float:
        """Share of the gold that is found; 0 where there is none."""
        return self.found / self.gold if self.gold else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


@dataclass(frozen=True, slots=True)
class Slip:
    """One disagreement: in which text, what was measured, ``missed`` or ``spurious``, and what it was."""

    id: str
    measure: str
    kind: str
    what: str


@dataclass(frozen=True, slots=True)
class Report:
    """Figures by name, in a fixed order, every slip, and the pairs of gold and prediction they come from."""

    scores: dict[str, Score]
    slips: tuple[Slip, ...]
    pairs: tuple[tuple[Row, Row], ...]
    missing: tuple[str, ...] = ()
    name: str = ""


@dataclass(frozen=True, slots=True)
class View:
    """A claim as it is compared."""

    atoms: frozenset[Atom]
    figures: frozenset[tuple[str, float | str]]
    stance: Stance
    spans: tuple[tuple[int, int], ...] = ()


@dataclass
class _Tally:
    """Scores and slips while they are counted."""

    scores: dict[str, Score] = field(default_factory=lambda: defaultdict(Score))
    slips: list[Slip] = field(default_factory=list)

    def sets(self, name: str, id_: str, gold: set[Any], predicted: set[Any]) -> None:
        both = len(gold & predicted)
        self.scores[name] += Score(both, len(predicted), both, len(gold))
        self.slips += [Slip(id_, name, "missed", _words(x)) for x in sorted(gold - predicted, key=str)]
        self.slips += [Slip(id_, name, "spurious", _words(x)) for x in sorted(predicted - gold, key=str)]


def evaluate(gold_rows: Iterable[Row], predictions: Iterable[Row], *, name: str = "") -> Report:
    """Compare gold rows with extraction rows of the same id; a gold row without a prediction counts as empty."""
    by_id = {row["id"]: row for row in predictions}
    gold_rows = list(gold_rows)
    missing = tuple(str(row["id"]) for row in gold_rows if row["id"] not in by_id)
    empty: Row = {"fusions": [], "drugs": [], "variants": [], "claims": [], "mentions": [], "study_type": None}
    pairs = tuple((gold, by_id.get(gold["id"], empty)) for gold in gold_rows)
    tally = _Tally()
    for gold, predicted in pairs:
        _count_sets(tally, gold, predicted)
        _count_claims(tally, gold, predicted)
        _count_mentions(tally, gold, predicted)
    return Report(_ordered(tally.scores), tuple(tally.slips), pairs, missing, name)


def evaluate_corpus(folder: Path, mine: Mine, *, split: str | None = None, texts: Sequence[Path] = ()) -> Report:
    """Mine every text of a corpus (or of one split) with ``mine``, which gives the extraction row of a record.

    ``texts`` are files that hold the texts where the corpus holds facts alone.
    """
    path = folder / "gold.jsonl"
    rows = with_texts(path, [row for row in read_gold(path) if split is None or row.get("split") == split], texts)
    return evaluate(rows, (mine(gold_record(row)) for row in rows), name=folder.name)


def read_gold(path: Path) -> list[dict[str, Any]]:
    """Read a gold file; a line that is no JSON object is an ``InputError`` with its number."""
    rows = []
    try:
        lines = path.read_text("utf-8").splitlines()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); a corpus folder holds gold.jsonl") from error
    for number_, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
        except ValueError as error:
            raise InputError(f"{path}:{number_}: no JSON ({error})") from error
        if not isinstance(row, dict) or "id" not in row or "claims" not in row:
            raise InputError(f"{path}:{number_}: a gold row is an object with id and claims")
        rows.append(row)
    return rows


def gold_record(row: Row) -> Record:
    """The record of a gold row; its text is what the row's offsets point into."""
    sections = row.get("sections") or ([{"label": None, "text": row["abstract"]}] if row.get("abstract") else [])
    parts = tuple(Section(part["label"], part["text"]) for part in sections)
    return Record(row["id"], row.get("pmid"), row["title"], parts, source="gold")


def render_text(report: Report, *, slips: int = 0) -> str:
    """The figures as a table in plain text, and up to ``slips`` disagreements of each measure."""
    lines = [f"{report.name or 'evaluation'}: {len(report.pairs)} texts"]
    if report.missing:
        lines.append(f"{len(report.missing)} texts have no prediction: {', '.join(report.missing[:5])}")
    for name, score in report.scores.items():
        figures = f"P {score.precision:.3f}  R {score.recall:.3f}  F1 {score.f1:.3f}   gold {score.gold:4d}  predicted {score.predicted:4d}"
        lines.append(f"{name:34s} {figures}")
    for name in report.scores if slips else ():
        own = [slip for slip in report.slips if slip.measure == name]
        lines += ["", f"{name}: {len(own)} slips"] if own else []
        lines += [f"    {slip.id}  {slip.kind:8s}  {slip.what}" for slip in own[:slips]]
    return "\n".join(lines)


def check_floor(report: Report, floor: Mapping[str, float] | Path) -> list[str]:
    """What fell under its floor: one sentence for each figure whose F1 is below, or that was not measured."""
    floors: Mapping[str, float] = json.loads(floor.read_text("utf-8")) if isinstance(floor, Path) else floor
    fallen = []
    for name, least in floors.items():
        score = report.scores.get(name)
        if score is None:
            fallen.append(f"{name}: not measured, floor {least:.3f}")
        elif score.f1 < least:
            fallen.append(f"{name}: F1 {score.f1:.3f} is under its floor {least:.3f}")
    return fallen


def _count_sets(tally: _Tally, gold: Row, predicted: Row) -> None:
    def fusions(row: Row) -> set[tuple[str, ...]]:
        return {(f["five_prime"], f["three_prime"], f["polarity"]) for f in row["fusions"]}

    def variants(row: Row) -> set[tuple[str | None, str]]:
        return {(v["gene"], v["protein_change"]) for v in row["variants"]}

    # A corpus made of curations holds claims alone.
    if "fusions" in gold:
        tally.sets("fusions", gold["id"], fusions(gold), fusions(predicted))
    if "drugs" in gold:
        tally.sets("drugs", gold["id"], {d.lower() for d in gold["drugs"]}, {d.lower() for d in predicted["drugs"]})
    if "variants" in gold:
        tally.sets("variants", gold["id"], variants(gold), variants(predicted))
    if "study_type" not in gold:
        return
    agree = int(gold["study_type"] == predicted["study_type"])
    tally.scores["study type"] += Score(agree, 1, agree, 1)
    if not agree:
        tally.slips.append(Slip(gold["id"], "study type", "spurious", f"{predicted['study_type']} for {gold['study_type']}"))


def _count_claims(tally: _Tally, gold: Row, predicted: Row) -> None:
    golds, preds = [gold_view(c) for c in gold["claims"]], [predicted_view(c) for c in predicted["claims"]]
    pool_gold, pool_pred = ({f for v in views for f in v.figures} for views in (golds, preds))
    tally.sets("figures", gold["id"], pool_gold, pool_pred)
    tally.scores["figures bound"] += bound_figures(golds, preds)
    for name, keep in _STANCES.items():
        right, p, found, g = atom_counts(golds, preds, keep)
        tally.scores[name] += Score(len(right), len(p), len(found), len(g))
        tally.slips += [Slip(gold["id"], name, "missed", _words(a)) for a in sorted(g - found, key=str)]
        tally.slips += [Slip(gold["id"], name, "spurious", _words(a)) for a in sorted(p - right, key=str)]
        if name == "claims":
            for type_ in {a[0][0] for a in p | g}:
                own = [len([a for a in atoms if a[0][0] == type_]) for atoms in (right, p, found, g)]
                tally.scores[f"claim {type_}"] += Score(*own)
    if gold["claims"] and all("spans" in claim for claim in gold["claims"]):
        tally.scores["claims located"] += _located(golds, preds)


def _located(golds: Sequence[View], preds: Sequence[View]) -> Score:
    """Atoms that agree and whose claims share text: the claim was read where gold has it."""

    def meet(x: View, y: View) -> bool:
        return any(a < d and c < b for a, b in x.spans for c, d in y.spans)

    flat_p = [(atom, view) for view in preds for atom in view.atoms]
    flat_g = [(atom, view) for view in golds for atom in view.atoms]
    right = sum(any(fits(a, b) and meet(v, w) for b, w in flat_g) for a, v in flat_p)
    found = sum(any(fits(a, b) and meet(v, w) for a, v in flat_p) for b, w in flat_g)
    return Score(right, len(flat_p), found, len(flat_g))


def _count_mentions(tally: _Tally, gold: Row, predicted: Row) -> None:
    if "mentions" not in gold:
        return
    for label in Label:
        g = [m for m in gold["mentions"] if m["label"] == label]
        p = [m for m in predicted.get("mentions", ()) if m["label"] == label]
        if not g and not p:
            continue
        overlap = _mention_score(p, g, _overlap)
        for scope in (f"mention {label}", "mentions"):
            tally.scores[f"{scope} exact"] += _mention_score(p, g, _exact)
            tally.scores[f"{scope} overlap"] += overlap
            if label in _NAMED:
                tally.scores[f"{scope} named"] += _mention_score(p, g, _same_name)
        missed = [m for m in g if not any(_overlap(m, x) for x in p)]
        spurious = [m for m in p if not any(_overlap(m, x) for x in g)]
        tally.slips += [Slip(gold["id"], f"mention {label} overlap", "missed", _mention_words(m)) for m in missed]
        tally.slips += [Slip(gold["id"], f"mention {label} overlap", "spurious", _mention_words(m)) for m in spurious]


def _mention_score(predicted: Sequence[Row], gold: Sequence[Row], same: Callable[[Row, Row], bool]) -> Score:
    right = sum(any(same(p, g) for g in gold) for p in predicted)
    found = sum(any(same(p, g) for p in predicted) for g in gold)
    return Score(right, len(predicted), found, len(gold))


def _exact(a: Row, b: Row) -> bool:
    return bool(a["start"] == b["start"] and a["end"] == b["end"])


def _overlap(a: Row, b: Row) -> bool:
    return bool(a["start"] < b["end"] and b["start"] < a["end"])


def _same_name(a: Row, b: Row) -> bool:
    return _overlap(a, b) and str(a["name"]).lower() == str(b["name"]).lower()


def family(gene: str) -> str:
    """The gene family a gene is compared by: NTRK1/2/3, TRK and TRKA/B/C are one."""
    return "NTRK" if _FAMILY.match(gene) else gene.upper().replace("HER2", "ERBB2").replace("MEK1", "MAP2K1")


def subject_genes(text: str | None) -> list[str]:
    """Genes that a gold subject names (``ETV6::NTRK3``, ``EGFR/KRAS mutation``)."""
    return [g for g in _GENE.findall(re.sub(r"([A-Z0-9]+)::", r"\1 ", text or "")) if g.upper() not in _NOT_GENES]


def therapy(name: str) -> str:
    """A therapy's key: the drug in lower case, or its class (``trk inhibitor``, ``immune checkpoint inhibitor``)."""
    name = re.sub(r"\s+", " ", name.strip().lower())
    if _CHECKPOINT.search(name):
        return "immune checkpoint inhibitor"
    target = _CLASS.search(name)
    if not target:
        return name
    word = re.sub(r"^n?trk[abc123/]*$", "trk", target[1])
    return ("kinase" if word in {"tyrosine", "kinase", "type", "generation"} else word) + " inhibitor"


def number(value: object) -> float | str:
    """A figure's key: a number to two places, a bound or a range as text."""
    text = str(value).strip().lower().replace("–", "-").replace(" ", "").rstrip("%")
    try:
        return round(float(text), 2)
    except ValueError:
        return text


def gold_view(claim: Row) -> View:
    """A gold claim as it is compared; its genes stand in the subject."""
    return _view(claim, subject_genes(claim.get("subject")), claim.get("drug"))


def predicted_view(claim: Row) -> View:
    """A predicted claim as it is compared."""
    genes = [*(claim.get("genes") or ()), *(claim.get("fusion") or "").split("::")]
    return _view(claim, genes, claim.get("therapies"))


def _view(claim: Row, genes: Iterable[str], drugs: Iterable[str] | None) -> View:
    figures = {(k, number(v)) for k, v in (claim.get("figures") or {}).items() if k in METRICS and v is not None}
    if claim.get("population_n") is not None and not any(k == "N" for k, _ in figures):
        figures.add(("N", number(claim["population_n"])))
    keys: set[str | None] = {family(g) for g in genes if g and g != "?"} or {None}
    therapies: set[str | None] = {therapy(d) for d in drugs or ()} or {None}
    atoms = frozenset((claim["type"], g, t) for g in keys for t in therapies)
    spans = tuple((a, b) for a, b in claim.get("spans") or [(claim.get("start", 0), claim.get("end", 0))])
    return View(atoms, frozenset(figures), (claim.get("direction"), claim.get("polarity") == "hedged"), spans)


def fits(predicted: Atom, gold: Atom) -> bool:
    """Does a predicted atom answer a gold atom?"""
    return predicted[0] == gold[0] and gold[1] in (None, predicted[1]) and gold[2] in (None, predicted[2])


def _against_or_hedged(stance: Stance) -> object:
    return None if stance == ("supports", False) else stance


_STANCES: dict[str, Callable[[Stance], object]] = {
    "claims": lambda stance: "any",
    "claims strict": lambda stance: stance,
    "claims against or hedged": _against_or_hedged,
}
Kept = set[tuple[Atom, object]]


def atom_counts(golds: Sequence[View], preds: Sequence[View], keep: Callable[[Stance], object]) -> tuple[Kept, Kept, Kept, Kept]:
    """(right, predicted, found, gold) sets of (atom, kept stance); ``keep`` gives what must agree, None for what does not count."""
    p, g = ({(atom, keep(v.stance)) for v in views for atom in v.atoms if keep(v.stance) is not None} for views in (preds, golds))
    right = {x for x in p if any(x[1] == y[1] and fits(x[0], y[0]) for y in g)}
    found = {y for y in g if any(x[1] == y[1] and fits(x[0], y[0]) for x in p)}
    return right, p, found, g


def bound_figures(golds: Sequence[View], preds: Sequence[View]) -> Score:
    """Figures whose claims share an atom; a repeated claim counts once."""
    p, g = ({(v.atoms, figure) for v in views for figure in v.figures} for views in (preds, golds))

    def agree(x: tuple[frozenset[Atom], object], y: tuple[frozenset[Atom], object]) -> bool:
        return x[1] == y[1] and any(fits(a, b) for a in x[0] for b in y[0])

    return Score(sum(any(agree(x, y) for y in g) for x in p), len(p), sum(any(agree(x, y) for x in p) for y in g), len(g))


def _ordered(scores: Mapping[str, Score]) -> dict[str, Score]:
    """Sets, claims, claim types, mentions: the order in which a reader asks."""
    first = ["fusions", "drugs", "variants", "figures", "figures bound", *_STANCES, "claims located", "study type", "mentions exact",
             "mentions overlap", "mentions named"]  # fmt: skip
    rest = sorted(name for name in scores if name not in first)
    return {name: scores[name] for name in [*first, *rest] if name in scores}


def _words(item: object) -> str:
    if isinstance(item, (tuple, list)):
        return " · ".join(_words(part) for part in item if part is not None and part != "any")
    return str(item)


def _mention_words(mention: Row) -> str:
    return f"{mention['start']}-{mention['end']} {mention['text']!r} ({mention['name']})"
