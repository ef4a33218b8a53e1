"""Build a large evidence base through the store's own door, then time queries, search, curation and export on it.

    python scripts/bench_store.py [--rows N] [--db FILE] [--keep]

Rows are invented: papers of five claims each over genes, drugs and tumours in the uneven proportions that literature has.
Each stage runs in a process of its own, so that its peak of memory is its own; times are wall-clock seconds, and those of
queries the 50th, 95th and 100th percentile over queries that each name three filters, no two alike.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from miner.evidence.merge import merge
from miner.evidence.store import Store
from miner.evidence.store_search import search
from miner.schema import (
    Action,
    Claim,
    ClaimType,
    Concept,
    Curation,
    Direction,
    Mined,
    Polarity,
    Reading,
    Record,
    Section,
    Sentence,
    StudyType,
)

TARGET_MS, TARGET_EXPORT = 100.0, 60.0
CLAIMS_A_PAPER, QUERIES = 5, 100
GENES = [f"GENE{number}" for number in range(1, 401)]
DRUGS = [f"drug{number}inib" for number in range(1, 151)]
TUMOURS = [Concept(f"doid:9{number:04}", f"tumour of site {number}") for number in range(1, 81)]
TYPES = list(ClaimType)
STUDIES = list(StudyType)
WORDS = ["patients", "tumours", "response", "resistance", "kinase", "mutation", "assay", "cohort", "survival", "median", "treated"]


def uneven(things: list, pick: random.Random):  # type: ignore[no-untyped-def,type-arg]
    """Pick a thing, the first ones far more often than the last."""
    return things[min(int(pick.paretovariate(0.6)) - 1, len(things) - 1) if pick.random() < 0.7 else pick.randrange(len(things))]


def paper(number: int, pick: random.Random) -> Mined:
    """Invent a record and what it asserts."""
    sentences, drafts = [], []
    for _ in range(CLAIMS_A_PAPER):
        gene, drug, tumour = uneven(GENES, pick), uneven(DRUGS, pick), uneven(TUMOURS, pick)
        total = pick.randrange(5, 200)
        hits = pick.randrange(total + 1)
        words = " ".join(pick.choices(WORDS, k=12))
        sentences.append(f"Of {total} {words} with {gene} fusion in {tumour.name}, {hits} responded to {drug}.")
        drafts.append((gene, drug, tumour, hits, total))
    title = f"Report {number} on {drafts[0][0]} and {drafts[0][1]} in {drafts[0][2].name}"
    pmid = str(10_000_000 + number)
    year = str(2005 + min(19, int(20 * pick.random() ** 0.5)))
    record = Record(id=pmid, pmid=pmid, title=title, sections=(Section(None, " ".join(sentences)),), pub_date=year, source="bench")
    spans = list(places(record.text, sentences))
    claims = tuple(claim(draft, span, pick) for draft, span in zip(drafts, spans, strict=True))
    reading = Reading(record, tuple(Sentence(start, end, 1) for start, end in spans), ())
    return Mined(reading, uneven(STUDIES, pick), uneven(list("BCADE"), pick), claims)


def places(text: str, sentences: list[str]) -> Iterator[tuple[int, int]]:
    """Yield where the sentences stand, one after the other."""
    start = 0
    for sentence in sentences:
        start = text.index(sentence, start)
        yield start, start + len(sentence)
        start += len(sentence)


def claim(draft: tuple[str, str, Concept, int, int], span: tuple[int, int], pick: random.Random) -> Claim:
    """Invent a claim on a gene, drug and tumour."""
    gene, drug, tumour, hits, total = draft
    direction = Direction.DOES_NOT_SUPPORT if pick.random() < 0.15 else Direction.SUPPORTS
    polarity = Polarity.HEDGED if pick.random() < 0.1 else Polarity.ASSERTED
    figures = {"n_resp": hits, "N": total, "ORR_percent": round(100 * hits / total, 1)} if pick.random() < 0.5 else {}
    return Claim(
        uneven(TYPES, pick), *span, "bench", genes=(gene,), alteration="fusion", therapies=(drug,), disease=tumour,
        direction=direction, polarity=polarity, population_n=total, figures=figures, spans=(span,),
    )  # fmt: skip


def build(path: Path, rows: int) -> None:
    """Save papers until the database holds so many rows, as a refresh does: one transaction, a ledger of changes."""
    pick = random.Random(7)
    with Store.open(path) as store, store.transaction():
        run_id = store.begin_run(topic="bench", kind="files", query=None, versions={"code": "1"}, started="2026-01-01T00:00:00Z")
        held = 0
        for number in itertools.count():
            mined = paper(number, pick)
            evidence = merge(mined)
            store.save(mined, evidence, run_id=run_id, mining_version="bench", topic="bench")
            held += len(evidence)
            if held >= rows:
                break
        store.finish_run(run_id, outcome="done", counts={"new": number + 1}, finished="2026-01-01T01:00:00Z")


def three_filters(pick: random.Random) -> dict[str, list[str]]:
    """Choose three filters at random: two of gene, drug and tumour, and one of type, level, direction."""
    named = {"gene": [uneven(GENES, pick)], "drug": [uneven(DRUGS, pick)], "disease": [uneven(TUMOURS, pick).name]}
    kinds = {"claim_type": [str(uneven(TYPES, pick))], "level": [uneven(list("BCADE"), pick)], "direction": [str(Direction.SUPPORTS)]}
    return {name: named[name] for name in pick.sample(sorted(named), 2)} | {name: kinds[name] for name in pick.sample(sorted(kinds), 1)}


Spent = tuple[float, float]


def timed(action: Callable[[], object]) -> Spent:
    """Return the seconds that an action takes, on the wall and of this process."""
    wall, own = time.perf_counter(), time.process_time()
    action()
    return time.perf_counter() - wall, time.process_time() - own


def percentiles(spent: list[Spent]) -> str:
    """Write the 50th, 95th and 100th percentile in milliseconds, on the wall and of this process."""
    told = []
    for name, values in zip(("wall", "cpu"), zip(*spent, strict=True), strict=True):
        ranked = sorted(1000 * value for value in values)
        shown = [ranked[min(len(ranked) - 1, int(share * len(ranked)))] for share in (0.5, 0.95, 1)]
        told.append(f"{name} p50 {shown[0]:.1f} p95 {shown[1]:.1f} max {shown[2]:.1f} ms")
    return " · ".join(told)


def seconds(spent: Spent) -> str:
    """Write seconds, on the wall and of this process."""
    return f"{spent[0]:.1f} s (cpu {spent[1]:.1f} s)"


def tell(name: str, text: str) -> None:
    """Print a stage's figures with the peak of memory of this process."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(f"{name:<28} {text} · peak {peak:,.0f} MB\n")


