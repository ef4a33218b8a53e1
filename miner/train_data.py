"""Where the examples of the claim model come from: the project's corpus, CIViC statements, annotated texts, curated rows."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from miner import evaluate, train
from miner.claims import votes
from miner.claims.votes import ClaimModel
from miner.errors import InputError
from miner.evaluate_texts import Row, with_texts
from miner.evidence.store import Store
from miner.evidence.table import Paper
from miner.mine import Miner
from miner.schema import Direction, Mined, Polarity, Record, Section
from miner.train import Decision, Example

CIVIC = Path("civic") / "evidence_train.jsonl"
TRAINING_SPLIT = "dev"


class Text(NamedTuple):
    """An annotated text as the miner reads it, beside its gold row."""

    mined: Mined
    gold: Row


def synthetic(miner: Miner, path: Path) -> list[Example]:
    """Examples of the project's corpus, the split ``test`` left out."""
    rows = [row for row in evaluate.read_gold(path) if row.get("split") == TRAINING_SPLIT]
    return _examples(miner, [Text(miner(evaluate.gold_record(row)), row) for row in rows])


def annotated(miner: Miner, gold: Path, texts: Path | None = None, *, split: str | None = None) -> list[Text]:
    """Annotated texts, of one split or all; ``texts`` gives them by PMID or id where the gold holds facts alone."""
    rows = [row for row in evaluate.read_gold(gold) if split is None or row.get("split", split) == split]
    return [Text(miner(evaluate.gold_record(row)), row) for row in with_texts(gold, rows, [texts] if texts else [])]


def examples_of(miner: Miner, texts: Iterable[Text]) -> list[Example]:
    """Examples of annotated texts."""
    return _examples(miner, texts)


def _examples(miner: Miner, texts: Iterable[Text]) -> list[Example]:
    return [example for text in texts for example in train.examples_of_gold(text.mined, text.gold, miner.lexicon)]


def civic(miner: Miner, path: Path) -> list[Example]:
    """Examples of CIViC's statements; the fifth that is for testing alone is left out."""
    held = statements(path, held_back=False)
    return [example for record, items in held for example in train.examples_of_civic(miner(record), items, miner.lexicon)]


def statements(path: Path, *, held_back: bool) -> Iterator[tuple[Record, list[dict[str, str]]]]:
    """Each CIViC statement as a record with its items, of the part for training or of the fifth held back."""
    by_text: dict[str, list[dict[str, str]]] = defaultdict(list)
    for line in path.read_text(encoding="utf-8").splitlines():
        item: dict[str, Any] = json.loads(line)
        if train.is_held_back(item["citation_id"]) is held_back:
            by_text[item["evidence_statement"]].append(item)
    for text, items in by_text.items():
        yield Record(items[0]["evidence_id"], None, "", (Section(None, text),), source="CIViC"), items


def curated(miner: Miner, database: Path) -> list[Example]:
    """Examples of the rows that curators accepted, rejected, corrected or added."""
    found = []
    with Store.open(database, readonly=True) as store:
        by_paper: dict[str, list[Paper]] = defaultdict(list)
        for row in store.evidence(status=("accepted", "rejected")):
            by_paper[row.pmid].append(row)
        for source, rows in sorted(by_paper.items()):
            record = store.record(source)
            if record is not None:
                decisions = [decision for row in rows for decision in _decisions(row)]
                found += train.examples_of_curation(miner(record), decisions, miner.lexicon)
    return found


def _decisions(row: Paper) -> Iterator[Decision]:
    """What a row's status says; a corrected type also says that the one read was wrong."""
    starts = frozenset(quote.start for quote in row.quotes)
    against, hedged = row.direction is Direction.DOES_NOT_SUPPORT, row.polarity is Polarity.HEDGED
    yield Decision(str(row.claim_type), row.genes, row.therapies, starts, row.status == "accepted", against, hedged)
    read = row.machine.get("claim_type")
    if read and read != str(row.claim_type):
        yield Decision(str(read), row.genes, row.therapies, starts, False)


def collect(
    miner: Miner, *, corpus: Path, data: Path, annotated: Iterable[tuple[Path, Path | None]] = (), database: Path | None = None
) -> dict[str, list[Example]]:
    """Examples by source, of what is there: without a folder of CIViC statements the others stand alone."""
    parts: dict[str, list[Example]] = {}
    if database is not None:
        parts["curated"] = curated(miner, database)
    if corpus.exists():
        parts["synthetic"] = synthetic(miner, corpus)
    if (data / CIVIC).exists():
        parts["civic"] = civic(miner, data / CIVIC)
    read = [text for gold, texts in annotated for text in _annotated(miner, gold, texts, split=TRAINING_SPLIT)]
    if read:
        parts["annotated"] = examples_of(miner, read)
    if not any(parts.values()):
        raise InputError(f"nothing to learn from: neither {corpus} nor {data / CIVIC} is there; name them with --corpus and --data")
    return parts


def write(folder: Path, model: ClaimModel, metrics: dict[str, Any]) -> None:
    """Write weights and metrics; each file is replaced whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = json.dumps(votes.to_json(model), ensure_ascii=False, separators=(",", ":")).replace('],"', '],\n"')
    for name, text in ((votes.WEIGHTS, weights), ("metrics.json", json.dumps(metrics, indent=1))):
        draft = folder / f".{name}"
        draft.write_text(text + "\n", encoding="utf-8")
        draft.replace(folder / name)


_annotated = annotated
