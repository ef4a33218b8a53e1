"""The pages: every address answers, shows what is held, and leads on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the extra web is not installed")

from lxml import etree, html
from web_cases import Client, client, fill, row_of, run

from miner.evidence.store import Store

ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    yield client(fill(tmp_path_factory.mktemp("web") / "e.db"))


PAGES = (
    "/",
    "/table",
    "/summary",
    "/pictures",
    "/entities",
    "/entities?kind=gene",
    "/runs",
    "/runs/2",
    "/changes?since=1",
    "/about",
    "/curator",
)


@pytest.mark.parametrize(
    "address", [*PAGES, "/entity/gene/NTRK1", "/entity/drug/larotrectinib", "/entity/variant/NTRK1%20G595R", "/paper/900001"]
)
def test_every_page_answers_as_html(here: Client, address: str) -> None:
    answer = here.get(address)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert answer.text.rstrip().endswith("</html>")


def test_every_link_of_every_page_leads_somewhere(here: Client) -> None:
    seen, waiting, broken = set(), list(PAGES), []
    while waiting:
        address = waiting.pop()
        if address in seen or len(seen) > 260:
            continue
        seen.add(address)
        answer = here.get(address)
        if answer.status_code != 200:
            broken.append((answer.status_code, address))
        if answer.headers["content-type"].startswith("text/html"):
            links = html.fromstring(answer.text).xpath("//a/@href")
            waiting += [link.partition("#")[0] for link in links if link.startswith("/") and not link.startswith("/table?")]
    assert broken == []
    assert len(seen) > 80


def test_an_unknown_address_is_not_found(here: Client) -> None:
    assert [here.get(address).status_code for address in ("/no", "/paper/1", "/row/x", "/runs/9", "/runs/x", "/entity/gene/NO1",
            "/entity/x/y",
            "/static/no.css", "/summary/no", "/summary?topic=no", "/download/exe", "/entities?kind=x")] == [404] * 12  # fmt: skip


@pytest.mark.parametrize("address", ["/table?nothing=1", "/table?sort=x", "/table?page=0", "/table?page=x", "/table?size=1000",
                                     "/table?year=x",
                                     "/table?q=" + "x" * 300, "/table?" + "gene=a&" * 30, "/feed.atom?new_since_run=x"])  # fmt: skip
def test_what_cannot_be_asked_is_refused_with_a_reason(here: Client, address: str) -> None:
    answer = here.get(re.sub(r"gene=a&", lambda match: f"gene=a{match.start()}&", address))
    assert answer.status_code == 422
    assert "Traceback" not in answer.text


def rows(here: Client, address: str) -> list[str]:
    """The propositions on a page of the table, in one line each."""
    answer = here.get(address)
    assert answer.status_code == 200
    return [" ".join(row.text_content().split()) for row in html.fromstring(answer.text).xpath("//tr[contains(@class, 'row')]/td[1]")]


def test_the_table_shows_one_row_a_proposition(here: Client) -> None:
    assert len(rows(here, "/table?size=200")) == here.get("/api/rows").json()["total"] == 12


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("drug=selitrectinib", ["NTRK1 G595R selitrectinib overcomes resistance · cancer"]),
        ("variant=NTRK1+G595R&direction=does_not_support", ["NTRK1 G595R larotrectinib resistance on target · cancer"]),
        ("polarity=hedged", ["MET Amplification TRK inhibitors resistance off target · cancer"]),
        ("q=bypass", ["MET Amplification TRK inhibitors resistance off target · cancer"]),
        ("gene=EGFR&claim_type=mutual_exclusivity", ["EGFR AND KRAS AND NTRK mutual exclusivity · lung non-small cell carcinoma"]),
        ("claim_type=prevalence&level=A", []),
    ],
)  # fmt: skip
def test_facets_and_words_filter(here: Client, query: str, expected: list[str]) -> None:
    assert rows(here, f"/table?{query}") == expected


def test_new_since_a_run_leaves_what_came_after(here: Client) -> None:
    assert len(rows(here, "/table?new_since_run=1")) == here.get("/api/rows?new_since_run=1").json()["total"] == 8


def test_a_facet_leads_to_its_rows_and_its_chip_leads_back(here: Client) -> None:
    page = html.fromstring(here.get("/table").text)
    (link,) = page.xpath("//aside//a[span='selitrectinib']/@href")
    assert link == "/table?drug=selitrectinib"
    assert html.fromstring(here.get(link).text).xpath("//p[@class='chips']/a[contains(@class, 'chip')]/@href") == ["/table"]


def test_the_facets_count_the_rows_that_they_leave(here: Client) -> None:
    page = html.fromstring(here.get("/table?size=200").text)
    counts = {link.get("href"): int(link.xpath("string(b)")) for link in page.xpath("//aside//li/a[b]") if "drug=" in link.get("href")}
    counts = {address: n for address, n in counts.items() if "inhibitors" not in address}  # a class also brings its drugs
    assert counts == {address: len(rows(here, address + "&size=200")) for address in counts}
    assert len(counts) == 3


def test_pages_of_the_table_tile_it(here: Client) -> None:
    every = rows(here, "/table?size=200&sort=order")
    assert [row for page in range(1, 5) for row in rows(here, f"/table?size=4&sort=order&page={page}")] == every


def test_a_row_shows_its_sentence_marked_in_its_abstract(here: Client) -> None:
    key = row_of(here, variant="NTRK1 G595R", drug="larotrectinib", direction="supports")
    page = html.fromstring(here.get(f"/row/{key}").text)
    (article,) = page.xpath("//article[@id='paper-900002']")
    quoted = "".join(article.xpath(".//p[@class='passage']/span[@class='in']//text()"))
    assert quoted == "NTRK1 G595R made cells resistant to larotrectinib."
    assert article.xpath(".//mark[contains(@class, 'VARIANT')]/text()")[0] == "NTRK1 G595R"
    assert article.xpath(".//a[contains(@href, 'pubmed')]/@href") == ["https://pubmed.ncbi.nlm.nih.gov/900002/"]


def test_the_marked_abstract_is_the_text_of_the_record(here: Client) -> None:
    page = html.fromstring(here.get("/paper/900001").text)
    shown = ["".join(part.xpath("./text() | ./span//text() | ./mark//text()")).strip() for part in page.xpath("//div[@class='abstract']/p")]
    told = here.get("/api/papers/900001").json()
    assert shown == [told["text"][start:end] for label, start, end in told["sections"] if label != "TITLE"]


def test_a_row_names_what_contradicts_it(here: Client) -> None:
    key = row_of(here, variant="NTRK1 G595R", drug="larotrectinib", direction="supports")
    (section,) = html.fromstring(here.get(f"/row/{key}").text).xpath("//section[@class='conflict']")
    assert "did not make cells resistant to larotrectinib" in section.text_content()


def test_a_retracted_paper_carries_a_banner(here: Client) -> None:
    key = row_of(here, claim_type="immunotherapy_outcome", direction="supports")
    for address in (f"/row/{key}", "/paper/900005"):
        (banner,) = html.fromstring(here.get(address).text).xpath("//div[contains(@class, 'retraction')]")
        assert "etracted" in banner.text_content()
        assert "J Invented Cases 2022;1:2" in banner.text_content()


def test_the_support_of_a_row_is_told_with_its_parts(here: Client) -> None:
    key = row_of(here, fusion="ETV6::NTRK3", claim_type="sensitivity_response", disease="secretory carcinoma")
    page = " ".join(html.fromstring(here.get(f"/row/{key}").text).text_content().split())
    points = [float(value) for value in re.findall(r"adds ([\d.]+) to support", page)]
    told = here.get(f"/api/rows/{key}").json()
    assert points == [study["points"] for study in told["studies"]]
    assert f"{told['row']['support']:g} = {sum(points):g} + 1 confirmed" in page


def test_the_old_address_of_a_row_that_is_gone_tells_what_happened(tmp_path: Path) -> None:
    path = fill(tmp_path / "e.db")
    here = client(path)
    key = row_of(here, drug="selitrectinib")
    with Store.open(path) as store:
        made = store.begin_run(topic="ntrk-nsclc", kind="files", query=None, versions={}, started="2026-01-03T10:00:00+00:00")
        store.delete(["900002"], run_id=made, reason="withdrawal")
        store.finish_run(made, outcome="done", counts={}, finished="2026-01-03T11:00:00+00:00")
    answer = here.get(f"/row/{key}")
    assert answer.status_code == 410
    assert "withdrawal" in answer.text


def test_the_summary_leads_to_the_rows_behind_each_name(here: Client) -> None:
    page = html.fromstring(here.get("/summary").text)
    (link,) = [
        item.get("href")
        for item in page.xpath("//li[@id='on-target-resistance' or .//h2]//a[@class='item']")
        if "G595R" in item.text_content()
    ][:1]
    assert any("NTRK1 G595R" in row for row in rows(here, link))


def test_a_run_tells_what_it_changed_and_what_it_set_aside(here: Client) -> None:
    text = html.fromstring(here.get("/runs/2").text).text_content()
    assert "broken-7" in text
    assert "the line is no JSON object" in text
    assert len(html.fromstring(here.get("/runs/2?change=new").text).xpath("//ul[@class='changelist']/li")) == 8


def test_the_last_changes_are_drawn_by_claim(here: Client) -> None:
    labels = html.fromstring(here.get("/pictures").text).xpath("//section[@id='changes']//svg/@aria-label")
    assert "driver role: 1 new, 0 changed, 0 gone" in labels
    assert sum(int(re.search(r"(\d+) new", label)[1]) for label in labels) == 8  # type: ignore[index]


def test_stale_evidence_is_told_on_every_page(tmp_path: Path) -> None:
    from miner.config import Settings
    from miner.web.app import create_app

    stale = Client(create_app(Settings(db=fill(tmp_path / "e.db"), stale_after_days=1)), base_url="http://127.0.0.1")
    for address in ("/", "/table", "/runs"):
        assert "Not current." in stale.get(address).text


def test_new_rows_are_seen_without_a_restart(tmp_path: Path) -> None:
    from evidence_cases import trial

    path = fill(tmp_path / "e.db")
    here = client(path)
    before = here.get("/api/rows").json()["rows"]
    with Store.open(path) as store:
        run(store, 3, trial("900010"))
    (row,) = [row for row in here.get("/api/rows").json()["rows"] if "900010" in row["pmids"] and row["n_patients"]]
    assert {item["key"]: item["n_papers"] for item in before}[row["key"]] == row["n_papers"] - 1
    assert "run 3" in here.get("/").text


# files and feeds


def test_a_download_holds_exactly_what_is_filtered(here: Client) -> None:
    lines = here.get("/download/tsv?variant=NTRK1+G595R").text.splitlines()
    keys = {line.split("\t")[0] for line in lines[1:]}
    assert keys == {row["key"] for row in here.get("/api/rows?variant=NTRK1+G595R").json()["rows"]}
    assert len(keys) == 3


@pytest.mark.parametrize(
    ("form", "begins"), [("tsv", b"key\t"), ("tsv-papers", b"key\t"), ("jsonl", b'{"key"'), ("ris", b"TY  - "), ("bibtex", b"@")]
)
def test_downloads_are_files_of_their_kind(here: Client, form: str, begins: bytes) -> None:
    answer = here.get(f"/download/{form}?drug=larotrectinib")
    assert (answer.status_code, answer.content[: len(begins)]) == (200, begins)
    assert answer.headers["content-disposition"].startswith("attachment; filename=")
    assert int(answer.headers["content-length"]) == len(answer.content)


def test_a_feed_holds_the_rows_of_its_filter(here: Client) -> None:
    feed = etree.fromstring(here.get("/feed.atom?drug=larotrectinib").content)
    titles = feed.xpath("a:entry/a:title/text()", namespaces={"a": ATOM[1:-1]})
    assert feed.findtext(f"{ATOM}title") == "Evidence: drug larotrectinib"
    assert len(titles) == 5
    assert all(title.startswith("new: ") for title in titles)
    assert len({entry.findtext(f"{ATOM}id") for entry in feed.findall(f"{ATOM}entry")}) == 5


def test_an_entry_of_a_feed_keeps_its_id_and_leads_to_its_row(here: Client) -> None:
    first, second = (etree.fromstring(here.get("/feed.atom?drug=selitrectinib").content).find(f"{ATOM}entry") for _ in range(2))
    assert first.findtext(f"{ATOM}id") == second.findtext(f"{ATOM}id")
    link = first.find(f"{ATOM}link").get("href").partition("#")[0]
    assert here.get(link.removeprefix("http://127.0.0.1")).status_code == 200
