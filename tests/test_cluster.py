"""Many workers, one result: the rows of a single process, whatever the order, number and death of the workers."""

from __future__ import annotations

import io
import json
import os
import random
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cluster_work
import pytest

pytest.importorskip("pyarrow", reason="the cluster extra is not installed")

from miner import mine
from miner.cluster import codec, mine_shards, parts, run
from miner.cluster.pool import TRIES, Done, Pool
from miner.cluster.scheduler import Cluster
from miner.cluster.shard import Task, mine_shard
from miner.config import Settings, load_topic
from miner.errors import PartialError
from miner.evidence.export import export
from miner.evidence.store import Store
from miner.refresh import refresh
from miner.refresh.job import source_version
from miner.schema import Concept, Label, Measure, Mention, Mined, Reading, Record, Section, StudyType

TOPIC = load_topic("ntrk-nsclc")
SAID = [
    "Larotrectinib gave an objective response rate of 75% (18 of 24) in patients with NTRK fusion-positive tumours.",
    "The NTRK1 G595R mutation conferred resistance to larotrectinib in an LMNA-NTRK1 fusion-positive sarcoma.",
    "An ETV6-NTRK3 fusion was found in two of 40 secretory carcinomas by RNA sequencing.",
    "Repotrectinib overcame resistance by NTRK3 G623R in cells with an ETV6-NTRK3 fusion.",
    "Weather and harvest in the year of the flood.",
]


def record(pmid: int, text: str) -> str:
    return (
        f'<PubmedArticle><MedlineCitation><PMID Version="1">{pmid}</PMID><Article><ArticleTitle>Invented record {pmid}</ArticleTitle>'
        f"<Abstract><AbstractText>{text}</AbstractText></Abstract></Article></MedlineCitation></PubmedArticle>"
    )


def shard(path: Path, records: Sequence[str], *, deleted: Sequence[int] = ()) -> Path:
    gone = "".join(f'<PMID Version="1">{pmid}</PMID>' for pmid in deleted)
    tail = f"<DeleteCitation>{gone}</DeleteCitation>" if gone else ""
    path.write_text(f"<PubmedArticleSet>{''.join(records)}{tail}</PubmedArticleSet>", encoding="utf-8")
    return path


@pytest.fixture
def shards(tmp_path: Path) -> list[Path]:
    """Three files: the second revises a record of the first, the third deletes one of the second and holds an unreadable one."""
    folder = tmp_path / "shards"
    folder.mkdir()
    return [
        shard(folder / "a.xml", [record(pmid, SAID[pmid % 5]) for pmid in range(1, 9)]),
        shard(folder / "b.xml", [record(3, SAID[4]), *(record(pmid, SAID[pmid % 5]) for pmid in range(9, 14))]),
        shard(folder / "c.xml", ["<PubmedArticle><X>NTRK</X></PubmedArticle>", record(20, SAID[1])], deleted=[12]),
    ]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(db=tmp_path / "one.db", topic=TOPIC.name)


class Here:
    """Workers in this very process; they take the shards in an order of their own."""

    def __init__(self, seed: int = 0, work: Callable[[Task], parts.Facts] = mine_shard) -> None:
        self.random, self.work, self.mined = random.Random(seed), work, list[str]()

    def run(self, tasks: Sequence[Task], done: Done) -> None:
        for task in self.random.sample(list(tasks), len(tasks)):
            self.mined += [task.shard.name] if parts.facts(task.part) is None else []
            done(task, self.work(task))


def table(db: Path) -> str:
    out = io.StringIO()
    with Store.open(db, readonly=True) as store:
        export(store, "tsv", out)
    return out.getvalue()


def single(settings: Settings, shards: Sequence[Path]) -> str:
    refresh(settings, TOPIC, sources=shards)
    return table(settings.db)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_parts_merge_into_the_rows_of_one_process_whatever_the_order(
    seed: int, shards: list[Path], settings: Settings, tmp_path: Path
) -> None:
    outcome = mine_shards(settings, TOPIC, shards, tmp_path / "parts", Here(seed), into=tmp_path / "parts.db")
    assert table(tmp_path / "parts.db") == single(settings, shards)
    assert outcome.run is not None
    assert (outcome.run.new, outcome.run.set_aside, outcome.count("deleted"), outcome.count("rejected")) == (11, 1, 1, 1)


def test_processes_of_the_machine_give_the_same(shards: list[Path], settings: Settings, tmp_path: Path) -> None:
    mine_shards(settings, TOPIC, shards, tmp_path / "parts", Pool(2), into=tmp_path / "parts.db")
    assert table(tmp_path / "parts.db") == single(settings, shards)


def test_a_base_that_holds_records_already_gets_the_same(shards: list[Path], settings: Settings, tmp_path: Path) -> None:
    """PMID 3 lost its words in the second file: the pre-screen of a worker passes it over, the base must not."""
    other = Settings(db=tmp_path / "other.db", topic=TOPIC.name)
    for held in (settings, other):
        refresh(held, TOPIC, sources=shards[:1])
    outcome = mine_shards(other, TOPIC, shards, tmp_path / "parts", Here(), into=other.db)
    assert table(other.db) == single(settings, shards)
    assert outcome.run is not None
    assert outcome.run.changed == 1


