"""Finding wrong labels: the paper's method beside cleanlab, on the same rows."""

import csv
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import works

FOLDS = 5
EVALUATE_EVERY = 5


def run_ours(build: Path) -> dict[str, Any]:
    """The paper's method with default settings, without other cheap rankings: seconds, rankings, AUROC against seconds."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        command = [build / "ait", "clean", "--dataset", "fashion-mnist", "--method", "iaptt-gm"]
        command += ["--seed", str(works.SEED), "--eval-every", str(EVALUATE_EVERY), "--baselines", "validation"]
        command += ["--out", run, "--quiet"]
        began = time.perf_counter()
        subprocess.run([str(part) for part in command], check=True, timeout=600)
        seconds = time.perf_counter() - began
        report = json.loads((run / "run.json").read_text())
        with (run / "history.csv").open() as file:
            rows = [row for row in csv.DictReader(file) if row["auroc"]]
        with (run / "seconds.csv").open() as file:
            seconds_at = {row["t"]: float(row["seconds"]) for row in csv.DictReader(file)}
    return {
        "program_seconds": seconds,
        "iteration_seconds": report["seconds"]["iterations"],
        "settings": {name: report["settings"][name] for name in ("model", "method", "iterations", "ll_steps")},
        "ranking": report["result"]["ranking"],
        "auroc_at_seconds": [[seconds_at[row["t"]], float(row["auroc"])] for row in rows],
    }


def run_cleanlab(environments: Path, data: Path) -> dict[str, Any]:
    """cleanlab's figures, or why it could not run."""
    folder = environments / "jax"
    if not (folder / "complete").exists():
        return {"status": "SKIPPED", "reason": (folder / "failure").read_text().strip()}
    command = [str(folder / "bin/python"), "-m", "peers.confident", str(data), str(FOLDS)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    answer = subprocess.run(
        command,
        cwd=Path(__file__).parent,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=1800,
    )
    return {"status": "ok", **json.loads(answer.stdout)}
