"""The authors' method: PyTorch, with the LL iteration unrolled by `higher`.

K differentiable SGD steps with F after each; kbar is where F was largest; one reverse sweep from
F(y_kbar) through kbar steps gives the gradients of x and of z. The published script lets two sweeps do
that and records a graph for each F; here one sweep and F without graph, which is faster.
"""

from importlib.metadata import version

import higher
import numpy as np
import torch

from peers.torch_model import Problem, flat
from peers.work import INIT_RATE, LL_RATE, UL_RATE, Arrays, Check, Work

VERSIONS = {"torch": torch.__version__, "higher": version("higher")}


class Contestant:
    """One piece of work, ready to iterate."""

    def __init__(self, work: Work, arrays: Arrays, threads: int, options: dict[str, bool]) -> None:
        torch.set_num_threads(threads)
        dtype = torch.float64 if options.get("float64") else torch.float32
        self.work = work
        self.problem = Problem(work, arrays, dtype)
        classifier = self.problem.classifier
        self.ll_optimizer = torch.optim.SGD(classifier.parameters(), lr=LL_RATE)
        self.init_optimizer = torch.optim.SGD(classifier.parameters(), lr=INIT_RATE)
        self.ul_optimizer = torch.optim.Adam(self.problem.weights.parameters(), lr=UL_RATE)

    def reset(self) -> None:
        """Back to the start; not timed."""
        self.problem.reset()

    def _rollout(self, model: torch.nn.Module, optimizer: higher.optim.DifferentiableOptimizer) -> list[float]:
        values = []
        for _ in range(self.work.ll_steps):
            optimizer.step(self.problem.lower(model))
            if self.work.truncates:
                with torch.no_grad():
                    values.append(self.problem.upper(model(self.problem.validation)).item())
        return values

    def _hypergradient(self) -> tuple[int, list[float], torch.Tensor]:
        """kbar, F at y_1 .. y_K (PTT) or at y_K; gradients are left in .grad."""
        problem = self.problem
        with higher.innerloop_ctx(problem.classifier, self.ll_optimizer) as (model, optimizer):
            values = self._rollout(model, optimizer)
            kbar = values.index(max(values)) + 1 if self.work.truncates else self.work.ll_steps
            parameters = list(model.parameters(time=kbar))
            loss = problem.upper(model(problem.validation, params=parameters))
            starts = list(model.parameters(time=0)) if self.work.truncates else []
            gx, *gz = torch.autograd.grad(loss, [problem.weights.x, *starts])
        problem.weights.x.grad = gx
        for parameter, gradient in zip(problem.classifier.parameters(), gz, strict=False):  # RHG has no gz
            parameter.grad = gradient
        return kbar, values, loss

    def iterate(self) -> int:
        """One UL iteration; returns kbar."""
        kbar, _, _ = self._hypergradient()
        self.ul_optimizer.step()
        if self.work.truncates:
            self.init_optimizer.step()
        return kbar

    def check(self) -> Check:
        """The hyper-gradient at the start."""
        problem = self.problem
        F = np.full(self.work.ll_steps + 1, np.nan)
        with torch.no_grad():
            F[0] = problem.upper(problem.classifier(problem.validation)).item()
        kbar, values, loss = self._hypergradient()
        F[1 : 1 + len(values)] = values
        F[kbar] = loss.item()
        gradients = [parameter.grad for parameter in problem.classifier.parameters()]
        gz = flat(gradients) if self.work.truncates else None
        return Check(kbar, F, problem.weights.x.grad.numpy().copy(), gz)
