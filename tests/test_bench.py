"""The benchmark scripts run and print their tables; what they time is not asserted."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[1] / "scripts"
TEXTS = (
    ("Larotrectinib in carcinoma", "Six of 8 patients (75%) with an ETV6-NTRK3 fusion responded to larotrectinib."),
    ("A resistant line", "NTRK1 G595R conferred resistance to larotrectinib and not to selitrectinib (LOXO-195)."),
    ("Fusions in lung cancer", "NTRK fusions were found in 0.1% of 4,000 lung adenocarcinomas by RNA sequencing."),
)
ARTICLE = (
    '<PubmedArticle><MedlineCitation Status="MEDLINE" Owner="NLM"><PMID Version="1">{pmid}</PMID><Article PubModel="Print">'
    "<Journal><JournalIssue CitedMedium=\"Print\"><PubDate><Year>2020</Year></PubDate></JournalIssue><Title>J</Title></Journal>"
    "<ArticleTitle>{title}</ArticleTitle><Abstract><AbstractText>{text}</AbstractText></Abstract></Article></MedlineCitation></PubmedArticle>"
)


def run(script: str, *arguments: str) -> str:
    done = subprocess.run([sys.executable, "-W", "ignore", str(SCRIPTS / script), *arguments], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_bench_read_prints_every_stage(tmp_path: Path) -> None:
    texts = tmp_path / "texts.jsonl"
    rows = [json.dumps({"id": f"s{i}", "pmid": None, "title": title, "abstract": text}) for i, (title, text) in enumerate(TEXTS)]
    texts.write_text("\n".join(rows) + "\n", encoding="utf-8")
    lines = run("bench_read.py", str(texts), "--rounds", "2").splitlines()
    assert lines[0].startswith("3 abstracts of texts.jsonl")
    stages = ["tokens", "sentences", "abbreviations", "terms", "fusions", "variants", "measures", "context", "study type", "claims"]
    printed = [line[:22].strip() for line in lines[3:-2]]
    assert [stage for stage in printed if stage in stages] == stages
    assert printed[-3:] == ["blank spaCy", "reading", "reading + claims"]
    assert lines[-1].startswith("peak memory")


@pytest.mark.skipif(shutil.which("gzip") is None, reason="needs gzip")
def test_bench_parse_prints_every_candidate(tmp_path: Path) -> None:
    articles = "".join(ARTICLE.format(pmid=i, title=title, text=text) for i, (title, text) in enumerate(TEXTS, 1))
    file = tmp_path / "pubmed.xml.gz"
    file.write_bytes(gzip.compress(f'<?xml version="1.0"?><PubmedArticleSet>{articles}</PubmedArticleSet>'.encode()))
    lines = run("bench_parse.py", str(file), "--rounds", "1").splitlines()
    assert lines[0].startswith("pubmed.xml.gz: 3 records and deletions; the pre-screen met 3 records")
    assert [line[:28].strip() for line in lines[2:]] == ["gzip -dc", "lossless reader", "pre-screen"]


@pytest.mark.skipif(shutil.which("gzip") is None, reason="needs gzip")
def test_bench_pipeline_prints_stages_reading_and_scaling(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="the cluster extra is not installed")
    articles = "".join(ARTICLE.format(pmid=i, title=title, text=text) for i, (title, text) in enumerate(TEXTS, 1))
    file, texts = tmp_path / "pubmed.xml.gz", tmp_path / "texts.jsonl.gz"
    file.write_bytes(gzip.compress(f'<?xml version="1.0"?><PubmedArticleSet>{articles}</PubmedArticleSet>'.encode()))
    rows = [{"id": f"s{i}", "title": title, "sections": [{"label": None, "text": text}]} for i, (title, text) in enumerate(TEXTS)]
    texts.write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))
    out = run("bench_pipeline.py", str(file), "--abstracts", str(texts), "--rounds", "1", "--copies", "1").splitlines()
    assert out[0] == "pubmed.xml.gz: 3 records and deletions; median of 1 rounds"
    stages = ["gzip -dc", "lossless reader", "pre-screen", "whole mining, table included", "a part of miner mine", "its merge"]
    assert [line[:28].strip() for line in out[2:8]] == stages
    assert out[8].startswith("whole mining takes ")
    assert [line[:28].strip() for line in out[11:14]] == ["miner: reading", "miner: whole of mine", "blank spaCy"]
    assert "2 loops" in out[15]
    assert (out[16].split()[0], len(out[16].split())) == ("1", 7)
    assert out[18].startswith("All of PubMed: 1,300 files")
    assert [line.split()[0] for line in out[20:23]] == ["2", "16", "256"]


TOPIC = """name = "own"
title = "t"
query = "q"
[prescreen]
words = ["{word}"]
[groups.a]
words = ["larotrectinib"]
[[relevant]]
why = "it says so"
all = ["a"]
[[summary]]
id = "i"
title = "t"
proposition = "s"
absent = "n"
claim_types = ["safety"]
"""


def check_prescreen(folder: Path, word: str, *arguments: str) -> tuple[int, list[str]]:
    rows = (*TEXTS, ("A knee", "It hurt."))
    articles = "".join(ARTICLE.format(pmid=i, title=title, text=text) for i, (title, text) in enumerate(rows, 1))
    file, topic = folder / "pubmed.xml", folder / "own.toml"
    file.write_text(f"<PubmedArticleSet>{articles}</PubmedArticleSet>", encoding="utf-8")
    topic.write_text(TOPIC.format(word=word), encoding="utf-8")
    command = [sys.executable, "-W", "ignore", str(SCRIPTS / "check_prescreen.py"), str(file), "--topic", str(topic), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    return done.returncode, done.stdout.splitlines() or done.stderr.splitlines()


def test_check_prescreen_tells_what_would_be_lost(tmp_path: Path) -> None:
    told = "pubmed.xml part 1/1, own: 4 records read in full, 2 matter; the pre-screen passes "
    assert check_prescreen(tmp_path, "resist") == (1, [told + "1 and loses 1", "  lost: 1 Larotrectinib in carcinoma"])
    assert check_prescreen(tmp_path, "larotrectinib") == (0, [told + "2 and loses 0"])


def test_check_prescreen_takes_a_part(tmp_path: Path) -> None:
    told = "pubmed.xml part 2/2, own: 2 records read in full, 1 matter; the pre-screen passes 1 and loses 0"
    assert check_prescreen(tmp_path, "resist", "--part", "2/2") == (0, [told])
    assert check_prescreen(tmp_path, "resist", "--part", "3/2")[0] == 2
