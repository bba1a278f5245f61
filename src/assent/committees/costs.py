"""What a committee costs: floating-point operations counted in the traced program, bytes, and CPU seconds. JAX.

XLA's own count takes the body of a loop once, however often it runs; here a `scan` counts its body as often as it goes round. A
multiplication and an addition are two operations; moving data is none; a transcendental function is one.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import jax
from jax.extend import core as jaxpr_core

MOVED = frozenset(
    name
    for names in (
        "broadcast_in_dim concatenate convert_element_type copy copy_p dynamic_slice dynamic_update_slice expand_dims gather iota pad",
        "reshape rev scatter slice split squeeze stop_gradient transpose random_bits random_fold_in random_seed random_split",
        "random_unwrap random_wrap threefry2x32 device_put bitcast_convert_type optimization_barrier",
    )
    for name in names.split()
)
"""Primitives that move, draw or reinterpret numbers: no floating-point operations."""


@dataclass(frozen=True)
class Cost:
    """What was spent, or what one use will cost. Costs add up.

    Attributes:
        train_flops: of gradient steps.
        factor_flops: of kernels, their factorisations, and whatever else is paid once for many members.
        member_flops: of drawing members from that.
        infer_flops: of all members' logits for one item.
        num_bytes: of the members as they are kept.
        cpu_s: CPU seconds of all that was spent, compiling left out.

    >>> Cost(train_flops=2.0) + Cost(train_flops=1.0, num_bytes=8)
    Cost(train_flops=3.0, factor_flops=0.0, member_flops=0.0, infer_flops=0.0, num_bytes=8, cpu_s=0.0)
    """

    train_flops: float = 0.0
    factor_flops: float = 0.0
    member_flops: float = 0.0
    infer_flops: float = 0.0
    num_bytes: int = 0
    cpu_s: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))

    @property
    def flops(self) -> float:
        """All that was spent until there were members."""
        return self.train_flops + self.factor_flops + self.member_flops

    def trainings(self, one: Cost) -> float:
        """How many times the operations of `one` were spent.

        >>> Cost(train_flops=3.0, factor_flops=1.0).trainings(Cost(train_flops=2.0))
        2.0
        """
        if one.flops <= 0:
            raise ValueError(
                f"The training to compare with took {one.flops} operations; give the cost of a training of one model."
            )
        return self.flops / one.flops


class Measured(NamedTuple):
    """What a compiled function gave, and what running it took."""

    value: Any
    flops: float
    cpu_s: float


def flops_of(function: Callable[..., Any], *args: Any) -> float:
    """Floating-point operations of `function(*args)`, loops taken as often as they run.

    Args:
        args: arrays, or their shapes (`jax.ShapeDtypeStruct`): nothing is computed.

    Raises:
        ValueError: a `while` loop, of which nobody can say how often it runs.

    >>> import jax.numpy as jnp
    >>> flops_of(lambda a, b: a @ b, jnp.ones((2, 3)), jnp.ones((3, 5)))
    60.0
    >>> flops_of(lambda a: jax.lax.scan(lambda c, _: (c @ c, None), a, length=10)[0], jnp.ones((4, 4)))
    1280.0
    """
    return _flops(jax.make_jaxpr(function)(*args).jaxpr)


class Counted:
    """A compiled function that says what each call takes: operations by `flops_of`, CPU seconds without compiling.

    It compiles once for each combination of shapes.

    >>> import jax.numpy as jnp
    >>> double = Counted(lambda a: a + a)
    >>> double(jnp.ones(3)).value.tolist(), double(jnp.ones(3)).flops
    ([2.0, 2.0, 2.0], 3.0)
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self._jitted = jax.jit(function)
        self._compiled: dict[Any, tuple[Any, float]] = {}

    def __call__(self, *args: Any) -> Measured:
        leaves, tree = jax.tree.flatten(args)
        key = (tree, tuple((jax.numpy.shape(leaf), jax.numpy.result_type(leaf)) for leaf in leaves))
        if key not in self._compiled:
            traced = self._jitted.trace(*args)
            self._compiled[key] = (traced.lower().compile(), _flops(traced.jaxpr.jaxpr))
        compiled, flops = self._compiled[key]
        started = time.process_time()
        value = jax.block_until_ready(compiled(*args))
        return Measured(value, flops, time.process_time() - started)


