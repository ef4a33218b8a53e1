"""Corrections in place: they are kept, shown, undone, and outlive the next run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the extra web is not installed")

from evidence_cases import resistance
from lxml import html
from web_cases import Client, client, contrary, fill, row_of, run

from miner.evidence.store import Store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return fill(tmp_path / "e.db")


@pytest.fixture
def here(path: Path) -> Client:
    return client(path)


def log(here: Client) -> list[tuple[str, str, bool]]:
    """(curator, action, undone) of every decision."""
    return [(item["curator"], item["action"], item["undone"]) for item in here.get("/api/curations").json()]


def test_accepting_leads_back_to_the_row_and_says_so(here: Client) -> None:
    address = f"/row/{row_of(here, drug='selitrectinib')}"
    answer = here.decide(address, "accept", curator="Ada")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{address}?done=1#paper-900002")
    page = here.get(answer.headers["location"]).text
    assert "Accepted" in page
    assert html.fromstring(page).xpath("//h1/preceding-sibling::p//span[contains(@class, 'accepted')]/text()") == ["accepted"]
    assert log(here) == [("Ada", "accept", False)]


def test_who_curates_is_asked_once(here: Client) -> None:
    address = f"/row/{row_of(here, drug='selitrectinib')}"
    assert here.decide(address, "accept").status_code == 422
    assert log(here) == []
    here.decide(address, "accept", curator="Ada")
    assert here.fields(address, "reject")["curator"] == "Ada"
    here.decide(address, "comment", comment="seen")
    assert log(here) == [("Ada", "accept", False), ("Ada", "comment", False)]
    assert html.fromstring(here.get(address).text).xpath("//label[@class='who']") == []


def test_rejecting_takes_the_row_from_the_table_and_undoing_brings_it_back(here: Client) -> None:
    address = f"/row/{row_of(here, drug='selitrectinib')}"
    here.decide(address, "reject", curator="Ada", comment="other drug")
    assert here.get("/api/rows?drug=selitrectinib").json()["total"] == 0
    assert here.get("/api/rows?drug=selitrectinib&status=rejected").json()["total"] == 1
    page = here.get(address + "?done=1").text
    assert "other drug" in page
    assert here.decide(address + "?done=1", "undo").status_code == 303
    assert here.get("/api/rows?drug=selitrectinib").json()["total"] == 1
    assert log(here) == [("Ada", "reject", True), ("Ada", "undo", False)]


def test_an_edit_moves_the_row_and_keeps_what_was_read(here: Client) -> None:
    key = row_of(here, drug="selitrectinib")
    answer = here.decide(f"/row/{key}", "edit", curator="Ada", f_molecular_profile="NTRK1 G667C", f_level="C", f_n_patients="12")
    moved = answer.headers["location"].partition("?")[0]
    assert moved != f"/row/{key}"
    page = html.fromstring(here.get(moved).text)
    assert "NTRK1 G667C" in page.xpath("string(//h1)")
    assert "NTRK1 G595R" in page.xpath("string(//p[@class='machine'])")
    assert here.get(f"/row/{key}", follow_redirects=False).headers["location"] == moved
    assert here.get("/api/curations").json()[0]["changes"] == {"molecular_profile": "NTRK1 G667C", "level": "C", "n_patients": 12}


def test_figures_are_edited_as_lines(here: Client) -> None:
    key = row_of(here, fusion="ETV6::NTRK3", claim_type="sensitivity_response", disease="secretory carcinoma")
    assert (
        here.decide(
            f"/row/{key}", "edit", curator="Ada", source="900003", f_figures="ORR_percent: 60\nn_resp: 3\nN: 5", seen=""
        ).status_code
        == 303
    )
    (curation,) = here.get("/api/curations").json()
    assert curation["changes"] == {"figures": {"ORR_percent": 60, "n_resp": 3, "N": 5}}


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"f_level": "Z"}, "level"),
        ({"f_n_patients": "many"}, "n_patients"),
        ({"f_figures": "ORR_percent 60"}, "is no line like"),
        ({"f_figures": "no_such: 1"}, "no figure is called"),
        ({"f_significance": "Sensitivity"}, "significance"),
        ({}, "changes at least one field"),
    ],
)
def test_an_edit_that_cannot_be_is_refused_and_nothing_is_lost(here: Client, fields: dict[str, str], told: str) -> None:
    address = f"/row/{row_of(here, drug='selitrectinib')}"
    answer = here.decide(address, "edit", curator="Ada", comment="typed at length", **fields)
    assert answer.status_code == 422
    page = html.fromstring(answer.text)
    assert told in page.xpath("string(//div[@role='alert'])")
    assert "typed at length" in page.xpath("//form//input[@name='comment']/@value")
    assert log(here) == []


def test_a_decision_on_what_has_changed_meanwhile_is_not_kept(here: Client) -> None:
    address = f"/row/{row_of(here, drug='selitrectinib')}"
    old = here.fields(address, "accept") | {"action": "accept", "curator": "Ada"}
    here.decide(address, "edit", curator="Eve", f_level="C")
    answer = here.post("/curate", data=old)
    assert answer.status_code == 422
    assert "has changed since" in answer.text
    assert log(here) == [("Eve", "edit", False)]


def test_a_correction_outlives_the_next_run(path: Path, here: Client) -> None:
    address = f"/row/{row_of(here, drug='selitrectinib')}"
    here.decide(address, "reject", curator="Ada")
    with Store.open(path) as store:
        run(store, 3, resistance(pub_date="2022"))
    assert here.get("/api/rows?drug=selitrectinib").json()["total"] == 0
    assert "Rejected" in here.get(address).text


@pytest.mark.parametrize(("action", "status"), [("add", 422), ("dance", 422), ("undo", 422)])
def test_an_action_without_sense_is_refused(here: Client, action: str, status: int) -> None:
    fields = here.fields(f"/row/{row_of(here, drug='selitrectinib')}", "accept") | {"action": action, "curator": "Ada"}
    assert here.post("/curate", data=fields).status_code == status


def test_a_row_that_is_not_held_is_not_found(here: Client) -> None:
    fields = here.fields(f"/row/{row_of(here, drug='selitrectinib')}", "accept") | {"action": "accept", "curator": "Ada", "key": "v1:no"}
    assert here.post("/curate", data=fields).status_code == 404


SENTENCE = "NTRK1 G595R did not make cells resistant to larotrectinib."
ADDED = {
    "curator": "Ada", "f_sentence": SENTENCE, "f_claim_type": "sensitivity_response", "f_molecular_profile": "NTRK1 G595R",
    "f_therapies": "larotrectinib; entrectinib", "f_disease": "lung non-small cell carcinoma",
}  # fmt: skip


def add(here: Client, pmid: str, origin: str = "http://127.0.0.1", **rest: str) -> Any:
    page = here.get(f"/paper/{pmid}").text
    (form,) = re.findall(r'<form method="post" action="/add.*?</form>', page, re.DOTALL)
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form)) | ADDED | rest
    return here.post("/add", data=fields, headers={"Origin": origin}, follow_redirects=False)


def test_a_row_that_was_missed_is_added_and_outlives_a_rebuild(here: Client, path: Path) -> None:
    answer = add(here, "900006", f_figures="ORR_percent: 75", f_sentence="NTRK1 G595R did not make\r\n cells resistant to larotrectinib.")
    assert answer.status_code == 303
    assert "Added" in here.get(answer.headers["location"]).text
    with Store.open(path, readonly=True) as store:
        (row,) = store.evidence(claim_type="sensitivity_response", pmid="900006")
        log = store.curations()
    assert (row.quotes[0].text, row.therapies, row.figures, row.rule) == (
        SENTENCE, ("entrectinib", "larotrectinib"), {"ORR_percent": 75}, "curator",
    )  # fmt: skip
    assert (row.status, row.significance, str(row.direction), log[0].curator) == ("accepted", "Sensitivity/Response", "supports", "Ada")
    with Store.open(path) as store:
        store.delete(["900006"], run_id=None, reason="test")
        run(store, 4, contrary())
        assert [item.statement for item in store.evidence(claim_type="sensitivity_response", pmid="900006")] == [row.statement]


@pytest.mark.parametrize(("field", "value", "told"), [
    ("f_sentence", "It is nowhere told.", "the sentence does not stand in the record"),
    ("f_claim_type", "", "an added row needs claim_type"),
    ("f_significance", "Oncogenicity", "is not legal for"),
    ("f_n_patients", "many", "no count of patients"),
    ("f_figures", "a lot", "is no line like ORR_percent: 75"),
    ("curator", "", "tell who you are"),
])  # fmt: skip
def test_an_added_row_that_cannot_be_is_told_beside_what_was_typed(here: Client, field: str, value: str, told: str) -> None:
    answer = add(here, "900006", **{field: value, "comment": "typed by hand"})
    page = html.fromstring(answer.text)
    assert answer.status_code == 422
    assert told in page.xpath("string(//*[@id='add-error'])")
    assert page.xpath("//details[@id='add']/@open") and page.xpath("//input[@id='add-comment']/@value") == ["typed by hand"]
    assert log(here) == []


def test_a_row_is_added_with_token_and_from_here_only(here: Client, path: Path) -> None:
    assert add(here, "900006", token="0" * 64).status_code == 403
    assert add(here, "900006", origin="http://elsewhere.example").status_code == 403
    assert log(here) == []
    published = client(path, read_only=True)
    assert "Add a row" not in published.get("/paper/900006").text
    assert published.post("/add", data=ADDED).status_code == 403


def test_a_row_cannot_be_added_to_a_paper_that_is_not_there(here: Client) -> None:
    assert add(here, "900006", source="none").status_code == 404
