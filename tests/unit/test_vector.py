"""Vector mathematics: accuracy in units of the last place, special values, order, and independence of place."""

import math
from collections.abc import Callable
from functools import cache

import mpmath
import numpy as np
import pytest
from numba import njit
from numpy.typing import NDArray

from sneuron.lang import vector

Array = NDArray[np.floating]
TYPES = [np.float64, np.float32]
NAN, INF = math.nan, math.inf

EXACT: dict[str, Callable[..., mpmath.mpf]] = {
    "exp": mpmath.exp,
    "expm1": mpmath.expm1,
    "exprel": lambda x: mpmath.expm1(x) / x if x else mpmath.mpf(1),
    "exprel_inverse": lambda x: x / mpmath.expm1(x) if x else mpmath.mpf(1),
    "decay": lambda x: mpmath.expm1(x) / x if x else mpmath.mpf(1),
    "decay_near": lambda x: mpmath.expm1(x) / x if x else mpmath.mpf(1),
    "log": mpmath.log,
    "log1p": mpmath.log1p,
    "tanh": mpmath.tanh,
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "sin": mpmath.sin,
    "cos": mpmath.cos,
    "sqrt": mpmath.sqrt,
    "pow": mpmath.power,
}

BOUNDS = [  # function, from, to, largest error in eps: float64, float32
    ("exp", -700.0, 700.0, 1.2, None),
    ("exp", -85.0, 85.0, 1.2, 1.2),
    ("exp", -1e-3, 1e-3, 1.0, 1.0),
    ("expm1", -1.0, 1.0, 1.5, 1.5),
    ("expm1", -40.0, 40.0, 1.5, 1.5),
    ("expm1", -1e-6, 1e-6, 1.0, 1.0),
    ("exprel", -1.0, 1.0, 2.2, 2.2),
    ("exprel", -30.0, 30.0, 2.2, 2.2),
    ("exprel_inverse", -1.0, 1.0, 2.2, 2.2),
    ("exprel_inverse", -30.0, 30.0, 2.2, 2.2),
    ("decay", -2.0, 2.0, 4.5, 4.5),
    ("decay", -60.0, 10.0, 4.5, 4.5),
    ("decay_near", -2.0, 2.0, 4.5, 4.5),
    ("log", 1e-30, 1e30, 1.2, 1.2),
    ("log", 0.9, 1.1, 1.2, 1.2),
    ("log", 0.999, 1.001, 1.2, 1.2),
    ("log1p", -0.5, 0.5, 2.0, 2.0),
    ("log1p", -1e-6, 1e-6, 2.0, 2.0),
    ("log1p", 1.0, 1e6, 2.0, 2.0),
    ("tanh", -5.0, 5.0, 3.0, 3.0),
    ("tanh", -1e-3, 1e-3, 3.0, 3.0),
    ("tanh", 8.0, 25.0, 2.0, 2.0),
    ("sigmoid", -80.0, 30.0, 3.0, 3.0),
    ("sin", -100.0, 100.0, 1.5, 1.5),
    ("cos", -1000.0, 1000.0, 1.5, 1.5),
    ("sqrt", 0.0, 1e10, 0.51, 0.51),
]


@cache
def looped(name: str, arguments: int = 1) -> Callable[..., None]:
    """The function applied to every element, as a kernel does it."""
    f = getattr(vector, name)

    @njit(error_model="numpy")
    def one(x: Array, out: Array) -> None:
        for i in range(x.size):
            out[i] = f(x[i])

    @njit(error_model="numpy")
    def two(x: Array, y: Array, out: Array) -> None:
        for i in range(x.size):
            out[i] = f(x[i], y[i])

    @njit(error_model="numpy")
    def three(x: Array, y: Array, z: Array, out: Array) -> None:
        for i in range(x.size):
            out[i] = f(x[i], y[i], z[i])

    return (one, two, three)[arguments - 1]


def apply(name: str, *arrays: Array) -> Array:
    out = np.empty_like(arrays[0])
    looped(name, len(arrays))(*arrays, out)
    return out


def exactly(name: str, *arrays: Array) -> list[mpmath.mpf]:
    with mpmath.workprec(120):
        return [EXACT[name](*(mpmath.mpf(float(v)) for v in row)) for row in zip(*arrays, strict=True)]


