"""The client of NCBI's E-utilities: search without a lost PMID, fetch without a lost record.

Every request is a POST (the API key stands in no URL), waits for a slot shared by all processes of the machine, and is
tried again until its answer proves whole or the deadline passes.
"""

from __future__ import annotations

import datetime
import gzip
import hashlib
import io
import logging
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeVar

import requests
from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_random_exponential

from miner.config import Settings
from miner.errors import ConfigError, InputError, UpstreamError
from miner.sources import medline
from miner.sources.eutils_answers import Incomplete, SearchAnswer, check_fetch, date_of, read_search
from miner.sources.eutils_transport import Answer, Transient, Transport
from miner.sources.politeness import WINDOW, Politeness

log = logging.getLogger(__name__)
T = TypeVar("T")

PAGE = 9_999
LAST_UID = 2**30 - 1
RATE, RATE_WITH_KEY = 3, 10
MISSING_TRIES = 3
EXISTING_AT_ONCE = 200
WALKS = 3


@dataclass
class Traffic:
    """What a client has done: requests sent, how many of them were second tries, bytes of answers."""

    requests: int = 0
    retries: int = 0
    bytes: int = 0


class Eutils:
    """ESearch and EFetch on PubMed.

    Parameters
    ----------
    settings
        ``email`` is required by NCBI; ``api_key`` raises the rate from 3 to 10 requests a second; ``deadline`` bounds
        one request with its retries, ``timeout`` one attempt, ``batch_size`` the records of one EFetch.
    first_wait, longest_wait
        Bounds of the pauses between attempts, in seconds; they double from the one to the other, with jitter.
    window
        Seconds within which no more requests are sent than NCBI allows.

    ``server_date`` is what the clock of the server said in its last answer, or None.

    Raises
    ------
    ConfigError
        Without an email, for an API key that NCBI refuses and for a query that PubMed did not take as it stands.
    UpstreamError
        From every method, when no whole answer came before the deadline.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        session: requests.Session | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        first_wait: float = 1.0,
        longest_wait: float = 60.0,
        window: float = WINDOW,
    ) -> None:
        if not settings.email:
            raise ConfigError("NCBI asks for an address: give --email you@lab.org, NCBI_EMAIL, or email in miner.toml")
        self.settings = settings
        self.traffic = Traffic()
        self.server_date: datetime.datetime | None = None
        self._transport = Transport(session)
        self._clock = clock
        self._sleep = sleep
        self._pause: Callable[[RetryCallState], float] = wait_random_exponential(multiplier=first_wait, max=longest_wait)
        caller = hashlib.sha256((settings.api_key or "").encode()).hexdigest()[:12] if settings.api_key else "address"
        limit = RATE_WITH_KEY if settings.api_key else RATE
        self._politeness = Politeness(settings.cache_dir / f"eutils-{caller}.slots", limit, window=window, clock=clock, sleep=sleep)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections that were kept open for another request."""
        self._transport.close()

    def count(self, query: str) -> int:
        """Return how many records match."""
        return self._page(query, 0).count

    def search(
        self, query: str, *, mindate: datetime.date | None = None, maxdate: datetime.date | None = None, datetype: str = "crdt"
    ) -> list[str]:
        """Return the PMIDs of all records that match, in growing order, however many they are.

        ``mindate`` and ``maxdate`` (both included) limit by ``datetype``: ``crdt`` is the day a record was added,
        ``mdat`` the day it was last changed.
        """
        term = dated(query, mindate, maxdate, datetype)
        for _ in range(WALKS):
            first = self._page(term, PAGE)
            if first.count <= PAGE:
                return sorted(first.pmids, key=int)
            pmids = list(self._walk(term, 1, LAST_UID))
            if len(pmids) in (first.count, self.count(term)):
                return sorted(pmids, key=int)
            log.warning("the count moved during the search: %d before, %d found; searching again", first.count, len(pmids))
        raise UpstreamError(f"PubMed's count did not hold still through {WALKS} searches; try again later")

    def existing(self, pmids: Sequence[str]) -> set[str]:
        """Return those of the PMIDs that PubMed knows at all."""
        found: set[str] = set()
        for start in range(0, len(pmids), EXISTING_AT_ONCE):
            ranges = " OR ".join(f"{pmid}:{pmid}[UID]" for pmid in pmids[start : start + EXISTING_AT_ONCE])
            found |= set(self._page(f"({ranges})", PAGE, ranges_only=True).pmids)
        return found.intersection(pmids)

    def fetch(self, pmids: Sequence[str], *, on_missing: Callable[[str], None] | None = None) -> Iterator[bytes]:
        """Yield XML documents that together hold exactly the records asked for.

        A record that stays missing goes to ``on_missing``; without that it is an UpstreamError.
        """
        wanted = list(dict.fromkeys(pmids))
        for start in range(0, len(wanted), self.settings.batch_size):
            yield self.fetch_batch(wanted[start : start + self.settings.batch_size], on_missing)

    def fetch_batch(self, pmids: list[str], on_missing: Callable[[str], None] | None = None) -> bytes:
        """Return one XML document that holds exactly these records, asked for at once."""
        before: list[tuple[str, ...]] = []

        def check(answer: Answer) -> bytes:
            try:
                return check_fetch(answer, pmids)
            except Incomplete as error:
                before.append(error.missing)
                if before[-MISSING_TRIES:] != [error.missing] * MISSING_TRIES:
                    raise
                return _without(error, on_missing)

        return self._ask("efetch.fcgi", {"id": ",".join(pmids), "retmode": "xml"}, check, f"EFetch of PMID {pmids[0]} to {pmids[-1]}")

    def _page(self, term: str, retmax: int, *, ranges_only: bool = False) -> SearchAnswer:
        form = {"term": term, "retmode": "json", "retmax": str(retmax), "retstart": "0"}
        return self._ask("esearch.fcgi", form, lambda answer: read_search(answer, retmax=retmax, ranges_only=ranges_only), "ESearch")

    def _walk(self, term: str, low: int, high: int) -> Iterator[str]:
        """Yield the PMIDs from low to high, halving the range until each part fits in one answer."""
        page = self._page(f"({term}) AND {low}:{high}[UID]", PAGE)
        if page.count > PAGE:
            middle = (low + high) // 2
            yield from self._walk(term, low, middle)
            yield from self._walk(term, middle + 1, high)
            return
        outside = [pmid for pmid in page.pmids if not low <= int(pmid) <= high]
        if outside:
            raise UpstreamError(f"PubMed gave PMID {outside[0]} when asked for {low} to {high}: it does not keep to UID ranges")
        yield from page.pmids

    def _ask(self, utility: str, form: dict[str, str], check: Callable[[Answer], T], what: str) -> T:
        """Post until ``check`` takes the answer; raise UpstreamError at the deadline."""
        started = self._clock()

        def left() -> float:
            return started + self.settings.deadline - self._clock()

        def attempt() -> T:
            return check(self._post(utility, form, left))

        retrying = Retrying(
            retry=retry_if_exception_type(Transient),
            wait=self._wait,
            stop=lambda state: state.upcoming_sleep >= left(),
            sleep=self._sleep,
            before_sleep=lambda state: self._tell(what, state),
            reraise=True,
        )
        try:
            return retrying(attempt)
        except Transient as error:
            tried = f"{retrying.statistics.get('attempt_number', 1)} tries in {self._clock() - started:.0f} s"
            raise UpstreamError(f"{what}: {self._redacted(str(error))} ({tried}); try again later") from None

    def _post(self, utility: str, form: dict[str, str], left: Callable[[], float]) -> Answer:
        settings = self.settings
        full = {"db": "pubmed", "tool": settings.tool, "email": settings.email or "", **form}
        if settings.api_key:
            full["api_key"] = settings.api_key
        with ExitStack() as held:
            try:
                held.enter_context(self._politeness.slot(max(left(), 0.0)))
            except TimeoutError as error:
                raise Transient(str(error)) from None
            self.traffic.requests += 1
            timeout = min(settings.timeout, max(left(), 0.01))
            answer = self._transport.post(settings.base_url + utility, full, timeout=timeout, on_headers=held.close)
        self.traffic.bytes += len(answer.body)
        self.server_date = date_of(answer) or self.server_date
        return answer

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.retry_after if isinstance(error, Transient) and error.retry_after is not None else 0.0
        return max(asked, float(self._pause(state)))

    def _tell(self, what: str, state: RetryCallState) -> None:
        self.traffic.retries += 1
        self._transport.close()  # what came wrong may have left its rest in a connection kept open
        error = state.outcome.exception() if state.outcome else None
        log.warning("%s: %s; trying again in %.1f s", what, self._redacted(str(error)), state.upcoming_sleep)

    def _redacted(self, text: str) -> str:
        return text.replace(self.settings.api_key, "***") if self.settings.api_key else text


