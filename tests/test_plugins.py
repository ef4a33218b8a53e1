"""A package of others, found through its entry points: an export format, a source, a type of claim; and packages that fail."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from miner.refresh.versions import mining_versions

ROOT = Path(__file__).parents[1]

ACME = '''
"""An example of a package that extends the miner."""

from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from miner.plugins import ClaimKind, Exporter, Selection, Source
from miner.schema import Claim, ClaimType, Label, Record, Section


def write_counts(chosen: Selection, out: TextIO) -> None:
    """Write each finding with the number of its papers."""
    for row in chosen.rows():
        out.write(f"{row.claim_type}\\t{row.molecular_profile}\\t{row.n_papers}\\n")


COUNTS = Exporter(write_counts, "findings and numbers of papers")


def read_cards(path: Path) -> Iterator[Record]:
    """Read records from cards: id, title and text between lines of dashes."""
    for card in path.read_text(encoding="utf-8").split("%CARDS\\n")[1].split("---\\n"):
        name, title, text = card.strip().split("\\n")
        yield Record(id=name, pmid=name, title=title, sections=(Section(None, text),), source=path.name)


CARDS = Source(lambda head: head.startswith(b"%CARDS"), read_cards)


def waits(view) -> Iterator[Claim]:
    """Yield a claim where a sentence tells how long a result took."""
    if "turnaround" in view.text:
        genes = tuple(sorted({m.name.split()[0] for m in view.mentions if m.label in (Label.GENE, Label.ALTERATION) and m.name}))
        place = (view.start, view.end)
        yield Claim(ClaimType("turnaround"), *place, "acme", genes=genes, alteration="fusion", spans=(place,))


TURNAROUND = ClaimKind(
    "turnaround",
    waits,
    finding=("time to result", "no time to result"),
    sentences=("Time to result of {profile}", "No time to result of {profile}", "Perhaps {profile}", "Perhaps not {profile}"),
    evidence_type="Diagnostic",
)
'''
BROKEN = """
from miner.plugins import ClaimKind, Exporter, Source


def fails(*_):
    raise KeyError("no such thing")


EXPORTER = Exporter(fails, "nothing")
SOURCE = Source(lambda head: head.startswith(b"%BROKEN"), fails)
CLAIMS = ClaimKind("never", fails, finding=("a", "b"), sentences=("a", "b", "c", "d"))
NEITHER = "text"
"""
CARD_FILE = """%CARDS
770001
ETV6-NTRK3 fusion in thyroid cancer
NTRK3 fusion testing had a median turnaround of nine days in this thyroid cancer cohort.
---
770002
NTRK1 fusions drive sarcoma
TPM3-NTRK1 fusion drives this sarcoma, and larotrectinib brought a complete response in the patient.
"""
TOPIC = """
name = "waiting"
title = "How long results take"
query = "NTRK[tiab]"

[prescreen]
words = ["fusion"]

[[relevant]]
why = "a fusion"
all = ["fusion"]

[groups.fusion]
words = ["fusion*"]

[[summary]]
id = "turnaround"
title = "How long results take"
absent = "Nothing yet."
claim_types = ["turnaround"]
"""


def install(folder: Path, name: str, code: str, points: dict[str, dict[str, str]]) -> None:
    """Lay a package and its metadata into a folder, as an installer does."""
    (folder / f"{name}.py").write_text(code, encoding="utf-8")
    info = folder / f"{name}-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: 1.2\n", encoding="utf-8")
    groups = [f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in named.items()) for group, named in points.items()]
    (info / "entry_points.txt").write_text("\n".join(groups), encoding="utf-8")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder that Python finds packages in, with the example in it."""
    folder = tmp_path / "site"
    folder.mkdir()
    points = {
        "miner.exporters": {"counts": "acme_miner:COUNTS"},
        "miner.sources": {"cards": "acme_miner:CARDS"},
        "miner.claim_types": {"turnaround": "acme_miner:TURNAROUND"},
    }
    install(folder, "acme_miner", ACME, points)
    (tmp_path / "cards.txt").write_text(CARD_FILE, encoding="utf-8")
    (tmp_path / "waiting.toml").write_text(TOPIC, encoding="utf-8")
    return folder


RUNNER = """
import contextlib, io, json, sys
from miner.cli import main
for words in json.loads(sys.argv[1]):
    out, err, code, sys.argv = io.StringIO(), io.StringIO(), 0, ["miner", *words]
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
    print(json.dumps([code, out.getvalue(), err.getvalue()]))
"""
REFRESH = "refresh --source cards.txt --topic waiting.toml"


class Done(NamedTuple):
    """What a command came to."""

    code: int
    out: str
    err: str


