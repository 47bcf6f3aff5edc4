"""Lean vector mathematics: how wrong it is, what it does at the ends, and that places do not matter."""

import math
from collections.abc import Callable
from functools import cache

import mpmath
import numpy as np
import pytest
import sympy as sp
from numba import njit
from numpy.typing import NDArray

from sneuron.lang import lean
from sneuron.lang.expr import parse
from sneuron.lang.lean import Lean

Array = NDArray[np.float64]
NEAR = 3e-10  # where a removable singularity passes from its series to the formula


@cache
def looped(name: str) -> Callable[[Array, Array], None]:
    f = getattr(lean, name)

    @njit(error_model="numpy")
    def one(x: Array, out: Array) -> None:
        for i in range(x.size):
            out[i] = f(x[i])

    return one


def found(name: str, x: Array) -> Array:
    out = np.empty_like(x)
    looped(name)(x, out)
    return out


EXACT = {
    "exp2_lean": lambda x: mpmath.mpf(2) ** x,
    "exprel_lean": lambda x: mpmath.expm1(x) / x if x else mpmath.mpf(1),
    "exprel_inverse_lean": lambda x: x / mpmath.expm1(x) if x else mpmath.mpf(1),
    "sigmoid_lean": lambda x: 1 / (1 + mpmath.exp(-x)),
    "exp2_rough": lambda x: mpmath.mpf(2) ** x,
}


@pytest.mark.parametrize(
    ("name", "low", "high", "bound"),
    [
        ("exp2_lean", -990.0, 990.0, 3e-12),
        ("exp2_lean", -1e-3, 1e-3, 3e-12),
        ("exprel_lean", -0.05, 0.05, NEAR),
        ("exprel_lean", 0.05, 30.0, 5e-11),
        ("exprel_inverse_lean", -0.05, 0.05, NEAR),
        ("exprel_inverse_lean", -30.0, -0.05, 5e-11),
        ("sigmoid_lean", -80.0, 30.0, 3e-12),
        ("exp2_rough", -20.0, 20.0, 5e-3),
    ],
)
def test_accuracy(name: str, low: float, high: float, bound: float) -> None:
    x = np.random.default_rng(5).uniform(low, high, 4000)
    x[:2] = low, high
    exact = np.array([float(EXACT[name](mpmath.mpf(float(v)))) for v in x])
    assert np.abs(found(name, x) / exact - 1.0).max() < bound


def test_singularities_are_removed() -> None:
    assert found("exprel_lean", np.zeros(1))[0] == 1.0
    assert found("exprel_inverse_lean", np.zeros(1))[0] == 1.0


def test_nothing_is_infinite_and_nan_stays() -> None:
    ends = found("exp2_lean", np.array([-np.inf, -1e9, 1e9, np.inf, np.nan]))
    np.testing.assert_allclose(ends[:4], [2.0**-1000, 2.0**-1000, 2.0**1000, 2.0**1000], rtol=3e-12)
    assert math.isnan(ends[4])


def test_rough_logarithm() -> None:
    x = np.geomspace(1e-300, 1e300, 100_001)
    assert np.abs(found("log2_rough", x) - np.log2(x)).max() < 0.01
    assert found("log2_rough", np.array([0.0]))[0] < -1000.0
    assert np.isfinite(found("log2_rough", np.array([np.nan, np.inf, -1.0]))).all()


@pytest.mark.parametrize("name", [*EXACT, "log2_rough"])
def test_an_element_does_not_depend_on_its_place(name: str) -> None:
    x = np.random.default_rng(3).uniform(-3.0, 3.0, 67)
    whole = found(name, x)
    alone = np.array([found(name, x[k : k + 1])[0] for k in range(x.size)])
    assert whole.tobytes() == alone.tobytes()


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("exp(x)", "exp2_lean((1.4426950408889634 * x))"),
        ("x/exprel(x)", "(x * exprel_inverse_lean(x))"),
        ("sigmoid(x) + log(x)", "(log(x) + sigmoid_lean(x))"),
    ],
)
def test_expressions_are_printed_lean(text: str, printed: str) -> None:
    assert Lean()(parse(text, {"x"}, "test")) == printed


def test_powers_are_printed_as_ever() -> None:
    assert Lean()(sp.Symbol("x", real=True) ** 3) == "((x * x) * x)"
