"""The hyper-cleaning problem in PyTorch, as the authors' script states it."""

from itertools import pairwise

import numpy as np
import torch
from torch import nn

from peers.work import Arrays, Work


class Weights(nn.Module):
    """x: one number a training row; sigmoid(x) weighs the row's loss."""

    def __init__(self, x: np.ndarray, dtype: torch.dtype) -> None:
        super().__init__()
        self.x = nn.Parameter(torch.tensor(x, dtype=dtype))

    def forward(self, losses: torch.Tensor) -> torch.Tensor:
        """The mean of the weighted losses."""
        return (torch.sigmoid(self.x) * losses).mean()


class Problem:
    """Data, classifier and weights; the classifier's parameters begin at z."""

    def __init__(self, work: Work, arrays: Arrays, dtype: torch.dtype = torch.float32) -> None:
        self.train = torch.tensor(arrays.train, dtype=dtype)
        self.train_labels = torch.tensor(arrays.train_labels)
        self.validation = torch.tensor(arrays.validation, dtype=dtype)
        self.validation_labels = torch.tensor(arrays.validation_labels)
        self.weights = Weights(arrays.x, dtype)
        self.classifier = _classifier(work, dtype)
        self._x = torch.tensor(arrays.x, dtype=dtype)
        self._z = torch.tensor(arrays.z, dtype=dtype)
        self.reset()

    def reset(self) -> None:
        """Puts x and the classifier back to where the work starts."""
        with torch.no_grad():
            self.weights.x.copy_(self._x)
            # A copy: parameters become views of the vector, and optimisers change them in place.
            nn.utils.vector_to_parameters(self._z.clone(), self.classifier.parameters())

    def lower(self, model: nn.Module) -> torch.Tensor:
        """f: the weighted training loss."""
        losses = nn.functional.cross_entropy(model(self.train), self.train_labels, reduction="none")
        return self.weights(losses)

    def upper(self, logits: torch.Tensor) -> torch.Tensor:
        """F: the validation loss of logits."""
        return nn.functional.cross_entropy(logits, self.validation_labels)


def _classifier(work: Work, dtype: torch.dtype) -> nn.Sequential:
    modules: list[nn.Module] = []
    for inputs, outputs in pairwise(work.sizes):
        if modules and work.activation == "relu":
            modules.append(nn.ReLU())
        modules.append(nn.Linear(inputs, outputs, dtype=dtype))
    return nn.Sequential(*modules)


def flat(tensors: list[torch.Tensor]) -> np.ndarray:
    """Tensors end to end."""
    return torch.cat([tensor.detach().reshape(-1) for tensor in tensors]).numpy()