def run(site: Path | None, folder: Path, *commands: str) -> list[Done]:
    """Call the program, one command after the other in one process, with the packages of a folder installed."""
    paths = [str(ROOT), *([str(site)] if site else [])]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("MINER_")} | {"PYTHONPATH": os.pathsep.join(paths)}
    words = json.dumps([command.split() for command in commands])
    done = subprocess.run([sys.executable, "-c", RUNNER, words], cwd=folder, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [Done(*json.loads(line)) for line in done.stdout.splitlines()]


def test_a_package_brings_a_source_a_type_of_claim_and_a_format(site: Path, tmp_path: Path) -> None:
    refreshed, counted, listed, table, summary, report = run(
        site,
        tmp_path,
        REFRESH,
        "export --format counts",
        "export --format jsonl",
        "table --type turnaround",
        "summary --topic waiting.toml",
        "report --topic waiting.toml -o r.html",
    )
    assert (refreshed.code, "new 2" in refreshed.out) == (0, True), refreshed.err
    assert ("turnaround\tNTRK3 Fusion\t1" in counted.out.splitlines(), counted.code) == (True, 0), counted.err
    (row,) = [line for line in map(json.loads, listed.out.splitlines()) if line["claim_type"] == "turnaround"]
    assert (row["evidence_type"], row["evidence"][0]["statement"]) == ("Diagnostic", "Time to result of NTRK3 Fusion")
    assert row["evidence"][0]["sentences"][0]["text"].endswith("nine days in this thyroid cancer cohort.")
    assert ("turnaround" in table.out, table.code) == (True, 0), table.err
    assert ("770001" in summary.out, summary.code) == (True, 0), summary.err
    assert (report.code, "turnaround" in (tmp_path / "r.html").read_text(encoding="utf-8")) == (0, True), report.err

    (again,) = run(None, tmp_path, "export --format jsonl")
    assert (again.code, "claims of the type 'turnaround', which no installed package brings" in again.err) == (73, True), again.err


def test_the_packages_are_listed_with_what_is_wrong(site: Path, tmp_path: Path) -> None:
    install(site, "broken_miner", BROKEN, {"miner.exporters": {"absent": "broken_miner:MISSING", "neither": "broken_miner:NEITHER"}})
    (listed,) = run(site, tmp_path, "plugins")
    assert listed.code == 78
    assert "miner.claim_types  turnaround  acme-miner 1.2" in listed.out
    assert "miner.exporters    docbin      ntrk-miner" in listed.out
    assert "absent (broken_miner:MISSING) of the package broken-miner 1.2 cannot be loaded: AttributeError" in listed.out
    assert "neither (broken_miner:NEITHER) of the package broken-miner 1.2 is no miner.plugins.Exporter" in listed.out


def test_a_package_that_fails_is_named_and_the_rest_goes_on(site: Path, tmp_path: Path) -> None:
    points = {
        "miner.exporters": {"broken": "broken_miner:EXPORTER", "absent": "broken_miner:MISSING"},
        "miner.sources": {"broken": "broken_miner:SOURCE", "absent": "no_such_module:SOURCE"},
        "miner.claim_types": {"never": "broken_miner:CLAIMS", "absent": "broken_miner:MISSING"},
    }
    install(site, "broken_miner", BROKEN, points)
    (tmp_path / "b.txt").write_text("%BROKEN\n", encoding="utf-8")
    refreshed, broken, absent, unread, counted = run(
        site,
        tmp_path,
        REFRESH,
        "export --format broken -o out.txt",
        "export --format absent -o out.txt",
        "extract b.txt",
        "export --format counts",
    )
    assert (refreshed.code, "new 2" in refreshed.out) == (0, True), refreshed.err
    assert "the claim type never of broken-miner failed on 770001: KeyError: 'no such thing'" in refreshed.err
    missing = "absent (broken_miner:MISSING) of the package broken-miner 1.2 cannot be loaded: AttributeError"
    assert missing in refreshed.err
    assert (broken.code, absent.code, (tmp_path / "out.txt").exists()) == (78, 78, False)
    assert "the export format 'broken' of another package failed: KeyError: 'no such thing'" in broken.err
    assert missing in absent.err
    assert (unread.code, "b.txt: the source broken of broken-miner failed: KeyError" in unread.err) == (65, True), unread.err
    assert "turnaround\tNTRK3 Fusion\t1" in counted.out


def test_a_package_changes_the_version_that_readings_depend_on(monkeypatch: pytest.MonkeyPatch, site: Path) -> None:
    before = mining_versions()
    monkeypatch.syspath_prepend(str(site))
    assert {name: value for name, value in mining_versions().items() if before.get(name) != value} == {"acme-miner": "1.2"}
