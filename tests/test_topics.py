"""The topics that come with the package; RET and ROS1 texts become tables and summaries of their topics. All texts are invented."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from evidence_cases import record

from miner import mine
from miner.errors import ConfigError
from miner.evidence.merge import merge
from miner.evidence.store import Store
from miner.evidence.summary import summarise
from miner.lexicon import load_lexicon
from miner.refresh.surfaces import Surfaces
from miner.schema import Record
from miner.sources.prescreen import Prescreen
from miner.topic import Topic, load_topic, topic_folder

NAMES = sorted(path.stem for path in topic_folder().glob("*.toml"))
LEXICON = load_lexicon()

TEXTS: dict[str, list[Record]] = {
    "ret-nsclc": [
        record(
            "910001",
            "Selpercatinib in lung adenocarcinoma with RET fusion: an invented phase 2 trial",
            ("METHODS", "Patients with RET fusion-positive non-small cell lung cancer received selpercatinib."),
            (
                "RESULTS",
                "Among 40 patients with RET fusion-positive non-small cell lung cancer, 26 responded to selpercatinib (65%; 95% CI 48-79). "
                "The median progression-free survival was 17.2 months.",
            ),
        ),
        record(
            "910002",
            "Acquired RET G810R after selpercatinib",
            (
                None,
                "The RET G810R solvent front mutation confers resistance to selpercatinib in KIF5B-RET-positive lung adenocarcinoma. "
                "Vepafestinib was active against RET G810R in Ba/F3 cells. "
                "MET amplification mediated resistance to selpercatinib in a second patient.",
            ),
        ),
        record(
            "910003",
            "How often RET is fused in lung cancer",
            (None, "RET fusions were detected in 12 of 800 patients with non-small cell lung cancer (1.5%)."),
        ),
    ],
    "ros1-nsclc": [
        record(
            "920001",
            "Crizotinib in ROS1-rearranged lung cancer: an invented cohort",
            (
                "RESULTS",
                "The objective response rate to crizotinib was 70% (21/30) in patients with ROS1-rearranged non-small cell lung cancer.",
            ),
        ),
        record(
            "920002",
            "ROS1 G2032R after crizotinib",
            (
                None,
                "The ROS1 G2032R mutation causes resistance to crizotinib in CD74-ROS1-positive lung adenocarcinoma. "
                "Repotrectinib overcame resistance mediated by ROS1 G2032R in xenografts.",
            ),
        ),
        record(
            "920003",
            "ROS1 beside other drivers",
            (None, "ROS1 fusions and EGFR mutations were mutually exclusive in this series of non-small cell lung cancers."),
        ),
    ],
    "ntrk-solid": [
        record(
            "930001",
            "Larotrectinib in sarcoma with NTRK fusion",
            (None, "Of 18 patients with NTRK fusion-positive sarcoma, 12 responded to larotrectinib (67%)."),
        ),
        record(
            "930002",
            "ETV6-NTRK3 in secretory carcinoma",
            (None, "ETV6-NTRK3 fusion drives secretory carcinoma of the salivary gland."),
        ),
    ],
}
# A lung cancer record of another driver: of the topic ntrk-nsclc, of no other.
ELSEWHERE = record(
    "940001", "Osimertinib in EGFR-mutant lung cancer", (None, "EGFR T790M lung cancers responded to osimertinib in 30 of 50 patients.")
)


@pytest.fixture(scope="module")
def miner() -> mine.Miner:
    return mine.load("ret-nsclc")


def fill(path: Path, name: str, miner: mine.Miner) -> Store:
    store = Store.open(path)
    for item in TEXTS[name]:
        mined = miner(item)
        store.save(mined, merge(mined, LEXICON), run_id=None, mining_version="m1", topic=name)
    return store


def test_the_topics_of_the_package() -> None:
    assert NAMES == ["ntrk-nsclc", "ntrk-solid", "ret-nsclc", "ros1-nsclc"]


@pytest.mark.parametrize("name", NAMES)
def test_a_topic_names_only_what_the_lexicon_knows(name: str) -> None:
    topic = load_topic(name)
    known = Surfaces()
    named = {*topic.prescreen.get("genes", ()), *topic.prescreen.get("classes", ()), *topic.focus_genes, *topic.focus_classes}
    for row in topic.summary:
        named |= {*row.genes, *row.without_genes, *row.therapies, *row.therapies_all}
    assert [thing for thing in sorted(named) if known.surfaces(thing) == {thing} and not LEXICON.find(thing)] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_topic_asks_each_question_once_and_says_what_is_absent(name: str) -> None:
    topic = load_topic(name)
    ids = [row.id for row in topic.summary]
    assert len(ids) == len(set(ids))
    assert all(row.absent.endswith(".") for row in topic.summary)
    assert not any(re.search(r"\b(?:NTRK|TRK)", row.title + row.proposition + row.absent) for row in topic.summary if "ntrk" not in name)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "ntrk-nsclc"])
def test_texts_of_a_topic_matter_to_it_and_pass_its_screen(name: str, miner: mine.Miner) -> None:
    topic = load_topic(name)
    screen = Prescreen(topic.trigger_terms(Surfaces()))
    for item in TEXTS[name]:
        assert (topic.is_relevant(miner.read(item), LEXICON), screen.matches(item)) == (True, True), item.title
    assert not topic.is_relevant(miner.read(ELSEWHERE), LEXICON)


@pytest.mark.parametrize(("name", "others"), [("ret-nsclc", "ros1-nsclc"), ("ros1-nsclc", "ret-nsclc"), ("ntrk-solid", "ret-nsclc")])
def test_texts_of_one_topic_do_not_matter_to_another(name: str, others: str, miner: mine.Miner) -> None:
    topic = load_topic(others)
    assert [item.title for item in TEXTS[name] if topic.is_relevant(miner.read(item), LEXICON)] == []


def answers(name: str, store: Store) -> dict[str, tuple[str, ...]]:
    """Row of the summary → its papers."""
    topic: Topic = load_topic(name)
    return {row.id: row.papers for row in summarise(store, topic, LEXICON).rows if row.papers}


def test_ret_texts_answer_the_questions_of_their_topic(tmp_path: Path, miner: mine.Miner) -> None:
    with fill(tmp_path / "e.db", "ret-nsclc", miner) as store:
        found = answers("ret-nsclc", store)
        table = {(str(row.claim_type), row.molecular_profile, row.therapies) for row in store.table(gene="RET")}
    assert found["selective-inhibitors"] == ("910001",)
    assert found["prevalence"] == ("910003",)
    assert found["resistance-on-target"] == ("910002",)
    assert found["resistance-off-target"] == ("910002",)
    assert ("sensitivity_response", "RET Fusion", ("selpercatinib",)) in table
    assert any(kind == "resistance_on_target" and "RET G810R" in profile for kind, profile, _ in table)


def test_ros1_texts_answer_the_questions_of_their_topic(tmp_path: Path, miner: mine.Miner) -> None:
    with fill(tmp_path / "e.db", "ros1-nsclc", miner) as store:
        found = answers("ros1-nsclc", store)
        figures = [dict(item.figures) for item in store.evidence(drug="crizotinib", claim_type="sensitivity_response")]
    assert found["first-generation"] == ("920001",)
    assert found["resistance-on-target"] == ("920002",)
    assert found["overcoming"] == ("920002",)
    assert found["mutual-exclusivity"] == ("920003",)
    assert [(f["ORR_percent"], f["n_resp"], f["N"]) for f in figures] == [(70, 21, 30)]


def test_tumours_of_the_solid_topic_have_their_rows(tmp_path: Path, miner: mine.Miner) -> None:
    with fill(tmp_path / "e.db", "ntrk-solid", miner) as store:
        found = answers("ntrk-solid", store)
    assert (found["sarcoma"], found["first-generation"]) == (("930001",), ("930001",))
    assert (found["salivary-breast"], found["driver"]) == (("930002",), ("930002",))
    assert "thyroid" not in found


def test_a_topic_of_the_users_folder_comes_before_the_packages(tmp_path: Path) -> None:
    text = (topic_folder() / "ret-nsclc.toml").read_text(encoding="utf-8")
    (tmp_path / "ret-nsclc.toml").write_text(re.sub(r"(?m)^title = .*$", 'title = "Mine"', text, count=1), encoding="utf-8")
    assert load_topic("ret-nsclc", [tmp_path]).title == "Mine"
    assert load_topic("ret-nsclc").title.startswith("RET gene fusions")
    with pytest.raises(ConfigError, match="unknown topic 'alk-nsclc'; known are: ntrk-nsclc, ntrk-solid, ret-nsclc, ros1-nsclc"):
        load_topic("alk-nsclc", [tmp_path])


def test_a_topic_without_a_screen_is_told_what_it_lacks() -> None:
    topic = Topic("bare", "Bare", "x", (), ())
    with pytest.raises(ConfigError, match=r"the topic 'bare' needs words, genes, drugs or classes under \[prescreen\]"):
        topic.trigger_terms(Surfaces())


KINASES = {
    "NTRK1": ("NTRK", "TPM3-NTRK1", "larotrectinib", "TRK inhibitors", "G595R", "Selitrectinib"),
    "NTRK3": ("NTRK", "ETV6-NTRK3", "entrectinib", "TRK inhibitors", "G623R", "Repotrectinib"),
    "RET": ("RET", "KIF5B-RET", "selpercatinib", "RET inhibitors", "G810R", "Vepafestinib"),
    "ROS1": ("ROS1", "CD74-ROS1", "crizotinib", "ROS1 inhibitors", "G2032R", "Repotrectinib"),
    "ALK": ("ALK", "EML4-ALK", "alectinib", "ALK inhibitors", "G1202R", "Lorlatinib"),
}
# Sentence → what it claims, whichever kinase it speaks of: (type, direction, polarity, figures).
SAID = {
    "{fam} fusions drive this lung adenocarcinoma.": ("driver_role", "supports", "asserted", {}),
    "{fam} fusions were found in 7 of 900 patients with lung cancer (0.8%).": (
        *("prevalence", "supports", "asserted"),
        {"value_percent": 0.8, "n_pos": 7, "N": 900},
    ),
    "{fam} fusions and EGFR mutations were mutually exclusive.": ("mutual_exclusivity", "supports", "asserted", {}),
    "The {fusion} fusion coexisted with a KRAS G12D mutation in one tumour.": ("co_occurrence", "supports", "asserted", {"n_pos": 1}),
    "The objective response rate with {drug} was 70% in patients with {fam} fusion-positive tumours.": (
        *("sensitivity_response", "supports", "asserted"),
        {"ORR_percent": 70},
    ),
    "No response to {drug} was seen in patients with {fam}-amplified tumours.": ("sensitivity_response", "does_not_support", "negated", {}),
    "{gene} {variant} confers resistance to {drug}.": ("resistance_on_target", "supports", "asserted", {}),
    "MET amplification mediated resistance to {drug} in a patient with the {fusion} fusion.": (
        *("resistance_off_target", "supports", "asserted"),
        {},
    ),
    "{later} overcame resistance mediated by {gene} {variant}.": ("overcomes_resistance", "supports", "asserted", {}),
    "The {fusion} fusion emerged as a mechanism of resistance to osimertinib in EGFR-mutant lung cancer.": (
        *("resistance_to_other_therapy", "supports", "asserted"),
        {},
    ),
    "Neither of two patients with {fam} fusions responded to pembrolizumab.": (
        *("immunotherapy_outcome", "does_not_support", "negated"),
        {"n_resp": 0, "N": 2},
    ),
    "{classes} are recommended as first-line treatment of {fam} fusion-positive lung cancer.": (
        *("approval_recommendation", "supports", "asserted"),
        {},
    ),
}


@pytest.mark.parametrize("gene", KINASES)
def test_what_is_said_of_one_kinase_is_read_like_what_is_said_of_another(gene: str, miner: mine.Miner) -> None:
    names = dict(zip(("fam", "fusion", "drug", "classes", "variant", "later"), KINASES[gene], strict=True))
    for sentence, expected in SAID.items():
        text = sentence.format(gene=gene, **names)
        found = [(str(c.type), str(c.direction), str(c.polarity), dict(c.figures)) for c in miner(record("1", "", (None, text))).claims]
        assert found == [expected], text


def test_chemotherapy_of_everybody_is_no_evidence_of_a_topic_on_drivers(miner: mine.Miner) -> None:
    text = (
        "The objective response rate was 30% with docetaxel and 45% with pembrolizumab in advanced non-small cell lung cancer. "
        "In EGFR-mutant lung cancer, 20% responded to docetaxel."
    )
    read = miner(record("1", "", (None, text)))
    wide = load_topic("ntrk-nsclc").evidence(read, miner.lexicon)
    narrow = load_topic("ros1-nsclc").evidence(read, miner.lexicon)
    assert {(c.genes, c.therapies) for c in read.claims} == {((), ("docetaxel",)), ((), ("pembrolizumab",)), (("EGFR",), ("docetaxel",))}
    assert {(c.genes, c.therapies) for c in wide.claims} == {((), ("pembrolizumab",)), (("EGFR",), ("docetaxel",))}
    assert [(c.genes, c.therapies) for c in narrow.claims] == [(("EGFR",), ("docetaxel",))]


def test_a_group_of_therapies_that_the_file_does_not_hold_is_named(tmp_path: Path) -> None:
    path = tmp_path / "ros1-nsclc.toml"
    text = (topic_folder() / "ros1-nsclc.toml").read_text(encoding="utf-8")
    path.write_text(text.replace('therapies = ["ros1 inhibitor"]', 'therapies = ["ross inhibitor"]'), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"ros1-nsclc.toml:\d+: therapies must name groups of this file .* not ross inhibitor"):
        load_topic(str(path))
