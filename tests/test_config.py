"""Settings by layers, and topic files."""

from __future__ import annotations

from pathlib import Path

import pytest

from miner.config import Settings, load_settings, load_topic
from miner.errors import ConfigError
from miner.lexicon import load_lexicon
from miner.refresh.surfaces import Surfaces
from miner.schema import (
    Alteration,
    ClaimType,
    Concept,
    Fusion,
    Label,
    Mention,
    Reading,
    Record,
    Referent,
    Section,
)
from miner.sources.prescreen import Prescreen

TOPIC = load_topic("ntrk-nsclc")


def settings(folder: Path, text: str = "", environ: dict[str, str] | None = None, **flags: object) -> Settings:
    (folder / "miner.toml").write_text(text, encoding="utf-8")
    return load_settings(folder=folder, environ=environ or {}, **flags)


def test_without_anything_the_defaults_hold(tmp_path: Path) -> None:
    given = load_settings(folder=tmp_path, environ={})
    assert (given.db, given.topic, given.email, given.log_format) == (Path("evidence.db"), "ntrk-nsclc", None, "text")
    assert given.source_of("db") == "default"


def test_each_layer_is_stronger_than_the_one_before(tmp_path: Path) -> None:
    text = 'topic = "from-file"\nlog_format = "json"\nbatch_size = 50\n'
    given = settings(tmp_path, text, {"MINER_TOPIC": "from-env", "MINER_BATCH_SIZE": "60"}, topic="from-flag", log_format=None)
    assert (given.topic, given.batch_size, given.log_format) == ("from-flag", 60, "json")
    origins = [given.source_of(name) for name in ("topic", "batch_size", "log_format", "db")]
    assert origins == ["--topic", "MINER_BATCH_SIZE", "miner.toml:2", "default"]


def test_ncbi_variables_count_less_than_the_miners_own(tmp_path: Path) -> None:
    given = settings(tmp_path, environ={"NCBI_EMAIL": "a@lab.org", "NCBI_API_KEY": "secret1", "MINER_EMAIL": "b@lab.org"})
    assert (given.email, given.api_key) == ("b@lab.org", "secret1")


def test_paths_in_the_file_start_from_its_folder_and_lists_split_like_path(tmp_path: Path) -> None:
    given = settings(tmp_path, 'db = "data/e.db"\nlexicon_dirs = ["mine"]\n', {"MINER_TOPIC_DIRS": "a:b"})
    assert given.db == tmp_path / "data" / "e.db"
    assert given.lexicon_dirs == (tmp_path / "mine",)
    assert given.topic_dirs == (Path("a"), Path("b"))


def test_the_key_is_not_shown(tmp_path: Path) -> None:
    given = settings(tmp_path, environ={"NCBI_API_KEY": "secret1"})
    assert "secret1" not in repr(given) + str(given.shown())
    assert given.shown()["api_key"] == "***"


@pytest.mark.parametrize(
    ("text", "environ", "flags", "message"),
    [
        ('\ntopics = "x"', {}, {}, "miner.toml:2: unknown setting 'topics'; did you mean 'topic'?"),
        ("", {"MINER_FROBNICATE": "1"}, {}, "MINER_FROBNICATE: unknown setting 'frobnicate'; known are db, report, topic"),
        ("batch_size = true", {}, {}, "miner.toml:1: batch_size must be a whole number from 1 to 10000, not True"),
        ("# first\nbatch_size = 0", {}, {}, "miner.toml:2: batch_size must be a whole number from 1 to 10000, not 0"),
        ("", {"MINER_BATCH_SIZE": "ten"}, {}, "MINER_BATCH_SIZE: batch_size must be a whole number from 1 to 10000, not 'ten'"),
        ('log_format = "xml"', {}, {}, "miner.toml:1: log_format must be text or json, not 'xml'"),
        ("", {}, {"email": "nobody"}, "--email: email must be an address like you@lab.org, not 'nobody'"),
        ("", {"NCBI_API_KEY": "two\nlines"}, {}, "NCBI_API_KEY: api_key must be text that is not empty, not what is there"),
        ('base_url = "ftp://x"', {}, {}, "miner.toml:1: base_url must be an http or https address without query and user, not 'ftp://x'"),
        ("db = 3", {}, {}, "miner.toml:1: db must be a path, not 3"),
        ('lexicon_dirs = "a"', {}, {}, "miner.toml:1: lexicon_dirs must be a list of paths, not 'a'"),
    ],
)
def test_what_cannot_be_used_is_named_with_its_place(
    tmp_path: Path, text: str, environ: dict[str, str], flags: dict[str, str], message: str
) -> None:
    with pytest.raises(ConfigError) as told:
        settings(tmp_path, text, environ, **flags)
    assert str(told.value).startswith(message)


def test_broken_toml_names_its_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^miner\.toml:2: this is no TOML"):
        settings(tmp_path, 'db = "x"\ntopic = ?\n')


