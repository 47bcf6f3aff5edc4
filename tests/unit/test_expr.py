"""Text of the model language: what it means, what is refused, and where the caret points."""

import math
import time

import numpy as np
import pytest
import sympy

from sneuron.errors import ExpressionError
from sneuron.lang import expr
from sneuron.lang.expr import exprel, numpy_value, parse, phi, symbol

NAMES = ["v", "m", "x", "y", "gNa", "na.g", "ENa"]
VALUES = {"v": -52.5, "m": 0.25, "x": 2.0, "y": -3.0, "gNa": 120.0, "na.g": 7.0, "ENa": 50.0}


def value(text: str, **more: float) -> float:
    return float(numpy_value(parse(text, NAMES, "test"), VALUES | more))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2*3", 7.0),
        ("gNa*m**3*(v - ENa)", 120.0 * 0.25**3 * (-52.5 - 50.0)),
        ("-x**2", -4.0),
        ("(-x)**2", 4.0),
        ("2**-3", 0.125),
        ("x - y - 1", 4.0),
        ("x/y/4", 2.0 / -3.0 / 4.0),
        ("- - x", 2.0),
        ("+x", 2.0),
        ("na.g*2", 14.0),
        (".5 + 1.e1 + 2E-1", 10.7),
        ("3**((v - 6.3)/10)", 3 ** ((-52.5 - 6.3) / 10)),
        ("x**0.5", math.sqrt(2)),
        ("pow(x, 3)", 8.0),
        ("exp(m) + log(x) + sqrt(x)", math.exp(0.25) + math.log(2) + math.sqrt(2)),
        ("tanh(m) + sin(x) - cos(y)", math.tanh(0.25) + math.sin(2) - math.cos(-3)),
        ("abs(y) + sign(y) + floor(m - 1)", 3.0 - 1.0 - 1.0),
        ("min(x, y)*10 + max(x, y)", -28.0),
        ("expm1(m) + log1p(m)", math.expm1(0.25) + math.log1p(0.25)),
        ("sigmoid(x)", 1 / (1 + math.exp(-2))),
        ("where(v >= -55 and v < -50, 1, 2)", 1.0),
        ("where(v > 0 or not x == 2, 1, 2)", 2.0),
        ("where(-60 < v <= -52.5, x, y)", 2.0),
        ("where(x != 2, x, y)", -3.0),
        ("2*pi", 2 * math.pi),
        ("x\n + \t y", -1.0),
    ],
)
def test_means_what_it_says(text: str, expected: float) -> None:
    assert value(text) == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize("x", [0.0, 1e-300, -1e-12, 1e-5, -0.5, 1.0, -30.0, 700.0])
def test_exprel_is_exact(x: float) -> None:
    exact = math.expm1(x) / x if x else 1.0
    assert float(numpy_value(exprel(symbol("x")), {"x": x})) == pytest.approx(exact, rel=4e-16)


def test_exprel_far_out_does_not_overflow_to_nan() -> None:
    assert value("exprel(x)", x=-1e9) == pytest.approx(1e-9)
    assert value("1/exprel(x)", x=1e9) == 0.0


@pytest.mark.parametrize("x", [0.0, 1e-9, -1e-3, 0.3, -0.999, 1.0, -5.0, 20.0])
@pytest.mark.parametrize("k", [1, 2, 3])
def test_exponential_remainders(x: float, k: int) -> None:
    import mpmath

    with mpmath.workdps(60):
        exact = float(mpmath.nsum(lambda n: mpmath.mpf(x) ** n / mpmath.factorial(n + k), [0, mpmath.inf], method="d"))
    assert float(numpy_value(phi(symbol("x"), sympy.Integer(k)), {"x": x})) == pytest.approx(exact, rel=1e-13)


@pytest.mark.parametrize(
    "text", ["exprel(x)", "sigmoid(x)", "expm1(x)", "log1p(x)", "abs(x)", "min(x, 1)", "max(x, 1)", "floor(x)"]
)
@pytest.mark.parametrize("x", [-0.7, -1e-3, 0.4, 2.3])
def test_derivatives_are_those_of_finite_differences(text: str, x: float) -> None:
    slope = sympy.diff(parse(text, ["x"], "test"), symbol("x"))
    step = 1e-6
    numeric = (value(text, x=x + step) - value(text, x=x - step)) / (2 * step)
    assert float(numpy_value(slope, {"x": x})) == pytest.approx(numeric, rel=1e-6, abs=1e-8)


