"""Tasks for Prodigy and Label Studio, and their answers back as curations."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import srsly
from export_cases import all_records, fill, written
from typer.testing import CliRunner

import miner
from miner.cli import app
from miner.errors import InputError
from miner.evidence.answers import COMMENT, DECISION, take
from miner.evidence.export_tasks import EVIDENCE, FROM, TO, apart, utf16
from miner.evidence.store import Store
from miner.evidence.table import Quote

INTERFACE = ElementTree.parse(Path(miner.__file__).parent / "data" / "tasks" / "labelstudio.xml").getroot()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with fill(tmp_path / "e.db", *all_records()) as filled:
        yield filled


def prodigy(store: Store, tmp_path: Path) -> list[dict[str, Any]]:
    """The tasks as Prodigy's own reader gives them."""
    path = tmp_path / "tasks.jsonl"
    path.write_bytes(written(store, "prodigy"))
    return list(srsly.read_jsonl(path))


def answered(tasks: list[dict[str, Any]], tmp_path: Path, *answers: str, **more: str) -> Path:
    """A file as ``prodigy db-out`` writes it."""
    path = tmp_path / "answers.jsonl"
    srsly.write_jsonl(
        path, [task | {"answer": answer, "_session_id": "notes-ada", **more} for task, answer in zip(tasks, answers, strict=False)]
    )
    return path


def test_every_paper_and_proposition_is_one_task_whose_spans_stand_in_its_text(store: Store, tmp_path: Path) -> None:
    tasks = prodigy(store, tmp_path)
    assert {(task["key"], task["source"]) for task in tasks} == {(item.key, item.pmid) for item in store.evidence()}
    for task in tasks:
        record = store.record(task["source"])
        assert record is not None and task["text"] == record.text
        assert [task["text"][span["start"] : span["end"]] for span in task["spans"]] == [span["text"] for span in task["spans"]]
        assert all(one["end"] <= two["start"] for one, two in zip(task["spans"], task["spans"][1:], strict=False))
        assert task["label"]


def test_prodigys_answers_become_curations(store: Store, tmp_path: Path) -> None:
    tasks = prodigy(store, tmp_path)
    taken = take(store, answered(tasks, tmp_path, "accept", "reject", "ignore", comment="seen"))
    assert (taken.written, taken.known, taken.undecided) == (2, 0, 1)
    held = [(c.curator, str(c.action), c.key, c.source, c.comment) for c in store.curations()]
    assert held == [
        ("notes-ada", "accept", tasks[0]["key"], tasks[0]["source"], "seen"),
        ("notes-ada", "reject", tasks[1]["key"], tasks[1]["source"], "seen"),
    ]
    assert store.row(tasks[0]["key"], tasks[0]["source"]).status == "accepted"  # type: ignore[union-attr]
    assert (tasks[1]["key"], tasks[1]["source"]) not in {(item.key, item.pmid) for item in store.evidence()}


def test_the_same_answers_are_not_written_twice_and_a_changed_one_is(store: Store, tmp_path: Path) -> None:
    tasks = prodigy(store, tmp_path)
    take(store, answered(tasks, tmp_path, "accept", "reject"), "ada")
    assert take(store, answered(tasks, tmp_path, "accept", "reject"), "ada").known == 2
    assert take(store, answered(tasks, tmp_path, "reject"), "ada").written == 1
    assert take(store, answered(tasks, tmp_path, "accept"), "grace").written == 1
    assert len(store.curations()) == 4