def test_a_named_file_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such configuration file"):
        load_settings(config=tmp_path / "other.toml", environ={})


# topics


class Lexicon:
    """The part of a lexicon that a topic asks, made of two facts."""

    def members(self, name: str) -> tuple[str, ...]:
        return ("NTRK1", "NTRK2", "NTRK3") if name == "NTRK" else (name,)

    def classes(self, drug: str) -> tuple[str, ...]:
        return {"larotrectinib": ("TRK inhibitors",), "osimertinib": ("EGFR inhibitors",)}.get(drug, ())


def reading(text: str, *mentions: tuple[Label, Referent]) -> Reading:
    record = Record("1", "1", text, (Section(None, ""),))
    return Reading(record, (), tuple(Mention(0, 1, text[:1], label, referent) for label, referent in mentions))


LUNG = (Label.DISEASE, Concept("doid:3908", "lung non-small cell carcinoma"))
SMALL = (Label.DISEASE, Concept("doid:5409", "lung small cell carcinoma"))
THYROID = (Label.DISEASE, Concept("doid:1781", "thyroid gland cancer"))


@pytest.mark.parametrize(
    ("text", "mentions", "relevant"),
    [
        ("A fusion in a thyroid nodule", [(Label.FUSION, Fusion("ETV6", "NTRK3")), THYROID], True),
        ("Amplified in a tumour", [(Label.ALTERATION, Alteration("NTRK", "amplification"))], True),
        ("A point change in a pain syndrome", [(Label.ALTERATION, Alteration("NTRK1", "mutation"))], False),
        ("Growth factor signalling in neurons", [(Label.GENE, Concept("hgnc:8032", "NTRK2"))], False),
        ("A drug and its kinetics", [(Label.DRUG, Concept("unii:PF9462I9HX", "larotrectinib"))], True),
        ("Osimertinib", [LUNG, (Label.DRUG, Concept("unii:3C06JJ0Z2O", "osimertinib"))], True),
        ("Osimertinib", [SMALL, (Label.DRUG, Concept("unii:3C06JJ0Z2O", "osimertinib"))], False),
        ("Osimertinib", [THYROID, (Label.DRUG, Concept("unii:3C06JJ0Z2O", "osimertinib"))], False),
        ("Smoking", [LUNG], False),
        ("Immunotherapy of NSCLC", [], True),
        ("NSCLC after acquired resistance", [], False),
        ("NSCLC after acquired resistance to a TKI", [], True),
        ("Surgery of NSCLC", [], False),
    ],
)
def test_what_matters_to_the_topic(text: str, mentions: list[tuple[Label, Referent]], relevant: bool) -> None:
    assert TOPIC.is_relevant(reading(text, *mentions), Lexicon()) is relevant


def about(title: str, abstract: str, *places: int, mesh: tuple[str, ...] = ()) -> bool:
    """Whether a record with osimertinib and, at each of the places, NSCLC matters to the topic."""
    record = Record("1", "1", title, (Section(None, abstract),), mesh=mesh)
    lung = tuple(Mention(place, place + 5, "NSCLC", *LUNG) for place in places)
    drug = Mention(0, 1, "x", Label.DRUG, Concept("unii:3C06JJ0Z2O", "osimertinib"))
    return TOPIC.is_relevant(Reading(record, (), (drug, *lung)), Lexicon())


def test_a_record_must_be_about_lung_cancer() -> None:
    title = "Osimertinib in a basket of tumours"
    assert not about(title, "One arm had lesions there.", 40)
    assert about(title, "One arm had lesions there, another too.", 40, 60)
    assert about(title, "One arm had lesions there.", 3)
    assert about(title, "One arm had lesions there.", 40, mesh=("Lung Neoplasms",))
    assert not about(title, "One arm had lesions there.", 40, mesh=("Lung",))


def test_relevant_takes_plain_sets() -> None:
    assert TOPIC.relevant(classes={"TRK inhibitors"})
    assert TOPIC.relevant(altered={"EGFR"}, diseases={"lung adenocarcinoma"})
    assert not TOPIC.relevant(altered={"EGFR"}, diseases={"glioblastoma"})


@pytest.fixture(scope="module")
def triggers() -> frozenset[str]:
    return TOPIC.trigger_terms(Surfaces())


def test_the_words_by_which_a_rule_holds_trigger_the_screen(triggers: frozenset[str]) -> None:
    for name in ("trk altered", "trk fusion", "trk inhibitor", "lung cancer"):
        group = TOPIC.groups[name]
        for pattern in (*group.words, *group.genes, *group.altered):
            assert any(term in pattern.casefold() for term in triggers), pattern


