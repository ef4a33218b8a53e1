"""What the benchmarks share: candidates, each in a process of its own, that take turns, and the table of their times.

A candidate is an interpreter and two pieces of code: what is loaded first, which is not timed, and the work, which leaves
``count`` behind. The measure of all is ``gzip -dc`` of the same file in the same round; with CPU time beside wall time, a ratio
can be trusted on a machine that others use too.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

GZIP = "gzip -dc"
_TIMED = """
import glob, json, resource, sys, threading, time
started = {{}}
def watch():  # the system's own figure for children counts what they were forked from
    while True:
        for child in "".join(open(f).read() for f in glob.glob("/proc/self/task/*/children")).split():
            try:
                lines = open(f"/proc/{{child}}/status").read().splitlines()
                started[child] = max(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))
            except (OSError, ValueError):
                pass
        time.sleep(0.05)
def used():
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
{setup}
threading.Thread(target=watch, daemon=True).start()
began, cpu = time.perf_counter(), used()
{work}
seconds, cpu = time.perf_counter() - began, used() - cpu
held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1024)
held += max(list(started.values()), default=0)
print(json.dumps([seconds, cpu, count, held]))
"""

Code = tuple[str, str]  # what is loaded, and the work
Candidate = tuple[str, Code]  # interpreter and code


class Run(NamedTuple):
    """One timed run: wall and CPU seconds, records, most memory in MB, that of the process which it started added (on Linux)."""

    seconds: float
    cpu: float
    records: int
    memory: float


def timed(python: str, code: Code, arguments: Sequence[str]) -> Run | None:
    """Run one candidate; None where the interpreter lacks it."""
    script = _TIMED.format(setup=code[0], work=code[1])
    done = subprocess.run([python, "-W", "ignore", "-c", script, *arguments], capture_output=True, text=True)
    if done.returncode and "ModuleNotFoundError" in done.stderr:
        return None
    if done.returncode:
        raise SystemExit(done.stderr)
    return Run(*json.loads(done.stdout.splitlines()[-1]))


def gunzip(path: Path) -> Run:
    """Time ``gzip -dc``, the measure of the others."""
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(["gzip", "-dc", str(path)], stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Run(time.perf_counter() - began, sum(after[:2]) - sum(before[:2]), 0, 0)


def rounds(chosen: Mapping[str, Candidate], arguments: Sequence[str], number: int, base: Path | None) -> dict[str, list[Run]]:
    """Let the candidates take turns; those that are not installed are named and left out."""
    found: dict[str, list[Run]] = {GZIP: []} if base else {}
    for _ in range(number):
        if base:
            found[GZIP].append(gunzip(base))
        for name, (python, code) in chosen.items():
            run = timed(python, code, arguments)
            if run is None:
                print(f"{name}: not installed, left out")
            else:
                found.setdefault(name, []).append(run)
        chosen = {name: candidate for name, candidate in chosen.items() if name in found}
    return found


def together(command: Sequence[str], number: int) -> float:
    """Seconds until a command that runs so many times at once has ended everywhere."""
    began = time.perf_counter()
    running = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for _ in range(number)]
    codes = [process.wait() for process in running]
    if any(codes):
        raise SystemExit(f"{command[0]} failed")
    return time.perf_counter() - began


def ceiling(command: Sequence[str], number: int = 3) -> float:
    """How much two processes that share nothing do in the time of one: what the machine gives at best, and gives just now."""
    one, two = (min(together(command, at_once) for _ in range(number)) for at_once in (1, 2))
    return 2 * one / two


def median(runs: Sequence[Run], of: str = "seconds") -> float:
    """The median of one figure of the runs."""
    return statistics.median(getattr(run, of) for run in runs)


def times(runs: Sequence[Run], base: Sequence[Run], of: str = "seconds") -> float:
    """How many times the base's time of the same round, by the median."""
    return statistics.median(getattr(run, of) / getattr(other, of) for run, other in zip(runs, base, strict=True))


def table(found: Mapping[str, list[Run]]) -> list[str]:
    """Lines: seconds, CPU seconds, records a second, times gzip by wall time and by CPU time, memory."""
    lines = [f"{'':28}{'seconds':>9}{'CPU s':>8}{'records/s':>11}{'x ' + GZIP:>12}{'by CPU':>8}{'MB':>7}"]
    for name, runs in found.items():
        rate = f"{runs[0].records / median(runs):11,.0f}" if runs[0].records else f"{'':11}"
        beside = f"{times(runs, found[GZIP]):12.2f}{times(runs, found[GZIP], 'cpu'):8.2f}" if GZIP in found else f"{'':20}"
        memory = f"{max(run.memory for run in runs):7.0f}" if runs[0].memory else ""
        lines.append(f"{name:28}{median(runs):9.2f}{median(runs, 'cpu'):8.2f}{rate}{beside}{memory}")
    return lines