def test_what_is_there_is_not_mined_again(shards: list[Path], settings: Settings, tmp_path: Path) -> None:
    folder, crew = tmp_path / "parts", Here()
    mine_shards(settings, TOPIC, shards[:2], folder, crew)
    assert mine_shards(settings, TOPIC, shards, folder, crew).resumed == 2
    assert sorted(crew.mined) == ["a.xml", "b.xml", "c.xml"]


def test_no_worker_begins_where_all_is_there(
    shards: list[Path], settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = mine_shards(settings, TOPIC, shards, tmp_path / "parts", Here())
    monkeypatch.setattr(Here, "run", None)
    again = mine_shards(settings, TOPIC, shards, tmp_path / "parts", Here())
    assert (again.resumed, list(again.parts.items())) == (3, list(first.parts.items()))


def test_a_damaged_part_a_changed_file_and_other_rules_are_mined_again(
    shards: list[Path], settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "parts"
    outcome = mine_shards(settings, TOPIC, shards, folder, Here())
    part = next(folder.glob("a.xml.*"))
    part.write_bytes(part.read_bytes()[:-40])
    assert mine_shards(settings, TOPIC, shards, folder, Here()).resumed == 2
    shard(shards[1], [record(30, SAID[0])])
    assert mine_shards(settings, TOPIC, shards, folder, Here()).resumed == 2
    monkeypatch.setattr(run, "source_version", lambda *_: "other rules")
    assert mine_shards(settings, TOPIC, shards, folder, Here()).resumed == 0
    assert len(outcome.parts) == 3


def lists(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{name}.txt" for name in "abc"]
    for number, path in enumerate(paths):
        path.write_text(f"{number} " * (30 if path.stem == "b" else 40), encoding="utf-8")
    paths[1].write_text("1 2 3", encoding="utf-8")
    return paths


def outcomes(crew: Pool | Cluster, paths: Sequence[Path], tmp_path: Path) -> dict[str, str]:
    """How each shard ended on these workers."""
    tasks = [Task(path, "0" * 64, tmp_path / "parts" / f"{path.stem}.parquet", "t", (), (), "1") for path in paths]
    told: dict[str, str] = {}
    crew.run(tasks, lambda task, facts: told.__setitem__(task.shard.stem, str(facts) if isinstance(facts, Exception) else "done"))
    return told


def test_a_dead_workers_shard_is_run_again(tmp_path: Path) -> None:
    assert outcomes(Pool(2, work=cluster_work.dies_once), lists(tmp_path), tmp_path) == {"a": "done", "b": "done", "c": "done"}
    assert [row["pmid"] for row in parts.read(tmp_path / "parts" / "b.parquet")] == ["1", "2", "3"]


def test_a_shard_over_which_every_worker_dies_fails_alone(tmp_path: Path) -> None:
    told = outcomes(Pool(2, work=cluster_work.always_dies), lists(tmp_path)[:2], tmp_path)
    assert told == {"a": "done", "b": f"the worker ended {TRIES} times over this file"}


def test_an_error_fails_its_shard_alone(tmp_path: Path) -> None:
    assert outcomes(Pool(2, work=cluster_work.fails), lists(tmp_path), tmp_path) == {"a": "done", "b": "no such thing", "c": "done"}


def test_a_late_shard_is_told_and_run_beside_itself(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert outcomes(Pool(2, work=cluster_work.late_once), lists(tmp_path), tmp_path) == {"a": "done", "b": "done", "c": "done"}
    (told,) = caplog.messages
    assert re.fullmatch(r"b\.txt runs for \d+ s, others took \d+; it is run a second time beside itself", told)


def test_failed_shards_are_named_and_nothing_is_merged(tmp_path: Path, settings: Settings) -> None:
    with pytest.raises(PartialError, match=r"(?s)1 of 3 shards failed; run again to go on.*b.txt failed: ValueError: no such thing"):
        mine_shards(settings, TOPIC, lists(tmp_path), tmp_path / "parts", Pool(2, work=cluster_work.fails), into=settings.db)
    assert not settings.db.exists()
    assert len(list((tmp_path / "parts").glob("*.parquet"))) == 2


def test_poisonous_records_are_set_aside_by_name(tmp_path: Path, settings: Settings) -> None:
    """2 raises, 4 ends its worker twice and is then left out, 3 hangs; 1 and 6 are mined."""
    contents = {"p.xml": (1, 2, 4, 3, 6), "q.xml": (7,)}
    paths = [shard(tmp_path / name, [record(pmid, SAID[1]) for pmid in pmids]) for name, pmids in contents.items()]
    crew = Pool(2, work=cluster_work.poisoned)
    outcome = mine_shards(settings, TOPIC, paths, tmp_path / "parts", crew, into=settings.db, record_seconds=2)
    assert outcome.run is not None
    assert outcome.run.aside == [
        ("p.xml", "2", "cannot be mined: KeyError: 'poison'"),
        ("p.xml", "4", "cannot be mined: WorkerDied: the worker ended 2 times over this record"),
        ("p.xml", "3", "cannot be mined: TimeoutError: took longer than 2 s"),
    ]
    with Store.open(settings.db, readonly=True) as store:
        assert sorted(store.digests()) == ["1", "6", "7"]
    assert not cluster_work.busy_path(next((tmp_path / "parts").glob("p.xml.*"))).exists()


def test_a_reading_is_the_same_after_it_was_written_down() -> None:
    measure = Mention(3, 5, "75", Label.MEASURE, Measure("ORR_percent", 75, "%", 18, 24, (53.5, 90), anchor=(0, 2)))
    gene = Mention(0, 2, "ab", Label.GENE, Concept("hgnc:8031", "NTRK1"))
    reading = Reading(Record("1", None, "abc 75", (Section(None, "é"),), mesh=("x",)), (), (gene, measure), votes={3: {"a": 0.5}})
    mined = Mined(reading, StudyType.TRIAL, "B", mine.load().assertions(mine.load().read(reading.record)).claims)
    assert repr(codec.loads(Mined, codec.dumps(mined))) == repr(mined)


def test_what_is_no_reading_is_told() -> None:
    with pytest.raises(ValueError, match="no Mined"):
        codec.loads(Mined, json.dumps({"reading": 1}))


def test_parts_are_queried_where_they_lie(shards: list[Path], settings: Settings, tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb", reason="the cluster extra is not installed")
    mine_shards(settings, TOPIC, shards, tmp_path / "parts", Here())
    query = f"""
        SELECT DISTINCT pmid FROM '{tmp_path}/parts/*.parquet', unnest(evidence) AS t(e)
        WHERE e.claim_type = 'resistance_on_target' AND list_contains(e.therapies, 'larotrectinib') ORDER BY pmid
    """
    assert duckdb.sql(query).fetchall() == [("1",), ("11",), ("20",), ("6",)]


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """The address of a Dask cluster of two workers, threads of this process."""
    distributed = pytest.importorskip("distributed", reason="the cluster extra is not installed")
    where = {"dashboard_address": None, "protocol": "tcp", "host": "127.0.0.1"}
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=False, **where) as local:
        yield local.scheduler_address


def test_a_dask_cluster_gives_the_same(scheduler: str, shards: list[Path], settings: Settings, tmp_path: Path) -> None:
    mine_shards(settings, TOPIC, shards, tmp_path / "parts", Cluster(scheduler), into=tmp_path / "dask.db")
    assert table(tmp_path / "dask.db") == single(settings, shards)


def test_a_late_shard_is_run_beside_itself_on_dask(scheduler: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    crew = Cluster(scheduler, work=cluster_work.late_for_a_while)
    assert outcomes(crew, lists(tmp_path), tmp_path) == {"a": "done", "b": "done", "c": "done"}
    assert [line.split(" runs for ")[0] for line in caplog.messages if "second time" in line] == ["b.txt"]
    assert [row["pmid"] for row in parts.read(tmp_path / "parts" / "b.parquet")] == ["1", "2", "3"]


def test_an_error_fails_its_shard_alone_on_dask(scheduler: str, tmp_path: Path) -> None:
    told = outcomes(Cluster(scheduler, work=cluster_work.fails), lists(tmp_path), tmp_path)
    assert told == {"a": "done", "b": "no such thing", "c": "done"}


def test_shards_of_object_storage_come_and_go_through_fsspec(shards: list[Path], settings: Settings, tmp_path: Path) -> None:
    """What a worker needs of a bucket: its files copied in, its parts copied out; the names keep the order."""
    fsspec = pytest.importorskip("fsspec", reason="the cluster extra is not installed")
    bucket, here = fsspec.filesystem("memory"), tmp_path / "here"
    bucket.put([str(path) for path in shards], [f"/baseline/{path.name}" for path in shards])
    bucket.get("/baseline/", f"{here}/", recursive=True)
    mine_shards(settings, TOPIC, [here], tmp_path / "parts", Here())
    bucket.put(f"{tmp_path}/parts/", "/parts/", recursive=True)
    bucket.get("/parts/", f"{tmp_path}/back/", recursive=True)
    outcome = mine_shards(settings, TOPIC, [here], tmp_path / "back", Here(), into=tmp_path / "parts.db")
    assert outcome.resumed == 3
    assert table(tmp_path / "parts.db") == single(settings, shards)


def test_the_version_is_that_of_a_run(settings: Settings, shards: list[Path]) -> None:
    refresh(settings, TOPIC, sources=shards)
    with Store.open(settings.db, readonly=True) as store:
        digest = next(iter(run._tasks(settings, TOPIC, shards, Path("x"), 1))).digest
        assert store.source_seen(TOPIC.name, digest, source_version(settings, TOPIC))
    assert os.path.basename(parts.part_path(Path("x"), "a.xml", digest)) == f"a.xml.{digest[:12]}.parquet"
