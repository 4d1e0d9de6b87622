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
from pathlib import Path
from typing import Any

import numpy as np

import cleaning
from contest import CONTESTANTS, F_TOLERANCE, GRADIENT_TOLERANCE, Contest, Contestant, PeerError, Stable, Trial
from peers.work import INIT_RATE, LL_RATE, UL_RATE, Work
from works import ADVANCE, SEED, Files, Plan, plans

REPOSITORY = Path(__file__).resolve().parent.parent
SLOW_SECONDS = 0.7  # an iteration that takes longer is not repeated to choose the number of threads


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=REPOSITORY).stdout.strip()


def processor() -> str:
    """The processor's name."""
    found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found.group(1) if found else platform.machine()


def commit() -> str:
    """The commit's short hash, with `-dirty` where tracked files differ from it."""
    return _output("git", "describe", "--always", "--dirty", "--abbrev=8", "--exclude=*")


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
        self.chosen: dict[tuple[Any, ...], tuple[int, float]] = {}

    def trial(self, contestant: Contestant, plan: Plan) -> Trial:
        """What to try for a work, by what an iteration is expected to take."""
        threads, seconds_per_row = self.chosen.get(self._key(contestant, plan), (0, 0.0))
        seconds = seconds_per_row * plan.rows * plan.ll_steps
        return Trial([threads], seconds) if seconds > SLOW_SECONDS else Trial(self.all)

    def learn(self, contestant: Contestant, plan: Plan, result: dict[str, Any]) -> None:
        """Remembers the first choice for a kind of work."""
        if result["status"] == "ok":
            seconds_per_row = result["seconds"]["median"] / (plan.rows * plan.ll_steps)
            self.chosen.setdefault(self._key(contestant, plan), (result["threads"], seconds_per_row))

    @staticmethod
    def _key(contestant: Contestant, plan: Plan) -> tuple[Any, ...]:
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


def run_works(arguments: argparse.Namespace, stable: Stable) -> list[dict[str, Any]]:
    """Every piece of work, with an estimate of the time left."""
    files, references, settings = Files(arguments.data, arguments.build), References(stable, arguments.data), Settings()
    todo = plans(arguments.quick)
    total, done, began, finished = sum(plan.cost for plan in todo), 0.0, time.monotonic(), []
    for number, plan in enumerate(todo, 1):
        work = files.work(plan)
        entered = [c for c in CONTESTANTS if not c.deep_only or (plan.activation == "none" and len(plan.sizes) > 2)]
        contest = Contest(stable, work, references.get(work))
        results = contest.run(entered, {c.name: settings.trial(c, plan) for c in entered})
        for contestant in entered:
            settings.learn(contestant, plan, results[contestant.name])
        finished.append({"plan": dataclasses.asdict(plan), "name": plan.name, "contestants": results})
        done += plan.cost
        elapsed = time.monotonic() - began
        left = elapsed * (total - done) / done
        print(
            f"[{number}/{len(todo)}, {elapsed:.0f} s gone, about {left:.0f} s left] {describe(plan, results)}",
            flush=True,
        )
    return finished


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Times AIT end to end beside its peers.")
    parser.add_argument("--build", type=Path, required=True, help="folder with bench_end_to_end and ait")
    parser.add_argument("--environments", type=Path, required=True, help="folder of virtual environments")
    parser.add_argument("--data", type=Path, required=True, help="folder for data files and references")
    parser.add_argument("--results", type=Path, required=True, help="folder for the JSON file")
    parser.add_argument("--quick", action="store_true", help="linear and deep linear with PTT at K = 10 and 100 only")
    arguments = parser.parse_args()
    for name in ("build", "environments", "data", "results"):
        setattr(arguments, name, getattr(arguments, name).resolve())
    return arguments


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """All results."""
    stable = Stable(arguments.build, arguments.environments)
    try:
        finished = run_works(arguments, stable)
    finally:
        stable.close()
    result = {
        "commit": commit(),
        "machine": machine(),
        "program": _output(str(arguments.build / "ait"), "info").splitlines(),
        "versions": stable.versions,
        "kernels": stable.descriptions,
        "rates": {"ll": LL_RATE, "ul": UL_RATE, "init": INIT_RATE},
        "seed": SEED,
        "late_after": ADVANCE,
        "tolerances": {"F": F_TOLERANCE, "gx and gz": GRADIENT_TOLERANCE},
        "works": finished,
    }
    if not arguments.quick:
        print("finding wrong labels: ait clean, cleanlab", flush=True)
        files = Files(arguments.data, arguments.build)
        data = files.data(Plan((784, 10), 5000, 10, "iaptt-gm"))
        result["cleaning"] = {
            "ait": cleaning.run_ours(arguments.build),
            "cleanlab": cleaning.run_cleanlab(arguments.environments, data),
        }
    return result


def main() -> None:
    """Measures and writes."""
    arguments = parse_arguments()
    result = measure(arguments)
    kind = re.sub(r"[^a-z0-9]+", "-", result["machine"]["processor"].lower()).strip("-")
    quick = "-quick" if arguments.quick else ""
    path = arguments.results / f"end_to_end-{kind}-{result['commit']}{quick}.json"
    arguments.results.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n")
    print(f"results: {path}")


if __name__ == "__main__":
    try:
        main()
    except PeerError as error:
        raise SystemExit(f"run.py: no reference in float64 to check against: {error}") from error
