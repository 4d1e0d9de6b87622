"""cleanlab's way to find wrong labels: out-of-fold probabilities of a tuned logistic regression.

Usage: python -m peers.confident DATA FOLDS
Prints one JSON object: seconds, AUROC, average precision and F1 at the true rate of
  cross_validated              the noisy rows alone; L2 chosen by the log loss of held-out given labels
  cross_validated_with_clean   the clean validation rows trained on too; L2 chosen by their own held-out loss
  validation_only              the clean rows alone, scoring the noisy rows; L2 chosen likewise
"""

import json
import sys
import time
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np
from cleanlab.rank import get_label_quality_scores
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

INVERSE_PENALTIES = (0.003, 0.01, 0.03)
ITERATIONS = 50  # of L-BFGS; twice as many change the AUROC by less than 0.001 and take twice the time


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


def _out_of_fold(rows: Rows, folds: int, inverse_penalty: float, with_noisy: bool, with_clean: bool) -> tuple:
    """Probabilities of the noisy and of the clean rows from models that did not see them."""
    noisy_fold = np.arange(len(rows.noisy)) % folds
    clean_fold = np.arange(len(rows.clean)) % folds
    noisy = np.empty((len(rows.noisy), rows.classes))
    clean = np.empty((len(rows.clean), rows.classes))
    for fold in range(folds):
        use_noisy = (noisy_fold != fold) & with_noisy
        use_clean = (clean_fold != fold) & with_clean
        model = _fit(
            np.concatenate([rows.noisy[use_noisy], rows.clean[use_clean]]),
            np.concatenate([rows.given[use_noisy], rows.clean_labels[use_clean]]),
            inverse_penalty,
        )
        noisy[noisy_fold == fold] = _probabilities(model, rows.noisy[noisy_fold == fold])
        clean[clean_fold == fold] = _probabilities(model, rows.clean[clean_fold == fold])
    return noisy, clean


def _tuned(rows: Rows, folds: int, with_noisy: bool, with_clean: bool) -> tuple[float, np.ndarray]:
    """The chosen inverse penalty and its out-of-fold probabilities of the noisy rows."""
    tried = []
    for inverse_penalty in INVERSE_PENALTIES:
        noisy, clean = _out_of_fold(rows, folds, inverse_penalty, with_noisy, with_clean)
        loss = log_loss(rows.clean_labels, clean) if with_clean else log_loss(rows.given, noisy)
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


def _timed(rows: Rows, folds: int, with_noisy: bool, with_clean: bool) -> dict[str, float]:
    began = time.perf_counter()
    inverse_penalty, probabilities = _tuned(rows, folds, with_noisy, with_clean)
    if not with_noisy:
        probabilities = _probabilities(_fit(rows.clean, rows.clean_labels, inverse_penalty), rows.noisy)
    figures = _figures(rows, probabilities)
    return {"seconds": time.perf_counter() - began, "inverse_penalty": inverse_penalty, **figures}


def main() -> None:
    """Runs the three rankings."""
    rows, folds = Rows(Path(sys.argv[1])), int(sys.argv[2])
    result = {
        "cross_validated": _timed(rows, folds, True, False),
        "cross_validated_with_clean": _timed(rows, folds, True, True),
        "validation_only": _timed(rows, folds, False, True),
    }
    versions = {name: version(name) for name in ("cleanlab", "scikit-learn")}
    print(json.dumps({"versions": versions, "folds": folds, "iterations": ITERATIONS, "result": result}))


if __name__ == "__main__":
    main()
