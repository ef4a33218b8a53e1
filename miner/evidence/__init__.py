"""How claims become rows: merging, the database, the table, the summary, exports and the report."""

from miner.evidence import kinds

kinds.learn()
