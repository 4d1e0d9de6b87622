"""cleanlab's way to find wrong labels: out-of-fold probabilities of a tuned logistic regression.

Usage: python -m peers.confident DATA FOLDS
Folds run in parallel, a process a processor of one thread each (two threads a fit take longer than one).
Prints one JSON object: seconds, AUROC, average precision and F1 at the true rate of
  cross_validated              the noisy rows alone; L2 chosen by the log loss of held-out given labels
  cross_validated_with_clean   the clean validation rows trained on too; L2 chosen by their own held-out loss
  validation_only              the clean rows alone, scoring the noisy rows; L2 chosen likewise
"""

import json
import sys
import time
import warnings
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
from cleanlab.rank import get_label_quality_scores
from joblib import Parallel, delayed
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

INVERSE_PENALTIES = (0.003, 0.01, 0.03)
ITERATIONS = 50  # of L-BFGS; twice as many change the AUROC by less than 0.001 and take twice the time


@dataclass(frozen=True)
class Use:
    """The rows that a model is trained on."""

    noisy: bool
    clean: bool


class Rows:
    """The noisy and the clean rows of a data folder."""

    def __init__(self, folder: Path) -> None:
        self.noisy = np.load(folder / "train.npy").astype(np.float32) / 255
        self.given = np.load(folder / "train_labels.npy")
        self.wrong = self.given != np.load(folder / "true_labels.npy")
        self.clean = np.load(folder / "validation.npy").astype(np.float32) / 255
        self.clean_labels = np.load(folder / "validation_labels.npy")
        self.classes = int(self.given.max()) + 1


def _fit(rows: np.ndarray, labels: np.ndarray, inverse_penalty: float) -> LogisticRegression:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return LogisticRegression(C=inverse_penalty, max_iter=ITERATIONS).fit(rows, labels)


def _probabilities(model: LogisticRegression, rows: np.ndarray) -> np.ndarray:
    """In double precision, each row summing to 1."""
    probabilities = model.predict_proba(rows).astype(np.float64)
    return probabilities / probabilities.sum(axis=1, keepdims=True)


def _one_fold(rows: Rows, folds: int, fold: int, inverse_penalty: float, use: Use) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of one fold's noisy and clean rows from a model that did not see them."""
    use_noisy = (np.arange(len(rows.noisy)) % folds != fold) & use.noisy
    use_clean = (np.arange(len(rows.clean)) % folds != fold) & use.clean
    model = _fit(
        np.concatenate([rows.noisy[use_noisy], rows.clean[use_clean]]),
        np.concatenate([rows.given[use_noisy], rows.clean_labels[use_clean]]),
        inverse_penalty,
    )
    return _probabilities(model, rows.noisy[fold::folds]), _probabilities(model, rows.clean[fold::folds])


def _out_of_fold(rows: Rows, folds: int, inverse_penalty: float, use: Use) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of the noisy and of the clean rows, each from the fold that left it out."""
    noisy = np.empty((len(rows.noisy), rows.classes))
    clean = np.empty((len(rows.clean), rows.classes))
    parts = Parallel(n_jobs=-1)(delayed(_one_fold)(rows, folds, fold, inverse_penalty, use) for fold in range(folds))
    for fold, (noisy_part, clean_part) in enumerate(parts):
        noisy[fold::folds], clean[fold::folds] = noisy_part, clean_part
    return noisy, clean


def _tuned(rows: Rows, folds: int, use: Use) -> tuple[float, np.ndarray]:
    """The chosen inverse penalty and its out-of-fold probabilities of the noisy rows."""
    tried = []
    for inverse_penalty in INVERSE_PENALTIES:
        noisy, clean = _out_of_fold(rows, folds, inverse_penalty, use)
        loss = log_loss(rows.clean_labels, clean) if use.clean else log_loss(rows.given, noisy)
        tried.append((loss, inverse_penalty, noisy))
    _, inverse_penalty, noisy = min(tried, key=lambda entry: entry[0])
    return inverse_penalty, noisy


def _figures(rows: Rows, probabilities: np.ndarray) -> dict[str, float]:
    """Ranking figures with wrong labels as the positive class, by cleanlab's label quality."""
    suspicion = 1 - get_label_quality_scores(rows.given, probabilities)
    count = int(rows.wrong.sum())
    found = int(rows.wrong[np.argsort(-suspicion, kind="stable")[:count]].sum())
    return {
        "auroc": float(roc_auc_score(rows.wrong, suspicion)),
        "average_precision": float(average_precision_score(rows.wrong, suspicion)),
        "f1": found / count,
    }


def _timed(rows: Rows, folds: int, use: Use) -> dict[str, float]:
    began = time.perf_counter()
    inverse_penalty, probabilities = _tuned(rows, folds, use)
    if not use.noisy:
        probabilities = _probabilities(_fit(rows.clean, rows.clean_labels, inverse_penalty), rows.noisy)
    figures = _figures(rows, probabilities)
    return {"seconds": time.perf_counter() - began, "inverse_penalty": inverse_penalty, **figures}


def main() -> None:
    """Runs the three rankings."""
    rows, folds = Rows(Path(sys.argv[1])), int(sys.argv[2])
    Parallel(n_jobs=-1)(delayed(int)(fold) for fold in range(folds))  # starts the processes
    result = {
        "cross_validated": _timed(rows, folds, Use(noisy=True, clean=False)),
        "cross_validated_with_clean": _timed(rows, folds, Use(noisy=True, clean=True)),
        "validation_only": _timed(rows, folds, Use(noisy=False, clean=True)),
    }
    versions = {name: version(name) for name in ("cleanlab", "scikit-learn")}
    print(json.dumps({"versions": versions, "folds": folds, "iterations": ITERATIONS, "result": result}))


if __name__ == "__main__":
    main()
