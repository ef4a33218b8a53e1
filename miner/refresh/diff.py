"""What runs did to the table: rows that are new, changed or gone, each with its cause, in four forms."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from xml.sax.saxutils import escape, quoteattr

from miner.errors import ConfigError
from miner.evidence.store import Change, Run, Store

RULES = "rules"
PUBMED = "https://pubmed.ncbi.nlm.nih.gov/"
_ORDER = {"gone": 0, "changed": 1, "new": 2}


@dataclass(frozen=True, slots=True)
class Difference:
    """A row (one paper on one proposition) that is new, changed or gone: why, since which run, and when that ended."""

    change: str
    cause: str
    statement: str
    pmid: str
    key: str
    run_id: int
    finished: str


@dataclass(frozen=True, slots=True)
class Diff:
    """Everything that became different after run ``since``, up to and with run ``until``; gone rows first."""

    since: int
    until: int
    updated: str
    rows: tuple[Difference, ...]

    @property
    def counts(self) -> dict[tuple[str, str], int]:
        """(change, cause) → number of rows, in order."""
        return dict(Counter((row.change, row.cause) for row in self.rows))


def compare(store: Store, since: int | None = None) -> Diff:
    """Return what became different after a run, or in the last one.

    Raises
    ------
    ConfigError
        There is no such run.
    """
    runs = [run for run in store.runs() if run.outcome]
    if since is not None and since != 0 and since not in {run.id for run in runs}:
        told = f"there are {runs[0].id} to {runs[-1].id}" if runs else "there is none yet"
        raise ConfigError(f"there is no run {since}; {told} (miner status tells them)")
    if not runs:
        return Diff(0, 0, "", ())
    start = runs[-1].id - 1 if since is None else since
    later = [run for run in runs if run.id > start]
    causes = {run.id: _rules_changed(run, runs) for run in later}
    finished = {run.id: run.finished or run.started for run in later}
    changes = [change for run in later for change in store.changes(run.id)]
    standing = store.standing() if changes else set()
    rows = list(_differences(changes, standing, causes, finished))
    rows.sort(key=lambda row: (_ORDER[row.change], row.cause, row.statement, row.pmid, row.key))
    updated = max((row.finished for row in rows), default=runs[-1].finished or runs[-1].started)
    return Diff(start, runs[-1].id, updated, tuple(rows))


def _differences(
    changes: Sequence[Change], standing: set[tuple[str, str]], causes: dict[int, str], finished: dict[int, str]
) -> Iterator[Difference]:
    """Reduce the changes of each row to what they come to: new and gone again is nothing."""
    ordered = sorted(changes, key=lambda change: (change.pmid, change.key, change.run_id))
    for (pmid, key), group in groupby(ordered, key=lambda change: (change.pmid, change.key)):
        held = list(group)
        before, after = _stood_before(held), (pmid, key) in standing
        if not before and not after:
            continue
        change = "changed" if before and after else "new" if after else "gone"
        told = dict.fromkeys(causes[item.run_id] if item.cause == RULES else item.cause for item in held)
        last = held[-1]
        yield Difference(change, ", then ".join(told), last.statement, pmid, key, last.run_id, finished[last.run_id])


def _stood_before(held: Sequence[Change]) -> bool:
    """Tell whether a row stood in the table before the first of its changes."""
    first = {change.change for change in held if change.run_id == held[0].run_id}
    return "new" not in first or (
        first == {"new", "gone"} and any(change.cause != "new paper" for change in held if change.change == "new")
    )


def _rules_changed(run: Run, runs: Sequence[Run]) -> str:
    """Name the versions in which a run differs from the ones before it."""
    before = [other.versions for other in runs if other.id < run.id and other.topic == run.topic and other.outcome != "failed"]
    last = next((held for held in reversed(before) if held != run.versions), None)
    names = [name for name in sorted(run.versions) if last is not None and last.get(name) != run.versions[name]]
    return f"{RULES} ({', '.join(names)})" if names else RULES


# forms


def as_text(diff: Diff) -> str:
    """One line a row, under a line of counts."""
    lines = [_headline(diff)]
    for row in diff.rows:
        lines.append(f"{row.change:<8} {row.statement}  PMID {row.pmid}  ({row.cause}; run {row.run_id})")
    return "\n".join(lines) + "\n"


def _headline(diff: Diff) -> str:
    span = f"run {diff.until}" if diff.until - diff.since <= 1 else f"runs {diff.since + 1} to {diff.until}"
    if not diff.rows:
        return f"{span}: no row is new, changed or gone"
    told = ", ".join(f"{number:,} {change} ({cause})" for (change, cause), number in diff.counts.items())
    return f"{span}: {told}"


def as_json(diff: Diff) -> str:
    """One object: since, until, updated, counts, rows."""
    counts = Counter(row.change for row in diff.rows)
    numbers = {name: counts[name] for name in ("new", "changed", "gone")}
    rows = [asdict(row) for row in diff.rows]
    return (
        json.dumps({"since": diff.since, "until": diff.until, "updated": diff.updated, **numbers, "rows": rows}, ensure_ascii=False) + "\n"
    )


def as_markdown(diff: Diff) -> str:
    """A heading for each kind of change, a list of rows with links below it."""
    lines = [f"# {_headline(diff)}", ""]
    for change, group in groupby(diff.rows, key=lambda row: row.change):
        rows = list(group)
        lines += [f"## {change.capitalize()}: {len(rows):,}", ""]
        lines += [f"- {_plain(row.statement)} — {_markdown_link(row.pmid)} ({_plain(row.cause)}, run {row.run_id})" for row in rows]
        lines.append("")
    return "\n".join(lines)


def _plain(text: str) -> str:
    return "".join(f"\\{letter}" if letter in "\\`*_[]<>#|" else letter for letter in " ".join(text.split()))


def _markdown_link(pmid: str) -> str:
    return f"[PMID {pmid}]({PUBMED}{pmid}/)" if pmid.isdigit() else _plain(pmid)


def as_atom(diff: Diff) -> str:
    """An Atom feed (RFC 4287), an entry a row; an entry keeps its id, so that a reader shows it once."""
    head = [
        '<?xml version="1.0" encoding="utf-8"?>',
        '<feed xmlns="http://www.w3.org/2005/Atom">',
        "<title>Evidence table: what is new, changed and gone</title>",
        "<id>tag:ntrk-miner,2024:diff</id>",
        "<author><name>ntrk-miner</name></author>",
        f"<updated>{escape(diff.updated or '1970-01-01T00:00:00Z')}</updated>",
    ]
    return "\n".join([*head, *map(_entry, diff.rows), "</feed>"]) + "\n"


def _entry(row: Difference) -> str:
    link = f"<link href={quoteattr(f'{PUBMED}{row.pmid}/')}/>" if row.pmid.isdigit() else ""
    return (
        f"<entry><id>{escape(f'tag:ntrk-miner,2024:{row.run_id}/{row.pmid}/{row.key}')}</id>"
        f"<title>{escape(f'{row.change}: {row.statement}')}</title><updated>{escape(row.finished)}</updated>{link}"
        f"<category term={quoteattr(row.change)}/><summary>{escape(f'{row.cause}; PMID {row.pmid}; run {row.run_id}')}</summary></entry>"
    )


FORMS: dict[str, Callable[[Diff], str]] = {"text": as_text, "json": as_json, "markdown": as_markdown, "atom": as_atom}


def told(store: Store, since: int | None = None, form: str = "text") -> str:
    """Return what became different after a run, in one of ``FORMS``; ConfigError for a form or run that does not exist."""
    if form not in FORMS:
        raise ConfigError(f"no form is called {form!r}; there are {', '.join(FORMS)}")
    return FORMS[form](compare(store, since))
