"""The schema of the evidence database, version 4; ``store_migrate`` is the way there from earlier ones.

A table row is a query over evidence and is never stored. Evidence stands as the curators left it: ``key`` is the
proposition that the miner read, ``proposition`` the one that now holds, ``machine`` what the miner had read where a curator
changed it. Curations are keyed by (key, source) without a foreign key, so that they outlive re-mining.
"""

PASSED_OVER = """
CREATE TABLE passed_over (              -- what a live search named and did not matter to the topic: other rules may think otherwise
    topic TEXT NOT NULL,
    pmid TEXT NOT NULL,
    source_version TEXT NOT NULL,       -- rules, lexicons and topic that it was read by
    sha256 TEXT NOT NULL,
    version INTEGER NOT NULL,
    revised TEXT NOT NULL,
    run_id INTEGER REFERENCES runs(id),
    record BLOB NOT NULL,
    PRIMARY KEY (topic, pmid)
) STRICT;
"""

EVIDENCE = """
CREATE TABLE evidence (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL,
    pmid TEXT NOT NULL REFERENCES records(pmid),
    proposition TEXT NOT NULL,
    claim_type TEXT NOT NULL,
    type_rank INTEGER NOT NULL,
    evidence_type TEXT NOT NULL,
    molecular_profile TEXT NOT NULL,
    genes TEXT NOT NULL,
    disease TEXT,
    disease_key TEXT NOT NULL,
    therapies TEXT NOT NULL,
    therapy_interaction_type TEXT,
    significance TEXT NOT NULL,
    direction TEXT NOT NULL,
    polarity TEXT NOT NULL,
    level TEXT NOT NULL,
    study_type TEXT NOT NULL,
    statement TEXT NOT NULL,
    source TEXT NOT NULL,
    status TEXT NOT NULL,               -- submitted, accepted, rejected
    figures TEXT NOT NULL,
    warnings TEXT NOT NULL,
    n_patients INTEGER,
    background INTEGER NOT NULL,
    sentence TEXT NOT NULL,
    year INTEGER,
    weight REAL NOT NULL,               -- what the paper adds to the support of its row
    rule TEXT NOT NULL,                 -- of the best claim; curator where a curator added the row
    machine TEXT,                       -- the miner's own columns, where a curator decided
    UNIQUE (key, pmid)
) STRICT;

CREATE INDEX evidence_order
    ON evidence (type_rank, molecular_profile, therapies, disease_key, significance, direction, proposition, pmid,
                 weight, year, n_patients, status);
CREATE INDEX evidence_pmid ON evidence (pmid);
CREATE INDEX evidence_proposition ON evidence (proposition);

CREATE TABLE evidence_claims (
    evidence INTEGER NOT NULL REFERENCES evidence(id) ON DELETE CASCADE,
    rank INTEGER NOT NULL,
    pmid TEXT NOT NULL,
    claim_seq INTEGER NOT NULL,
    PRIMARY KEY (evidence, rank),
    FOREIGN KEY (pmid, claim_seq) REFERENCES claims(pmid, seq)
) STRICT, WITHOUT ROWID;

CREATE INDEX evidence_claims_claim ON evidence_claims (pmid, claim_seq);

CREATE TABLE facets (                   -- what evidence can be filtered by: gene, fusion, variant, drug, disease, level ...
    id INTEGER PRIMARY KEY,             -- tells the kind too, see store_insert.facet_range
    kind TEXT NOT NULL,
    value TEXT NOT NULL,                -- folded
    name TEXT NOT NULL,                 -- as it is shown
    UNIQUE (kind, value)
) STRICT;

CREATE TABLE evidence_facets (
    facet INTEGER NOT NULL REFERENCES facets(id),
    evidence INTEGER NOT NULL REFERENCES evidence(id) ON DELETE CASCADE,
    PRIMARY KEY (facet, evidence)
) STRICT, WITHOUT ROWID;

CREATE INDEX evidence_facets_row ON evidence_facets (evidence, facet);
"""

