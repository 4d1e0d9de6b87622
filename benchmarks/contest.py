"""Runs every contestant of a piece of work in a process of its own, checks them, and times them in turn."""

import contextlib
import dataclasses
import json
import os
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from peers.work import Work

# Relative errors against float64. Plain float32 reaches some 1e-7 in F and 1e-6 in the hyper-gradient.
F_TOLERANCE = 1e-5
GRADIENT_TOLERANCE = 1e-4
ROUNDS = 5
WAIT_SECONDS = 600

# Timed iterations of a contestant: as many as fit into these seconds, within bounds. One that takes long is
# repeated less; its work is never made smaller.
BUDGET_SECONDS = 0.7
MOST = 60
LEAST = 3
LONG_SECONDS, LEAST_WHERE_LONG = 3.0, 2
CLEARLY_SLOWER = 1.5  # a thread setting whose trial took so many times the other's is not timed further


class PeerError(Exception):
    """A contestant could not do its work; the sentence says why."""


class Disagreement(Exception):
    """A contestant computes something else; the sentence says what."""


@dataclass(frozen=True)
class Trial:
    """The thread settings that a contestant may try; what an iteration takes, where that is known (else 0)."""

    threads: list[int]
    seconds: float = 0.0


@dataclass(frozen=True)
class Contestant:
    """Who runs: our program with one set of instructions, or a peer's module."""

    name: str
    kernel: str = ""  # ours: AIT_CPU_KERNEL
    module: str = ""  # a peer: peers.MODULE
    environment: str = ""  # a peer: the virtual environment
    options: dict[str, bool] = field(default_factory=dict, hash=False)
    deep_only: bool = False  # has something of its own to show for deep linear classifiers alone


CONTESTANTS = [
    Contestant("ait amx", kernel="amx"),
    Contestant("ait v4", kernel="v4"),
    Contestant("ait v3", kernel="v3"),
    Contestant("PyTorch + higher", module="torch_higher", environment="torch"),
    Contestant("BOAT", module="boat", environment="torch"),
    Contestant("jax.jit", module="jax_scan", environment="jax"),
    Contestant("jax.jit, folded", module="jax_scan", environment="jax", options={"fold": True}, deep_only=True),
]


class Conversation:
    """A process that answers command lines with lines of JSON."""

    def __init__(self, command: list[str], environment: dict[str, str], folder: Path) -> None:
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            env={**os.environ, **environment},
            cwd=folder,
            text=True,
        )

    def tell(self, line: str) -> None:
        """Sends a command."""
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # the process has ended; hear() says why

    def hear(self) -> dict[str, Any]:
        """The next answer."""
        line = self.process.stdout.readline()
        if not line:
            self.process.wait(timeout=WAIT_SECONDS)
            self.errors.seek(0)
            said = self.errors.read().strip().splitlines()
            raise PeerError(said[-1] if said else f"the process ended with status {self.process.returncode}")
        answer = json.loads(line)
        if "error" in answer:
            raise PeerError(answer["error"])
        return answer

    def ask(self, line: str) -> dict[str, Any]:
        """Sends a command and waits for its answer."""
        self.tell(line)
        return self.hear()

    def end(self) -> None:
        """Closes the pipes and waits for the process."""
        with contextlib.suppress(BrokenPipeError):  # the process has ended before it read all
            self.process.stdin.close()
        self.process.wait(timeout=WAIT_SECONDS)
        self.process.stdout.close()
        self.errors.close()