@pytest.mark.parametrize(
    "surface",
    [
        "larotrectinib",
        "LOXO-101",
        "loxo101",
        "Vitrakvi",
        "LOXO\u2011195",
        "TrkA",
        "NTRK2",
        "neurotrophic receptor tyrosine kinase 3",
        "K252a",
    ],
)
def test_the_lexicon_adds_its_surfaces_to_the_triggers(triggers: frozenset[str], surface: str) -> None:
    screen = Prescreen(triggers)
    assert screen.matches(Record("1", "1", f"On {surface} in cells"))
    assert screen.might_match(f"<ArticleTitle>On {surface} in cells</ArticleTitle>".encode())


def test_the_users_lexicon_adds_to_the_triggers(tmp_path: Path) -> None:
    rows = ["curie\tname\ttext\tkind\tsource", "own:1\tnewdrugib\tXYZ-9\tcode\town"]
    (tmp_path / "drugs_own.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    properties = ["drug\tclass\tgeneration\ttargets\tsource", "newdrugib\tTRK inhibitors\tnext\tNTRK1\town"]
    (tmp_path / "drug_properties_own.tsv").write_text("\n".join(properties) + "\n", encoding="utf-8")
    assert {"newdrugib", "xyz-9"} <= TOPIC.trigger_terms(Surfaces([tmp_path]))


def test_every_class_and_gene_of_the_topic_is_one_of_the_lexicon() -> None:
    lexicon = load_lexicon()
    groups = TOPIC.groups.values()
    classes = {*TOPIC.focus_classes, *(name for group in groups for name in group.classes)}
    classes |= {name for row in TOPIC.summary for name in (*row.therapies, *row.therapies_all)}
    genes = {gene for group in groups for gene in (*group.genes, *group.altered)} | {gene for row in TOPIC.summary for gene in row.genes}
    found = {hit.concept.name for name in classes for hit in lexicon.find(name) if hit.label is Label.DRUG_CLASS and hit.end == len(name)}
    assert classes - found == set()
    assert {gene for gene in genes if getattr(lexicon.gene(gene, lenient=True), "name", None) != gene} == set()


def test_the_summary_can_speak_of_every_claim_type() -> None:
    assert {kind for row in TOPIC.summary for kind in row.claim_types} == set(ClaimType)
    assert len({row.id for row in TOPIC.summary}) == len(TOPIC.summary)


def test_the_topic_tells_its_focus() -> None:
    assert TOPIC.focus_genes == ("NTRK1", "NTRK2", "NTRK3")
    assert TOPIC.query.count("(") == TOPIC.query.count(")")


SMALLEST = """name = "own"
title = "t"
query = "q"
[groups.a]
words = ["x"]
[[relevant]]
why = "w"
all = ["a"]
[[summary]]
id = "i"
title = "t"
proposition = "s"
absent = "n"
claim_types = ["safety"]
"""


def own(folder: Path, text: str) -> Path:
    (folder / "own.toml").write_text(text, encoding="utf-8")
    return folder


def test_a_topic_of_the_users_own_folder_comes_first(tmp_path: Path) -> None:
    assert load_topic("own", [own(tmp_path, SMALLEST)]).title == "t"
    assert load_topic(str(tmp_path / "own.toml")).relevant(text="an X here")


def test_a_subject_must_be_a_group_of_the_file(tmp_path: Path) -> None:
    text = SMALLEST.replace('all = ["a"]', 'all = ["a"]\nsubject = ["b"]')
    with pytest.raises(ConfigError, match=r"own.toml:6: subject must name groups of this file \(a\), not b"):
        load_topic("own", [own(tmp_path, text)])


def test_the_digest_follows_the_file(tmp_path: Path) -> None:
    before = load_topic("own", [own(tmp_path, SMALLEST)]).digest
    assert before != load_topic("own", [own(tmp_path, SMALLEST + "# changed")]).digest


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('query = "q"', 'querry = "q"', "own.toml:3: unknown key 'querry'"),
        ('query = "q"', "query = 3", "own.toml:3: query must be text"),
        ('all = ["a"]', 'all = ["b"]', "own.toml:6: all must name groups of this file (a), not b"),
        ('["safety"]', '["saftey"]', "own.toml:9: unknown claim type 'saftey' in row 'i'"),
        ('absent = "n"\n', "", "own.toml:9: summary row 'i' lacks absent"),
        ('words = ["x"]', 'wrds = ["x"]', "own.toml:4: unknown key 'wrds'"),
        ('name = "own"', 'name = "other"', "own.toml:1: the topic's name must be that of its file"),
        ('title = "t"', "title = ", "own.toml:2: this is no TOML"),
    ],
)
def test_a_wrong_topic_names_file_and_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(ConfigError) as told:
        load_topic("own", [own(tmp_path, SMALLEST.replace(old, new, 1))])
    assert str(told.value).startswith(message)


def test_an_unknown_topic_is_told_what_there_is() -> None:
    with pytest.raises(ConfigError, match="unknown topic 'ret'; known are: ntrk-nsclc"):
        load_topic("ret")
