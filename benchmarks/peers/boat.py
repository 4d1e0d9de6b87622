"""BOAT (boat-torch): its operations put together to the same method.

PTT: lower level NGD + DI (gradient steps from a learned start), upper level RAD + PTT (reverse
differentiation, truncated where F is largest). Full reverse: NGD and RAD. Within DI BOAT updates z by
the optimiser of x, Adam; its hyper-gradients are those of the other contestants. An iteration's time is
that of Problem.run_iter, which ends with a record of both losses.
"""

import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import boat_torch
import numpy as np
import torch
from torch import nn
from torch.optim.optimizer import register_optimizer_step_pre_hook

from peers.torch_model import Problem, flat
from peers.work import INIT_RATE, LL_RATE, UL_RATE, Arrays, Check, Work

VERSIONS = {"torch": torch.__version__, "boat-torch": version("boat-torch")}

_recorded: list[float] | None = None  # values of F, while a check runs


def lower_loss(feed: dict[str, Problem], weights: nn.Module, model: nn.Module) -> torch.Tensor:
    """f, as BOAT calls it; the weights are the problem's."""
    return feed["problem"].lower(model)


def upper_loss(feed: dict[str, Problem], weights: nn.Module, model: nn.Module, params: Any = None) -> torch.Tensor:
    """F, as BOAT calls it."""
    problem = feed["problem"]
    logits = model(problem.validation) if params is None else model(problem.validation, params=params)
    loss = problem.upper(logits)
    if _recorded is not None:
        _recorded.append(loss.item())
    return loss


def _configuration(work: Work, problem: Problem, log: Path) -> dict[str, Any]:
    lower = list(problem.classifier.parameters())
    upper = list(problem.weights.parameters())
    return {
        "fo_op": None,
        "gm_op": ["NGD", "DI"] if work.truncates else ["NGD"],
        "na_op": ["RAD", "PTT"] if work.truncates else ["RAD"],
        "lower_level_model": problem.classifier,
        "upper_level_model": problem.weights,
        "lower_level_var": lower,
        "upper_level_var": upper,
        "lower_level_opt": torch.optim.SGD(lower, lr=LL_RATE),
        "upper_level_opt": torch.optim.Adam(upper, lr=UL_RATE),
        "lower_iters": work.ll_steps,
        "DI": {"lr": INIT_RATE},
        "GDA": {"alpha_init": 0.0, "alpha_decay": 1.0},
        "RGT": {"truncate_iter": 0},
        "accumulate_grad": False,
        "copy_last_param": False,
        "return_grad": False,
        "device": "cpu",
        "loss_log_path": str(log),
    }


class Contestant:
    """One piece of work, ready to iterate."""

    def __init__(self, work: Work, arrays: Arrays, threads: int, options: dict[str, bool]) -> None:
        torch.set_num_threads(threads)
        self.work = work
        self.problem = Problem(work, arrays)
        self.folder = tempfile.TemporaryDirectory()
        self.configuration = _configuration(work, self.problem, Path(self.folder.name) / "losses.json")
        losses = {
            "lower_level_loss": {"function": f"{__name__}.lower_loss"},
            "upper_level_loss": {"function": f"{__name__}.upper_loss"},
        }
        self.solver = boat_torch.Problem(self.configuration, losses)
        self.solver.build_ll_solver()
        self.solver.build_ul_solver()
        self.iteration = 0

    def reset(self) -> None:
        """Back to the start; not timed."""
        self.problem.reset()

    def iterate(self) -> None:
        """One UL iteration. BOAT does not hand out kbar."""
        feed = {"problem": self.problem}
        self.solver.run_iter(feed, feed, self.iteration)
        self.iteration += 1

    def check(self) -> Check:
        """The hyper-gradient of one iteration, read when BOAT's optimisers are about to use it."""
        global _recorded
        gradients: dict[int, list[torch.Tensor]] = {}

        def keep(optimizer: torch.optim.Optimizer, *_: Any) -> None:
            parameters = optimizer.param_groups[0]["params"]
            gradients[id(parameters[0])] = [parameter.grad.clone() for parameter in parameters]

        handle = register_optimizer_step_pre_hook(keep)
        with torch.no_grad():
            first = self.problem.upper(self.problem.classifier(self.problem.validation)).item()
        _recorded = []
        self.iterate()
        handle.remove()
        values, _recorded = _recorded, None
        return self._result(first, values, gradients)

    def _result(self, first: float, values: list[float], gradients: dict[int, list[torch.Tensor]]) -> Check:
        """`values` holds F at y_1 .. y_K (PTT), at y_kbar, and after the update."""
        steps = self.work.ll_steps
        F = np.full(steps + 1, np.nan)
        F[0], kbar = first, steps
        if self.work.truncates:
            F[1:] = values[:steps]
            kbar = int(np.argmax(F[1:])) + 1
        else:
            F[steps] = values[0]
        gx = flat(gradients[id(self.problem.weights.x)])
        z = next(self.problem.classifier.parameters())
        return Check(kbar, F, gx, flat(gradients[id(z)]) if self.work.truncates else None)
