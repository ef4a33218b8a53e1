"""Measure what each trained model changes: frames alone, with confidence, vetoes or proposals of the claim model, parse, names, all.

    python scripts/ablate.py [--shared ../shared] [--gold NAME=GOLD[:TEXTS] ...] [--models FOLDER] [--only VARIANT ...]

Prints a table: claims F1, strict F1 and drugs F1 of each gold set, F1 on the CIViC fifth held back (every pair, curated pairs,
macro over effects), and abstracts a CPU second. The sets' own scorer (``shared/tools/score.py``) counts.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import io
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from miner import mine, train_data
from miner.config import Models
from miner.schema import Record
from miner.sources import read_records

ROOT = Path(__file__).parents[1]


class Variant(NamedTuple):
    """A way to read: models that take part, and what the claim model may do."""

    name: str
    parse: bool = False
    names: bool = False
    votes: bool = False
    propose: float | None = None
    veto: float = 0.0


VARIANTS = (
    Variant("frames alone"),
    Variant("+ confidence", votes=True, propose=2.0),
    Variant("+ vetoes below .1", votes=True, propose=2.0, veto=0.1),
    Variant("+ proposals", votes=True),
    Variant("+ proposals and vetoes", votes=True, veto=0.1),
    Variant("+ parse", parse=True, votes=True),
    Variant("+ names", names=True),
    Variant("all", parse=True, names=True, votes=True),
)


class Gold(NamedTuple):
    """A gold set: its rows and the texts by id."""

    name: str
    rows: list[dict[str, Any]]
    records: dict[str, Record]


def scorer(path: Path) -> Any:
    """Load the scorer of the sets."""
    spec = importlib.util.spec_from_file_location("score", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def gold_set(score: Any, text: str) -> Gold:
    """Read ``NAME=GOLD[:TEXTS]``."""
    name, _, where = text.partition("=")
    gold, _, texts = where.partition(":")
    rows = score.load(gold)
    records = {r.id: r for r in read_records(Path(texts or gold)) if isinstance(r, Record)}
    by_pmid = {r.pmid: r for r in records.values()}
    return Gold(name, rows, {row["id"]: records.get(row["id"]) or by_pmid[row["pmid"]] for row in rows})


def miner_of(variant: Variant, folder: Path) -> mine.Miner:
    """Load what a variant reads with."""
    core, claims = str(folder / "en_bio_core"), str(folder / "claims")
    models = Models(core if variant.parse else "off", core if variant.names else "off", claims if variant.votes else "off")
    miner = mine.load(models=models)
    if miner.claim_model is None:
        return miner
    propose = miner.claim_model.propose if variant.propose is None else variant.propose
    return replace(miner, claim_model=replace(miner.claim_model, propose=propose, veto=variant.veto))


def told(call: Any, *given: Any) -> dict[str, float]:
    """F1 by name of what a scorer prints."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        call(*given, 0)
    found = {}
    for line in out.getvalue().splitlines():
        if "F1 " in line and " R " in line:
            found[line[:34].strip()] = float(line.split("F1")[1].split()[0])
        elif line.startswith("macro"):
            found["macro"] = float(line.split()[-1])
    return found


def measure(variant: Variant, score: Any, golds: Iterable[Gold], civic: Path, folder: Path) -> list[str]:
    """One row of the table."""
    miner, cells, texts, spent = miner_of(variant, folder), [variant.name], 0, 0.0
    for gold in golds:
        started = time.process_time()
        rows = [{**mine.extraction_row(miner(gold.records[row["id"]]), miner.topic.focus_genes), "id": row["id"]} for row in gold.rows]
        spent, texts = spent + time.process_time() - started, texts + len(rows)
        f1 = told(score.score_gold, gold.rows, rows)
        cells.append(f"{f1['claims']:.3f} / {f1['claims strict']:.3f} / {f1['drugs']:.3f}")
    if civic.exists():
        items, rows = [], []
        for record, held in train_data.statements(civic, held_back=True):
            row = mine.extraction_row(miner(record), miner.topic.focus_genes)
            items += held
            rows += [{**row, "id": item["evidence_id"]} for item in held]
        f1 = told(score.score_civic, items, rows)
        cells.append(f"{f1['triples, every prediction']:.3f} / {f1['triples, on the curated pairs']:.3f} / {f1['macro']:.3f}")
    return [*cells, f"{texts / spent:.0f}" if spent else ""]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--gold", action="append", metavar="NAME=GOLD[:TEXTS]", default=[])
    parser.add_argument("--models", type=Path, default=ROOT / "models")
    parser.add_argument("--only", action="append", choices=[v.name for v in VARIANTS])
    given = parser.parse_args()
    score = scorer(given.shared / "tools" / "score.py")
    golds = [gold_set(score, text) for text in given.gold or [f"ntrk_dev={given.shared / 'gold' / 'ntrk_dev.jsonl'}"]]
    head = ["reading", *(f"{g.name} claims / strict / drugs" for g in golds), "CIViC every / pairs / macro", "abstracts a s"]
    print("| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    for variant in VARIANTS:
        if given.only and variant.name not in given.only:
            continue
        row = measure(variant, score, golds, given.shared / "data" / "civic" / "evidence_train.jsonl", given.models)
        print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
