"""FUSOR's fusions and GA4GH's statements, held against the models of their own packages."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from evidence_cases import trial
from export_cases import all_records, fill, written
from ga4gh.va_spec.base import Statement

from miner.evidence.store import Store

# Written by fusor 0.10.4: fusor.models.CategoricalFusion.model_json_schema().
SCHEMA = json.loads((Path(__file__).parent / "fixtures" / "fusor-0.10.4-CategoricalFusion.schema.json").read_text(encoding="utf-8"))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with fill(tmp_path / "e.db", *all_records()) as filled:
        yield filled


def objects(store: Store, form: str, **filters: object) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(written(store, form, **filters))
    return found


def test_fusions_are_valid_by_fusors_schema(store: Store) -> None:
    made = objects(store, "fusor")
    assert len(made) == 3
    for item in made:
        jsonschema.validate(item, SCHEMA, cls=jsonschema.Draft202012Validator)
        # What the schema leaves to FUSOR's code: two elements at least, of two genes.
        assert len(item["structure"]) == 2
        assert len({element.get("gene", {}).get("name") for element in item["structure"]}) == 2


def test_the_schema_refuses_what_is_no_fusion(store: Store) -> None:
    made = objects(store, "fusor")[0]
    made["structure"][0]["type"] = "GeneElemental"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(made, SCHEMA, cls=jsonschema.Draft202012Validator)


def test_fusions_pass_fusors_own_models(store: Store) -> None:
    models = pytest.importorskip("fusor.models", reason="fusor (which builds a Rust package and needs Postgres drivers) is not installed")
    for item in objects(store, "fusor"):
        assert models.CategoricalFusion(**item).viccNomenclature == item["viccNomenclature"]


def test_a_fusion_names_its_genes_by_hgnc_and_an_open_partner_as_any(store: Store) -> None:
    found = {item["viccNomenclature"]: item for item in objects(store, "fusor")}
    assert set(found) == {"ETV6(hgnc:3495)::NTRK3(hgnc:8033)", "CD74(hgnc:1697)::ROS1(hgnc:10261)", "v::RET(hgnc:9967)"}
    assert found["v::RET(hgnc:9967)"]["structure"][0] == {"type": "MultiplePossibleGenesElement"}
    assert found["ETV6(hgnc:3495)::NTRK3(hgnc:8033)"]["structure"][1]["gene"] == {
        "conceptType": "Gene",
        "name": "NTRK3",
        "primaryCoding": {
            "id": "hgnc:8033",
            "code": "HGNC:8033",
            "system": "https://www.genenames.org/data/gene-symbol-report/#!/hgnc_id/",
        },
    }


def test_a_fusion_that_is_only_denied_or_supposed_is_not_written(store: Store) -> None:
    text = json.dumps(objects(store, "fusor"))
    assert "KIF5B" not in text and "EZR" not in text


def test_each_mention_of_a_fusion_leads_back(store: Store) -> None:
    for item in objects(store, "fusor"):
        (extension,) = item["extensions"]
        for place in extension["value"]:
            record = store.record(place["source"])
            assert record is not None and record.text[place["start"] : place["end"]] == place["text"]
    (etv6,) = objects(store, "fusor", pmid="900001")
    assert etv6["extensions"][0]["value"][0]["detail"] == "E5;N15"


def test_statements_pass_ga4ghs_models(store: Store) -> None:
    made = objects(store, "va-spec")
    assert len(made) >= 6
    for item in made:
        parsed = Statement(**item)
        assert parsed.model_dump(exclude_none=True, mode="json")["proposition"]["type"] == item["proposition"]["type"]


def test_the_models_refuse_a_statement_without_its_predicate(store: Store) -> None:
    item = objects(store, "va-spec")[0]
    del item["proposition"]["subjectVariant"]
    with pytest.raises(ValueError, match="subjectVariant"):
        Statement(**item)


def test_a_response_and_its_absence_are_one_proposition_supported_and_disputed(store: Store) -> None:
    made = {item["direction"]: item for item in objects(store, "va-spec", pmid="900001")}
    assert made["supports"]["proposition"]["predicate"] == made["disputes"]["proposition"]["predicate"] == "predictsSensitivityTo"
    assert made["supports"]["strength"]["primaryCoding"]["code"] == "B"
    assert made["supports"]["proposition"]["objectTherapeutic"] == {
        "conceptType": "Therapy",
        "name": "larotrectinib",
        "primaryCoding": {"id": "unii:PF9462I9HX", "code": "PF9462I9HX", "system": "https://precision.fda.gov/uniisearch/srs/unii/"},
    }
    assert made["supports"]["reportedIn"][0]["pmid"] == "900001"


def test_drivers_outcomes_and_combinations_have_their_propositions(store: Store) -> None:
    kinds = {item["proposition"]["type"]: item["proposition"] for item in objects(store, "va-spec", gene=("ROS1", "RET"))}
    assert kinds["VariantOncogenicityProposition"]["objectTumorType"]["name"] == "lung non-small cell carcinoma"
    assert kinds["VariantPrognosticProposition"]["predicate"] == "associatedWithBetterOutcomeFor"
    therapeutic = kinds["VariantTherapeuticResponseProposition"]["objectTherapeutic"]
    assert [part["name"] for part in therapeutic["therapies"]] == ["osimertinib", "selpercatinib"]


def test_each_statement_leads_back_to_its_sentences(store: Store) -> None:
    for item in objects(store, "va-spec"):
        record = store.record(item["id"].rsplit("/", 1)[1])
        assert record is not None
        sentences = next(e["value"] for e in item["extensions"] if e["name"] == "sentences")
        assert all(record.text[s["start"] : s["end"]] == s["text"] for s in sentences) and sentences


def test_what_the_standard_has_no_place_for_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with fill(tmp_path / "f.db", *all_records(), trial("900009")) as store, caplog.at_level(logging.WARNING):
        objects(store, "va-spec")
    assert "prevalence (N/A) (1)" in caplog.text
