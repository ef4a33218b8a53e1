"""A small database for the tests of the browser, and a client that speaks to its application."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

from evidence_cases import FAMILIES, LUNG, claim, mined, record, resistance, small_series, trial

from miner.config import Settings
from miner.evidence.merge import merge
from miner.evidence.store import Store
from miner.schema import ClaimType, Direction, Mined, Polarity, Status
from miner.web.app import create_app

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

TOPIC = "ntrk-nsclc"
SCRIPT = "<script>alert(\"1\")</script> & 'quotes' in NTRK fusions"
ATTRIBUTE = 'x" onmouseover="alert(2)'


def hostile(pmid: str = "900004") -> Mined:
    """A record whose title, journal and sentence are markup."""
    item = record(pmid, SCRIPT, (None, "<img src=x onerror=alert(3)> NTRK1 fusions drove lung cancer."), journal=ATTRIBUTE)
    found = claim(item.text, "<img src=x onerror=alert(3)> NTRK1 fusions drove lung cancer.", ClaimType.DRIVER_ROLE, genes=("NTRK1",),
                  alteration="fusion", disease=LUNG)  # fmt: skip
    return mined(item, [found])


def retracted(pmid: str = "900005") -> Mined:
    """A retracted paper that says of two patients the opposite of a cohort."""
    item = record(pmid, "Nivolumab in NTRK fusion-positive lung cancer",
                  (None, "Both patients with an NTRK fusion responded to nivolumab."),
                  status=Status.RETRACTED, notices=(("RetractionIn", "J Invented Cases 2022;1:2"),))  # fmt: skip
    found = claim(item.text, "Both patients with an NTRK fusion responded to nivolumab.", ClaimType.IMMUNOTHERAPY_OUTCOME,
                  genes=("NTRK1", "NTRK2", "NTRK3"), alteration="fusion", therapies=("nivolumab",), disease=LUNG, population_n=2,
                  figures={"n_resp": 2, "N": 2})  # fmt: skip
    return mined(item, [found])


def contrary(pmid: str = "900006") -> Mined:
    """A laboratory paper that contradicts the one on G595R."""
    item = record(pmid, "G595R revisited", (None, "NTRK1 G595R did not make cells resistant to larotrectinib."))
    text = item.text
    base = resistance().claims[0]
    found = claim(text, "NTRK1 G595R did not make cells resistant to larotrectinib.", ClaimType.RESISTANCE_ON_TARGET, genes=base.genes,
                  variant=base.variant, therapies=base.therapies, disease=base.disease, significance="Resistance",
                  direction=Direction.DOES_NOT_SUPPORT, polarity=Polarity.NEGATED)  # fmt: skip
    made = resistance()
    return mined(item, [found], None, made.study_type, made.evidence_level)


def fill(path: Path) -> Path:
    """Make the database: two runs, the second with a record that was set aside."""
    with Store.open(path) as store:
        run(store, 1, trial(), resistance())
        run(store, 2, small_series(), hostile(), retracted(), contrary())
    return path


def run(store: Store, number: int, *found: Mined, kind: str = "files") -> int:
    """Save records as one run does."""
    day = f"2026-01-{number:02}T10:00:00+00:00"
    made = store.begin_run(topic=TOPIC, kind=kind, query=None, versions={"rules": "r1"}, started=day)
    for item in found:
        store.save(item, merge(item, FAMILIES), run_id=made, mining_version="m1", topic=TOPIC)
    if number == 2:
        store.set_aside(made, "tests.jsonl", "broken-7", "the line is no JSON object")
    store.finish_run(made, outcome="done", counts={"new": len(found)}, finished=day.replace("T10", "T11"))
    return made


class Client(TestClient):
    """A browser without JavaScript: it keeps cookies and sends forms with their hidden fields."""

    def fields(self, address: str, action: str) -> dict[str, str]:
        """Return the hidden fields of the first form of a page that sends an action."""
        page = self.get(address).text
        forms = re.findall(r'<form method="post" action="/curate".*?</form>', page, re.DOTALL)
        form = next(form for form in forms if f'value="{action}"' in form)
        return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))

    def decide(self, address: str, action: str, **rest: str) -> Any:
        """Send the form of a page with an action and what a curator typed."""
        fields = self.fields(address, action) | {"action": action} | rest
        return self.post("/curate", data=fields, headers={"Origin": "http://127.0.0.1"}, follow_redirects=False)


def client(path: Path, *, read_only: bool = False, hosts: tuple[str, ...] = (), **settings: Any) -> Client:
    """Return a client of the application over a database."""
    app = create_app(Settings(db=path, stale_after_days=100_000, **settings), read_only=read_only, hosts=hosts)
    return Client(app, base_url="http://127.0.0.1", raise_server_exceptions=False)


def row_of(here: Client, **filters: str) -> str:
    """Return the key of the only row that filters leave."""
    rows = here.get("/api/rows", params=filters).json()["rows"]
    assert len(rows) == 1, [row["evidence"][0]["statement"] for row in rows]
    return str(rows[0]["key"])