def test_all_answers_are_taken_or_none(store: Store, tmp_path: Path) -> None:
    tasks = prodigy(store, tmp_path)
    tasks[1] = tasks[1] | {"key": "v1:00000000000000000000"}
    with pytest.raises(
        InputError, match=r"(?s)1 answers are about rows that are not held; nothing was written.*answers.jsonl:2: no row v1:0"
    ):
        take(store, answered(tasks, tmp_path, "accept", "accept"))
    assert store.curations() == []


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", r"a.jsonl:1: is no JSON"),
        ('{"text": "x"}', r"a.jsonl:1: is no answer of Prodigy"),
        ('{"answer": "accept"}', r"a.jsonl:1: has no 'key' and 'source'"),
        ('{"answer": "maybe", "key": "k", "source": "s"}', r"a.jsonl:1: the answer 'maybe' is none of accept, reject, ignore"),
        ('{"answer": "accept", "key": "k", "source": "s"}', r"a.jsonl:1: the file does not say who answered"),
        ('[{"data": {}}]', r"a.jsonl: task 1: is no answered task of Label Studio"),
    ],
)
def test_what_is_no_answer_is_named_by_its_line(store: Store, tmp_path: Path, line: str, told: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(line, encoding="utf-8")
    with pytest.raises(InputError, match=told):
        take(store, path)
    assert store.curations() == []


def label_studio(store: Store) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(written(store, "labelstudio"))
    return found


def test_the_tasks_fit_the_labelling_interface(store: Store) -> None:
    shown = {element.get("value", "").removeprefix("$") for element in INTERFACE.iter("Text")}
    labels = next(INTERFACE.iter("Labels"))
    assert (labels.get("name"), labels.get("toName")) == (FROM, TO)
    assert [label.get("value") for label in labels] == [EVIDENCE]
    assert {next(INTERFACE.iter("Choices")).get("name"), next(INTERFACE.iter("TextArea")).get("name")} == {DECISION, COMMENT}
    for task in label_studio(store):
        assert shown <= set(task["data"])
        for part in task["predictions"][0]["result"]:
            assert (part["from_name"], part["to_name"], part["type"]) == (FROM, TO, "labels")


def test_offsets_for_label_studio_count_as_javascript_does(store: Store) -> None:
    seen = 0
    for task in label_studio(store):
        units = task["data"]["text"].encode("utf-16-le")
        for part in task["predictions"][0]["result"]:
            value = part["value"]
            assert units[2 * value["start"] : 2 * value["end"]].decode("utf-16-le") == value["text"]
            seen += "\U0001f9ec" in task["data"]["text"]
    assert seen == 2
    assert utf16("a\U0001f9ecb", 2) == 3


def as_answered(task: dict[str, Any], decision: str | None, **more: Any) -> dict[str, Any]:
    """A task as Label Studio's JSON export gives it back."""
    result: list[dict[str, Any]] = []
    if decision:
        result.append({"from_name": "decision", "to_name": "text", "type": "choices", "value": {"choices": [decision]}})
        result.append({"from_name": "comment", "to_name": "text", "type": "textarea", "value": {"text": ["well", "read"]}})
    return {"id": 1, "data": task["data"], "annotations": [{"completed_by": {"email": "ada@lab.org"}, "result": result, **more}]}


def test_label_studios_answers_become_curations(store: Store, tmp_path: Path) -> None:
    tasks = label_studio(store)
    path = tmp_path / "answers.json"
    path.write_text(
        json.dumps([as_answered(tasks[0], "reject"), as_answered(tasks[1], None), as_answered(tasks[2], "accept", was_cancelled=True)])
    )
    assert take(store, path).undecided == 2
    (held,) = store.curations()
    assert (held.curator, str(held.action), held.source, held.comment) == ("ada@lab.org", "reject", tasks[0]["data"]["source"], "well read")


def test_label_studios_short_form_is_read(store: Store, tmp_path: Path) -> None:
    task = label_studio(store)[0]
    path = tmp_path / "min.json"
    path.write_text(json.dumps([{**task["data"], "decision": "accept", "annotator": 7}]))
    assert take(store, path).written == 1
    assert store.curations()[0].curator == "7"


def test_sentences_that_overlap_are_shown_once() -> None:
    quotes = (Quote(10, 20, "b"), Quote(0, 5, "a"), Quote(12, 30, "c"), Quote(20, 22, "d"))
    assert [quote.text for quote in apart(quotes)] == ["a", "b", "d"]


def test_the_commands_go_round(store: Store, tmp_path: Path) -> None:
    tasks, db = tmp_path / "t.jsonl", str(store.path)
    assert CliRunner().invoke(app, ["export", "--format", "prodigy", "--db", db, "-o", str(tasks)]).exit_code == 0
    lines = [json.loads(line) | {"answer": "accept"} for line in tasks.read_text(encoding="utf-8").splitlines()]
    tasks.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    done = CliRunner().invoke(app, ["import", str(tasks), "--curator", "ada", "--db", db])
    assert (done.exit_code, done.output) == (0, f"{len(lines)} curations written · 0 known already · 0 undecided\n")
    assert {item.status for item in store.evidence()} == {"accepted"}


def test_label_studios_own_library_takes_the_predictions(store: Store) -> None:
    reader = pytest.importorskip("label_studio_sdk.label_interface", reason="label-studio-sdk (seventy packages) is not installed")
    interface = reader.LabelInterface(ElementTree.tostring(INTERFACE, encoding="unicode"))
    assert [p for task in label_studio(store) for p in task["predictions"] if not interface.validate_prediction(p)] == []
