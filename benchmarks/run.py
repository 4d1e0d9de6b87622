"""Runs the end-to-end benchmark and writes one JSON file of results. See docs/performance.md.

Usage: run.py --build FOLDER --environments FOLDER --data FOLDER --results FOLDER [--quick]
"""

import argparse
import dataclasses
import hashlib
import json
import os
import platform
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import cleaning
from contest import CONTESTANTS, F_TOLERANCE, GRADIENT_TOLERANCE, Contest, Contestant, Stable, Trial
from peers.work import INIT_RATE, LL_RATE, UL_RATE, Work
from works import ADVANCE, SEED, Files, Plan, plans

REPOSITORY = Path(__file__).resolve().parent.parent
IDLE_SECONDS = 2.0  # the machine is watched for so long before the run
SLOW_SECONDS = 0.7  # an iteration that takes longer is not repeated to choose the number of threads


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=REPOSITORY).stdout.strip()


def processor() -> str:
    """The processor's name."""
    found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found.group(1) if found else platform.machine()


def commit() -> str:
    """The commit's short hash, with `-dirty` where tracked files differ from it; `unknown` outside a repository."""
    try:
        return _output("git", "describe", "--always", "--dirty", "--abbrev=8", "--exclude=*")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    memory = re.search(r"^MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text(), re.MULTILINE)
    return {
        "processor": processor(),
        "processors": len(os.sched_getaffinity(0)),
        "memory_bytes": 1024 * int(memory.group(1)) if memory else 0,
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
    }


def _ticks() -> tuple[int, int]:
    """Ticks that all processors have spent, and those of them without work (Linux's proc_stat(5))."""
    # user, nice, system, idle, iowait, irq, softirq, steal; guests are counted in user and nice
    spent = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return sum(spent), spent[3] + spent[4]


def busy_share() -> float:
    """The share of the processors that other programs use, over some seconds of our own idleness."""
    total, idle = _ticks()
    time.sleep(IDLE_SECONDS)
    later_total, later_idle = _ticks()
    return round(1 - (later_idle - idle) / max(later_total - total, 1), 3)


def reason(error: Exception) -> str:
    """One line that says what went wrong: the last that a program said, where one failed."""
    stderr = getattr(error, "stderr", None)
    said = stderr.strip().splitlines() if isinstance(stderr, str) else []
    return said[-1] if said else f"{type(error).__name__}: {error}".splitlines()[0]


class References:
    """The first UL iteration of each work in float64, kept from run to run."""

    def __init__(self, stable: Stable, folder: Path) -> None:
        self.stable = stable
        self.folder = folder
        jax = Contestant("reference", module="jax_scan", environment="jax", options={"float64": True})
        torch = Contestant("reference", module="torch_higher", environment="torch", options={"float64": True})
        self.contestant = jax if (stable.environments / "jax/complete").exists() else torch

    def _key(self, work: Work) -> str:
        """Changes with anything that the answer depends on."""
        digest = hashlib.sha256(repr((work, LL_RATE, self.contestant.module)).encode())
        for path in [*sorted(Path(work.data).glob("*.npy")), *sorted(Path(work.start).glob("*.npy"))]:
            digest.update(path.read_bytes())
        return digest.hexdigest()[:16]

    def get(self, work: Work) -> dict[str, Any]:
        """kbar, F, gx and gz."""
        path = self.folder / f"{self._key(work)}.npz"
        if not path.exists():
            fold = {"fold": True} if work.activation == "none" and len(work.sizes) > 2 else {}
            contestant = dataclasses.replace(self.contestant, options={**self.contestant.options, **fold})
            entry = self.stable.enter(contestant, work, len(os.sched_getaffinity(0)))
            entry.wait_until_ready()
            check = entry.check()
            entry.leave()
            self.folder.mkdir(parents=True, exist_ok=True)
            np.savez(path, **check)
        with np.load(path) as stored:
            return {name: stored[name] for name in stored.files}


class Settings:
    """The thread settings worth trying: all, or the one that was best on a similar, quicker work."""

    def __init__(self) -> None:
        self.all = sorted({1, len(os.sched_getaffinity(0))})
        self.chosen: dict[tuple[Any, ...], dict[int, tuple[int, float]]] = {}  # by kind of work, then by rows

    def trial(self, contestant: Contestant, plan: Plan) -> Trial:
        """Other K at the same rows: the known setting; other rows: too, where trying all would take long."""
        known = self.chosen.get(self._kind(contestant, plan), {})
        if not known:
            return Trial(self.all)
        rows = min(known, key=lambda rows: abs(rows - plan.rows))
        threads, seconds_per_step = known[rows]
        seconds = seconds_per_step * plan.ll_steps * plan.rows / rows
        return Trial([threads], seconds) if rows == plan.rows or seconds > SLOW_SECONDS else Trial(self.all)

    def learn(self, contestant: Contestant, plan: Plan, result: dict[str, Any]) -> None:
        """Remembers the first choice for a kind of work and its rows."""
        if result["status"] == "ok":
            seconds_per_step = result["seconds"]["median"] / plan.ll_steps
            known = self.chosen.setdefault(self._kind(contestant, plan), {})
            known.setdefault(plan.rows, (result["threads"], seconds_per_step))

    @staticmethod
    def _kind(contestant: Contestant, plan: Plan) -> tuple[Any, ...]:
        return contestant.name, plan.sizes, plan.method, plan.point


def describe(plan: Plan, results: dict[str, dict[str, Any]]) -> str:
    """A few lines for the terminal."""
    lines = []
    ours = next((r["seconds"]["median"] for r in results.values() if r["status"] == "ok"), None)
    for name, result in results.items():
        if result["status"] != "ok":
            lines.append(f"    {name:18} {result['status']}: {result['reason']}")
            continue
        median = result["seconds"]["median"]
        ratio = f"{median / ours:8.1f}x" if ours else ""
        peak = result["peak_bytes"] / 2**20
        lines.append(
            f"    {name:18} {1e3 * median:10.2f} ms {ratio}   {peak:7.0f} MiB   "
            f"{result['threads']} threads, kbar {result['kbar']}, {result['iterations']} iterations"
        )
    return "\n".join([plan.name, *lines])


class Clock:
    """Time gone and time left, by the rough costs of works."""

    def __init__(self, deadline: float, todo: list[Plan]) -> None:
        self.began = time.monotonic()
        self.deadline = deadline
        self.total = sum(plan.cost for plan in todo)
        self.done = 0.0

    def _expected(self, cost: float) -> float:
        """Seconds that works of such a cost take, from those done."""
        return (time.monotonic() - self.began) * cost / self.done if self.done > 0 else 0.0

    def has_time_for(self, plan: Plan) -> bool:
        """Whether a work is expected to end before the deadline."""
        return time.monotonic() + self._expected(plan.cost) <= self.deadline

    def add(self, plan: Plan) -> str:
        """Counts a finished work; says how things stand."""
        self.done += plan.cost
        gone, left = time.monotonic() - self.began, self._expected(self.total - self.done)
        return f"{gone:.0f} s gone, about {left:.0f} s left"


class Race:
    """All works of a run of the benchmark."""

    def __init__(self, arguments: argparse.Namespace, stable: Stable) -> None:
        self.stable = stable
        self.files = Files(arguments.data, arguments.build)
        self.references = References(stable, arguments.data / "references")
        self.settings = Settings()
        self.todo = [plan for plan in plans(arguments.quick) if re.search(arguments.only, plan.name)]
        self.finished: list[dict[str, Any]] = []
        self.failed: dict[str, str] = {}  # why a work has no results, by its name

    @property
    def left_out(self) -> list[str]:
        """The works that have not been tried."""
        tried = {work["name"] for work in self.finished} | set(self.failed)
        return [plan.name for plan in self.todo if plan.name not in tried]

    def run(self, deadline: float, save: Callable[[], None]) -> None:
        """Every piece of work that there is time for; `save` is called after each."""
        clock = Clock(deadline, self.todo)
        for number, plan in enumerate(self.todo, 1):
            if not clock.has_time_for(plan):
                print(f"LEFT OUT for lack of time: {plan.name}", flush=True)
                continue
            said = self._try_work(plan)
            print(f"[{number}/{len(self.todo)}, {clock.add(plan)}] {said}", flush=True)
            save()

    def _try_work(self, plan: Plan) -> str:
        """A work's results, or why there are none: one that fails costs the others nothing."""
        try:
            results = self._run_work(plan)
        except Exception as error:
            self.stable.close()  # a peer may have stopped in the middle of an answer; the next work starts it anew
            self.failed[plan.name] = reason(error)
            return f"FAILED: {plan.name}: {reason(error)}"
        self.finished.append({"plan": dataclasses.asdict(plan), "name": plan.name, "contestants": results})
        return describe(plan, results)

    def _run_work(self, plan: Plan) -> dict[str, dict[str, Any]]:
        folds = plan.activation == "none" and len(plan.sizes) > 2
        entered = [contestant for contestant in CONTESTANTS if folds or not contestant.deep_only]
        work = self.files.work(plan)
        contest = Contest(self.stable, work, self.references.get(work))
        results = contest.run(entered, {c.name: self.settings.trial(c, plan) for c in entered})
        for contestant in entered:
            self.settings.learn(contestant, plan, results[contestant.name])
        return results


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Times AIT end to end beside its peers.")
    parser.add_argument("--build", type=Path, required=True, help="folder with bench_end_to_end and ait")
    parser.add_argument("--environments", type=Path, required=True, help="folder of virtual environments")
    parser.add_argument("--data", type=Path, required=True, help="folder for data files and references")
    parser.add_argument("--results", type=Path, required=True, help="folder for the JSON file")
    parser.add_argument("--quick", action="store_true", help="linear and deep linear with PTT at K = 10 and 100 only")
    parser.add_argument("--only", default="", help="works whose name this regular expression finds, and no cleaning")
    parser.add_argument("--minutes", type=float, default=12, help="the last works are left out after so long")
    arguments = parser.parse_args()
    for name in ("build", "environments", "data", "results"):
        setattr(arguments, name, getattr(arguments, name).resolve())
    return arguments


def measure_cleaning(arguments: argparse.Namespace) -> dict[str, Any]:
    """The paper's method and cleanlab on the same rows."""
    print("finding wrong labels: iaptt-gm, cleanlab", flush=True)
    began = time.monotonic()
    ours = cleaning.run_ours(arguments.build)
    try:
        data = Files(arguments.data, arguments.build).data(Plan((784, 10), 5000, 10, "iaptt-gm"))
        peer = cleaning.run_cleanlab(arguments.environments, data)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        peer = {"status": "SKIPPED", "reason": reason(error)}
    print(f"    {time.monotonic() - began:.0f} s", flush=True)
    return {"ait": ours, "cleanlab": peer}


class Record:
    """The file of results, written anew after every work so that a run that is cut off keeps what it measured."""

    def __init__(self, arguments: argparse.Namespace, race: Race) -> None:
        self.race = race
        self.found: dict[str, Any] = {}  # what is measured beside the race
        self.facts = {
            "commit": commit(),
            "machine": machine(),
            "busy_before": busy_share(),
            "program": _output(str(arguments.build / "ait"), "info").splitlines(),
            "rates": {"ll": LL_RATE, "ul": UL_RATE, "init": INIT_RATE},
            "seed": SEED,
            "late_after": ADVANCE,
            "tolerances": {"F": F_TOLERANCE, "gx and gz": GRADIENT_TOLERANCE},
        }
        kind = re.sub(r"[^a-z0-9]+", "-", self.facts["machine"]["processor"].lower()).strip("-")
        part = "-part" if arguments.quick or arguments.only else ""
        self.path = arguments.results / f"end_to_end-{kind}-{self.facts['commit']}{part}.json"

    def write(self) -> None:
        """All results so far; the file's last state stays whole until the new one is."""
        result = {
            **self.facts,
            "versions": self.race.stable.versions,
            "kernels": self.race.stable.descriptions,
            "left_out": self.race.left_out,
            "failed": self.race.failed,
            "works": self.race.finished,
            **self.found,
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self.path.with_suffix(".unfinished")
        unfinished.write_text(json.dumps(result, indent=1) + "\n")
        unfinished.replace(self.path)


def measure(arguments: argparse.Namespace, race: Race, record: Record) -> None:
    """All results."""
    deadline = time.monotonic() + 60 * arguments.minutes
    try:
        if not (arguments.quick or arguments.only):
            try:
                record.found["cleaning"] = measure_cleaning(arguments)
            except (OSError, ValueError, LookupError, subprocess.SubprocessError) as error:
                race.failed["finding wrong labels"] = reason(error)
                print(f"    FAILED: {reason(error)}", flush=True)
        race.run(deadline, record.write)
    finally:
        record.write()
        race.stable.close()


def main() -> None:
    """Measures and writes."""
    arguments = parse_arguments()
    race = Race(arguments, Stable(arguments.build, arguments.environments))
    record = Record(arguments, race)
    measure(arguments, race, record)
    print(f"results: {record.path}")
    if race.failed and not race.finished:
        raise SystemExit(f"run.py: no work has results; the last failed with: {list(race.failed.values())[-1]}")


if __name__ == "__main__":
    main()
