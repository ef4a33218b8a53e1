"""The scheduled job: bring the evidence base up to date from PubMed or from files, wholly or not at all."""

from miner.refresh.job import refresh
from miner.refresh.logs import JsonFormatter
from miner.refresh.report import RunReport

__all__ = ["JsonFormatter", "RunReport", "refresh"]