@pytest.mark.parametrize(("k", "expected"), [(1, 1 / 2), (2, 1 / 3), (3, 1 / 4)])
def test_derivatives_of_exprel_at_its_removable_singularity(k: int, expected: float) -> None:
    slope = sympy.diff(parse("exprel(x)", ["x"], "test"), symbol("x"), k)
    assert float(numpy_value(slope, {"x": 0.0})) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(
    "text",
    [
        "exprel(x)",
        "sigmoid(x)",
        "expm1(x)",
        "log1p(x)",
        "abs(x)",
        "min(x, 1)",
        "max(x, 1)",
        "floor(x)",
        "sign(x)",
        "where(x < 1, x, 2)",
    ],
)
@pytest.mark.parametrize("x", [0.0, 0.4, 2.3])
def test_sympy_itself_can_evaluate_them(text: str, x: float) -> None:
    exact = parse(text, ["x"], "test").subs(symbol("x"), sympy.Float(x)).evalf()
    assert float(exact) == pytest.approx(value(text, x=x), rel=1e-12)


def test_choices_differentiate_by_branch_and_may_nest() -> None:
    text = "where(x < where(v < 0, x, y), x**2, where(x > 9, 1, 3*x))"
    slope = sympy.diff(parse(text, NAMES, "test"), symbol("x"))
    assert [float(numpy_value(slope, VALUES | {"x": x, "v": 1.0})) for x in (-4.0, 2.0, 10.0)] == [-8.0, 3.0, 0.0]
    assert value(text, x=1.0) == 3.0
    assert parse("where(x < 2, v, y)", NAMES, "test").xreplace({symbol("x"): sympy.Float(3)}) == symbol("y")


def test_choices_of_choices_do_not_unfold() -> None:
    part = " + ".join(f"where(x > {k}, v, y)" for k in range(24))
    start = time.process_time()
    whole = parse(f"where({part} < 1, z, x)", [*NAMES, "z"], "test").xreplace({symbol("z"): symbol("m")})
    assert float(numpy_value(sympy.diff(whole, symbol("m")), VALUES)) == 1.0
    assert time.process_time() - start < 0.5


def test_numbers_are_kept_exactly() -> None:
    assert [float(parse(t, [], "test")) for t in ("0.1", "54.387", "1e-300", "9007199254740993")] == [
        0.1,
        54.387,
        1e-300,
        2.0**53,
    ]


def test_structure_is_kept() -> None:
    assert parse("(v + 40)/10", NAMES, "test").args[0] == parse("v + 40", NAMES, "test")
    assert not parse("x/x", NAMES, "test").is_Number


def test_names_may_be_mapped() -> None:
    assert parse("g*(v - E)", {"g": "gNa", "E": "ENa", "v": "v"}, "test") == parse("gNa*(v - ENa)", NAMES, "test")


def test_arrays_broadcast() -> None:
    found = numpy_value(
        parse("where(x > 0, x*y, -1)", NAMES, "test"), {"x": np.array([[1.0], [-1.0]]), "y": np.arange(3.0)}
    )
    assert found.tolist() == [[0.0, 1.0, 2.0], [-1.0, -1.0, -1.0]]


def test_missing_value_is_named() -> None:
    with pytest.raises(ValueError, match="name 'x' is not known"):
        numpy_value(parse("x", NAMES, "test"), {"y": 1.0})


@pytest.mark.parametrize("text", ["log(x)", "sqrt(x)", "log1p(x)", "x**0.5"])
def test_what_has_no_real_value_is_nan(text: str) -> None:
    assert math.isnan(value(text, x=-2.0))
    constant = parse(text, ["x"], "test").xreplace({symbol("x"): sympy.Float(-2.0)})
    assert math.isnan(float(numpy_value(constant, {})))
    assert math.isnan(float(numpy_value(1 + 2 * constant, {})))