def error_in_eps(found: Array, expected: list[mpmath.mpf]) -> float:
    eps = float(np.finfo(found.dtype).eps)
    with mpmath.workprec(120):
        return (
            max(float(abs(mpmath.mpf(float(f)) - e) / (abs(e) or 1)) for f, e in zip(found, expected, strict=True))
            / eps
        )


def spread(low: float, high: float, kind: type, n: int = 800) -> Array:
    rng = np.random.default_rng(17)
    if low > 0 and high / low > 1e6:
        return np.exp(rng.uniform(math.log(low), math.log(high), n)).astype(kind)
    return rng.uniform(low, high, n).astype(kind)


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize(("name", "low", "high", "wide", "narrow"), BOUNDS)
def test_accuracy(name: str, low: float, high: float, wide: float, narrow: float | None, kind: type) -> None:
    bound = wide if kind is np.float64 else narrow
    if bound is None:  # beyond what the type can hold
        assert np.isinf(apply(name, np.array([high], dtype=kind))).all()
        return
    x = spread(low, high, kind)
    expected = exactly(name, x)
    keep = [k for k, e in enumerate(expected) if name not in ("sin", "cos") or abs(e) > 1e-3]
    assert error_in_eps(apply(name, x)[keep], [expected[k] for k in keep]) <= bound


@pytest.mark.parametrize("kind", TYPES)
def test_sines_near_their_zeros_are_right_to_the_last_place_of_one(kind: type) -> None:
    x = np.array([k * math.pi / 2 for k in range(-40, 41)], dtype=kind)
    for name in ("sin", "cos"):
        expected = np.array([float(e) for e in exactly(name, x)])
        assert np.abs(apply(name, x) - expected).max() <= 1.5 * np.finfo(kind).eps


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("power", [-3.3, -2.0, -0.5, 0.1, 1 / 3, 1.5, 2.0, 3.0, 5.7])
def test_pow(power: float, kind: type) -> None:
    x = spread(1e-3, 1e3, kind)
    y = np.full_like(x, power)
    growth = 2 + abs(power) * 7.0  # y log x is rounded before it is raised
    assert error_in_eps(apply("pow", x, y), exactly("pow", x, y)) <= 2 * growth


@pytest.mark.parametrize("kind", TYPES)
def test_exprel_from_a_known_exponential(kind: type) -> None:
    x = np.concatenate([spread(-0.3, 0.3, kind), spread(-30.0, 30.0, kind), np.zeros(1, kind)])
    e = np.exp(x.astype(np.float64)).astype(kind)
    near = 40.0  # e - 1 loses digits just outside the series
    assert error_in_eps(apply("exprel_from", x, e), exactly("exprel", x)) <= near
    assert error_in_eps(apply("exprel_inverse_from", x, e), exactly("exprel_inverse", x)) <= near
    assert apply("exprel_from", x, e)[-1] == 1.0
    assert apply("exprel_inverse_from", x, e)[-1] == 1.0


SPECIAL = [
    ("exp", [0.0, -0.0, INF, -INF, 1e4, -1e4], [1.0, 1.0, INF, 0.0, INF, 0.0]),
    ("expm1", [0.0, -0.0, INF, -INF, -1e4], [0.0, -0.0, INF, -1.0, -1.0]),
    ("exprel", [0.0, -0.0, -INF], [1.0, 1.0, 0.0]),
    ("exprel_inverse", [0.0, -0.0, INF, -INF], [1.0, 1.0, NAN, INF]),
    ("decay", [0.0, -0.0, -INF], [1.0, 1.0, 0.0]),
    ("log", [1.0, 0.0, -0.0, INF, -1.0, -INF], [0.0, -INF, -INF, INF, NAN, NAN]),
    ("log1p", [0.0, -1.0, INF, -2.0], [0.0, -INF, INF, NAN]),
    ("tanh", [0.0, -0.0, INF, -INF, 1e4, -1e4], [0.0, -0.0, 1.0, -1.0, 1.0, -1.0]),
    ("sigmoid", [0.0, INF, -INF], [0.5, 1.0, 0.0]),
    ("sin", [0.0, INF], [0.0, NAN]),
    ("cos", [0.0, INF], [1.0, NAN]),
    ("sqrt", [0.0, 4.0, INF, -1.0], [0.0, 2.0, INF, NAN]),
    ("fabs", [-0.0, -3.5, -INF], [0.0, 3.5, INF]),
    ("floor", [1.5, -1.5, -0.0], [1.0, -2.0, -0.0]),
    ("sign", [3.0, -2.0, 0.0, INF, -INF], [1.0, -1.0, 0.0, 1.0, -1.0]),
]


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize(("name", "given", "expected"), SPECIAL, ids=[s[0] for s in SPECIAL])
def test_special_values(name: str, given: list[float], expected: list[float], kind: type) -> None:
    found = apply(name, np.array(given, dtype=kind))
    np.testing.assert_array_equal(found, np.array(expected, dtype=kind))


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("name", sorted(set(EXACT) - {"pow"} | {"fabs", "floor", "sign"}))
def test_nan_goes_in_nan_comes_out(name: str, kind: type) -> None:
    assert np.isnan(apply(name, np.array([NAN, -NAN], dtype=kind))).all()


