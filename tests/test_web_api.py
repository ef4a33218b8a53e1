"""The JSON API: it gives what the pages show, and what its OpenAPI document promises."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the extra web is not installed")
pytest.importorskip("schemathesis", reason="schemathesis is not installed")

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from web_cases import Client, client, fill, row_of

CASES = 10


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    yield client(fill(tmp_path_factory.mktemp("web") / "e.db"))


def test_the_api_keeps_its_promises(here: Client) -> None:
    """Ask every operation what its document allows and what it forbids; no answer may be one that it does not name."""
    api = schemathesis.openapi.from_asgi("/openapi.json", here.app, headers={"Host": "127.0.0.1"})
    operations = [found.ok() for found in api.get_all_operations()]
    broken = [told for operation in operations for mode in GenerationMode if (told := faults(operation, mode))]
    assert broken == []
    assert len(operations) == 14


def faults(operation: Any, mode: GenerationMode) -> str:
    """Return what an operation does against its document, or nothing."""

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=CASES, deadline=None, derandomize=True, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    def ask(case: Any) -> None:
        case.call_and_validate(headers={"Host": "127.0.0.1"})

    try:
        ask()
    except Unsatisfiable:
        return ""  # nothing that this operation takes can be wrong
    except Exception as error:
        return f"{operation.label}: {error}"
    return ""


def test_the_document_names_every_page_of_data(here: Client) -> None:
    paths = here.get("/openapi.json").json()["paths"]
    assert sorted(paths) == [
        "/api/changes", "/api/curations", "/api/entities", "/api/entities/{kind}/{name}", "/api/papers/{pmid}", "/api/pictures",
        "/api/rows",
        "/api/rows/{key}", "/api/runs", "/api/runs/{run_id}", "/api/session", "/api/status", "/api/summary",
    ]  # fmt: skip


def test_every_sentence_stands_at_its_offsets(here: Client) -> None:
    rows = here.get("/api/rows?size=200").json()["rows"]
    texts = {pmid: here.get(f"/api/papers/{pmid}").json()["text"] for row in rows for pmid in row["pmids"]}
    quotes = [(item["pmid"], quote) for row in rows for item in row["evidence"] for quote in item["sentences"]]
    assert [texts[pmid][quote["start"] : quote["end"]] for pmid, quote in quotes] == [quote["text"] for _, quote in quotes]
    assert len(quotes) > 12


def test_a_row_tells_its_studies_claims_and_contradictions(here: Client) -> None:
    told = here.get("/api/rows/" + row_of(here, variant="NTRK1 G595R", drug="larotrectinib", direction="supports")).json()
    assert [item["kind"] for item in told["conflicts"]] == ["opposite findings"]
    assert [claim["text"] for claim in told["evidence"][0]["claims"]] == ["NTRK1 G595R made cells resistant to larotrectinib."]
    assert [study["pmids"] for study in told["studies"]] == [["900002"]]
    assert [(change["run_id"], change["change"]) for change in told["history"]] == [(1, "new")]


def test_a_program_curates_with_the_token_of_its_session(tmp_path: Path) -> None:
    own = client(fill(tmp_path / "e.db"))
    token = own.get("/api/session").json()["token"]
    key = row_of(own, drug="selitrectinib")
    body = {"curator": "robot", "action": "reject", "key": key, "source": "900002"}
    assert own.post("/api/curations", json=body).status_code == 403
    kept = own.post("/api/curations", json=body, headers={"X-Miner-Token": token})
    assert (kept.status_code, kept.json()) == (201, {"id": 1})
    added = {
        "claim_type": "safety",
        "molecular_profile": "NTRK Fusion",
        "therapies": ["larotrectinib"],
        "sentence": "Routes around TRK inhibition",
    }
    answer = own.post("/api/curations", json=body | {"action": "add", "key": "", "changes": added}, headers={"X-Miner-Token": token})
    assert answer.status_code == 201
    assert own.get("/api/rows?claim_type=safety").json()["total"] == 1
    wrong = own.post("/api/curations", json=body | {"key": "v1:no"}, headers={"X-Miner-Token": token})
    assert (wrong.status_code, "v1:no" in wrong.json()["detail"]) == (409, True)


def test_what_differs_since_a_run_is_told(here: Client) -> None:
    told = here.get("/api/changes?since=1").json()
    assert (told["since"], told["until"], told["total"], {row["change"] for row in told["rows"]}) == (1, 2, 8, {"new"})
    assert here.get("/api/changes?since=7").status_code == 404


def test_runs_tell_what_was_set_aside(here: Client) -> None:
    assert here.get("/api/runs/2").json()["set_aside"] == [
        {"source": "tests.jsonl", "identifier": "broken-7", "reason": "the line is no JSON object"}
    ]


def test_a_refused_method_names_those_that_are_taken(here: Client) -> None:
    assert [here.put(address).headers["allow"] for address in ("/api/curations", "/curator")] == ["GET, POST"] * 2


def test_an_unknown_field_is_refused(here: Client) -> None:
    assert here.get("/api/rows?nothing=1").status_code == 422
    assert "nothing" in here.get("/api/rows?nothing=1").json()["detail"]