def fetch_to_file(
    settings: Settings,
    query: str,
    pmids: Sequence[str],
    output: Path,
    *,
    limit: int | None = None,
    on_progress: Callable[[str, int, int | None], None] = lambda what, done, total: None,
    client: Eutils | None = None,
) -> int:
    """Fetch records (those of the query where no PMIDs are named) into one PubmedArticleSet; return how many.

    The file, gzipped where its name ends so, appears whole or not at all.
    """
    for pmid in pmids:
        if not re.fullmatch(r"[1-9]\d{0,9}", pmid):
            raise ConfigError(f"{pmid!r} is no PMID; one is a number such as 35372074")
    with client or Eutils(settings) as asked:
        return _fetch_to_file(asked, query, pmids, output, limit, on_progress)


def _fetch_to_file(
    client: Eutils, query: str, pmids: Sequence[str], output: Path, limit: int | None, on_progress: Callable[[str, int, int | None], None]
) -> int:
    wanted = list(dict.fromkeys(pmids or client.search(query)))[:limit]
    part = output.with_name(output.name + ".part")
    count = 0
    try:
        with gzip.open(part, "wb") if output.suffix == ".gz" else part.open("wb") as handle:
            handle.write(b'<?xml version="1.0" encoding="utf-8"?>\n<PubmedArticleSet>\n')
            for body in client.fetch(wanted):
                for _, xml in medline.split(io.BytesIO(body), "EFetch"):
                    handle.write(xml + b"\n")
                    count += 1
                on_progress("fetching", count, len(wanted))
            handle.write(b"</PubmedArticleSet>\n")
        part.replace(output)
    except OSError as error:
        raise InputError(f"cannot write {output}: {error.strerror or error}; name another file with -o") from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    return count


def _without(error: Incomplete, on_missing: Callable[[str], None] | None) -> bytes:
    if on_missing is None:
        raise UpstreamError(f"EFetch, in {MISSING_TRIES} tries: {error}")
    for pmid in error.missing:
        on_missing(pmid)
    return error.body


def dated(query: str, mindate: datetime.date | None, maxdate: datetime.date | None, datetype: str) -> str:
    """Return the query limited to an interval of days, both ends included."""
    if datetype not in {"crdt", "mdat"}:
        raise ValueError(f"datetype must be crdt or mdat, not {datetype!r}")
    if mindate is None and maxdate is None:
        return query
    first, last = mindate or datetime.date(1800, 1, 1), maxdate or datetime.date(3000, 12, 31)
    return f"({query}) AND {first:%Y/%m/%d}:{last:%Y/%m/%d}[{datetype}]"