@pytest.mark.parametrize("kind", TYPES)
def test_pow_at_the_edges(kind: type) -> None:
    x, y = (np.array(v, dtype=kind) for v in ([0, 0, 0, 2, -2, NAN, 1, 5, 0.0], [0, 2, -1, 0.5, 2, 1, 700, 0, NAN]))
    expected = np.array([1, 0, INF, math.sqrt(2), NAN, NAN, 1, 1, NAN], dtype=kind)
    np.testing.assert_allclose(apply("pow", x, y), expected, rtol=4 * float(np.finfo(kind).eps))


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize(
    ("name", "low", "high"),
    [("exp", -20.0, 20.0), ("expm1", -3.0, 3.0), ("log", 0.01, 10.0), ("tanh", -4.0, 4.0), ("exprel", -4.0, 4.0),
     ("sigmoid", -9.0, 9.0), ("decay", -6.0, 6.0)],
)  # fmt: skip
def test_growing_functions_grow(name: str, low: float, high: float, kind: type) -> None:
    found = apply(name, np.linspace(low, high, 100_001).astype(kind)).astype(np.float64)
    fall = np.diff(found) / np.maximum(np.abs(found[1:]), 1e-9)
    assert fall.min() >= -6 * np.finfo(kind).eps


@pytest.mark.parametrize("kind", TYPES)
def test_a_short_form_has_the_bits_of_the_long_one_where_it_is_valid(kind: type) -> None:
    x = np.concatenate([spread(-2.0, 2.0, kind, 20_000), np.array([-2.0, 2.0, 0.0, -0.0], dtype=kind)])
    np.testing.assert_array_equal(apply("decay", x), apply("decay_near", x))


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("name", sorted(set(EXACT) - {"pow"}))
def test_bits_do_not_depend_on_place_or_length(name: str, kind: type) -> None:
    x = spread(0.01, 3.0, kind, 301)
    whole = apply(name, x)
    for start, stop in ((0, 1), (1, 8), (3, 40), (5, 301), (298, 301)):
        np.testing.assert_array_equal(apply(name, x[start:stop].copy()), whole[start:stop])
    np.testing.assert_array_equal(apply(name, x[::-1].copy())[::-1], whole)


@pytest.mark.parametrize("kind", TYPES)
def test_fused_and_chosen(kind: type) -> None:
    a, b, c = (spread(-3.0, 3.0, kind, 200) for _ in range(3))
    c = c[::-1].copy()
    with mpmath.workprec(200):
        exact = [mpmath.mpf(float(x)) * float(y) + float(z) for x, y, z in zip(a, b, c, strict=True)]
        np.testing.assert_array_equal(apply("fma", a, b, c), np.array([kind(float(e)) for e in exact]))
    np.testing.assert_array_equal(apply("fmin", a, c), np.minimum(a, c))
    np.testing.assert_array_equal(apply("fmax", a, c), np.maximum(a, c))


def test_flags_add_up_and_choices_choose() -> None:
    @njit(error_model="numpy")
    def both(x: Array) -> tuple[int, float]:
        flags = np.int32(0)
        for i in range(x.size):
            flags = vector.raise_flag(flags, x[i] > 1.0, np.int32(1))
            flags = vector.raise_flag(flags, x[i] < -1.0, np.int32(2))
        return flags, vector.either(x[0] > 0.0, x[0], -x[0])

    assert both(np.array([-0.5, 0.0])) == (0, 0.5)
    assert both(np.array([0.5, 2.0])) == (1, 0.5)
    assert both(np.array([2.0, -2.0])) == (3, 2.0)
