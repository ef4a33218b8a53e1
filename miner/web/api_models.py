"""What the JSON API takes and gives, as its OpenAPI document tells it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from miner.evidence.store_search import SORTS
from miner.schema import Direction, Polarity, StudyType
from miner.web.params import DEFAULT_SIZE, MAX_PAGE, MAX_SIZE, MAX_TEXT, MAX_VALUE, MAX_VALUES

Value = Annotated[str, Field(min_length=1, max_length=MAX_VALUE)]
Values = Annotated[list[Value], Field(max_length=MAX_VALUES)]
Number = Annotated[str, Field(pattern=r"^[0-9]{1,9}$")]
SORT = f"^-?({'|'.join(SORTS)})$"
Figures = dict[str, float | int | str]


class Strict(BaseModel):
    """A question: what is not known is refused."""

    model_config = ConfigDict(extra="forbid")


class Filter(Strict):
    """What rows are asked for: of one facet any value may fit, of several facets all must; every word of ``q`` must occur."""

    q: Annotated[str, Field(max_length=MAX_TEXT)] = ""
    topic: Values = []
    claim_type: Values = []
    gene: Values = []
    fusion: Values = []
    variant: Values = []
    drug: Values = []
    disease: Values = []
    direction: Annotated[list[Direction], Field(max_length=MAX_VALUES)] = []
    polarity: Annotated[list[Polarity], Field(max_length=MAX_VALUES)] = []
    level: Annotated[list[Literal["A", "B", "C", "D", "E"]], Field(max_length=MAX_VALUES)] = []
    study_type: Annotated[list[StudyType], Field(max_length=MAX_VALUES)] = []
    year: Annotated[list[Number], Field(max_length=MAX_VALUES)] = []
    status: Annotated[list[Literal["submitted", "accepted", "rejected"]], Field(max_length=MAX_VALUES)] = []
    opposed: Annotated[list[Literal["yes", "no"]], Field(max_length=2)] = []
    new_since_run: Annotated[list[Number], Field(max_length=1)] = []


class TableQuestion(Filter):
    """A page of the table."""

    sort: Annotated[str, Field(pattern=SORT)] = "support"
    page: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 1
    size: Annotated[int, Field(ge=1, le=MAX_SIZE)] = DEFAULT_SIZE


class Problem(BaseModel):
    """Why there is no answer."""

    detail: str


class Quote(BaseModel):
    """A sentence at half-open character offsets of its record's text."""

    start: int
    end: int
    text: str


class EvidenceItem(BaseModel):
    """One paper's evidence; further fields are those of the JSONL export."""

    model_config = ConfigDict(extra="allow")
    pmid: str
    title: str
    year: int | None
    level: str
    statement: str
    figures: Figures


class Row(BaseModel):
    """A row of the table; further fields are those of the JSONL export."""

    model_config = ConfigDict(extra="allow")
    key: str
    claim_type: str
    molecular_profile: str
    disease: str | None
    therapies: list[str]
    significance: str
    direction: Direction
    polarity: Polarity
    level: str
    support: float
    n_papers: int
    n_patients: int | None
    pmids: list[str]
    evidence: list[EvidenceItem]


class Count(BaseModel):
    """A value of a facet and the number of rows it would leave."""

    value: str
    rows: int


class TablePage(BaseModel):
    """A page of the table with the counts of every facet."""

    total: int
    page: int
    pages: int
    size: int
    rows: list[Row]
    facets: dict[str, list[Count]]


class CurationOut(BaseModel):
    """A curation as it was kept."""

    id: int
    at: str
    curator: str
    action: str
    key: str
    source: str
    changes: dict[str, Any]
    comment: str
    undoes: int | None
    undone: bool


class ChangeOut(BaseModel):
    """What a run did to one paper's evidence, and why."""

    run_id: int
    pmid: str
    key: str
    change: Literal["new", "changed", "gone"]
    cause: str
    statement: str


class ClaimOut(Quote):
    """A claim that evidence merges."""

    rule: str
    confidence: float
    polarity: str
    background: bool
    figures: Figures
    warnings: list[str]


class RowEvidence(BaseModel):
    """A paper's evidence in full."""

    pmid: str
    key: str
    status: str
    machine: dict[str, Any]
    claims: list[ClaimOut]
    curations: list[CurationOut]


class StudyOut(BaseModel):
    """Papers that report one study, the points that it adds, and why they are one."""

    name: str
    pmids: list[str]
    ties: list[dict[str, str]]
    superseded: list[dict[str, str]]
    points: float


