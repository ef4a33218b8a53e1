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
    assert [line[:22].strip() for line in lines[2:]] == ["gzip -dc", "lossless reader", "pre-screen + reader"]