CURATIONS = """
CREATE TABLE curations (                -- only ever appended to
    id INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    curator TEXT NOT NULL,
    action TEXT NOT NULL,
    key TEXT NOT NULL,
    source TEXT NOT NULL,
    changes TEXT NOT NULL,
    comment TEXT NOT NULL,
    undoes INTEGER REFERENCES curations(id),
    seen TEXT NOT NULL
) STRICT;

CREATE INDEX curations_row ON curations (source, key);
CREATE TRIGGER curations_are_not_changed BEFORE UPDATE ON curations
    BEGIN SELECT raise(ABORT, 'curations are only appended to'); END;
CREATE TRIGGER curations_are_not_deleted BEFORE DELETE ON curations
    BEGIN SELECT raise(ABORT, 'curations are only appended to'); END;

CREATE TABLE record_trials (            -- registered numbers and names of trials that a record gives
    pmid TEXT NOT NULL REFERENCES records(pmid),
    trial TEXT NOT NULL,
    PRIMARY KEY (pmid, trial)
) STRICT, WITHOUT ROWID;

CREATE INDEX record_trials_trial ON record_trials (trial);
"""

# The index holds no text of its own: the view gives it, and the triggers keep the two together in one transaction. A trigger
# takes the old words out while the view still shows them.
_INSERT = "INSERT INTO evidence_text (rowid, title, statement, sentence, names) SELECT * FROM evidence_words WHERE id = new.id;"
_REMOVE = """INSERT INTO evidence_text (evidence_text, rowid, title, statement, sentence, names)
        SELECT 'delete', id, title, statement, sentence, names FROM evidence_words WHERE id = old.id;"""

WORDS = f"""
CREATE VIEW evidence_words AS
    SELECT e.id, r.title, e.statement, e.sentence,
           e.molecular_profile || ' ' || e.genes || ' ' || e.therapies || ' ' || coalesce(e.disease, '') || ' '
           || replace(e.claim_type, '_', ' ') AS names
    FROM evidence e JOIN records r ON r.pmid = e.pmid;

CREATE VIRTUAL TABLE evidence_text USING fts5(
    title, statement, sentence, names, content = 'evidence_words', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2'
);

CREATE TRIGGER evidence_words_added AFTER INSERT ON evidence BEGIN {_INSERT} END;
CREATE TRIGGER evidence_words_removed BEFORE DELETE ON evidence BEGIN {_REMOVE} END;
CREATE TRIGGER evidence_words_leave BEFORE UPDATE ON evidence BEGIN {_REMOVE} END;
CREATE TRIGGER evidence_words_enter AFTER UPDATE ON evidence BEGIN {_INSERT} END;
"""

# Triggers tell what readers that hold the table in memory must read again. The last entry is never taken away, so that the
# numbers only grow.
TOUCHED = """
CREATE TABLE touched (                  -- evidence that was added, changed or taken away, in the order of it
    seq INTEGER PRIMARY KEY,
    evidence INTEGER NOT NULL
) STRICT;

CREATE TRIGGER evidence_touched_added AFTER INSERT ON evidence BEGIN INSERT INTO touched (evidence) VALUES (new.id); END;
CREATE TRIGGER evidence_touched_removed AFTER DELETE ON evidence BEGIN INSERT INTO touched (evidence) VALUES (old.id); END;
CREATE TRIGGER evidence_touched_changed AFTER UPDATE ON evidence BEGIN INSERT INTO touched (evidence) VALUES (new.id); END;
CREATE TRIGGER topic_touched_added AFTER INSERT ON record_topics BEGIN
    INSERT INTO touched (evidence) SELECT id FROM evidence WHERE pmid = new.pmid; END;
CREATE TRIGGER topic_touched_removed AFTER DELETE ON record_topics BEGIN
    INSERT INTO touched (evidence) SELECT id FROM evidence WHERE pmid = old.pmid; END;

CREATE INDEX evidence_background ON evidence (background) WHERE background = 1;
"""