class ConflictOut(BaseModel):
    """Two papers that contradict each other."""

    kind: str
    told: str
    keys: list[str]


class RowDetail(BaseModel):
    """A row with what it merges, what speaks against it, and its history."""

    row: Row
    evidence: list[RowEvidence]
    studies: list[StudyOut]
    conflicts: list[ConflictOut]
    against: list[str]
    elsewhere: list[str]
    history: list[ChangeOut]


class MentionOut(Quote):
    """A mention."""

    label: str
    polarity: str
    curie: str | None
    name: str | None


class PaperOut(BaseModel):
    """A paper with its text, its mentions and its evidence."""

    pmid: str
    title: str
    text: str
    sections: list[tuple[str | None, int, int]]
    journal: str | None
    pub_date: str | None
    doi: str | None
    pmcid: str | None
    status: str
    notices: list[tuple[str, str]]
    authors: list[str]
    publication_types: list[str]
    mesh: list[str]
    trials: list[str]
    source: str
    fetched_at: str
    first_run: int | None
    last_run: int | None
    mentions: list[MentionOut]
    rows: list[Row]
    curations: list[CurationOut]


class EntityName(BaseModel):
    """A thing that evidence names."""

    kind: str
    name: str
    evidence: int


class EntityOut(BaseModel):
    """What the evidence on one thing comes to."""

    kind: str
    name: str
    papers: int
    total: int
    rows: list[Row]
    facets: dict[str, list[Count]]


class RunOut(BaseModel):
    """A run."""

    id: int
    topic: str
    kind: str
    started: str
    finished: str | None
    outcome: str | None
    counts: dict[str, Any]
    versions: dict[str, str]
    watermark_before: str | None
    watermark_after: str | None
    changes: dict[str, int]
    set_aside: int


class Aside(BaseModel):
    """A record that could not be read, and why."""

    source: str
    identifier: str
    reason: str


class RunDetail(BaseModel):
    """A run with a page of what it changed."""

    run: RunOut
    total: int
    page: int
    changes: list[ChangeOut]
    set_aside: list[Aside]


class DiffRow(BaseModel):
    """A row that is new, changed or gone since a run."""

    change: str
    cause: str
    statement: str
    pmid: str
    key: str
    run_id: int
    finished: str


class DiffOut(BaseModel):
    """What became different after a run."""

    since: int
    until: int
    updated: str
    total: int
    page: int
    rows: list[DiffRow]


class StatusOut(BaseModel):
    """What is held and how current it is."""

    topic: str
    topics: list[str]
    complete: str | None
    age_hours: float | None
    stale: bool
    waiting: int
    last_run: int | None
    last_outcome: str | None
    counts: dict[str, int]
    read_only: bool


class Session(BaseModel):
    """What a program needs in order to write: the token belongs to the cookie that comes with it."""

    read_only: bool
    curator: str
    token: str | None


class CurationIn(Strict):
    """A decision on one paper's evidence (``key`` as the miner read it); ``undoes`` for an undo alone."""

    curator: Annotated[str, Field(min_length=1, max_length=80)]
    action: Literal["accept", "reject", "edit", "add", "comment", "undo"]
    key: Annotated[str, Field(max_length=MAX_VALUE)] = ""
    source: Annotated[str, Field(max_length=MAX_VALUE)] = ""
    changes: dict[str, Any] = {}
    comment: Annotated[str, Field(max_length=4000)] = ""
    undoes: Annotated[int, Field(ge=1, le=2**53)] | None = None


class Kept(BaseModel):
    """The number under which a curation was kept."""

    id: int


class SummaryLine(BaseModel):
    """A line of the summary; ``keys`` are those of the rows that it follows from."""

    id: str
    title: str
    proposition: str
    verdict: str
    headline: str
    findings: list[dict[str, Any]]
    tally: dict[str, Any]
    papers: list[str]
    keys: list[str]
    quotes: list[dict[str, Any]]
    unsound: list[str]


class SummaryOut(BaseModel):
    """The summary of a topic."""

    topic: str
    title: str
    rows: list[SummaryLine]


class PicturesOut(BaseModel):
    """What the pictures of a topic show, as data."""

    topic: str
    response_rates: list[dict[str, Any]]
    partners: list[dict[str, Any]]
    resistance: list[dict[str, Any]]
    years: list[dict[str, Any]]
