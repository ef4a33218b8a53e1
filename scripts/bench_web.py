"""Ask the browser's table from many readers at once while a job and a curator write; time it and count what was lost.

    python scripts/bench_web.py [--rows N] [--readers N] [--seconds S] [--think S] [--db FILE]

The rows are those of ``bench_store.py``. The server is ``miner serve`` in a process of its own, the job another that saves
papers run by run, each run one transaction; one curator posts decisions over HTTP. A reader asks for the table under three
facets, no two questions alike, reads the answer, thinks, and asks again; without ``--think`` at once. Latencies are
wall-clock milliseconds at the reader, the server's CPU is of the time of the readers. Exit code 1 where a request failed, a write
was lost or a reach was missed.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import bench_store

from miner.evidence.merge import merge
from miner.evidence.store import Store

REACH_MS, REACH_BYTES = 150.0, 100_000
BATCH, PAUSE, DECIDES = 20, 0.5, 1.0
FIRST_NEW = 5_000_000


@dataclass
class Told:
    """What the readers and the curator saw."""

    milliseconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    decisions: list[int] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


def build(path: Path, rows: int) -> None:
    """Fill a database with invented papers."""
    pick = random.Random(7)
    with Store.open(path) as store:
        run = store.begin_run(topic="bench", kind="files", query=None, versions={"rules": "bench"}, started="2026-01-01T00:00:00Z")
        with store.transaction():
            for number in range(rows // bench_store.CLAIMS_A_PAPER):
                mined = bench_store.paper(number, pick)
                store.save(mined, merge(mined), run_id=run, mining_version="bench", topic="ntrk-nsclc")
        store.finish_run(run, outcome="done", counts={}, finished="2026-01-01T01:00:00Z")


def work(path: Path, seconds: float) -> None:
    """Save papers run by run, as the job does, and print how many pieces of evidence were stored."""
    pick, saved, papers = random.Random(11), 0, 0
    until = time.monotonic() + seconds
    with Store.open(path) as store:
        number = FIRST_NEW + 10_000 * store.counts()["runs"]
        while time.monotonic() < until:
            run = store.begin_run(topic="bench", kind="files", query=None, versions={"rules": "bench"}, started="2026-02-01T00:00:00Z")
            with store.transaction():
                for _ in range(BATCH):
                    mined = bench_store.paper(number, pick)
                    evidence = merge(mined)
                    store.save(mined, evidence, run_id=run, mining_version="bench", topic="ntrk-nsclc")
                    saved, papers, number = saved + len(evidence), papers + 1, number + 1
            store.finish_run(run, outcome="done", counts={}, finished="2026-02-01T01:00:00Z")
            time.sleep(PAUSE)
    print(json.dumps({"papers": papers, "evidence": saved}))


def questions(seed: int):  # type: ignore[no-untyped-def]
    """Yield addresses of the table under three facets each."""
    pick = random.Random(seed)
    while True:
        facets = {
            "gene": bench_store.uneven(bench_store.GENES, pick),
            "drug": bench_store.uneven(bench_store.DRUGS, pick),
            "disease": bench_store.uneven(bench_store.TUMOURS, pick).name,
            "claim_type": str(pick.choice(bench_store.TYPES)),
            "level": pick.choice("ABCDE"),
            "direction": pick.choice(["supports", "does_not_support"]),
            "study_type": str(pick.choice(bench_store.STUDIES)),
            "year": str(pick.randrange(2005, 2025)),
        }
        chosen = pick.sample(sorted(facets), 3)
        yield "/table?" + urlencode(
            {**{name: facets[name] for name in chosen}, "sort": pick.choice(["support", "papers", "year", "order"])}
        )


def read(port: int, seed: int, until: float, think: float, told: Told) -> None:
    """Be one reader."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for address in questions(seed):
        if time.monotonic() > until:
            return
        begun = time.perf_counter()
        try:
            connection.request("GET", address)
            answer = connection.getresponse()
            body = answer.read()
            told_why = re.search(rb'<p class="lead">(.*?)</p>', body)
            whole = answer.status == 200 and body.endswith(b"</html>")
            fault = "" if whole else f"{answer.status} {address} {told_why[1].decode() if told_why else ''}"
        except OSError as error:
            connection.close()
            fault = f"{error!r} {address}"
        spent = 1000 * (time.perf_counter() - begun)
        with told.lock:
            told.milliseconds.append(spent)
            told.failures += [fault] if fault else []
        time.sleep(think)


