"""One piece of work: a bi-level problem, the point an UL iteration starts from, and the method."""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

# The settings of the authors' script: SGD of the LL variables, Adam of x, SGD of z.
LL_RATE = 0.03
UL_RATE = 0.01
INIT_RATE = 0.03


@dataclass(frozen=True)
class Work:
    """What every contestant is asked to do."""

    name: str
    data: str  # folder with train.npy, train_labels.npy, validation.npy, validation_labels.npy
    start: str  # folder with x.npy and z.npy
    sizes: tuple[int, ...]  # features, hidden layers, classes
    activation: str  # "none" or "relu"
    method: str  # "iaptt-gm": kbar by PTT; "rhg": kbar = K, no F on the way
    ll_steps: int

    @property
    def truncates(self) -> bool:
        """Whether kbar is chosen by PTT (F is then needed at every step, and z is learned)."""
        return self.method == "iaptt-gm"


@dataclass
class Arrays:
    """The files of a piece of work; rows are float32, labels int64."""

    train: np.ndarray
    train_labels: np.ndarray
    validation: np.ndarray
    validation_labels: np.ndarray
    x: np.ndarray
    z: np.ndarray


@dataclass
class Check:
    """The first UL iteration of a contestant, for comparison with the reference."""

    kbar: int
    F: np.ndarray  # at y_0 .. y_K; NaN where the method does not evaluate it
    gx: np.ndarray
    gz: np.ndarray | None  # None where the method has none


def _rows(path: Path, features: int) -> np.ndarray:
    stored = np.load(path)
    if stored.ndim != 2 or stored.shape[1] != features:
        raise ValueError(f"{path} has shape {stored.shape}; expected rows of {features} features")
    if stored.dtype == np.uint8:
        return stored.astype(np.float32) / np.float32(255)
    return stored.astype(np.float32)


def _vector(path: Path, count: int) -> np.ndarray:
    values = np.load(path)
    if values.shape != (count,):
        raise ValueError(f"{path} has shape {values.shape}; expected ({count},)")
    return values


def parameter_count(sizes: tuple[int, ...]) -> int:
    """The number m of LL variables."""
    return sum((inputs + 1) * outputs for inputs, outputs in pairwise(sizes))


def load(work: Work) -> Arrays:
    """Reads the files of a piece of work and checks their shapes."""
    data, start = Path(work.data), Path(work.start)
    train = _rows(data / "train.npy", work.sizes[0])
    validation = _rows(data / "validation.npy", work.sizes[0])
    return Arrays(
        train=train,
        train_labels=_vector(data / "train_labels.npy", len(train)).astype(np.int64),
        validation=validation,
        validation_labels=_vector(data / "validation_labels.npy", len(validation)).astype(np.int64),
        x=_vector(start / "x.npy", len(train)),
        z=_vector(start / "z.npy", parameter_count(work.sizes)),
    )


def layers(z: np.ndarray, sizes: tuple[int, ...]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Weights (outputs x inputs) and bias of every layer, in PyTorch's layout."""
    parts, at = [], 0
    for inputs, outputs in pairwise(sizes):
        weights = z[at : at + inputs * outputs].reshape(outputs, inputs)
        at += inputs * outputs
        parts.append((weights, z[at : at + outputs]))
        at += outputs
    return parts