SCHEMA = (
    PASSED_OVER
    + """
CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    topic TEXT NOT NULL,
    kind TEXT NOT NULL,
    query TEXT,
    versions TEXT NOT NULL,
    started TEXT NOT NULL,
    finished TEXT,
    outcome TEXT,
    counts TEXT NOT NULL DEFAULT '{}',
    watermark_before TEXT,
    watermark_after TEXT
) STRICT;

CREATE TABLE records (
    pmid TEXT PRIMARY KEY,             -- the record's own id where it has no PMID
    sha256 TEXT NOT NULL,
    mining_version TEXT NOT NULL,
    content TEXT NOT NULL,             -- digest of what was mined
    id TEXT NOT NULL,
    has_pmid INTEGER NOT NULL,
    title TEXT NOT NULL,
    sections TEXT NOT NULL,
    text TEXT NOT NULL,
    doi TEXT, pmcid TEXT, journal TEXT, pub_date TEXT,
    year INTEGER,
    publication_types TEXT NOT NULL,
    mesh TEXT NOT NULL,
    keywords TEXT NOT NULL,
    authors TEXT NOT NULL,
    nct_ids TEXT NOT NULL,
    language TEXT,
    status TEXT NOT NULL,
    notices TEXT NOT NULL,
    other_abstracts TEXT NOT NULL,
    copyright TEXT,
    version INTEGER NOT NULL,
    revised TEXT,
    source TEXT NOT NULL,
    fetched_at TEXT NOT NULL,
    study_type TEXT NOT NULL,
    evidence_level TEXT NOT NULL,
    first_run INTEGER REFERENCES runs(id),
    last_run INTEGER REFERENCES runs(id)
) STRICT;

CREATE TABLE record_topics (
    topic TEXT NOT NULL,
    pmid TEXT NOT NULL REFERENCES records(pmid),
    run_id INTEGER REFERENCES runs(id),
    PRIMARY KEY (topic, pmid)
) STRICT, WITHOUT ROWID;

CREATE TABLE record_versions (          -- what a record was before it changed
    pmid TEXT NOT NULL REFERENCES records(pmid),
    seq INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    title TEXT NOT NULL,
    sections TEXT NOT NULL,
    text TEXT NOT NULL,
    status TEXT NOT NULL,
    notices TEXT NOT NULL,
    version INTEGER NOT NULL,
    revised TEXT,
    source TEXT NOT NULL,
    fetched_at TEXT NOT NULL,
    replaced_by_run INTEGER REFERENCES runs(id),
    reason TEXT NOT NULL,
    PRIMARY KEY (pmid, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE notices (
    pmid TEXT NOT NULL REFERENCES records(pmid),
    seq INTEGER NOT NULL,
    kind TEXT NOT NULL,
    reference TEXT NOT NULL,
    PRIMARY KEY (pmid, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE mentions (
    pmid TEXT NOT NULL REFERENCES records(pmid),
    seq INTEGER NOT NULL,
    start INTEGER NOT NULL,
    end INTEGER NOT NULL,
    text TEXT NOT NULL,
    label TEXT NOT NULL,
    curie TEXT,
    name TEXT,
    polarity TEXT NOT NULL,
    referent TEXT,
    PRIMARY KEY (pmid, seq)
) STRICT, WITHOUT ROWID;

CREATE INDEX mentions_fusion ON mentions (pmid) WHERE label = 'FUSION';

CREATE TABLE claims (
    pmid TEXT NOT NULL REFERENCES records(pmid),
    seq INTEGER NOT NULL,
    type TEXT NOT NULL,
    start INTEGER NOT NULL,
    end INTEGER NOT NULL,
    sentence TEXT NOT NULL,
    spans TEXT NOT NULL,                -- [[start, end, text], ...] of every sentence used
    rule TEXT NOT NULL,
    genes TEXT NOT NULL,
    fusion TEXT, variant TEXT, alteration TEXT,
    therapies TEXT NOT NULL,
    disease_curie TEXT, disease TEXT,
    significance TEXT,
    direction TEXT NOT NULL,
    polarity TEXT NOT NULL,
    population_n INTEGER,
    figures TEXT NOT NULL,
    background INTEGER NOT NULL,
    confidence REAL NOT NULL,
    warnings TEXT NOT NULL,
    PRIMARY KEY (pmid, seq)
) STRICT, WITHOUT ROWID;

"""
    + EVIDENCE
    + CURATIONS
    + WORDS
    + TOUCHED
    + """
CREATE TABLE evidence_changes (         -- what a run did to the table, and why
    run_id INTEGER NOT NULL REFERENCES runs(id),
    pmid TEXT NOT NULL,
    key TEXT NOT NULL,
    change TEXT NOT NULL,               -- new, changed, gone
    cause TEXT NOT NULL,                -- new paper, revised abstract, retraction ..., rules, or a reason given
    statement TEXT NOT NULL,
    PRIMARY KEY (run_id, pmid, key, change)
) STRICT, WITHOUT ROWID;

CREATE TABLE set_aside (
    run_id INTEGER NOT NULL REFERENCES runs(id),
    seq INTEGER NOT NULL,
    source TEXT NOT NULL,
    identifier TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (run_id, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE sources_seen (
    topic TEXT NOT NULL,
    digest TEXT NOT NULL,
    name TEXT NOT NULL,
    mining_version TEXT NOT NULL,
    run_id INTEGER REFERENCES runs(id),
    PRIMARY KEY (topic, digest, mining_version)
) STRICT, WITHOUT ROWID;

CREATE TABLE watermarks (
    topic TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
"""
)