def curate(port: int, rows: list[tuple[str, str]], until: float, told: Told) -> None:
    """Be the curator: accept one row after the other."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/api/session")
    answer = connection.getresponse()
    token, cookie = json.loads(answer.read())["token"], (answer.headers["Set-Cookie"] or "").partition(";")[0]
    headers = {"X-Miner-Token": token, "Cookie": cookie, "Content-Type": "application/json"}
    for key, source in rows:
        if time.monotonic() > until:
            return
        connection.request(
            "POST", "/api/curations", json.dumps({"curator": "bench", "action": "accept", "key": key, "source": source}), headers
        )
        answer = connection.getresponse()
        body = json.loads(answer.read())
        with told.lock:
            told.decisions += [body["id"]] if answer.status == 201 else []
            told.failures += [] if answer.status == 201 else [f"{answer.status} curation {body}"]
        time.sleep(DECIDES)


def serve(path: Path) -> tuple[subprocess.Popen[str], int]:
    """Start the server and return it with its port."""
    command = [sys.executable, "-m", "miner", "serve", "--db", str(path), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    found = re.search(r":(\d+)/", process.stdout.readline())
    assert found is not None
    return process, int(found[1])


def first_page(port: int) -> dict[str, int]:
    """Return the bytes of the first page and of what it loads."""
    sizes = {}
    page = fetch(port, "/")
    for address in ["/", *re.findall(r'(?:href|src)="(/static/[^"]+)"', page.decode())]:
        sizes[address.partition("?")[0]] = len(fetch(port, address))
    return sizes


def cpu_seconds(process: int) -> float:
    """Return the seconds of CPU that a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def fetch(port: int, address: str) -> bytes:
    """Return a page."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    connection.request("GET", address)
    return connection.getresponse().read()


def measure(path: Path, readers: int, seconds: float, think: float) -> int:
    """Run everything at once and print the figures; return the exit code."""
    with Store.open(path) as store:
        before = store.counts()
        rows = [(paper.key, paper.pmid) for paper, _ in zip(store.evidence(), range(5_000), strict=False)]
    process, port = serve(path)
    try:
        waits = []
        for address in ("/table", "/"):
            begun = time.monotonic(), cpu_seconds(process.pid)
            fetch(port, address)
            waits.append(f"{address} {time.monotonic() - begun[0]:.1f} s (cpu {cpu_seconds(process.pid) - begun[1]:.1f} s)")
        print("first openings: " + ", ".join(waits))
        sizes = first_page(port)
        told = Told()
        job = subprocess.Popen([sys.executable, __file__, "--work", str(seconds), "--db", str(path)], stdout=subprocess.PIPE, text=True)
        time.sleep(1.0)
        idle = cpu_seconds(process.pid)
        until = time.monotonic() + seconds
        threads = [threading.Thread(target=read, args=(port, seed, until, think, told)) for seed in range(readers)]
        threads.append(threading.Thread(target=curate, args=(port, rows, until, told)))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        spent = cpu_seconds(process.pid) - idle
        worked = json.loads(job.communicate()[0])
    finally:
        process.terminate()
        _, _, used = os.wait4(process.pid, 0)
        process.returncode = 0
    a_request = f"{1000 * spent / len(told.milliseconds):.1f} ms of CPU a request"
    print(f"server: {a_request}, {used.ru_maxrss / 1024:.0f} MB; load of the machine {os.getloadavg()[0]:.1f}")
    return report(path, told, before, worked, sizes, seconds)


def report(path: Path, told: Told, before: dict[str, int], worked: dict[str, int], sizes: dict[str, int], seconds: float) -> int:
    """Print the figures and return 1 where something was lost or missed."""
    with Store.open(path, readonly=True) as store:
        after = store.counts()
        kept = {item.id for item in store.curations()}
    lost = after["evidence"] - before["evidence"] != worked["evidence"] or after["records"] - before["records"] != worked["papers"]
    lost = lost or not set(told.decisions) <= kept
    cuts = statistics.quantiles(told.milliseconds, n=100)
    total = sum(sizes.values())
    print(
        f"rows {before['evidence']:,} · requests {len(told.milliseconds):,} in {seconds:g} s, "
        f"{len(told.milliseconds) / seconds:.0f} a second"
    )
    print(
        f"table with three facets: p50 {cuts[49]:.0f} · p95 {cuts[94]:.0f} · p99 {cuts[98]:.0f} · "
        f"most {max(told.milliseconds):.0f} ms (reach {REACH_MS:g})"
    )
    print(f"failed requests {len(told.failures)}" + "".join(f"\n  {fault}" for fault in told.failures[:5]))
    print(
        f"job: {worked['papers']} papers, {worked['evidence']} pieces of evidence · curator: {len(told.decisions)} decisions · "
        f"lost: {'yes' if lost else 'none'}"
    )
    print(f"first page {total:,} bytes (reach {REACH_BYTES:,}): " + ", ".join(f"{name} {size:,}" for name, size in sizes.items()))
    return int(bool(told.failures) or lost or cuts[94] > REACH_MS or total > REACH_BYTES)


def main() -> int:
    """Build what is not there, then measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--readers", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--think", type=float, default=0.0)
    parser.add_argument("--db", type=Path)
    parser.add_argument("--work", type=float, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.work:
        work(given.db, given.work)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        path = given.db or Path(folder) / "bench.db"
        if not path.exists():
            begun = time.monotonic()
            build(path, given.rows)
            print(f"built in {time.monotonic() - begun:.0f} s")
        return measure(path, given.readers, given.seconds, given.think)


if __name__ == "__main__":
    sys.exit(main())
