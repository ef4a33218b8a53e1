"""The search gives what the database gives: rows, order, totals and counts under random filters, and after every kind of change."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy
import pytest
from evidence_cases import FAMILIES, claim, mined, record

from miner.evidence import store_index_read
from miner.evidence.merge import merge
from miner.evidence.store import Store
from miner.evidence.store_facets import KINDS
from miner.evidence.store_index import Index
from miner.evidence.store_query import papers
from miner.evidence.store_search import FACETS, MOST_VALUES, _clauses, _where, search
from miner.evidence.table import Paper, TableRow, make_rows, subject
from miner.schema import Action, ClaimType, Concept, Curation, Direction, Mined, Polarity, Status, StudyType

GENES, DRUGS = ["AAA1", "BBB2", "CCC3"], ["zedinib", "yotinib"]
TUMOURS = [Concept("doid:1", "tumour of the ear"), Concept("doid:2", "tumour of the toe")]
TYPES = [ClaimType.SENSITIVITY_RESPONSE, ClaimType.RESISTANCE_ON_TARGET]
STATUSES = [Status.CURRENT] * 8 + [Status.CONCERN, Status.RETRACTED]


def invented(number: int, pick: random.Random) -> Mined:
    """A paper of three findings, some of which others tell again: by trial, by counts, by title, as a review."""
    sentences, drafts = [], []
    for place in range(3):
        total = pick.choice([5, 12, 40, 150, 1200])
        hits = pick.choice([total // 5, total // 2])
        drafts.append((pick.choice(GENES), pick.choice(DRUGS), pick.choice(TUMOURS), hits, total))
        sentences.append(f"Finding {place}: {hits} of {total} with {drafts[-1][0]} did as told under {drafts[-1][1]}.")
    trial = pick.choice(["", "", " (NCT02122913)", " (NCT02576431)"])
    title = pick.choice([f"Report {number} on what was found", "The one report that many gave of it"]) + trial
    made = record(
        str(700_000 + number), title, (None, " ".join(sentences)), pub_date=str(pick.randrange(2015, 2020)), status=pick.choice(STATUSES)
    )
    claims = [
        claim(
            made.text, sentence, pick.choice(TYPES), genes=(gene,), therapies=(drug,), disease=tumour, population_n=total,
            direction=pick.choice([Direction.SUPPORTS, Direction.SUPPORTS, Direction.DOES_NOT_SUPPORT]),
            polarity=pick.choice([Polarity.ASSERTED, Polarity.HEDGED]), background=pick.random() < 0.2,
            figures={"n_resp": hits, "N": total},
        )
        for sentence, (gene, drug, tumour, hits, total) in zip(sentences, drafts, strict=True)
    ]  # fmt: skip
    kind = pick.choice([StudyType.TRIAL, StudyType.CASE_REPORT, StudyType.REVIEW])
    return mined(made, claims, study_type=kind, level=pick.choice("ABCDE"))


def save(store: Store, item: Mined, run_id: int | None = None, topic: str = "t") -> None:
    store.save(item, merge(item, FAMILIES), run_id=run_id, mining_version="m", topic=topic)


def judge(store: Store, pick: random.Random) -> None:
    """Decide on some row: reject it, accept it, or write it otherwise, so that it joins another."""
    row = pick.choice(list(store.evidence()))
    action = pick.choice([Action.REJECT, Action.ACCEPT, Action.EDIT])
    changes = {"therapies": [pick.choice(DRUGS)], "year": 0} if action is Action.EDIT else {}
    changes.pop("year", None)
    store.curate(Curation("ada", action, row.key, row.pmid, changes=changes))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    pick = random.Random(5)
    with Store.open(tmp_path_factory.mktemp("world") / "e.db") as store:
        for first in (0, 60):
            run_id = store.begin_run(topic="t", kind="files", query=None, versions={}, started="2026-01-01T00:00:00Z")
            with store.transaction():
                for number in range(first, first + 60):
                    save(store, invented(number, pick), run_id, pick.choice(["t", "t", "u"]))
            store.finish_run(run_id, outcome="done", counts={}, finished="2026-01-01T01:00:00Z")
        for _ in range(25):
            judge(store, pick)
        yield store


def told_by_sql(store: Store, text: str | None, facets: Mapping[str, Sequence[str]], without: str | None = None) -> list[TableRow]:
    with store.reading() as connection:
        where, values = _where(_clauses(connection, text, facets), without)
        found = list(papers(connection, f"WHERE {where}", values))
    return [row for _, group in groupby(found, key=subject) for row in make_rows(group)]


def counts_by_sql(store: Store, text: str | None, facets: Mapping[str, Sequence[str]], facet: str) -> tuple[tuple[str, int], ...]:
    chosen = {*facets, "status"}
    with store.reading() as connection:
        where, values = _where(_clauses(connection, text, facets), facet if facet in chosen else None)
        query = f"""SELECT f.name, count(DISTINCT e.proposition) AS n FROM evidence e JOIN evidence_facets ef ON ef.evidence = e.id
            JOIN facets f ON f.id = ef.facet WHERE f.kind = ? AND {where} GROUP BY f.id ORDER BY n DESC, f.name"""
        return tuple((row["name"], row["n"]) for row in connection.execute(query, [facet, *values]))[:MOST_VALUES]


FIGURES: dict[str, Any] = {
    "support": lambda row: row.support,
    "patients": lambda row: row.n_patients or 0,
    "papers": lambda row: row.n_papers,
    "year": lambda row: max(row.years, default=0),
}


def sorted_as(rows: Sequence[TableRow], sort: str) -> list[TableRow]:
    name, turned = sort.removeprefix("-"), sort.startswith("-")
    if name == "order":
        return list(rows)[::-1] if turned else list(rows)
    return sorted(rows, key=lambda row: FIGURES[name](row) * (1 if turned else -1))


def asked(pick: random.Random) -> tuple[str | None, dict[str, list[str]]]:
    values = {
        "gene": GENES, "drug": DRUGS, "disease": [item.name for item in TUMOURS], "claim_type": [str(item) for item in TYPES],
        "level": list("ABCDE"), "direction": ["supports", "does_not_support"], "polarity": ["asserted", "hedged"],
        "study_type": ["trial", "review", "case_report"], "year": ["2015", "2016", "2019"], "status": ["submitted", "accepted", "rejected"],
        "topic": ["t", "u"], "opposed": ["yes", "no"], "new_since_run": ["0", "1"],
    }  # fmt: skip
    facets = {name: pick.sample(values[name], pick.choice([1, 1, 2])) for name in pick.sample(sorted(values), pick.randrange(4))}
    return pick.choice([None, None, "report that", "zedi"]), facets


@pytest.mark.parametrize("seed", range(60))
def test_a_search_gives_what_the_database_gives(world: Store, seed: int) -> None:
    pick = random.Random(seed)
    text, facets = asked(pick)
    wanted = told_by_sql(world, text, facets)
    for sort in ("order", "-order", "support", "-support", "patients", "-patients", "papers", "year", "-year"):
        size = pick.choice([1, 3, 7, 1000])
        page = pick.choice([1, 1, 2, 4])
        found = search(world, text=text, facets=facets, sort=sort, page=page, size=size)
        assert found.total == len(wanted)
        assert list(found.rows) == sorted_as(wanted, sort)[(page - 1) * size : page * size], sort
    for facet in FACETS:
        if facet in KINDS:
            assert found.facet_counts[facet] == counts_by_sql(world, text, facets, facet), facet


@pytest.mark.parametrize("facets", [{}, {"gene": ["AAA1"]}, {"direction": ["supports"], "level": ["A", "B"]}])
def test_counts_of_what_is_no_column(world: Store, facets: dict[str, list[str]]) -> None:
    counts = search(world, facets=facets).facet_counts
    for facet, values in (("topic", ["t", "u"]), ("opposed", ["no", "yes"]), ("new_since_run", ["1"])):
        wanted = {value: len(told_by_sql(world, None, {**facets, facet: [value]})) for value in values}
        assert dict(counts[facet]) == {value: n for value, n in wanted.items() if n}


def test_what_is_opposed_has_evidence_for_both(world: Store) -> None:
    for row in search(world, facets={"opposed": ["yes"]}, size=200).rows:
        both = [item for item in world.table() if subject(item.best) == subject(row.best)]
        assert {item.direction for item in both} == set(Direction)


ARRAYS = ("ids", "propositions", "subjects", "papers", "weights", "years", "patients", "rejected", "background")


def same(one: Index, two: Index) -> None:
    for name in ARRAYS:
        assert numpy.array_equal(getattr(one, name), getattr(two, name)), name
    assert (list(one.facets.kinds), list(one.facets.names)) == (list(two.facets.kinds), list(two.facets.names))
    for name in ("numbers", "starts", "codes", "places"):
        assert numpy.array_equal(getattr(one.facets, name), getattr(two.facets, name)), name


@pytest.mark.parametrize("seed", range(4))
def test_the_next_state_is_made_out_of_the_one_before(tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    pick = random.Random(seed)
    whole = store_index_read._read
    with Store.open(tmp_path / "e.db") as store, Store.open(tmp_path / "e.db") as writer:
        for number in range(20):
            save(writer, invented(number, pick))
        with store.reading() as connection:
            search(store)
            monkeypatch.setattr(store_index_read, "_read", None)
            for number in range(40):
                match pick.randrange(4):
                    case 0:
                        judge(writer, pick)
                    case 1:
                        writer.delete([str(700_000 + pick.randrange(20))], run_id=None, reason="test")
                    case _:
                        save(writer, invented(pick.randrange(40), pick))
                found = search(store, sort="support")
                index = store_index_read.index_of(connection, store.path)
                same(index, whole(connection, index.seq))
                wanted = told_by_sql(store, None, {})
                assert list(found.rows) == sorted_as(wanted, "support")[:50], number


def test_a_topic_that_is_new_is_counted(tmp_path: Path) -> None:
    pick = random.Random(1)
    with Store.open(tmp_path / "e.db") as store:
        save(store, invented(1, pick))
        first = search(store).facet_counts["topic"]
        save(store, invented(1, random.Random(1)), topic="a")
        assert ([name for name, _ in first], Counter(name for name, _ in search(store).facet_counts["topic"])) == (["t"], Counter("at"))


def test_what_was_forgotten_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("miner.evidence.store_refresh.TOUCHED_KEPT", 2)
    pick = random.Random(1)
    with Store.open(tmp_path / "e.db") as store:
        save(store, invented(1, pick))
        before = search(store).total
        run_id = store.begin_run(topic="t", kind="files", query=None, versions={}, started="2026-01-01T00:00:00Z")
        for number in range(2, 9):
            save(store, invented(number, pick), run_id)
        store.finish_run(run_id, outcome="done", counts={}, finished="2026-01-01T01:00:00Z")
        with store.reading() as connection:
            assert connection.execute("SELECT count(*) FROM touched").fetchone()[0] == 2
        assert (before, search(store).total) == (len(list(rows_until(store, 1))), len(list(store.table())))


def rows_until(store: Store, last: int) -> Iterator[Paper]:
    yield from {item.proposition: item for item in store.evidence() if int(item.pmid) <= 700_000 + last}.values()