def stage(name: str, path: Path, rows: int) -> None:
    """Run one stage in this process."""
    pick = random.Random(11)
    if name == "build":
        spent = timed(lambda: build(path, rows))
        tell(name, f"{rows:,} rows in {seconds(spent)}, {path.stat().st_size / 1e6:,.0f} MB on disk")
        return
    if name == "curate":
        with Store.open(path) as store:
            found = list(store.table(gene="GENE3", drug="drug2inib"))[:50]
            chosen = [row.best for row in found]
            spent = [timed(lambda item=item: store.curate(Curation("bench", Action.ACCEPT, item.key, item.pmid))) for item in chosen]
            tell("curate one row", percentiles(spent))
        return
    with Store.open(path, readonly=True) as store:
        if name in ("table", "page"):
            tell("first page of a process", seconds(timed(lambda: search(store, counted=False))))
            filters = [three_filters(pick) for _ in range(QUERIES)]
            more = {"sort": "support"} if name == "page" else {"counted": False}
            spent = [timed(lambda given=given: search(store, facets=given, **more)) for given in filters]
            tell("table, three filters" if name == "table" else "page with facets, three", percentiles(spent))
        elif name == "words":
            texts = [f"{pick.choice(WORDS)} {uneven(GENES, pick)} {uneven(DRUGS, pick)}" for _ in range(QUERIES)]
            tell("table, three words", percentiles([timed(lambda text=text: search(store, text=text, counted=False)) for text in texts]))
        elif name == "export":
            from miner.evidence.export import export

            with open(os.devnull, "w", encoding="utf-8") as sink:
                tell("export of everything", seconds(timed(lambda: export(store, "tsv", sink))))
        elif name == "gate":
            from miner.refresh.gate import check_export

            tell("gate before an export", seconds(timed(lambda: check_export(store))))


STAGES = ("build", "table", "page", "words", "export", "gate", "curate")


def main() -> None:
    """Run the stages one by one, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--db", type=Path, help="database to make, or to use again where it is there")
    parser.add_argument("--stage", choices=STAGES)
    given = parser.parse_args()
    if given.stage:
        stage(given.stage, given.db, given.rows)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = given.db or Path(folder) / "bench.db"
        for name in STAGES:
            if name == "build" and path.exists():
                continue
            command = [sys.executable, __file__, "--stage", name, "--db", str(path), "--rows", str(given.rows)]
            subprocess.run(command, check=True)
    sys.stdout.write(f"targets: table p95 under {TARGET_MS:.0f} ms, export under {TARGET_EXPORT:.0f} s\n")


if __name__ == "__main__":
    main()