class Stable:
    """Starts contestants. Each peer's imports are paid once: its process forks one for every work."""

    def __init__(self, build: Path, environments: Path) -> None:
        self.build = build
        self.environments = environments
        self.parents: dict[tuple[str, int], Conversation] = {}
        self.versions: dict[str, str] = {}
        self.descriptions: dict[str, str] = {}

    def enter(self, contestant: Contestant, work: Work, threads: int) -> "Entry":
        """A contestant on its way to being ready for a piece of work."""
        if contestant.kernel:
            return Entry(contestant, threads, self._start_ours(contestant, work, threads), shared=False)
        parent = self._parent(contestant, threads)
        request = {"work": dataclasses.asdict(work), "threads": threads, "options": contestant.options}
        parent.tell(f"start {json.dumps(request)}")
        return Entry(contestant, threads, parent, shared=True)

    def _start_ours(self, contestant: Contestant, work: Work, threads: int) -> Conversation:
        sizes = ",".join(map(str, work.sizes))
        command = [self.build / "bench_end_to_end", work.data, work.start, sizes, work.activation, work.method]
        arguments = [str(part) for part in [*command, work.ll_steps, threads]]
        return Conversation(arguments, {"AIT_CPU_KERNEL": contestant.kernel}, self.build)

    def _parent(self, contestant: Contestant, threads: int) -> Conversation:
        key = (contestant.name, threads)
        if key not in self.parents:
            folder = self.environments / contestant.environment
            if not (folder / "complete").exists():
                reason = folder / "failure"
                raise PeerError(reason.read_text().strip() if reason.exists() else f"{folder} is not there")
            command = [str(folder / "bin/python"), "-m", "peers.serve", contestant.module]
            parent = Conversation(command, {"OMP_NUM_THREADS": str(threads)}, Path(__file__).parent)
            self.versions |= parent.hear()["versions"]
            self.parents[key] = parent
        return self.parents[key]

    def close(self) -> None:
        """Ends every process."""
        for parent in self.parents.values():
            parent.end()
        self.parents.clear()


class Entry:
    """A contestant at one piece of work with one number of threads."""

    def __init__(self, contestant: Contestant, threads: int, conversation: Conversation, shared: bool) -> None:
        self.contestant = contestant
        self.threads = threads
        self.conversation = conversation
        self.shared = shared
        self.seconds: list[float] = []
        self.kbar: int | None = None
        self.errors: dict[str, float] = {}
        self.wanted = 0

    def wait_until_ready(self) -> dict[str, Any]:
        """What the contestant says of itself."""
        return self.conversation.hear()

    def check(self) -> dict[str, Any]:
        """kbar, F, gx and gz of the first UL iteration."""
        with tempfile.TemporaryDirectory() as folder:
            answer = self.conversation.ask(f"check {folder}")
            self.kbar = answer["kbar"]
            arrays = {path.stem: np.load(path).astype(np.float64) for path in Path(folder).glob("*.npy")}
        return {"kbar": self.kbar, **arrays}

    def time(self, count: int) -> list[float]:
        """Seconds of some UL iterations."""
        answer = self.conversation.ask(f"time {count}")
        if answer["kbar"] not in (None, self.kbar):
            self.leave()  # a shared process must be free for the next work
            raise PeerError(f"kbar changed from {self.kbar} to {answer['kbar']} between equal iterations")
        return answer["seconds"]

    def leave(self) -> int:
        """Ends the work; peak resident bytes."""
        peak = self.conversation.ask("quit")["peak_bytes"]
        if not self.shared:
            self.conversation.end()
        return peak


def relative_error(values: np.ndarray | None, reference: np.ndarray) -> float:
    """2-norm of the difference over that of the reference; NaN where a value is."""
    if values is None or values.shape != reference.shape:
        return float("inf")
    return float(np.linalg.norm(values - reference) / np.linalg.norm(reference))


def compare(work: Work, check: dict[str, Any], reference: dict[str, Any]) -> tuple[dict[str, float], str]:
    """Relative errors against the reference, and a sentence where they are too large."""
    steps = list(range(work.ll_steps + 1)) if work.truncates else [0, work.ll_steps]
    errors = {"F": relative_error(check["F"][steps], reference["F"][steps])}
    for name in ("gx", "gz") if work.truncates else ("gx",):
        errors[name] = relative_error(check.get(name), reference[name])
    if check["kbar"] != reference["kbar"]:
        return errors, f"kbar is {check['kbar']}; the reference has {reference['kbar']}"
    for name, error in errors.items():
        tolerance = F_TOLERANCE if name == "F" else GRADIENT_TOLERANCE
        if not error <= tolerance:
            return errors, f"{name} differs from the reference by {error:.1e} (tolerance {tolerance:.0e})"
    return errors, ""