def test_functions_of_other_worlds_are_refused() -> None:
    with pytest.raises(ExpressionError, match="gamma is not a function"):
        numpy_value(sympy.gamma(symbol("x")), {"x": 1.0})


@pytest.mark.parametrize(
    ("text", "place", "part"),
    [
        ("gNa*(V - ENa)", 5, "Did you mean 'v'"),
        ("g_Na*v", 0, "Did you mean 'gNa'"),
        ("na.h", 0, "Did you mean 'na.g'"),
        ("x + foo(v)", 4, "function 'foo' is not known"),
        ("exprell(v)", 0, "Did you mean 'exprel'"),
        ("x^2", 1, "powers are written **"),
        ("x % 2", 2, "floor"),
        ("x +", 2, "no complete expression"),
        ("x/0", 2, "division by zero"),
        ("1 + x**17", 7, "exponent is too large"),
        ("exp(x, y)", 0, "exp takes 1 argument"),
        ("where(x, 1, 2)", 6, "a condition is wanted"),
        ("1 + (x < 2)", 5, "a comparison is no number"),
        ("x + exp", 4, "is a function"),
        ("  x + q", 6, "name 'q'"),
    ],
)
def test_errors_point_to_the_place(text: str, place: int, part: str) -> None:
    with pytest.raises(ExpressionError, match="leak current") as caught:
        parse(text, NAMES, "leak current")
    message = str(caught.value)
    assert part in message
    assert "\n" + " " * place + "^" in message


HOSTILE = [
    "", " ", "()", "9**9**9", "9**9**9**9", "v**2**2**2**2**2", "((x**16)**16)**16", "2**1e9", "1<<10**10", "1<<1",
    "x//2", "x@y", "().__class__.__base__.__subclasses__()", "__import__('os').system('id')", "exec('1')",
    "eval('1')", "open('/etc/passwd')", "v.__class__", "exp.__globals__", "lambda: 1", "[x for x in y]", "{x: 1}",
    "{x}", "[1]", "(x, y)", "x, y", "'a'*10", '"a"', "b'a'", "f'{x}'", "x if v else y", "x := 3", "x = 3", "x; y",
    "import os", "await x", "yield x", "True", "None", "...", "1j", "0x10", "0b1", "1_000*v", "1e999", "-1e999",
    "9" * 400, "NaN", "inf", "nan", "\uff45xp(v)", "v\u00b2", "\u0438x", "v\x00", "v\x0b+1", "v\\\n+1", "# v",
    "v # x", "(" * 50 + "v" + ")" * 50, "(" * 100000, "-" * 1999 + "v", "not " * 400 + "v", "+".join(["v"] * 400),
    "**".join(["v"] * 50), "v" * 3000, "a" * 65, "exp(" * 45 + "v" + ")" * 45, "v.v.v", "v .x", "v..x", "exp(*x)",
    "exp(x=v)", "exp(**x)", "exp()", "min(x)", "min(x, y, v)", "where(v > 0, 1)", "x < y", "not x", "x and y",
    "1 if x", "x x", "2v", "1.2.3", "$v", "v!", "v?", "x is y", "x in y", "where(x < y < v == 1 or, 1, 2)", "\ud800",
    "v;", "v\r", "1e-", "0**-1", "(1 - 1)**-2", "pow(x, 1e3)",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=lambda t: repr(t)[:30])
def test_hostile_text_is_refused_at_once(text: str) -> None:
    start = time.process_time()
    with pytest.raises(ExpressionError):
        parse(text, NAMES, "hostile")
    assert time.process_time() - start < 0.01


@pytest.mark.parametrize("thing", [None, 3, b"v", ["v"], 1.5, True])
def test_only_text_is_read(thing: object) -> None:
    with pytest.raises(ExpressionError, match="is no text"):
        parse(thing, NAMES, "test")


def test_nested_powers_stay_small() -> None:
    deep = parse("((x**4)**4)**16", ["x"], "test")
    assert float(numpy_value(deep, {"x": 1.001})) == pytest.approx(1.001**256)


def test_length_limits_are_those_stated() -> None:
    longest = "+".join(["v"] * 40)
    assert value(longest) == pytest.approx(40 * -52.5)
    assert len(expr.FUNCTIONS) == 17