def bytes_of(tree: Any) -> int:
    """Bytes of all arrays of a pytree."""
    return sum(int(leaf.nbytes) for leaf in jax.tree.leaves(tree) if hasattr(leaf, "nbytes"))


def _flops(jaxpr: Any) -> float:
    return math.fsum(_of_equation(equation) for equation in jaxpr.eqns)


def _of_equation(equation: Any) -> float:
    name, params = equation.primitive.name, equation.params
    if name == "scan":
        return params["length"] * _flops(params["jaxpr"].jaxpr)
    if name == "while":
        raise ValueError(
            "The program has a `while` loop, so nobody can say how many operations it takes; write it as `jax.lax.scan` of known length."
        )
    if name == "cond":
        return max(_flops(branch.jaxpr) for branch in params["branches"])
    if name in _COUNTS:
        return _COUNTS[name](equation)
    inner = [_flops(part) for value in params.values() for part in _jaxprs(value)]
    if inner:
        return math.fsum(inner)
    return 0.0 if name in MOVED else _elementwise(equation)


def _jaxprs(value: Any) -> Iterator[Any]:
    """The programs inside a parameter of a call (`jit`, a custom gradient, a checkpoint)."""
    if isinstance(value, jaxpr_core.ClosedJaxpr):
        yield value.jaxpr
    elif isinstance(value, jaxpr_core.Jaxpr):
        yield value


def _size(variable: Any) -> int:
    return math.prod(variable.aval.shape)


def _elementwise(equation: Any) -> float:
    return float(sum(_size(out) for out in equation.outvars))


def _reduction(equation: Any) -> float:
    return float(sum(_size(given) for given in equation.invars))


def _scattered(equation: Any) -> float:
    return float(_size(equation.invars[2]))


def _dot(equation: Any) -> float:
    (contracted, _), _ = equation.params["dimension_numbers"]
    shared = math.prod(equation.invars[0].aval.shape[axis] for axis in contracted)
    return 2.0 * shared * _size(equation.outvars[0])


def _convolution(equation: Any) -> float:
    kernel = equation.invars[1].aval.shape
    outputs = kernel[equation.params["dimension_numbers"].rhs_spec[0]]
    return 2.0 * _size(equation.outvars[0]) * math.prod(kernel) / outputs


def _cholesky(equation: Any) -> float:
    shape = equation.outvars[0].aval.shape
    return math.prod(shape[:-2]) * shape[-1] ** 3 / 3


def _triangular(equation: Any) -> float:
    return float(_size(equation.outvars[0]) * equation.invars[0].aval.shape[-1])


def _sort(equation: Any) -> float:
    total = sum(_size(given) for given in equation.invars)
    longest = equation.invars[0].aval.shape[equation.params["dimension"]]
    return total * max(1.0, math.log2(max(longest, 1)))


_COUNTS: dict[str, Callable[[Any], float]] = {
    "dot_general": _dot,
    "conv_general_dilated": _convolution,
    "cholesky": _cholesky,
    "triangular_solve": _triangular,
    "sort": _sort,
    "scatter-add": _scattered,
    "scatter-mul": _scattered,
    **dict.fromkeys(
        (
            name
            for names in (
                "reduce_sum reduce_max reduce_min reduce_prod reduce_and reduce_or argmax argmin cumsum cumprod cumlogsumexp cummax",
                "cummin reduce_window_sum reduce_window_max reduce_window select_and_scatter_add select_and_gather_add",
            )
            for name in names.split()
        ),
        _reduction,
    ),
}