def wanted_iterations(seconds: float) -> int:
    """How often an iteration that takes so long is timed."""
    least = LEAST if seconds <= LONG_SECONDS else LEAST_WHERE_LONG
    return int(np.clip(BUDGET_SECONDS / max(seconds, 1e-6), least, MOST))


class Contest:
    """One piece of work for all contestants."""

    def __init__(self, stable: Stable, work: Work, reference: dict[str, Any]) -> None:
        self.stable = stable
        self.work = work
        self.reference = reference
        self.results: dict[str, dict[str, Any]] = {}

    def run(self, contestants: list[Contestant], trials: dict[str, Trial]) -> dict[str, dict[str, Any]]:
        """Results by contestant's name; `trials` says which thread settings each may try."""
        entries = []
        for contestant in contestants:
            try:
                entries += self._prepare(contestant, trials[contestant.name])
            except PeerError as error:
                self._fail(contestant, "SKIPPED", str(error))
            except Disagreement as error:
                self._fail(contestant, "DISAGREES", str(error))
        self._time_in_turn(entries)
        for name in dict.fromkeys(entry.contestant.name for entry in entries):
            self._finish([entry for entry in entries if entry.contestant.name == name])
        return {contestant.name: self.results[contestant.name] for contestant in contestants}

    def _fail(self, contestant: Contestant, status: str, reason: str) -> None:
        self.results[contestant.name] = {"status": status, "reason": reason}

    def _prepare(self, contestant: Contestant, trial: Trial) -> list[Entry]:
        """The contestant with each thread setting that may be its best, checked and warm."""
        ready: list[tuple[float, Entry]] = []
        try:
            for threads in trial.threads:
                entry = self._enter(contestant, threads)
                ready.append((trial.seconds or min(entry.time(2)), entry))
        except (PeerError, Disagreement):
            self._dismiss(ready)
            raise
        limit = CLEARLY_SLOWER * min(seconds for seconds, _ in ready)
        self._dismiss([(seconds, entry) for seconds, entry in ready if seconds > limit])
        kept = [(seconds, entry) for seconds, entry in ready if seconds <= limit]
        for seconds, entry in kept:
            entry.wanted = wanted_iterations(seconds)
        return [entry for _, entry in kept]

    def _enter(self, contestant: Contestant, threads: int) -> Entry:
        """A contestant that agrees with the reference."""
        entry = self.stable.enter(contestant, self.work, threads)
        self.stable.descriptions[contestant.name] = entry.wait_until_ready().get("description", "")
        entry.errors, sentence = compare(self.work, entry.check(), self.reference)
        if sentence:
            entry.leave()
            raise Disagreement(sentence)
        return entry

    def _dismiss(self, ready: list[tuple[float, Entry]]) -> None:
        for _, entry in ready:
            entry.leave()

    def _time_in_turn(self, entries: list[Entry]) -> None:
        """Rounds of all contestants, so that a machine that changes its speed changes it for all alike."""
        rounds = min([ROUNDS, *(entry.wanted for entry in entries)])
        for done in range(rounds):
            for entry in list(entries):
                share = entry.wanted * (done + 1) // rounds - entry.wanted * done // rounds
                time.sleep(0.02)  # threads that spin after their work have gone to sleep
                try:
                    entry.seconds += entry.time(share)
                except PeerError as error:
                    self._fail(entry.contestant, "SKIPPED", str(error))
                    entries.remove(entry)

    def _finish(self, entries: list[Entry]) -> None:
        """The better of a contestant's thread settings is its result."""
        entry = min(entries, key=lambda entry: float(np.median(entry.seconds)))
        self._dismiss([(0.0, other) for other in entries if other is not entry])
        quartiles = np.percentile(entry.seconds, [25, 50, 75])
        self.results[entry.contestant.name] = {
            "status": "ok",
            "threads": entry.threads,
            "kbar": entry.kbar,
            "errors": entry.errors,
            "iterations": len(entry.seconds),
            "seconds": dict(zip(("q1", "median", "q3"), map(float, quartiles), strict=True)),
            "peak_bytes": entry.leave(),
        }
