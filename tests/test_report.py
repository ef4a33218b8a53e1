"""The report: one file, nothing loaded from elsewhere, every sentence in its text."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from evidence_cases import FAMILIES, LUNG, mention, record, resistance, small_series, trial, with_record
from lxml import html
from test_summary import TOPIC, Terms, fill

from miner.errors import InputError
from miner.evidence.merge import merge
from miner.evidence.report import pubmed, render, write_report
from miner.evidence.report_marks import marks, pieces, window
from miner.evidence.report_plots import forest, resistance_map, ribbons, stance, years
from miner.evidence.store import Store
from miner.evidence.summary import Summary, summarise
from miner.schema import Claim, ClaimType, Concept, Direction, Fusion, Label, Mined, Polarity, Reading, Status, StudyType

CHROMIUM = next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with fill(tmp_path / "e.db", trial(), resistance(), small_series()) as filled:
        yield filled


@pytest.fixture
def page(store: Store) -> str:
    return render(store, TOPIC, Terms())


@pytest.fixture
def summary(store: Store) -> Summary:
    return summarise(store, TOPIC, Terms())


def data_of(page: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(html.fromstring(page).get_element_by_id("data").text)
    return found


def many(rows: int) -> Mined:
    """Make a paper that calls many genes drivers."""
    item = record("77", "A long list", (None, "Every gene was a driver."))
    start = item.text.index("Every")
    claims = tuple(
        Claim(ClaimType.DRIVER_ROLE, start, len(item.text), "test", genes=(f"G{number}",), disease=LUNG) for number in range(rows)
    )
    return Mined(Reading(item, (), ()), StudyType.REVIEW, "B", claims)


def test_the_page_loads_nothing(page: str) -> None:
    tree = html.fromstring(page)
    assert tree.xpath("//link | //img | //iframe | //object | //embed | //*[@src] | //*[@style]") == []
    assert "@import" not in page
    addresses = set(tree.xpath("//@href"))
    assert all(address.startswith(("#", "https://pubmed.ncbi.nlm.nih.gov/9000")) for address in addresses)


def test_the_policy_names_the_digest_of_what_runs(page: str) -> None:
    tree = html.fromstring(page)
    (policy,) = tree.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    (style,) = tree.xpath("//style/text()")
    (script,) = tree.xpath("//script[not(@type)]/text()")
    for text in (style, script):
        assert base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() in policy
    assert policy.startswith("default-src 'none'; ")


def test_every_link_inside_the_page_has_a_target(page: str) -> None:
    tree = html.fromstring(page)
    ids = set(tree.xpath("//@id"))
    assert {address[1:] for address in tree.xpath("//@href") if address.startswith("#")} <= ids
    assert len(ids) == len(tree.xpath("//@id"))


def test_the_table_is_there_without_javascript(page: str) -> None:
    tree = html.fromstring(page)
    rows = tree.xpath("//tbody[@id='rows']/tr[@class='row']")
    assert len(rows) == 9
    assert "ETV6::NTRK3" in rows[0].text_content()
    assert tree.xpath("//tbody[@id='rows']//span[@class='in']/mark[@class='m FUSION asserted']/text()") == ["ETV6-NTRK3"]


def test_the_data_hold_every_row_paper_and_sentence(page: str) -> None:
    data = data_of(page)
    assert (len(data["rows"]), sorted(data["papers"])) == (9, ["900001", "900002", "900003"])
    for row in data["rows"]:
        for item in row["evidence"]:
            text = data["papers"][item["pmid"]]["text"]
            assert all(0 <= start < end <= len(text) for start, end in item["spans"])
    assert data["papers"]["900001"]["marks"][0] == [0, 13, "DRUG", "asserted", "drug: larotrectinib"]


def test_rows_on_the_topic_come_first(tmp_path: Path) -> None:
    with fill(tmp_path / "e.db", many(3), trial()) as store:
        page = render(store, TOPIC, Terms())
    assert [row["profile"] for row in data_of(page)["rows"]] == ["ETV6::NTRK3", "ETV6::NTRK3", "G0", "G1", "G2"]


def test_two_hundred_rows_stand_in_the_page_and_all_in_the_data(tmp_path: Path) -> None:
    with fill(tmp_path / "e.db", many(230)) as store:
        page = render(store, TOPIC, Terms())
    assert len(html.fromstring(page).xpath("//tbody[@id='rows']/tr[@class='row']")) == 200
    assert len(data_of(page)["rows"]) == 230
    assert "The first 200 of 230 rows; with JavaScript" in page


def test_text_cannot_become_markup(tmp_path: Path) -> None:
    item = record("8", "<script>alert(1)</script> & </script>", (None, "NTRK1 drives <b>tumours</b>."))
    claim = Claim(ClaimType.DRIVER_ROLE, item.text.index("NTRK1"), len(item.text), "test", genes=("NTRK1",))
    mined = Mined(Reading(item, (), ()), StudyType.REVIEW, "B", (claim,))
    with fill(tmp_path / "e.db", mined) as store:
        page = render(store, TOPIC, Terms())
    assert len(html.fromstring(page).xpath("//script")) == 2
    assert html.fromstring(page).xpath("//b") == []
    assert data_of(page)["papers"]["8"]["text"] == item.text


def test_an_empty_store_says_so(tmp_path: Path) -> None:
    with fill(tmp_path / "e.db") as store:
        page = render(store, TOPIC, Terms())
    assert page.count("No evidence yet") == len(TOPIC.summary)
    assert "No fusion of NTRK1, NTRK2, NTRK3 asserted yet" in page


def test_a_retracted_paper_is_flagged(tmp_path: Path) -> None:
    with fill(tmp_path / "e.db", with_record(trial(), status=Status.RETRACTED)) as store:
        page = render(store, TOPIC, Terms())
    assert "Retracted and not counted" in page
    assert data_of(page)["papers"]["900001"]["flags"] == ["retracted"]


def test_synthetic_records_are_marked(tmp_path: Path) -> None:
    with fill(tmp_path / "e.db", trial(), with_record(small_series(), pmid=None, id="syn-001")) as store:
        page = render(store, TOPIC, Terms())
    tree = html.fromstring(page)
    assert "1 of the 2 records are synthetic" in tree.xpath("//p[@class='banner']")[0].text_content()
    assert [paper["synthetic"] for paper in data_of(page)["papers"].values()] == [False, True]
    assert {row["synthetic"] for row in data_of(page)["rows"]} == {0, 1}
    assert not any("syn-001" in address for address in tree.xpath("//@href"))
    cited = [node.text_content() for node in tree.xpath("//p[@class='cite']") if "syn-001" in node.text_content()]
    assert cited
    assert all("synthetic" in text or text.startswith("All ") for text in cited)


def test_a_database_of_papers_has_no_banner(page: str) -> None:
    tree = html.fromstring(page)
    assert (tree.xpath("//p[@class='banner']"), tree.xpath("//select[@id='f-synthetic']")) == ([], [])


def test_an_item_of_the_summary_leads_to_its_rows(page: str) -> None:
    keys = {row["key"] for row in data_of(page)["rows"]}
    links = html.fromstring(page).xpath("//a[@class='item']")
    assert links
    assert all(set(link.get("data-keys").split()) <= keys and link.get("href")[5:] in keys for link in links)


def test_the_page_says_what_it_rests_on(page: str) -> None:
    tree = html.fromstring(page)
    assert " ".join(tree.xpath("//p[@class='sources']")[0].text_content().split()) == "Sources tests: 3 (2021–2023)"
    facts = [" ".join(node.text_content().split()) for node in tree.xpath("//dl[@class='facts']/div")]
    assert facts == ["records read3", "with evidence3", "propositions9", "pieces of evidence10", "years of publication2021–2023"]


def test_equal_stores_give_equal_pages(tmp_path: Path) -> None:
    with fill(tmp_path / "a", trial(), small_series()) as first, fill(tmp_path / "b", small_series(), trial()) as second:
        assert render(first, TOPIC, Terms()) == render(second, TOPIC, Terms())


def test_write_report(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "out.html"
    write_report(store, TOPIC, path, Terms())
    assert path.read_text(encoding="utf-8") == render(store, TOPIC, Terms())
    with pytest.raises(InputError, match=r"cannot write .*missing/out\.html"):
        write_report(store, TOPIC, tmp_path / "missing" / "out.html", Terms())
    assert sorted(item.suffix for item in tmp_path.iterdir() if "out" in item.name) == [".html"]


@pytest.mark.parametrize(("pmid", "address"), [("123", "https://pubmed.ncbi.nlm.nih.gov/123/"), ("syn-1", None), ("12３", None)])
def test_pubmed(pmid: str, address: str | None) -> None:
    assert pubmed(pmid) == address


def test_marks_do_not_overlap_and_the_telling_one_is_kept() -> None:
    text = "ETV6-NTRK3 in lung cancer"
    found = [
        mention(text, "ETV6", Label.GENE, Concept("hgnc:3495", "ETV6")),
        mention(text, "NTRK3", Label.GENE, Concept("hgnc:8033", "NTRK3")),
        mention(text, "ETV6-NTRK3", Label.FUSION, Fusion("ETV6", "NTRK3"), Polarity.NEGATED),
        mention(text, "cancer", Label.DISEASE),
        mention(text, "lung cancer", Label.DISEASE, LUNG),
    ]
    shown = marks(found)
    assert [(text[item.start : item.end], item.label, item.polarity) for item in shown] == [
        ("ETV6-NTRK3", Label.FUSION, Polarity.NEGATED),
        ("lung cancer", Label.DISEASE, Polarity.ASSERTED),
    ]


def test_pieces_join_to_the_text() -> None:
    mined = trial()
    text = mined.record.text
    shown = marks(mined.reading.mentions)
    quotes = [(60, 125), (209, 236)]
    cut = pieces(text, shown, quotes)
    assert "".join(piece.text for piece in cut) == text
    assert "".join(piece.text for piece in cut if piece.is_quoted) == text[60:125] + text[209:236]
    assert [piece.text for piece in cut if piece.mark] == [text[item.start : item.end] for item in shown]
    assert "".join(piece.text for piece in pieces(text, shown, quotes, 65, 140)) == text[65:140]


@pytest.mark.parametrize(
    ("start", "end", "around", "expected"),
    [(6, 10, 3, "beta"), (6, 10, 6, "alpha beta gamma"), (0, 5, 7, "alpha beta"), (6, 10, 99, "alpha beta gamma")],
)
def test_window_ends_at_words(start: int, end: int, around: int, expected: str) -> None:
    text = "alpha beta gamma"
    left, right = window(text, start, end, around)
    assert text[left:right].strip() == expected


def test_stance() -> None:
    assert stance(Direction.SUPPORTS, Polarity.ASSERTED) == "for"
    assert stance(Direction.DOES_NOT_SUPPORT, Polarity.NEGATED) == "against"
    assert stance(Direction.DOES_NOT_SUPPORT, Polarity.HEDGED) == "hedged"


def test_forest(summary: Summary) -> None:
    plot = forest(summary.inhibitors)
    (group,) = plot.groups
    assert (group.drug, group.generation, plot.size, plot.left_out) == ("larotrectinib", "first", 2, 0)
    assert [(row.pmid, row.counts, row.rate, row.low, row.high, row.interval, row.text) for row in group.rows] == [
        ("900001", "18/24", 75.0, 53.0, 90.0, "printed", "75 % (53–90)"),
        ("900003", "3/5", 60.0, 23.07, 88.24, "Wilson", "60 % (23–88)"),
    ]
    assert forest(summary.inhibitors, limit=1).left_out == 1


def test_every_cohort_of_a_paper_is_drawn(tmp_path: Path) -> None:
    paper = trial()
    other = replace(paper.claims[1], figures={"ORR_percent": 50, "n_resp": 2, "N": 4}, population_n=4)
    with fill(tmp_path / "e.db", replace(paper, claims=(paper.claims[1], other, paper.claims[2]))) as store:
        summary = summarise(store, TOPIC, Terms())
    (group,) = forest(summary.inhibitors).groups
    assert [(row.counts, row.text) for row in group.rows] == [("18/24", "75 % (53–90)"), ("2/4", "50 % (15–85)")]
    first = next(row for row in summary.rows if row.id == "first")
    assert str(first.findings[0]) == "response rate: larotrectinib 50–75 % (75 % in the largest, n = 24)"


def test_ribbons(summary: Summary) -> None:
    reverse = replace(summary.partners[0], fusion="NTRK1::CUL3", five_prime="NTRK1", three_prime="CUL3", papers=("1",))
    picture = ribbons((*summary.partners, reverse), ("NTRK1", "NTRK2", "NTRK3"))
    assert [(link.partner, link.is_reversed, link.papers, link.kinase) for link in picture.links] == [
        ("CUL3", True, 1, 0),
        ("ETV6", False, 2, 1),
    ]
    assert [(node.name, node.papers) for node in picture.nodes] == [("NTRK1", 1), ("NTRK3", 2)]
    assert all(node.y >= 0 and node.y + node.height <= picture.height for node in picture.nodes)
    assert ribbons((), ("NTRK1",)).links == ()


def test_years(store: Store) -> None:
    picture = years(store.evidence())
    assert [(bar.year, bar.total) for bar in picture.bars] == [(2021, 5), (2022, 0), (2023, 5)]
    assert [(name, count) for name, _, _, count in picture.bars[0].parts] == [("for", 3), ("against", 1), ("hedged", 1)]
    for bar in picture.bars:
        assert sum(height for _, _, height, _ in bar.parts) <= picture.height
        assert bar.x >= 0 and bar.x + bar.width <= 100
    assert years(()).bars == ()


def test_resistance_map(summary: Summary) -> None:
    picture = resistance_map(summary.resistance, is_focus=True)
    assert picture.drugs == ("larotrectinib", "selitrectinib", "TRK inhibitors")
    cells = [(row.name, row.on_target, [[effect[:3] for effect in cell.effects] for cell in row.cells]) for row in picture.rows]
    assert cells == [
        ("NTRK1 G595R", True, [[("resistant", 1, False)], [("overcome", 1, False)], []]),
        ("MET Amplification", False, [[], [], [("resistant", 1, True)]]),
    ]
    assert resistance_map(summary.resistance, is_focus=False).rows == ()


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine to run the page's script in")
def test_the_script_draws_the_table_and_opens_a_row(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "out.html"
    write_report(store, TOPIC, path, Terms())
    key = merge(small_series(), FAMILIES)[3].key
    command = [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
    command += ["--disable-background-networking", "--disable-component-update", f"--user-data-dir={tmp_path / 'profile'}"]
    command += ["--virtual-time-budget=3000", "--dump-dom", f"{path.as_uri()}#row-{key}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    tree = html.fromstring(re.sub(r"^<!DOCTYPE[^>]*>", "", done.stdout, flags=re.I))
    assert len(tree.xpath("//tbody[@id='rows']/tr[contains(@class, 'row')]//button[@aria-expanded]")) == 9
    assert tree.get_element_by_id("count").text == "9 rows"
    (opened,) = tree.xpath("//tr[contains(@class, 'open')]")
    assert opened.get("id") == f"row-{key}"
    articles = opened.getnext().xpath(".//article")
    texts = ["".join(article.xpath(".//p[@class='abstract']")[0].itertext()) for article in articles]
    assert texts == [trial().record.text, small_series().record.text]
    assert tree.xpath("//form[@id='filters']//*[@id='reset' or @name='reset']") == []  # It would hide the form's own reset().
    quoted = "".join(articles[1].xpath(".//span[@class='in']//text()"))
    assert quoted == "Three of five patients with ETV6-NTRK3 secretory carcinoma responded to larotrectinib."
