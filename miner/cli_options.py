"""Options and arguments of the commands, and the exit codes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

EXIT_CODES = {
    0: "done",
    1: "a bug",
    2: "usage",
    3: "partial: records were set aside, the rest is stored; or older than --max-age",
    11: "another run holds the lock",
    65: "bad input, or an export held back",
    73: "the database cannot be opened or written",
    75: "PubMed did not answer",
    78: "configuration",
}

Db = Annotated[Path | None, typer.Option("--db", metavar="FILE", help="SQLite file of the evidence base.", show_default="evidence.db")]
TopicName = Annotated[
    str | None, typer.Option("--topic", metavar="NAME", help="Topic: a name, or the path of a topic file.", show_default="ntrk-nsclc")
]
Output = Annotated[Path | None, typer.Option("-o", "--output", metavar="FILE", help="File to write; standard output without it.")]
ClaimTypes = Annotated[list[str] | None, typer.Option("--type", metavar="TYPE", help="Only this claim type; may be repeated.")]
Genes = Annotated[list[str] | None, typer.Option("--gene", metavar="GENE", help="Only rows on this gene or family; may be repeated.")]
Drugs = Annotated[list[str] | None, typer.Option("--drug", metavar="DRUG", help="Only rows on this drug or class; may be repeated.")]
Pmids = Annotated[list[str] | None, typer.Option("--pmid", metavar="PMID", help="Only rows that rest on this paper; may be repeated.")]
Text = Annotated[str | None, typer.Option("--text", metavar="WORDS", help="Only rows whose words contain this.")]
Diseases = Annotated[list[str] | None, typer.Option("--disease", metavar="TUMOUR", help="Only rows on this tumour; may be repeated.")]
Levels = Annotated[list[str] | None, typer.Option("--level", metavar="LEVEL", help="Only rows of this level, A to E; may be repeated.")]
Statuses = Annotated[
    list[str] | None,
    typer.Option("--status", metavar="STATUS", help="Only rows that are submitted, accepted or rejected; may be repeated."),
]
OfTopic = Annotated[str | None, typer.Option("--topic", metavar="NAME", help="Only rows of this topic.", show_default="all that are held")]
Sources = Annotated[
    list[Path] | None, typer.Option("--source", metavar="FILE", help="PubMed XML (.gz), nbib, JSONL, or a folder; may be repeated.")
]
Remine = Annotated[bool, typer.Option("--remine", help="Read the stored records again where rules or lexicons have changed.")]
Reconcile = Annotated[bool, typer.Option("--reconcile", help="Compare the whole set of PMIDs with what is held, due or not.")]
Email = Annotated[str | None, typer.Option(metavar="ADDRESS", help="Your address, which NCBI asks for in a live run.")]
ApiKey = Annotated[str | None, typer.Option(metavar="KEY", help="NCBI API key; better in NCBI_API_KEY.")]
PmidArguments = Annotated[list[str] | None, typer.Argument(metavar="PMID", help="PMIDs; without them, the topic's query is asked.")]
XmlOutput = Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="PubMed XML to write (.xml or .xml.gz).")]
RecordLimit = Annotated[int | None, typer.Option(min=1, metavar="N", help="At most so many records.")]
Input = Annotated[Path, typer.Argument(metavar="INPUT", help="JSONL of {id, pmid, title, abstract | sections}, PubMed XML or nbib.")]
RowLimit = Annotated[int, typer.Option(min=0, metavar="N", help="Rows to show; 0 for all.")]
Form = Annotated[str, typer.Option("-f", "--format", metavar="FORM", help="One of the formats above, or one of a package of yours.")]
Force = Annotated[bool, typer.Option("--force", help="Write even where rows vanished without a cause.")]
Since = Annotated[int | None, typer.Option(min=0, metavar="RUN", help="All that changed after this run.", show_default="the last run")]
DiffForm = Annotated[str, typer.Option("-f", "--format", metavar="FORM", help="text, json, markdown or atom.")]
MaxAge = Annotated[str | None, typer.Option(metavar="AGE", help="For monitors: one line, and exit code 3 where older: 36h, 3d.")]
Json = Annotated[bool, typer.Option("--json", help="How current it is, as one JSON object.")]
HtmlOutput = Annotated[
    Path | None, typer.Option("-o", "--output", metavar="FILE", help="HTML file to write.", show_default="evidence.html")
]
PmidArgument = Annotated[str, typer.Argument(metavar="PMID", help="PMID or id of a stored record, or of one in --source.")]
FromFile = Annotated[Path | None, typer.Option("--source", metavar="FILE", help="Read the record from this file, not from the database.")]
Corpus = Annotated[Path, typer.Argument(metavar="CORPUS", help="Folder of a corpus, which holds gold.jsonl.")]
Page = Annotated[Path | None, typer.Option("--page", metavar="FILE", help="Also write an HTML page, gold beside prediction.")]
CorpusTexts = Annotated[
    list[Path] | None, typer.Option("--texts", metavar="FILE", help="Texts of a corpus that holds facts alone; may be repeated.")
]
Split = Annotated[str | None, typer.Option("--split", metavar="NAME", help="Only this split of the corpus: dev or test.")]
ErrorLimit = Annotated[int, typer.Option(min=0, metavar="N", help="Errors to print.")]
Folders = Annotated[list[Path] | None, typer.Argument(metavar="FOLDER", help="Folders of yours to check beside the package's.")]
Config = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Settings file.", show_default="miner.toml")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no result of a run: warnings and errors only.")]
LogFormat = Annotated[str | None, typer.Option("--log-format", metavar="FORM", help="Log on standard error: text or json.")]
