"""Where records come from: PubMed XML, nbib and JSONL files, and PubMed's E-utilities."""

from miner.sources.files import file_digest, read_records, source_files
from miner.sources.items import Deleted, OnReject, Reject, Tally

__all__ = ["Deleted", "OnReject", "Reject", "Tally", "file_digest", "read_records", "source_files"]
