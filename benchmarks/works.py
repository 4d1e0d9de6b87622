"""The pieces of work of the end-to-end benchmark, and the files that they read."""

import json
import subprocess
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from peers.work import Work

SEED = 1
ADVANCE = 100  # UL iterations between the two points of a run at which PTT is timed
LINEAR = (784, 10)
DEEP = (784, 300, 10)
MLP = (784, 128, 10)
EMBEDDINGS = (1024, 100)
NAMES = {LINEAR: "linear", DEEP: "deep linear", MLP: "relu MLP", EMBEDDINGS: "f16 embeddings, linear"}


@dataclass(frozen=True)
class Plan:
    """One piece of work before its files exist."""

    sizes: tuple[int, ...]
    rows: int  # N = M
    ll_steps: int
    method: str  # "iaptt-gm" or "rhg"
    point: str = "start"  # or "late": after ADVANCE UL iterations, where F grows along the LL steps

    @property
    def activation(self) -> str:
        """The activation between layers."""
        return "relu" if self.sizes == MLP else "none"

    @property
    def data(self) -> str:
        """The name of the data folder."""
        return f"embeddings-{self.rows}" if self.sizes == EMBEDDINGS else f"fashion-mnist-{self.rows}"

    @property
    def name(self) -> str:
        """Says the work in a line."""
        method = "full reverse" if self.method == "rhg" else f"PTT, {self.point}"
        return (
            f"{NAMES[self.sizes]} {'-'.join(map(str, self.sizes))}, N = M = {self.rows}, K = {self.ll_steps}, {method}"
        )

    @property
    def cost(self) -> float:
        """A rough measure of how long the slow contestants take, for the estimate of time left."""
        hidden = 23.0 if len(self.sizes) > 2 else 1.0 + self.sizes[-1] / 20
        reverse = 2.5 if self.method == "rhg" or self.point == "late" else 1.0
        return 40.0 + hidden * reverse * self.ll_steps * self.rows / 50_000


def plans(quick: bool) -> list[Plan]:
    """All works, the most telling first. K = 10 precedes other K, whose thread settings follow from it."""
    both = (LINEAR, DEEP)
    if quick:
        return [Plan(sizes, 5000, steps, "iaptt-gm") for sizes in both for steps in (10, 100)]
    works = []
    for steps in (10, 100):
        for sizes in both:
            works += [Plan(sizes, 5000, steps, "iaptt-gm"), Plan(sizes, 5000, steps, "rhg")]
    works += [Plan(MLP, 5000, 10, method) for method in ("iaptt-gm", "rhg")]
    works += [Plan(EMBEDDINGS, 5000, 10, method) for method in ("iaptt-gm", "rhg")]
    works += [Plan(sizes, rows, 10, "iaptt-gm") for rows in (1000, 10_000, 30_000) for sizes in both]
    works += [Plan(LINEAR, 60_000, 10, "iaptt-gm")]
    works += [Plan(sizes, 5000, 1, method) for sizes in both for method in ("iaptt-gm", "rhg")]
    works += [Plan(sizes, 5000, steps, "iaptt-gm", "late") for steps in (10, 100) for sizes in both]
    return works


def _initial(sizes: tuple[int, ...]) -> np.ndarray:
    """PyTorch's default initial values: uniform in +-1/sqrt(inputs), weights and bias."""
    random = np.random.default_rng(SEED)
    parts = [random.uniform(-1, 1, (inputs + 1) * outputs) / np.sqrt(inputs) for inputs, outputs in pairwise(sizes)]
    return np.concatenate(parts).astype(np.float32)


class Files:
    """Makes the files of the works under one folder, each once."""

    def __init__(self, root: Path, build: Path) -> None:
        self.root = root
        self.build = build

    def work(self, plan: Plan) -> Work:
        """A piece of work whose files exist."""
        data = self.data(plan)
        start = self._start(plan, data) if plan.point == "start" else self._late(plan, data)
        method = plan.method
        return Work(plan.name, str(data), str(start), plan.sizes, plan.activation, method, plan.ll_steps)

    def data(self, plan: Plan) -> Path:
        """The folder of rows and labels."""
        folder = self.root / plan.data
        if (folder / "complete").exists():
            return folder
        folder.mkdir(parents=True, exist_ok=True)
        if plan.sizes == EMBEDDINGS:
            _write_embeddings(folder, plan.rows)
        elif plan.rows <= 30_000:
            self._draw(folder, plan.rows, plan.rows)
        else:
            self._draw_repeated(folder, plan.rows)
        (folder / "complete").touch()
        return folder

    def _draw(self, folder: Path, train: int, validation: int) -> None:
        subprocess.run(
            [self.build / "bench_draw_data", folder, str(train), str(validation), str(SEED)], check=True, timeout=300
        )

    def _draw_repeated(self, folder: Path, rows: int) -> None:
        """More rows than there are: 30,000 train and 30,000 validation rows, repeated."""
        self._draw(folder, 30_000, 30_000)
        for name in ("train", "train_labels", "true_labels", "validation", "validation_labels"):
            stored = np.load(folder / f"{name}.npy")
            np.save(folder / f"{name}.npy", np.resize(stored, (rows, *stored.shape[1:])))

    def _start(self, plan: Plan, data: Path) -> Path:
        folder = data / f"start-{'-'.join(map(str, plan.sizes))}"
        folder.mkdir(exist_ok=True)
        np.save(folder / "x.npy", np.zeros(plan.rows, np.float32))
        np.save(folder / "z.npy", _initial(plan.sizes))
        return folder

    def _late(self, plan: Plan, data: Path) -> Path:
        """Where a run with K = 10 is after ADVANCE UL iterations, by our program."""
        start = self._start(plan, data)
        folder = start.with_name(start.name.replace("start", "late"))
        if (folder / "z.npy").exists():
            return folder
        folder.mkdir(exist_ok=True)
        sizes = ",".join(map(str, plan.sizes))
        command = [self.build / "bench_end_to_end", data, start, sizes, plan.activation, "iaptt-gm", "10", "0"]
        request = f"advance {ADVANCE} {folder}\nquit\n"
        answer = subprocess.run(command, input=request, text=True, capture_output=True, check=True, timeout=300)
        kbar = json.loads(answer.stdout.splitlines()[1])["kbar"]
        if kbar != 10:
            raise RuntimeError(f"{plan.name}: kbar is {kbar} after {ADVANCE} UL iterations; expected K = 10")
        return folder


def _write_embeddings(folder: Path, rows: int) -> None:
    """Synthetic features: a centre a class, unit noise, scaled by 0.2; half of the labels are redrawn."""
    features, classes = EMBEDDINGS
    random = np.random.default_rng(SEED)
    centres = 0.3 * random.standard_normal((classes, features))
    for part in ("train", "validation"):
        labels = random.integers(classes, size=rows).astype(np.int32)
        values = 0.2 * (centres[labels] + random.standard_normal((rows, features)))
        np.save(folder / f"{part}.npy", values.astype(np.float16))
        if part == "train":
            wrong = random.permutation(rows)[: rows // 2]
            labels[wrong] = (labels[wrong] + random.integers(1, classes, size=len(wrong))) % classes
        np.save(folder / f"{part}_labels.npy", labels)
