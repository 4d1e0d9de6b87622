"""JAX: a whole UL iteration compiled by jax.jit, the K steps a lax.scan.

Full reverse: jax.grad through the scan. PTT: the scan keeps the states y_1 .. y_K and F; a loop of kbar
steps (known only at run time) then pulls the gradient back through each step with jax.vjp. With `fold`
the deep linear classifier's product of matrices is formed first, by hand, so that the rows are
multiplied once.
"""

import os
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from peers.work import INIT_RATE, LL_RATE, UL_RATE, Arrays, Check, Work, layers

VERSIONS = {"jax": jax.__version__}

Layers = list[tuple[jax.Array, jax.Array]]
Rows = tuple[jax.Array, jax.Array]  # rows and one-hot labels

_BETA1, _BETA2, _EPSILON = 0.9, 0.999, 1e-8  # Adam, as PyTorch's defaults


def _fold(y: Layers) -> Layers:
    weights, bias = y[0]
    for next_weights, next_bias in y[1:]:
        weights, bias = next_weights @ weights, next_weights @ bias + next_bias
    return [(weights, bias)]


def _logits(y: Layers, rows: jax.Array, activation: str, fold: bool) -> jax.Array:
    hidden = rows
    for i, (weights, bias) in enumerate(_fold(y) if fold else y):
        if i > 0 and activation == "relu":
            hidden = jax.nn.relu(hidden)
        hidden = hidden @ weights.T + bias
    return hidden


def _losses(logits: jax.Array, one_hot: jax.Array) -> jax.Array:
    return jax.nn.logsumexp(logits, axis=1) - jnp.sum(one_hot * logits, axis=1)


def _adam(x: jax.Array, gx: jax.Array, moments: tuple[jax.Array, jax.Array, jax.Array]) -> tuple[jax.Array, Any]:
    first, second, t = moments
    t = t + 1
    first = _BETA1 * first + (1 - _BETA1) * gx
    second = _BETA2 * second + (1 - _BETA2) * gx * gx
    step = (first / (1 - _BETA1**t)) / (jnp.sqrt(second / (1 - _BETA2**t)) + _EPSILON)
    return x - UL_RATE * step, (first, second, t)


class _Method:
    """The functions of one piece of work."""

    def __init__(self, work: Work, fold: bool) -> None:
        self.work = work
        self.fold = fold

    def upper(self, y: Layers, validation: Rows) -> jax.Array:
        rows, one_hot = validation
        return _losses(_logits(y, rows, self.work.activation, self.fold), one_hot).mean()

    def lower(self, x: jax.Array, y: Layers, train: Rows) -> jax.Array:
        rows, one_hot = train
        return (jax.nn.sigmoid(x) * _losses(_logits(y, rows, self.work.activation, self.fold), one_hot)).mean()

    def step(self, x: jax.Array, y: Layers, train: Rows) -> Layers:
        gradient = jax.grad(self.lower, argnums=1)(x, y, train)
        return jax.tree.map(lambda value, g: value - LL_RATE * g, y, gradient)

    def full_reverse(self, x: jax.Array, z: Layers, train: Rows, validation: Rows) -> tuple[Any, ...]:
        def last_upper(x: jax.Array) -> jax.Array:
            y, _ = jax.lax.scan(lambda y, _: (self.step(x, y, train), None), z, length=self.work.ll_steps)
            return self.upper(y, validation)

        F, gx = jax.value_and_grad(last_upper)(x)
        return self.work.ll_steps, F[None], gx, None

    def truncated(self, x: jax.Array, z: Layers, train: Rows, validation: Rows) -> tuple[Any, ...]:
        def forward(y: Layers, _: None) -> tuple[Layers, tuple[Layers, jax.Array]]:
            y = self.step(x, y, train)
            return y, (y, self.upper(y, validation))

        _, (states, F) = jax.lax.scan(forward, z, length=self.work.ll_steps)
        kbar = jnp.argmax(F) + 1

        def state(k: jax.Array) -> Layers:
            return jax.tree.map(lambda start, kept: jnp.where(k == 0, start, kept[jnp.maximum(k - 1, 0)]), z, states)

        def backward(i: jax.Array, carry: tuple[jax.Array, Layers]) -> tuple[jax.Array, Layers]:
            gx, adjoint = carry
            _, pull_back = jax.vjp(lambda x, y: self.step(x, y, train), x, state(kbar - 1 - i))
            dx, adjoint = pull_back(adjoint)
            return gx + dx, adjoint

        adjoint = jax.grad(self.upper)(state(kbar), validation)
        gx, gz = jax.lax.fori_loop(0, kbar, backward, (jnp.zeros_like(x), adjoint))
        return kbar, F, gx, gz

    def iterate(self, x: jax.Array, z: Layers, moments: Any, train: Rows, validation: Rows) -> tuple[Any, ...]:
        """One UL iteration: x, z and Adam's moments after it, then kbar, F, gx and gz."""
        method = self.truncated if self.work.truncates else self.full_reverse
        kbar, F, gx, gz = method(x, z, train, validation)
        x, moments = _adam(x, gx, moments)
        if gz is not None:
            z = jax.tree.map(lambda value, g: value - INIT_RATE * g, z, gz)
        return x, z, moments, kbar, F, gx, gz


def _use_threads(threads: int) -> None:
    """JAX sizes its pool by the processors it may run on."""
    allowed = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, set(allowed[:threads]))


class Contestant:
    """One piece of work, ready to iterate."""

    def __init__(self, work: Work, arrays: Arrays, threads: int, options: dict[str, bool]) -> None:
        _use_threads(threads)
        jax.config.update("jax_enable_x64", bool(options.get("float64")))
        dtype = np.float64 if options.get("float64") else np.float32
        classes = np.eye(work.sizes[-1], dtype=dtype)
        self.work = work
        self.train = jax.device_put((arrays.train.astype(dtype), classes[arrays.train_labels]))
        self.validation = jax.device_put((arrays.validation.astype(dtype), classes[arrays.validation_labels]))
        self.x = jax.device_put(arrays.x.astype(dtype))
        self.z = jax.device_put(layers(arrays.z.astype(dtype), work.sizes))
        zeros = jnp.zeros_like(self.x)
        self.moments = (zeros, zeros, jnp.zeros((), dtype))
        self.method = _Method(work, bool(options.get("fold")))
        self.compiled = jax.jit(self.method.iterate)

    def reset(self) -> None:
        """Nothing to do: every iteration is given the start."""

    def _run(self) -> tuple[Any, ...]:
        return jax.block_until_ready(self.compiled(self.x, self.z, self.moments, self.train, self.validation))

    def iterate(self) -> int:
        """One UL iteration; returns kbar."""
        _, _, self.moments, kbar, *_ = self._run()
        return int(kbar)

    def check(self) -> Check:
        """The hyper-gradient at the start; compiles what is timed."""
        *_, kbar, values, gx, gz = self._run()
        F = np.full(self.work.ll_steps + 1, np.nan)
        F[0] = jax.jit(self.method.upper)(self.z, self.validation)
        F[len(F) - len(values) :] = values
        flat = None if gz is None else np.concatenate([np.ravel(part) for part in jax.tree.leaves(gz)])
        return Check(int(kbar), F, np.asarray(gx), flat)
