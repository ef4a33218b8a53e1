"""The command line as a person or a scheduler meets it: exit codes, one-line errors, and a database that stays as it was."""

import gzip
import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from miner.cli import app
from miner.errors import MinerError

ROOT = Path(__file__).parents[1]
TEXTS = [
    {
        "id": "syn-a",
        "pmid": "90000001",
        "title": "Response of ETV6-NTRK3 fusion-positive secretory carcinoma to larotrectinib",
        "abstract": "We treated 12 patients with ETV6-NTRK3 fusion-positive secretory carcinoma. "
        "The objective response rate with larotrectinib was 75% (9/12).",
    },
    {
        "id": "syn-b",
        "pmid": "90000002",
        "title": "NTRK1 G595R after larotrectinib",
        "sections": [{"label": "RESULTS", "text": "The NTRK1 G595R mutation conferred resistance to larotrectinib in two patients."}],
    },
]


def run(*arguments: object, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own, without the caller's settings."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("MINER_", "NCBI_"))}
    return subprocess.run(
        [sys.executable, "-m", "miner", *map(str, arguments)],
        cwd=cwd,
        env={**clean, "PYTHONPATH": str(ROOT), "COLUMNS": "160", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two texts as JSONL and the database made from them."""
    folder = tmp_path_factory.mktemp("base")
    (folder / "texts.jsonl").write_text("".join(json.dumps(text) + "\n" for text in TEXTS), encoding="utf-8")
    done = run("refresh", "--source", "texts.jsonl", "--db", "evidence.db", cwd=folder)
    assert (done.returncode, "new 2" in done.stdout) == (0, True), done.stderr
    return folder


def test_extract_writes_the_output_of_the_design_in_order(base: Path) -> None:
    done = run("extract", "texts.jsonl", "-o", "out.any", cwd=base)
    rows = [json.loads(line) for line in (base / "out.any").read_text(encoding="utf-8").splitlines()]
    assert (done.returncode, [row["id"] for row in rows]) == (0, ["syn-a", "syn-b"])
    assert set(rows[0]) >= {"id", "pmid", "study_type", "evidence_level", "fusions", "drugs", "variants", "mentions", "claims"}
    assert rows[0]["fusions"] == [{"five_prime": "ETV6", "three_prime": "NTRK3", "polarity": "asserted"}]
    assert rows[1]["variants"] == [{"gene": "NTRK1", "protein_change": "G595R"}]
    fields = {"type", "genes", "fusion", "variant", "alteration", "therapies", "disease", "significance", "direction", "polarity"}
    fields |= {"population_n", "figures", "background", "sentence", "start", "end", "spans", "rule", "confidence"}
    assert all(set(claim) >= fields for row in rows for claim in row["claims"])


def test_every_mention_and_claim_slices_its_own_text(base: Path) -> None:
    done = run("extract", "texts.jsonl", cwd=base)
    for row, given in zip(map(json.loads, done.stdout.splitlines()), TEXTS, strict=True):
        body = given.get("abstract") or given["sections"][0]["text"]
        text = f"{given['title']}\n{body}"
        assert [text[m["start"] : m["end"]] for m in row["mentions"]] == [m["text"] for m in row["mentions"]]
        assert [text[c["start"] : c["end"]] for c in row["claims"]] == [c["sentence"] for c in row["claims"]]


def test_a_second_refresh_writes_nothing(base: Path) -> None:
    before = (base / "evidence.db").read_bytes()
    done = run("refresh", "--source", "texts.jsonl", "--db", "evidence.db", cwd=base)
    assert (done.returncode, "unchanged" in done.stdout, (base / "evidence.db").read_bytes() == before) == (0, True, True)


def test_export_has_one_header_line_and_pmids_in_each_row(base: Path) -> None:
    done = run("export", "--format", "tsv", "--db", "evidence.db", cwd=base)
    header, *rows = [line.split("\t") for line in done.stdout.splitlines()]
    column = header.index("pmids")
    assert (done.returncode, bool(rows), {len(row) for row in rows}) == (0, True, {len(header)})
    assert {row[column] for row in rows} <= {"90000001", "90000002", "90000001, 90000002"}
    assert done.stdout == run("export", "--db", "evidence.db", cwd=base).stdout


@pytest.mark.parametrize("verb", ["table", "summary", "status", "export"])
def test_the_reading_verbs_read(base: Path, verb: str) -> None:
    before = (base / "evidence.db").read_bytes()
    done = run(verb, "--db", "evidence.db", cwd=base)
    assert (done.returncode, bool(done.stdout.strip()), (base / "evidence.db").read_bytes() == before) == (0, True, True)


def test_show_prints_mentions_and_claims(base: Path) -> None:
    done = run("show", "90000002", "--db", "evidence.db", cwd=base)
    assert (done.returncode, "NTRK1 G595R" in done.stdout, "resistance_on_target" in done.stdout) == (0, True, True)


def test_the_report_is_one_file_without_outside_assets(base: Path) -> None:
    done = run("report", "--db", "evidence.db", "-o", "page.html", cwd=base)
    page = (base / "page.html").read_text(encoding="utf-8")
    assert (done.returncode, 'src="http' in page, '<link rel="stylesheet"' in page) == (0, False, False)


def test_version_names_code_and_lexicon(tmp_path: Path) -> None:
    done = run("--version", cwd=tmp_path)
    assert (done.returncode, done.stdout.split()[:1], "lexicon" in done.stdout) == (0, ["miner"], True)


def test_settings_grow_from_file_to_environment_to_flag(base: Path) -> None:
    folder = base / "settings"
    folder.mkdir(exist_ok=True)
    (folder / "miner.toml").write_text('db = "from-file.db"\n', encoding="utf-8")
    missing = [
        run("status", cwd=folder),
        run("status", cwd=folder, MINER_DB="from-environment.db"),
        run("status", "--db", "from-flag.db", cwd=folder, MINER_DB="from-environment.db"),
    ]
    assert [("from-file.db" in m.stderr, "from-environment.db" in m.stderr, "from-flag.db" in m.stderr) for m in missing] == [
        (True, False, False),
        (False, True, False),
        (False, False, True),
    ]


@pytest.mark.parametrize("width", [80, 120, 160])
@pytest.mark.parametrize("verb", ["table", "summary", "status"])
def test_lines_fit_the_screen_and_end_without_blanks(base: Path, verb: str, width: int) -> None:
    lines = run(verb, "--db", "evidence.db", cwd=base, COLUMNS=str(width)).stdout.splitlines()
    assert [line for line in lines if len(line) > width or line != line.rstrip()] == []


def test_the_table_tells_topic_sentence_and_pmid(base: Path) -> None:
    told = run("table", "--db", "evidence.db", "--type", "resistance_on_target", cwd=base).stdout
    assert told.startswith("Evidence table: NTRK gene fusions")
    assert "“The NTRK1 G595R mutation conferred resistance to larotrectinib in two patients.” 90000002" in " ".join(told.split())


def test_the_table_begins_with_the_topics_genes_and_families_count(tmp_path: Path) -> None:
    texts = [
        "EGFR mutations were found in 30 of 60 patients with lung adenocarcinoma.",
        "NTRK fusions were found in 1 of 60 patients with lung adenocarcinoma.",
    ]
    rows = [
        {"id": f"t{number}", "pmid": f"9000010{number}", "title": "Lung cancer", "abstract": text}
        for number, text in enumerate([texts[0], *texts])
    ]
    (tmp_path / "texts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    run("refresh", "--source", "texts.jsonl", "--db", "x.db", cwd=tmp_path)
    told = run("table", "--db", "x.db", cwd=tmp_path).stdout
    assert 0 < told.index("NTRK Fusion") < told.index("EGFR Mutation")


def test_a_filter_that_nothing_fits_says_so(base: Path) -> None:
    assert "nothing is held that fits" in run("table", "--db", "evidence.db", "--gene", "KIT", cwd=base).stdout


def test_a_run_tells_its_result_once_and_logs_apart(base: Path, tmp_path: Path) -> None:
    source = base / "texts.jsonl"
    plain = run("refresh", "--source", source, "--db", "a.db", cwd=tmp_path)
    as_json = run("--log-format", "json", "refresh", "--source", source, "--db", "b.db", cwd=tmp_path)
    quiet = run("--quiet", "refresh", "--source", source, "--db", "c.db", cwd=tmp_path)
    assert [(done.returncode, done.stdout.count("new 2")) for done in (plain, as_json, quiet)] == [(0, 1), (0, 1), (0, 0)]
    assert [(done.stderr.count("new 2")) for done in (plain, as_json, quiet)] == [0, 1, 0]
    (line,) = as_json.stderr.splitlines()
    assert set(json.loads(line)) >= {"time", "level", "logger", "message"}


def test_an_error_is_a_line_of_json_where_json_is_asked_for(tmp_path: Path) -> None:
    done = run("--log-format", "json", "refresh", "--source", "nowhere.xml", "--db", "x.db", cwd=tmp_path)
    (line,) = done.stderr.splitlines()
    assert (done.returncode, json.loads(line)["level"], "nowhere.xml" in json.loads(line)["message"]) == (65, "error", True)


def test_status_tells_what_is_stale(base: Path) -> None:
    held = run("status", "--db", "evidence.db", cwd=base).stdout
    assert "every record was read by the present rules and lexicons" in held
    lexicon = base / "own"
    lexicon.mkdir(exist_ok=True)
    (lexicon / "drugs.tsv").write_text(
        "curie\tname\ttext\tkind\tsource\ndrug:x1\tnewtrectinib\tnewtrectinib\tgeneric\town\n", encoding="utf-8"
    )
    assert (
        "stale: 2 records read by other rules or lexicons"
        in run("status", "--db", "evidence.db", cwd=base, MINER_LEXICON_DIRS=str(lexicon)).stdout
    )


def test_help_imports_neither_spacy_nor_rich() -> None:
    code = "\n".join(
        [
            "import sys, miner.cli",
            "sys.argv = ['miner', '--help']",
            "try: miner.cli.main()",
            "except SystemExit: print(*sys.modules)",
        ]
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert {"spacy", "rich", "lxml", "sqlite3", "miner.lexicon"} & set(done.stdout.splitlines()[-1].split()) == set()


def bad_inputs(folder: Path) -> dict[str, tuple[tuple[object, ...], int, str]]:
    """Arguments of a run that must fail, its exit code, and a word that its error must hold."""
    (folder / "broken.jsonl").write_text(json.dumps(TEXTS[0]) + "\n{not json}\n", encoding="utf-8")
    (folder / "other.xml").write_text("<?xml version='1.0'?><books><book/></books>", encoding="utf-8")
    (folder / "cut.xml.gz").write_bytes(gzip.compress(b"<?xml version='1.0'?><PubmedArticleSet>" + b" " * 100_000)[:60])
    (folder / "empty.xml").write_bytes(b"")
    foreign = sqlite3.connect(folder / "foreign.db")
    foreign.execute("CREATE TABLE notes (text)")
    foreign.commit()
    foreign.close()
    return {
        "missing": (("--source", "nowhere.xml", "--db", "x.db"), 65, "nowhere.xml"),
        "broken line": (("--source", "broken.jsonl", "--db", "x.db"), 65, "broken.jsonl:2"),
        "no PubMed set": (("--source", "other.xml", "--db", "x.db"), 65, "other.xml"),
        "cut gzip": (("--source", "cut.xml.gz", "--db", "x.db"), 65, "cut.xml.gz"),
        "empty": (("--source", "empty.xml", "--db", "x.db"), 65, "empty.xml"),
        "unknown topic": (("--source", "broken.jsonl", "--topic", "no-such-topic", "--db", "x.db"), 78, "no-such-topic"),
        "foreign database": (("--source", "broken.jsonl", "--db", "foreign.db"), 73, "foreign.db"),
        "no email": (("--db", "x.db"), 78, "email"),
    }


@pytest.mark.parametrize(
    "name", ["missing", "broken line", "no PubMed set", "cut gzip", "empty", "unknown topic", "foreign database", "no email"]
)
def test_bad_input_ends_in_one_clear_line_and_leaves_the_database(tmp_path: Path, name: str) -> None:
    arguments, code, word = bad_inputs(tmp_path)[name]
    before = {path.name: path.read_bytes() for path in tmp_path.glob("*.db")}
    done = run("refresh", *arguments, cwd=tmp_path)
    assert (done.returncode, word in done.stderr, "Traceback" in done.stderr) == (code, True, False), done.stderr
    assert {path.name: path.read_bytes() for path in tmp_path.glob("*.db")} == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_read_only_database_is_told(base: Path, tmp_path: Path) -> None:
    target = tmp_path / "evidence.db"
    target.write_bytes((base / "evidence.db").read_bytes())
    target.chmod(0o400)
    (tmp_path / "texts.jsonl").write_text(json.dumps({**TEXTS[0], "id": "syn-c", "pmid": "90000003"}) + "\n", encoding="utf-8")
    assert run("refresh", "--source", "texts.jsonl", "--db", target, cwd=tmp_path).returncode == 73


def test_one_unreadable_record_is_set_aside_and_the_rest_is_stored(tmp_path: Path) -> None:
    article = (
        "<PubmedArticle><MedlineCitation><PMID Version='1'>{}</PMID><Article><ArticleTitle>{}</ArticleTitle></Article>"
        "</MedlineCitation></PubmedArticle>"
    )
    good = article.format(90000011, "Larotrectinib in NTRK fusion-positive lung cancer")
    bad = good.replace("<PMID Version='1'>90000011</PMID>", "")
    content = f"<?xml version='1.0'?><PubmedArticleSet>{good}{bad}</PubmedArticleSet>"
    (tmp_path / "two.xml").write_text(content, encoding="utf-8")
    done = run("refresh", "--source", "two.xml", "--db", "x.db", cwd=tmp_path)
    status = run("status", "--db", "x.db", cwd=tmp_path)
    assert (done.returncode, "new 1" in done.stdout, "set aside" in status.stdout) == (3, True, True), done.stderr


def test_called_out_of_another_program_the_command_line_leaves_its_signals(tmp_path: Path) -> None:
    """A server in the same process would end at the first reader who goes away."""
    before = signal.getsignal(signal.SIGPIPE)
    with pytest.raises(MinerError):
        app(["table", "--db", str(tmp_path / "none.db")], standalone_mode=False)
    assert signal.getsignal(signal.SIGPIPE) == before


def test_output_that_is_cut_ends_the_command_quietly(tmp_path: Path) -> None:
    reader = ["bash", "-c", f"{sys.executable} -W ignore -m miner extract texts.jsonl | head -c 1 >/dev/null; echo ${{PIPESTATUS[0]}}"]
    rows = (json.dumps(TEXTS[0] | {"id": f"s{number}", "abstract": TEXTS[0]["abstract"] * 40}) + "\n" for number in range(12))
    (tmp_path / "texts.jsonl").write_text("".join(rows), encoding="utf-8")
    done = subprocess.run(reader, capture_output=True, text=True, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=200)
    assert (done.stdout.strip(), "Traceback" in done.stderr) == (str(128 + signal.SIGPIPE), False)
